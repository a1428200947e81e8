package envmap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Kinds of Change.
const (
	ChangeAdded   = "added"
	ChangeRemoved = "removed"
	ChangeChanged = "changed"
)

// Change is one difference between two environments.
type Change struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Path string `json:"path,omitempty"` // of the setting, "" for other variables
	// Old and New are the texts as they may be shown: secrets are masked,
	// "(not set)" is no value.
	Old string `json:"old"`
	New string `json:"new"`
	// Means says what the change does to a running server.
	Means string `json:"means"`
}

// Diff compares two environments, in the order of the first and then of the
// second. A variable that is known and not set equals one that is missing.
// Environments are read at the start of the server, so every change waits for
// a restart.
func Diff(old, new *Environment) []Change {
	var out []Change
	for v := range old.All() {
		other, _ := new.Get(v.Name)
		if c, ok := compare(v.Name, v.Value, other.Value); ok {
			out = append(out, c)
		}
	}
	for v := range new.All() {
		if _, ok := old.Get(v.Name); ok {
			continue
		}
		if c, ok := compare(v.Name, nil, v.Value); ok {
			out = append(out, c)
		}
	}
	return out
}

func compare(name string, old, new *string) (Change, bool) {
	c := Change{Name: name, Old: Var{Name: name, Value: old}.Show(), New: Var{Name: name, Value: new}.Show()}
	switch {
	case old == nil && new == nil, old != nil && new != nil && *old == *new:
		return Change{}, false
	case old == nil:
		c.Kind = ChangeAdded
	case new == nil:
		c.Kind = ChangeRemoved
	default:
		c.Kind = ChangeChanged
	}
	s, isSetting := Lookup(name)
	isSetting = isSetting && strings.HasPrefix(strings.ToUpper(name), "MM_")
	if !isSetting {
		c.Means = "restart: read by the process at its start"
		return c, true
	}
	c.Path = s.Path
	switch {
	case s.Section() == "FeatureFlags":
		c.Means = "restart: a feature flag"
	case c.Kind == ChangeAdded && lockable(s):
		c.Means = "restart: overrides config.json and locks the setting in the System Console"
	case c.Kind == ChangeRemoved && lockable(s):
		c.Means = "restart: config.json decides again, the System Console unlocks the setting"
	default:
		c.Means = "restart: the new value takes effect"
	}
	return c, true
}

// ReadSource reads an environment from where it is kept: "pid:1234" is a running
// process (/proc/1234/environ, which only its user and root may read), a
// directory is an env directory, anything else a file in the given format. With
// format "" the file's name and text decide; a text that fits none is an error.
func ReadSource(source string, format Format) (*Environment, error) {
	if pid, ok := strings.CutPrefix(source, "pid:"); ok {
		return readProcess(pid)
	}
	info, err := os.Stat(source)
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	if info.IsDir() {
		return ReadDir(source)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read environment: %s: neither a plain file nor a directory", source)
	}
	data, err := readBounded(source, maxInput)
	if err != nil {
		return nil, err
	}
	if format == "" {
		if format = guess(source, data); format == "" {
			return nil, fmt.Errorf("read environment: %s: say which format it has", source)
		}
	}
	e, err := Decode(format, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return e, nil
}

func readProcess(pid string) (*Environment, error) {
	if n, err := strconv.Atoi(pid); err != nil || n <= 0 {
		return nil, fmt.Errorf("read environment: %.20q is no process id", pid)
	}
	path := filepath.Join("/proc", pid, "environ")
	data, err := readBounded(path, maxInput)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("read environment: %s: only root and the user of the process may read it: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	e := &Environment{}
	for pair := range bytes.SplitSeq(data, []byte{0}) {
		name, value, ok := strings.Cut(string(pair), "=")
		if !ok || name == "" {
			continue // a process may have overwritten its own block
		}
		e.Put(Var{Name: name, Value: &value, Origin: originFile(path)})
	}
	return e, nil
}

// readBounded reads a file, /proc included, whose size is not known before.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read environment: %s: more than %d bytes", path, limit)
	}
	return data, nil
}

// guess tells the format of a file by its name, then by what stands in it.
func guess(path string, data []byte) Format {
	switch name := strings.ToLower(filepath.Base(path)); {
	case strings.HasSuffix(name, ".rb"):
		return FormatRuby
	case strings.HasSuffix(name, ".json"):
		return FormatJSON
	case strings.HasSuffix(name, ".sh"):
		return FormatShell
	case strings.HasSuffix(name, ".conf") && bytes.Contains(data, []byte("[Service]")):
		return FormatDropIn
	case strings.HasSuffix(name, ".yml"), strings.HasSuffix(name, ".yaml"):
		if bytes.Contains(data, []byte("kind: Secret")) {
			return FormatKubernetes
		}
		return FormatCompose
	}
	switch text := bytes.TrimSpace(data); {
	case bytes.HasPrefix(text, []byte("{")):
		return FormatJSON
	case bytes.Contains(text, []byte("mattermost['env']")):
		return FormatRuby
	case bytes.HasPrefix(text, []byte("export ")), bytes.Contains(text, []byte("\nexport ")):
		return FormatShell
	case bytes.Contains(text, []byte("=")):
		return FormatSystemd
	}
	return ""
}
