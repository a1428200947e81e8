package database

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

type backuper func(database string) error

func (b backuper) BackupDatabase(_ context.Context, database string) error { return b(database) }

func TestDropRefusesEverythingThatIsNotClearlyMeant(t *testing.T) {
	fresh(t, "", "mm_drop", "mm_drop_gitlab", "mm_drop_template")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_drop")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_drop_gitlab")
	cluster.SQL(t, "mm_drop_gitlab", "CREATE TABLE projects (); CREATE TABLE merge_requests ()")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_drop_template IS_TEMPLATE true")
	t.Cleanup(func() { cluster.SQL(t, "postgres", "ALTER DATABASE mm_drop_template IS_TEMPLATE false") })
	m := manager(t)
	for _, test := range []struct {
		reason, name, confirm string
		is                    error
	}{
		{"no confirmation", "mm_drop", "", ErrConfirm}, {"almost", "mm_drop", "mm_drop ", ErrConfirm}, {"other case", "mm_drop", "MM_DROP", ErrConfirm},
		{"postgres", "postgres", "postgres", ErrRefused}, {"template1", "template1", "template1", ErrRefused}, {"GitLab's name", GitLabDatabase, GitLabDatabase, ErrRefused},
		{"GitLab's tables", "mm_drop_gitlab", "mm_drop_gitlab", ErrRefused}, {"a template by its flag", "mm_drop_template", "mm_drop_template", ErrRefused},
		{"missing", "nowhere", "nowhere", ErrNotFound}, {"empty", "", "", nil},
	} {
		err := m.Drop(t.Context(), test.name, test.confirm)
		wantError(t, err, test.is)
	}
	err := New(connect(t, target("mm_drop")), OpenerFor(target(""))).Drop(t.Context(), "mm_drop", "mm_drop")
	wantError(t, err, ErrRefused, "connected to it")
	_, err = m.DropWith(t.Context(), DropOptions{Database: "mm_drop", Confirm: "mm_drop", Backup: backuper(func(string) error { return errors.New("disk full") })})
	wantError(t, err, nil, "kept, because its backup failed: disk full")
	for _, db := range []string{"mm_drop", "mm_drop_gitlab", "mm_drop_template"} {
		wantNames(t, db, 1)
	}
}

// onlySession waits until a database has one session: the server ends the
// processes of earlier clients, and of autovacuum, in its own time.
func onlySession(t *testing.T, database string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := scalar[int](t, target("postgres"), "SELECT count(*)::int FROM pg_stat_activity WHERE datname = '"+database+"'")
		if n == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("database %s has %d sessions, want 1", database, n)
		}
	}
}

func TestDropEndsSessionsAndBacksUpFirst(t *testing.T) {
	fresh(t, "", "mm_drop")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_drop")
	cluster.SQL(t, "mm_drop", "CREATE TABLE posts (id int); INSERT INTO posts VALUES (1); ANALYZE posts")
	service := connect(t, target("mm_drop"))
	onlySession(t, "mm_drop")
	m, backedUp := manager(t), ""
	plan, err := m.DropWith(t.Context(), DropOptions{Database: "mm_drop", Confirm: "mm_drop", Backup: backuper(func(db string) error {
		backedUp = db
		return service.Ping(t.Context()) // nothing has been ended yet
	})})
	if err != nil {
		t.Fatal(err)
	}
	if backedUp != "mm_drop" || plan.Posts != 1 || plan.Sessions != 1 || plan.Tables != 1 || plan.Bytes == 0 || len(plan.Steps) != 4 {
		t.Errorf("%q %+v", backedUp, plan)
	}
	if service.Ping(t.Context()) == nil {
		t.Error("the service's session lives")
	}
	wantNames(t, "mm_drop", 0)
}

// A service that reconnects at once must not keep a swap from happening.
func TestSwapWinsAgainstAServiceThatReconnects(t *testing.T) {
	fresh(t, "", "mm_sw", "mm_sw2")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_sw")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_sw2")
	cluster.SQL(t, "mm_sw2", "CREATE TABLE new (i int)")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan int, 1)
	go func() {
		n := 0
		for ctx.Err() == nil {
			if conn, err := Connect(ctx, target("mm_sw")); err == nil {
				n++
				_, _ = conn.Exec(ctx, "SELECT pg_sleep(0.02)") // ended by the swap
				conn.Close(context.Background())
			}
			time.Sleep(time.Millisecond)
		}
		served <- n
	}()
	m := manager(t)
	previous, err := m.Swap(t.Context(), "mm_sw", "mm_sw2")
	cancel()
	if n := <-served; err != nil || n == 0 {
		t.Fatalf("%v after %d connections", err, n)
	}
	fresh(t, "", "mm_sw", previous)
}

func TestSwapKeepsThePreviousDatabaseUnderADatedName(t *testing.T) {
	long := strings.Repeat("ä", 31)
	for _, name := range []string{"mm_sw", long} {
		fresh(t, "", name, "mm_sw2")
		m := manager(t)
		for _, db := range []string{name, "mm_sw2"} {
			cluster.SQL(t, "postgres", "CREATE DATABASE "+ident(db))
			cluster.SQL(t, db, "CREATE TABLE me AS SELECT '"+db+"'::text AS name")
		}
		previous, err := m.Swap(t.Context(), name, "mm_sw2")
		if err != nil {
			t.Fatal(err)
		}
		fresh2 := func() { execute(t, target("postgres"), "DROP DATABASE IF EXISTS "+ident(previous)) }
		if a, b := scalar[string](t, target(name), "SELECT name FROM me"), scalar[string](t, target(previous), "SELECT name FROM me"); a != "mm_sw2" || b != name {
			t.Errorf("%s holds %s, %s holds %s", name, a, previous, b)
		}
		back, err := m.Swap(t.Context(), name, previous)
		if err != nil {
			t.Fatal(err)
		}
		if a := scalar[string](t, target(name), "SELECT name FROM me"); a != name {
			t.Errorf("after going back: %s", a)
		}
		fresh2()
		execute(t, target("postgres"), "DROP DATABASE "+ident(back))
		_, err = m.Swap(t.Context(), name, "nowhere")
		wantError(t, err, ErrNotFound)
		_, err = m.Swap(t.Context(), name, name)
		wantError(t, err, nil, "with itself")
		wantError(t, m.Rename(t.Context(), name, "template1"), ErrRefused)
		wantError(t, m.Rename(t.Context(), "postgres", "x"), ErrRefused)
	}
}

func TestCloneCarriesContentOwnerAndSettings(t *testing.T) {
	fresh(t, "mm_cl", "mm_cl", "mm_cl2")
	m := manager(t)
	if _, err := m.Ensure(t.Context(), EnsureOptions{Database: "mm_cl", Role: "mm_cl", ConnectionLimit: 9}); err != nil {
		t.Fatal(err)
	}
	cluster.SQL(t, "mm_cl", "CREATE TABLE t AS SELECT 42 AS i; ALTER DATABASE mm_cl SET search_path = \"$user\", public, \"odd,name\"")
	held := connect(t, target("mm_cl")) // somebody is connected
	if err := m.Clone(t.Context(), "mm_cl", "mm_cl2"); err != nil {
		t.Fatal(err)
	}
	if held.Ping(t.Context()) == nil {
		t.Error("the session was not ended")
	}
	query := `SELECT concat_ws(' ', pg_get_userbyid(datdba), datconnlimit, current_setting('search_path'), current_setting('default_text_search_config'), (SELECT i FROM public.t)) FROM pg_database WHERE datname = current_database()`
	if a, b := scalar[string](t, target("mm_cl"), query), scalar[string](t, target("mm_cl2"), query); a != b || !strings.HasSuffix(b, "42") {
		t.Errorf("original %q, copy %q", a, b)
	}
	err := m.Clone(t.Context(), "mm_cl", "mm_cl2")
	wantError(t, err, nil, "already exists")
	wantNames(t, "mm_cl", 1) // and nothing left over
}

func TestASecondRunIsRefusedWhileTheLockIsHeld(t *testing.T) {
	fresh(t, "", "mm_lock")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_lock")
	a := New(connect(t, target("template1")), OpenerFor(target("")))
	unlock, err := a.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, manager(t).Drop(t.Context(), "mm_lock", "mm_lock"), ErrLocked)
	_, err = manager(t).Ensure(t.Context(), EnsureOptions{Database: "mm_lock", Role: "mm_lock", Wait: 60 * time.Millisecond})
	wantError(t, err, ErrLocked)
	unlock()
	if err := manager(t).Drop(t.Context(), "mm_lock", "mm_lock"); err != nil {
		t.Error(err)
	}
}

func TestTerminateAndAnalyze(t *testing.T) {
	fresh(t, "", "mm_term")
	cluster.SQL(t, "postgres", "CREATE DATABASE mm_term")
	cluster.SQL(t, "mm_term", "CREATE TABLE t AS SELECT generate_series(1, 100) i")
	connect(t, target("mm_term"))
	connect(t, target("mm_term"))
	m := manager(t)
	if n, err := m.Terminate(t.Context(), "mm_term"); err != nil || n != 2 {
		t.Errorf("%d ended, %v", n, err)
	}
	if err := m.Analyze(t.Context(), "mm_term"); err != nil {
		t.Error(err)
	}
	if n := scalar[float64](t, target("mm_term"), "SELECT reltuples FROM pg_class WHERE relname = 't'"); n != 100 {
		t.Errorf("statistics say %v rows", n)
	}
	_, err := m.Terminate(t.Context(), "nowhere")
	wantError(t, err, ErrNotFound)
	wantError(t, m.Analyze(t.Context(), "nowhere"), ErrNotFound)
}

func TestAManagerWithoutConnectionSaysSo(t *testing.T) {
	m, ctx := New(nil, OpenerFor(target(""))), t.Context()
	_, ensure := m.Ensure(ctx, EnsureOptions{})
	_, plan := m.PlanEnsure(ctx, EnsureOptions{})
	_, swap := m.Swap(ctx, "a", "b")
	_, terminate := m.Terminate(ctx, "a")
	_, planDrop := m.PlanDrop(ctx, DropOptions{Database: "a"})
	_, version := m.ServerVersion(ctx)
	for name, err := range map[string]error{"ensure": ensure, "plan": plan, "swap": swap, "terminate": terminate, "plan drop": planDrop, "version": version,
		"drop": m.Drop(ctx, "a", "a"), "rename": m.Rename(ctx, "a", "b"), "clone": m.Clone(ctx, "a", "b")} {
		if !errors.Is(err, errNoConn) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
