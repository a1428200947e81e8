package backup

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// chainList is the file list of the last of three backups, each of which
// stored some of the files, in packs of forty.
func chainList(files int) []*entry {
	owners := []string{"20260101T000000Z-0000", "20260102T000000Z-0000", "20260103T000000Z-0000"}
	stored := make([]int, len(owners))
	r := rand.New(rand.NewPCG(1, 2))
	var list []*entry
	for i := range files {
		o := r.IntN(len(owners))
		list = append(list, &entry{kind: 'f', size: int64(i), path: fmt.Sprintf("data/%06d", i), pack: fmt.Sprintf("%s/files/%06d.tar.zst", owners[o], stored[o]/40)})
		stored[o]++
	}
	return list
}

func TestAFileListIsTakenPackByPackWithAsManyOpenAsBackups(t *testing.T) {
	entries := chainList(5000)
	want, got := map[string]string{}, map[string]string{}
	l := newPackList()
	for _, e := range entries {
		l.add(e)
		want[e.path] = e.pack
	}
	if l.count != 5000 || l.bytes != 5000*4999/2 {
		t.Errorf("%d files, %d bytes", l.count, l.bytes)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		files, err := l.take(e)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.open) > 3 {
			t.Fatalf("%s: %d packs are open, from 3 backups", e.path, len(l.open))
		}
		if files == nil {
			continue
		}
		if seen[e.pack] {
			t.Errorf("%s came twice", e.pack)
		}
		seen[e.pack] = true
		for path := range files {
			got[path] = e.pack
		}
	}
	if err := l.end(); err != nil || !maps.Equal(got, want) {
		t.Errorf("%d of %d files came, %v", len(got), len(want), err)
	}
}

func TestAFileListThatChangesBetweenReadingsIsDamage(t *testing.T) {
	entries := chainList(100)
	for name, second := range map[string][]*entry{
		"a file more":     append(chainList(100), &entry{kind: 'f', path: "data/x", pack: entries[0].pack}),
		"a file less":     chainList(99),
		"another pack":    {{kind: 'f', path: "data/x", pack: "20260104T000000Z-0000/files/000000.tar.zst"}},
		"nothing at all":  nil,
		"one file, twice": {entries[0], entries[0]},
	} {
		l := newPackList()
		for _, e := range entries {
			l.add(e)
		}
		var err error
		for _, e := range second {
			if _, err = l.take(e); err != nil {
				break
			}
		}
		if err == nil {
			err = l.end()
		}
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
