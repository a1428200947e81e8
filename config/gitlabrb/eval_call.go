package gitlabrb

import "math/big"

// evalReceiver evaluates what a method is called on.
func (ev *evaluator) evalReceiver(c *call) value {
	if c.recv == nil {
		return selfObject{}
	}
	return ev.eval(c.recv)
}

// evalCall evaluates a method call.
func (ev *evaluator) evalCall(c *call) value {
	if c.recv == nil {
		return ev.callSelf(c)
	}
	recv := ev.eval(c.recv)
	if c.safe && recv == nil {
		return nil
	}
	switch c.name {
	case "!=":
		v := ev.binaryCall(c, recv, "==")
		if u, ok := v.(Undecided); ok {
			return u
		}
		return !truthy(v)
	case "!~":
		v := ev.binaryCall(c, recv, "=~")
		if u, ok := v.(Undecided); ok {
			return u
		}
		return !truthy(v)
	}
	args, u := ev.evalList(c.args)
	blk := ev.blockOf(c)
	if u != nil {
		ev.runMaybe(c, blk, *u)
		taint(recv, *u)
		return *u
	}
	return ev.sendBlock(c, recv, c.name, args, blk)
}

func (ev *evaluator) binaryCall(c *call, recv value, op string) value {
	args, u := ev.evalList(c.args)
	if u != nil {
		return *u
	}
	return ev.send(c, recv, op, args, nil)
}

// blockOf makes the block of a call.
func (ev *evaluator) blockOf(c *call) *proc {
	switch b := c.block.(type) {
	case *blockLit:
		return ev.makeProc(b, false)
	case *blockPass:
		switch v := ev.eval(b.value).(type) {
		case *proc:
			return v
		case Symbol:
			return &proc{bySymbol: true, symbol: string(v), lambda: true}
		}
	}
	return nil
}

// sendBlock calls a method with a block; break in the block leaves the call.
func (ev *evaluator) sendBlock(n node, recv value, name string, args []value, blk *proc) value {
	if blk == nil || blk.bySymbol || blk.lambda {
		return ev.send(n, recv, name, args, blk)
	}
	mark := ev.enterBoundary(markLoop)
	blk.loop = mark
	v, _ := ev.catch(mark, func() value { return ev.send(n, recv, name, args, blk) })
	uncertain := mark.uncertain
	ev.leaveBoundary(mark)
	ev.settle()
	if uncertain != nil {
		return *uncertain
	}
	return v
}

// callWeight is what any method call on large values costs beyond its one step:
// most methods look at, or copy, all of the receiver or of an argument. Those
// that make something of each element pay for that themselves.
func callWeight(recv value, args []value) int {
	w := extent(recv)
	for _, a := range args {
		w += extent(a)
	}
	return w / 64
}

func extent(v value) int {
	switch v := v.(type) {
	case *str:
		return len(v.s)
	case *array:
		return len(v.list)
	case *hash:
		return v.size()
	case *big.Int:
		return v.BitLen()
	}
	return 0
}

// send calls a method of a value.
func (ev *evaluator) send(n node, recv value, name string, args []value, blk *proc) value {
	ev.step(1 + callWeight(recv, args))
	if u := tainted(recv); u != nil {
		return ev.sendUnknown(n, recv, *u, name, args, blk)
	}
	if v, ok := ev.commonMethod(n, recv, name, args, blk); ok {
		return v
	}
	if u := firstUnknown(args); u != nil && !storesArgs(recv, name) {
		ev.runMaybe(n, blk, *u)
		if changes(name) {
			taint(recv, *u)
		}
		return *u
	}
	if ev.maybe != nil && changes(name) {
		switch recv.(type) {
		case *str, *array:
			v, _ := ev.typeMethod(n, ev.dup(recv), name, args, blk)
			taint(recv, *ev.maybe)
			return v
		case *hash:
			if name == "delete" || name == "clear" || name == "shift" || !storesArgs(recv, name) {
				taint(recv, *ev.maybe)
				return *ev.maybe
			}
		}
	}
	v, ok := ev.typeMethod(n, recv, name, args, blk)
	if ok {
		return v
	}
	if lacksMethod(recv, name) {
		return ev.raise(n, "NoMethodError", "undefined method \""+name+"\" for "+describe(recv))
	}
	u := ev.unevaluated(n, "calls the method "+name+" on "+describe(recv)+", which is not evaluated")
	ev.runMaybe(n, blk, u)
	if changes(name) {
		taint(recv, u)
	}
	return u
}

// typeMethod calls a method that only one type of value has.
func (ev *evaluator) typeMethod(n node, recv value, name string, args []value, blk *proc) (value, bool) {
	switch r := recv.(type) {
	case *str:
		return ev.stringMethod(n, r, name, args, blk)
	case *array:
		return ev.arrayMethod(n, r, name, args, blk)
	case *hash:
		return ev.hashMethod(n, r, name, args, blk)
	case Symbol:
		return ev.symbolMethod(n, r, name, args)
	case *rangeVal:
		return ev.rangeMethod(n, r, name, args, blk)
	case *regex:
		return ev.regexMethod(n, r, name, args)
	case *proc:
		return ev.procMethod(n, r, name, args)
	case *exception:
		return ev.exceptionMethod(n, r, name)
	case *object:
		return ev.objectMethod(n, r, name, args, blk)
	case selfObject:
		c := &call{span: n.at(), name: name, nameAt: n.at()}
		return ev.callNamed(c, args, blk), true
	}
	if isNumber(recv) {
		return ev.numberMethod(n, recv, name, args, blk)
	}
	return ev.nilMethod(n, recv, name, args)
}

// sendUnknown calls a method of a value that is not known.
func (ev *evaluator) sendUnknown(n node, recv value, u Undecided, name string, args []value, blk *proc) value {
	if h, ok := recv.(*hash); ok && h.mash {
		// What is set in it is still worth knowing.
		switch {
		case name == "[]" && len(args) == 1:
			if v, has := h.get(mashKey(args[0])); has {
				if _, sub := v.(*hash); sub {
					return v
				}
			}
		}
	}
	ev.runMaybe(n, blk, u)
	ev.mayRaise(u)
	if d, direct := recv.(Undecided); direct {
		return d
	}
	return u
}

// runMaybe runs a block once as if it may or may not run, so that what it
// sets is undecided.
func (ev *evaluator) runMaybe(n node, blk *proc, u Undecided) {
	if blk == nil || blk.bySymbol {
		return
	}
	ev.perhaps(u, func() {
		args := []value{u}
		if blk.params != nil {
			for len(args) < len(blk.params.list) {
				args = append(args, u)
			}
		}
		ev.callProc(n, blk, args)
	})
}

func firstUnknown(args []value) *Undecided {
	for _, a := range args {
		if u := tainted(a); u != nil {
			if _, direct := a.(Undecided); direct {
				return u
			}
			if _, text := a.(*str); text {
				return u
			}
		}
	}
	return nil
}

// storesArgs reports whether a method only puts its arguments somewhere, so
// that they need not be known.
func storesArgs(recv value, name string) bool {
	switch recv.(type) {
	case *array:
		switch name {
		case "<<", "push", "append", "unshift", "prepend", "fill":
			return true
		}
	case *hash:
		switch name {
		case "store", "merge", "merge!", "update", "[]=", "fetch", "to_h":
			return true
		}
	case *object, *proc, selfObject:
		return true
	}
	return false
}

// changes reports whether a method changes its receiver.
func changes(name string) bool {
	switch name {
	case "<<", "concat", "push", "append", "unshift", "prepend", "insert", "pop", "shift", "replace", "clear", "fill",
		"delete", "delete_at", "delete_if", "keep_if", "store", "update", "[]=", "default=", "compare_by_identity",
		"force_encoding", "setbyte", "freeze", "rehash", "default_proc=", "instance_variable_set", "extend":
		return name != "freeze"
	case "!", "!=", "!~":
		return false
	}
	return len(name) > 1 && name[len(name)-1] == '!'
}

// callSelf calls a method without a receiver: one of the file's own, one of
// Ruby's, or a setting.
func (ev *evaluator) callSelf(c *call) value {
	if v, ok := ev.specialCall(c); ok {
		return v
	}
	args, u := ev.evalList(c.args)
	blk := ev.blockOf(c)
	if u != nil {
		ev.runMaybe(c, blk, *u)
		if ev.names.has(c.name) {
			return ev.setSetting(c, c.name, *u)
		}
		return *u
	}
	if blk == nil || blk.bySymbol || blk.lambda {
		return ev.callNamed(c, args, blk)
	}
	mark := ev.enterBoundary(markLoop)
	blk.loop = mark
	v, _ := ev.catch(mark, func() value { return ev.callNamed(c, args, blk) })
	uncertain := mark.uncertain
	ev.leaveBoundary(mark)
	ev.settle()
	if uncertain != nil {
		return *uncertain
	}
	return v
}

// callNamed calls a method of self with evaluated arguments.
func (ev *evaluator) callNamed(c *call, args []value, blk *proc) value {
	if m, ok := ev.methods[c.name]; ok {
		return ev.callMethod(c, m, args, blk)
	}
	if v, ok := ev.kernelCall(c, args, blk); ok {
		return v
	}
	if isModuleMethod(c.name) {
		u := ev.unevaluated(c, "calls "+c.name+" of the settings object, which is not evaluated")
		ev.runMaybe(c, blk, u)
		return u
	}
	if blk != nil {
		u := ev.undecided(c, "a block given to "+c.name+" is not evaluated")
		ev.runMaybe(c, blk, u)
	}
	return ev.callSetting(c, args)
}
