package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// packList is what a file list says of packs. The list may name millions of
// files, and they are not all in memory: one reading counts what is wanted of
// each pack, and tells whether the list is sound before anything is done; the
// next gives the files pack by pack.
type packList struct {
	count int64
	bytes int64
	left  map[string]int64 // files that were counted and not taken, by "<backup ID>/<pack>"
	open  map[string]map[string]*packFile
}

// packFile is a file that is wanted from a pack.
type packFile struct {
	size  int64
	hash  [sha256.Size]byte
	mode  uint32
	mtime int64
	ok    bool // the pack holds it
}

func newPackList() *packList {
	return &packList{left: map[string]int64{}, open: map[string]map[string]*packFile{}}
}

// add counts a file, in the first reading.
func (l *packList) add(e *entry) {
	l.left[e.pack]++
	l.count++
	l.bytes += e.size
}

// take collects a file, in the second reading. With the last one of a pack it
// gives all of that pack by path, else nil. Create fills packs in the list's
// order, so that no more packs are open than there are backups in the chain; an
// imported archive has an order of its own, and most of its list is collected
// before the first pack is complete.
func (l *packList) take(e *entry) (map[string]*packFile, error) {
	files := l.open[e.pack]
	if files == nil {
		files = map[string]*packFile{}
		l.open[e.pack] = files
	}
	files[e.path] = &packFile{size: e.size, hash: e.hash, mode: e.mode, mtime: e.mtime}
	l.left[e.pack]--
	switch left := l.left[e.pack]; {
	case left > 0:
		return nil, nil
	case left < 0:
		return nil, errListChanged
	}
	delete(l.left, e.pack)
	delete(l.open, e.pack)
	return files, nil
}

// end says whether everything that was counted was taken.
func (l *packList) end() error {
	if len(l.left) > 0 {
		return errListChanged
	}
	return nil
}

var errListChanged = fmt.Errorf("%w: the file list changed while it was read", ErrDamaged)

// missingFile names a wanted file that its pack does not hold.
func missingFile(files map[string]*packFile) error {
	for name, f := range files {
		if !f.ok {
			return fmt.Errorf("%w: %s is missing or has other bytes than the list says", ErrDamaged, name)
		}
	}
	return nil
}

// readIndex calls f for each entry of m's file list. Its stored bytes are
// hashed, which is enough for what is read several times.
func readIndex(ctx context.Context, store Store, m *Manifest, keys []age.Identity, f func(*entry) error) error {
	part, err := openProof(ctx, store, m.ID, m.Files.Index, keys, proof{stored: true})
	if err != nil {
		return err
	}
	defer part.Close()
	index := newIndexReader(part, m.Files.Trees)
	for {
		e, err := index.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
}
