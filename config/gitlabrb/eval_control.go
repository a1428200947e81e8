package gitlabrb

func (ev *evaluator) evalLogic(n *logic) value {
	left := ev.eval(n.left)
	if u := tainted(left); u != nil {
		if _, direct := left.(Undecided); direct {
			ev.perhaps(*u, func() { ev.eval(n.right) })
			return *u
		}
	}
	if truthy(left) != n.and {
		return left
	}
	return ev.eval(n.right)
}

func (ev *evaluator) evalIf(n *ifNode) value {
	cond := ev.eval(n.cond)
	u, unknown := cond.(Undecided)
	if !unknown {
		if truthy(cond) {
			return ev.eval(n.then)
		}
		return ev.eval(n.otherwise)
	}
	why := Undecided{Pos: ev.pos(n.cond), Why: "the condition on line " + itoa(ev.pos(n.cond).Line) + " is undecided: " + u.Why}
	var a, b value
	ev.perhaps(why, func() { a = ev.eval(n.then) })
	ev.perhaps(why, func() { b = ev.eval(n.otherwise) })
	if same, known := ev.equal(a, b); known && same && tainted(a) == nil {
		return a
	}
	return why
}

func (ev *evaluator) evalCase(n *caseNode) value {
	var subject value
	if n.subject != nil {
		subject = ev.eval(n.subject)
	}
	var unknown *Undecided
	run := func(body node) value {
		if unknown == nil {
			return ev.eval(body)
		}
		ev.perhaps(*unknown, func() { ev.eval(body) })
		return *unknown
	}
	for _, w := range n.whens {
		hit, u := ev.whenMatches(n, w, subject)
		if u != nil {
			if unknown == nil {
				unknown = &Undecided{Pos: ev.pos(n), Why: "the case on line " + itoa(ev.pos(n).Line) + " is undecided: " + u.Why}
			}
			run(w.body)
			continue
		}
		if hit {
			return run(w.body)
		}
	}
	return run(n.otherwise)
}

func (ev *evaluator) whenMatches(n *caseNode, w when, subject value) (bool, *Undecided) {
	conds, u := ev.evalList(w.conds)
	for i, c := range conds {
		var hit value
		if n.subject == nil {
			hit = c
		} else {
			var at node = n
			if i < len(w.conds) {
				at = w.conds[i]
			}
			hit = ev.caseEqual(at, c, subject)
		}
		if x, ok := hit.(Undecided); ok {
			return false, &x
		}
		if truthy(hit) {
			return true, u
		}
	}
	return false, u
}

// caseEqual is pattern === v.
func (ev *evaluator) caseEqual(n node, pattern, v value) value {
	if u := tainted(pattern); u != nil {
		return *u
	}
	if u := tainted(v); u != nil {
		return *u
	}
	switch p := pattern.(type) {
	case *object:
		is, known := isA(v, p.name)
		if !known {
			return ev.undecided(n, "a comparison with the class "+p.name)
		}
		return is
	case *rangeVal, *regex, *proc:
		return ev.send(n, pattern, "===", []value{v}, nil)
	}
	same, known := ev.equal(pattern, v)
	if !known {
		return ev.undecided(n, "a comparison that is not evaluated")
	}
	return same
}

func (ev *evaluator) evalWhile(n *while) value {
	mark := ev.enterBoundary(markLoop)
	defer ev.breaksTo(mark)()
	result, _ := ev.catch(mark, func() value {
		for first := true; ; first = false {
			ev.step(1)
			if !first || !n.after {
				cond := ev.eval(n.cond)
				if u, ok := cond.(Undecided); ok {
					ev.perhaps(u, func() { ev.loopBody(n.body) })
					return u
				}
				if truthy(cond) == n.until {
					return nil
				}
			}
			ev.loopBody(n.body)
			if mark.uncertain != nil {
				return *mark.uncertain
			}
		}
	})
	uncertain := mark.uncertain
	ev.leaveBoundary(mark)
	if uncertain != nil {
		return *uncertain
	}
	return result
}

// loopBody runs the body of a while loop; next ends it.
func (ev *evaluator) loopBody(body node) {
	mark := ev.enterBoundary(markBlock)
	saved := ev.nextTo
	ev.nextTo = mark
	ev.catch(mark, func() value { return ev.eval(body) })
	ev.nextTo = saved
	ev.leaveBoundary(mark)
}

// breaksTo makes mark what break leaves, and returns how to undo that.
func (ev *evaluator) breaksTo(mark *boundary) (undo func()) {
	saved := ev.breakTo
	ev.breakTo = mark
	return func() { ev.breakTo = saved }
}

// catch runs f and stops the jumps to mark.
func (ev *evaluator) catch(mark *boundary, f func() value) (result value, jumped bool) {
	saved := ev.context
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		j, ok := r.(*jumpSignal)
		if !ok || j.mark != mark {
			panic(r)
		}
		ev.context = saved
		ev.unwind(mark)
		result, jumped = j.value, true
	}()
	return f(), false
}

// unwind forgets the boundaries inside of mark after a jump to it.
func (ev *evaluator) unwind(mark *boundary) {
	for i := len(ev.marks) - 1; i >= 0; i-- {
		if ev.marks[i] == mark {
			ev.marks = ev.marks[:i+1]
			return
		}
	}
}

func (ev *evaluator) evalFor(n *forNode) value {
	list := ev.eval(n.list)
	mark := ev.enterBoundary(markLoop)
	defer ev.breaksTo(mark)()
	result, _ := ev.catch(mark, func() value {
		elems, u := ev.elements(n, list)
		if u != nil {
			ev.perhaps(*u, func() {
				ev.store(n, n.target, *u)
				ev.loopBody(n.body)
			})
			return *u
		}
		for _, e := range elems {
			ev.step(1)
			ev.store(n, n.target, e)
			ev.loopBody(n.body)
		}
		return list
	})
	ev.leaveBoundary(mark)
	return result
}

// elements lists what a value yields to each.
func (ev *evaluator) elements(n node, v value) ([]value, *Undecided) {
	if u := tainted(v); u != nil {
		return nil, u
	}
	switch v := v.(type) {
	case *array:
		return append([]value(nil), v.list...), nil
	case *hash:
		var list []value
		for _, e := range v.live() {
			list = append(list, newArray(e.key, e.value))
		}
		return list, nil
	case *rangeVal:
		return ev.rangeList(n, v)
	}
	u := ev.undecided(n, "a loop over a "+className(v))
	return nil, &u
}

func (ev *evaluator) evalBegin(n *begin) value {
	if n.ensure == nil {
		return ev.evalRescue(n)
	}
	done := false
	defer func() {
		if !done { // an exception or jump is on its way; limits are not
			if r := recover(); r != nil {
				if _, limit := r.(*stop); !limit {
					ev.eval(n.ensure)
				}
				panic(r)
			}
		}
	}()
	v := ev.evalRescue(n)
	done = true
	ev.eval(n.ensure)
	return v
}

func (ev *evaluator) evalRescue(n *begin) value {
	if len(n.rescues) == 0 {
		v := ev.eval(n.body)
		if n.otherwise != nil {
			v = ev.eval(n.otherwise)
		}
		return v
	}
	mark := ev.enterBoundary(markRescue)
	v, exc := ev.tryBody(mark, n)
	uncertain := mark.uncertain
	ev.leaveBoundary(mark)
	if exc != nil {
		return ev.handle(n, exc)
	}
	if uncertain != nil {
		u := Undecided{Pos: uncertain.Pos, Why: "an exception may be raised: " + uncertain.Why}
		for _, r := range n.rescues {
			ev.perhaps(u, func() {
				if r.target != nil {
					ev.store(n, r.target, u)
				}
				ev.eval(r.body)
			})
		}
		return u
	}
	if n.otherwise != nil {
		return ev.eval(n.otherwise)
	}
	return v
}

// tryBody runs the body of begin and returns the exception it raises.
func (ev *evaluator) tryBody(mark *boundary, n *begin) (v value, exc *raised) {
	saved := ev.context
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *raised:
			ev.context = saved
			ev.unwind(mark)
			exc = r
		default:
			panic(r)
		}
	}()
	return ev.eval(n.body), nil
}

// handle runs the rescue clause that matches the exception.
func (ev *evaluator) handle(n *begin, exc *raised) value {
	for _, r := range n.rescues {
		matches, u := ev.rescueMatches(r, exc)
		if u != nil {
			why := Undecided{Pos: exc.pos, Why: "it is not known which rescue handles " + exc.class}
			ev.perhaps(why, func() { ev.eval(r.body) })
			return why
		}
		if !matches {
			continue
		}
		if r.target != nil {
			ev.store(n, r.target, &exception{exc})
		}
		return ev.eval(r.body)
	}
	return ev.raiseException(exc)
}

func (ev *evaluator) rescueMatches(r rescue, exc *raised) (bool, *Undecided) {
	if len(r.classes) == 0 {
		return ancestor(exc.class, "StandardError"), nil
	}
	classes, u := ev.evalList(r.classes)
	for _, c := range classes {
		o, ok := c.(*object)
		if !ok {
			u = &Undecided{Pos: exc.pos, Why: "a class that is not known"}
			continue
		}
		if ancestor(exc.class, o.name) {
			return true, nil
		}
	}
	return false, u
}

func (ev *evaluator) evalJump(n *jump) value {
	v := ev.eval(n.value)
	switch n.word {
	case kwReturn:
		if m := ev.scope.home().mark; m != nil {
			return ev.jump(m, v)
		}
		return ev.jump(ev.nearest(markFile), v)
	case kwNext:
		if m := ev.nextTo; m != nil {
			return ev.jump(m, v)
		}
	case kwBreak:
		if m := ev.breakTo; m != nil {
			return ev.jump(m, v)
		}
	}
	return ev.undecided(n, "a jump out of nothing")
}

func (e *env) home() *frame {
	for ; e != nil; e = e.parent {
		if e.method != nil {
			return e.method
		}
	}
	return &frame{}
}

func (ev *evaluator) evalDefined(n *defined) value {
	switch v := n.value.(type) {
	case *localVar:
		return newStr("local-variable")
	case *assign, *opAssign:
		return newStr("assignment")
	case *simple:
		return newStr("expression")
	case *otherVar:
		if _, ok := ev.globals[v.name]; ok {
			return newStr(map[byte]string{'@': "instance-variable", '$': "global-variable"}[v.name[0]])
		}
		return nil
	case *constant:
		if v.scope == nil {
			if _, ok := ev.consts[v.name]; ok || knownObject(v.name) {
				return newStr("constant")
			}
		}
	case *call:
		if v.recv == nil && len(v.args) == 0 {
			if _, ok := ev.methods[v.name]; ok || isKernelFunction(v.name) {
				return newStr("method")
			}
			return nil // settings answer through method_missing: not defined
		}
	case *strLit, *intLit, *arrayLit, *hashLit:
		return newStr("expression")
	}
	return ev.undecided(n, "defined? of an expression")
}
