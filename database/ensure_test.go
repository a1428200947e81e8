package database

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestEnsureMakesWhatMattermostNeeds(t *testing.T) {
	fresh(t, "mm_ensure", "mm_ensure")
	o := EnsureOptions{Database: "mm_ensure", Role: "mm_ensure", Password: "s3cret word", ConnectionLimit: 20}
	m := manager(t)
	plan, err := m.PlanEnsure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := scalar[int](t, target("postgres"), "SELECT count(*) FROM pg_database WHERE datname = 'mm_ensure'"); n != 0 {
		t.Fatal("planning created the database")
	}
	text, err := json.Marshal(plan)
	if err != nil || strings.Contains(string(text), "s3cret") || strings.Contains(string(text), "SCRAM-SHA-256$") {
		t.Errorf("the plan shows the password or its verifier: %s %v", text, err)
	}
	r, err := m.ApplyEnsure(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changed) < 4 {
		t.Errorf("changed %v", r.Changed)
	}
	// The role can do what the server does at its first start.
	d := DSN{User: "mm_ensure", Password: "s3cret word", Hosts: target("").Hosts, Database: "mm_ensure"}
	execute(t, d, "CREATE TABLE public.posts (id int); CREATE TYPE public.channel_type AS ENUM ('O')")
	got := scalar[string](t, d, `SELECT concat_ws(' ', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datconnlimit, current_setting('default_text_search_config'),
		(SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public')) FROM pg_database WHERE datname = current_database()`)
	if got != "mm_ensure UTF8 20 pg_catalog.english mm_ensure" {
		t.Errorf("database is %q", got)
	}
	if s := scalar[string](t, target("postgres"), "SELECT left(rolpassword, 14) FROM pg_authid WHERE rolname = 'mm_ensure'"); s != "SCRAM-SHA-256$" {
		t.Errorf("password stored as %q", s)
	}
}

func TestEnsureRunTwiceChangesNothing(t *testing.T) {
	fresh(t, "mm_twice", "mm_twice")
	o := EnsureOptions{Database: "mm_twice", Role: "mm_twice", Password: "p'w\\", ConnectionLimit: 7}
	m := manager(t)
	if _, err := m.Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before := scalar[string](t, target("postgres"), "SELECT d::text || a::text FROM pg_database d, pg_authid a WHERE datname = 'mm_twice' AND rolname = 'mm_twice'")
	r, err := m.Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changed) != 0 {
		t.Errorf("the second run changed %v", r.Changed)
	}
	if after := scalar[string](t, target("postgres"), "SELECT d::text || a::text FROM pg_database d, pg_authid a WHERE datname = 'mm_twice' AND rolname = 'mm_twice'"); after != before {
		t.Errorf("the second run touched the catalog:\n%s\n%s", before, after)
	}
}

// What GitLab's documentation and an older package leave behind.
func TestEnsureRepairsAnExistingDatabase(t *testing.T) {
	tests := []struct {
		reason, setup string
		options       EnsureOptions
		want          []string // parts of the steps, in order
	}{
		{"createdb without -O, as the restore page says: owner and schema belong to the administrator",
			`CREATE ROLE mm_fix LOGIN; CREATE DATABASE mm_fix`, EnsureOptions{}, []string{"ALTER SCHEMA public OWNER", "default_text_search_config", "ALTER DATABASE \"mm_fix\" OWNER"}},
		{"the role exists but may not log in", `CREATE ROLE mm_fix NOLOGIN`, EnsureOptions{}, []string{"CREATE DATABASE", "ALTER ROLE \"mm_fix\" LOGIN"}},
		{"an old MD5 password is replaced", `SET password_encryption = md5; CREATE ROLE mm_fix LOGIN PASSWORD 'x'; CREATE DATABASE mm_fix OWNER mm_fix`,
			EnsureOptions{Password: "x"}, []string{"ALTER ROLE \"mm_fix\" PASSWORD '[redacted]'", "ALTER SCHEMA"}},
		{"the limit goes when -1 is asked for", `CREATE ROLE mm_fix LOGIN; CREATE DATABASE mm_fix OWNER mm_fix CONNECTION LIMIT 3`,
			EnsureOptions{ConnectionLimit: -1}, []string{"ALTER SCHEMA", "default_text_search_config", "CONNECTION LIMIT -1"}},
		{"somebody dropped schema public", `CREATE ROLE mm_fix LOGIN; CREATE DATABASE mm_fix OWNER mm_fix; \c mm_fix
			DROP SCHEMA public`, EnsureOptions{TextSearch: "-"}, []string{"CREATE SCHEMA public AUTHORIZATION"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			fresh(t, "mm_fix", "mm_fix")
			cluster.SQL(t, "postgres", strings.Replace(test.setup, "; ", ";\n", -1))
			m := manager(t)
			o := test.options
			o.Database, o.Role = "mm_fix", "mm_fix"
			r, err := m.Ensure(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, s := range r.Changed {
				all = append(all, s.SQL)
			}
			rest := strings.Join(all, "\n")
			for _, w := range test.want {
				_, after, ok := strings.Cut(rest, w)
				if !ok {
					t.Fatalf("steps lack %q (in order):\n%s", w, strings.Join(all, "\n"))
				}
				rest = after
			}
			d := target("mm_fix")
			d.User, d.Password = "mm_fix", o.Password
			execute(t, d, "CREATE TABLE public.t (i int)")
			if again, err := m.Ensure(t.Context(), o); err != nil || len(again.Changed) != 0 {
				t.Errorf("again: %v %v", again, err)
			}
		})
	}
}

func TestEnsureRefusesWhatIsNotMattermosts(t *testing.T) {
	fresh(t, "mm_refuse", "mm_refuse", "mm_ascii")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_refuse")
	cluster.SQL(t, "mm_refuse", "CREATE TABLE projects (id int); CREATE TABLE namespaces (id int)")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
	tests := []struct {
		reason string
		o      EnsureOptions
		is     error
		part   string
	}{
		{"GitLab's tables", EnsureOptions{Database: "mm_refuse", Role: "mm_refuse"}, ErrRefused, "namespaces, projects"},
		{"GitLab's name", EnsureOptions{Database: GitLabDatabase}, ErrRefused, "GitLab's own"},
		{"a template", EnsureOptions{Database: "template1"}, ErrRefused, "PostgreSQL itself"},
		{"encoding", EnsureOptions{Database: "mm_ascii", Role: "mm_refuse"}, nil, "has encoding SQL_ASCII, want UTF8"},
		{"64 bytes", EnsureOptions{Database: strings.Repeat("ä", 32)}, nil, "PostgreSQL keeps 63"},
		{"NUL", EnsureOptions{Database: "a\x00b"}, nil, "NUL"},
		{"line break", EnsureOptions{Role: "a\nb"}, nil, "line break"},
		{"reserved role", EnsureOptions{Role: "pg_admin"}, nil, "reserved"},
		{"password that clients normalise differently", EnsureOptions{Password: "grün"}, nil, "outside printable ASCII"},
		{"negative limit", EnsureOptions{ConnectionLimit: -2}, nil, "connection limit"},
		{"unknown locale", EnsureOptions{Database: "mm_loc", Role: "mm_refuse", Collation: "xx_YY"}, nil, "locale"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			_, err := manager(t).Ensure(t.Context(), test.o)
			wantError(t, err, test.is, test.part)
			if strings.Contains(err.Error(), "grün") {
				t.Error("the password is in the message")
			}
		})
	}
	if n := scalar[int](t, target("postgres"), "SELECT (SELECT count(*) FROM pg_database WHERE datname LIKE 'gmsdk%') + (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'gmsdk%' OR rolname = 'mm_refuse')"); n != 0 {
		t.Errorf("%d databases or roles are left over", n)
	}
}

func TestEnsureTakesHostileNamesLiterally(t *testing.T) {
	for _, name := range []string{`a"b`, `it's`, `with space`, `"; DROP DATABASE postgres; --`, `ünïcode 漢字`, `back\slash`, `$1 %s {}`, `UPPER`, strings.Repeat("x", 63)} {
		t.Run(name, func(t *testing.T) {
			other, copied := cut("r"+name, maxName), cut("2"+name, maxName)
			fresh(t, other, name, copied)
			m := manager(t)
			o := EnsureOptions{Database: name, Role: other, Password: `p"w'; \ $x`}
			if _, err := m.Ensure(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if r, err := m.Ensure(t.Context(), o); err != nil || len(r.Changed) != 0 {
				t.Errorf("second run: %v %v", r, err)
			}
			d := target(name)
			d.User, d.Password = other, o.Password
			execute(t, d, "CREATE TABLE t (i int)")
			if r, err := m.Check(t.Context(), CheckOptions{Database: name, Role: other, MaxOpenConns: 20}); err != nil || HasErrors(r.Findings) {
				t.Errorf("%+v %v", r, err)
			}
			if f, err := m.Fingerprint(t.Context(), FingerprintOptions{Database: name}); err != nil || len(f.Tables) != 1 {
				t.Errorf("%+v %v", f, err)
			}
			if list, err := m.Owner(t.Context(), name, other); err != nil || len(list) != 0 {
				t.Errorf("%v %v", list, err)
			}
			_, err := m.Terminate(t.Context(), name)
			if err := errors.Join(err, m.Analyze(t.Context(), name), m.Clone(t.Context(), name, copied)); err != nil {
				t.Error(err)
			}
			previous, err := m.Swap(t.Context(), name, copied)
			if err := errors.Join(err, m.Rename(t.Context(), previous, copied)); err != nil {
				t.Error(err)
			}
			if err := m.Drop(t.Context(), name, name); err != nil {
				t.Error(err)
			}
		})
	}
}

// An administrator who is no superuser: managed services give only this.
func TestEnsureWorksWithoutSuperuser(t *testing.T) {
	fresh(t, "mm_plain", "mm_plain")
	cluster.SQL(t, "postgres", "DROP ROLE IF EXISTS mm_admin; CREATE ROLE mm_admin LOGIN CREATEDB CREATEROLE")
	t.Cleanup(func() { cluster.SQL(t, "postgres", "DROP ROLE mm_admin") })
	fresh(t, "mm_plain", "mm_plain")
	d := target("postgres")
	d.User = "mm_admin"
	m := New(connect(t, d), OpenerFor(d))
	o := EnsureOptions{Database: "mm_plain", Role: "mm_plain", Password: "x"}
	r, err := m.Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	// Before 15 only a superuser may give schema public away.
	if kept := slices.Contains(ids(r.Notes), "db-schema-kept"); kept != (cluster.Major < 15) {
		t.Errorf("notes %v", r.Notes)
	}
	if member := scalar[bool](t, target("postgres"), "SELECT pg_has_role('mm_admin', 'mm_plain', 'USAGE')"); member {
		t.Error("the administrator can still act as the role")
	}
	o.Password = ""
	if r, err := m.Ensure(t.Context(), o); err != nil || len(r.Changed) != 0 {
		t.Errorf("second run: %v %v", r, err)
	}
	_, err = New(connect(t, DSN{User: "mm_plain", Hosts: d.Hosts, Database: "postgres"}), OpenerFor(d)).
		Ensure(t.Context(), EnsureOptions{Database: "mm_other", Role: "mm_other"})
	wantError(t, err, nil, "permission denied")
}

func TestEnsureNotesACollationThatItCannotChange(t *testing.T) {
	fresh(t, "mm_coll", "mm_coll")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_coll TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
	for collation, want := range map[string]bool{"C.UTF-8": true, "C": false, "": false} {
		r, err := manager(t).Ensure(t.Context(), EnsureOptions{Database: "mm_coll", Role: "mm_coll", Collation: collation})
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(ids(r.Notes), "db-collation-kept") != want {
			t.Errorf("collation %q wanted: notes %v", collation, r.Notes)
		}
	}
}

func TestApplyEnsureRefusesAStalePlan(t *testing.T) {
	fresh(t, "mm_stale", "mm_stale")
	m := manager(t)
	p, err := m.PlanEnsure(t.Context(), EnsureOptions{Database: "mm_stale", Role: "mm_stale"})
	if err != nil {
		t.Fatal(err)
	}
	cluster.SQL(t, "postgres", "CREATE ROLE mm_stale LOGIN")
	_, err = m.ApplyEnsure(t.Context(), p)
	wantError(t, err, ErrStale)
}

func TestThePasswordReachesNeitherServerLogNorStatement(t *testing.T) {
	fresh(t, "mm_log", "mm_log")
	cluster.SQL(t, "postgres", "ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()")
	t.Cleanup(func() {
		cluster.SQL(t, "postgres", "ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf()")
	})
	eventually(t, "reload", func() bool { return scalar[string](t, target("postgres"), "SHOW log_statement") == "all" })
	if _, err := manager(t).Ensure(t.Context(), EnsureOptions{Database: "mm_log", Role: "mm_log", Password: "xyzzyplugh"}); err != nil {
		t.Fatal(err)
	}
	log := cluster.Log()
	if !strings.Contains(log, "mm_log") || strings.Contains(log, "xyzzyplugh") {
		t.Error("the server's log has the password, or lacks the statements")
	}
}

func TestSCRAMVerifierIsTheOneThatPostgreSQLMakes(t *testing.T) {
	fresh(t, "mm_scram")
	cluster.SQL(t, "postgres", "SET password_encryption = 'scram-sha-256'; CREATE ROLE mm_scram LOGIN PASSWORD 'pencil'")
	stored := scalar[string](t, target("postgres"), "SELECT rolpassword FROM pg_authid WHERE rolname = 'mm_scram'")
	if !matches(stored, "pencil") || matches(stored, "pencils") || matches("md5"+stored, "pencil") || matches("", "") {
		t.Error("a verifier of the server's own is not recognised")
	}
}

func TestEnsureRacingItselfEndsWithOneDatabase(t *testing.T) {
	fresh(t, "mm_race", "mm_race")
	var cmds []*exec.Cmd
	for i := range 4 {
		// Different maintenance databases on purpose: the lock is one.
		cmd := childCommand(t, "ensure", "mm_race", "", []string{"postgres", "template1"}[i%2])
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	changed := 0
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, cmd.Stderr)
		}
		var r EnsureResult
		if err := json.Unmarshal([]byte(fmt.Sprint(cmd.Stdout)), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Changed) > 0 {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d of 4 processes changed something, want 1", changed)
	}
	wantNames(t, "mm_race", 1)
}

// wantNames counts the databases of a name and those that are left over.
func wantNames(t *testing.T, name string, want int) {
	t.Helper()
	var names []string
	for _, c := range servers() {
		rows, err := connect(t, on(c, "postgres")).Query(t.Context(), "SELECT datname FROM pg_database WHERE datname = $1 OR datname LIKE 'gmsdk%'", name)
		if err != nil {
			t.Fatal(err)
		}
		more, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, more...)
	}
	if len(names) != want {
		t.Errorf("databases %v, want %d", names, want)
	}
}
