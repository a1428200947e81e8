package gitlabrb

// then parses what separates a condition from its body.
func (p *parser) then() {
	seen := false
	for p.tok.kind == tNewline || p.tok.kind == tSemicolon {
		p.next()
		seen = true
	}
	if p.atKeyword(kwThen) {
		p.next()
		return
	}
	if !seen {
		p.unexpected(`"then" or a new line`)
	}
}

// condition parses an expression in a place where "do" and blocks have their
// plain meaning.
func (p *parser) condition() node {
	return p.inBrackets(func() node { return p.expression() })
}

func (p *parser) ifStatement() node {
	start, kw := p.tok.from, p.tok.kw
	p.next()
	cond := p.condition()
	p.then()
	var body, otherwise node
	p.inBrackets(func() node {
		body = p.statements(tEOF)
		otherwise = p.elseBranch(kw == kwIf)
		return nil
	})
	p.expectEnd("\"if\" or \"unless\"", start)
	p.wasCommand = false
	s := span{start, p.prevEnd}
	if kw == kwUnless {
		return &ifNode{s, cond, otherwise, body}
	}
	return &ifNode{s, cond, body, otherwise}
}

func (p *parser) elseBranch(elsif bool) node {
	start := p.tok.from
	switch {
	case elsif && p.atKeyword(kwElsif):
		p.enter()
		defer p.leave()
		p.next()
		cond := p.expression()
		p.then()
		body := p.statements(tEOF)
		otherwise := p.elseBranch(true)
		return &ifNode{span{start, p.prevEnd}, cond, body, otherwise}
	case p.atKeyword(kwElse):
		p.next()
		return p.statements(tEOF)
	}
	return nil
}

// expectEnd steps over the "end" of what began at start.
func (p *parser) expectEnd(what string, start int) {
	if !p.atKeyword(kwEnd) {
		p.unexpected("\"end\" of the " + what + " on line " + itoa(p.file.pos(start).Line))
	}
	p.next()
}

func (p *parser) whileStatement() node {
	start, kw := p.tok.from, p.tok.kw
	p.next()
	cond := p.loopHead(p.expression)
	body := p.inBrackets(func() node { return p.statements(tEOF) })
	p.expectEnd("loop", start)
	p.wasCommand = false
	return &while{span: span{start, p.prevEnd}, cond: cond, body: body, until: kw == kwUntil}
}

// loopHead parses the head of a loop up to "do" or the end of the line.
func (p *parser) loopHead(f func() node) node {
	noDo := p.noDo
	p.noDo = true
	n := f()
	p.noDo = noDo
	switch {
	case p.tok.kind == tNewline || p.tok.kind == tSemicolon:
	case p.atKeyword(kwDo):
		p.next()
	default:
		p.unexpected(`"do" or a new line`)
	}
	return n
}

func (p *parser) forStatement() node {
	start := p.tok.from
	p.next()
	p.noAssign = true
	m := &multiLHS{span: span{from: p.tok.from}}
	for {
		m.targets = append(m.targets, p.multiTarget())
		if p.tok.kind != tComma {
			break
		}
		p.next()
	}
	p.noAssign = false
	m.to = p.prevEnd
	p.expectKeyword(kwIn, `"in"`)
	list := p.loopHead(p.expression)
	body := p.inBrackets(func() node { return p.statements(tEOF) })
	p.expectEnd("loop", start)
	p.wasCommand = false
	var target node = m
	if len(m.targets) == 1 {
		target = m.targets[0]
	}
	return &forNode{span{start, p.prevEnd}, target, list, body}
}

func (p *parser) caseStatement() node {
	start := p.tok.from
	p.next()
	c := &caseNode{}
	p.inBrackets(func() node {
		if p.tok.kind != tNewline && p.tok.kind != tSemicolon && !p.atKeyword(kwWhen) {
			c.subject = p.expression()
		}
		for p.tok.kind == tNewline || p.tok.kind == tSemicolon {
			p.next()
		}
		if p.atKeyword(kwIn) {
			p.unsupported("pattern matching with case … in")
		}
		if !p.atKeyword(kwWhen) {
			p.unexpected(`"when"`)
		}
		for p.atKeyword(kwWhen) {
			c.whens = append(c.whens, p.whenClause())
		}
		c.otherwise = p.elseBranch(false)
		return nil
	})
	p.expectEnd("\"case\"", start)
	p.wasCommand = false
	c.span = span{start, p.prevEnd}
	return c
}

func (p *parser) whenClause() when {
	var w when
	p.next()
	for {
		if p.tok.kind == tSplat {
			from := p.tok.from
			p.next()
			v := p.arg(false)
			w.conds = append(w.conds, &splat{span: span{from, p.prevEnd}, value: v})
		} else {
			w.conds = append(w.conds, p.arg(false))
		}
		if p.tok.kind != tComma {
			break
		}
		p.next()
	}
	p.then()
	w.body = p.statements(tEOF)
	return w
}

func (p *parser) beginStatement() node {
	start := p.tok.from
	p.next()
	var body node
	p.inBrackets(func() node {
		body = p.bodyStatement()
		return nil
	})
	p.expectEnd("\"begin\"", start)
	p.wasCommand = false
	if b, ok := body.(*begin); ok {
		b.span = span{start, p.prevEnd}
		return b
	}
	return &begin{span: span{start, p.prevEnd}, body: body}
}

// bodyStatement parses statements with rescue, else and ensure clauses.
func (p *parser) bodyStatement() node {
	start := p.tok.from
	body := p.statements(tEOF)
	b := &begin{body: body}
	for p.atKeyword(kwRescue) {
		b.rescues = append(b.rescues, p.rescueClause())
	}
	if p.atKeyword(kwElse) {
		if len(b.rescues) == 0 {
			p.fail(p.tok.from, p.tok.to, `"else" without "rescue" is useless`)
		}
		p.next()
		b.otherwise = p.statements(tEOF)
	}
	if p.atKeyword(kwEnsure) {
		p.next()
		b.ensure = p.statements(tEOF)
	}
	if b.rescues == nil && b.ensure == nil {
		return body
	}
	b.span = span{start, p.prevEnd}
	return b
}

func (p *parser) rescueClause() rescue {
	var r rescue
	p.next()
	for p.tok.kind != tNewline && p.tok.kind != tSemicolon && p.tok.kind != tArrow && !p.atKeyword(kwThen) {
		if p.tok.kind == tSplat {
			from := p.tok.from
			p.next()
			v := p.arg(false)
			r.classes = append(r.classes, &splat{span: span{from, p.prevEnd}, value: v})
		} else {
			r.classes = append(r.classes, p.arg(false))
		}
		if p.tok.kind != tComma {
			break
		}
		p.next()
	}
	if p.tok.kind == tArrow {
		p.next()
		p.noAssign = true
		r.target = p.multiTarget()
		p.noAssign = false
	}
	p.then()
	r.body = p.statements(tEOF)
	return r
}

// classStatement parses class and module bodies, which are never evaluated.
func (p *parser) classStatement() node {
	start, kw := p.tok.from, p.tok.kw
	if p.inDef {
		p.fail(start, p.tok.to, "a class or module cannot be defined inside of a method")
	}
	p.next()
	if kw == kwClass && p.tok.kind == tBinary && p.tok.text == "<<" {
		p.next()
		p.expression()
	} else {
		p.primary(false)
		for p.tok.kind == tColon2 {
			p.next()
			p.expect(tConstant, "a constant")
		}
		if kw == kwClass && p.tok.kind == tBinary && p.tok.text == "<" {
			p.lex.state = sBeg
			p.next()
			p.expression()
		}
	}
	p.pushScope(false)
	p.inBrackets(func() node { return p.bodyStatement() })
	p.popScope()
	p.expectEnd("definition", start)
	p.wasCommand = false
	return &opaque{span{start, p.prevEnd}, "class or module"}
}
