package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
)

// Limits and thresholds of loading, each measured.
const (
	maxScript = 256 << 20 // bytes of a schema section
	// bigTable is from where a GIN index is worth making before the rows. A
	// server before 18 builds it in one process; made first, the loading
	// connections share the work.
	bigTable = 32 << 20
)

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
	workers   int
	deferText bool // leave big full-text indexes to the caller
	limit     *limiter
	hook      func(string)

	major    int
	preamble string // settings of post-data's session
	plan     buildPlan
	early    map[string]bool // names of indexes that exist before the rows
}

// loadResult is what was loaded.
type loadResult struct {
	rows    int64
	pending []string // statements of the indexes that were left out
	phases  []Phase
}

// run loads all, in this order: types and tables, the heaviest full-text
// indexes, rows, the other indexes, constraints and the rest. Row counts are
// compared with the manifest.
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
	if err := l.analyze(ctx); err != nil {
		return nil, fmt.Errorf("load database: %w", err)
	}
	clock.lap("statistics", 0)
	if res.pending, err = l.indexes(ctx); err != nil {
		return nil, fmt.Errorf("load database: %w", err)
	}
	clock.lap("indexes", 0)
	if err := l.finish(ctx); err != nil {
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
	l.major = serverMajor(conn)
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
	return l.earlyIndexes(ctx, conn)
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

func (l *loader) isBig(s buildStep) bool { return s.gin && s.weight/8 > bigTable }

func (l *loader) earlyIndexes(ctx context.Context, conn *pgx.Conn) error {
	l.early = map[string]bool{}
	if l.deferText || l.major >= 18 {
		return nil
	}
	for _, s := range l.plan.indexes {
		if !l.isBig(s) {
			continue
		}
		if err := execScript(ctx, conn, s.index); err != nil {
			return fmt.Errorf("create index %s: %w", s.name, err)
		}
		l.early[s.name] = true
	}
	return nil
}

// rows loads the pieces on several connections, largest first, and compares
// the counts.
func (l *loader) rows(ctx context.Context) (int64, error) {
	pieces := append([]Piece(nil), l.m.Database.Pieces...)
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].PlainSize > pieces[j].PlainSize })
	counts := make([]int64, len(pieces))
	err := l.parallel(ctx, len(pieces), "SET client_encoding = '"+l.m.Database.Encoding+"';", func(ctx context.Context, conn *pgx.Conn, i int) error {
		n, err := l.piece(ctx, conn, pieces[i])
		counts[i] = n
		l.hook("restore:piece")
		return err
	})
	var total int64
	for _, n := range counts {
		total += n
	}
	return total, err
}

// parallel runs f for 0 … n-1 on the loader's connections.
func (l *loader) parallel(ctx context.Context, n int, session string, f func(context.Context, *pgx.Conn, int) error) error {
	g, ctx := newGroup(ctx)
	next := make(chan int)
	g.run(func() error {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(l.workers, max(n, 1)) {
		g.run(func() error {
			conn, err := l.connect(ctx, session)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
			for i := range next {
				if err := f(ctx, conn, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.wait()
}

// piece loads one part and compares its rows with the manifest. Damage that
// shows only at the part's end fails the whole restore, whose database is then
// dropped.
func (l *loader) piece(ctx context.Context, conn *pgx.Conn, p Piece) (int64, error) {
	r, err := openProof(ctx, l.store, l.m.ID, p.Part, l.keys, contentHash)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	i, total := 0, int64(0)
	err = readCopyScript(&countingReader{ctx: ctx, r: r, limit: l.limit}, func(c *copyStatement) error {
		m := copyTable.FindStringSubmatch(c.sql)
		if m == nil || i >= len(p.Tables) || unquoteIdent(m[1]) != p.Tables[i].Schema || unquoteIdent(m[2]) != p.Tables[i].Name {
			return fmt.Errorf("%w: %s: statement %d is not the COPY that the manifest names", ErrDamaged, p.Name, i+1)
		}
		want := p.Tables[i]
		i++
		tag, err := conn.PgConn().CopyFrom(ctx, c, c.sql)
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			err = c.err // the server only knows that its rows ended
		}
		if err != nil {
			return fmt.Errorf("load %s.%s: %w", want.Schema, want.Name, err)
		}
		if tag.RowsAffected() != want.Rows {
			return fmt.Errorf("load %s.%s from %s: %d rows, the manifest says %d", want.Schema, want.Name, p.Name, tag.RowsAffected(), want.Rows)
		}
		total += want.Rows
		return nil
	})
	if err == nil && i != len(p.Tables) {
		err = fmt.Errorf("%w: %s: %d COPY statements, want %d", ErrDamaged, p.Name, i, len(p.Tables))
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	return total, err
}

// analyze gathers the planner's statistics of every table. Before the indexes
// exist that is cheap; those of full-text expressions are left to the server.
func (l *loader) analyze(ctx context.Context) error {
	var tables []Table
	for _, t := range l.m.Database.Tables {
		if t.Rows > 0 {
			tables = append(tables, t)
		}
	}
	sort.SliceStable(tables, func(i, j int) bool { return tables[i].Bytes > tables[j].Bytes })
	return l.parallel(ctx, len(tables), "", func(ctx context.Context, conn *pgx.Conn, i int) error {
		if err := execScript(ctx, conn, "ANALYZE "+pgx.Identifier{tables[i].Schema, tables[i].Name}.Sanitize()); err != nil {
			return fmt.Errorf("statistics of %s: %w", tables[i], err)
		}
		return nil
	})
}

// indexes builds what is missing, heaviest first, and brings the early ones up
// to date. It gives the statements of the big full-text indexes when those are
// left for later.
func (l *loader) indexes(ctx context.Context) (pending []string, err error) {
	var todo []string
	steps := append([]buildStep(nil), l.plan.indexes...)
	sort.SliceStable(steps, func(i, j int) bool { return steps[i].weight > steps[j].weight })
	for _, s := range steps {
		switch {
		case l.early[s.name]:
			schema, _, _ := strings.Cut(s.table, ".")
			todo = append(todo, "SELECT gin_clean_pending_list('"+strings.ReplaceAll(schema+"."+s.name, "'", "''")+"'::regclass)")
		case l.deferText && l.isBig(s):
			pending = append(pending, s.index)
		default:
			todo = append(todo, s.index)
		}
	}
	if len(l.plan.views) > 0 { // they only read tables; their order among each other matters
		todo = append([]string{strings.Join(l.plan.views, "\n")}, todo...)
	}
	err = l.parallel(ctx, len(todo), l.preamble+"\n", func(ctx context.Context, conn *pgx.Conn, i int) error {
		if err := execScript(ctx, conn, todo[i]); err != nil {
			return fmt.Errorf("build (%.80s): %w", todo[i], err)
		}
		return nil
	})
	return pending, err
}

// finish adds keys, foreign keys, triggers and sequences' values. The rows
// become durable with the next synchronous commit of the server, which is that
// of the swap.
func (l *loader) finish(ctx context.Context) error {
	conn, err := l.connect(ctx, l.preamble+"\n")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	for _, s := range l.plan.indexes {
		if s.after != "" {
			if err := execScript(ctx, conn, s.after); err != nil {
				return fmt.Errorf("add constraint %s: %w", s.name, err)
			}
		}
	}
	if s := l.m.Database.Sequences; s != nil {
		text, err := l.script(ctx, *s)
		if err != nil {
			return err
		}
		if err := execScript(ctx, conn, text); err != nil {
			return fmt.Errorf("set sequences: %w", err)
		}
	}
	for _, sql := range l.plan.rest {
		if err := execScript(ctx, conn, sql); err != nil {
			return fmt.Errorf("post-data (%.80s): %w", sql, err)
		}
	}
	return nil
}

// finishIndexes builds indexes that were left out, without locking the tables
// against a running Mattermost. One that an interrupted build left invalid is
// dropped first; one that exists is left alone.
func finishIndexes(ctx context.Context, s *server, statements []string) error {
	if len(statements) == 0 {
		return nil
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
	for _, sql := range statements {
		m := createIndex.FindStringSubmatch(sql)
		if m == nil {
			return fmt.Errorf("build index: not understood: %.80s", sql)
		}
		schema, _, _ := strings.Cut(m[4], ".")
		full := schema + "." + m[2]
		var valid *bool
		err := conn.QueryRow(ctx, "SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1))", full).Scan(&valid)
		if err != nil {
			return fmt.Errorf("look at index %s: %w", full, err)
		}
		if valid != nil && *valid {
			continue
		}
		if valid != nil {
			if err := execScript(ctx, conn, "DROP INDEX "+full); err != nil {
				return fmt.Errorf("drop unfinished index %s: %w", full, err)
			}
		}
		build := bytes.Replace([]byte(sql), []byte("CREATE INDEX "), []byte("CREATE INDEX CONCURRENTLY "), 1)
		if err := execScript(ctx, conn, string(build)); err != nil {
			return fmt.Errorf("build index %s: %w", full, err)
		}
	}
	return nil
}

var errNoDatabase = errors.New("the backup holds no database")
