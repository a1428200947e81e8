package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
)

func TestMoveCopiesEverythingAndRewritesOwners(t *testing.T) {
	fresh(t, "mv_role", "mv_src", "mv_src_moved")
	moveFrom.SQL(t, "postgres", "CREATE DATABASE mv_src")
	moveFrom.SQL(t, "mv_src", zoo(moveFrom.Major))
	r, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_src"), Target: on(moveTo, "mv_src_moved"), Role: "mv_role", Password: "x y"})
	if err != nil {
		t.Fatal(err)
	}
	diff, err := CompareServers(t.Context(), managerOn(t, moveFrom), managerOn(t, moveTo), FingerprintOptions{Database: "mv_src"}, FingerprintOptions{Database: "mv_src_moved"})
	if err != nil || len(diff) > 0 {
		t.Errorf("differences %v %v", diff, err)
	}
	foreign := scalar[string](t, on(moveTo, "mv_src_moved"), `SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' AND pg_get_userbyid(relowner) <> 'mv_role'`)
	if foreign != "" {
		t.Errorf("not owned by the role: %s", foreign)
	}
	if r.Rows == 0 || r.Bytes == 0 {
		t.Errorf("result %+v", r)
	}
}

func TestMoveGivesOtherRolesTheirRightsWhereTheyExist(t *testing.T) {
	to := startLike(t, moveTo, pgtest.Options{}) // with roles of its own
	fresh(t, "mv_reports")
	fresh(t, "mv_elsewhere")
	moveFrom.SQL(t, "postgres", "CREATE ROLE mv_reports; CREATE ROLE mv_elsewhere")
	to.SQL(t, "postgres", "CREATE ROLE mv_reports")
	sampleOn(t, moveFrom, "mv_src", "mv_own", 100)
	moveFrom.SQL(t, "mv_src", "GRANT SELECT ON posts TO mv_reports, mv_elsewhere; GRANT SELECT (username) ON users TO mv_reports; REVOKE CONNECT ON DATABASE mv_src FROM PUBLIC; GRANT CONNECT ON DATABASE mv_src TO mv_reports")
	r, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_src"), Target: on(to, "mv_src_moved"), Role: "mv_own"})
	if err != nil {
		t.Fatal(err)
	}
	may := scalar[string](t, on(to, "mv_src_moved"), `SELECT concat_ws(' ', has_table_privilege('mv_reports', 'posts', 'SELECT'), has_table_privilege('mv_reports', 'posts', 'INSERT'),
		has_column_privilege('mv_reports', 'users', 'username', 'SELECT'), has_column_privilege('mv_reports', 'users', 'email', 'SELECT'),
		has_database_privilege('mv_reports', current_database(), 'CONNECT'), has_database_privilege('mv_reports', current_database(), 'TEMPORARY'))`)
	if may != "t f t f t t" {
		t.Errorf("the role may: %s", may)
	}
	if open := scalar[bool](t, on(to, "mv_src_moved"), `SELECT datacl::text ~ '[{,]=T?c' FROM pg_database WHERE datname = current_database()`); open {
		t.Error("everybody may connect again")
	}
	if want := []string{`1 rights of other roles: role "mv_elsewhere" does not exist`}; !slices.Equal(r.NotGranted, want) {
		t.Errorf("not granted %q, want %q", r.NotGranted, want)
	}
}

func TestMoveReplacesAnEmptyDatabaseAndNothingElse(t *testing.T) {
	sampleOn(t, moveFrom, "mv_src", "mv_own", 200)
	fresh(t, "", "mv_dst")
	m := managerOn(t, moveTo)
	if _, err := m.Ensure(t.Context(), EnsureOptions{Database: "mv_dst", Role: "mv_own"}); err != nil {
		t.Fatal(err)
	}
	o := MoveOptions{Source: on(moveFrom, "mv_src"), Target: on(moveTo, "mv_dst"), Role: "mv_own"}
	var seen []MoveProgress
	o.Progress = func(p MoveProgress) { seen = append(seen, p) }
	r, err := Move(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	last := seen[len(seen)-1]
	if last.Tables != last.TablesTotal || last.Bytes == 0 || last.Stage != "name" || r.Bytes != last.Bytes {
		t.Errorf("last progress %+v", last)
	}
	if n := scalar[int](t, on(moveTo, "mv_dst"), "SELECT count(*) FROM posts"); n != 200 {
		t.Errorf("%d posts", n)
	}
	wantNames(t, "mv_dst", 1)
	if r, err := m.Ensure(t.Context(), EnsureOptions{Database: "mv_dst", Role: "mv_own"}); err != nil || len(r.Changed) != 0 {
		t.Errorf("Ensure finds something to do on the copy: %v %v", r, err)
	}
	report, err := m.Check(t.Context(), CheckOptions{Database: "mv_dst", Role: "mv_own", MaxOpenConns: 20})
	if err != nil || HasErrors(report.Findings) {
		t.Errorf("%v %v", report.Findings, err)
	}
	_, err = Move(t.Context(), o)
	wantError(t, err, ErrRefused, "is not empty")
	o.Target = on(moveTo, "mv_other")
	o.Source = on(moveFrom, "postgres")
	_, err = Move(t.Context(), o)
	wantError(t, err, nil, "nothing to move")
}

func TestMoveRefusesGitLabsDatabase(t *testing.T) {
	fresh(t, "", "mv_gitlab")
	moveFrom.SQL(t, "postgres", "CREATE DATABASE mv_gitlab")
	moveFrom.SQL(t, "mv_gitlab", "CREATE TABLE projects (); CREATE TABLE namespaces ()")
	_, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_gitlab"), Target: on(moveTo, "mv_out")})
	wantError(t, err, ErrRefused)
}

func TestKillInTheMiddleOfMoveLeavesNoCopyAndTheSourceAsItWas(t *testing.T) {
	sampleOn(t, moveFrom, "mv_kill", "mv_kill_role", 200)
	before := sourceState(t, "mv_kill")
	for point, there := range map[string]int{"created": 0, "rows": 0, "verify": 0, "named": 1} {
		t.Run(point, func(t *testing.T) {
			fresh(t, "", "mv_kill_moved")
			killed(t, "move", "mv_kill", point)
			if n := scalar[int](t, on(moveTo, "postgres"), "SELECT count(*) FROM pg_database WHERE datname = 'mv_kill_moved'"); n != there {
				t.Errorf("%d databases named mv_kill_moved", n)
			}
			if after := sourceState(t, "mv_kill"); after != before {
				t.Error("the source changed")
			}
			if there == 0 {
				if _, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_kill"), Target: on(moveTo, "mv_kill_moved"), Role: "mv_kill_role"}); err != nil {
					t.Fatal(err)
				}
			} else if _, err := managerOn(t, moveTo).Ensure(t.Context(), EnsureOptions{Database: "mv_kill_moved", Role: "mv_kill_role"}); err != nil {
				t.Fatal(err)
			}
			wantNames(t, "mv_kill_moved", 1)
			if d, err := CompareServers(t.Context(), managerOn(t, moveFrom), managerOn(t, moveTo), FingerprintOptions{Database: "mv_kill"}, FingerprintOptions{Database: "mv_kill_moved"}); err != nil || len(d) > 0 {
				t.Errorf("%v %v", d, err)
			}
		})
	}
}

// pg_restore and the session it works in outlive a process that is killed.
func TestAKillWhileAnIndexIsBuiltIsCleanedUpByTheNextRun(t *testing.T) {
	fresh(t, "mv_orphan_role", "mv_orphan", "mv_orphan_moved")
	moveFrom.SQL(t, "postgres", "CREATE DATABASE mv_orphan")
	moveFrom.SQL(t, "mv_orphan", `CREATE FUNCTION slow(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN IF current_database() LIKE ''gmsdk%'' THEN PERFORM pg_sleep(60); END IF; RETURN i; END';
		CREATE TABLE posts AS SELECT 1 AS id; CREATE INDEX slowly ON posts (slow(id))`)
	cmd := childCommand(t, "move", "mv_orphan", "never", "postgres")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	working := func() bool {
		return scalar[int](t, on(moveTo, "postgres"), "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'gmsdk%' AND query LIKE 'CREATE INDEX slowly%'") == 1
	}
	eventually(t, "building the index", working)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed on purpose
	eventually(t, "end of the lock", unlocked(t))
	if !working() {
		t.Fatal("the index is no longer built: there is nothing to clean up")
	}
	r, err := managerOn(t, moveTo).Ensure(t.Context(), EnsureOptions{Database: "mv_orphan_moved", Role: "mv_orphan_role"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.Changed[0].What, "end what still works in database gmsdk") {
		t.Errorf("steps %v", r.Changed)
	}
	wantNames(t, "mv_orphan_moved", 1)
	if n := scalar[int](t, on(moveFrom, "mv_orphan"), "SELECT count(*) FROM posts"); n != 1 {
		t.Error("the source changed")
	}
}

// sourceState is everything that a move must not change.
func sourceState(t *testing.T, database string) string {
	t.Helper()
	digest, err := New(nil, OpenerFor(on(moveFrom, ""))).DatabaseDigest(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	return digest + scalar[string](t, on(moveFrom, database), `SELECT concat((SELECT md5(string_agg(concat(ctid, xmin, xmax), '' ORDER BY ctid)) FROM posts), ' ',
		(SELECT d::text FROM (SELECT oid, datname, datdba, datacl, datconnlimit FROM pg_database) d WHERE datname = current_database()))`)
}

func TestMoveToAFullDiskSaysSoAndLeavesNothing(t *testing.T) {
	t.Parallel()
	sampleOn(t, moveFrom, "mv_full", "mv_full_role", 3000)
	before := sourceState(t, "mv_full")
	c := startLike(t, moveTo, pgtest.Options{SmallDisk: "14m"})
	c.SQL(t, "postgres", "CREATE TABLESPACE small LOCATION '"+c.SmallDisk+"'")
	c.SQL(t, "postgres", "ALTER DATABASE template1 SET TABLESPACE pg_default")
	c.SQL(t, "template1", "ALTER DATABASE template0 SET TABLESPACE small")
	_, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_full"), Target: on(c, "mv_full_copy"), Role: "mv_full_role"})
	wantError(t, err, nil, "No space left on device")
	if n := c.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"); n != "0" {
		t.Errorf("%s databases are left on the target", n)
	}
	if sourceState(t, "mv_full") != before {
		t.Error("the source changed")
	}
}

func TestMoveWhileAServerRestartsFailsClearly(t *testing.T) {
	t.Parallel()
	a, b := startLike(t, moveFrom, pgtest.Options{}), startLike(t, moveTo, pgtest.Options{})
	a.SQL(t, "postgres", "CREATE DATABASE mm")
	conn := connect(t, on(a, "mm"))
	if err := mmsample.Fill(t.Context(), conn, mmsample.Options{Posts: 400}); err != nil {
		t.Fatal(err)
	}
	conn.Close(t.Context())
	before := a.SQL(t, "mm", "SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM posts p")
	for _, which := range []string{"source", "target"} {
		t.Run(which, func(t *testing.T) {
			harm := map[string]*pgtest.Cluster{"source": a, "target": b}[which]
			once := false
			_, err := Move(t.Context(), MoveOptions{Source: on(a, "mm"), Target: on(b, "mm"), hook: func(point string) {
				if point != "schema" || once {
					return
				}
				once = true
				if err := harm.Stop(syscall.SIGQUIT); err != nil {
					t.Error(err)
				}
				if err := harm.StartServer(); err != nil {
					t.Error(err)
				}
			}})
			wantError(t, err, nil, "move database mm: rows")
			if got := a.SQL(t, "mm", "SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM posts p"); got != before {
				t.Error("the source changed")
			}
			if n := b.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname = 'mm'"); n != "0" {
				t.Error("there is a copy under its name")
			}
			// The next move cleans up and succeeds.
			if _, err := Move(t.Context(), MoveOptions{Source: on(a, "mm"), Target: on(b, "mm")}); err != nil {
				t.Fatal(err)
			}
			if n := b.SQL(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'gmsdk%'"); n != "0" {
				t.Error("something is left over")
			}
			b.SQL(t, "postgres", "DROP DATABASE mm")
		})
	}
}

func TestMoveStopsWhenCancelledAndDropsWhatItMade(t *testing.T) {
	sampleOn(t, moveFrom, "mv_cancel", "mv_cancel_role", 500)
	for _, at := range []string{"schema", "indexes"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Move(ctx, MoveOptions{Source: on(moveFrom, "mv_cancel"), Target: on(moveTo, "mv_cancel_copy"), Role: "mv_cancel_role", hook: func(point string) {
			if point == at {
				cancel()
			}
		}})
		cancel()
		wantError(t, err, context.Canceled)
		eventually(t, "end of the sessions", unlocked(t))
		if n := scalar[int](t, on(moveTo, "postgres"), "SELECT count(*) FROM pg_database WHERE datname = 'mv_cancel_copy'"); n != 0 {
			t.Error("a copy has the name")
		}
	}
	fresh(t, "", "mv_cancel_copy")
	if _, err := managerOn(t, moveTo).Ensure(t.Context(), EnsureOptions{Database: "mv_cancel_copy", Role: "mv_cancel_role"}); err != nil {
		t.Fatal(err)
	}
	wantNames(t, "mv_cancel_copy", 1)
}

func TestMoveNoticesAChangedCopy(t *testing.T) {
	sampleOn(t, moveFrom, "mv_diff", "mv_diff_role", 200)
	_, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_diff"), Target: on(moveTo, "mv_diff_copy"), Role: "mv_diff_role", hook: func(point string) {
		if point != "indexes" {
			return
		}
		db := scalar[string](t, on(moveTo, "postgres"), "SELECT datname FROM pg_database WHERE datname LIKE 'gmsdk%'")
		execute(t, on(moveTo, db), "DELETE FROM reactions WHERE ctid = (SELECT min(ctid) FROM reactions)")
	}})
	var different *DifferentError
	if !errors.As(err, &different) || len(different.Differences) != 1 || different.Differences[0].String() != "rows public.reactions: more in A (40 rows in A, 39 in B)" {
		t.Errorf("%v", err)
	}
	wantNames(t, "mv_diff_copy", 0)
}

func TestMoveAsRolesWithPasswordsOverTCP(t *testing.T) {
	t.Parallel()
	o := pgtest.Options{HBA: "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"}
	c := startLike(t, moveFrom, o)
	to := c
	if moveFrom != moveTo {
		to = startLike(t, moveTo, o)
	}
	to.SQL(t, "postgres", `CREATE ROLE "ad min" LOGIN CREATEDB CREATEROLE PASSWORD 'a d'' \m'`)
	c.SQL(t, "postgres", `CREATE ROLE reader LOGIN PASSWORD 'r'; CREATE DATABASE "m m" OWNER reader`)
	d := DSN{User: "ad min", Password: `a d' \m`, Hosts: []Host{{"127.0.0.1", to.Port}}, Params: map[string]string{"sslmode": "disable", "binary_parameters": "yes"}}
	from := d.With("m m")
	from.User, from.Password, from.Hosts = "reader", "r", []Host{{"127.0.0.1", c.Port}}
	if err := mmsample.Fill(t.Context(), connect(t, from), mmsample.Options{Posts: 100}); err != nil {
		t.Fatal(err)
	}
	r, err := Move(t.Context(), MoveOptions{Source: from, Target: d.With(`c'o "py`), Role: `ro le\"`, Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows == 0 {
		t.Error("nothing moved")
	}
	owner := d.With(`c'o "py`)
	owner.User, owner.Password = `ro le\"`, "pw"
	if n := scalar[int](t, owner, "SELECT count(*) FROM posts"); n != 100 {
		t.Errorf("%d posts", n)
	}
	from.Password = "wrong"
	_, err = Move(t.Context(), MoveOptions{Source: from, Target: d.With("x")})
	wantError(t, err, nil, "move: source:", "authentication")
}

func TestChooseClientDecisions(t *testing.T) {
	c := func(major, minor int) Client {
		return Client{Dir: fmt.Sprintf("/pg%d.%d", major, minor), Major: major, Minor: minor}
	}
	all := []Client{c(13, 20), c(15, 3), c(15, 18), c(16, 14), c(17, 6), c(18, 1)}
	for _, test := range []struct {
		reason         string
		clients        []Client
		source, target int
		want, err      string
	}{
		{"same major: the newest minor, whose psql knows \\restrict", all, 150018, 150018, "15.18", ""},
		{"upwards: the oldest that reads the source", all, 140010, 170006, "15.18", ""},
		{"no newer than the target, which would not know its settings", []Client{c(18, 1)}, 160014, 170006, "", "install postgresql-client-16"},
		{"older than the server is refused with what to install", []Client{c(15, 18)}, 160014, 170000, "", "install postgresql-client-16 (installed: 15.18 in /pg15.18)"},
		{"none at all", nil, 160014, 160014, "", "none is installed"},
		{"backwards", all, 170006, 160014, "", "a dump does not go back"},
		{"GitLab 18's 16 to 18", all, 160014, 180001, "16.14", ""},
	} {
		got, err := ChooseClient(test.clients, test.source, test.target)
		if test.err != "" {
			wantError(t, err, nil, test.err)
		} else if err != nil || fmt.Sprintf("%d.%d", got.Major, got.Minor) != test.want {
			t.Errorf("%s: %v %v", test.reason, got, err)
		}
	}
}

func TestAllInstalledClientsAreFound(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("pg_dump", "#!/bin/sh\necho 'pg_dump (PostgreSQL) 16.10 (Ubuntu 16.10-1)'\n")
	if n := len(FindClients(t.Context(), dir)); n != len(FindClients(t.Context())) {
		t.Error("a directory without psql and pg_restore counts")
	}
	write("psql", "")
	write("pg_restore", "")
	found := false
	for _, c := range FindClients(t.Context(), dir) {
		found = found || c == Client{dir, 16, 10}
	}
	if !found || len(FindClients(t.Context())) == 0 {
		t.Error("not found")
	}
	write("pg_dump", "#!/bin/sh\necho garbage\n")
	if n := len(FindClients(t.Context(), dir)); n != len(FindClients(t.Context())) {
		t.Error("a program without a version counts")
	}
}

func TestMoveFromTheOldestServerAtHandToTheNewest(t *testing.T) {
	t.Parallel()
	from := pgtest.Start(t, pgtest.Options{Version: pgtest.Versions()[0]})
	to := pgtest.Start(t, pgtest.Options{}) // the newest, or what PGTEST_BINDIR names
	if from.Major > to.Major {
		from, to = to, from
	}
	source := DSN{User: pgtest.Superuser, Hosts: []Host{{from.SocketDir, from.Port}}, Database: "mm"}
	destination := DSN{User: pgtest.Superuser, Hosts: []Host{{to.SocketDir, to.Port}}, Database: "mm"}
	from.SQL(t, "postgres", "CREATE DATABASE mm")
	if err := mmsample.Fill(t.Context(), connect(t, source), mmsample.Options{Posts: 300}); err != nil {
		t.Fatal(err)
	}
	r, err := Move(t.Context(), MoveOptions{Source: source, Target: destination})
	if err != nil {
		t.Fatalf("from %d to %d: %v", from.Major, to.Major, err)
	}
	t.Logf("from %d to %d: %d rows", from.Major, to.Major, r.Rows)
	a, b := New(connect(t, source), OpenerFor(source)), New(connect(t, destination), OpenerFor(destination))
	want := MethodHash
	if from.Major < 11 {
		want = MethodMD5 // it has no functions that hash with a seed
	}
	if method, err := commonMethod(t.Context(), a.conn, b.conn, "mm", "mm"); err != nil || method != want {
		t.Errorf("from %d to %d: method %s %v", from.Major, to.Major, method, err)
	}
}

// Of a version whose client programs are not installed nothing can be dumped by
// newer ones, and nothing goes back to an older server.
func TestMoveSaysWhatToInstallWhereNoProgramFits(t *testing.T) {
	fresh(t, "", "mv_fit", "mv_fit_copy")
	for _, c := range servers() {
		c.SQL(t, "postgres", "CREATE DATABASE mv_fit")
		c.SQL(t, "mv_fit", "CREATE TABLE posts ()")
	}
	own := slices.ContainsFunc(FindClients(t.Context()), func(c Client) bool { return c.Major == cluster.Major })
	p, err := PlanMove(t.Context(), MoveOptions{Source: target("mv_fit"), Target: target("mv_fit_copy")})
	if own && (err != nil || p.Programs.Major != cluster.Major) {
		t.Errorf("within %d: %+v %v", cluster.Major, p, err)
	}
	if !own {
		wantError(t, err, nil, fmt.Sprintf("install postgresql-client-%d (installed: ", cluster.Major))
	}
	if moveFrom != moveTo {
		_, err := Move(t.Context(), MoveOptions{Source: on(moveTo, "mv_fit"), Target: on(moveFrom, "mv_fit_copy")})
		wantError(t, err, nil, "a dump does not go back to an older major version", fmt.Sprintf("install PostgreSQL %d or newer on the target", moveTo.Major))
	}
	wantNames(t, "mv_fit_copy", 0)
}

func TestMoveBringsAnotherEncodingToUTF8(t *testing.T) {
	fresh(t, "mv_latin_role", "mv_latin", "mv_latin_moved")
	moveFrom.SQL(t, "postgres", "CREATE DATABASE mv_latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
	execute(t, on(moveFrom, "mv_latin"), "CREATE TABLE posts (message text); INSERT INTO posts VALUES ('Grüße'), (NULL)")
	if _, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_latin"), Target: on(moveTo, "mv_latin_moved"), Role: "mv_latin_role"}); err != nil {
		t.Fatal(err)
	}
	got := scalar[string](t, on(moveTo, "mv_latin_moved"), "SELECT encode(message::bytea, 'hex') FROM posts WHERE message IS NOT NULL")
	if got != "4772c3bcc39f65" {
		t.Errorf("bytes %s, want those of UTF-8", got)
	}
}

func TestMoveWithFullTextIndexesFirstWholeOrInPiecesGivesTheSame(t *testing.T) {
	sampleOn(t, moveFrom, "mv_gin", "mv_gin_role", 3000)
	fresh(t, "", "mv_gin_copy")
	execute(t, on(moveFrom, "mv_gin"), "CREATE INDEX \"odd INDEX name\" ON posts (userid); COMMENT ON INDEX idx_posts_message_txt IS 'kept'; DELETE FROM posts WHERE id IN (SELECT id FROM posts LIMIT 300)")
	for _, jobs := range []int{1, 2, 5} {
		r, err := Move(t.Context(), MoveOptions{Source: on(moveFrom, "mv_gin"), Target: on(moveTo, "mv_gin_copy"), Role: "mv_gin_role", Jobs: jobs, bigTable: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.Rows < 2700 {
			t.Errorf("%d rows", r.Rows)
		}
		if n := scalar[int](t, on(moveTo, "mv_gin_copy"), "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"); n != scalar[int](t, on(moveFrom, "mv_gin"), "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'") {
			t.Errorf("%d indexes", n)
		}
		if s := scalar[string](t, on(moveTo, "mv_gin_copy"), "SELECT coalesce(obj_description('idx_posts_message_txt'::regclass), '')"); s != "kept" {
			t.Errorf("the comment is %q", s)
		}
		query := "SET enable_seqscan = off; SELECT count(*) FROM posts WHERE to_tsvector('english', message) @@ to_tsquery('english', 'https | info')"
		if a, b := moveFrom.SQL(t, "mv_gin", query), moveTo.SQL(t, "mv_gin_copy", query); a != b || a == "0" {
			t.Errorf("the index finds %s in the source, %s in the copy", a, b)
		}
		if err := managerOn(t, moveTo).Drop(t.Context(), "mv_gin_copy", "mv_gin_copy"); err != nil {
			t.Fatal(err)
		}
	}
}
