package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// restoresTo fails unless restoring id gives exactly the state.
func (s *sample) restoresTo(t testing.TB, store Store, id, want string, keys Keys) {
	t.Helper()
	done, err := Restore(t.Context(), store, id, s.target(), RestoreOptions{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.state(t); got != want {
		t.Errorf("the restored state differs:\n%s", firstDifference(want, got))
	}
	if _, err := Discard(t.Context(), s.target(), done.Journal); err != nil {
		t.Fatal(err)
	}
}

func TestAChainOfFiveIncrementalBackupsRestoresEachState(t *testing.T) {
	s := newSampleOf(t, "chain", smallOptions)
	store := newStore(t)
	var ids, states []string
	for i := range 5 {
		if i > 0 {
			cluster.SQL(t, s.db, fmt.Sprintf("UPDATE posts SET message = 'edit %d' WHERE id IN (SELECT id FROM posts ORDER BY id LIMIT %d)", i, i*10))
			dir := filepath.Join(s.dir, "2026", fmt.Sprint(i))
			if err := os.MkdirAll(dir, 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "new.txt"), bytes.Repeat([]byte{byte('a' + i)}, 5000*i), 0o640); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(s.dir, "2026", fmt.Sprint(i-2))); err != nil {
				t.Fatal(err)
			}
		}
		states = append(states, s.state(t))
		res := mustCreate(t, store, s.src, CreateOptions{Base: LatestBase})
		if i > 0 && (res.Reused < 100_000 || len(res.Manifest.Parents) == 0) {
			t.Errorf("backup %d reused %d bytes of %v", i, res.Reused, res.Manifest.Parents)
		}
		ids = append(ids, res.ID)
		mustVerify(t, store, res.ID, VerifyOptions{})
	}
	for _, i := range []int{4, 0, 2} {
		s.destroy(t)
		s.restoresTo(t, store, ids[i], states[i], Keys{})
	}
	if err := store.Delete(t.Context(), ids[0]+"/"+manifestName); err != nil {
		t.Fatal(err)
	}
	res, err := Verify(t.Context(), store, ids[4], VerifyOptions{})
	if err != nil || res.Sound || res.Findings[0].ID != "parent-missing" {
		t.Errorf("verify without the parent: %+v, %v", res, err)
	}
	if _, err := Restore(t.Context(), store, ids[4], s.target(), RestoreOptions{}); err == nil || !strings.Contains(err.Error(), ids[0]) {
		t.Errorf("restore without the parent: %v", err)
	}
}

func TestEncryptedBackupsOpenWithIdentityOrPassphraseAndNothingElse(t *testing.T) {
	s := newSampleOf(t, "enc", smallOptions)
	before := s.state(t)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	pub, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	private, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := ParseRecipients(strings.NewReader("# mine\n" + id.Recipient().String() + "\n" + string(pub)))
	if err != nil {
		t.Fatal(err)
	}
	ssh, err := ParseIdentities(bytes.NewReader(private))
	if err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	first := mustCreate(t, store, s.src, CreateOptions{Encrypt: Encrypt{Recipients: recipients}})
	second := mustCreate(t, store, s.src, CreateOptions{Encrypt: Encrypt{Passphrase: "correct horse"}})
	third := mustCreate(t, store, s.src, CreateOptions{Encrypt: Encrypt{Recipients: recipients}, Base: first.ID, Keys: Keys{Identities: ssh}})
	if third.Reused < 100_000 {
		t.Errorf("the incremental encrypted backup reused %d bytes", third.Reused)
	}
	for name, c := range map[string]struct {
		id   string
		keys Keys
		open bool
	}{
		"age identity":         {first.ID, Keys{Identities: []age.Identity{id}}, true},
		"ssh identity":         {first.ID, Keys{Identities: ssh}, true},
		"another identity":     {first.ID, Keys{Identities: []age.Identity{other}}, false},
		"nothing":              {first.ID, Keys{}, false},
		"passphrase":           {second.ID, Keys{Passphrase: "correct horse"}, true},
		"wrong passphrase":     {second.ID, Keys{Passphrase: "wrong"}, false},
		"incremental with age": {third.ID, Keys{Identities: []age.Identity{id}}, true},
	} {
		_, err := ReadDocument(t.Context(), store, c.id, "config.json", c.keys)
		if c.open != (err == nil) || !c.open && !errors.Is(err, ErrNoIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := mustVerify(t, store, second.ID, VerifyOptions{})
	if v.Findings[0].ID != "not-opened" || v.Parts != v.Of {
		t.Errorf("blind verification: %+v", v)
	}
	if v := mustVerify(t, store, second.ID, VerifyOptions{Keys: Keys{Passphrase: "correct horse"}}); v.Files != int64(second.Files) {
		t.Errorf("opened verification: %+v", v)
	}
	s.destroy(t)
	s.restoresTo(t, store, third.ID, before, Keys{Identities: ssh})
	s.destroy(t)
	s.restoresTo(t, store, second.ID, before, Keys{Passphrase: "correct horse"})
	err = filepath.WalkDir(store.Dir(), func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if bytes.Contains(data, []byte("old.example.com")) || bytes.Contains(data, []byte("teams/noteam")) {
			t.Errorf("%s holds plain text", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// documented makes a backup with the documented commands.
func (s *sample) documented(t testing.TB, args ...string) (dump, data string) {
	t.Helper()
	dir := t.TempDir()
	dump, data = filepath.Join(dir, "mattermost_dbdump_2026-11-21.sql.gz"), filepath.Join(dir, "mattermost_data_2026-11-21.gz")
	script := fmt.Sprintf("set -e -o pipefail; %s/pg_dump %s -h %s -p %d -U postgres %s | gzip > %s; tar -zcf %s -C %s data config.json",
		cluster.BinDir, strings.Join(args, " "), cluster.SocketDir, cluster.Port, s.db, dump, data, filepath.Dir(s.dir))
	if out, err := exec.Command("bash", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dump, data
}

// wholeSeconds cuts the times to what a tar of the documented command keeps.
func (s *sample) wholeSeconds(t testing.TB) {
	t.Helper()
	out, err := exec.Command("find", s.dir, "-exec", "touch", "-h", "-d", "2026-01-02 03:04:05", "{}", "+").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestImportedFilesOfTheDocumentedCommandsRestore(t *testing.T) {
	s := newSampleOf(t, "imp", smallOptions)
	s.wholeSeconds(t)
	before := s.state(t)
	dump, data := s.documented(t)
	store := newStore(t)
	res, err := Import(t.Context(), store, []string{data, dump}, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, store, res.ID, VerifyOptions{})
	s.destroy(t)
	s.restoresTo(t, store, res.ID, before, Keys{})

	custom := filepath.Join(t.TempDir(), "x.dump")
	out, err := exec.Command(filepath.Join(cluster.BinDir, "pg_dump"), "-Fc", "-h", cluster.SocketDir, "-p", fmt.Sprint(cluster.Port), "-U", "postgres", "-f", custom, s.db).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if res, err = Import(t.Context(), store, []string{custom, data}, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	s.destroy(t)
	s.restoresTo(t, store, res.ID, before, Keys{})

	// One tar with everything: a dump beside the volumes of mattermost/docker.
	box := t.TempDir()
	out, err = exec.Command("bash", "-c", fmt.Sprintf("set -e; mkdir -p %[1]s/volumes/app/mattermost/{config,logs}; cp -a %[2]s %[1]s/volumes/app/mattermost/data; cp %[3]s %[1]s/volumes/app/mattermost/config/; echo x >%[1]s/volumes/app/mattermost/logs/mattermost.log; cp %[4]s %[1]s/db.sql.gz; tar -C %[1]s -cf - . | zstd -q > %[1]s/all.tar.zst",
		box, s.dir, filepath.Join(filepath.Dir(s.dir), "config.json"), dump)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if res, err = Import(t.Context(), store, []string{filepath.Join(box, "all.tar.zst")}, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	ignored := 0
	for _, f := range res.Findings {
		if f.ID == "import-ignored" && strings.HasSuffix(f.Where, "mattermost.log") {
			ignored++
		}
	}
	if ignored != 1 {
		t.Errorf("findings %+v", res.Findings)
	}
	s.destroy(t)
	s.restoresTo(t, store, res.ID, before, Keys{})
}

func TestImportRefusesWhatIsCutOffOrHostile(t *testing.T) {
	s := newSampleOf(t, "imx", smallOptions)
	dump, data := s.documented(t)
	dir := t.TempDir()
	cut := func(name, from string, n int64) string {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, text[:int64(len(text))-n], 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	shell := func(name, script string) string {
		p := filepath.Join(dir, name)
		if out, err := exec.Command("bash", "-c", "set -e -o pipefail; "+strings.NewReplacer("$IN", dump, "$OUT", p).Replace(script)).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		return p
	}
	evil := func(name string, h *tar.Header) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		h.Mode = 0o644
		if err := errors.Join(w.WriteHeader(h), w.Close()); err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	store := newStore(t)
	for _, c := range []struct{ file, want, why string }{
		{cut("a.sql.gz", dump, 20), "cut off", "gzip stops before its checksum"},
		{cut("b.gz", data, 1000), "cut off", "the same for the data"},
		{shell("c.sql.gz", "zcat $IN | head -n -12 | gzip > $OUT"), "end", "pg_dump died, gzip did not notice"},
		{shell("d.sql.gz", "(zcat $IN | head -c 60000 || true) | gzip > $OUT"), "cut off", "cut within rows, gzip complete"},
		{shell("e.sql.gz", "(zcat $IN; echo 'DROP TABLE posts;') | gzip > $OUT"), "follows its end", "something was added"},
		{shell("f.sql", "zcat $IN | sed 's/^COPY public.posts/\\\\! true\\n&/' > $OUT"), "psql command", "a shell command in the dump"},
		{shell("g", "head -c 3000 /dev/urandom | base64 > $OUT"), "neither", "no backup at all"},
		{evil("h.tar", &tar.Header{Name: "data/../../etc/passwd", Typeflag: tar.TypeReg}), "leaves its directory", "path traversal"},
		{evil("i.tar", &tar.Header{Name: "/data/x", Typeflag: tar.TypeReg}), "leaves its directory", "absolute path"},
		{evil("j.tar", &tar.Header{Name: "data/null", Typeflag: tar.TypeChar}), "device", "device file"},
		{evil("k.tar", &tar.Header{Name: "data/l", Typeflag: tar.TypeSymlink, Linkname: "../../etc"}), "points out of its tree", "link out of the tree"},
		{evil("l.tar", &tar.Header{Name: "data/l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}), "hard link", "hard link to anything"},
	} {
		_, err := Import(t.Context(), store, []string{c.file}, ImportOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s (%s): error %v, want %q in it", filepath.Base(c.file), c.why, err, c.want)
		}
	}
	if list, err := store.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("refused imports left %v, %v", list, err)
	}
}

func TestExportedTarUnpacksToAStoreAndHandRecipeRestores(t *testing.T) {
	s := newSample(t, "hand")
	store := newStore(t)
	mustCreate(t, store, s.src, CreateOptions{})
	if err := os.WriteFile(filepath.Join(s.dir, "later"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.dir, "later")); err != nil {
		t.Fatal(err)
	}
	res := mustCreate(t, store, s.src, CreateOptions{Base: LatestBase})
	var b bytes.Buffer
	if err := Export(t.Context(), store, res.ID, &b); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command("tar", "-x", "-C", dir)
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	copied, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, copied, res.ID, VerifyOptions{})

	// Every line of RESTORE.txt that is indented by four is run, with the
	// capital words replaced.
	text, err := os.ReadFile(filepath.Join(dir, res.ID, recipeName))
	if err != nil {
		t.Fatal(err)
	}
	target := t.TempDir()
	script := "set -e -o pipefail\n"
	for line := range strings.SplitSeq(string(text), "\n") {
		if cmd, ok := strings.CutPrefix(line, "    "); ok && !strings.Contains(line, "config/") && !strings.HasPrefix(line, "    data   ") {
			script += cmd + "\n"
		}
	}
	script = strings.NewReplacer("TARGET", target, "ROLE", "hand_role", "NEWDB", "hand_new").Replace(script)
	run := exec.Command("bash", "-c", script)
	run.Dir = filepath.Join(dir, res.ID)
	run.Env = append(os.Environ(), "PATH="+cluster.BinDir+":"+os.Getenv("PATH"), "PGHOST="+cluster.SocketDir, "PGPORT="+fmt.Sprint(cluster.Port), "PGUSER=postgres")
	out, err := run.CombinedOutput()
	if err != nil || strings.Contains(string(out), "FAILED") {
		t.Fatalf("the recipe failed: %v: %s\n%s", err, out, script)
	}
	if got, want := fingerprint(t, s.dsn("hand_new")), fingerprint(t, s.dsn("hand")); got != want {
		t.Errorf("database by hand differs:\n%s", firstDifference(want, got))
	}
	diff, err := exec.Command("diff", "-r", "--no-dereference", s.dir, filepath.Join(target, "data")).CombinedOutput()
	if err != nil {
		t.Errorf("files by hand differ: %s", diff)
	}
}

func TestRehearsalProvesABackupAndCleansUp(t *testing.T) {
	s := newSample(t, "reh")
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	scratch := t.TempDir()
	o := RehearseOptions{AdminDSN: Secret(s.dsn("postgres")), ScratchDir: scratch}
	got, err := Rehearse(t.Context(), store, LatestBase, o)
	if err != nil {
		t.Fatal(err)
	}
	if !got.OK || got.Rows != res.Manifest.rows() || got.Files != 153 || got.References.Checked != 132 {
		t.Errorf("%+v", got)
	}
	clean := func() {
		t.Helper()
		if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
			t.Errorf("scratch directory: %v, %v", left, err)
		}
		if n := cluster.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'mmbackup%'"); n != "0" {
			t.Errorf("%s scratch databases are left", n)
		}
	}
	clean()
	// A pack that is replaced by one with other content must be found.
	p := filepath.Join(store.Dir(), res.ID, res.Manifest.Files.Packs[0].Name)
	data, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = Rehearse(t.Context(), store, res.ID, o)
	if err != nil || got.OK {
		t.Errorf("a damaged backup rehearsed well: %+v, %v", got, err)
	}
	clean()
}

func TestExtractGivesOnePathWithoutTouchingAnything(t *testing.T) {
	s := newSample(t, "ext")
	store := newStore(t)
	res := mustCreate(t, store, Source{Trees: s.src.Trees}, CreateOptions{})
	to := filepath.Join(t.TempDir(), "out")
	files, _, err := Extract(t.Context(), store, res.ID, "data/users", to, Keys{})
	if err != nil || files != 20 {
		t.Fatalf("%d files, %v", files, err)
	}
	if out, err := exec.Command("diff", "-r", filepath.Join(s.dir, "users"), filepath.Join(to, "users")).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
	if _, _, err := Extract(t.Context(), store, res.ID, "data/users", to, Keys{}); err == nil {
		t.Error("an existing directory was written to")
	}
	if _, _, err := Extract(t.Context(), store, res.ID, "data/none", to+"2", Keys{}); err == nil || exists(to+"2") {
		t.Errorf("nothing to extract: %v", err)
	}
}

func TestPrunePlans(t *testing.T) {
	at := func(day string, n int) string {
		return strings.ReplaceAll(day, "-", "") + fmt.Sprintf("T0%d0000Z-0000", n)
	}
	var list []Info
	for d := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC); d.Before(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)); d = d.AddDate(0, 0, 1) {
		list = append(list, Info{ID: at(d.Format("2006-01-02"), 1), Stored: 1})
	}
	for _, c := range []struct {
		why    string
		list   []Info
		r      Retention
		keep   []string
		number int
	}{
		{"no rule deletes nothing", list, Retention{}, nil, len(list)},
		{"the last three", list, Retention{Last: 3}, []string{at("2026-11-20", 1), at("2026-11-18", 1)}, 3},
		{"days, weeks and months overlap", list, Retention{Daily: 7, Weekly: 4, Monthly: 3}, []string{at("2026-09-30", 1), at("2026-10-31", 1), at("2026-11-15", 1)}, 11},
		{"the minimum beats the rules", list[:2], Retention{Monthly: 1, Minimum: 5}, nil, 2},
		{"the only good backup stays", []Info{{ID: at("2026-01-01", 1)}, {ID: at("2026-01-02", 1), Problem: "damaged"}}, Retention{Last: 1}, []string{at("2026-01-01", 1), at("2026-01-02", 1)}, 2},
		{"an unusable one goes when a newer is good", []Info{{ID: at("2026-01-01", 1), Problem: "damaged"}, {ID: at("2026-01-02", 1)}}, Retention{Last: 5}, []string{at("2026-01-02", 1)}, 1},
		{"permanent stays", []Info{{ID: at("2025-01-01", 1), Permanent: true}, {ID: at("2026-01-02", 1)}, {ID: at("2026-01-03", 1)}}, Retention{Last: 1}, []string{at("2025-01-01", 1)}, 2},
		{"a parent stays as long as its child", []Info{{ID: at("2025-01-01", 1)}, {ID: at("2026-01-02", 1)}, {ID: at("2026-01-03", 1), Parents: []string{at("2025-01-01", 1)}}}, Retention{Last: 1}, []string{at("2025-01-01", 1)}, 2},
		{"nothing usable at all: nothing goes", []Info{{ID: at("2026-01-01", 1), Problem: "x"}, {ID: at("2026-01-02", 1), Problem: "x"}}, Retention{Last: 1}, nil, 2},
	} {
		plan, err := PlanPrune(c.list, c.r)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]bool{}
		for _, k := range plan.Keep {
			kept[k.ID] = true
		}
		for _, id := range c.keep {
			if !kept[id] {
				t.Errorf("%s: %s is not kept", c.why, id)
			}
		}
		if len(plan.Keep) != c.number || len(plan.Keep)+len(plan.Delete) != len(c.list) {
			t.Errorf("%s: %d kept, %d deleted, want %d kept", c.why, len(plan.Keep), len(plan.Delete), c.number)
		}
	}
}

func TestPruneLeavesChainsWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	var last *Result
	for i := range 4 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(fmt.Sprint("file ", i)), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond) // so that the file is older than the backup
		last = mustCreate(t, store, Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}, CreateOptions{Base: LatestBase})
	}
	full := mustCreate(t, store, Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}, CreateOptions{})
	if _, err := Prune(t.Context(), store, Retention{Last: 2}); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, store, last.ID, VerifyOptions{})
	if _, err := Prune(t.Context(), store, Retention{Last: 1}); err != nil {
		t.Fatal(err)
	}
	list, err := List(t.Context(), store)
	if err != nil || len(list) != 1 || list[0].ID != full.ID {
		t.Errorf("left: %+v, %v", list, err)
	}
}

func TestCopyResumesAfterAnInterruption(t *testing.T) {
	s := newSampleOf(t, "cpy", smallOptions)
	from, to := newStore(t), newStore(t)
	res := mustCreate(t, from, s.src, CreateOptions{})
	broken := &failingStore{Store: to, failAt: 6}
	if _, err := Copy(t.Context(), from, broken, res.ID, nil); !errors.Is(err, errInjected) {
		t.Fatalf("error %v, want the injected one", err)
	}
	if list, err := List(t.Context(), to); err != nil || len(list) != 1 || list[0].Problem == "" {
		t.Errorf("an interrupted copy looks finished: %+v, %v", list, err)
	}
	got, err := Copy(t.Context(), from, to, res.ID, nil)
	if err != nil || got.Skipped == 0 || got.Objects == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	mustVerify(t, to, res.ID, VerifyOptions{})
}
