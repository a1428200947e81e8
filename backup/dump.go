package backup

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
	"github.com/jackc/pgx/v5"
)

// dumpJob writes the database part.
type dumpJob struct {
	snap    *snapshot
	parts   *parts
	tool    *tool
	workers int
	small   bool // pieces may be small
	late    bool // and are hashed together with later ones
	limit   *limiter
	note    func(Finding)
	hook    func(string)
	commits *committer
}

// pieceBytes is how much of a table one piece holds, measured on the server's
// disk: large enough that the cost of a piece does not matter, small enough that
// several connections share one table evenly.
const pieceBytes = 32 << 20

// smallPieceBytes is the same for a store where an object costs next to nothing:
// those that wait to be hashed with others shall fit into memory.
const smallPieceBytes = 4 << 20

// maxPieces is about how many pieces there are at most; those of a larger
// database are larger.
const maxPieces = 2000

// smallBytes is up to where tables share a piece.
const smallBytes = 1 << 20

// pieceJob is one piece: ranges of tables.
type pieceJob struct {
	name   string
	ranges []tableRange
	size   int64 // estimate, for the order
}

type tableRange struct {
	table    *dumpTable
	from, to int64 // pages; to < 0 is the end
}

// run dumps everything and gives the finished description.
func (d *dumpJob) run(ctx context.Context) (*Database, error) {
	jobs := d.plan()
	pieces := make([]Piece, len(jobs))
	db := d.snap.db
	db.DumpVersion = d.tool.text
	g, inner := newGroup(ctx)
	d.commits = newCommitter(g)
	queue := make(chan func(*pgx.Conn) error)
	g.run(func() error {
		defer close(queue)
		return d.feed(inner, queue, jobs, pieces, &db)
	})
	g.run(func() error {
		if err := d.work(inner, queue); err != nil {
			return err
		}
		d.commits.flush()
		return nil
	})
	if err := g.wait(); err != nil {
		return nil, fmt.Errorf("dump database: %w", err)
	}
	if err := d.snap.alive(ctx); err != nil {
		return nil, fmt.Errorf("dump database: %w", err)
	}
	db.Pieces = pieces
	d.countRows(&db)
	return &db, nil
}

// feed hands out the work: large objects, of which there may be any amount,
// then the largest pieces, then what is small, so that the end is even.
func (d *dumpJob) feed(ctx context.Context, queue chan<- func(*pgx.Conn) error, jobs []pieceJob, pieces []Piece, db *Database) error {
	var tasks []func(*pgx.Conn) error
	if d.snap.blobs {
		tasks = append(tasks, func(*pgx.Conn) error {
			db.Blobs = &Part{}
			return d.section(ctx, "data", db.Blobs)
		})
	}
	order := make([]int, len(jobs))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return jobs[order[a]].size > jobs[order[b]].size })
	for _, i := range order {
		tasks = append(tasks, func(c *pgx.Conn) error {
			return d.piece(ctx, c, &jobs[i], &pieces[i])
		})
	}
	tasks = append(tasks,
		func(*pgx.Conn) error { return d.section(ctx, "pre-data", &db.PreData) },
		func(*pgx.Conn) error { return d.section(ctx, "post-data", &db.PostData) })
	tasks = append(tasks, func(c *pgx.Conn) error { return d.grants(ctx, c, db) })
	if len(d.snap.seqs) > 0 {
		tasks = append(tasks, func(c *pgx.Conn) error { return d.sequences(ctx, c, db) })
	}
	for _, t := range tasks {
		select {
		case queue <- t:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// work does what the queue holds, with several connections.
func (d *dumpJob) work(ctx context.Context, queue <-chan func(*pgx.Conn) error) error {
	g, ctx := newGroup(ctx)
	for range d.workers {
		g.run(func() error { return d.worker(ctx, queue) })
	}
	return g.wait()
}

func (d *dumpJob) worker(ctx context.Context, queue <-chan func(*pgx.Conn) error) error {
	conn, err := d.snap.join(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // read only; nothing to lose
	for task := range queue {
		if err := task(conn); err != nil {
			return err
		}
	}
	return nil
}

// plan cuts large tables into pieces of about pieceBytes and puts small ones
// together.
func (d *dumpJob) plan() []pieceJob {
	var jobs []pieceJob
	var small pieceJob
	var total int64
	for _, t := range d.snap.tables {
		total += t.Bytes
	}
	size := int64(pieceBytes)
	if d.small {
		size = smallPieceBytes
	}
	size = max(size, total/maxPieces)
	for i := range d.snap.tables {
		t := &d.snap.tables[i]
		if t.Bytes < smallBytes {
			small.ranges = append(small.ranges, tableRange{table: t, to: -1})
			small.size += t.Bytes
			continue
		}
		n := max(1, t.Bytes/size)
		if d.snap.major < 14 {
			n = 1 // an older server scans the whole table for each range
		}
		step := t.pages/n + 1
		for from := int64(0); n > 0; from += step {
			n--
			r := tableRange{table: t, from: from, to: from + step}
			if n == 0 {
				r.to = -1
			}
			jobs = append(jobs, pieceJob{ranges: []tableRange{r}, size: min(size, t.Bytes)})
		}
	}
	if len(small.ranges) > 0 {
		jobs = append(jobs, small)
	}
	for i := range jobs {
		label := "small-tables"
		if len(jobs[i].ranges) == 1 {
			label = safeLabel(jobs[i].ranges[0].table.Name)
		}
		jobs[i].name = fmt.Sprintf("db/data/%04d-%s.sql", i+1, label)
	}
	return jobs
}

// safeLabel makes a table's name fit for an object name.
func safeLabel(name string) string {
	var b strings.Builder
	for _, c := range name {
		if b.Len() >= 60 {
			break
		}
		if c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteRune(c)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// piece writes COPY statements that psql loads as they are. It fills in out, its
// sums last, when the piece is committed.
func (d *dumpJob) piece(ctx context.Context, conn *pgx.Conn, j *pieceJob, out *Piece) error {
	part, err := d.parts.create(ctx, j.name, partKind{zstd: true, hash: true, late: d.late})
	if err != nil {
		return err
	}
	err = func() error {
		w := bufio.NewWriterSize(&countingWriter{ctx: ctx, w: part, limit: d.limit}, 256<<10)
		fmt.Fprintf(w, "SET client_encoding = '%s';\n", d.snap.db.Encoding)
		for _, r := range j.ranges {
			n, err := copyRange(ctx, conn, w, r)
			if err != nil {
				return fmt.Errorf("copy %s: %w", r.table.Table, err)
			}
			out.Tables = append(out.Tables, PieceTable{Schema: r.table.Schema, Name: r.table.Name, Rows: n})
		}
		return w.Flush()
	}()
	if err != nil {
		part.abort()
		return err
	}
	if err := part.finish(); err != nil {
		return err
	}
	commit := func() error {
		out.Part = part.sums()
		return part.commit()
	}
	if d.late {
		d.commits.later(commit)
	} else {
		d.commits.run(commit)
	}
	d.hook("create:piece")
	return nil
}

type countingWriter struct {
	ctx   context.Context
	w     io.Writer
	limit *limiter
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err == nil {
		err = c.limit.wait(c.ctx, n)
	}
	return n, err
}

func copyRange(ctx context.Context, conn *pgx.Conn, w *bufio.Writer, r tableRange) (int64, error) {
	columns := make([]string, len(r.table.columns))
	for i, c := range r.table.columns {
		columns[i] = pgx.Identifier{c}.Sanitize()
	}
	list := strings.Join(columns, ", ")
	sql := fmt.Sprintf("COPY %s (%s) TO STDOUT", r.table.ident(), list)
	if r.from > 0 || r.to >= 0 {
		where := fmt.Sprintf("ctid >= '(%d,0)'", r.from)
		if r.to >= 0 {
			where += fmt.Sprintf(" AND ctid < '(%d,0)'", r.to)
		}
		sql = fmt.Sprintf("COPY (SELECT %s FROM ONLY %s WHERE %s) TO STDOUT", list, r.table.ident(), where)
	}
	fmt.Fprintf(w, "COPY %s (%s) FROM stdin;\n", r.table.ident(), list)
	tag, err := conn.PgConn().CopyTo(ctx, w, sql)
	if err != nil {
		return 0, err
	}
	_, err = w.WriteString("\\.\n")
	return tag.RowsAffected(), err
}

// section writes what pg_dump gives for one section. The part exists only
// after pg_dump ended with status 0.
func (d *dumpJob) section(ctx context.Context, name string, into *Part) error {
	args := []string{"--no-password", "--snapshot=" + d.snap.id, "--section=" + name, "--no-owner", "--no-privileges", "--no-tablespaces", "--no-publications", "--no-subscriptions"}
	file := "db/" + name + ".sql"
	if name == "data" { // only large objects are left for pg_dump
		args = append(args, "--exclude-table-data=*.*", "--blobs")
		file = "db/large-objects.sql"
	}
	r, err := childproc.Reader(ctx, d.snap.server.command(d.tool, args...))
	if err != nil {
		return err
	}
	defer r.Close()
	part, err := d.parts.create(ctx, file, partKind{zstd: true, hash: true})
	if err != nil {
		return err
	}
	if _, err := io.Copy(&countingWriter{ctx: ctx, w: part, limit: d.limit}, r); err != nil {
		part.abort()
		return fmt.Errorf("section %s: %w", name, err)
	}
	d.hook("create:section")
	*into, err = part.close()
	return err
}

// sequences writes setval calls. A sequence is not part of a snapshot: its
// value is that of now, which is never below what the rows hold.
func (d *dumpJob) sequences(ctx context.Context, conn *pgx.Conn, db *Database) error {
	var b strings.Builder
	for _, s := range d.snap.seqs {
		var last int64
		var called bool
		if err := conn.QueryRow(ctx, "SELECT last_value, is_called FROM "+s.Sanitize()).Scan(&last, &called); err != nil {
			return fmt.Errorf("read sequence %s: %w", s.Sanitize(), err)
		}
		fmt.Fprintf(&b, "SELECT pg_catalog.setval('%s', %d, %t);\n", strings.ReplaceAll(s.Sanitize(), "'", "''"), last, called)
	}
	part, err := d.parts.writePart(ctx, "db/sequences.sql", partKind{zstd: true, hash: true}, []byte(b.String()))
	db.Sequences = &part
	return err
}

// countRows sums the pieces into the tables.
func (d *dumpJob) countRows(db *Database) {
	rows := map[[2]string]int64{}
	for _, p := range db.Pieces {
		for _, t := range p.Tables {
			rows[[2]string{t.Schema, t.Name}] += t.Rows
		}
	}
	for _, t := range d.snap.tables {
		t.Rows = rows[[2]string{t.Schema, t.Name}]
		db.Tables = append(db.Tables, t.Table)
	}
}
