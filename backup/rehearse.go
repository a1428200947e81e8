package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RehearseOptions say where to rehearse.
type RehearseOptions struct {
	// AdminDSN connects to any database of the server to use, with a role
	// that may create databases; it need not be the production server. "" skips
	// the database.
	AdminDSN Secret
	OSUser   string
	// ScratchDir is an existing directory for the files; "" skips them. What
	// is made there begins with "rehearsal-".
	ScratchDir string
	Keys       Keys
	Workers    int
	Progress   func(Progress)

	hook func(string)
}

// RehearseResult says what a restore would give, and how long it takes here.
type RehearseResult struct {
	Backup     string      `json:"backup"`
	OK         bool        `json:"ok"`
	Seconds    float64     `json:"seconds"`
	Phases     []Phase     `json:"phases"`
	Rows       int64       `json:"rows"`
	Tables     int         `json:"tables"`
	Files      int64       `json:"files"`
	Bytes      int64       `json:"bytes"`
	References *References `json:"references,omitempty"`
	Findings   []Finding   `json:"findings"`
}

// rehearsalPrefix begins the names of scratch databases and directories.
const rehearsalPrefix = "mmbackup_rehearsal_"

// rehearsalLock is the key of the advisory lock that keeps two rehearsals on
// one server apart.
const rehearsalLock = 7310466283

// Rehearse restores a backup into a scratch database and a scratch directory,
// compares row counts, hashes and file references with the manifest, measures
// the time, and removes everything again. It proves that the backup restores;
// the living installation is not touched. LatestBase as id takes the newest.
//
// A backup that does not restore is a finding, not an error. Remains of a
// rehearsal that was killed are removed by the next one.
func Rehearse(ctx context.Context, store Store, id string, o RehearseOptions) (_ *RehearseResult, err error) {
	if o.AdminDSN == "" && o.ScratchDir == "" {
		return nil, errors.New("rehearse: neither a server nor a scratch directory is given")
	}
	if o.hook == nil {
		o.hook = func(string) {}
	}
	unlock, err := lockStore(ctx, store, Shared)
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	m, err := Load(ctx, store, id)
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	keys, err := o.Keys.open(ctx, store, m)
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	r := &rehearsal{store: store, m: m, o: o, begin: time.Now(), limit: &limiter{}}
	r.res = &RehearseResult{Backup: m.ID, Findings: []Finding{}}
	shared := newPools()
	r.load = &loader{store: store, m: m, keys: keys, workers: processors(o.Workers), pools: shared, limit: r.limit, hook: o.hook}
	r.unpack = &unpacker{store: store, m: m, keys: keys, want: func(string) bool { return true }, workers: atOnce(o.Workers, shared.sums, store), pools: shared, limit: r.limit, hook: o.hook, folds: foldsCase}
	if err := r.run(ctx); err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	r.res.Seconds = time.Since(r.begin).Seconds()
	r.res.OK = !HasErrors(r.res.Findings)
	return r.res, nil
}

type rehearsal struct {
	store  Store
	m      *Manifest
	o      RehearseOptions
	begin  time.Time
	limit  *limiter
	res    *RehearseResult
	load   *loader
	unpack *unpacker
	dir    string
	db     *server
}

// fail records that the backup does not restore; other errors, such as a
// server that is away, are returned.
func (r *rehearsal) fail(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	r.res.Findings = append(r.res.Findings, Finding{ID: "not-restorable", Severity: severityError, Message: what + ": " + err.Error(), Where: r.m.ID, Fix: "verify the backup; make a new one and rehearse that"})
	return nil
}

func (r *rehearsal) run(ctx context.Context) error {
	stop := report(ctx, r.o.Progress, func() Progress {
		return Progress{Phase: "rehearsal", Bytes: r.limit.bytes.Load(), Files: r.limit.files.Load()}
	})
	defer stop()
	// The context may end; what was made is removed all the same.
	clean := context.WithoutCancel(ctx)
	if r.o.ScratchDir != "" && r.m.Files != nil {
		if err := r.files(ctx); err != nil {
			return errors.Join(err, r.removeDir())
		}
	}
	if r.o.AdminDSN == "" || r.m.Database == nil {
		return r.removeDir()
	}
	admin, err := newServer(r.o.AdminDSN, r.o.OSUser)
	if err != nil {
		return errors.Join(err, r.removeDir())
	}
	unlock, err := lockRehearsal(ctx, admin)
	if err != nil {
		return errors.Join(err, r.removeDir())
	}
	err = r.database(ctx, admin)
	if r.db != nil {
		err = errors.Join(err, dropDatabase(clean, admin, r.db.info["dbname"]))
	}
	return errors.Join(err, unlock(), r.removeDir())
}

// lockRehearsal takes the server's advisory lock and removes databases that a
// killed rehearsal left.
func lockRehearsal(ctx context.Context, admin *server) (func() error, error) {
	conn, err := admin.connect(ctx)
	if err != nil {
		return nil, err
	}
	unlock := func() error { return conn.Close(context.WithoutCancel(ctx)) }
	var got bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(rehearsalLock)).Scan(&got); err != nil {
		return nil, errors.Join(err, unlock())
	}
	if !got {
		return nil, errors.Join(fmt.Errorf("another rehearsal runs on this server: %w", ErrLocked), unlock())
	}
	var left []string
	err = conn.QueryRow(ctx, "SELECT coalesce(array_agg(datname::text), '{}') FROM pg_database WHERE starts_with(datname::text, $1)", rehearsalPrefix).Scan(&left)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	for _, name := range left {
		if err := dropDatabase(ctx, admin, name); err != nil {
			return nil, errors.Join(err, unlock())
		}
	}
	return unlock, nil
}

func (r *rehearsal) database(ctx context.Context, admin *server) error {
	begin := time.Now()
	name := rehearsalPrefix + strings.NewReplacer("-", "_").Replace(strings.ToLower(r.m.ID))
	r.db = admin.with(name)
	if err := createDatabase(ctx, admin, r.m.Database, name, ""); err != nil {
		return err
	}
	r.load.to = r.db
	got, err := r.load.run(ctx)
	if err != nil {
		return r.fail(ctx, "the database does not load", err)
	}
	r.o.hook("rehearse:loaded")
	r.res.Phases = append(append(r.res.Phases, got.phases...), Phase{Name: "database", Seconds: time.Since(begin).Seconds(), Bytes: r.limit.bytes.Load()})
	r.res.Rows, r.res.Tables = got.rows, len(r.m.Database.Tables)
	r.res.Findings = append(r.res.Findings, got.findings...)
	if err := r.countRows(ctx); err != nil {
		return r.fail(ctx, "the database differs", err)
	}
	return nil
}

// countRows asks the scratch database itself, and compares the rows' file
// references with what was unpacked.
func (r *rehearsal) countRows(ctx context.Context) error {
	conn, err := r.db.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // read only
	fileinfo := ""
	for _, t := range r.m.Database.Tables {
		name := ident(t.Schema) + "." + ident(t.Name)
		var n int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM ONLY "+name).Scan(&n); err != nil {
			return err
		}
		if n != t.Rows {
			return fmt.Errorf("table %s has %d rows, the manifest says %d", t, n, t.Rows)
		}
		if t.Name == "fileinfo" {
			fileinfo = name
		}
	}
	if fileinfo == "" || r.dir == "" || !hasTree(r.m, DataTree) {
		return nil
	}
	refs, err := newRefCheck(ctx, conn, fileinfo)
	if err != nil {
		return err
	}
	src := &dirSource{name: DataTree, dir: filepath.Join(r.dir, DataTree)}
	err = src.walk(ctx, func(e *entry) error {
		if e.kind != 'f' {
			return nil
		}
		return refs.file(e)
	}, func(Finding) {})
	if err := errors.Join(err, refs.end()); err != nil {
		return err
	}
	r.res.References = &refs.res
	if was := r.m.Database.References; was != nil && (was.Missing != refs.res.Missing || was.WrongLen != refs.res.WrongLen) {
		return fmt.Errorf("%d referenced files are missing, %d have another size; when the backup was made it was %d and %d", refs.res.Missing, refs.res.WrongLen, was.Missing, was.WrongLen)
	}
	r.res.Findings = append(r.res.Findings, refs.res.findings()...)
	return nil
}

func (r *rehearsal) files(ctx context.Context) error {
	begin := time.Now()
	if err := removeRehearsals(r.o.ScratchDir); err != nil {
		return err
	}
	free, err := freeBytes(r.o.ScratchDir)
	if err != nil {
		return err
	}
	if free < r.m.Files.Bytes {
		return fmt.Errorf("not enough space in %s: %d MB are needed, %d MB are free", r.o.ScratchDir, r.m.Files.Bytes>>20, free>>20)
	}
	r.dir = filepath.Join(r.o.ScratchDir, "rehearsal-"+r.m.ID)
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		return err
	}
	r.unpack.dirs = map[string]string{}
	for _, t := range r.m.Files.Trees {
		if err := checkTreePath(t.Name); err != nil || strings.Contains(t.Name, "/") {
			return r.fail(ctx, "the manifest names an unusable tree", fmt.Errorf("%q", t.Name))
		}
		dir := filepath.Join(r.dir, t.Name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		r.unpack.dirs[t.Name] = dir
	}
	if err := r.unpack.run(ctx); err != nil {
		return r.fail(ctx, "the files do not unpack", err)
	}
	r.o.hook("rehearse:unpacked")
	r.res.Files, r.res.Bytes = r.unpack.files, r.unpack.bytes
	r.res.Phases = append(r.res.Phases, Phase{Name: "files", Seconds: time.Since(begin).Seconds(), Bytes: r.unpack.bytes})
	return nil
}

// removeRehearsals deletes what killed rehearsals left in dir.
func removeRehearsals(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("scratch directory: %w", err)
	}
	for _, e := range list {
		id, ok := strings.CutPrefix(e.Name(), "rehearsal-")
		if ok && checkID(id) == nil {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("scratch directory: %w", err)
			}
		}
	}
	return nil
}

func (r *rehearsal) removeDir() error {
	if r.dir == "" {
		return nil
	}
	return os.RemoveAll(r.dir)
}
