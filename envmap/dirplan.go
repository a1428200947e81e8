package envmap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// DirPlan is what writing an env directory would change, as data.
type DirPlan struct {
	Dir       string   `json:"dir"`
	Create    bool     `json:"create"`    // the directory does not exist yet
	Write     []string `json:"write"`     // files that are new or differ
	Remove    []string `json:"remove"`    // plain files of variables no longer wanted
	Unchanged []string `json:"unchanged"` // files that hold the text already

	files map[string][]byte
}

// PlanDir is PlanFiles of DirFiles: the directory as the package wrote it.
func (e *Environment) PlanDir(dir string) (*DirPlan, error) {
	files, err := e.DirFiles()
	if err != nil {
		return nil, fmt.Errorf("plan env directory %s: %w", dir, err)
	}
	return PlanFiles(dir, files)
}

// PlanFiles compares the files of an env directory, from DirFiles or EncodeDir,
// with what a directory holds and says what would change. It writes nothing.
//
// Removing is what makes a wrong directory dangerous, so one that does not look
// like an env directory is refused: it holds plain files, and none of them is
// called MM_something, or one that would be removed cannot be a variable's.
func PlanFiles(dir string, files map[string][]byte) (*DirPlan, error) {
	for name := range files {
		if err := dirName(name); err != nil {
			return nil, fmt.Errorf("plan env directory %s: %w", dir, err)
		}
	}
	p := &DirPlan{Dir: dir, files: files}
	entries, err := readDirNames(dir)
	if errors.Is(err, fs.ErrNotExist) {
		p.Create, entries = true, nil
	} else if err != nil {
		return nil, err
	}
	looksRight := false
	for _, entry := range entries {
		name := entry.Name()
		_, wanted := files[name]
		switch {
		case strings.HasPrefix(name, "MM_"):
			looksRight = true
		case wanted, !entry.Type().IsRegular(), name[0] == '.':
			continue
		case !ValidName(name):
			return nil, fmt.Errorf("plan env directory %s: it holds %.60q, which is no variable: not an env directory, nothing is touched", dir, name)
		}
		if !wanted && entry.Type().IsRegular() {
			p.Remove = append(p.Remove, name)
		}
	}
	for _, entry := range entries {
		if leftover(entry.Name()) && entry.Type().IsRegular() {
			p.Remove = append(p.Remove, entry.Name())
		}
	}
	if len(p.Remove) > 0 && !looksRight {
		return nil, fmt.Errorf("plan env directory %s: it holds files and none is called MM_…: not an env directory, nothing is touched", dir)
	}
	return p, p.compare()
}

// leftover recognizes the temporary file of a write that was cut off.
func leftover(name string) bool {
	return strings.HasPrefix(name, ".") && strings.Contains(name, ".tmp-")
}

func (p *DirPlan) compare() error {
	for name, want := range p.files {
		path := filepath.Join(p.Dir, name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			p.Write = append(p.Write, name)
			continue
		case err != nil:
			return fmt.Errorf("plan env directory: %w", err)
		case info.IsDir():
			return fmt.Errorf("plan env directory: %s is a directory, want a file", path)
		}
		same := false
		if info.Mode().IsRegular() && info.Mode().Perm() == dirFileMode && info.Size() == int64(len(want)) {
			have, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("plan env directory: %w", err)
			}
			same = string(have) == string(want)
		}
		if same {
			p.Unchanged = append(p.Unchanged, name)
		} else {
			p.Write = append(p.Write, name)
		}
	}
	slices.Sort(p.Write)
	slices.Sort(p.Remove)
	slices.Sort(p.Unchanged)
	return nil
}

// dirFileMode is stricter than the package, which left the mode to the umask
// (0644), so that any local user could read the OAuth secret. chpst reads the
// files as root, before it changes the user, so nothing else needs more.
const dirFileMode = 0o600

// Apply does what the plan says: new and changed files first, each atomically,
// then removals, then the directory is made durable. After an error some files
// may be new and others old, each complete; running it again finishes the work.
func (p *DirPlan) Apply() error {
	if p.Create {
		if err := os.MkdirAll(p.Dir, 0o755); err != nil {
			return fmt.Errorf("write env directory: %w", err)
		}
	}
	for _, name := range p.Write {
		if err := atomicfile.WriteFile(filepath.Join(p.Dir, name), p.files[name], dirFileMode); err != nil {
			return fmt.Errorf("write env directory: %w", err)
		}
	}
	for _, name := range p.Remove {
		if err := os.Remove(filepath.Join(p.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write env directory: %w", err)
		}
	}
	return atomicfile.SyncDir(p.Dir)
}

// WriteDir writes the environment as the env directory of GitLab's Linux
// package: one file per variable as in DirFiles, and the plain files of
// variables that are not wanted any more removed; directories, links and names
// that start with a dot are left alone. A missing directory is made.
//
// It differs from the package in one thing: files have mode 0600, where the
// package left them to the umask. PlanDir shows the changes without making
// them, and says which directories are refused.
func (e *Environment) WriteDir(dir string) (*DirPlan, error) {
	p, err := e.PlanDir(dir)
	if err != nil {
		return nil, err
	}
	return p, p.Apply()
}
