package database

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// piece is a table, or a range of its pages.
type piece struct {
	table    tableInfo
	from, to int64 // pages; to 0 is the end
	part     bool
	last     *int // pieces of the table that are left
}

// rows streams the tables from COPY to COPY, the largest first, on several
// pairs of connections. Large tables with a full text index go in pieces.
func (mv *mover) rows(ctx context.Context, tx pgx.Tx) error {
	pieces, err := mv.pieces(ctx, tx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := 0
	take := func() (piece, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(pieces) {
			return piece{}, false
		}
		next++
		return pieces[next-1], true
	}
	for range min(mv.o.Jobs, len(pieces)) {
		wg.Go(func() {
			if err := mv.worker(ctx, take); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return mv.settleEarly(ctx)
}

// worker copies pieces over one pair of connections.
func (mv *mover) worker(ctx context.Context, take func() (piece, bool)) error {
	return mv.source.in(ctx, mv.o.Source.Database, func(from *pgx.Conn) error {
		return snapshot(ctx, from, &mv.snapshot, func(tx pgx.Tx) error {
			return mv.target.in(ctx, mv.db, func(to *pgx.Conn) error {
				if _, err := to.Exec(ctx, "SET ROLE "+ident(mv.role)+"; SET synchronous_commit = off; SET work_mem = '64MB'; SET gin_pending_list_limit = '8MB'"); err != nil {
					return err
				}
				for {
					p, ok := take()
					if !ok {
						return nil
					}
					if err := mv.copyPiece(ctx, from, to, p); err != nil {
						return fmt.Errorf("table %s: %w", p.table.name, plain(err))
					}
					mv.tell(func(g *MoveProgress) {
						if *p.last--; *p.last == 0 {
							g.Table = p.table.name
							g.Tables++
						}
					})
				}
			})
		})
	})
}

// copyPiece streams one table, or a part of one. A whole table is truncated in
// the same transaction (it is empty), which lets the server write the rows frozen
// and, with wal_level minimal, without its log.
func (mv *mover) copyPiece(ctx context.Context, from, to *pgx.Conn, p piece) error {
	t := p.table
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
	source, freeze := t.name+list, "FREEZE, "
	if p.part {
		source, freeze = "(SELECT "+strings.Join(columns, ", ")+" FROM ONLY "+t.name+" WHERE "+p.where()+")", ""
	}
	return pgx.BeginFunc(ctx, to, func(tx pgx.Tx) error {
		if !p.part {
			if _, err := tx.Exec(ctx, "TRUNCATE ONLY "+t.name); err != nil {
				return err
			}
		}
		// The server sends a message for every row. Passed on one by one they
		// would cost a system call and two switches each.
		r, w := io.Pipe()
		block := bufio.NewWriterSize(w, 256<<10)
		counted := &counter{w: block, mv: mv}
		var sent int64
		read := make(chan error, 1)
		go func() {
			tag, err := from.PgConn().CopyTo(ctx, counted, "COPY "+source+" TO STDOUT (ENCODING 'UTF8')")
			if err == nil {
				err = block.Flush()
			}
			sent = tag.RowsAffected()
			// The error reaches the other side as the stream's end, so that it
			// aborts instead of committing half a table.
			w.CloseWithError(err)
			read <- err
		}()
		tag, err := to.PgConn().CopyFrom(ctx, r, "COPY "+t.name+list+" FROM STDIN ("+freeze+"ENCODING 'UTF8')")
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
