package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// killEnv makes the test binary a victim: it runs one operation and kills
// itself at a named point.
const killEnv = "BACKUP_TEST_VICTIM"

// victim is what the child process does, as JSON in killEnv.
type victim struct {
	Op       string // create, restore, rollback, prune, rehearse
	Point    string
	Nth      int // the point's how manieth visit kills
	Store    string
	ID       string
	DSN, Dir string
	PgDump   string
	Defer    bool
}

func runVictim() int {
	var v victim
	if err := json.Unmarshal([]byte(os.Getenv(killEnv)), &v); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	var mu sync.Mutex
	seen := 0
	hook := func(point string) {
		mu.Lock()
		defer mu.Unlock()
		if point != v.Point {
			return
		}
		if seen++; seen >= max(1, v.Nth) {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	store, err := OpenDir(v.Store)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	s := &sample{dir: v.Dir, src: Source{DSN: Secret(v.DSN), Trees: []Tree{{Name: DataTree, Dir: v.Dir}},
		Documents: []DocumentSource{{Name: "config.json", Path: filepath.Join(filepath.Dir(v.Dir), "config.json")}}}}
	ctx := context.Background()
	switch v.Op {
	case "create":
		_, err = Create(ctx, store, s.src, CreateOptions{hook: hook, PgDump: v.PgDump})
	case "restore":
		_, err = Restore(ctx, store, v.ID, s.target(), RestoreOptions{hook: hook, DeferFullText: v.Defer})
	case "rollback":
		_, err = rollbackHooked(ctx, s.target(), "", hook)
	case "prune":
		_, err = pruneHooked(ctx, store, Retention{Last: 1}, hook)
	case "rehearse":
		_, err = Rehearse(ctx, store, v.ID, RehearseOptions{AdminDSN: Secret(v.DSN), ScratchDir: filepath.Join(filepath.Dir(v.Dir), "scratch"), hook: hook})
	}
	fmt.Fprintf(os.Stderr, "the point %q was not reached: %v\n", v.Point, err)
	return 4
}

// kill runs v in a child and fails unless the child was killed at its point.
func kill(t *testing.T, v victim) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s at %s: %v: %s", v.Op, v.Point, err, out)
	}
}

func (s *sample) victim(store *DirStore, op, point string) victim {
	return victim{Op: op, Point: point, Store: store.Dir(), DSN: s.dsn(s.db), Dir: s.dir, PgDump: filepath.Join(cluster.BinDir, "pg_dump")}
}

func TestKillDuringCreateLeavesNoBackupAndTheNextRunNoDebris(t *testing.T) {
	s := newSampleOf(t, "kc", smallOptions)
	store := newStore(t)
	for _, point := range []string{"create:begin", "create:snapshot", "create:section", "create:piece", "create:pack", "create:files-done", "create:documents", "create:before-manifest"} {
		kill(t, s.victim(store, "create", point))
		list, err := List(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			if b.Problem == "" {
				t.Errorf("killed at %s: %s looks finished", point, b.ID)
			}
		}
	}
	kill(t, s.victim(store, "create", "create:after-manifest"))
	mustCreate(t, store, s.src, CreateOptions{})
	list, err := List(t.Context(), store)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d backups, want that of the kill after the manifest and the new one: %+v, %v", len(list), list, err)
	}
	for _, b := range list {
		mustVerify(t, store, b.ID, VerifyOptions{})
	}
	files, err := filepath.Glob(store.Dir() + "/*/.tmp-*")
	more, _ := filepath.Glob(store.Dir() + "/*/*/.tmp-*")
	if dirs, _ := os.ReadDir(store.Dir()); err != nil || len(files)+len(more) != 0 || len(dirs) != 3 {
		t.Errorf("debris: %v %v %v", files, more, dirs)
	}
}

func TestKillDuringRestoreGivesTheOldOrTheNewStateAfterRecover(t *testing.T) {
	s := newSampleOf(t, "kr", smallOptions)
	store := newStore(t)
	fresh := s.state(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	for _, c := range []struct {
		point string
		nth   int
		new   bool
	}{
		{"restore:journal", 1, false}, {"restore:database-created", 1, false}, {"restore:schema", 1, false}, {"restore:piece", 1, false},
		{"restore:rows", 1, false}, {"restore:unpacked", 1, false}, {"restore:staged", 1, false},
		{"swap:begin", 1, false}, {"swap:database", 1, false}, {"swap:half-path", 1, false}, {"swap:path", 1, false},
		{"swap:half-path", 2, false}, {"swap:path", 2, false},
		{"swap:done", 1, true}, {"swap:started", 1, true}, {"restore:before-done", 1, true},
	} {
		v := s.victim(store, "restore", c.point)
		v.ID, v.Nth = res.ID, c.nth
		kill(t, v)
		done, err := Recover(t.Context(), s.target())
		if err != nil || len(done) != 1 {
			t.Fatalf("killed at %s %d: recover: %v, %v", c.point, c.nth, done, err)
		}
		want := old
		if c.new {
			want = fresh
		}
		if got := s.state(t); got != want {
			t.Fatalf("killed at %s %d: the state is neither:\n%s", c.point, c.nth, firstDifference(want, got))
		}
		if again, err := Recover(t.Context(), s.target()); err != nil || len(again) != 0 {
			t.Errorf("a second recover did something: %v, %v", again, err)
		}
		if c.new { // go back, so that the next case starts alike
			j, err := Rollback(t.Context(), s.target(), "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Discard(t.Context(), s.target(), j.ID); err != nil {
				t.Fatal(err)
			}
		}
		s.noDebris(t)
	}
}

func TestKillDuringRollbackIsCompletedByRecover(t *testing.T) {
	s := newSampleOf(t, "kb", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	for _, c := range []struct {
		point string
		nth   int
	}{{"rollback:journal", 1}, {"rollback:database", 1}, {"rollback:path", 1}, {"rollback:path", 2}, {"rollback:started", 1}} {
		if _, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{}); err != nil {
			t.Fatal(err)
		}
		v := s.victim(store, "rollback", c.point)
		v.Nth = c.nth
		kill(t, v)
		if done, err := Recover(t.Context(), s.target()); err != nil || len(done) != 1 {
			t.Fatalf("killed at %s: recover: %v, %v", c.point, done, err)
		}
		if got := s.state(t); got != old {
			t.Fatalf("killed at %s:\n%s", c.point, firstDifference(old, got))
		}
		list, err := Restores(s.target().StateDir)
		if err != nil || len(list) != 1 || list[0].State != RolledBack {
			t.Fatalf("journals %+v, %v", list, err)
		}
		if _, err := Discard(t.Context(), s.target(), list[0].ID); err != nil {
			t.Fatal(err)
		}
		s.noDebris(t)
	}
}

func TestKillDuringPruneLeavesWholeBackupsOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"prune:before", "prune:manifest-gone", "prune:after"} {
		store := newStore(t)
		src := Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}
		for i := range 3 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			mustCreate(t, store, src, CreateOptions{Base: []string{"", LatestBase, ""}[i]})
		}
		for n := 1; n <= 2; n++ {
			kill(t, victim{Op: "prune", Point: point, Nth: 1, Store: store.Dir(), Dir: dir})
			list, err := List(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			sound := 0
			for _, b := range list {
				if b.Problem == "" {
					mustVerify(t, store, b.ID, VerifyOptions{})
					sound++
				}
			}
			if sound == 0 {
				t.Errorf("%s: nothing sound is left", point)
			}
		}
		mustCreate(t, store, src, CreateOptions{})
		if dirs, err := os.ReadDir(store.Dir()); err != nil {
			t.Error(err)
		} else if list, _ := List(t.Context(), store); len(dirs)-1 != len(list) {
			t.Errorf("%s: debris: %v", point, dirs)
		}
	}
}

func TestKilledRehearsalIsCleanedByTheNext(t *testing.T) {
	s := newSampleOf(t, "kh", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	scratch := filepath.Join(filepath.Dir(s.dir), "scratch")
	if err := os.Mkdir(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"rehearse:unpacked", "rehearse:loaded"} {
		v := s.victim(store, "rehearse", point)
		v.ID, v.DSN = res.ID, s.dsn("postgres")
		kill(t, v)
	}
	if _, err := Rehearse(t.Context(), store, res.ID, RehearseOptions{AdminDSN: Secret(s.dsn("postgres")), ScratchDir: scratch}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if n := cluster.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'mmbackup%'"); n != "0" {
		t.Errorf("%s scratch databases are left", n)
	}
}

func TestPgDumpThatFailsAtItsEndOrIsKilledLeavesNoBackup(t *testing.T) {
	s := newSampleOf(t, "pd", smallOptions)
	store := newStore(t)
	real := filepath.Join(cluster.BinDir, "pg_dump")
	for why, script := range map[string]string{
		"exit 1 after complete output": "if [ \"$1\" = --version ]; then exec " + real + " --version; fi\n" + real + " \"$@\"; echo disk failure >&2; exit 1",
		"killed in the middle":         "if [ \"$1\" = --version ]; then exec " + real + " --version; fi\n" + real + " \"$@\" | head -c 300; kill -9 $$",
	} {
		fake := filepath.Join(t.TempDir(), "pg_dump")
		if err := os.WriteFile(fake, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Create(t.Context(), store, s.src, CreateOptions{PgDump: fake})
		if err == nil || !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("%s: error %v", why, err)
		}
		if dirs, _ := os.ReadDir(store.Dir()); len(dirs) != 1 { // the lock
			t.Errorf("%s: left %v", why, dirs)
		}
	}
}

func TestAFullDiskAtAnyWriteLeavesNoBackup(t *testing.T) {
	s := newSampleOf(t, "fd", smallOptions)
	dir := newStore(t)
	count := &failingStore{Store: dir}
	full := mustCreate(t, count, s.src, CreateOptions{Workers: 1})
	if err := deleteAll(t.Context(), dir, full.ID); err != nil {
		t.Fatal(err)
	}
	total := count.ops.Load()
	step := max(1, total/25)
	for at := int64(1); at <= total; at += step {
		broken := &failingStore{Store: dir, failAt: at}
		_, err := Create(t.Context(), broken, s.src, CreateOptions{Workers: 1, PgDump: filepath.Join(cluster.BinDir, "pg_dump")})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("operation %d of %d: error %v", at, total, err)
		}
		if dirs, _ := os.ReadDir(dir.Dir()); len(dirs) != 0 {
			t.Fatalf("operation %d: left %v", at, dirs)
		}
	}
}

func TestAFullDiskDuringRestoreLeavesTheOldState(t *testing.T) {
	s := newSampleOf(t, "fr", smallOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	s.destroy(t)
	old := s.state(t)
	// RLIMIT_FSIZE makes the kernel refuse what a full disk would.
	v := s.victim(store, "restore", "never")
	v.ID = res.ID
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", "trap '' XFSZ; ulimit -f 8; exec "+os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") || !strings.Contains(string(out), "the old state is in place") {
		t.Fatalf("%v: %s", err, out)
	}
	if got := s.state(t); got != old {
		t.Errorf("%s", firstDifference(old, got))
	}
	s.noDebris(t)
}

func TestAStoreWithShortReadsWorksAndOneThatEndsEarlyIsDetected(t *testing.T) {
	s := newSample(t, "sr")
	before := s.state(t)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	mustVerify(t, &failingStore{Store: store, short: true}, res.ID, VerifyOptions{})
	early := &failingStore{Store: store, early: 100_000}
	got, err := Verify(t.Context(), early, res.ID, VerifyOptions{})
	if err != nil || got.Sound {
		t.Errorf("reads that end early: %+v, %v", got, err)
	}
	if _, err := Restore(t.Context(), early, res.ID, s.target(), RestoreOptions{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("restore: %v", err)
	}
	if got := s.state(t); got != before {
		t.Errorf("a failed restore changed something: %s", firstDifference(before, got))
	}
	s.noDebris(t)
}

func TestTwoCreatesAtOnceGiveOneBackupAndOneRefusal(t *testing.T) {
	s := newSampleOf(t, "two", smallOptions)
	store := newStore(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	result := make(chan error)
	go func() {
		_, err := Create(t.Context(), store, s.src, CreateOptions{PgDump: filepath.Join(cluster.BinDir, "pg_dump"), hook: func(p string) {
			if p == "create:snapshot" {
				close(inside)
				<-goOn
			}
		}})
		result <- err
	}()
	<-inside
	other, err := OpenDir(store.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), other, s.src, CreateOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("the second: %v", err)
	}
	close(goOn)
	if err := <-result; err != nil {
		t.Errorf("the first: %v", err)
	}
	list, err := List(t.Context(), store)
	if err != nil || len(list) != 1 || list[0].Problem != "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestFilesThatChangeGrowOrVanishAreHandledAndReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, n int) {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte(name[:1]), n), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("steady", 1000)
	write("grows", 3<<20)
	write("vanishes", 5<<20)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		f, err := os.OpenFile(filepath.Join(dir, "grows"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = f.WriteString("g")
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	store := newStore(t)
	res, err := Create(t.Context(), store, Source{Trees: []Tree{{Name: DataTree, Dir: dir}}}, CreateOptions{hook: func(p string) {
		if p == "create:begin" {
			go func() { time.Sleep(time.Millisecond); _ = os.Remove(filepath.Join(dir, "vanishes")) }()
		}
	}})
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, store, res.ID, VerifyOptions{})
	found := map[string]bool{}
	for _, f := range res.Findings {
		found[f.ID] = true
	}
	if !found["file-changing"] {
		t.Errorf("findings %+v, want file-changing", res.Findings)
	}
	to := filepath.Join(t.TempDir(), "out")
	if _, _, err := Extract(t.Context(), store, res.ID, "data", to, Keys{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(to, "grows"))
	if err != nil || len(got) < 3<<20 || len(bytes.Trim(got, "g")) != 0 {
		t.Errorf("the growing file has %d bytes, %d others; %v", len(got), len(bytes.Trim(got, "g")), err)
	}
}

func TestCancelledCreateLeavesNothing(t *testing.T) {
	s := newSampleOf(t, "can", smallOptions)
	store := newStore(t)
	for _, point := range []string{"create:snapshot", "create:piece", "create:pack", "create:before-manifest"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Create(ctx, store, s.src, CreateOptions{PgDump: filepath.Join(cluster.BinDir, "pg_dump"), hook: func(p string) {
			if p == point {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", point, err)
		}
		if dirs, _ := os.ReadDir(store.Dir()); len(dirs) != 1 {
			t.Errorf("%s: left %v", point, dirs)
		}
	}
}

// TestEveryBitFlipAndTruncationIsDetected damages one random place of one
// random object at a time. BACKUP_TRIALS sets the number; the campaign is 1,000.
func TestEveryBitFlipAndTruncationIsDetected(t *testing.T) {
	trials := 120
	if n, err := strconv.Atoi(os.Getenv("BACKUP_TRIALS")); err == nil {
		trials = n
	}
	s := newSampleOf(t, "flip", smallOptions)
	for _, p := range []string{"brand", "users"} { // a smaller tree verifies faster
		if err := os.RemoveAll(filepath.Join(s.dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	store := newStore(t)
	first := mustCreate(t, store, s.src, CreateOptions{})
	if err := os.WriteFile(filepath.Join(s.dir, "new"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	res := mustCreate(t, store, s.src, CreateOptions{Base: first.ID})
	mustVerify(t, store, res.ID, VerifyOptions{})
	var names []string
	for _, m := range []*Manifest{res.Manifest, first.Manifest} {
		for _, p := range m.Parts() {
			if m == res.Manifest || strings.HasPrefix(p.Name, "files/0") {
				names = append(names, m.ID+"/"+p.Name)
			}
		}
		names = append(names, m.ID+"/"+manifestName, m.ID+"/"+sumsName)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range trials {
		name := names[i%len(names)]
		path := filepath.Join(store.Dir(), name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at, how := rnd.IntN(len(text)), "flip"
		damaged := bytes.Clone(text)
		switch rnd.IntN(3) {
		case 0:
			how, damaged = "truncation", damaged[:at]
		default:
			damaged[at] ^= 1 << rnd.IntN(8)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Verify(t.Context(), store, res.ID, VerifyOptions{})
		if err != nil || got.Sound {
			t.Errorf("%s of %s at %d of %d was not detected (%v)", how, name, at, len(text), err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustVerify(t, store, res.ID, VerifyOptions{})
}
