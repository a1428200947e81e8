package gitlabrb

import "strings"

// evalAssign evaluates target = value.
func (ev *evaluator) evalAssign(n *assign) value {
	if m, ok := n.target.(*multiLHS); ok {
		v := ev.eval(n.value)
		ev.assignMany(m, v)
		return v
	}
	c, isCall := n.target.(*call)
	if !isCall {
		v := ev.eval(n.value)
		ev.store(n, n.target, v)
		return v
	}
	// Ruby evaluates the receiver and the index before the value.
	recv := ev.evalReceiver(c)
	if c.safe && recv == nil {
		return nil
	}
	args, u := ev.evalList(c.args)
	v := ev.eval(n.value)
	if u != nil {
		taint(recv, *u)
		return v
	}
	ev.storeCall(n, c, recv, args, v)
	return v
}

// store assigns a value to a target that is no call.
func (ev *evaluator) store(n, target node, v value) {
	switch t := target.(type) {
	case *localVar:
		ev.noteLocal(n, t.name)
		ev.setLocal(n, t.name, v)
	case *otherVar:
		if ev.maybe != nil {
			v = *ev.maybe
		}
		ev.globals[t.name] = v
	case *constant:
		if ev.maybe != nil {
			v = *ev.maybe
		}
		if t.scope == nil {
			ev.consts[t.name] = v
		}
	case *call:
		recv := ev.evalReceiver(t)
		args, u := ev.evalList(t.args)
		if u != nil {
			taint(recv, *u)
			return
		}
		ev.storeCall(n, t, recv, args, v)
	case *multiLHS:
		ev.assignMany(t, v)
	case *splat:
		ev.store(n, t.value, v)
	}
}

// noteLocal reports the trap "external_url = 'x'": a local variable that looks
// like a setting.
func (ev *evaluator) noteLocal(n node, name string) {
	if !ev.names.has(name) {
		return
	}
	at := ev.pos(n)
	ev.finding("gitlabrb.local-not-setting", "error", at,
		"\""+name+" = …\" only makes a local variable: the setting "+name+" is not set",
		"write "+name+" '…' without the equals sign")
}

// storeCall assigns recv[args] = v or recv.name = v.
func (ev *evaluator) storeCall(n node, c *call, recv value, args []value, v value) {
	if _, unknown := recv.(Undecided); unknown {
		return
	}
	if c.name == "[]" {
		ev.setIndex(n, recv, args, v)
		return
	}
	if _, ok := recv.(selfObject); ok {
		ev.setSetting(n, c.name, v)
		return
	}
	if o, ok := recv.(*object); ok && o.name == "Gitlab" {
		ev.setSetting(n, c.name, v)
		return
	}
	switch recv.(type) {
	case nil:
		ev.raise(n, "NoMethodError", "nil has no method "+c.name+"=")
	case *str, *array, int64, bool, float64, Symbol:
		ev.raise(n, "NoMethodError", className(recv)+" has no method "+c.name+"=")
	default:
		taint(recv, ev.undecided(n, "calls "+c.name+"= on it"))
	}
}

// setIndex evaluates recv[args…] = v.
func (ev *evaluator) setIndex(n node, recv value, args []value, v value) {
	switch r := recv.(type) {
	case *hash:
		if len(args) != 1 {
			ev.raise(n, "ArgumentError", "a hash index takes one key")
			return
		}
		ev.setHash(n, r, args[0], v)
	case *array:
		ev.setArray(n, r, args, v)
	case *str:
		ev.setString(n, r, args, v)
	case *object:
		switch {
		case r.name == "ENV" && len(args) == 1:
			ev.setEnv(n, args[0], v)
		case r.name == "Gitlab" && len(args) == 1:
			if s, ok := args[0].(*str); ok {
				ev.setSetting(n, s.s, v)
			} else if s, ok := args[0].(Symbol); ok {
				ev.setSetting(n, string(s), v)
			}
		}
	case nil:
		ev.raise(n, "NoMethodError", "nil has no index: nothing was stored there before")
	case selfObject:
		if len(args) == 1 {
			if s, ok := args[0].(*str); ok {
				ev.setSetting(n, s.s, v)
			} else if s, ok := args[0].(Symbol); ok {
				ev.setSetting(n, string(s), v)
			}
		}
	case Undecided:
	default:
		ev.raise(n, "NoMethodError", className(recv)+" has no method []=")
	}
}

// setHash stores into a hash; in a settings hash that is a setting made.
func (ev *evaluator) setHash(n node, h *hash, k, v value) {
	ev.step(1)
	if h.frozen {
		ev.raise(n, "FrozenError", "the hash is frozen")
		return
	}
	if u := tainted(k); u != nil {
		taint(h, *u)
		return
	}
	if _, ok := keyOf(k); !ok {
		taint(h, ev.undecided(n, "a key of a kind that is not evaluated"))
		return
	}
	if h.mash {
		k, v = mashKey(k), ev.asMash(v, 0)
	}
	if ev.maybe != nil {
		v = *ev.maybe
	}
	ev.attach(h, k, v)
	old, _ := h.get(k)
	h.set(k, v)
	if h.mash {
		h.vivified = nil
		ev.record(n, h, k, v, old)
	}
}

// setString evaluates string[part] = v.
func (ev *evaluator) setString(n node, s *str, args []value, v value) {
	if s.frozen {
		ev.raise(n, "FrozenError", "the string is frozen")
		return
	}
	if len(args) == 1 && ev.maybe == nil {
		switch part := args[0].(type) {
		case Symbol, nil, bool, *hash, *array:
			ev.raise(n, "TypeError", "no implicit conversion of "+describe(part)+" into Integer")
			return
		case *str:
			text, ok := v.(*str)
			switch {
			case !strings.Contains(s.s, part.s):
				ev.raiseException(&raised{class: "IndexError", message: newStr("string not matched"), pos: ev.pos(n)})
				return
			case ok && text.unknown == nil:
				ev.grow(len(s.s) + len(text.s))
				s.s = strings.Replace(s.s, part.s, text.s, 1)
				return
			}
		}
	}
	taint(s, ev.unevaluated(n, "changes a part of a string"))
}

// setArray evaluates array[i] = v.
func (ev *evaluator) setArray(n node, a *array, args []value, v value) {
	if a.frozen {
		ev.raise(n, "FrozenError", "the array is frozen")
		return
	}
	if len(args) == 1 {
		switch args[0].(type) {
		case *str, Symbol, nil, bool, *hash, *array:
			ev.raise(n, "TypeError", "no implicit conversion of "+describe(args[0])+" into Integer")
			return
		}
	}
	i, ok := int64(0), len(args) == 1
	if ok {
		i, ok = args[0].(int64)
	}
	if !ok || ev.maybe != nil {
		taint(a, ev.undecided(n, "a part of an array is replaced"))
		return
	}
	if i < 0 {
		i += int64(len(a.list))
	}
	if i < 0 {
		ev.raise(n, "IndexError", "index before the start of the array")
		return
	}
	if i > int64(len(a.list))+maxSteps {
		ev.step(maxSteps)
	}
	for int64(len(a.list)) <= i {
		ev.step(1)
		a.list = append(a.list, nil)
	}
	a.list[i] = v
}

// assignMany evaluates a, b = v.
func (ev *evaluator) assignMany(m *multiLHS, v value) {
	list := []value{v}
	switch r := v.(type) {
	case *array:
		list = r.list
		if r.unknown != nil {
			v = *r.unknown
		}
	case Undecided:
	}
	u, unknown := v.(Undecided)
	rest := -1
	for i, t := range m.targets {
		if _, ok := t.(*splat); ok {
			rest = i
		}
	}
	at := func(i int) value {
		switch {
		case unknown:
			return u
		case i >= 0 && i < len(list):
			return list[i]
		}
		return nil
	}
	after := len(m.targets) - rest - 1
	for i, t := range m.targets {
		switch {
		case rest < 0 || i < rest:
			ev.store(t, t, at(i))
		case i == rest:
			sp := t.(*splat)
			if sp.value == nil {
				continue
			}
			to := max(len(list)-after, i)
			if unknown {
				ev.store(t, sp.value, u)
			} else {
				ev.step(max(to-i, 0))
				part := append([]value(nil), list[min(i, len(list)):min(to, len(list))]...)
				ev.store(t, sp.value, &array{list: part})
			}
		default:
			ev.store(t, t, at(max(len(list)-after, rest)+i-rest-1))
		}
	}
}

// evalOpAssign evaluates target op= value.
func (ev *evaluator) evalOpAssign(n *opAssign) value {
	switch t := n.target.(type) {
	case *localVar:
		return ev.opStore(n, ev.readLocal(t.name), func(v value) { ev.store(n, t, v) })
	case *otherVar:
		old := ev.globals[t.name]
		return ev.opStore(n, old, func(v value) { ev.store(n, t, v) })
	case *constant:
		old := ev.consts[t.name]
		return ev.opStore(n, old, func(v value) { ev.store(n, t, v) })
	case *call:
		recv := ev.evalReceiver(t)
		if t.safe && recv == nil {
			return nil
		}
		args, u := ev.evalList(t.args)
		if u != nil {
			taint(recv, *u)
			return *u
		}
		old := ev.readForOpAssign(n, t, recv, args)
		return ev.opStore(n, old, func(v value) { ev.storeCall(n, t, recv, args, v) })
	}
	return ev.undecided(n, "an assignment that is not evaluated")
}

// readForOpAssign reads the old value; ||= on a settings hash is a trap.
func (ev *evaluator) readForOpAssign(n *opAssign, t *call, recv value, args []value) value {
	if h, ok := recv.(*hash); ok && h.mash && len(args) == 1 && n.op == "||" && ev.vivify {
		if old, has := h.get(mashKey(args[0])); !has {
			ev.finding("gitlabrb.or-assign", "warning", ev.pos(n),
				"\"||=\" never assigns here: reading the missing key stores an empty hash, which is true",
				"use = instead of ||=")
		} else if v, isHash := old.(*hash); isHash && v.vivified != nil {
			ev.finding("gitlabrb.or-assign", "warning", ev.pos(n),
				"\"||=\" does not assign here: an earlier read stored an empty hash under the key", "use = instead of ||=")
		}
	}
	return ev.send(n, recv, t.name, args, nil)
}

// opStore applies the operator and stores the result.
func (ev *evaluator) opStore(n *opAssign, old value, set func(value)) value {
	switch n.op {
	case "||", "&&":
		if u, ok := old.(Undecided); ok {
			var v value
			ev.perhaps(u, func() {
				v = ev.eval(n.value)
				set(v)
			})
			return u
		}
		if truthy(old) == (n.op == "||") {
			return old
		}
		v := ev.eval(n.value)
		set(v)
		return v
	}
	v := ev.send(n, old, n.op, []value{ev.eval(n.value)}, nil)
	set(v)
	return v
}
