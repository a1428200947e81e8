package backup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
)

// maxScript bounds a schema section, in bytes.
const maxScript = 256 << 20

// loadSession prepares a session for loading. More maintenance memory made
// sorts slower, because they leave the processor's cache; a pending list of
// 8 MB costs an eighth of an index's size and saves a third of the time.
const loadSession = `SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET synchronous_commit = off; SET maintenance_work_mem = '64MB'; SET work_mem = '64MB'; SET gin_pending_list_limit = '8MB'; SET client_min_messages = error`

// loader fills an empty database from a backup.
type loader struct {
	store     Store
	m         *Manifest
	keys      []age.Identity
	to        *server
	pools     *pools // shared with the files that are restored beside it
	workers   int
	deferText bool // leave big full-text indexes to the caller
	limit     *limiter
	hook      func(string)

	major    int
	local    bool   // the server shares this machine's processors
	preamble string // settings of post-data's session
	plan     buildPlan
	early    map[string]bool     // names of indexes that exist before the rows
	columns  map[string][]string // of schema.table, those that have statistics
	attended bool                // autovacuum runs and will see the tables
	held     []string            // tables that autovacuum leaves alone for now
}

// loadResult is what was loaded.
type loadResult struct {
	rows     int64
	pending  []string // statements of the indexes that were left out
	phases   []Phase
	findings []Finding
}

// run loads all, in this order: types and tables, the heaviest full-text
// indexes, rows, statistics and the other indexes, constraints and the rest.
// Row counts are compared with the manifest.
func (l *loader) run(ctx context.Context) (*loadResult, error) {
	res := &loadResult{}
	clock := newStopwatch(&res.phases)
	if err := l.schema(ctx); err != nil {
		return nil, fmt.Errorf("load database: %w", err)
	}
	l.hook("restore:schema")
	rows, err := l.rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("load database: %w", err)
	}
	res.rows = rows
	clock.lap("rows", l.limit.bytes.Load())
	l.hook("restore:rows")
	todo, pending := l.tasks()
	res.pending = pending
	if err := l.build(ctx, todo); err != nil {
		return nil, fmt.Errorf("load database: %w", err)
	}
	clock.lap("indexes", 0)
	if res.findings, err = l.finish(ctx); err != nil {
		return nil, fmt.Errorf("load database: %w", err)
	}
	clock.lap("constraints", 0)
	return res, nil
}

func (l *loader) connect(ctx context.Context, extra string) (*pgx.Conn, error) {
	conn, err := l.to.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := execScript(ctx, conn, extra+loadSession); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("prepare session: %w", err)
	}
	return conn, nil
}

// execScript runs several statements. Without parameters the simple protocol
// is used, which is what a script needs.
func execScript(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// script reads a schema section.
func (l *loader) script(ctx context.Context, p Part) (string, error) {
	text, err := readPart(ctx, l.store, l.m.ID, p, l.keys, maxScript)
	return string(text), err
}

// schema makes types and tables, plans the rest, and makes the full-text
// indexes that are built while rows arrive.
func (l *loader) schema(ctx context.Context) error {
	pre, err := l.script(ctx, l.m.Database.PreData)
	if err != nil {
		return err
	}
	post, err := l.script(ctx, l.m.Database.PostData)
	if err != nil {
		return err
	}
	preamble, entries := splitScript(pre)
	conn, err := l.connect(ctx, preamble+"\n")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	l.major, l.local = serverMajor(conn), isLocal(conn.PgConn().Conn().RemoteAddr())
	for _, e := range entries {
		if skipEntry(e) {
			continue
		}
		if err := execScript(ctx, conn, e.sql); err != nil {
			return fmt.Errorf("create %s %s: %w", strings.ToLower(e.kind), e.name, err)
		}
	}
	if b := l.m.Database.Blobs; b != nil {
		if err := l.blobs(ctx, conn, *b); err != nil {
			return err
		}
	}
	sizes := map[string]int64{}
	for _, t := range l.m.Database.Tables {
		id := pgx.Identifier{t.Schema, t.Name}
		sizes[id.Sanitize()] = t.Bytes
		sizes[t.Schema+"."+t.Name] = t.Bytes
	}
	l.preamble, entries = splitScript(post)
	l.plan = planBuild(entries, sizes)
	if err := l.listColumns(ctx, conn); err != nil {
		return err
	}
	if err := l.holdVacuum(ctx, conn); err != nil {
		return err
	}
	return l.earlyIndexes(ctx, conn)
}

// listColumns asks for the columns of all tables.
func (l *loader) listColumns(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attnum)
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') GROUP BY 1`)
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	l.columns = map[string][]string{}
	var table string
	var columns []string
	_, err = pgx.ForEachRow(rows, []any{&table, &columns}, func() error {
		l.columns[table] = columns
		return nil
	})
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	return nil
}

// skipEntry tells what every database has already and only its owner or a
// superuser may touch.
func skipEntry(e scriptEntry) bool {
	return stripComments(e.sql) == "" ||
		e.kind == "COMMENT" && (strings.HasPrefix(e.name, "EXTENSION ") || e.name == "SCHEMA public") ||
		e.kind == "SCHEMA" && e.name == "public" ||
		e.kind == "EXTENSION" && e.name == "plpgsql"
}

func serverMajor(conn *pgx.Conn) int {
	var major int
	// The server reports it at connect, as 15.18 or 18beta1.
	_, _ = fmt.Sscanf(conn.PgConn().ParameterStatus("server_version"), "%d", &major)
	return major
}

// isLocal tells whether a connection stays on this machine.
func isLocal(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// blobs runs pg_dump's script of large objects, which is SQL without COPY.
func (l *loader) blobs(ctx context.Context, conn *pgx.Conn, p Part) error {
	text, err := l.script(ctx, p)
	if err != nil {
		return err
	}
	if err := execScript(ctx, conn, restrictLine.ReplaceAllString(text, "")); err != nil {
		return fmt.Errorf("load large objects: %w", err)
	}
	return nil
}

// finish adds keys, foreign keys, triggers, sequences' values and other roles'
// rights, and lets autovacuum in. The rows become durable with the next synchronous commit of the
// server, which is that of the swap, whatever the server's setting.
func (l *loader) finish(ctx context.Context) ([]Finding, error) {
	conn, err := l.connect(ctx, l.preamble+"\n")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	for _, s := range l.plan.indexes {
		if s.after != "" {
			if err := execScript(ctx, conn, s.after); err != nil {
				return nil, fmt.Errorf("add constraint %s: %w", s.name, err)
			}
		}
	}
	if s := l.m.Database.Sequences; s != nil {
		text, err := l.script(ctx, *s)
		if err != nil {
			return nil, err
		}
		if err := execScript(ctx, conn, text); err != nil {
			return nil, fmt.Errorf("set sequences: %w", err)
		}
	}
	for _, sql := range l.plan.rest {
		if err := execScript(ctx, conn, sql); err != nil {
			return nil, fmt.Errorf("post-data (%.80s): %w", sql, err)
		}
	}
	findings, err := l.grants(ctx, conn)
	if err != nil {
		return nil, err
	}
	return findings, l.releaseVacuum(ctx, conn)
}

var errNoDatabase = errors.New("the backup holds no database")
