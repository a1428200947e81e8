package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteFileSetsContentAndExactMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for _, c := range []struct {
		data string
		mode os.FileMode
	}{{"one", 0o600}, {"two", 0o644}} {
		if err := atomicfile.WriteFile(path, []byte(c.data), c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != c.data {
			t.Fatalf("content %q, %v; want %q", got, err, c.data)
		}
		if info, _ := os.Stat(path); info.Mode().Perm() != c.mode {
			t.Errorf("mode %v, want %v", info.Mode().Perm(), c.mode)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWriteFileReplacesALinkInsteadOfFollowingIt(t *testing.T) {
	dir := t.TempDir()
	victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "link")
	if err := os.WriteFile(victim, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(victim); string(got) != "keep" {
		t.Errorf("the link's target was overwritten with %q", got)
	}
}

func TestFailedWritesLeaveTheOldFileAndNoDebris(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := atomicfile.Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if err := f.Cancel(); err != nil {
		t.Fatal(err)
	}
	// A directory in the way makes the rename itself fail.
	blocked := filepath.Join(dir, "d")
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(blocked, nil, 0o600); err == nil {
		t.Error("replacing a directory must fail")
	}
	if err := atomicfile.WriteFile(filepath.Join(dir, "no", "f"), nil, 0o600); err == nil {
		t.Error("a missing parent must fail")
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("old file became %q", got)
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWriteRootRefusesALinkThatLeadsOutside(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "etc")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := atomicfile.WriteRoot(root, "etc/passwd", []byte("x"), 0o600); err == nil {
		t.Error("the write followed a link out of the tree")
	}
	if got := names(t, outside); len(got) != 0 {
		t.Errorf("written outside: %v", got)
	}
	if err := atomicfile.WriteRoot(root, "a/b/c", []byte("in"), 0o640); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "a/b/c")); string(got) != "in" {
		t.Errorf("content %q", got)
	}
	if got := names(t, filepath.Join(dir, "a/b")); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}
