package backup

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
	"github.com/jackc/pgx/v5"
)

// tableOptions lists what tables have for storage options.
const tableOptions = `SELECT string_agg(relname || ' ' || reloptions::text, ', ' ORDER BY relname) FROM pg_class
	WHERE relkind = 'r' AND reloptions IS NOT NULL AND relnamespace = 'public'::regnamespace`

func TestAutovacuumLeavesTheTablesAloneUntilTheyAreComplete(t *testing.T) {
	s := newSampleOf(t, "vac", smallOptions)
	cluster.SQL(t, s.db, "ALTER TABLE reactions SET (autovacuum_enabled = true, fillfactor = 90)")
	before := cluster.SQL(t, s.db, tableOptions)
	store := newStore(t)
	res := mustCreate(t, store, s.src, CreateOptions{})
	var open, held string
	_, err := Restore(t.Context(), store, res.ID, s.target(), RestoreOptions{hook: func(point string) {
		if point != "restore:rows" {
			return
		}
		staged := strings.TrimSpace(cluster.SQL(t, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'vac\\_new\\_%'"))
		const with = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND "
		held = strings.TrimSpace(cluster.SQL(t, staged, with+"'autovacuum_enabled=false' = ANY (reloptions)"))
		open = strings.TrimSpace(cluster.SQL(t, staged, with+"('autovacuum_enabled=false' = ANY (reloptions)) IS NOT TRUE AND relname <> 'reactions'"))
	}})
	if err != nil {
		t.Fatal(err)
	}
	if held == "0" || held == "" || open != "0" {
		t.Errorf("while rows are loaded, autovacuum may not touch %s tables and may touch %s others", held, open)
	}
	if after := cluster.SQL(t, s.db, tableOptions); after != before {
		t.Errorf("storage options after the restore:\n%s\nwant\n%s", after, before)
	}
}

func TestWithoutAutovacuumTheStatisticsAreFull(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"autovacuum": "off"}})
	c.SQL(t, "postgres", "CREATE TABLE posts (id text)")
	conn, err := pgx.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	l := &loader{}
	if err := l.holdVacuum(t.Context(), conn); err != nil || l.attended || len(l.held) != 0 {
		t.Errorf("attended %v, held %v, error %v: nobody would gather the full statistics later", l.attended, l.held, err)
	}
}
