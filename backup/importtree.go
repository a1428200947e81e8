package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"
)

// treeImport collects members of tars into packs and, at the end, a file list.
type treeImport struct {
	ctx     context.Context
	c       *creator
	w       *packWriter
	entries map[string]*entry
	packs   []Part
	number  int
	files   Files
}

func newTreeImport(ctx context.Context, c *creator) *treeImport {
	return &treeImport{ctx: ctx, c: c, entries: map[string]*entry{}, w: newPackWriter(ctx, c.parts, c.limit, c.notes.add)}
}

// member takes one entry of a tar under its path in the backup.
func (t *treeImport) member(p string, h *tar.Header, r io.Reader) error {
	e := &jobEntry{entry: entry{path: p, mode: uint32(h.Mode) & 0o777, mtime: h.ModTime.UnixNano()}}
	switch h.Typeflag {
	case tar.TypeDir:
		e.kind = 'd'
	case tar.TypeSymlink:
		e.kind, e.link = 'l', h.Linkname
		if err := checkLink(p, h.Linkname); err != nil {
			return err
		}
	case tar.TypeReg:
		e.kind = 'f'
		if err := t.file(e, h.Size, r); err != nil {
			return err
		}
	case tar.TypeLink:
		return errors.New("a hard link; unpack the archive, pack it again with tar --hard-dereference, and import that")
	default:
		return fmt.Errorf("a device, pipe or other special file (tar type %q) is not accepted", h.Typeflag)
	}
	if old := t.entries[p]; old != nil && old.kind != e.kind {
		return fmt.Errorf("the archive has it twice, as %q and as %q", old.kind, e.kind)
	}
	t.entries[p] = &e.entry
	return nil
}

func (t *treeImport) file(e *jobEntry, size int64, r io.Reader) error {
	if err := t.open(); err != nil {
		return err
	}
	full, err := t.w.copyFile(e, r, size, e.mtime)
	if err != nil {
		return err
	}
	if !full {
		return io.ErrUnexpectedEOF
	}
	t.w.hash.Sum(e.hash[:0])
	e.size, e.pack = size, t.c.parts.id+"/"+t.w.part.name
	t.c.limit.files.Add(1)
	if t.w.part.plainN >= 64<<20 {
		return t.close()
	}
	return nil
}

func (t *treeImport) open() error {
	if t.w.part != nil {
		return nil
	}
	t.number++
	part, err := t.c.parts.create(t.ctx, fmt.Sprintf("files/%06d.tar", t.number), partKind{zstd: true})
	if err != nil {
		return err
	}
	t.w.part, t.w.tar = part, tar.NewWriter(part)
	return nil
}

func (t *treeImport) close() error {
	if t.w.part == nil {
		return nil
	}
	if err := t.w.tar.Close(); err != nil {
		return err
	}
	part, err := t.w.part.close()
	t.w.part = nil
	t.packs = append(t.packs, part)
	return err
}

// finish adds directories that the tars did not name, packs directories and
// links, and writes the list.
func (t *treeImport) finish() (*Files, error) {
	for _, p := range sortedKeys(t.entries) {
		for dir, _, ok := cutLast(p); ok; dir, _, ok = cutLast(dir) {
			if t.entries[dir] != nil {
				continue
			}
			t.entries[dir] = &entry{kind: 'd', mode: 0o755, mtime: t.c.started.Truncate(time.Second).UnixNano(), path: dir}
		}
	}
	list := make([]*entry, 0, len(t.entries))
	for _, e := range t.entries {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return comparePaths(list[i].path, list[j].path) < 0 })
	if len(list) == 0 {
		return &t.files, nil
	}
	if err := t.open(); err != nil {
		return nil, err
	}
	others := &packJob{}
	for _, e := range list {
		if _, _, below := cutLast(e.path); !below {
			t.files.Trees = append(t.files.Trees, TreeInfo{Name: e.path})
		}
		if e.kind != 'f' {
			others.entries = append(others.entries, &jobEntry{entry: *e})
			continue
		}
		t.files.Count++
		t.files.Bytes += e.size
	}
	if err := t.w.part.frames.compressed(); err != nil {
		return nil, err
	}
	if err := t.w.entries(others, ""); err != nil {
		return nil, err
	}
	if err := t.close(); err != nil {
		return nil, err
	}
	index, err := t.c.parts.create(t.ctx, "files/index.tsv", partKind{zstd: true, hash: true})
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if _, err := index.Write(e.appendLine(nil)); err != nil {
			index.abort()
			return nil, err
		}
	}
	t.files.Packs = t.packs
	t.files.Index, err = index.close()
	return &t.files, err
}
