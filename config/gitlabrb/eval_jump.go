package gitlabrb

// markKind says what a boundary can catch.
type markKind uint8

const (
	markFile   markKind = iota // return
	markMethod                 // return
	markLoop                   // break
	markBlock                  // next
	markRescue                 // raise
)

// boundary is a place where a jump ends. When a jump may or may not happen,
// everything up to its boundary is undecided.
type boundary struct {
	kind       markKind
	maybe      *Undecided
	maybeDepth int
	uncertain  *Undecided // a jump to here may have happened
}

// jumpSignal is return, break, next, throw on its way.
type jumpSignal struct {
	mark  *boundary
	value value
}

// raised is a Ruby exception on its way.
type raised struct {
	class   string
	message value // *str, or nil when Ruby's own wording is not known
	detail  string
	pos     Pos
}

func (r *raised) text() string {
	if s, ok := r.message.(*str); ok {
		return s.s
	}
	return r.detail
}

// stop ends the evaluation: a limit was hit.
type stop struct{ err *Error }

func (ev *evaluator) enterBoundary(k markKind) *boundary {
	m := &boundary{kind: k, maybe: ev.maybe, maybeDepth: ev.maybeDepth}
	ev.marks = append(ev.marks, m)
	return m
}

// leaveBoundary ends a boundary; what is certain again is as it was before.
func (ev *evaluator) leaveBoundary(m *boundary) {
	for i := len(ev.marks) - 1; i >= 0; i-- {
		if ev.marks[i] == m {
			ev.marks = ev.marks[:i]
			break
		}
	}
	ev.maybe, ev.maybeDepth = m.maybe, m.maybeDepth
}

// jump leaves to mark. When an undecided condition lies between, nothing
// happens but that the rest up to mark is undecided.
func (ev *evaluator) jump(mark *boundary, v value) value {
	if mark != nil && !ev.certainUpTo(mark) {
		return ev.becomeUncertain(mark)
	}
	panic(&jumpSignal{mark, v})
}

func (ev *evaluator) certainUpTo(mark *boundary) bool {
	return ev.maybeDepth == mark.maybeDepth && mark.uncertain == nil
}

func (ev *evaluator) becomeUncertain(mark *boundary) value {
	u := ev.maybe
	if u == nil {
		u = mark.uncertain
	}
	for i := len(ev.marks) - 1; i >= 0; i-- {
		if ev.marks[i].uncertain == nil {
			ev.marks[i].uncertain = u
		}
		if ev.marks[i] == mark {
			break
		}
	}
	return *u
}

// nearest returns the innermost boundary of a kind.
func (ev *evaluator) nearest(kinds ...markKind) *boundary {
	for i := len(ev.marks) - 1; i >= 0; i-- {
		for _, k := range kinds {
			if ev.marks[i].kind == k {
				return ev.marks[i]
			}
		}
	}
	return nil
}

// rescued reports whether an exception raised here would be rescued.
func (ev *evaluator) rescued() bool { return ev.nearest(markRescue) != nil }

// raise raises a Ruby exception whose text is ours.
func (ev *evaluator) raise(n node, class, detail string) value {
	return ev.raiseException(&raised{class: class, detail: detail, pos: ev.pos(n)})
}

// raiseException raises r if it is certain to happen and something rescues
// it, or if it ends the statement; else it makes things undecided.
func (ev *evaluator) raiseException(r *raised) value {
	ev.step(50)
	if m := ev.nearest(markRescue); m != nil {
		if !ev.certainUpTo(m) {
			return ev.becomeUncertain(m)
		}
		panic(r)
	}
	if ev.maybe != nil {
		ev.errorAt(r.pos, r.class+": "+r.text())
		return *ev.maybe
	}
	panic(r)
}

// perhaps runs f as statements of which it is not known whether they run.
func (ev *evaluator) perhaps(u Undecided, f func()) {
	maybe := ev.maybe
	if ev.maybe == nil {
		ev.maybe = &u
	}
	ev.maybeDepth++
	f()
	ev.maybeDepth--
	ev.maybe = maybe
	ev.settle()
}

// settle makes what follows undecided when a jump out of here may have
// happened.
func (ev *evaluator) settle() {
	if ev.maybe != nil {
		return
	}
	for i := len(ev.marks) - 1; i >= 0; i-- {
		if u := ev.marks[i].uncertain; u != nil {
			ev.maybe = u
			return
		}
	}
}

// undecided makes an undecided value for a construct.
func (ev *evaluator) undecided(n node, why string) Undecided {
	ev.anyUndecided = true
	return Undecided{Pos: ev.pos(n), Why: why}
}

// unevaluated is undecided for something that may also raise an exception:
// inside of begin … rescue nothing behind it is certain.
func (ev *evaluator) unevaluated(n node, why string) Undecided {
	u := ev.undecided(n, why)
	ev.mayRaise(u)
	return u
}

func (ev *evaluator) mayRaise(u Undecided) {
	m := ev.nearest(markRescue)
	if m == nil || m.uncertain != nil {
		return
	}
	saved := ev.maybe
	if ev.maybe == nil {
		ev.maybe = &u
	}
	ev.becomeUncertain(m)
	ev.maybe = saved
	ev.settle()
}
