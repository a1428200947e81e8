package backup

import (
	"fmt"
	"sort"
	"sync"
)

// notes collects findings from several goroutines, at most maxFindings of each
// kind.
type notes struct {
	mu   sync.Mutex
	list []Finding
	over map[string]Finding
	n    map[string]int
}

func (n *notes) add(f Finding) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.n == nil {
		n.n, n.over = map[string]int{}, map[string]Finding{}
	}
	n.n[f.ID]++
	if n.n[f.ID] > maxFindings {
		n.over[f.ID] = f
		return
	}
	n.list = append(n.list, f)
}

// findings gives what was collected, sorted, never nil.
func (n *notes) findings() []Finding {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := append([]Finding{}, n.list...)
	for id, f := range n.over {
		f.Message = fmt.Sprintf("%s (and %d more of the same kind)", f.Message, n.n[id]-maxFindings-1)
		out = append(out, f)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.ID != b.ID {
			return a.ID < b.ID
		}
		return a.Where < b.Where
	})
	return out
}
