package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"
)

// Ownership is the numeric owner that restored files get. Only root can give
// files away.
type Ownership struct {
	UID, GID int
}

// unpacker writes files of a backup into new directories.
type unpacker struct {
	store   Store
	m       *Manifest
	keys    []age.Identity
	dirs    map[string]string // tree name → directory that it made itself
	want    func(path string) bool
	owner   *Ownership
	workers int
	pools   *pools
	limit   *limiter
	hook    func(string)
	folds   func(dir string) (bool, error) // does the file system fold case?

	files int64
	bytes int64
}

// run restores. The directories must be new and private to this process: that
// is why plain path names are safe. Links are made last, so that nothing is
// ever written through one. The file list is read three times, to check it, to
// unpack and to complete, which is cheaper than to hold it in memory.
func (u *unpacker) run(ctx context.Context) error {
	list, err := u.list(ctx)
	if err != nil {
		return fmt.Errorf("restore files: %w", err)
	}
	if err := u.unpackAll(ctx, list); err != nil {
		return fmt.Errorf("restore files: %w", err)
	}
	u.hook("restore:unpacked")
	if err := u.complete(ctx); err != nil {
		return fmt.Errorf("restore files: %w", err)
	}
	for _, dir := range u.dirs {
		if err := syncTree(dir); err != nil {
			return err
		}
	}
	return nil
}

// list checks the file list and counts what is wanted of each pack.
func (u *unpacker) list(ctx context.Context) (*packList, error) {
	folded := map[string]string{}
	folds := false
	for _, dir := range u.dirs {
		f, err := u.folds(dir)
		if err != nil {
			return nil, err
		}
		folds = folds || f
	}
	list := newPackList()
	err := u.entries(ctx, func(e *entry) error {
		if folds {
			key := strings.ToLower(e.path)
			if other, ok := folded[key]; ok {
				return fmt.Errorf("%q and %q differ in case only and this file system cannot hold both", other, e.path)
			}
			folded[key] = e.path
		}
		if e.kind == 'f' {
			list.add(e)
		}
		return nil
	})
	u.files, u.bytes = list.count, list.bytes
	return list, err
}

// entries calls f for the entries that are wanted, in the list's order.
func (u *unpacker) entries(ctx context.Context, f func(*entry) error) error {
	return readIndex(ctx, u.store, u.m, u.keys, func(e *entry) error {
		if _, ok := u.local(e.path); !ok || !u.want(e.path) {
			return nil
		}
		return f(e)
	})
}

// local maps a path of the backup to one on disk.
func (u *unpacker) local(p string) (string, bool) {
	tree, rest, _ := cutFirst(p)
	dir, ok := u.dirs[tree]
	return filepath.Join(dir, filepath.FromSlash(rest)), ok
}

// packFiles are the files to unpack from one pack.
type packFiles struct {
	pack  string
	files map[string]*packFile
}

// unpackAll makes directories and unpacks packs while the list is being read.
func (u *unpacker) unpackAll(ctx context.Context, list *packList) error {
	g, ctx := newGroup(ctx)
	dirs, packs := make(chan []*entry), make(chan packFiles)
	g.run(func() error {
		defer close(dirs)
		defer close(packs)
		return u.read(ctx, list, dirs, packs)
	})
	for range 2 { // making one costs as much as writing a small file
		g.run(func() error {
			for some := range dirs {
				if err := u.makeDirs(some); err != nil {
					return err
				}
			}
			return nil
		})
	}
	owners, mu := packOwner{}, sync.Mutex{}
	for range u.workers {
		g.run(func() error {
			buf, h := make([]byte, readBuffer), u.pools.hash()
			for p := range packs {
				mu.Lock()
				id, part, err := owners.find(ctx, u.store, u.m, p.pack)
				mu.Unlock()
				if err == nil {
					err = u.pack(ctx, id, part, p.files, buf, h)
				}
				if err != nil {
					return fmt.Errorf("pack %s: %w", p.pack, err)
				}
				u.hook("restore:pack")
			}
			return nil
		})
	}
	return g.wait()
}

// read reads the list and passes on what there is to do, directories some at a
// time.
func (u *unpacker) read(ctx context.Context, list *packList, dirs chan<- []*entry, packs chan<- packFiles) error {
	const some = 64
	batch := make([]*entry, 0, some)
	flush := func() error {
		select {
		case dirs <- batch:
			batch = make([]*entry, 0, some)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := u.entries(ctx, func(e *entry) error {
		switch e.kind {
		case 'd':
			if batch = append(batch, e); len(batch) == some {
				return flush()
			}
		case 'f':
			files, err := list.take(e)
			if err != nil || files == nil {
				return err
			}
			select {
			case packs <- packFiles{e.pack, files}:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := list.end(); err != nil {
		return err
	}
	return flush()
}

// makeDirs makes directories. Others do the same; who comes before a parent's
// maker makes the parent too.
func (u *unpacker) makeDirs(list []*entry) error {
	for _, e := range list {
		p, _ := u.local(e.path)
		err := os.Mkdir(p, 0o700)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.MkdirAll(p, 0o700)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// pack writes the wanted files of one pack and compares each with the list.
func (u *unpacker) pack(ctx context.Context, id string, part Part, want map[string]*packFile, buf []byte, h hash.Hash) error {
	r, err := openProof(ctx, u.store, id, part, u.keys, proof{pools: u.pools})
	if err != nil {
		return err
	}
	defer r.Close()
	t := tar.NewReader(r)
	for {
		head, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: tar: %w", ErrDamaged, err)
		}
		f, ok := want[head.Name]
		if !ok || head.Typeflag != tar.TypeReg {
			continue // unwanted, or a directory, which the list gives
		}
		p, _ := u.local(head.Name)
		if f.ok, err = u.file(ctx, p, t, head.Size, f, buf, h); err != nil {
			return err
		}
	}
	if _, err := io.CopyBuffer(io.Discard, onlyReader{r}, buf); err != nil {
		return err
	}
	return missingFile(want)
}

// file writes one file and tells whether it is the wanted version: a pack may
// hold earlier ones of a file that changed while it was read.
func (u *unpacker) file(ctx context.Context, p string, r io.Reader, size int64, f *packFile, buf []byte, h hash.Hash) (bool, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | syscall.O_NOFOLLOW
	out, err := os.OpenFile(p, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(p), 0o700); err == nil {
			out, err = os.OpenFile(p, flags, 0o600)
		}
	}
	if err != nil {
		return false, err
	}
	h.Reset()
	err = func() error {
		for {
			n, err := r.Read(buf)
			h.Write(buf[:n])
			if _, writeErr := out.Write(buf[:n]); writeErr != nil {
				return writeErr
			}
			if waitErr := u.limit.wait(ctx, n); waitErr != nil {
				return waitErr
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		startWriteback(out, 0, 0) // 0 bytes is up to the end
		if u.owner != nil {
			if err := out.Chown(u.owner.UID, u.owner.GID); err != nil {
				return err
			}
		}
		return out.Chmod(fs.FileMode(f.mode))
	}()
	if err := errors.Join(err, out.Close()); err != nil {
		return false, fmt.Errorf("write %s: %w", p, err)
	}
	if size != f.size || [sha256.Size]byte(h.Sum(nil)) != f.hash {
		return false, nil
	}
	when := time.Unix(0, f.mtime)
	u.limit.files.Add(1)
	return true, os.Chtimes(p, when, when)
}

// complete makes links and gives directories their owner, mode and time once
// everything in them is complete.
func (u *unpacker) complete(ctx context.Context) error {
	var open []*entry // directories around what comes next, outermost first
	leave := func(next string) error {
		for len(open) > 0 && !within(next, open[len(open)-1].path) {
			if err := u.directory(open[len(open)-1]); err != nil {
				return err
			}
			open = open[:len(open)-1]
		}
		return nil
	}
	err := u.entries(ctx, func(e *entry) error {
		if err := errors.Join(ctx.Err(), leave(e.path)); err != nil {
			return err
		}
		switch e.kind {
		case 'd':
			open = append(open, e)
		case 'l':
			return u.link(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return leave("")
}

func (u *unpacker) directory(e *entry) error {
	p, _ := u.local(e.path)
	if u.owner != nil {
		if err := os.Chown(p, u.owner.UID, u.owner.GID); err != nil {
			return err
		}
	}
	if err := os.Chmod(p, fs.FileMode(e.mode)); err != nil {
		return err
	}
	when := time.Unix(0, e.mtime)
	return os.Chtimes(p, when, when)
}

func (u *unpacker) link(e *entry) error {
	p, _ := u.local(e.path)
	if err := os.Symlink(e.link, p); err != nil {
		return err
	}
	if u.owner != nil {
		if err := os.Lchown(p, u.owner.UID, u.owner.GID); err != nil {
			return err
		}
	}
	return linkTime(p, time.Unix(0, e.mtime))
}

// foldsCase finds out whether the file system of dir takes "A" for "a".
func foldsCase(dir string) (bool, error) {
	name := filepath.Join(dir, ".case-probe-a")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	_, statErr := os.Lstat(filepath.Join(dir, ".CASE-PROBE-A"))
	return statErr == nil, errors.Join(f.Close(), os.Remove(name))
}
