package gitlabrb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// WriteOptions say how WriteFile writes.
type WriteOptions struct {
	// Backup keeps the old file beside the new one, as
	// "gitlab.rb.2026-11-21T07-46-44Z.bak", with the same mode and owner.
	Backup bool
	// Now is the time in the name of the backup; zero is the current time.
	Now time.Time
}

// ErrChangedOnDisk is wrapped by WriteFile when the file is not the one that
// was parsed.
var ErrChangedOnDisk = errors.New("the file has changed since it was read")

// WriteFile writes the text to path: all of it or nothing, durable when it
// returns. Mode and owner of an existing file are kept; a new one gets 0600,
// as gitlab.rb may hold secrets. A symbolic link is followed within its own
// directory only. A file whose content is not what Parse was given is not
// overwritten. A text that is on disk already is not written again.
//
// It returns the path of the backup, "" without one.
func (f *File) WriteFile(path string, o WriteOptions) (backup string, err error) {
	target, err := resolveLink(path)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	info, err := os.Lstat(target)
	if errors.Is(err, fs.ErrNotExist) {
		if err := atomicfile.WriteFile(target, f.src, 0o600); err != nil {
			return "", err
		}
		f.disk = bytes.Clone(f.src)
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("write %s: not a regular file", path)
	}
	if info.Size() > MaxSize {
		return "", fmt.Errorf("write %s: %w", path, ErrChangedOnDisk)
	}
	old, err := os.ReadFile(target)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if bytes.Equal(old, f.src) {
		f.disk = bytes.Clone(f.src)
		return "", nil
	}
	if !bytes.Equal(old, f.disk) {
		return "", fmt.Errorf("write %s: %w: read it again", path, ErrChangedOnDisk)
	}
	if o.Backup {
		if backup, err = writeBackup(target, old, info, o.Now); err != nil {
			return "", err
		}
	}
	if err := writeLike(target, f.src, info); err != nil {
		return backup, err
	}
	f.disk = bytes.Clone(f.src)
	return backup, nil
}

// resolveLink follows a symbolic link that stays in its directory.
func resolveLink(path string) (string, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, filepath.Base(path))
	info, err := os.Lstat(target)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return target, nil // a missing file is found out later
	}
	resolved, err := filepath.EvalSymlinks(target)
	if err != nil {
		return "", err
	}
	if filepath.Dir(resolved) != dir {
		return "", fmt.Errorf("it is a symbolic link to %s, outside of its directory: edit that file instead", resolved)
	}
	return resolved, nil
}

// writeLike writes a file with the mode and owner of another.
func writeLike(path string, data []byte, like fs.FileInfo) error {
	w, err := atomicfile.Create(path, like.Mode())
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), w.Cancel())
	}
	if st, ok := like.Sys().(*syscall.Stat_t); ok && (int(st.Uid) != os.Geteuid() || int(st.Gid) != os.Getegid()) {
		// Changing the owner may clear mode bits: set them again behind it.
		if err := errors.Join(w.Chown(int(st.Uid), int(st.Gid)), w.Chmod(like.Mode().Perm())); err != nil {
			return errors.Join(fmt.Errorf("keep the owner of %s: %w", path, err), w.Cancel())
		}
	}
	return w.Commit()
}

// writeBackup copies the old file beside itself under a new name.
func writeBackup(path string, old []byte, info fs.FileInfo, now time.Time) (string, error) {
	if now.IsZero() {
		now = time.Now()
	}
	base := path + "." + now.UTC().Format("2006-01-02T15-04-05Z")
	for i := range 100 {
		name := base + ".bak"
		if i > 0 {
			name = base + "-" + itoa(i) + ".bak"
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, writeLike(name, old, info)
		}
	}
	return "", fmt.Errorf("back up %s: a hundred backups of this second exist already", path)
}
