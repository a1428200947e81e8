package gitlabrb

import (
	"slices"

	"github.com/gitlab-mattermost/sdk/internal/spelling"
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

// suggest returns the candidate that is nearest to a misspelt name, of equal
// ones the first by the alphabet, or "".
func suggest(name string, candidates []string) string {
	near, _ := spelling.Nearest(name, slices.Values(slices.Sorted(slices.Values(candidates))))
	return near
}
