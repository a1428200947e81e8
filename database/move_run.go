package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
	"github.com/gitlab-mattermost/sdk/internal/pggrants"
	"github.com/jackc/pgx/v5"
)

// mover is one running move.
type mover struct {
	plan           *MovePlan
	o              MoveOptions
	source, target *Manager
	result         *MoveResult

	db, role string // on the target, under their present names
	snapshot string
	list     []tableInfo
	early    []earlyIndex // built before the rows, or before the other indexes
	origin   chan fingerprintResult
	dir      string // for the list of indexes, which pg_restore must be able to seek in

	mu       sync.Mutex
	progress MoveProgress
}

// fill copies everything into the database that was made.
func (mv *mover) fill(ctx context.Context, db, role string) (err error) {
	mv.db, mv.role = db, role
	if mv.dir, err = os.MkdirTemp("", "database-move-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(mv.dir)) }()
	// The transaction stays open, so that every reader, pg_dump included, sees
	// the same moment.
	return snapshot(ctx, mv.source.conn, &mv.snapshot, func(tx pgx.Tx) (err error) {
		ctx, cancel := context.WithCancel(ctx)
		defer func() {
			cancel()
			if err != nil && mv.origin != nil {
				<-mv.origin // cancelled on purpose
			}
		}()
		list, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		mv.list = slices.DeleteFunc(list, func(t tableInfo) bool { return t.kind != "r" })
		slices.SortStableFunc(mv.list, func(a, b tableInfo) int { return int(min(1, max(-1, b.bytes-a.bytes))) })
		mv.progress = MoveProgress{TablesTotal: len(mv.list), BytesTotal: mv.plan.Bytes}
		for _, stage := range []struct {
			name string
			run  func(ctx context.Context, tx pgx.Tx) error
		}{{"schema", mv.schema}, {"rows", mv.rows}, {"sequences", mv.sequences}, {"indexes", mv.indexes}, {"verify", mv.verifyAndAnalyze}, {"rights", mv.rights}} {
			started := time.Now()
			mv.tell(func(p *MoveProgress) { p.Stage = stage.name })
			if err := stage.run(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", stage.name, plain(err))
			}
			mv.result.Stages = append(mv.result.Stages, StageTiming{stage.name, time.Since(started).Seconds()})
			mv.target.reached(stage.name)
		}
		mv.tell(func(p *MoveProgress) { p.Stage = "name" })
		mv.result.Bytes = mv.progress.Bytes
		return nil
	})
}

// tell changes the progress and passes it on.
func (mv *mover) tell(change func(p *MoveProgress)) {
	mv.mu.Lock()
	defer mv.mu.Unlock()
	change(&mv.progress)
	if mv.o.Progress != nil {
		mv.o.Progress(mv.progress)
	}
}

// dumpArgs are what every pg_dump here is called with.
func (mv *mover) dumpArgs(section string, more ...string) []string {
	return append([]string{"--section=" + section, "--snapshot=" + mv.snapshot, "--no-owner", "--no-privileges", "--no-security-labels",
		"--no-publications", "--no-subscriptions", "--no-tablespaces", "--no-password"}, more...)
}

// schema streams the definitions from pg_dump into psql.
func (mv *mover) schema(ctx context.Context, _ pgx.Tx) error {
	if err := mv.pipe(ctx, mv.dumpArgs("pre-data", "--format=plain")...); err != nil {
		return err
	}
	var large int
	if err := mv.source.conn.QueryRow(ctx, "SELECT count(*) FROM pg_largeobject_metadata").Scan(&large); err != nil || large == 0 {
		return err
	}
	return mv.pipe(ctx, mv.dumpArgs("data", "--format=plain", "--exclude-table-data=*.*", "--blobs")...)
}

// pipe runs pg_dump into psql. Both must succeed; psql stops at the first error
// and its transaction leaves nothing.
func (mv *mover) pipe(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dump, err := childproc.Reader(ctx, mv.plan.Programs.command(mv.o.Source, "", "pg_dump", args...))
	if err != nil {
		return err
	}
	defer dump.Close() // after the end it does nothing
	load, err := childproc.Writer(ctx, mv.plan.Programs.command(mv.o.Target.With(mv.db), mv.role, "psql",
		"--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--single-transaction", "--output=/dev/null", "--file=-"))
	if err != nil {
		return err
	}
	_, err = io.Copy(load, dump)
	if err != nil {
		// psql must not commit half a dump: it is killed before it sees the end.
		var child *childproc.Error
		if errors.As(err, &child) {
			cancel()
			_ = load.Close() // killed on purpose
			return err
		}
	}
	if closeErr := load.Close(); closeErr != nil {
		return closeErr // psql's own words say more than the broken pipe
	}
	return err
}

// sequences sets every sequence as it stood at the moment of the snapshot.
func (mv *mover) sequences(ctx context.Context, tx pgx.Tx) error {
	var f Fingerprint
	if err := f.sequences(ctx, tx); err != nil || len(f.Sequences) == 0 {
		return err
	}
	return mv.target.in(ctx, mv.db, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SET ROLE "+ident(mv.role)); err != nil {
			return err
		}
		for _, s := range f.Sequences {
			if _, err := conn.Exec(ctx, "SELECT setval($1::text::regclass, $2, $3)", s.Name, s.Last, s.Called); err != nil {
				return fmt.Errorf("sequence %s: %w", s.Name, err)
			}
		}
		return nil
	})
}

// indexes builds what a dump has after the rows: keys, indexes, foreign keys,
// triggers, and the content of materialised views.
func (mv *mover) indexes(ctx context.Context, _ pgx.Tx) error {
	// The source has nothing else to do meanwhile.
	if err := mv.startOrigin(ctx); err != nil {
		return err
	}
	file := filepath.Join(mv.dir, "post-data")
	if err := childproc.Run(ctx, mv.plan.Programs.command(mv.o.Source, "", "pg_dump",
		mv.dumpArgs("post-data", "--format=custom", "--compress=0", "--file="+file)...)); err != nil {
		return err
	}
	if mv.o.Jobs == 1 {
		if err := mv.createEarly(ctx); err != nil {
			return err
		}
	}
	args := []string{"--section=post-data", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password", "--jobs=" + strconv.Itoa(mv.o.Jobs), "--dbname=" + mv.db}
	if len(mv.early) > 0 {
		list, err := mv.withoutEarly(ctx, file)
		if err != nil {
			return err
		}
		args = append(args, "--use-list="+list)
	}
	cmd := mv.plan.Programs.command(mv.o.Target.With(mv.db), mv.role, "pg_restore", append(args, file)...)
	if mv.o.Jobs == 1 {
		memory, err := mv.sortMemory(ctx)
		if err != nil {
			return err
		}
		addOption(cmd, memory)
	}
	return childproc.Run(ctx, cmd)
}

// sortMemory is a setting that lets one job sort a B-tree in memory and with
// the server's parallel workers, where the server's own (the Linux package's is
// 16 MB) does not. Several jobs keep the cores busy without it.
func (mv *mover) sortMemory(ctx context.Context) (string, error) {
	const wanted = 128 << 10 // kB
	var has int
	err := mv.target.conn.QueryRow(ctx, "SELECT setting::int FROM pg_settings WHERE name = 'maintenance_work_mem'").Scan(&has)
	if err != nil {
		return "", fmt.Errorf("read the target's maintenance_work_mem: %w", plain(err))
	}
	return fmt.Sprintf("maintenance_work_mem=%dkB", max(wanted, has)), nil
}

// rights gives other roles what they have on the source, where they exist. It
// comes last: afterwards the database may be closed to who moves it.
func (mv *mover) rights(ctx context.Context, tx pgx.Tx) error {
	statements, unusable, err := pggrants.Read(ctx, tx)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	for _, s := range unusable {
		mv.result.NotGranted = append(mv.result.NotGranted, fmt.Sprintf("a name with a line break: %q", s))
	}
	return mv.target.in(ctx, mv.db, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SET ROLE "+ident(mv.role)); err != nil {
			return err
		}
		refused, err := pggrants.Apply(ctx, conn, statements)
		for _, r := range refused {
			mv.result.NotGranted = append(mv.result.NotGranted, fmt.Sprintf("%d rights of other roles: %s", r.Statements, r.Reason))
		}
		return err
	})
}

// verifyAndAnalyze compares both sides while the target collects statistics:
// neither disturbs the other.
func (mv *mover) verifyAndAnalyze(ctx context.Context, _ pgx.Tx) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	analyzed := make(chan error, 1)
	go func() { analyzed <- mv.target.inExec(ctx, mv.db, "SET ROLE "+ident(mv.role)+"; ANALYZE") }()
	if err := mv.verify(ctx); err != nil {
		cancel()
		<-analyzed // cancelled on purpose
		return err
	}
	return <-analyzed
}

type fingerprintResult struct {
	f   *Fingerprint
	err error
}

// startOrigin begins to read the source's fingerprint, as of the moment that
// was copied.
func (mv *mover) startOrigin(ctx context.Context) error {
	method, err := commonMethod(ctx, mv.source.conn, mv.target.conn, mv.o.Source.Database, mv.db)
	if err != nil {
		return err
	}
	done := make(chan fingerprintResult, 1)
	mv.origin = done
	go func() {
		f, err := fingerprint(ctx, mv.source.open, FingerprintOptions{Database: mv.o.Source.Database, Method: method, Jobs: mv.o.Jobs, Snapshot: mv.snapshot, tablesOnly: true})
		done <- fingerprintResult{f, err}
	}()
	return nil
}

// verify compares both sides. Materialised views are refreshed by a restore, so
// their content may rightly differ; their definitions are compared.
func (mv *mover) verify(ctx context.Context) error {
	origin := <-mv.origin
	mv.origin = nil
	if origin.err != nil {
		return fmt.Errorf("source: %w", origin.err)
	}
	from := origin.f
	to, err := fingerprint(ctx, mv.target.open, FingerprintOptions{Database: mv.db, Method: from.Method, Jobs: mv.o.Jobs, tablesOnly: true,
		Progress: func(done, total int, table string) {
			mv.tell(func(p *MoveProgress) { p.Table = table })
		}})
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	diff, err := Compare(from, to)
	if err != nil {
		return err
	}
	if len(diff) > 0 {
		return &DifferentError{diff}
	}
	mv.result.Tables, mv.result.Rows, mv.result.Digest = len(from.Tables), from.Rows(), from.Digest()
	return nil
}

// DifferentError says that a copy is not what it was made from.
type DifferentError struct {
	Differences []Difference // A is the source, B the copy
}

// Error tells how many places differ and names the first ones.
func (e *DifferentError) Error() string {
	s := fmt.Sprintf("the copy differs from the source in %d places", len(e.Differences))
	for i, d := range e.Differences {
		if i == 5 {
			return s + "; …"
		}
		s += "; " + d.String()
	}
	return s
}
