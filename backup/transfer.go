package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Export writes a backup, and the parents it needs, as one tar. Unpacked into
// an empty directory it is a store again. Every part is checked against its
// hash on the way; an error means that the tar is not complete.
func Export(ctx context.Context, store Store, id string, w io.Writer) (err error) {
	unlock, err := lockStore(ctx, store, Shared)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	m, err := Load(ctx, store, id)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	t := tar.NewWriter(w)
	for _, one := range append(append([]string(nil), m.Parents...), m.ID) {
		if err := exportOne(ctx, store, one, t); err != nil {
			return fmt.Errorf("export %s: %w", one, err)
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func exportOne(ctx context.Context, store Store, id string, t *tar.Writer) error {
	m, err := Load(ctx, store, id)
	if err != nil {
		return err
	}
	for _, p := range m.Parts() {
		if err := exportPart(ctx, store, m, p, t); err != nil {
			return err
		}
	}
	for _, name := range []string{permanentName, sumsName, manifestName} { // the manifest last
		data, err := getObject(ctx, store, id+"/"+name, maxManifest)
		if name == permanentName && isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := t.WriteHeader(tarHeader(m, name, int64(len(data)))); err != nil {
			return err
		}
		if _, err := t.Write(data); err != nil {
			return err
		}
	}
	return nil
}

func tarHeader(m *Manifest, name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: m.ID + "/" + name, Mode: 0o600, Size: size, ModTime: m.Created}
}

func exportPart(ctx context.Context, store Store, m *Manifest, p Part, t *tar.Writer) error {
	r, err := openStored(ctx, store, m.ID, p)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := t.WriteHeader(tarHeader(m, p.Name, p.Size)); err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{t}, onlyReader{r}, make([]byte, readBuffer))
	return err
}

// CopyResult says what Copy did.
type CopyResult struct {
	Backups []string `json:"backups"` // in the order of copying, parents first
	Objects int      `json:"objects"` // written
	Skipped int      `json:"skipped"` // already there with the right bytes
	Bytes   int64    `json:"bytes"`   // written
}

// Copy brings a backup, and the parents it needs, from one store to another,
// for example from a local directory to an object store. It can be repeated
// after an interruption: objects of the right size that an earlier run has
// written are compared and not written again. The manifest goes last.
func Copy(ctx context.Context, from, to Store, id string, progress func(Progress)) (_ *CopyResult, err error) {
	unlockFrom, err := lockStore(ctx, from, Shared)
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	defer func() { err = errors.Join(err, unlockFrom()) }()
	unlockTo, err := lockStore(ctx, to, Exclusive)
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	defer func() { err = errors.Join(err, unlockTo()) }()
	m, err := Load(ctx, from, id)
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	limit := &limiter{}
	stop := report(ctx, progress, func() Progress {
		return Progress{Phase: "copy", Bytes: limit.bytes.Load(), Files: limit.files.Load()}
	})
	defer stop()
	res := &CopyResult{}
	for _, one := range append(append([]string(nil), m.Parents...), m.ID) {
		if _, err := to.Stat(ctx, one+"/"+manifestName); err == nil {
			continue // finished before
		}
		if err := copyOne(ctx, from, to, one, res, limit); err != nil {
			return nil, fmt.Errorf("copy %s: %w", one, err)
		}
		res.Backups = append(res.Backups, one)
	}
	return res, nil
}

func copyOne(ctx context.Context, from, to Store, id string, res *CopyResult, limit *limiter) error {
	m, err := Load(ctx, from, id)
	if err != nil {
		return err
	}
	for _, p := range m.Parts() {
		if o, err := to.Stat(ctx, id+"/"+p.Name); err == nil && o.Size == p.Size && checkStored(ctx, to, id, p, nil) == nil {
			res.Skipped++
			continue
		}
		if err := copyPart(ctx, from, to, id, p, limit); err != nil {
			return err
		}
		res.Objects++
		res.Bytes += p.Size
		limit.files.Add(1)
	}
	for _, name := range []string{permanentName, sumsName, manifestName} {
		data, err := getObject(ctx, from, id+"/"+name, maxManifest)
		if name == permanentName && isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := putObject(ctx, to, id+"/"+name, data); err != nil {
			return err
		}
	}
	return nil
}

func copyPart(ctx context.Context, from, to Store, id string, p Part, limit *limiter) error {
	r, err := openStored(ctx, from, id, p)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := to.Create(ctx, id+"/"+p.Name)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(&countingWriter{ctx: ctx, w: w, limit: limit}, onlyReader{r}, make([]byte, readBuffer)); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", p.Name, err), w.Abort())
	}
	return w.Commit()
}

// Extract writes the files of one tree whose path is, or lies below, path into
// dir, which must not exist yet. path begins with the tree's name, for example
// "data/20240101" or "data". It gives the number of files and bytes. Nothing
// that exists is changed.
func Extract(ctx context.Context, store Store, id, path, dir string, keys Keys) (files, bytes int64, err error) {
	m, err := Load(ctx, store, id)
	if err != nil {
		return 0, 0, fmt.Errorf("extract: %w", err)
	}
	tree, _, _ := cutFirst(path)
	if m.Files == nil || !hasTree(m, tree) || checkTreePath(path) != nil {
		return 0, 0, fmt.Errorf("extract: backup %s has no tree %q", m.ID, tree)
	}
	opened, err := keys.open(ctx, store, m)
	if err != nil {
		return 0, 0, fmt.Errorf("extract: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return 0, 0, fmt.Errorf("extract: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, 0, fmt.Errorf("extract: %w", err)
	}
	shared := newPools()
	u := &unpacker{store: store, m: m, keys: opened, dirs: map[string]string{tree: dir}, workers: atOnce(0, shared.sums, store), pools: shared, limit: &limiter{}, hook: func(string) {}, folds: foldsCase,
		want: func(p string) bool { return within(p, path) || strings.HasPrefix(path, p+"/") }}
	err = u.run(ctx)
	if err == nil && u.files == 0 {
		err = fmt.Errorf("backup %s holds no file at or below %q", m.ID, path)
	}
	if err != nil {
		return 0, 0, errors.Join(fmt.Errorf("extract: %w", err), os.RemoveAll(dir))
	}
	return u.files, u.bytes, nil
}
