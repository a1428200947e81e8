package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

// Apply does what the plan says. Until the swap the living installation is not
// touched. A failure at any step, a cancelled context included, undoes
// everything: the old state is back, the service started, what was built
// removed. Only one restore works with a state directory at a time. An earlier
// one that was interrupted is recovered first.
func (p *RestorePlan) Apply(ctx context.Context) (_ *RestoreResult, err error) {
	unlockState, err := lockState(p.target.StateDir)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, unlockState()) }()
	unlock, err := lockStore(ctx, p.store, Shared)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	r := &restorer{p: p, begin: time.Now(), limit: &limiter{}, pools: newPools()}
	if r.res.Recovered, err = recoverAll(ctx, p.target); err != nil {
		return nil, fmt.Errorf("restore: recover an earlier restore: %w", err)
	}
	if err := r.run(ctx); err != nil {
		err = fmt.Errorf("restore: %w", err)
		if p.j.State == "" {
			return nil, err // nothing was made
		}
		// The context may be what ended it; undoing must still happen.
		if undoErr := undo(context.WithoutCancel(ctx), &p.j, p.target); undoErr != nil {
			return nil, errors.Join(err, fmt.Errorf("undo the restore (Recover will try again): %w", undoErr))
		}
		return nil, fmt.Errorf("%w; the old state is in place", err)
	}
	return r.result(), nil
}

// restorer is one run of a plan.
type restorer struct {
	p     *RestorePlan
	begin time.Time
	limit *limiter
	pools *pools
	res   RestoreResult

	loaded []Finding // of the database
}

func (r *restorer) result() *RestoreResult {
	r.res.Backup, r.res.Journal, r.res.Seconds = r.p.m.ID, r.p.j.ID, time.Since(r.begin).Seconds()
	r.res.Findings = append(r.p.Findings, r.loaded...)
	if d := r.p.j.Database; d != nil && d.Had {
		r.res.Kept = append(r.res.Kept, "database "+d.Old)
	}
	for _, s := range r.p.j.Paths {
		if s.Had {
			r.res.Kept = append(r.res.Kept, s.Old)
		}
	}
	return &r.res
}

func (r *restorer) run(ctx context.Context) error {
	p := r.p
	if err := p.j.save(Staging); err != nil {
		return err
	}
	p.o.hook("restore:journal")
	stop := report(ctx, p.o.Progress, func() Progress {
		return Progress{Phase: "restore", Bytes: r.limit.bytes.Load(), Total: p.totalBytes(), Files: r.limit.files.Load()}
	})
	err := r.stage(ctx)
	stop()
	if err != nil {
		return err
	}
	p.o.hook("restore:staged")
	if err := r.swap(ctx); err != nil {
		return err
	}
	// The service runs on the new state and people write to it: nothing is
	// undone any more. An error keeps the journal, so that Recover goes on.
	err = finishIndexes(ctx, p.live, p.j.Pending)
	p.o.hook("restore:before-done")
	if err == nil {
		p.j.Pending = nil
		err = p.j.save(Done)
	}
	if err != nil {
		p.Findings = append(p.Findings, Finding{ID: "restore-pending", Severity: severityError, Where: p.j.ID,
			Message: "the restored state is in place, but the last step failed: " + err.Error(), Fix: "run recover; until then full-text search may be slow"})
	}
	return nil
}

func (p *RestorePlan) totalBytes() int64 {
	var n int64
	if p.j.Database != nil {
		for _, q := range p.m.Database.Pieces {
			n += q.PlainSize
		}
	}
	if len(p.target.Dirs) > 0 {
		n += p.m.Files.Bytes
	}
	return n
}

// stage builds everything beside the living installation, the database and the
// files at the same time.
func (r *restorer) stage(ctx context.Context) error {
	p := r.p
	g, inner := newGroup(ctx)
	if p.j.Database != nil {
		g.run(func() error { return r.stageDatabase(inner) })
	}
	if len(p.target.Dirs) > 0 {
		g.run(func() error { return r.stageFiles(inner) })
	}
	if err := g.wait(); err != nil {
		return err
	}
	return r.stageDocuments(ctx)
}

func (r *restorer) stageDatabase(ctx context.Context) error {
	p, begin := r.p, time.Now()
	if err := createDatabase(ctx, p.admin, p.m.Database, p.j.Database.Staged, p.live.info["user"]); err != nil {
		return err
	}
	p.o.hook("restore:database-created")
	l := &loader{store: p.store, m: p.m, keys: p.keys, to: p.live.with(p.j.Database.Staged), workers: processors(p.o.Workers), pools: r.pools, deferText: p.o.DeferFullText, limit: r.limit, hook: p.o.hook}
	res, err := l.run(ctx)
	if err != nil {
		return err
	}
	if err := changeConfigurationRow(ctx, l.to, p.o.Settings); err != nil {
		return err
	}
	if err := applySettings(ctx, p.admin, p.m.Database.Settings, p.j.Database.Staged); err != nil {
		return err
	}
	p.j.Pending, r.res.Rows, r.loaded = res.pending, res.rows, res.findings
	r.phases(append(res.phases, Phase{Name: "database", Seconds: time.Since(begin).Seconds()}))
	return nil
}

func (r *restorer) stageFiles(ctx context.Context) error {
	p, begin := r.p, time.Now()
	u := &unpacker{store: p.store, m: p.m, keys: p.keys, dirs: map[string]string{}, want: func(string) bool { return true },
		owner: p.target.Owner, workers: atOnce(p.o.Workers, r.pools.sums, p.store), pools: r.pools, limit: r.limit, hook: p.o.hook, folds: p.o.folds}
	for i, name := range sortedKeys(p.target.Dirs) {
		staged := p.j.Paths[i].Staged // directories come first, in the same order
		if err := os.Mkdir(staged, 0o700); err != nil {
			return fmt.Errorf("restore files: %w", err)
		}
		u.dirs[name] = staged
	}
	if err := u.run(ctx); err != nil {
		return err
	}
	r.res.Files, r.res.Bytes = u.files, u.bytes
	r.phases([]Phase{{Name: "files", Seconds: time.Since(begin).Seconds(), Bytes: u.bytes}})
	return nil
}

// phases is called by at most two goroutines at a time.
func (r *restorer) phases(list []Phase) {
	r.limit.mu.Lock()
	defer r.limit.mu.Unlock()
	r.res.Phases = append(r.res.Phases, list...)
}

func (r *restorer) stageDocuments(ctx context.Context) error {
	p := r.p
	for i, name := range sortedKeys(p.target.Documents) {
		doc, _ := p.m.document(name) // the plan has checked that it is there
		data, err := readPart(ctx, p.store, p.m.ID, doc.Part, p.keys, maxDocument)
		if err != nil {
			return err
		}
		if name == "config.json" && len(p.o.Settings) > 0 {
			if data, err = changeSettings(data, p.o.Settings); err != nil {
				return fmt.Errorf("restore config.json: %w", err)
			}
		}
		staged := p.j.Paths[len(p.target.Dirs)+i].Staged
		if err := atomicfile.WriteFile(staged, data, 0o600); err != nil {
			return fmt.Errorf("restore %s: %w", name, err)
		}
		if o := p.target.Owner; o != nil {
			if err := os.Chown(staged, o.UID, o.GID); err != nil {
				return fmt.Errorf("restore %s: %w", name, err)
			}
		}
	}
	return nil
}

// swap stops the service, renames, starts and checks.
func (r *restorer) swap(ctx context.Context) error {
	p, svc := r.p, r.p.target.Service
	if err := p.j.save(Stopping); err != nil {
		return err
	}
	down := time.Now()
	if err := svc.Stop(ctx); err != nil {
		return fmt.Errorf("stop the service: %w", err)
	}
	stopped := time.Now()
	if err := p.j.save(Swapping); err != nil {
		return err
	}
	p.o.hook("swap:begin")
	if d := p.j.Database; d != nil {
		if err := swapDatabase(ctx, p.admin, *d); err != nil {
			return err
		}
	}
	p.o.hook("swap:database")
	for _, s := range p.j.Paths {
		if err := s.forward(func() { p.o.hook("swap:half-path") }); err != nil {
			return err
		}
		p.o.hook("swap:path")
	}
	if err := p.j.save(Swapped); err != nil {
		return err
	}
	swapped := time.Now()
	p.o.hook("swap:done")
	if err := svc.Start(ctx); err != nil {
		return fmt.Errorf("start the service: %w", err)
	}
	r.res.Downtime, r.res.SwapTime = time.Since(down).Seconds(), swapped.Sub(stopped).Seconds()
	p.o.hook("swap:started")
	if p.target.Check != nil {
		if err := p.target.Check(ctx); err != nil {
			return fmt.Errorf("check after the start: %w", err)
		}
	}
	r.res.Service = time.Since(r.begin).Seconds()
	return nil
}

func newerVersion(have, than string) (bool, error) {
	a, err := version.Parse(have)
	if err != nil {
		return false, err
	}
	b, err := version.Parse(than)
	if err != nil {
		return false, err
	}
	return a.Compare(b) > 0, nil
}

// ReadDocument gives one document of a backup, for example "config.json".
// It may hold secrets.
func ReadDocument(ctx context.Context, store Store, id, name string, keys Keys) ([]byte, error) {
	m, err := Load(ctx, store, id)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	opened, err := keys.open(ctx, store, m)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	d, ok := m.document(name)
	if !ok {
		var have []string
		for _, d := range m.Documents {
			have = append(have, d.Name)
		}
		return nil, fmt.Errorf("read document: backup %s holds no %q, only %s", m.ID, name, strings.Join(have, ", "))
	}
	return readPart(ctx, store, m.ID, d.Part, opened, maxDocument)
}
