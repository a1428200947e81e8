package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
)

// ErrLocked is wrapped when another process works on the store.
var ErrLocked = errors.New("the store is in use by another backup, restore or prune")

// DirStore is a Store in a local directory. Directories are made 0700 and
// files 0600, because a backup holds everything that Mattermost knows.
type DirStore struct {
	dir string
}

// lockName is the file that flock works on. It is never deleted: deleting
// would let two processes lock two files of the same name.
const lockName = ".lock"

// OpenDir opens dir as a store and makes it when it is missing; its parent
// must exist.
func OpenDir(dir string) (*DirStore, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open backup directory: %w", err)
	}
	if err := os.Mkdir(abs, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("open backup directory: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("open backup directory: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open backup directory: %s is not a directory", abs)
	}
	return &DirStore{dir: abs}, nil
}

// Dir is the store's absolute path.
func (s *DirStore) Dir() string { return s.dir }

// here is for isHere.
func (s *DirStore) here() bool { return true }

func (s *DirStore) path(name string) (string, error) {
	if err := CheckObjectName(name); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, filepath.FromSlash(name)), nil
}

// Create implements Store.
func (s *DirStore) Create(ctx context.Context, name string) (ObjectWriter, error) {
	path, err := s.path(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		if err := s.mkdirs(filepath.Dir(path)); err != nil {
			return nil, err
		}
		f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // 0600
		if err == nil {
			return &dirWriter{ctx: ctx, f: f, path: path, store: s}, nil
		}
		// Another object's Abort or Delete may have removed the directory
		// while it was empty.
		if !errors.Is(err, fs.ErrNotExist) || try == 10 {
			return nil, fmt.Errorf("create %s: %w", name, err)
		}
	}
}

// removeEmpty removes dir and the directories above it as long as they are
// empty, and gives the first one that stays.
func (s *DirStore) removeEmpty(dir string) string {
	for dir != s.dir && os.Remove(dir) == nil { // fails while it holds anything
		dir = filepath.Dir(dir)
	}
	return dir
}

// mkdirs makes the directories between the store and dir, each durable in its
// parent.
func (s *DirStore) mkdirs(dir string) error {
	if _, err := os.Stat(dir); err == nil || dir == s.dir {
		return nil
	}
	if err := s.mkdirs(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return fmt.Errorf("create directory in the store: %w", err)
	}
	return atomicfile.SyncDir(filepath.Dir(dir))
}

// writeBehind is after how many bytes the kernel is asked to begin writing, so
// that the sync at the end has little left to do.
const writeBehind = 8 << 20

type dirWriter struct {
	ctx     context.Context
	f       *os.File
	path    string
	store   *DirStore
	n       int64
	flushed int64
	done    bool
}

func (w *dirWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.f.Write(p)
	w.n += int64(n)
	if w.n-w.flushed >= writeBehind {
		startWriteback(w.f, w.flushed, w.n-w.flushed)
		w.flushed = w.n
	}
	return n, err
}

func (w *dirWriter) Commit() error {
	if w.done {
		return fmt.Errorf("commit %s: already finished", w.path)
	}
	if err := w.ctx.Err(); err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.f.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %s: %w", w.path, err), w.Abort())
	}
	w.done = true
	if err := w.f.Close(); err != nil {
		return errors.Join(fmt.Errorf("close %s: %w", w.path, err), os.Remove(w.f.Name()))
	}
	if err := os.Rename(w.f.Name(), w.path); err != nil {
		return errors.Join(fmt.Errorf("finish %s: %w", w.path, err), os.Remove(w.f.Name()))
	}
	return atomicfile.SyncDir(filepath.Dir(w.path))
}

func (w *dirWriter) Abort() error {
	if w.done {
		return nil
	}
	w.done = true
	err := errors.Join(w.f.Close(), os.Remove(w.f.Name()))
	w.store.removeEmpty(filepath.Dir(w.path))
	return err
}

// Open implements Store.
func (s *DirStore) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	path, err := s.path(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, notDir(err))
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("open %s: not a regular file: %w", name, fs.ErrNotExist), err, f.Close())
	}
	return f, nil
}

// Stat implements Store.
func (s *DirStore) Stat(ctx context.Context, name string) (Object, error) {
	path, err := s.path(name)
	if err != nil {
		return Object{}, err
	}
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return Object{}, fmt.Errorf("look at %s: %w", name, notDir(err))
	}
	if !info.Mode().IsRegular() {
		return Object{}, fmt.Errorf("look at %s: not a regular file: %w", name, fs.ErrNotExist)
	}
	return Object{Name: name, Size: info.Size(), Modified: info.ModTime()}, nil
}

// List implements Store. Unfinished objects are not in it.
func (s *DirStore) List(ctx context.Context, prefix string) ([]Object, error) {
	var out []Object
	start := s.dir // only what prefix can match is walked
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		if err := CheckObjectName(prefix[:i]); err != nil {
			return nil, err
		}
		start = filepath.Join(s.dir, filepath.FromSlash(prefix[:i]))
	}
	err := filepath.WalkDir(start, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile, or nothing has the prefix
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if !d.Type().IsRegular() || !strings.HasPrefix(name, prefix) || CheckObjectName(name) != nil || name == lockName {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, Object{Name: name, Size: info.Size(), Modified: info.ModTime()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.dir, err)
	}
	sortObjects(out)
	return out, nil
}

// Delete implements Store. Directories that become empty go too.
func (s *DirStore) Delete(ctx context.Context, name string) error {
	path, err := s.path(name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	dir := s.removeEmpty(filepath.Dir(path))
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil // deleting what was not there
	}
	return atomicfile.SyncDir(dir)
}

// Lock implements Locker with flock on a file in the store.
func (s *DirStore) Lock(ctx context.Context, mode LockMode) (func() error, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	how := syscall.LOCK_EX
	if mode == Shared {
		how = syscall.LOCK_SH
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", s.dir, err), f.Close())
	}
	return f.Close, nil
}

// sweep removes unfinished objects: temporary files of writers that were
// killed, and directories without anything. The caller holds the exclusive
// lock.
func (s *DirStore) sweep(ctx context.Context) error {
	var dirs []string
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(path, s.dir+"/"), "/")
		switch {
		case path == s.dir || checkID(id) != nil:
		case d.IsDir():
			dirs = append(dirs, path)
		case d.Type().IsRegular() && strings.HasPrefix(d.Name(), ".tmp-"):
			return os.Remove(path)
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = os.Remove(dirs[i]) // fails, as it should, while it holds anything
	}
	return err
}

// free is how many bytes an ordinary user can still write.
func (s *DirStore) free() (int64, error) { return freeBytes(s.dir) }

// notDir makes "a/b is a file, so there is no a/b/c" read as what it means.
func notDir(err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return errors.Join(fs.ErrNotExist, err)
	}
	return err
}
