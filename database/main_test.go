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

// cluster is shared by all tests of this package.
var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	if job := os.Getenv("DATABASE_TEST_JOB"); job != "" {
		os.Exit(child(job)) // this process is one that a test kills
	}
	c, err := pgtest.New(pgtest.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cluster = c
	code := m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// target is the shared cluster's superuser on a database.
func target(database string) DSN {
	return DSN{User: pgtest.Superuser, Hosts: []Host{{cluster.SocketDir, cluster.Port}}, Database: database}
}

func connect(t testing.TB, d DSN) *pgx.Conn {
	t.Helper()
	conn, err := Connect(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// manager is a Manager as the superuser.
func manager(t testing.TB) *Manager {
	t.Helper()
	return New(connect(t, target("postgres")), OpenerFor(target("")))
}

// fresh drops what a test will make, now and at its end.
func fresh(t testing.TB, role string, databases ...string) {
	t.Helper()
	drop := func() {
		ctx := context.Background()
		conn, err := Connect(ctx, target("postgres"))
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
	drop()
	t.Cleanup(drop)
}

// sample makes a filled database that belongs to role.
func sample(t testing.TB, database, role string, posts int) {
	t.Helper()
	fresh(t, role, database)
	m := manager(t)
	if _, err := m.Ensure(t.Context(), EnsureOptions{Database: database, Role: role}); err != nil {
		t.Fatal(err)
	}
	d := target(database)
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
