package s3store

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/mmsample"
	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// digest is an order-free digest of every row of every table.
func digest(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, n := range names {
		var text string
		if err := conn.QueryRow(t.Context(), "SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM "+n+" t").Scan(&text); err != nil {
			t.Fatal(err)
		}
		out[n] = text
	}
	return out
}

func TestDatabaseThroughS3RestoresTheSameRows(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	c.SQL(t, "postgres", "CREATE DATABASE mm")
	conn, err := pgx.Connect(t.Context(), c.DSN("mm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := mmsample.Fill(t.Context(), conn, mmsample.Options{Posts: 300}); err != nil {
		t.Fatal(err)
	}
	before := digest(t, conn)
	_, o := newFake(t)
	s := open1(t, o)
	res := create(t, s, backup.Source{DSN: backup.Secret(c.DSN("mm"))}, backup.CreateOptions{PgDump: filepath.Join(c.BinDir, "pg_dump")})
	if _, err := conn.Exec(t.Context(), "TRUNCATE posts, users"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(t.Context(), s, res.ID, backup.Target{DSN: backup.Secret(c.DSN("mm")), StateDir: t.TempDir()}, backup.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if conn, err = pgx.Connect(t.Context(), c.DSN("mm")); err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	after := digest(t, conn)
	if len(after) != len(before) || len(before) < 15 {
		t.Errorf("%d tables, before %d", len(after), len(before))
	}
	for n, want := range before {
		if after[n] != want {
			t.Errorf("%s: %s, want %s", n, after[n], want)
		}
	}
}
