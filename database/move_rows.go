package database

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// rows streams the tables from COPY to COPY, the largest first, on several
// pairs of connections.
func (mv *mover) rows(ctx context.Context, _ pgx.Tx) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := 0
	take := func() (tableInfo, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(mv.list) {
			return tableInfo{}, false
		}
		next++
		return mv.list[next-1], true
	}
	for range min(mv.o.Jobs, len(mv.list)) {
		wg.Go(func() {
			if err := mv.worker(ctx, take); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// worker copies tables over one pair of connections.
func (mv *mover) worker(ctx context.Context, take func() (tableInfo, bool)) error {
	return mv.source.in(ctx, mv.o.Source.Database, func(from *pgx.Conn) error {
		return snapshot(ctx, from, &mv.snapshot, func(tx pgx.Tx) error {
			return mv.target.in(ctx, mv.db, func(to *pgx.Conn) error {
				if _, err := to.Exec(ctx, "SET ROLE "+ident(mv.role)+"; SET synchronous_commit = off"); err != nil {
					return err
				}
				for {
					t, ok := take()
					if !ok {
						return nil
					}
					if err := mv.copyTable(ctx, from, to, t); err != nil {
						return fmt.Errorf("table %s: %w", t.name, plain(err))
					}
					mv.tell(func(p *MoveProgress) { p.Table = t.name; p.Tables++ })
				}
			})
		})
	})
}

// copyTable streams one table. It is truncated in the same transaction (it is
// empty), which lets the server write the rows frozen and, with wal_level
// minimal, without its log.
func (mv *mover) copyTable(ctx context.Context, from, to *pgx.Conn, t tableInfo) error {
	var columns []string
	for _, c := range t.columns {
		if !c.generated {
			columns = append(columns, ident(c.name))
		}
	}
	list := ""
	if len(columns) > 0 {
		list = " (" + strings.Join(columns, ", ") + ")"
	}
	return pgx.BeginFunc(ctx, to, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "TRUNCATE ONLY "+t.name); err != nil {
			return err
		}
		r, w := io.Pipe()
		counted := &counter{w: w, mv: mv}
		var sent int64
		read := make(chan error, 1)
		go func() {
			tag, err := from.PgConn().CopyTo(ctx, counted, "COPY "+t.name+list+" TO STDOUT (ENCODING 'UTF8')")
			sent = tag.RowsAffected()
			// The error reaches the other side as the stream's end, so that it
			// aborts instead of committing half a table.
			w.CloseWithError(err)
			read <- err
		}()
		tag, err := to.PgConn().CopyFrom(ctx, r, "COPY "+t.name+list+" FROM STDIN (FREEZE, ENCODING 'UTF8')")
		if err != nil {
			// The reader ends when its next write fails.
			r.CloseWithError(err)
		}
		e := <-read
		counted.flush()
		if e != nil && (err == nil || code(err) == "57014" || code(err) == "") {
			return fmt.Errorf("read: %w", e)
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if tag.RowsAffected() != sent {
			return fmt.Errorf("%d rows were read, %d written", sent, tag.RowsAffected())
		}
		return nil
	})
}

// counter adds up what passes.
type counter struct {
	w       io.Writer
	mv      *mover
	pending int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.pending += int64(n); c.pending >= 1<<20 || err != nil {
		c.flush()
	}
	return n, err
}

func (c *counter) flush() {
	add := c.pending
	c.pending = 0
	c.mv.tell(func(p *MoveProgress) { p.Bytes += add })
}
