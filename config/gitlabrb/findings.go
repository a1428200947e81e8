package gitlabrb

import (
	"slices"
	"sort"
)

// vivifiedFindings reports the keys that reading has filled with {}.
func (ev *evaluator) vivifiedFindings() {
	for _, e := range ev.settings.live() {
		if h, ok := e.value.(*hash); ok {
			ev.vivifiedIn(h, 0)
		}
	}
}

func (ev *evaluator) vivifiedIn(h *hash, depth int) {
	if depth > maxDepth || !h.mash {
		return
	}
	for _, e := range h.entries {
		sub, ok := e.value.(*hash)
		if !ok || e.dead {
			continue
		}
		if sub.vivified != nil && sub.size() == 0 {
			at := sub.viviFile.pos((*sub.vivified).at().from)
			ev.finding("gitlabrb.read-missing", "warning", at,
				"reading "+PathText(sub.path...)+", which is not set, stores an empty hash there: it counts as true and replaces the default",
				"set the key, or ask with "+PathText(sub.path[:max(len(sub.path)-1, 0)]...)+".key?('"+valueText(e.key)+"')")
			continue
		}
		ev.vivifiedIn(sub, depth+1)
	}
}

// unknownKeyFindings reports keys of known hashes that GitLab does not know.
func (ev *evaluator) unknownKeyFindings(settings *Hash) {
	known := ev.opt.KnownKeys
	if known == nil {
		known = defaultKeys(ev.opt.GitLabVersion)
	}
	for section, keys := range known {
		v, _ := settings.Get(section)
		h, ok := v.(*Hash)
		if !ok {
			continue
		}
		for k := range h.All() {
			name := keyText(k)
			if slices.Contains(keys, name) {
				continue
			}
			path := []string{section, name}
			i, ok := ev.latest[pathKey(path)]
			if !ok {
				if i, ok = ev.firstBelow(path); !ok {
					continue
				}
			}
			at := ev.assignments[i].Pos
			message := PathText(path...) + " is not a setting that GitLab knows; it is ignored"
			fix := "remove the line"
			if s := suggest(name, keys); s != "" {
				message += ": did you mean " + PathText(section, s) + "?"
				fix = "write " + PathText(section, s)
			}
			ev.finding("gitlabrb.unknown-key", "warning", at, message, fix)
		}
	}
}

// firstBelow finds the first effective assignment to something under path.
func (ev *evaluator) firstBelow(path []string) (int, bool) {
	for i, a := range ev.assignments {
		if len(a.Path) > len(path) && slices.Equal(a.Path[:len(path)], path) {
			return i, true
		}
	}
	return 0, false
}

// suggest returns the candidate that is nearest to a misspelt name, or "".
func suggest(name string, candidates []string) string {
	if len(name) > 64 {
		return ""
	}
	sorted := slices.Clone(candidates)
	sort.Strings(sorted)
	best, bestDistance := "", max(len(name)/4, 1)+1
	for _, c := range sorted {
		if d := distance(name, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the number of single-character edits between two names, where
// two swapped neighbours count once.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 8 || d < -8 {
		return 100
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
