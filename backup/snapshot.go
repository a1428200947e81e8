package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// snapshot is an exported snapshot and the connection that keeps it alive,
// with a lock on every table against changes of their layout.
type snapshot struct {
	server *server
	conn   *pgx.Conn
	id     string
	taken  time.Time
	major  int

	db     Database
	schema Schema
	tables []dumpTable
	seqs   []pgx.Identifier
	blobs  bool
	notes  []Finding
}

// dumpTable is what dumping a table needs.
type dumpTable struct {
	Table
	columns []string
	pages   int64 // of its heap
}

func (t dumpTable) ident() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

// userSchemas excludes what belongs to the server.
const userSchemas = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

// takeSnapshot begins the read-only transaction whose view of the data the
// whole backup has.
func takeSnapshot(ctx context.Context, s *server) (_ *snapshot, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{server: s, conn: conn}
	defer func() {
		if err != nil {
			snap.close()
		}
	}()
	if _, err := conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return nil, fmt.Errorf("begin snapshot: %w", err)
	}
	snap.taken = time.Now().UTC()
	var num int
	if err := conn.QueryRow(ctx, "SELECT pg_export_snapshot(), current_setting('server_version_num')::int").Scan(&snap.id, &num); err != nil {
		return nil, fmt.Errorf("export snapshot: %w", err)
	}
	snap.major = num / 10000
	for _, step := range []func(context.Context) error{snap.facts, snap.listTables, snap.lock, snap.mattermost} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return snap, nil
}

// close ends the snapshot. Nothing was written, so its end cannot lose data.
func (s *snapshot) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}

// alive tells whether the snapshot still exists; a server that restarted lost
// it.
func (s *snapshot) alive(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("%w: %w", errNoSnapshot, err)
	}
	return nil
}

// join opens another connection that sees the same snapshot.
func (s *snapshot) join(ctx context.Context) (*pgx.Conn, error) {
	conn, err := s.server.connect(ctx)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '"+s.id+"'; SET client_encoding = '"+s.db.Encoding+"'", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("join snapshot: %w", err)
	}
	return conn, nil
}

func (s *snapshot) facts(ctx context.Context) error {
	err := s.conn.QueryRow(ctx, `SELECT d.datname, pg_get_userbyid(d.datdba), current_setting('server_version'), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, pg_database_size(d.oid)
		FROM pg_database d WHERE d.datname = current_database()`).
		Scan(&s.db.Name, &s.db.Owner, &s.db.ServerVersion, &s.db.Encoding, &s.db.Collate, &s.db.Ctype, &s.db.Bytes)
	if err != nil {
		return fmt.Errorf("read database facts: %w", err)
	}
	s.db.ServerMajor = s.major
	var settings []string
	err = s.conn.QueryRow(ctx, `SELECT coalesce((SELECT setconfig FROM pg_db_role_setting r JOIN pg_database d ON d.oid = r.setdatabase
		WHERE d.datname = current_database() AND r.setrole = 0), '{}')`).Scan(&settings)
	if err != nil {
		return fmt.Errorf("read database settings: %w", err)
	}
	for _, kv := range settings {
		name, value, _ := strings.Cut(kv, "=")
		s.db.Settings = append(s.db.Settings, Setting{Name: name, Value: value})
	}
	return s.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_largeobject_metadata)").Scan(&s.blobs)
}

// listTables reads every table with rows of its own, in order, and sequences.
// Tables of extensions belong to the extension.
func (s *snapshot) listTables(ctx context.Context) error {
	generated := "a.attgenerated = ''"
	if s.major < 12 {
		generated = "true"
	}
	rows, err := s.conn.Query(ctx, `SELECT n.nspname, c.relname, c.relkind::text, pg_table_size(c.oid), pg_relation_size(c.oid) / current_setting('block_size')::int,
		coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND `+generated+`), '{}')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'S', 'f') AND c.relpersistence <> 't' AND `+userSchemas+`
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	var t dumpTable
	var kind string
	_, err = pgx.ForEachRow(rows, []any{&t.Schema, &t.Name, &kind, &t.Bytes, &t.pages, &t.columns}, func() error {
		switch kind {
		case "r":
			t.columns = slices.Clone(t.columns)
			s.tables = append(s.tables, t)
		case "S":
			s.seqs = append(s.seqs, pgx.Identifier{t.Schema, t.Name})
		default:
			s.notes = append(s.notes, Finding{ID: "foreign-table", Severity: severityWarning, Message: "rows of a foreign table live elsewhere and are not in the backup", Where: t.Table.String(), Fix: "back up the other server"})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	return nil
}

// lock keeps the tables' layout as the snapshot saw it, as pg_dump does. A
// migration that runs makes it wait for at most a minute.
func (s *snapshot) lock(ctx context.Context) error {
	if len(s.tables) == 0 {
		return nil
	}
	names := make([]string, len(s.tables))
	for i, t := range s.tables {
		names[i] = t.ident()
	}
	sql := "SET LOCAL lock_timeout = '60s'; LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS SHARE MODE; SET LOCAL lock_timeout = 0"
	if _, err := s.conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code == "55P03" {
			return fmt.Errorf("lock tables: somebody changes their layout (a migration?) for more than a minute; try again: %w", err)
		}
		return fmt.Errorf("lock tables: %w", err)
	}
	return nil
}

// mattermost reads which migrations the database has had.
func (s *snapshot) mattermost(ctx context.Context) error {
	if t := s.find("db_migrations"); t != "" {
		err := s.conn.QueryRow(ctx, "SELECT count(*), coalesce(max(version), 0), coalesce((SELECT name FROM "+t+" ORDER BY version DESC LIMIT 1), '') FROM "+t).
			Scan(&s.schema.Migrations, &s.schema.Highest, &s.schema.LastName)
		if err != nil {
			return fmt.Errorf("read db_migrations: %w", err)
		}
	}
	if t := s.find("systems"); t != "" {
		err := s.conn.QueryRow(ctx, "SELECT coalesce((SELECT value FROM "+t+" WHERE name = 'Version'), '')").Scan(&s.schema.Legacy)
		if err != nil {
			return fmt.Errorf("read systems: %w", err)
		}
	}
	if s.find("posts") == "" || s.find("users") == "" {
		s.notes = append(s.notes, Finding{ID: "not-mattermost", Severity: severityWarning, Where: s.db.Name,
			Message: "the database has no tables posts and users: either Mattermost has never started with it, or it is the wrong one", Fix: "check the data source; the backup holds what is there"})
	}
	return nil
}

// find gives the quoted name of Mattermost's table, preferring schema public;
// "" when there is none.
func (s *snapshot) find(name string) string {
	found := ""
	for _, t := range s.tables {
		if t.Name == name && (found == "" || t.Schema == "public") {
			found = t.ident()
		}
	}
	return found
}
