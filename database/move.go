package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// MoveOptions name what goes where.
type MoveOptions struct {
	// Source is the database to copy, as a role that may read all of it: the
	// owner, or the superuser over GitLab's socket. It is only read.
	Source DSN
	// Target is the other server, as a role that may create roles and
	// databases there. Its Database is the name of the copy; default is the
	// source's.
	Target DSN
	// Role owns everything in the copy; default gitlab_mattermost. Password as
	// in EnsureOptions.
	Role     string
	Password Secret
	// Jobs is how many tables are copied and indexes built at the same time;
	// default 2. One core of the target server each is of use. A single job
	// sorts with 128 MB of the target's memory, several with its own setting.
	Jobs int
	// ProgramDirs are searched for pg_dump, pg_restore and psql besides the
	// usual places.
	ProgramDirs []string
	// Progress is called often, one call at a time; nil is silent.
	Progress func(MoveProgress)

	hook     func(point string)
	bigTable int64 // from this size on full text indexes are made first; 0 is the default
}

// MoveProgress says how far a move is.
type MoveProgress struct {
	Stage       string // "schema", "rows", "sequences", "indexes", "verify", "rights" or "name"
	Table       string // the one just finished, in stages rows and verify
	Tables      int    // finished
	TablesTotal int
	Bytes       int64 // of row data sent, as text
	BytesTotal  int64 // size of the tables on the source's disk: an estimate of Bytes
}

// MovePlan is what Move would do.
type MovePlan struct {
	Source        string   `json:"source"` // masked
	Target        string   `json:"target"`
	SourceVersion int      `json:"sourceVersion"` // server_version_num
	TargetVersion int      `json:"targetVersion"`
	Programs      Client   `json:"programs"`
	Tables        int      `json:"tables"`
	Bytes         int64    `json:"bytes"`    // of the tables on disk
	Database      int64    `json:"database"` // bytes of the whole database, indexes included
	Steps         []string `json:"steps"`

	options MoveOptions
	ensure  EnsureOptions
	empty   bool // an empty database of that name gives way
}

// MoveResult says what was done.
type MoveResult struct {
	Plan    *MovePlan     `json:"plan"`
	Tables  int           `json:"tables"`
	Rows    int64         `json:"rows"`
	Bytes   int64         `json:"bytes"` // of row data sent
	Seconds float64       `json:"seconds"`
	Stages  []StageTiming `json:"stages"`
	// NotGranted says what other roles may do on the source and not in the copy,
	// mostly because the target has no such role.
	NotGranted []string `json:"notGranted,omitempty"`
	// Digest is the fingerprint's, equal on both sides.
	Digest string `json:"digest"`
}

// StageTiming is how long a part took.
type StageTiming struct {
	Stage   string  `json:"stage"`
	Seconds float64 `json:"seconds"`
}

// PlanMove checks both servers and the installed client programs and says what
// Move would do. Nothing is changed.
func PlanMove(ctx context.Context, o MoveOptions) (*MovePlan, error) {
	var p *MovePlan
	err := withServers(ctx, o, func(o MoveOptions, source, target *Manager) error {
		var err error
		p, err = planMove(ctx, o, source, target)
		return err
	})
	return p, err
}

// withServers connects to both servers.
func withServers(ctx context.Context, o MoveOptions, f func(o MoveOptions, source, target *Manager) error) error {
	if o.Source.Database == "" {
		o.Source.Database = DefaultDatabase
	}
	if o.Target.Database == "" {
		o.Target.Database = o.Source.Database
	}
	if o.Role == "" {
		o.Role = DefaultRole
	}
	if o.Jobs == 0 {
		o.Jobs = 2
	}
	if o.Jobs < 1 || o.Jobs > 64 {
		return fmt.Errorf("move: %d jobs: want 1 to 64", o.Jobs)
	}
	from, err := Connect(ctx, o.Source)
	if err != nil {
		return fmt.Errorf("move: source: %w", err)
	}
	defer from.Close(context.WithoutCancel(ctx)) // it only read
	to, err := Connect(ctx, o.Target.With("postgres"))
	if err != nil {
		return fmt.Errorf("move: target: %w", err)
	}
	defer to.Close(context.WithoutCancel(ctx)) // what mattered was committed
	target := New(to, OpenerFor(o.Target))
	target.hook = o.hook
	return f(o, New(from, OpenerFor(o.Source)), target)
}

func planMove(ctx context.Context, o MoveOptions, source, target *Manager) (*MovePlan, error) {
	p := &MovePlan{Source: o.Source.String(), Target: o.Target.String(), options: o,
		ensure: EnsureOptions{Database: o.Target.Database, Role: o.Role, Password: o.Password}}
	var err error
	if p.ensure, err = p.ensure.normal(); err != nil {
		return nil, fmt.Errorf("move: %w", err)
	}
	if p.SourceVersion, err = source.ServerVersion(ctx); err != nil {
		return nil, fmt.Errorf("move: source: %w", err)
	}
	if p.TargetVersion, err = target.ServerVersion(ctx); err != nil {
		return nil, fmt.Errorf("move: target: %w", err)
	}
	if p.Programs, err = ChooseClient(FindClients(ctx, o.ProgramDirs...), p.SourceVersion, p.TargetVersion); err != nil {
		return nil, fmt.Errorf("move: %w", err)
	}
	if err := p.lookAtSource(ctx, source); err != nil {
		return nil, fmt.Errorf("move: source: %w", err)
	}
	if err := p.lookAtTarget(ctx, target); err != nil {
		return nil, fmt.Errorf("move: target: %w", err)
	}
	p.Steps = []string{
		fmt.Sprintf("create database %s for role %s on the target, under a temporary name", quoteName(o.Target.Database), quoteName(o.Role)),
		fmt.Sprintf("copy the schema with pg_dump %d.%d, everything owned by the role", p.Programs.Major, p.Programs.Minor),
		fmt.Sprintf("stream the rows of %d tables, %d at a time, as of one moment", p.Tables, o.Jobs),
		fmt.Sprintf("build the indexes with pg_restore, %d at a time", o.Jobs),
		"compare the fingerprints of both sides, and collect statistics",
		"give other roles the rights that they have on the source, where they exist on the target", "give the database its name"}
	if p.empty {
		p.Steps = append(p.Steps, "drop the empty database that had the name")
	}
	return p, nil
}

func (p *MovePlan) lookAtSource(ctx context.Context, source *Manager) error {
	table, err := gitlabTable(ctx, source.conn)
	if err != nil {
		return err
	}
	if table != "" || p.options.Source.Database == GitLabDatabase {
		return fmt.Errorf("database %s: %w: it holds GitLab's tables", quoteName(p.options.Source.Database), ErrRefused)
	}
	var none string
	return snapshot(ctx, source.conn, &none, func(tx pgx.Tx) error {
		list, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range list {
			if t.kind == "r" {
				p.Tables++
				p.Bytes += t.bytes
			}
		}
		if p.Tables == 0 {
			return fmt.Errorf("database %s has no tables: nothing to move, or not the right database", quoteName(p.options.Source.Database))
		}
		return tx.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&p.Database)
	})
}

// lookAtTarget allows a missing database and an empty one, which Ensure may have made.
func (p *MovePlan) lookAtTarget(ctx context.Context, target *Manager) error {
	name := p.options.Target.Database
	err := target.exists(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return target.in(ctx, name, func(conn *pgx.Conn) error {
		var n int
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "+userSchemas).Scan(&n)
		if err == nil && n > 0 {
			err = fmt.Errorf("database %s exists and is not empty (%d tables, indexes and views): %w to overwrite it; name another one, and Swap the two when it is checked", quoteName(name), n, ErrRefused)
		}
		p.empty = true
		return err
	})
}

// Move copies a database to another server: schema, rows and sequences as of
// one moment, everything owned by the role, verified by fingerprint. The source
// is only read and stays as it is; stop Mattermost first, or what is written
// after the start of the move is missing in the copy. The copy has a temporary
// name until it is verified, so that a move that fails, is cancelled or is killed
// leaves no database of that name; what it made is dropped, after a kill by the
// next Move or Ensure.
func Move(ctx context.Context, o MoveOptions) (*MoveResult, error) {
	var r *MoveResult
	err := withServers(ctx, o, func(o MoveOptions, source, target *Manager) error {
		unlock, err := target.waitLock(ctx, time.Minute)
		if err != nil {
			return err
		}
		defer unlock()
		p, err := planMove(ctx, o, source, target)
		if err != nil {
			return err
		}
		r = &MoveResult{Plan: p}
		return p.run(ctx, source, target, r)
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// run carries out a plan while the target is locked.
func (p *MovePlan) run(ctx context.Context, source, target *Manager, r *MoveResult) (err error) {
	started := time.Now()
	o := p.ensure
	s, err := target.serverState(ctx, o)
	if err != nil {
		return fmt.Errorf("move: target: %w", err)
	}
	// The empty database is replaced, not settled.
	s.dbExists, s.owner, s.schemaOwner, s.textSearch = false, "", "", ""
	for _, c := range s.cleanup() {
		if _, err := target.conn.Exec(ctx, c.SQL); err != nil {
			return fmt.Errorf("move: target: %s: %w", c.What, plain(err))
		}
	}
	mv := &mover{plan: p, o: p.options, source: source, target: target, result: r}
	aside := ""
	if p.empty {
		if aside, err = newName(); err != nil {
			return err
		}
	}
	if err := target.build(ctx, o, s, aside, mv.fill); err != nil {
		return fmt.Errorf("move database %s: %w", quoteName(p.options.Source.Database), err)
	}
	if aside != "" {
		if err := target.drop(ctx, aside); err != nil {
			return fmt.Errorf("move: the copy is in place, but the empty database that it replaces is still there as %s: %w", aside, err)
		}
	}
	r.Seconds = time.Since(started).Seconds()
	return nil
}
