package gitlabrb

// name parses a name: a local variable, a constant, or a call on self.
func (p *parser) name(command bool) node {
	t := p.tok
	s := span{t.from, t.to}
	local := t.kind == tIdent && p.isLocal(t.text)
	p.next()
	c := &call{span: s, name: t.text, nameAt: s}
	switch {
	case p.tok.kind == tLParenCall && !local, p.tok.kind == tLParenCall && p.tok.from == t.to:
		p.parenArgs(c)
		return c
	case command && p.startsArgument() && p.tok.kind != tLBrace:
		p.commandCall(c)
		return c
	case t.kind == tConstant:
		return &constant{span: s, name: t.text}
	case local:
		return &localVar{s, t.text}
	}
	return c
}

// parenArgs parses (args); the current token is "(".
func (p *parser) parenArgs(c *call) {
	p.next()
	c.parens = true
	p.takeArgs(c, p.list(tRParen, `"," or ")"`, listArgs))
	c.to = p.prevEnd
}

// takeArgs stores arguments, a block argument apart.
func (p *parser) takeArgs(c *call, args []node) {
	if n := len(args); n > 0 {
		if b, ok := args[n-1].(*blockPass); ok {
			c.block = b
			args = args[:n-1]
		}
	}
	c.args = args
}

// commandCall parses the arguments of a call without parentheses, and the do
// block that belongs to it.
func (p *parser) commandCall(c *call) {
	p.takeArgs(c, p.commandArgs())
	c.to = p.prevEnd
	if p.atKeyword(kwDo) && !p.noDo {
		if c.block != nil {
			p.unexpected("no second block")
		}
		p.doBlock(c)
	}
	p.wasCommand = true
}

// commandArgs parses a list of arguments without parentheses.
func (p *parser) commandArgs() (args []node) {
	p.enter()
	defer p.leave()
	noDo := p.noDo
	p.noDo = true
	var pairs *hashLit
	for {
		from := p.tok.from
		n, pr, isPair := p.listElement(listArgs, len(args) == 0)
		if isPair {
			if pairs == nil {
				pairs = &hashLit{span: span{from: from}}
				args = append(args, pairs)
			}
			pairs.pairs = append(pairs.pairs, pr)
			pairs.to = p.prevEnd
		} else {
			if _, block := n.(*blockPass); pairs != nil && !block {
				p.unexpected(`"=>"`)
			}
			args = append(args, n)
		}
		_, block := n.(*blockPass)
		if p.tok.kind != tComma || p.wasCommand || block && !isPair {
			break
		}
		p.next()
	}
	p.noDo = noDo
	return args
}

// suffixes parses what may follow a value: .method, ::Name, [index], blocks.
func (p *parser) suffixes(n node, command bool) node {
	for {
		start := n.at().from
		wasCommand := p.wasCommand
		switch p.tok.kind {
		case tDot, tSafeDot:
			if wasCommand && !hasBlock(n) {
				return n
			}
			n = p.methodCall(n, start, command)
		case tColon2:
			if wasCommand && !hasBlock(n) {
				return n
			}
			n = p.colon2(n, start, command)
		case tIndex:
			if wasCommand {
				return n
			}
			at := span{from: p.tok.from}
			p.next()
			c := &call{recv: n, name: "[]", parens: true}
			p.takeArgs(c, p.list(tRBrack, `"," or "]"`, listIndex))
			at.to = p.prevEnd
			c.nameAt = at
			c.span = span{start, p.prevEnd}
			n = c
		case tBlockBrace:
			c, ok := p.blockTaker(n)
			if !ok || wasCommand {
				return n
			}
			p.braceBlock(c)
			n = c
		case tKeyword:
			c, ok := p.blockTaker(n)
			if p.tok.kw != kwDo || p.noDo || !ok || wasCommand {
				return n
			}
			p.doBlock(c)
			n = c
		default:
			return n
		}
	}
}

func hasBlock(n node) bool {
	c, ok := n.(*call)
	if !ok {
		return false
	}
	_, ok = c.block.(*blockLit)
	return ok
}

// blockTaker returns n as a call that a block may be attached to.
func (p *parser) blockTaker(n node) (*call, bool) {
	switch n := n.(type) {
	case *call:
		return n, n.block == nil && !n.op
	case *localVar:
		return &call{span: n.span, name: n.name, nameAt: n.span}, true
	case *constant:
		if n.scope == nil && !n.top {
			return &call{span: n.span, name: n.name, nameAt: n.span}, true
		}
	case *opaque:
		if n.what == "super" {
			return &call{span: n.span, name: "super", nameAt: n.span}, true
		}
	}
	return nil, false
}

// methodCall parses .name and its arguments; the current token is "." or "&.".
func (p *parser) methodCall(recv node, start int, command bool) node {
	c := &call{recv: recv, safe: p.tok.kind == tSafeDot}
	p.next()
	t := p.tok
	c.nameAt = span{t.from, t.to}
	switch t.kind {
	case tIdent, tMethodID, tConstant:
		c.name = t.text
	case tLParenCall, tLParen: // recv.(args)
		c.name = "call"
		p.parenArgs(c)
		c.span = span{start, p.prevEnd}
		return c
	case tBinary, tBang, tTilde, tPipe, tUPlus, tUMinus, tSplat, tAmper:
		c.name = t.text
	default:
		p.unexpected("a method name")
	}
	p.next()
	c.span = span{start, p.prevEnd}
	p.callArgs(c, command)
	c.from = start
	return c
}

// callArgs parses the arguments behind a method name, if any.
func (p *parser) callArgs(c *call, command bool) {
	p.wasCommand = false
	switch {
	case p.tok.kind == tLParenCall:
		p.parenArgs(c)
	case command && p.startsArgument() && p.tok.kind != tLBrace:
		p.commandCall(c)
	}
}

// colon2 parses ::Name and ::method; the current token is "::".
func (p *parser) colon2(scope node, start int, command bool) node {
	p.next()
	t := p.tok
	switch t.kind {
	case tConstant, tIdent, tMethodID:
	default:
		p.unexpected("a constant or method name")
	}
	p.next()
	c := &call{span: span{start, p.prevEnd}, recv: scope, name: t.text, nameAt: span{t.from, t.to}}
	if t.kind == tConstant && p.tok.kind != tLParenCall && !(command && p.startsArgument() && p.tok.kind != tLBrace) {
		p.wasCommand = false
		return &constant{span: c.span, scope: scope, name: t.text}
	}
	p.callArgs(c, command)
	return c
}
