package backup

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// buildTask is one statement to run after the rows.
type buildTask struct {
	what   string // for errors
	sql    string
	weight int64
	after  *buildTask // must be done before, because of its lock
	begun  bool
	done   bool
}

// oneProcess keeps the server from building one index with several processes:
// while there is other work for every connection, that costs and gains nothing.
const oneProcess = "SET max_parallel_maintenance_workers = 0; "

const anyProcesses = "RESET max_parallel_maintenance_workers; "

// tasks puts statistics, materialised views and indexes into one list, heaviest
// first, and brings the early indexes up to date. It gives the statements of
// the big full-text indexes when those are left for later.
func (l *loader) tasks() (todo []*buildTask, pending []string) {
	statistics := map[string]*buildTask{}
	for _, t := range l.m.Database.Tables {
		if t.Rows == 0 {
			continue
		}
		name := pgx.Identifier{t.Schema, t.Name}.Sanitize()
		// It comes before the table's indexes of the same weight.
		task := &buildTask{what: "statistics of " + t.String(), sql: l.analyze(t), weight: 2 + 8*t.Bytes}
		statistics[name], statistics[t.Schema+"."+t.Name] = task, task
		todo = append(todo, task)
	}
	if len(l.plan.views) > 0 { // they only read tables; their order among each other matters
		sql := strings.Join(l.plan.views, "\n")
		todo = append(todo, &buildTask{what: "materialised views", sql: sql, weight: 1 << 62})
	}
	for _, s := range l.plan.indexes {
		task := &buildTask{what: "index " + s.name, sql: s.index, weight: s.weight, after: statistics[s.table]}
		switch {
		case l.early[s.name]:
			schema, _, _ := strings.Cut(s.table, ".")
			task.sql = "SELECT gin_clean_pending_list(" + quoteLiteral(schema+"."+s.name) + "::regclass)"
		case l.deferText && l.isBig(s):
			pending = append(pending, s.index)
			continue
		}
		todo = append(todo, task)
	}
	// Among those of one table, many columns come first, so that the last ones
	// are small and all connections end together.
	sort.SliceStable(todo, func(i, j int) bool {
		if a, b := todo[i], todo[j]; a.weight != b.weight {
			return a.weight > b.weight
		}
		return strings.Count(todo[i].sql, ",") > strings.Count(todo[j].sql, ",")
	})
	return todo, pending
}

// analyze is the statement for the planner's statistics of a table. It names
// the columns: that leaves out the expressions of indexes, each of which would
// cost a second for full text, and lets the server's autovacuum, which takes
// such a table for never analysed, gather them later.
func (l *loader) analyze(t Table) string {
	name := pgx.Identifier{t.Schema, t.Name}.Sanitize()
	columns := l.columns[t.Schema+"."+t.Name]
	if len(columns) == 0 {
		return "ANALYZE " + name
	}
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = ident(c)
	}
	return "ANALYZE " + name + " (" + strings.Join(quoted, ", ") + ")"
}

// build runs the tasks on the loader's connections.
func (l *loader) build(ctx context.Context, todo []*buildTask) error {
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	g, ctx := newGroup(ctx)
	defer context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		cond.Broadcast()
	})()
	// The server of another machine may have processors to spare, and from 18
	// on several processes build a full-text index.
	alone := l.major < 18 && l.local
	take := func() (*buildTask, string) {
		mu.Lock()
		defer mu.Unlock()
		for ctx.Err() == nil {
			t, left := nextTask(todo)
			switch {
			case t != nil && alone && left >= l.workers-1:
				return t, oneProcess + t.sql
			case t != nil:
				return t, anyProcesses + t.sql
			case left == 0:
				return nil, ""
			}
			cond.Wait()
		}
		return nil, ""
	}
	settings := l.preamble + "\n"
	if l.attended {
		settings += roughStatistics
	}
	for range min(l.workers, max(len(todo), 1)) {
		g.run(func() error {
			conn, err := l.connect(ctx, settings)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
			for t, sql := take(); t != nil; t, sql = take() {
				if err := execScript(ctx, conn, sql); err != nil {
					return fmt.Errorf("build %s: %w", t.what, err)
				}
				mu.Lock()
				t.done = true
				cond.Broadcast()
				mu.Unlock()
			}
			return ctx.Err()
		})
	}
	return g.wait()
}

// nextTask gives the first task that may begin, and how many are left then.
func nextTask(todo []*buildTask) (next *buildTask, left int) {
	for _, t := range todo {
		switch {
		case t.begun:
		case next == nil && (t.after == nil || t.after.done):
			t.begun = true
			next = t
		default:
			left++
		}
	}
	return next, left
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
