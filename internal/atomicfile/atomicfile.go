// Package atomicfile writes files that are either the old or the complete new
// one, whatever happens in between: a temporary name in the same directory,
// fsync, rename, fsync of the directory.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile replaces path by data with exactly mode (the umask does not
// apply). On an error the old file is untouched and no temporary file is left.
// Parent directories must exist. A symbolic link at path is replaced, never
// followed.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Cancel())
	}
	return f.Commit()
}

// File is a file under a temporary name. Exactly one of Commit and Cancel
// finishes it; Cancel after Commit does nothing, so it can be deferred.
type File struct {
	*os.File
	path string
	done bool
}

// Create opens a temporary file beside path, readable by its owner only until
// Commit gives it mode.
func Create(path string, mode os.FileMode) (*File, error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".tmp-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	if err := f.Chmod(mode.Perm()); err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", path, err), f.Close(), os.Remove(f.Name()))
	}
	return &File{File: f, path: path}, nil
}

// Commit makes the content durable under its real name.
func (f *File) Commit() error {
	if f.done {
		return fmt.Errorf("commit %s: already finished", f.path)
	}
	if err := f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", f.path, err), f.Cancel())
	}
	if err := f.Close(); err != nil {
		f.done = true
		return errors.Join(fmt.Errorf("close %s: %w", f.path, err), os.Remove(f.Name()))
	}
	f.done = true
	if err := os.Rename(f.Name(), f.path); err != nil {
		return errors.Join(fmt.Errorf("rename to %s: %w", f.path, err), os.Remove(f.Name()))
	}
	return SyncDir(filepath.Dir(f.path))
}

// Cancel removes the temporary file.
func (f *File) Cancel() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// SyncDir makes renames, creations and removals in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync directory %s: %w", dir, err), d.Close())
	}
	return d.Close()
}
