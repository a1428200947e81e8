package envmap

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// DirFiles returns the env directory as GitLab's Linux package wrote it, as
// plain data: file name (the variable's) to content. The content is the text
// without a final newline; a variable that is not set, and one that is set to
// nothing, is an empty file.
//
// Reading it back through chpst can lose text (see ParseDirFile); DirLosses
// tells. A name that cannot be a file name is an error.
func (e *Environment) DirFiles() (map[string][]byte, error) {
	files := make(map[string][]byte, e.Len())
	var errs []error
	for v := range e.All() {
		if err := dirName(v.Name); err != nil {
			errs = append(errs, err)
			continue
		}
		text, _ := v.Text()
		files[v.Name] = []byte(text)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return files, nil
}

// dirName refuses names that would leave the directory or that chpst does not
// read as a variable.
func dirName(name string) error {
	if name == "" || len(name) > 255 || name[0] == '.' || strings.ContainsAny(name, "/=\x00\n") {
		return fmt.Errorf("variable %.60q: the name cannot be a file of an env directory", name)
	}
	return nil
}

// EncodeDirFile returns the content that makes chpst give a program exactly
// the variable's value, where the format can: a line break is written as NUL,
// the empty text as a lone line break, "not set" as an empty file. A value that
// ends in a blank or tab is an error, because chpst always cuts those.
//
// GitLab's Linux package did not do this, it wrote the bare text; DirFiles is
// what it wrote.
func EncodeDirFile(v Var) ([]byte, error) {
	if err := checkVar(v); err != nil {
		return nil, err
	}
	text, ok := v.Text()
	switch {
	case !ok:
		return nil, nil
	case text == "":
		return []byte("\n"), nil
	case strings.HasSuffix(text, " "), strings.HasSuffix(text, "\t"):
		return nil, fmt.Errorf("variable %s: an env directory cannot carry a value that ends in a blank or tab", v.Name)
	}
	return []byte(strings.ReplaceAll(text, "\n", "\x00")), nil
}

// ParseDirFile reads one file of an env directory as chpst -e (runit 2.1.2)
// does, in these steps:
//
//  1. A file of no bytes removes the variable from the environment: nil.
//  2. Only the first line counts.
//  3. Blanks and tabs at its end are cut, those at its start are kept.
//  4. A NUL becomes a line break.
//
// So a file that holds only a line break sets the variable to the empty text.
func ParseDirFile(content []byte) *string {
	if len(content) == 0 {
		return nil
	}
	line, _, _ := strings.Cut(string(content), "\n")
	line = strings.ReplaceAll(strings.TrimRight(line, " \t"), "\x00", "\n")
	return &line
}

// DirLosses says what a program started through chpst will not get of an
// environment written as DirFiles: everything after a first line, blanks at the
// end, and the empty text, which makes the variable vanish so that Mattermost
// takes the value of its config.json.
func (e *Environment) DirLosses() []Finding {
	var out []Finding
	for v := range e.All() {
		text, ok := v.Text()
		if !ok {
			continue
		}
		switch got := ParseDirFile([]byte(text)); {
		case got == nil:
			out = append(out, Finding{
				ID: "dir.empty-removes", Severity: SeverityInfo, Where: v.Name,
				Message: "an empty file removes the variable: the server takes the value of its config.json, not the empty text",
				Fix:     "set the value in config.json or the System Console if it must be empty",
			})
		case *got != text && strings.Contains(text, "\n"):
			out = append(out, Finding{
				ID: "dir.first-line", Severity: SeverityError, Where: v.Name,
				Message: "only the first line of the value reaches the server",
				Fix:     "put the value on one line, or into config.json",
			})
		case *got != text:
			out = append(out, Finding{
				ID: "dir.trailing-blank", Severity: SeverityWarning, Where: v.Name,
				Message: "blanks at the end of the value are cut",
				Fix:     "remove them, or put the value into config.json",
			})
		}
	}
	return out
}

// ReadDir reads an env directory with chpst's rules. Variables come in the
// order of their names; the origin is the file. Names that start with a dot are
// skipped, as chpst does. Anything else that is not a plain file, and a file
// over 128 KiB, is an error, and so is more than 4,096 files.
func ReadDir(dir string) (*Environment, error) {
	entries, err := readDirNames(dir)
	if err != nil {
		return nil, err
	}
	e := &Environment{}
	var errs []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		content, err := readPlain(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("read env directory: %w", err))
			continue
		}
		e.Put(Var{Name: entry.Name(), Value: ParseDirFile(content), Origin: originFile(path)})
	}
	return e, errors.Join(errs...)
}

const maxDirEntries = 4096

func readDirNames(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read env directory: %w", err)
	}
	if len(entries) > maxDirEntries {
		return nil, fmt.Errorf("read env directory %s: %d entries, more than %d: not an env directory", dir, len(entries), maxDirEntries)
	}
	return entries, nil
}

// readPlain reads a bounded regular file; a symbolic link to one is followed,
// as chpst does.
func readPlain(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening, so that no FIFO blocks us
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a plain file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(content) > maxValue {
		return nil, fmt.Errorf("%s: over %d bytes, too long for a variable", path, maxValue)
	}
	return content, nil
}

// DirPlan is what writing an env directory would change, as data.
type DirPlan struct {
	Dir       string   `json:"dir"`
	Create    bool     `json:"create"`    // the directory does not exist yet
	Write     []string `json:"write"`     // files that are new or differ
	Remove    []string `json:"remove"`    // plain files of variables no longer wanted
	Unchanged []string `json:"unchanged"` // files that hold the text already

	files map[string][]byte
}

// PlanDir compares the environment, written as DirFiles, with a directory and
// says what would change. It writes nothing.
//
// Removing is what makes a wrong directory dangerous, so one that does not look
// like an env directory is refused: it holds plain files, and none of them is
// called MM_something, or one that would be removed cannot be a variable's.
func (e *Environment) PlanDir(dir string) (*DirPlan, error) {
	files, err := e.DirFiles()
	if err != nil {
		return nil, fmt.Errorf("plan env directory %s: %w", dir, err)
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
