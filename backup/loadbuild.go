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
	sort.SliceStable(todo, func(i, j int) bool { return todo[i].weight > todo[j].weight })
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
	take := func() *buildTask {
		mu.Lock()
		defer mu.Unlock()
		for ctx.Err() == nil {
			t, wait := nextTask(todo)
			if t != nil || !wait {
				return t
			}
			cond.Wait()
		}
		return nil
	}
	for range min(l.workers, max(len(todo), 1)) {
		g.run(func() error {
			conn, err := l.connect(ctx, l.preamble+"\n")
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
			for t := take(); t != nil; t = take() {
				if err := execScript(ctx, conn, t.sql); err != nil {
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

// nextTask gives the first task that may begin; wait says that one may later.
func nextTask(todo []*buildTask) (next *buildTask, wait bool) {
	for _, t := range todo {
		if t.begun {
			continue
		}
		if t.after != nil && !t.after.done {
			wait = true
			continue
		}
		t.begun = true
		return t, false
	}
	return nil, wait
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
