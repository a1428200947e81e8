package backup

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"filippo.io/age"
)

// base is the file list of the backup that an incremental one builds on.
type base struct {
	id    string
	index *indexReader
	part  io.Closer
	head  *entry
	made  int64 // nanoseconds; a file as young as that may have changed unseen
	all   bool  // compare the bytes of every unchanged file
	salt  string
}

// openBase opens the file list of m for merging.
func openBase(ctx context.Context, store Store, m *Manifest, keys []age.Identity, all bool, salt string) (*base, error) {
	r, err := openPart(ctx, store, m.ID, m.Files.Index, keys)
	if err != nil {
		return nil, fmt.Errorf("incremental backup on %s: %w", m.ID, err)
	}
	return &base{id: m.ID, index: newIndexReader(r, m.Files.Trees), part: r, made: m.Created.UnixNano(), all: all, salt: salt}, nil
}

// unchanged tells whether the base has the file as e describes it, and fills
// in where. Entries must be asked for in order.
func (b *base) unchanged(e *jobEntry) error {
	for {
		if b.head == nil {
			head, err := b.index.next()
			if errors.Is(err, io.EOF) {
				b.head = &entry{path: "\xff", kind: 'e'} // after all others
				continue
			}
			if err != nil {
				return err
			}
			b.head = head
		}
		if b.head.kind == 'e' {
			return nil
		}
		switch c := comparePaths(b.head.path, e.path); {
		case c < 0:
			b.head = nil
			continue
		case c > 0:
			return nil
		}
		h := b.head
		if h.kind == 'f' && e.kind == 'f' && h.size == e.size && h.mtime == e.mtime && h.mtime < b.made {
			e.pack, e.hash = h.pack, h.hash
			e.recheck = b.all || b.sample(e)
		}
		return nil
	}
}

// sample picks about one unchanged file in 256 of ordinary size, others in
// each backup.
func (b *base) sample(e *jobEntry) bool {
	if e.size > 16<<20 {
		return false
	}
	h := fnv.New32a()
	io.WriteString(h, b.salt)
	io.WriteString(h, e.path)
	return h.Sum32()%256 == 0
}

// findBase decides what an incremental backup builds on.
func (c *creator) findBase(ctx context.Context) (*Manifest, error) {
	switch {
	case c.o.Base == "" || len(c.src.Trees) == 0:
		return nil, nil
	case c.o.Base != LatestBase:
		m, err := Load(ctx, c.store, c.o.Base)
		if err != nil {
			return nil, fmt.Errorf("incremental backup: %w", err)
		}
		if m.Files == nil {
			return nil, fmt.Errorf("incremental backup: %s holds no files", m.ID)
		}
		return m, nil
	}
	list, err := List(ctx, c.store)
	if err != nil {
		return nil, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		m := list[i].Manifest
		if m == nil || m.Files == nil || m.Imported != nil || !c.sameTrees(m) {
			continue
		}
		if !c.canOpen(m) {
			c.notes.add(Finding{ID: "base-encrypted", Severity: severityInfo, Where: m.ID, Message: "the newest backup is encrypted and no key was given to read its file list; this backup is a full one", Fix: "give an identity or a passphrase to make it incremental"})
			return nil, nil
		}
		if err := c.parentsExist(ctx, m); err != nil {
			c.notes.add(Finding{ID: "base-incomplete", Severity: severityWarning, Where: m.ID, Message: "a backup that it refers to is missing; this backup does not build on it", Fix: "verify the store"})
			continue
		}
		return m, nil
	}
	return nil, nil
}

func (c *creator) canOpen(m *Manifest) bool {
	return m.Encryption == nil || len(c.o.Keys.Identities) > 0 || c.o.Keys.Passphrase != ""
}

func (c *creator) sameTrees(m *Manifest) bool {
	dirs := map[string]string{}
	for _, t := range m.Files.Trees {
		dirs[t.Name] = t.Path
	}
	for _, t := range c.src.Trees {
		path := t.Dir
		if t.Objects != nil {
			path = t.Objects.String()
		}
		if dirs[t.Name] != path {
			return false
		}
	}
	return len(dirs) == len(c.src.Trees)
}

func (c *creator) parentsExist(ctx context.Context, m *Manifest) error {
	for _, id := range m.Parents {
		if _, err := c.store.Stat(ctx, id+"/"+manifestName); err != nil {
			return fmt.Errorf("parent %s of %s: %w", id, m.ID, err)
		}
	}
	return nil
}
