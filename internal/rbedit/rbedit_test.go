package rbedit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

func TestOpenReadsRegularFilesOfBoundedSizeOnly(t *testing.T) {
	dir := t.TempDir()
	good, big := filepath.Join(dir, "gitlab.rb"), filepath.Join(dir, "big.rb")
	if err := os.WriteFile(good, []byte("external_url 'https://gitlab.example.com'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, gitlabrb.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(good); err != nil || !strings.Contains(string(f.Bytes()), "gitlab.example.com") {
		t.Errorf("a good file: %v", err)
	}
	for path, want := range map[string]string{
		dir:                           "want a regular file",
		big:                           "want a regular file of at most",
		filepath.Join(dir, "missing"): "no such file",
		"/dev/null":                   "want a regular file",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if f, err := OpenOrNew(filepath.Join(dir, "missing")); err != nil || len(f.Bytes()) != 0 {
		t.Errorf("a new file: %v", err)
	}
	if _, err := OpenOrNew(dir); err == nil {
		t.Error("a directory is opened as a new file")
	}
}
