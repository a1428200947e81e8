package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// DataTree is the name of the tree that the fileinfo rows refer to.
const DataTree = "data"

// Tree is one directory to save. Paths in the backup begin with Name.
type Tree struct {
	Name string // letters, digits, '-' and '_'
	Dir  string // a symbolic link here, and only here, is followed
	// Objects replaces Dir when the files are in an object store
	// (FileSettings.DriverName amazons3): its objects are copied as files.
	Objects ObjectSource
}

// ObjectSource lists and reads the objects of a bucket. s3store.Bucket is one.
type ObjectSource interface {
	// ListObjects calls f for each object, in any order.
	ListObjects(ctx context.Context, f func(Object) error) error
	OpenObject(ctx context.Context, name string) (io.ReadCloser, error)
	String() string // where it is, for the manifest; without secrets
}

// source is a tree that can be walked and read.
type source interface {
	// walk emits the tree's entries in the order of comparePaths. Trouble
	// with one entry goes to note.
	walk(ctx context.Context, emit func(*entry) error, note func(Finding)) error
	// open opens a file by its path. now tells its size and time, at the
	// moment of the call.
	open(ctx context.Context, path string) (r io.ReadCloser, now func() (size, mtime int64, err error), err error)
}

// errNotAFile is what open gives when a file was replaced by something else.
var errNotAFile = errors.New("is no longer a regular file")

// dirSource is a local directory.
type dirSource struct {
	name, dir string
}

func newSource(t Tree) (source, error) {
	if t.Name == "" || strings.ContainsAny(t.Name, "/\\.\x00\n\t\"' ") {
		return nil, fmt.Errorf("tree name %q: want letters, digits, '-' and '_'", t.Name)
	}
	if t.Objects != nil {
		return &objectSource{name: t.Name, from: t.Objects}, nil
	}
	dir, err := filepath.EvalSymlinks(t.Dir)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", t.Name, err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, errors.Join(fmt.Errorf("tree %s: %s is not a directory", t.Name, t.Dir), err)
	}
	return &dirSource{name: t.Name, dir: dir}, nil
}

func (s *dirSource) local(p string) string {
	return filepath.Join(s.dir, filepath.FromSlash(strings.TrimPrefix(p, s.name)))
}

func (s *dirSource) walk(ctx context.Context, emit func(*entry) error, note func(Finding)) error {
	info, err := os.Lstat(s.dir)
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	return s.directory(ctx, s.name, s.dir, info, emit, note)
}

func (s *dirSource) directory(ctx context.Context, p, local string, info fs.FileInfo, emit func(*entry) error, note func(Finding)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := emit(&entry{kind: 'd', mode: uint32(info.Mode().Perm()), mtime: info.ModTime().UnixNano(), path: p}); err != nil {
		return err
	}
	list, err := os.ReadDir(local) // sorted by name
	if errors.Is(err, fs.ErrNotExist) {
		note(vanished(p))
		return nil
	}
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	for _, d := range list {
		if err := s.one(ctx, p+"/"+d.Name(), local+"/"+d.Name(), d, emit, note); err != nil {
			return err
		}
	}
	return nil
}

func (s *dirSource) one(ctx context.Context, p, local string, d fs.DirEntry, emit func(*entry) error, note func(Finding)) error {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		note(vanished(p))
		return nil
	}
	if err != nil {
		return err
	}
	if err := checkTreePath(p); err != nil {
		return fmt.Errorf("walk %s: %w", s.dir, err)
	}
	e := &entry{mode: uint32(info.Mode().Perm()), mtime: info.ModTime().UnixNano(), path: p}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return s.directory(ctx, p, local, info, emit, note)
	case mode.IsRegular():
		e.kind, e.size = 'f', info.Size()
		return emit(e)
	case mode&fs.ModeSymlink != 0:
		target, err := os.Readlink(local)
		if errors.Is(err, fs.ErrNotExist) {
			note(vanished(p))
			return nil
		}
		if err != nil {
			return err
		}
		if err := checkLink(p, target); err != nil {
			note(Finding{ID: "link-outside", Severity: severityWarning, Message: "a symbolic link leaves its directory and is not in the backup, nor is what it points to", Where: p,
				Fix: "move the files into the directory, or save the target as a tree of its own"})
			return nil
		}
		e.kind, e.link = 'l', target
		return emit(e)
	default:
		note(Finding{ID: "special-file", Severity: severityInfo, Message: "a " + mode.Type().String() + " entry (socket, pipe or device) is not in the backup", Where: p, Fix: "none needed: a program makes these anew"})
		return nil
	}
}

func vanished(p string) Finding {
	return Finding{ID: "file-vanished", Severity: severityInfo, Message: "it was deleted while the backup ran", Where: p, Fix: "none needed unless a database row refers to it"}
}

func (s *dirSource) open(_ context.Context, p string) (io.ReadCloser, func() (int64, int64, error), error) {
	f, err := os.OpenFile(s.local(p), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, syscall.ELOOP) {
			err = errNotAFile
		}
		return nil, nil, err
	}
	now := func() (int64, int64, error) {
		info, err := f.Stat()
		if err != nil {
			return 0, 0, err
		}
		if !info.Mode().IsRegular() {
			return 0, 0, errNotAFile
		}
		return info.Size(), info.ModTime().UnixNano(), nil
	}
	return f, now, nil
}

// objectSource is a bucket. Its list is held in memory and sorted, because
// buckets sort '/' among the other characters.
type objectSource struct {
	name string
	from ObjectSource
}

func (s *objectSource) walk(ctx context.Context, emit func(*entry) error, note func(Finding)) error {
	var list []Object
	if err := s.from.ListObjects(ctx, func(o Object) error { list = append(list, o); return nil }); err != nil {
		return fmt.Errorf("list %s: %w", s.from, err)
	}
	sort.Slice(list, func(i, j int) bool { return comparePaths(list[i].Name, list[j].Name) < 0 })
	epoch := time.Unix(0, 0).UnixNano()
	if err := emit(&entry{kind: 'd', mode: 0o750, mtime: epoch, path: s.name}); err != nil {
		return err
	}
	made := map[string]bool{}
	last := ""
	for _, o := range list {
		p := s.name + "/" + o.Name
		if strings.HasSuffix(o.Name, "/") && o.Size == 0 {
			continue // a console's mark for an empty folder
		}
		if err := checkTreePath(p); err != nil || o.Name == last {
			note(Finding{ID: "object-name", Severity: severityWarning, Message: "an object's key cannot be a file name and is not in the backup", Where: p, Fix: "rename the object"})
			continue
		}
		last = o.Name
		for i := len(s.name) + 1; i < len(p); i++ {
			if p[i] == '/' && !made[p[:i]] {
				made[p[:i]] = true
				if err := emit(&entry{kind: 'd', mode: 0o750, mtime: epoch, path: p[:i]}); err != nil {
					return err
				}
			}
		}
		if err := emit(&entry{kind: 'f', mode: 0o640, size: o.Size, mtime: o.Modified.UnixNano(), path: p}); err != nil {
			return err
		}
	}
	return nil
}

func (s *objectSource) open(ctx context.Context, p string) (io.ReadCloser, func() (int64, int64, error), error) {
	key := strings.TrimPrefix(p, s.name+"/")
	r, err := s.from.OpenObject(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	return r, nil, nil
}

// buckets writes the lists of object stores that are not copied.
func (c *creator) buckets(ctx context.Context, m *Manifest) error {
	for _, name := range sortedKeys(c.src.Buckets) {
		from := c.src.Buckets[name]
		part, err := c.parts.create(ctx, "objects/"+name+".tsv", partKind{zstd: true, hash: true})
		if err != nil {
			return err
		}
		b := Bucket{Name: name, Where: from.String()}
		err = from.ListObjects(ctx, func(o Object) error {
			b.Objects++
			b.Bytes += o.Size
			line := fmt.Appendf(nil, "%d\t%d\t", o.Size, o.Modified.UnixNano())
			_, err := part.Write(append(appendPath(line, o.Name), '\n'))
			return err
		})
		if err != nil {
			part.abort()
			return fmt.Errorf("list %s: %w", from, err)
		}
		if b.List, err = part.close(); err != nil {
			return err
		}
		m.Buckets = append(m.Buckets, b)
	}
	return nil
}
