package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
)

// WriteRoot is WriteFile below root: no symbolic link inside the tree, at the
// name itself or on the way to it, can lead the write outside. Missing parent
// directories are made with mode 0755.
func WriteRoot(root *os.Root, name string, data []byte, mode os.FileMode) (err error) {
	dir := path.Dir(name)
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create directory of %s: %w", name, err)
	}
	tmp := path.Join(dir, "."+path.Base(name)+".tmp-"+rand.Text())
	f, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	renamed := false
	defer func() {
		if err != nil && !renamed {
			err = errors.Join(err, root.Remove(tmp))
		}
	}()
	_, writeErr := f.Write(data)
	err = errors.Join(writeErr, f.Chmod(mode.Perm()), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := root.Rename(tmp, name); err != nil {
		return fmt.Errorf("rename to %s: %w", name, err)
	}
	renamed = true
	return syncDirRoot(root, dir)
}

func syncDirRoot(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
