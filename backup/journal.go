package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// State is how far a restore has come.
type State string

// The states of a restore, in their order. Recover brings staging to swapping
// back to the old state, and swapped forward to done.
const (
	Staging     State = "staging"      // building beside the living installation
	Stopping    State = "stopping"     // built and checked; the service is being stopped
	Swapping    State = "swapping"     // renaming
	Swapped     State = "swapped"      // the new state is in place; the service is being started
	Done        State = "done"         // finished; the old state is kept
	RollingBack State = "rolling-back" // renaming back
	RolledBack  State = "rolled-back"  // the old state is in place; the restored one is kept
	Discarding  State = "discarding"   // what is kept is being deleted
)

// Journal is the record of one restore. It is on disk before each step is
// taken, and names everything that the restore makes.
type Journal struct {
	ID       string        `json:"id"`
	Backup   string        `json:"backup"`
	State    State         `json:"state"`
	Created  time.Time     `json:"created"`
	Database *DatabaseSwap `json:"database,omitempty"`
	Paths    []PathSwap    `json:"paths,omitempty"`
	// Pending are the full-text indexes that are built after the service is
	// back.
	Pending []string `json:"pending_indexes,omitempty"`

	file string
}

// DatabaseSwap names the databases of a restore.
type DatabaseSwap struct {
	Live   string `json:"live"`
	Staged string `json:"staged"` // the new one, before the swap and after a rollback
	Old    string `json:"old"`    // the former one, after the swap
	Had    bool   `json:"had"`    // there was one before
}

// PathSwap names a directory or file of a restore, all in one directory.
type PathSwap struct {
	Live   string `json:"live"`
	Staged string `json:"staged"`
	Old    string `json:"old"`
	Had    bool   `json:"had"`
}

func (j *Journal) save(state State) error {
	j.State = state
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return atomicfile.WriteFile(j.file, append(text, '\n'), 0o600)
}

func (j *Journal) remove() error {
	if err := os.Remove(j.file); err != nil {
		return fmt.Errorf("remove journal: %w", err)
	}
	return atomicfile.SyncDir(filepath.Dir(j.file))
}

// unfinished tells whether Recover has something to do.
func (j *Journal) unfinished() bool { return j.State != Done && j.State != RolledBack }

// Restores lists the restores that stateDir knows, oldest first.
func Restores(stateDir string) ([]Journal, error) {
	files, err := os.ReadDir(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list restores: %w", err)
	}
	var out []Journal
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "restore-") || !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		path := filepath.Join(stateDir, f.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("list restores: %w", err)
		}
		var j Journal
		if err := json.Unmarshal(text, &j); err != nil {
			return nil, fmt.Errorf("list restores: %s: %w", path, err)
		}
		j.file = path
		out = append(out, j)
	}
	sort.Slice(out, func(i, k int) bool { return out[i].ID < out[k].ID })
	return out, nil
}

// lockState makes stateDir and keeps two restores apart. The lock ends with
// the process.
func lockState(stateDir string) (func() error, error) {
	if stateDir == "" {
		return nil, errors.New("no state directory: a restore that cannot be recorded cannot be undone")
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(stateDir, ".lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("state directory %s: %w", stateDir, ErrLocked), f.Close())
	}
	return f.Close, nil
}
