package gitlabrb

import (
	"slices"
	"strings"
)

// assignment is an Assignment with what is needed to report it.
type assignment struct {
	Assignment
	node    node
	updates bool // op= and the like: reads what it replaces
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// PathText prints a path as it is written in gitlab.rb: mattermost['env']['X'].
func PathText(path ...string) string {
	if len(path) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(path[0])
	for _, key := range path[1:] {
		b.WriteString("['" + key + "']")
	}
	return b.String()
}

// callSetting is a call of a top-level name: with arguments it sets.
func (ev *evaluator) callSetting(n *call, args []value) value {
	switch len(args) {
	case 0:
		return ev.readSetting(n, n.name)
	case 1:
		return ev.setSetting(n, n.name, args[0])
	}
	return ev.setSetting(n, n.name, &array{list: args})
}

// readSetting reads a top-level name.
func (ev *evaluator) readSetting(n node, name string) value {
	if v, ok := ev.settings.get(name); ok {
		return v
	}
	kind := ev.names.kind(name)
	switch kind {
	case nameHash:
		h := &hash{mash: true, path: []string{name}}
		ev.settings.set(name, h)
		return h
	case nameValue:
		return nil
	case nameNode:
		return ev.undecided(n, "reads "+name+" of the machine")
	}
	return ev.unknownName(n, name, "reads")
}

// setSetting sets a top-level name.
func (ev *evaluator) setSetting(n node, name string, v value) value {
	if _, ok := ev.settings.get(name); !ok && ev.names.kind(name) == nameUnknown && ev.strict {
		return ev.unknownName(n, name, "sets")
	}
	if ev.maybe != nil {
		v = *ev.maybe
	}
	if h, ok := v.(*hash); ok && h.path == nil {
		h.path = []string{name}
	}
	old, _ := ev.settings.get(name)
	ev.settings.set(name, v)
	ev.recordPath(n, []string{name}, v, old)
	return v
}

// unknownName is the error of strict mode, or nil where it is off.
func (ev *evaluator) unknownName(n node, name, what string) value {
	if !ev.strict {
		return nil
	}
	if ev.foreign != "" {
		return ev.undecided(n, "the name "+name+" may come from "+ev.foreign)
	}
	ev.step(20)
	if at := ev.pos(n); ev.reported["error "+at.String()] && !ev.rescued() {
		return ev.undecided(n, "the unknown setting "+name)
	}
	message := what + " the unknown setting \"" + name + "\""
	if v := ev.names.version; v != "" {
		message += " (GitLab " + v + ")"
	}
	if hint := ev.names.hint(name); hint != "" {
		message += ": " + hint
	}
	if ev.rescued() {
		return ev.raiseException(&raised{class: "Mixlib::Config::UnknownConfigOptionError", detail: message, pos: ev.pos(n)})
	}
	ev.errorAt(ev.pos(n), message)
	return ev.undecided(n, message)
}

// readMash reads a key of a settings hash: a missing one becomes an empty hash.
func (ev *evaluator) readMash(n node, h *hash, k value) value {
	k = mashKey(k)
	if v, ok := h.get(k); ok {
		return v
	}
	if !ev.vivify {
		return nil
	}
	if _, ok := keyOf(k); !ok {
		return ev.undecided(n, "a key that is not known")
	}
	at := n
	sub := &hash{mash: true, vivified: &at, viviFile: ev.file}
	if ev.maybe != nil {
		u := *ev.maybe
		sub.viviMay = &u
	}
	ev.attach(h, k, sub)
	h.set(k, sub)
	return sub
}

// attach tells a hash where in the settings it is.
func (ev *evaluator) attach(h *hash, k, v value) {
	if h.path == nil {
		return
	}
	sub, ok := v.(*hash)
	if !ok || sub.path != nil || !sub.mash {
		return
	}
	ev.attachAt(append(slices.Clone(h.path), valueText(k)), sub, 0)
}

func (ev *evaluator) attachAt(path []string, h *hash, depth int) {
	if depth > maxDepth {
		return
	}
	ev.step(1)
	h.path = path
	for _, e := range h.entries {
		if sub, ok := e.value.(*hash); ok && !e.dead && sub.mash && sub.path == nil {
			ev.attachAt(append(slices.Clone(path), valueText(e.key)), sub, depth+1)
		}
	}
}

func valueText(k value) string {
	switch k := k.(type) {
	case *str:
		return k.s
	case string:
		return k
	case Symbol:
		return string(k)
	}
	return inspect(k)
}

// record notes that key k of a settings hash was set.
func (ev *evaluator) record(n node, h *hash, k, v, old value) {
	if h.path == nil {
		return
	}
	ev.recordPath(n, append(slices.Clone(h.path), valueText(k)), v, old)
}

func (ev *evaluator) recordPath(n node, path []string, v, old value) {
	x := exporter{steps: maxSteps - ev.steps}
	before := x.steps
	exported := x.export(v, 0)
	ev.step(before - x.steps)
	at := ev.pos(n)
	ev.shadow(n, path, old, at)
	_, updates := n.(*opAssign)
	ev.latest[pathKey(path)] = len(ev.assignments)
	ev.assignments = append(ev.assignments, assignment{Assignment{Path: path, Value: exported, Pos: at}, n, updates})
}

// shadow marks the earlier assignments that one to path replaces.
func (ev *evaluator) shadow(n node, path []string, old value, at Pos) {
	if ev.maybe != nil {
		return // the earlier one may still hold
	}
	key := pathKey(path)
	if i, ok := ev.latest[key]; ok {
		ev.shadowed(n, i, at)
	}
	if h, ok := old.(*hash); ok && h.size() > 0 {
		ev.shadowBelow(n, key+"\x00", at)
	}
}

// shadowBelow marks what was set inside of a hash that is replaced.
func (ev *evaluator) shadowBelow(n node, prefix string, at Pos) {
	var hit []int
	for k, i := range ev.latest {
		ev.step(1)
		if strings.HasPrefix(k, prefix) {
			hit = append(hit, i)
		}
	}
	slices.Sort(hit)
	for _, i := range hit {
		ev.shadowed(n, i, at)
		delete(ev.latest, pathKey(ev.assignments[i].Path))
	}
}

func (ev *evaluator) shadowed(n node, i int, at Pos) {
	old := &ev.assignments[i]
	old.Shadowed = true
	if _, updates := n.(*opAssign); updates || old.Pos == at {
		return
	}
	if old.Pos.File != at.File {
		return // an include overrides on purpose
	}
	ev.finding("gitlabrb.shadowed", "warning", old.Pos,
		PathText(old.Path...)+" is set again on line "+itoa(at.Line)+"; this assignment has no effect", "remove one of the two lines")
}

// forget marks what was set at a deleted key.
func (ev *evaluator) forget(h *hash, k value) {
	if h.path == nil || !h.mash {
		return
	}
	path := append(slices.Clone(h.path), valueText(k))
	if i, ok := ev.latest[pathKey(path)]; ok && ev.maybe == nil {
		ev.assignments[i].Shadowed = true
		delete(ev.latest, pathKey(path))
	}
}

// becloud makes everything that is set so far undecided: something that is
// not known may set anything.
func (ev *evaluator) becloud(u Undecided) {
	if ev.fog == nil {
		ev.fog = &u
	}
	ev.foreign = u.Why
	for i, e := range ev.settings.entries {
		if e.dead {
			continue
		}
		if h, ok := e.value.(*hash); ok {
			ev.becloudHash(h, u, 0)
		} else {
			ev.settings.entries[i].value = u
		}
	}
}

func (ev *evaluator) becloudHash(h *hash, u Undecided, depth int) {
	if depth > maxDepth {
		return
	}
	for i, e := range h.entries {
		ev.step(1)
		if sub, ok := e.value.(*hash); ok && !e.dead && sub.mash {
			ev.becloudHash(sub, u, depth+1)
		} else if !e.dead {
			h.entries[i].value = u
		}
	}
}
