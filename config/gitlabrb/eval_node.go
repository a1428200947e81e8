package gitlabrb

import "strings"

// eval works out the value of a node.
func (ev *evaluator) eval(n node) value {
	ev.step(1)
	switch n := n.(type) {
	case nil:
		return nil
	case *seq:
		return ev.evalSeq(n)
	case *simple:
		return ev.evalSimple(n)
	case *intLit:
		if n.big != nil {
			return n.big
		}
		return n.n
	case *floatLit:
		return n.f
	case *strLit:
		return ev.evalString(n)
	case *regexLit:
		s, u := ev.interpolate(n.parts)
		if u != nil {
			return *u
		}
		return &regex{s, n.flags}
	case *symLit:
		if n.parts == nil {
			return Symbol(n.name)
		}
		s, u := ev.interpolate(n.parts)
		if u != nil {
			return *u
		}
		return Symbol(s)
	case *arrayLit:
		list, u := ev.evalList(n.elems)
		if u != nil {
			return *u
		}
		return &array{list: list}
	case *hashLit:
		return ev.evalHash(n)
	case *localVar:
		return ev.readLocal(n.name)
	case *otherVar:
		return ev.readGlobal(n)
	case *constant:
		return ev.readConstant(n)
	case *call:
		return ev.evalCall(n)
	case *assign:
		return ev.evalAssign(n)
	case *opAssign:
		return ev.evalOpAssign(n)
	}
	return ev.evalControl(n)
}

// evalControl is the second half of eval: everything that is no plain value.
func (ev *evaluator) evalControl(n node) value {
	switch n := n.(type) {
	case *logic:
		return ev.evalLogic(n)
	case *not:
		v := ev.eval(n.value)
		if u, ok := v.(Undecided); ok {
			return u
		}
		return !truthy(v)
	case *defined:
		return ev.evalDefined(n)
	case *ifNode:
		return ev.evalIf(n)
	case *while:
		return ev.evalWhile(n)
	case *forNode:
		return ev.evalFor(n)
	case *caseNode:
		return ev.evalCase(n)
	case *begin:
		return ev.evalBegin(n)
	case *jump:
		return ev.evalJump(n)
	case *yield:
		return ev.evalYield(n)
	case *def:
		return ev.evalDef(n)
	case *blockLit:
		return ev.makeProc(n, n.lambda)
	case *rangeLit:
		low, high := ev.eval(n.low), ev.eval(n.high)
		for _, v := range []value{low, high} {
			if u := tainted(v); u != nil {
				return *u
			}
		}
		return &rangeVal{low, high, n.exclusive}
	case *splat:
		return ev.undecided(n, "a splat")
	case *opaque:
		if n.what == "class or module" || n.what == "alias" || n.what == "undef" || strings.HasPrefix(n.what, "BEGIN") {
			ev.foreign = "the " + n.what + " on line " + itoa(ev.pos(n).Line)
		}
		return ev.undecided(n, n.what+" is not evaluated")
	}
	return ev.undecided(n, "a construct that is not evaluated")
}

func (ev *evaluator) evalSeq(n *seq) value {
	var v value
	for _, s := range n.list {
		v = ev.eval(s)
	}
	return v
}

func (ev *evaluator) evalSimple(n *simple) value {
	switch n.word {
	case kwNil:
		return nil
	case kwTrue:
		return true
	case kwFalse:
		return false
	case kwSelf:
		return selfObject{}
	case kwLine:
		return int64(ev.pos(n).Line)
	case kwFile:
		return newStr(ev.file.name)
	}
	return ev.undecided(n, "a construct that is not evaluated")
}

func (ev *evaluator) evalString(n *strLit) value {
	var s string
	if n.parts == nil {
		s = n.text
	} else {
		var u *Undecided
		if s, u = ev.interpolate(n.parts); u != nil {
			return *u
		}
	}
	if n.command {
		return ev.runCommand(n, s)
	}
	return &str{s: s, frozen: ev.file.frozenStrings && n.parts == nil}
}

// interpolate joins the parts of a string.
func (ev *evaluator) interpolate(parts []node) (string, *Undecided) {
	var b strings.Builder
	var unknown *Undecided
	for _, part := range parts {
		if s, ok := part.(*strLit); ok && s.parts == nil && !s.command {
			ev.grow(len(s.text))
			b.WriteString(s.text)
			continue
		}
		v := ev.eval(part)
		s, u := ev.toS(part, v)
		if u != nil {
			if unknown == nil {
				unknown = u
			}
			continue
		}
		ev.grow(len(s))
		b.WriteString(s)
	}
	return b.String(), unknown
}

// evalList evaluates arguments or elements; splats are spread. The error is
// set when their number is not known.
func (ev *evaluator) evalList(nodes []node) (list []value, u *Undecided) {
	list = make([]value, 0, len(nodes))
	for _, n := range nodes {
		sp, ok := n.(*splat)
		if !ok {
			list = append(list, ev.eval(n))
			continue
		}
		switch v := ev.eval(sp.value).(type) {
		case nil:
		case *array:
			if v.unknown != nil {
				u = v.unknown
			}
			ev.step(len(v.list))
			list = append(list, v.list...)
		case *rangeVal:
			elems, known := ev.rangeList(n, v)
			if known != nil {
				u = known
			}
			list = append(list, elems...)
		case *hash:
			ev.step(v.size())
			for _, e := range v.live() {
				list = append(list, newArray(e.key, e.value))
			}
		case Undecided:
			u = &v
		default:
			list = append(list, v)
		}
	}
	return list, u
}

func (ev *evaluator) evalHash(n *hashLit) value {
	h := newHash()
	var literals map[hashKey]bool
	for _, pr := range n.pairs {
		if pr.key == nil {
			switch v := ev.eval(pr.value).(type) {
			case *hash:
				if v.unknown != nil {
					h.unknown = v.unknown
				}
				ev.step(v.size())
				for _, e := range v.live() {
					h.set(e.key, e.value)
				}
			case nil:
				ev.raise(n, "TypeError", "no implicit conversion of nil into Hash")
			case Undecided:
				h.unknown = &v
			default:
				ev.raise(n, "TypeError", "no implicit conversion of "+className(v)+" into Hash")
			}
			continue
		}
		k := ev.eval(pr.key)
		v := ev.eval(pr.value)
		if _, ok := keyOf(k); !ok {
			u := ev.undecided(pr.key, "a hash key that is not known")
			if t := tainted(k); t != nil {
				u = *t
			}
			h.unknown = &u
			continue
		}
		if literalKey(pr.key) {
			// Of two equal literal keys Ruby drops the first pair.
			if literals == nil {
				literals = make(map[hashKey]bool, len(n.pairs))
			}
			id, _ := keyOf(k)
			if literals[id] {
				h.remove(k)
			}
			literals[id] = true
		}
		h.set(k, v)
	}
	return h
}

func literalKey(n node) bool {
	switch n := n.(type) {
	case *strLit:
		return n.parts == nil
	case *symLit:
		return n.parts == nil
	case *intLit, *floatLit:
		return true
	}
	return false
}

// --- variables ---

func (ev *evaluator) readLocal(name string) value {
	for e := ev.scope; e != nil; e = e.parent {
		if v, ok := e.vars[name]; ok {
			return *v
		}
	}
	return nil // assigned in code that did not run
}

func (ev *evaluator) setLocal(n node, name string, v value) {
	if ev.maybe != nil {
		v = Undecided{Pos: ev.maybe.Pos, Why: ev.maybe.Why}
	}
	for e := ev.scope; e != nil; e = e.parent {
		if old, ok := e.vars[name]; ok {
			*old = v
			return
		}
	}
	ev.scope.define(name, v)
}

func (e *env) define(name string, v value) {
	if e.vars == nil {
		e.vars = make(map[string]*value)
	}
	e.vars[name] = &v
}

func (ev *evaluator) readGlobal(n *otherVar) value {
	if v, ok := ev.globals[n.name]; ok {
		return v
	}
	if n.name[0] == '@' && (len(n.name) < 2 || n.name[1] != '@') {
		// The settings object has a few of its own.
		switch n.name {
		case "@settings", "@available_roles", "@config_strict_mode", "@configuration", "@configurables", "@config_contexts", "@config_context_lists", "@config_context_hashes", "@config_parent", "@_default_parent":
			return ev.undecided(n, "reads "+n.name+" of the settings object")
		}
		return nil
	}
	return ev.undecided(n, "reads the variable "+n.name)
}

func (ev *evaluator) readConstant(n *constant) value {
	if n.scope != nil {
		return ev.scopedConstant(n)
	}
	if v, ok := ev.consts[n.name]; ok && !n.top {
		return v
	}
	if knownObject(n.name) {
		return &object{n.name}
	}
	return ev.unevaluated(n, "reads the constant "+n.name)
}

func (ev *evaluator) scopedConstant(n *constant) value {
	v := ev.eval(n.scope)
	if o, ok := v.(*object); ok {
		switch full := o.name + "::" + n.name; full {
		case "JSON::ParserError", "Errno::ENOENT", "Errno::EACCES", "Psych::SyntaxError":
			return &object{full}
		case "Float::INFINITY", "File::SEPARATOR":
			if full == "File::SEPARATOR" {
				return newStr("/")
			}
		}
		return ev.undecided(n, "reads the constant "+o.name+"::"+n.name)
	}
	if u := tainted(v); u != nil {
		return *u
	}
	return ev.undecided(n, "reads the constant "+n.name)
}
