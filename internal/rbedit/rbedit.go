// Package rbedit is what commands that edit a gitlab.rb share. Most callers
// need Open and Diff.
package rbedit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// Open reads and parses a file to edit. Anything but a regular file of at most
// gitlabrb.MaxSize bytes is an error.
func Open(path string) (*gitlabrb.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read gitlab.rb: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > gitlabrb.MaxSize {
		return nil, fmt.Errorf("read %s: want a regular file of at most %d bytes", path, gitlabrb.MaxSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read gitlab.rb: %w", err)
	}
	return gitlabrb.Parse(path, data)
}

// OpenOrNew is Open, where a file that does not exist is an empty one.
func OpenOrNew(path string) (*gitlabrb.File, error) {
	f, err := Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return gitlabrb.Parse(path, nil)
	}
	return f, err
}
