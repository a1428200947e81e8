package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"github.com/jackc/pgx/v5"
)

// shareFrom is the size of a piece of one table from which connections that
// have nothing else to do join in loading it.
const shareFrom = 1 << 20

// rowQueue hands out the pieces, largest first. When none is left, a connection
// helps with one that another still loads: the largest table is most of a
// Mattermost database, and all connections shall be busy to the end.
type rowQueue struct {
	pieces []Piece // not begun

	mu   sync.Mutex
	cond *sync.Cond
	open []*sharedRows // being loaded and worth help
	busy int           // pieces being loaded
	rows int64         // of finished pieces
}

// rows loads all pieces and compares the counts.
func (l *loader) rows(ctx context.Context) (int64, error) {
	q := &rowQueue{pieces: append([]Piece(nil), l.m.Database.Pieces...)}
	q.cond = sync.NewCond(&q.mu)
	sort.SliceStable(q.pieces, func(i, j int) bool { return q.pieces[i].PlainSize > q.pieces[j].PlainSize })
	g, ctx := newGroup(ctx)
	defer context.AfterFunc(ctx, q.wake)()
	for range l.workers {
		g.run(func() error {
			conn, err := l.connect(ctx, "SET client_encoding = '"+l.m.Database.Encoding+"';")
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx)) // every statement was checked
			return l.rowWorker(ctx, conn, q)
		})
	}
	err := g.wait()
	return q.rows, err
}

// rowWorker loads and helps until all is loaded.
func (l *loader) rowWorker(ctx context.Context, conn *pgx.Conn, q *rowQueue) error {
	for {
		p, s := q.take(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case s != nil:
			err := s.load(ctx, conn)
			s.helpers.Done()
			if err != nil {
				return err
			}
		case p != nil:
			n, err := l.piece(ctx, conn, *p, q)
			q.finished(n)
			if err != nil {
				return err
			}
			l.hook("restore:piece")
		default:
			return nil
		}
	}
}

// take gives the next piece, or rows to help with, or neither when all is
// done.
func (q *rowQueue) take(ctx context.Context) (*Piece, *sharedRows) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ctx.Err() == nil {
		if len(q.pieces) > 0 {
			p := &q.pieces[0]
			q.pieces = q.pieces[1:]
			q.busy++
			return p, nil
		}
		for _, s := range q.open {
			if s.join() {
				return nil, s
			}
		}
		if q.busy == 0 {
			break
		}
		q.cond.Wait()
	}
	return nil, nil
}

func (q *rowQueue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cond.Broadcast()
}

// finished ends a piece that take gave.
func (q *rowQueue) finished(rows int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	q.rows += rows
	q.cond.Broadcast()
}

// offer lets others help with s; the result ends that.
func (q *rowQueue) offer(s *sharedRows) func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = append(q.open, s)
	q.cond.Broadcast()
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for i, o := range q.open {
			if o == s {
				q.open = append(q.open[:i], q.open[i+1:]...)
				break
			}
		}
	}
}

// piece loads one part and compares its rows with the manifest. Damage that
// shows only at the part's end fails the whole restore, whose database is then
// dropped.
func (l *loader) piece(ctx context.Context, conn *pgx.Conn, p Piece, q *rowQueue) (int64, error) {
	r, err := openProof(ctx, l.store, l.m.ID, p.Part, l.keys, proof{stored: true, pools: l.pools})
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
		s := &sharedRows{c: c, table: want}
		if len(p.Tables) == 1 && p.PlainSize >= shareFrom {
			s.free = q.wake
			defer q.offer(s)()
		}
		if err := s.loadAll(ctx, conn); err != nil {
			return err
		}
		if s.loaded != want.Rows {
			return fmt.Errorf("load %s.%s from %s: %d rows, the manifest says %d", want.Schema, want.Name, p.Name, s.loaded, want.Rows)
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

// sharedRows are the rows of one COPY statement, loaded by one connection and
// any helpers, each with the same statement and some of the rows.
type sharedRows struct {
	table   PieceTable
	free    func() // called when a row longer than the buffer is over
	helpers sync.WaitGroup

	mu     sync.Mutex
	c      *copyStatement
	owner  *rowShare // who is within a row longer than the buffer
	closed bool
	loaded int64
}

// join counts another connection in as a helper, when it would find rows. Both
// happen under the lock under which the rows end, so that who waits for the
// helpers afterwards waits for this one too.
func (s *sharedRows) join() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c.err != nil || s.owner != nil || s.closed {
		return false
	}
	s.helpers.Add(1)
	return true
}

// loadAll loads until the rows end, and waits for the helpers.
func (s *sharedRows) loadAll(ctx context.Context, conn *pgx.Conn) error {
	var err error
	for more := true; more && err == nil; more = s.more() {
		err = s.load(ctx, conn)
		if err != nil {
			s.close() // the helpers end too
		}
		s.helpers.Wait()
	}
	s.close()
	return err
}

// more tells whether rows are left: this connection stepped aside for a helper
// that was within a long row.
func (s *sharedRows) more() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.c.err == nil
}

// close keeps a reader that outlives its connection from the rows.
func (s *sharedRows) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// load sends rows with one COPY on conn until there are none.
func (s *sharedRows) load(ctx context.Context, conn *pgx.Conn) error {
	tag, err := conn.PgConn().CopyFrom(ctx, &rowShare{s: s}, s.c.sql)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c.err != nil && !errors.Is(s.c.err, io.EOF) {
		err = s.c.err // the server only knows that its rows ended
	}
	if err != nil {
		return fmt.Errorf("load %s.%s: %w", s.table.Schema, s.table.Name, err)
	}
	s.loaded += tag.RowsAffected()
	return nil
}

// rowShare is one connection's reader of shared rows.
type rowShare struct {
	s    *sharedRows
	buf  []byte
	rest []byte
}

// rowChunk is how much one connection takes at a time.
const rowChunk = 64 << 10

// Read gives whole rows, and ends when another connection is within a row
// that is longer than the buffer.
func (r *rowShare) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if err := r.s.next(r); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next fills r's buffer.
func (s *sharedRows) next(r *rowShare) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.owner != nil && s.owner != r {
		// After a failure the helpers end without an error of their own, so
		// that the first one is what the caller gets.
		return io.EOF
	}
	was := s.owner
	r.buf = r.buf[:0]
	for len(r.buf) < rowChunk && s.c.fill() {
		r.buf = append(r.buf, s.c.rest...)
	}
	r.rest, s.owner = r.buf, nil
	if s.c.middle && s.c.err == nil {
		s.owner = r
	}
	if was != nil && s.owner == nil && s.free != nil {
		go s.free() // not under our lock, which the queue's is taken before
	}
	if len(r.rest) == 0 {
		return s.c.err
	}
	return nil
}
