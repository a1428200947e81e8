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
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"filippo.io/age"
	"github.com/gitlab-mattermost/sdk/internal/manysha"
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
	sums    *manysha.Pool
	limit   *limiter
	hook    func(string)
	folds   func(dir string) (bool, error) // does the file system fold case?

	packs map[string]map[string]*restoreFile
	made  []*entry // directories and links, in order
	files int64
	bytes int64
}

// restoreFile is one file to restore.
type restoreFile struct {
	wantFile
	mode  uint32
	mtime int64
	ok    bool
}

// run restores. The directories must be new and private to this process: that
// is why plain path names are safe. Links are made last, so that nothing is
// ever written through one.
func (u *unpacker) run(ctx context.Context) error {
	if err := u.list(ctx); err != nil {
		return fmt.Errorf("restore files: %w", err)
	}
	if err := u.unpackAll(ctx); err != nil {
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

// list reads the file list into memory: about 300 bytes for each file.
func (u *unpacker) list(ctx context.Context) error {
	u.packs = map[string]map[string]*restoreFile{}
	folded := map[string]string{}
	folds := false
	for _, dir := range u.dirs {
		f, err := u.folds(dir)
		if err != nil {
			return err
		}
		folds = folds || f
	}
	return readIndex(ctx, u.store, u.m, u.keys, func(e *entry) error {
		if _, ok := u.local(e.path); !ok || !u.want(e.path) {
			return nil
		}
		if folds {
			key := strings.ToLower(e.path)
			if other, ok := folded[key]; ok {
				return fmt.Errorf("%q and %q differ in case only and this file system cannot hold both", other, e.path)
			}
			folded[key] = e.path
		}
		if e.kind != 'f' {
			u.made = append(u.made, e)
			return nil
		}
		if u.packs[e.pack] == nil {
			u.packs[e.pack] = map[string]*restoreFile{}
		}
		u.packs[e.pack][e.path] = &restoreFile{wantFile: newWantFile(e), mode: e.mode, mtime: e.mtime}
		u.files++
		u.bytes += e.size
		return nil
	})
}

// local maps a path of the backup to one on disk.
func (u *unpacker) local(p string) (string, bool) {
	tree, rest, _ := cutFirst(p)
	dir, ok := u.dirs[tree]
	return filepath.Join(dir, filepath.FromSlash(rest)), ok
}

// unpackAll makes the directories while packs are being read.
func (u *unpacker) unpackAll(ctx context.Context) error {
	g, ctx := newGroup(ctx)
	var next atomic.Int64
	for range 2 { // making one costs as much as writing a small file
		g.run(func() error { return u.makeDirs(ctx, &next) })
	}
	queue := make(chan string)
	g.run(func() error {
		defer close(queue)
		for _, name := range u.packsBySize() {
			select {
			case queue <- name:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	owners, mu := packOwner{}, sync.Mutex{}
	for range u.workers {
		g.run(func() error {
			buf, h := make([]byte, readBuffer), u.sums.Hash()
			for name := range queue {
				mu.Lock()
				id, part, err := owners.find(ctx, u.store, u.m, name)
				mu.Unlock()
				if err == nil {
					err = u.pack(ctx, id, part, u.packs[name], buf, h)
				}
				if err != nil {
					return fmt.Errorf("pack %s: %w", name, err)
				}
				u.hook("restore:pack")
			}
			return nil
		})
	}
	return g.wait()
}

// makeDirs makes directories, some from next on at a time, until none is left.
// Others do the same; who comes before a parent's maker makes the parent too.
func (u *unpacker) makeDirs(ctx context.Context, next *atomic.Int64) error {
	const some = 64
	for ctx.Err() == nil {
		end := int(next.Add(some))
		if end-some >= len(u.made) {
			return nil
		}
		for _, e := range u.made[end-some : min(end, len(u.made))] {
			if e.kind != 'd' {
				continue
			}
			p, _ := u.local(e.path)
			err := os.Mkdir(p, 0o700)
			if errors.Is(err, fs.ErrNotExist) {
				err = os.MkdirAll(p, 0o700)
			}
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// packsBySize gives the names of the packs, those with the most to restore
// first, so that all writers end together.
func (u *unpacker) packsBySize() []string {
	names, bytes := sortedKeys(u.packs), map[string]int64{}
	for name, files := range u.packs {
		for _, f := range files {
			bytes[name] += f.size
		}
	}
	sort.SliceStable(names, func(i, j int) bool { return bytes[names[i]] > bytes[names[j]] })
	return names
}

// pack writes the wanted files of one pack and compares each with the list.
func (u *unpacker) pack(ctx context.Context, id string, part Part, want map[string]*restoreFile, buf []byte, h hash.Hash) error {
	r, err := openProof(ctx, u.store, id, part, u.keys, proof{sums: u.sums})
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
	for name, f := range want {
		if !f.ok {
			return fmt.Errorf("%w: %s is missing or has other bytes than the list says", ErrDamaged, name)
		}
	}
	return nil
}

// file writes one file and tells whether it is the wanted version: a pack may
// hold earlier ones of a file that changed while it was read.
func (u *unpacker) file(ctx context.Context, p string, r io.Reader, size int64, f *restoreFile, buf []byte, h hash.Hash) (bool, error) {
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

// complete makes links, then gives directories their owner, mode and time,
// innermost first.
func (u *unpacker) complete(ctx context.Context) error {
	for i := len(u.made) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := u.made[i]
		p, _ := u.local(e.path)
		when := time.Unix(0, e.mtime)
		if e.kind == 'l' {
			if err := u.link(p, e, when); err != nil {
				return err
			}
			continue
		}
		if u.owner != nil {
			if err := os.Chown(p, u.owner.UID, u.owner.GID); err != nil {
				return err
			}
		}
		if err := os.Chmod(p, fs.FileMode(e.mode)); err != nil {
			return err
		}
		if err := os.Chtimes(p, when, when); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) link(p string, e *entry, when time.Time) error {
	if err := os.Symlink(e.link, p); err != nil {
		return err
	}
	if u.owner != nil {
		if err := os.Lchown(p, u.owner.UID, u.owner.GID); err != nil {
			return err
		}
	}
	return linkTime(p, when)
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
