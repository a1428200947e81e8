package gitlabrb

// makeProc makes a block or lambda that sees the current variables.
func (ev *evaluator) makeProc(b *blockLit, lambda bool) *proc {
	return &proc{params: b.params, body: b.body, scope: ev.scope, file: ev.file, lambda: lambda, home: ev.scope.home()}
}

func (ev *evaluator) evalDef(n *def) value {
	if n.recv != nil {
		if s, ok := n.recv.(*simple); !ok || s.word != kwSelf {
			return ev.undecided(n, "a method of another object")
		}
	}
	m := &method{def: n, file: ev.file}
	if ev.maybe != nil {
		m.uncertain = ev.maybe
	}
	ev.methods[n.name] = m
	return Symbol(n.name)
}

// callMethod calls a method that the file defines.
func (ev *evaluator) callMethod(n node, m *method, args []value, blk *proc) value {
	if m.uncertain != nil {
		ev.runMaybe(n, blk, *m.uncertain)
		return *m.uncertain
	}
	if ev.depth++; ev.depth > maxCalls {
		return ev.raise(n, "SystemStackError", "methods call each other more than "+itoa(maxCalls)+" levels deep")
	}
	saved := ev.context
	mark := ev.enterBoundary(markMethod)
	ev.scope = &env{method: &frame{mark: mark, block: blk}}
	ev.file = m.file
	ev.breakTo, ev.nextTo = nil, nil
	v, _ := ev.catch(mark, func() value {
		if err := ev.bindMethod(n, m.def.params, args, blk); err != "" {
			ev.context.file = saved.file
			return ev.raise(n, "ArgumentError", err)
		}
		return ev.eval(m.def.body)
	})
	uncertain := mark.uncertain
	ev.context = saved
	ev.leaveBoundary(mark)
	ev.settle()
	ev.depth--
	if uncertain != nil {
		return *uncertain
	}
	return v
}

func (ev *evaluator) evalYield(n *yield) value {
	args, u := ev.evalList(n.args)
	blk := ev.scope.home().block
	if u != nil {
		ev.runMaybe(n, blk, *u)
		return *u
	}
	if blk == nil {
		return ev.raise(n, "LocalJumpError", "no block given (yield)")
	}
	return ev.callProc(n, blk, args)
}

// callProc calls a block with arguments.
func (ev *evaluator) callProc(n node, p *proc, args []value) value {
	ev.step(1)
	if p.bySymbol {
		if len(args) == 0 {
			return ev.raise(n, "ArgumentError", "no receiver given")
		}
		return ev.send(n, args[0], p.symbol, args[1:], nil)
	}
	if p.method != nil {
		return ev.callMethod(n, p.method, args, nil)
	}
	if ev.depth++; ev.depth > maxCalls {
		return ev.raise(n, "SystemStackError", "blocks call each other more than "+itoa(maxCalls)+" levels deep")
	}
	saved := ev.context
	mark := ev.enterBoundary(markBlock)
	ev.scope = &env{parent: p.scope}
	ev.file = p.file
	ev.nextTo, ev.breakTo = mark, p.loop
	if p.lambda {
		ev.scope.method = &frame{mark: mark, block: p.home.block}
		ev.breakTo = mark
	}
	v, _ := ev.catch(mark, func() value {
		if p.lambda {
			if err := ev.bindMethod(n, p.params, args, nil); err != "" {
				return ev.raise(n, "ArgumentError", err)
			}
		} else {
			ev.bindBlock(p, args)
		}
		return ev.eval(p.body)
	})
	uncertain := mark.uncertain
	ev.context = saved
	ev.leaveBoundary(mark)
	ev.settle()
	ev.depth--
	if uncertain != nil {
		return *uncertain
	}
	return v
}

// bindBlock binds the arguments of a block: too many are dropped, missing
// ones are nil, a single array is spread over several parameters.
func (ev *evaluator) bindBlock(p *proc, args []value) {
	if p.params == nil {
		if len(args) > 0 {
			first := args[0]
			ev.scope.define("_1", first)
			ev.scope.define("it", first)
		}
		return
	}
	places := 0
	spread := false
	for _, pr := range p.params.list {
		switch pr.kind {
		case paramPlain, paramOptional, paramGroup:
			places++
		case paramRest:
			spread = true
		}
	}
	if len(args) == 1 && (places > 1 || spread && places > 0) {
		if a, ok := args[0].(*array); ok {
			args = a.list
		} else if u, ok := args[0].(Undecided); ok {
			args = nil
			for range places {
				args = append(args, u)
			}
		}
	}
	ev.bind(p.params, args, nil, nil)
}

// bindMethod binds the arguments of a method or lambda and returns what is
// wrong with their number.
func (ev *evaluator) bindMethod(n node, ps *params, args []value, blk *proc) string {
	if ps == nil {
		ps = &params{}
	}
	required, optional, rest, keywords := 0, 0, false, false
	for _, p := range ps.list {
		switch p.kind {
		case paramPlain, paramGroup:
			required++
		case paramOptional:
			optional++
		case paramRest, paramForward:
			rest = true
		case paramKeyword, paramKeyRest:
			keywords = true
		}
	}
	var options *hash
	if keywords && len(args) > required {
		if h, ok := args[len(args)-1].(*hash); ok {
			options = h
			args = args[:len(args)-1]
		}
	}
	if len(args) < required || !rest && len(args) > required+optional {
		return "wrong number of arguments (given " + itoa(len(args)) + ", expected " + itoa(required) + ")"
	}
	return ev.bind(ps, args, options, blk)
}

// bind stores arguments under the names of parameters in the current scope.
func (ev *evaluator) bind(ps *params, args []value, options *hash, blk *proc) (problem string) {
	required := 0
	for _, p := range ps.list {
		if p.kind == paramPlain || p.kind == paramGroup {
			required++
		}
	}
	extra := max(len(args)-required, 0) // for optional ones and the rest
	used := 0
	take := func() value {
		if used < len(args) {
			used++
			return args[used-1]
		}
		return nil
	}
	seen := map[string]bool{}
	for _, p := range ps.list {
		switch p.kind {
		case paramPlain:
			ev.scope.define(p.name, take())
		case paramGroup:
			v := take()
			for _, t := range p.group.targets {
				ev.scope.define(t.(*localVar).name, nil)
			}
			ev.assignMany(p.group, v)
		case paramOptional:
			if extra > 0 {
				extra--
				ev.scope.define(p.name, take())
			} else {
				ev.scope.define(p.name, nil)
				ev.scope.define(p.name, ev.eval(p.value))
			}
		case paramRest:
			list := newArray()
			for ; extra > 0; extra-- {
				list.list = append(list.list, take())
			}
			ev.scope.define(p.name, list)
		case paramKeyword:
			seen[p.name] = true
			v, ok := value(nil), false
			if options != nil {
				v, ok = options.get(Symbol(p.name))
			}
			if !ok {
				if p.value == nil {
					return "missing keyword: :" + p.name
				}
				v = ev.eval(p.value)
			}
			ev.scope.define(p.name, v)
		case paramKeyRest:
			ev.scope.define(p.name, optionsWithout(options, seen))
		case paramBlock:
			var v value
			if blk != nil {
				v = blk
			}
			ev.scope.define(p.name, v)
		case paramLocal:
			ev.scope.define(p.name, nil)
		}
	}
	return ""
}

func optionsWithout(options *hash, seen map[string]bool) *hash {
	h := newHash()
	if options == nil {
		return h
	}
	for _, e := range options.live() {
		if s, ok := e.key.(Symbol); !ok || !seen[string(s)] {
			h.set(e.key, e.value)
		}
	}
	return h
}

// procMethod calls a method of a lambda or proc.
func (ev *evaluator) procMethod(n node, p *proc, name string, args []value) (value, bool) {
	switch name {
	case "call", "()", "yield", "[]", "===":
		return ev.callProc(n, p, args), true
	case "lambda?":
		return p.lambda, true
	case "to_proc":
		return p, true
	}
	return nil, false
}
