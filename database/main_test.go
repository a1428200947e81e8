package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// cluster is shared by all tests of this package. It has the system's version,
// or that of the programs that PGTEST_BINDIR names.
var cluster *pgtest.Cluster

// moveFrom and moveTo are the two ends of a move, both the shared cluster. When
// that has another version than the system's client programs, which fit forward
// only, a cluster of theirs is the newer or the older end.
var moveFrom, moveTo *pgtest.Cluster

func TestMain(m *testing.M) {
	if job := os.Getenv("DATABASE_TEST_JOB"); job != "" {
		os.Exit(child(job)) // this process is one that a test kills
	}
	code := 1
	err := startClusters()
	if err == nil {
		code = m.Run()
	}
	for _, c := range servers() {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func startClusters() error {
	c, err := pgtest.New(pgtest.Options{})
	if err != nil {
		return err
	}
	cluster, moveFrom, moveTo = c, c, c
	versions := pgtest.Versions()
	if len(versions) == 0 {
		return errors.New("no PostgreSQL is installed, whose client programs the tests need; run 'make deps'")
	}
	system := versions[len(versions)-1]
	if c.Major == system {
		return nil
	}
	second, err := pgtest.New(pgtest.Options{Version: system})
	if err != nil {
		return err
	}
	if c.Major < system {
		moveTo = second
	} else {
		moveFrom = second
	}
	return nil
}

// servers are the shared clusters, each once.
func servers() []*pgtest.Cluster {
	switch {
	case moveFrom == nil:
		return nil
	case moveFrom == moveTo:
		return []*pgtest.Cluster{cluster}
	}
	return []*pgtest.Cluster{moveFrom, moveTo}
}

// startLike starts a cluster of a shared one's version that a test may harm.
func startLike(t testing.TB, c *pgtest.Cluster, o pgtest.Options) *pgtest.Cluster {
	t.Helper()
	if c != cluster {
		o.Version = c.Major
	}
	return pgtest.Start(t, o)
}

// on is a cluster's superuser on a database.
func on(c *pgtest.Cluster, database string) DSN {
	return DSN{User: pgtest.Superuser, Hosts: []Host{{c.SocketDir, c.Port}}, Database: database}
}

// target is the shared cluster's superuser on a database.
func target(database string) DSN { return on(cluster, database) }

func connect(t testing.TB, d DSN) *pgx.Conn {
	t.Helper()
	conn, err := Connect(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// managerOn is a Manager as a cluster's superuser.
func managerOn(t testing.TB, c *pgtest.Cluster) *Manager {
	t.Helper()
	return New(connect(t, on(c, "postgres")), OpenerFor(on(c, "")))
}

// manager is a Manager as the shared cluster's superuser.
func manager(t testing.TB) *Manager {
	t.Helper()
	return managerOn(t, cluster)
}

// fresh drops what a test will make, now and at its end.
func fresh(t testing.TB, role string, databases ...string) {
	t.Helper()
	dropOn := func(c *pgtest.Cluster) {
		ctx := context.Background()
		conn, err := Connect(ctx, on(c, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		for _, db := range databases {
			// Not DROP … (FORCE), which PostgreSQL has from 13 on only.
			if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", db); err != nil {
				t.Error(err)
			}
			if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+ident(db)); err != nil {
				t.Error(err)
			}
		}
		if role != "" {
			if _, err := conn.Exec(ctx, "DROP ROLE IF EXISTS "+ident(role)); err != nil {
				t.Error(err)
			}
		}
	}
	drop := func() {
		for _, c := range servers() {
			dropOn(c)
		}
	}
	drop()
	t.Cleanup(drop)
}

// sample makes a filled database that belongs to role.
func sample(t testing.TB, database, role string, posts int) {
	t.Helper()
	sampleOn(t, cluster, database, role, posts)
}

func sampleOn(t testing.TB, c *pgtest.Cluster, database, role string, posts int) {
	t.Helper()
	fresh(t, role, database)
	if _, err := managerOn(t, c).Ensure(t.Context(), EnsureOptions{Database: database, Role: role}); err != nil {
		t.Fatal(err)
	}
	d := on(c, database)
	d.User = role
	if err := mmsample.Fill(t.Context(), connect(t, d), mmsample.Options{Posts: posts}); err != nil {
		t.Fatal(err)
	}
}

// scalar runs a query that gives one value.
func scalar[T any](t testing.TB, d DSN, query string, args ...any) T {
	t.Helper()
	var v T
	conn := connect(t, d)
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func execute(t testing.TB, d DSN, sql string) {
	t.Helper()
	conn := connect(t, d)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func wantError(t testing.TB, err, target error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v %q", target, parts)
	}
	if target != nil && !errors.Is(err, target) {
		t.Errorf("error %q is not %q", err, target)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q lacks %q", err, p)
		}
	}
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen within 10 s", what)
		}
	}
}
