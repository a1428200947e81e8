package gitlabrb

// braceBlock parses { |params| statements } and attaches it to c.
func (p *parser) braceBlock(c *call) {
	start := p.tok.from
	p.pushScope(true)
	p.next()
	b := &blockLit{}
	p.inBrackets(func() node {
		b.params = p.blockParams()
		b.body = p.statements(tRBrace)
		return nil
	})
	p.popScope()
	p.expect(tRBrace, `"}"`)
	b.span = span{start, p.prevEnd}
	c.block, c.to = b, p.prevEnd
	p.wasCommand = false
}

// doBlock parses do |params| statements end and attaches it to c.
func (p *parser) doBlock(c *call) {
	b := p.doBody()
	c.block, c.to = b, p.prevEnd
	p.wasCommand = false
}

func (p *parser) doBody() *blockLit {
	start := p.tok.from
	p.pushScope(true)
	p.next()
	b := &blockLit{}
	p.inBrackets(func() node {
		p.skipNewline()
		b.params = p.blockParams()
		b.body = p.bodyStatement()
		return nil
	})
	p.popScope()
	p.expectKeyword(kwEnd, `"end"`)
	b.span = span{start, p.prevEnd}
	return b
}

func (p *parser) pushScope(block bool) { p.scopes = append(p.scopes, scope{block: block}) }

func (p *parser) popScope() { p.scopes = p.scopes[:len(p.scopes)-1] }

// blockParams parses |a, b = 1, *c; d|, if they are there.
func (p *parser) blockParams() *params {
	if p.tok.kind != tPipe {
		return nil
	}
	list := &params{}
	p.noPipe = true
	p.next()
	for p.tok.kind != tPipe {
		if p.tok.kind == tNewline {
			p.next()
			continue
		}
		if p.tok.kind == tSemicolon {
			p.next()
			for p.tok.kind == tIdent {
				p.declareParam(list, param{kind: paramLocal, name: p.tok.text})
				p.next()
				if p.tok.kind != tComma {
					break
				}
				p.next()
			}
			break
		}
		p.param(list)
		if p.tok.kind == tComma {
			p.next()
		} else if p.tok.kind != tSemicolon {
			p.skipNewline()
			break
		}
	}
	p.noPipe = false
	if p.tok.kind != tPipe {
		p.unexpected(`"|" after the parameters`)
	}
	p.lex.state, p.lex.cmdStart = sBeg, true
	p.next()
	return list
}

// paramOrder is the order in which kinds of parameters may stand; a plain one
// behind an optional one counts as 3.
func (p *parser) paramOrder(list *params, k paramKind, t token) {
	rank := map[paramKind]int{paramOptional: 1, paramRest: 2, paramKeyword: 4, paramKeyRest: 5, paramForward: 5, paramBlock: 6}[k]
	if k == paramPlain || k == paramGroup {
		if rank = 3; list.rank == 0 {
			rank = 0
		}
	}
	if rank < list.rank || rank == list.rank && (rank == 2 || rank >= 5) {
		p.tok = t
		p.unexpected("the parameters in their order")
	}
	list.rank = rank
}

func (p *parser) declareParam(list *params, pr param) {
	if pr.name != "" {
		p.checkReserved(pr.name)
		s := &p.scopes[len(p.scopes)-1]
		if s.names == nil {
			s.names = make(map[string]struct{})
		}
		if _, twice := s.names[pr.name]; twice && pr.name[0] != '_' {
			p.fail(p.tok.from, p.tok.to, "duplicated argument name")
		}
		s.names[pr.name] = struct{}{}
	}
	list.list = append(list.list, pr)
}

// param parses one parameter of a method or block.
func (p *parser) param(list *params) {
	t := p.tok
	switch t.kind {
	case tIdent:
		p.next()
		if p.tok.kind == tAssign {
			p.paramOrder(list, paramOptional, p.tok)
			p.declareParam(list, param{kind: paramOptional, name: t.text})
			p.next()
			list.list[len(list.list)-1].value = p.arg(false)
			return
		}
		p.paramOrder(list, paramPlain, t)
		p.declareParam(list, param{name: t.text})
	case tLabel:
		p.paramOrder(list, paramKeyword, t)
		p.declareParam(list, param{kind: paramKeyword, name: t.text})
		p.next()
		switch p.tok.kind {
		case tComma, tRParen, tNewline, tPipe, tSemicolon, tEOF:
		default:
			list.list[len(list.list)-1].value = p.arg(false)
		}
	case tSplat, tDSplat, tAmper, tBinary:
		p.prefixedParam(list, t)
	case tLParen, tLParenCall, tLParenArg:
		p.next()
		m := &multiLHS{span: span{from: t.from}}
		for p.tok.kind == tIdent {
			m.targets = append(m.targets, &localVar{span{p.tok.from, p.tok.to}, p.tok.text})
			p.declareParam(&params{}, param{name: p.tok.text})
			p.next()
			if p.tok.kind != tComma {
				break
			}
			p.next()
		}
		if p.tok.kind == tIdent {
			p.unexpected(`")" of the parameters`)
		}
		if p.tok.kind != tRParen {
			p.unsupported("a nested parameter list")
		}
		p.next()
		list.list = append(list.list, param{kind: paramGroup, group: m})
	case tBDot:
		p.next()
		p.declareParam(list, param{kind: paramForward})
	default:
		p.unexpected("a parameter")
	}
}

// prefixedParam parses *rest, **options and &block.
func (p *parser) prefixedParam(list *params, t token) {
	var k paramKind
	switch t.text {
	case "*":
		k = paramRest
	case "**":
		k = paramKeyRest
	case "&":
		k = paramBlock
	default:
		p.unexpected("a parameter")
	}
	p.paramOrder(list, k, t)
	p.next()
	name := ""
	if p.tok.kind == tIdent {
		name = p.tok.text
		p.declareParam(list, param{kind: k, name: name})
		p.next()
		return
	}
	if k == paramKeyRest && p.atKeyword(kwNil) {
		p.next()
	}
	p.declareParam(list, param{kind: k})
}

// lambda parses ->(params) { } and -> do end.
func (p *parser) lambda() node {
	start := p.tok.from
	p.pushScope(true)
	list := &params{}
	p.next()
	if p.tok.kind == tLParenCall || p.tok.kind == tLParen {
		p.next()
		p.inBrackets(func() node {
			p.paramList(list, tRParen)
			return nil
		})
		p.expect(tRParen, `")"`)
	} else {
		for p.tok.kind == tIdent || p.tok.kind == tSplat || p.tok.kind == tAmper || p.tok.kind == tLabel || p.tok.kind == tDSplat {
			p.param(list)
			if p.tok.kind != tComma {
				break
			}
			p.next()
		}
	}
	b := &blockLit{lambda: true, params: list}
	switch {
	case p.tok.kind == tBlockBrace || p.tok.kind == tLBrace:
		p.lex.state, p.lex.cmdStart = sBeg, true
		p.next()
		p.inBrackets(func() node {
			b.body = p.statements(tRBrace)
			return nil
		})
		p.popScope()
		p.expect(tRBrace, `"}"`)
	case p.atKeyword(kwDo):
		p.next()
		p.inBrackets(func() node {
			b.body = p.bodyStatement()
			return nil
		})
		p.popScope()
		p.expectKeyword(kwEnd, `"end"`)
	default:
		p.unexpected(`"{" or "do" of a lambda`)
	}
	p.wasCommand = false
	b.span = span{start, p.prevEnd}
	return b
}

// paramList parses parameters up to the closing token, which is left.
func (p *parser) paramList(list *params, closing kind) {
	for p.tok.kind != closing {
		if p.tok.kind == tNewline && closing == tRParen {
			p.next()
			continue
		}
		p.param(list)
		if p.tok.kind == tComma {
			p.next()
			continue
		}
		if closing == tRParen {
			p.skipNewline()
		}
		if p.tok.kind != closing {
			p.unexpected(`"," or the end of the parameters`)
		}
	}
}

// defStatement parses a method definition.
func (p *parser) defStatement() node {
	start := p.tok.from
	p.next()
	d := &def{}
	nameTok := p.defName()
	d.name = nameTok.text
	simpleName := nameTok.kind == tIdent || nameTok.kind == tConstant || nameTok.kind == tKeyword || nameTok.kind == tMethodID
	p.next()
	if simpleName && p.tok.kind == tDot {
		d.recv = &opaque{span{nameTok.from, nameTok.to}, nameTok.text}
		if nameTok.kw == kwSelf {
			d.recv = &simple{span{nameTok.from, nameTok.to}, kwSelf}
		}
		p.lex.state = sFname
		p.next()
		d.name = p.defName().text
		p.lex.state = sEndFn
		p.next()
	}
	p.pushScope(false)
	inDef := p.inDef
	p.inDef = true
	p.inBrackets(func() node {
		p.defRest(d)
		return nil
	})
	p.inDef = inDef
	p.popScope()
	d.span = span{start, p.prevEnd}
	return d
}

// defName checks that the current token can name a method.
func (p *parser) defName() token {
	switch p.tok.kind {
	case tIdent, tMethodID, tConstant, tKeyword, tBinary, tBang, tTilde, tPipe, tUPlus, tUMinus, tSplat, tDSplat, tAmper:
		if p.tok.text == "" {
			p.tok.text = string(p.file.src[p.tok.from:p.tok.to])
		}
		return p.tok
	}
	p.unexpected("a method name")
	return token{}
}

func (p *parser) defRest(d *def) {
	d.params = &params{}
	if p.tok.kind == tLParenCall || p.tok.kind == tLParen || p.tok.kind == tLParenArg {
		p.next()
		p.paramList(d.params, tRParen)
		p.lex.state, p.lex.cmdStart = sBeg, true
		// A newline may end the parameters, "=" starts an endless method.
		p.next()
	} else if p.tok.kind != tNewline && p.tok.kind != tSemicolon && p.tok.kind != tAssign {
		p.lex.kwargNL = true
		p.paramList(d.params, tNewline)
		p.lex.kwargNL = false
	}
	if p.tok.kind == tAssign && !isSetterName(d.name) {
		p.next()
		d.body = p.arg(true)
		if p.atKeyword(kwRescueMod) {
			d.body = p.rescueValue(d.body)
		}
		return
	}
	d.body = p.bodyStatement()
	p.expectKeyword(kwEnd, `"end"`)
	p.wasCommand = false
}
