package backup

import (
	"fmt"
	"testing"
)

func TestTablesAreCutIntoPiecesWithoutGapOrOverlap(t *testing.T) {
	const page = 8192
	for _, c := range []struct {
		reason string
		small  bool
		major  int
		bytes  []int64
		pieces int
	}{
		{"small tables share one piece", false, 15, []int64{1000, 2000, smallBytes - 1}, 1},
		{"a table below two pieces is not cut", false, 15, []int64{60 << 20}, 1},
		{"a large table is cut", false, 15, []int64{320 << 20}, 10},
		{"more where a piece costs next to nothing", true, 15, []int64{320 << 20}, 80},
		{"small tables come beside", true, 15, []int64{40 << 20, 100, 9 << 20}, 10 + 1 + 2},
		{"an older server would scan the table for each piece", true, 13, []int64{320 << 20}, 1},
		{"a huge database has larger pieces, not more", true, 15, []int64{1 << 40}, maxPieces},
		{"so has one whose pieces cost something", false, 15, []int64{1 << 40}, maxPieces},
	} {
		d := &dumpJob{snap: &snapshot{major: c.major}, small: c.small}
		for i, b := range c.bytes {
			d.snap.tables = append(d.snap.tables, dumpTable{Table: Table{Schema: "public", Name: fmt.Sprint("t", i), Bytes: b}, pages: b / page})
		}
		jobs := d.plan()
		if len(jobs) != c.pieces {
			t.Errorf("%s: %d pieces, want %d", c.reason, len(jobs), c.pieces)
		}
		next := map[string]int64{} // page that must come next
		for _, j := range jobs {
			for _, r := range j.ranges {
				if r.from != next[r.table.Name] {
					t.Errorf("%s: %s: %s begins at page %d, want %d", c.reason, j.name, r.table.Name, r.from, next[r.table.Name])
				}
				next[r.table.Name] = r.to
			}
		}
		for _, table := range d.snap.tables {
			if next[table.Name] != -1 {
				t.Errorf("%s: %s ends at page %d, want the table's end", c.reason, table.Name, next[table.Name])
			}
		}
	}
}
