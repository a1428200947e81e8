package gitlabrb

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func writeFixture(t *testing.T) (path string, f *File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gitlab.rb")
	if err := os.WriteFile(path, []byte("nginx['x'] = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := Parse(path, []byte("nginx['x'] = 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Set(2, "nginx", "x"); err != nil {
		t.Fatal(err)
	}
	return path, f
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWriteFileKeepsModeAndOwnerAndLeavesABackup(t *testing.T) {
	path, f := writeFixture(t)
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 1234, 2345); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 7, 46, 44, 0, time.UTC)
	backup, err := f.WriteFile(path, WriteOptions{Backup: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if backup != path+".2026-11-21T07-46-44Z.bak" || content(t, backup) != "nginx['x'] = 1\n" || content(t, path) != "nginx['x'] = 2\n" {
		t.Errorf("backup %s holds %q, the file %q", backup, content(t, backup), content(t, path))
	}
	for _, p := range []string{path, backup} {
		got, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		g, w := got.Sys().(*syscall.Stat_t), want.Sys().(*syscall.Stat_t)
		if got.Mode() != want.Mode() || g.Uid != w.Uid || g.Gid != w.Gid {
			t.Errorf("%s: mode %v owner %d:%d, want %v %d:%d", p, got.Mode(), g.Uid, g.Gid, want.Mode(), w.Uid, w.Gid)
		}
	}
	if _, err := f.Set(3, "nginx", "x"); err != nil {
		t.Fatal(err)
	}
	second, err := f.WriteFile(path, WriteOptions{Backup: true, Now: now})
	if err != nil || second != path+".2026-11-21T07-46-44Z-1.bak" {
		t.Errorf("second backup %q, error %v", second, err)
	}
	third, err := f.WriteFile(path, WriteOptions{Backup: true, Now: now})
	if err != nil || third != "" {
		t.Errorf("nothing to write, but backup %q, error %v", third, err)
	}
}

func TestWriteFileRefusesWhatItDidNotRead(t *testing.T) {
	path, f := writeFixture(t)
	if err := os.WriteFile(path, []byte("nginx['x'] = 99\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteFile(path, WriteOptions{}); !errors.Is(err, ErrChangedOnDisk) {
		t.Errorf("got %v, want ErrChangedOnDisk", err)
	}
	if content(t, path) != "nginx['x'] = 99\n" {
		t.Error("the file of somebody else was overwritten")
	}
	if _, err := f.WriteFile(t.TempDir(), WriteOptions{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

func TestWriteFileFollowsLinksWithinTheirDirectoryOnly(t *testing.T) {
	path, f := writeFixture(t)
	inside := filepath.Join(filepath.Dir(path), "link.rb")
	if err := os.Symlink("gitlab.rb", inside); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteFile(inside, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(inside); err != nil || info.Mode()&os.ModeSymlink == 0 || content(t, path) != "nginx['x'] = 2\n" {
		t.Errorf("the link was not kept (%v) or its file not written: %q", err, content(t, path))
	}
	outside := filepath.Join(t.TempDir(), "gitlab.rb")
	if err := os.Symlink(path, outside); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Set(5, "nginx", "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteFile(outside, WriteOptions{}); err == nil || !strings.Contains(err.Error(), "outside of its directory") {
		t.Errorf("a link out of its directory: %v", err)
	}
	if content(t, path) != "nginx['x'] = 2\n" {
		t.Error("the link was followed out of its directory")
	}
}

func TestWriteFileMakesANewFilePrivate(t *testing.T) {
	_, f := writeFixture(t)
	path := filepath.Join(t.TempDir(), "new.rb")
	if _, err := f.WriteFile(path, WriteOptions{Backup: true}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || !bytes.Equal([]byte(content(t, path)), f.Bytes()) {
		t.Errorf("mode %v, content %q, error %v", info.Mode(), content(t, path), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestOneLineSaysTheSame(t *testing.T) {
	for _, c := range []struct{ reason, src, want string }{
		{"settings are joined, comments go", "external_url 'http://a' # one\n\n# two\nnginx['x'] = 1;\n", "external_url 'http://a'; nginx['x'] = 1"},
		{"a hash over several lines", "mattermost['env'] = {\n  'A' => '1', # one\n  # two\n  'B' => '2',\n}\n", "mattermost['env'] = { 'A' => '1', 'B' => '2', }"},
		{"a heredoc becomes a string", "nginx['c'] = <<~EOS\n  a\n    b\nEOS\n", `nginx['c'] = "a\n  b\n"`},
		{"a heredoc in a call", "external_url <<~EOS.strip\n  a\nEOS\n", "error"},
		{"a string over two lines", "nginx['c'] = 'a\nb'\n", `nginx['c'] = "a\nb"`},
		{"a condition", "if true\n  nginx['x'] = 1\nelse\n  nginx['x'] = 2\nend\n", "if true; nginx['x'] = 1; else nginx['x'] = 2; end"},
		{"a loop", "%w(a b).each do |k|\n  nginx[k] = 1\nend\n", "%w(a b).each do |k| nginx[k] = 1; end"},
		{"a chain over lines", "nginx['x'] = [2, 1]\n  .sort\n  .first\n", "nginx['x'] = [2, 1] .sort .first"},
		{"nothing", "# only a comment\n", ""},
	} {
		f, err := Parse("t.rb", []byte(c.src))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.OneLine()
		if c.want == "error" {
			if !errors.Is(err, ErrNotEditable) {
				t.Errorf("%s: got %q, %v; want an error", c.reason, got, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s:\n got %q %v\nwant %q", c.reason, got, err, c.want)
			continue
		}
		a, err := f.Evaluate(Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Evaluate("t.rb", []byte(got), Options{})
		if err != nil || inspectExported(a.Settings) != inspectExported(b.Settings) {
			t.Errorf("%s: the line says %v (%v), the file %v", c.reason, inspectExported(b.Settings), err, inspectExported(a.Settings))
		}
	}
}
