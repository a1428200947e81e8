// Package golden runs table tests whose cases are files: one txtar archive per
// case, found by glob. "go test -update" rewrites the expected sections.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite golden files with what the code now gives")

// Case is one golden file. Its comment (the text before the first section) is
// the reason why the case exists and must not be empty.
type Case struct {
	*testing.T
	Path    string
	archive *txtar.Archive
	changed bool
}

// Run runs f once for every file that matches pattern, as a subtest named
// after the file. No match at all is a failure: a moved directory must not
// turn a suite green.
func Run(t *testing.T, pattern string, f func(c *Case)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden case matches %s (%v)", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(string(archive.Comment)) == "" {
				t.Errorf("%s: the comment must give the reason for the case", path)
			}
			c := &Case{T: t, Path: path, archive: archive}
			f(c)
			if c.changed {
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Section returns an input section, and whether the case has it.
func (c *Case) Section(name string) (string, bool) {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

// Files returns all section names in order.
func (c *Case) Files() []string {
	var names []string
	for _, f := range c.archive.Files {
		names = append(names, f.Name)
	}
	return names
}

// Want compares got with the expected section name; with -update it stores
// got there instead. A missing section and an empty got are the same.
func (c *Case) Want(name, got string) {
	c.Helper()
	if got != "" && !strings.HasSuffix(got, "\n") {
		got += "\n" // txtar ends every section with one
	}
	want, ok := c.Section(name)
	if got == want {
		return
	}
	if !*update {
		c.Errorf("%s, section %s (-want +got; rewrite with -update):\n%s", c.Path, name, cmp.Diff(want, got))
		return
	}
	c.changed = true
	for i := range c.archive.Files {
		if c.archive.Files[i].Name == name {
			c.archive.Files[i].Data = []byte(got)
			return
		}
	}
	if !ok {
		c.archive.Files = append(c.archive.Files, txtar.File{Name: name, Data: []byte(got)})
	}
}
