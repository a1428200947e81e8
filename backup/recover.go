package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// Recover ends restores that were interrupted, for example by a power failure:
// one that had not finished renaming is undone, one that had is completed, and
// the service is started. It says what it did, one line for each restore.
// Calling it when nothing was interrupted does nothing.
func Recover(ctx context.Context, target Target) (_ []string, err error) {
	unlock, err := lockState(target.StateDir)
	if err != nil {
		return nil, fmt.Errorf("recover: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	done, err := recoverAll(ctx, target)
	if err != nil {
		return done, fmt.Errorf("recover: %w", err)
	}
	return done, nil
}

func recoverAll(ctx context.Context, target Target) ([]string, error) {
	if target.Service == nil {
		target.Service = NoService{}
	}
	list, err := Restores(target.StateDir)
	if err != nil {
		return nil, err
	}
	var done []string
	for i := range list {
		j := &list[i]
		if !j.unfinished() {
			continue
		}
		if j.Database != nil && target.DSN == "" {
			return done, fmt.Errorf("restore %s replaced a database: give its data source", j.ID)
		}
		was := j.State
		switch j.State {
		case Swapped:
			err = completeSwapped(ctx, j, target)
		case RollingBack:
			err = rollback(ctx, j, target, func(string) {})
		case Discarding:
			err = discard(ctx, j, target)
		default:
			err = undo(ctx, j, target)
		}
		if err != nil {
			return done, fmt.Errorf("restore %s: %w", j.ID, err)
		}
		result := "undone, the old state is in place"
		switch was {
		case Swapped:
			result = "completed, the new state is in place"
		case RollingBack:
			result = "its rollback was completed"
		case Discarding:
			result = "what it had kept is deleted"
		}
		done = append(done, fmt.Sprintf("restore %s of backup %s was interrupted (%s): %s", j.ID, j.Backup, was, result))
	}
	return done, nil
}

// completeSwapped finishes a restore whose swap was complete.
func completeSwapped(ctx context.Context, j *Journal, target Target) error {
	if err := target.Service.Start(ctx); err != nil {
		return fmt.Errorf("start the service: %w", err)
	}
	if j.Database != nil {
		live, _, err := target.servers()
		if err != nil {
			return err
		}
		if err := finishIndexes(ctx, live.with(j.Database.Live), j.Pending); err != nil {
			return err
		}
	}
	j.Pending = nil
	return j.save(Done)
}

// undo brings the old state back, starts the service if the restore had begun
// to stop it, and removes what the restore made. It can be repeated.
func undo(ctx context.Context, j *Journal, target Target) error {
	started := j.State != Staging
	if started {
		if err := target.Service.Stop(ctx); err != nil {
			return fmt.Errorf("stop the service: %w", err)
		}
		if err := j.save(Swapping); err != nil {
			return err
		}
		if err := unswap(ctx, j, target); err != nil {
			return err
		}
		if err := target.Service.Start(ctx); err != nil {
			return fmt.Errorf("start the service: %w", err)
		}
	}
	if err := removeKept(ctx, j, target, func(s PathSwap) string { return s.Staged }, func(d DatabaseSwap) string { return d.Staged }); err != nil {
		return err
	}
	return j.remove()
}

func unswap(ctx context.Context, j *Journal, target Target) error {
	if j.Database != nil {
		_, admin, err := target.servers()
		if err != nil {
			return err
		}
		if err := unswapDatabase(ctx, admin, *j.Database); err != nil {
			return err
		}
	}
	for _, s := range j.Paths {
		if err := s.backward(); err != nil {
			return err
		}
	}
	return nil
}

// removeKept deletes one set of names: the staged ones or the old ones.
func removeKept(ctx context.Context, j *Journal, target Target, path func(PathSwap) string, database func(DatabaseSwap) string) error {
	if j.Database != nil {
		_, admin, err := target.servers()
		if err != nil {
			return err
		}
		if err := dropDatabase(ctx, admin, database(*j.Database)); err != nil {
			return err
		}
	}
	for _, s := range j.Paths {
		if err := os.RemoveAll(path(s)); err != nil {
			return fmt.Errorf("remove %s: %w", path(s), err)
		}
		if err := atomicfile.SyncDir(filepath.Dir(s.Live)); err != nil {
			return err
		}
	}
	return nil
}

// find gives the journal with the ID, or the newest one in the state for "".
func find(stateDir, id string, state State) (*Journal, error) {
	list, err := Restores(stateDir)
	if err != nil {
		return nil, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		if id == "" && list[i].State == state || list[i].ID == id {
			return &list[i], nil
		}
	}
	if id == "" {
		return nil, fmt.Errorf("no restore in state %q in %s", state, stateDir)
	}
	return nil, fmt.Errorf("no restore %s in %s", id, stateDir)
}

// Rollback undoes a finished restore: the service is stopped, the former
// database and paths are renamed back, the service is started. What was
// restored, and what was written to it since, stays under the staged names
// until Discard. An empty id means the newest finished restore. A rollback
// that is interrupted is completed by Recover.
func Rollback(ctx context.Context, target Target, id string) (*Journal, error) {
	return rollbackHooked(ctx, target, id, func(string) {})
}

func rollbackHooked(ctx context.Context, target Target, id string, hook func(string)) (_ *Journal, err error) {
	unlock, err := lockState(target.StateDir)
	if err != nil {
		return nil, fmt.Errorf("roll back: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if target.Service == nil {
		target.Service = NoService{}
	}
	if _, err := recoverAll(ctx, target); err != nil {
		return nil, fmt.Errorf("roll back: %w", err)
	}
	j, err := find(target.StateDir, id, Done)
	if err != nil {
		return nil, fmt.Errorf("roll back: %w", err)
	}
	if j.State != Done {
		return nil, fmt.Errorf("roll back: restore %s is %s, not %s", j.ID, j.State, Done)
	}
	if j.Database != nil && target.DSN == "" {
		return nil, fmt.Errorf("roll back: restore %s replaced a database: give its data source", j.ID)
	}
	if err := j.keepsOld(ctx, target); err != nil {
		return nil, fmt.Errorf("roll back: %w", err)
	}
	if err := rollback(ctx, j, target, hook); err != nil {
		return nil, fmt.Errorf("roll back (Recover goes on with it): %w", err)
	}
	return j, nil
}

// keepsOld checks that what the rollback needs is still there.
func (j *Journal) keepsOld(ctx context.Context, target Target) error {
	for _, s := range j.Paths {
		if s.Had && !exists(s.Old) {
			return fmt.Errorf("%s, which the restore kept, is gone", s.Old)
		}
	}
	if d := j.Database; d != nil && d.Had {
		_, admin, err := target.servers()
		if err != nil {
			return err
		}
		have, err := databases(ctx, admin, d.Old)
		if err != nil {
			return err
		}
		if !have[d.Old] {
			return fmt.Errorf("the database %s, which the restore kept, is gone", d.Old)
		}
	}
	return nil
}

func rollback(ctx context.Context, j *Journal, target Target, hook func(string)) error {
	if err := j.save(RollingBack); err != nil {
		return err
	}
	hook("rollback:journal")
	if err := target.Service.Stop(ctx); err != nil {
		return fmt.Errorf("stop the service: %w", err)
	}
	if d := j.Database; d != nil {
		_, admin, err := target.servers()
		if err != nil {
			return err
		}
		if err := unswapDatabase(ctx, admin, *d); err != nil {
			return err
		}
	}
	hook("rollback:database")
	for _, s := range j.Paths {
		if err := s.backward(); err != nil {
			return err
		}
		hook("rollback:path")
	}
	if err := target.Service.Start(ctx); err != nil {
		return fmt.Errorf("start the service: %w", err)
	}
	hook("rollback:started")
	return j.save(RolledBack)
}

// Discard deletes for good what a restore kept: the former state of a finished
// one, the restored state of one that was rolled back. The journal goes too. An
// empty id means the newest finished restore.
func Discard(ctx context.Context, target Target, id string) (_ *Journal, err error) {
	unlock, err := lockState(target.StateDir)
	if err != nil {
		return nil, fmt.Errorf("discard: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if target.Service == nil {
		target.Service = NoService{}
	}
	if _, err := recoverAll(ctx, target); err != nil {
		return nil, fmt.Errorf("discard: %w", err)
	}
	j, err := find(target.StateDir, id, Done)
	if err != nil {
		return nil, fmt.Errorf("discard: %w", err)
	}
	if j.Database != nil && target.DSN == "" {
		return nil, fmt.Errorf("discard: restore %s replaced a database: give its data source", j.ID)
	}
	if err := j.save(Discarding); err != nil {
		return nil, fmt.Errorf("discard: %w", err)
	}
	if err := discard(ctx, j, target); err != nil {
		return nil, fmt.Errorf("discard: %w", err)
	}
	return j, nil
}

// discard removes both kept names; only one of each pair exists.
func discard(ctx context.Context, j *Journal, target Target) error {
	err := removeKept(ctx, j, target, func(s PathSwap) string { return s.Old }, func(d DatabaseSwap) string { return d.Old })
	if err != nil {
		return err
	}
	err = removeKept(ctx, j, target, func(s PathSwap) string { return s.Staged }, func(d DatabaseSwap) string { return d.Staged })
	if err != nil {
		return err
	}
	return j.remove()
}
