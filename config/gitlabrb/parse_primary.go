package gitlabrb

import "strings"

// primary parses a literal, a name, a construct in parentheses or keywords.
func (p *parser) primary(command bool) node {
	if n := p.injected; n != nil {
		p.injected = nil
		if s, ok := n.(*strLit); ok && !s.command {
			return p.adjacentStrings(s)
		}
		return n
	}
	p.enter()
	defer p.leave()
	t := p.tok
	s := span{t.from, t.to}
	switch t.kind {
	case tInt, tFloat, tRational:
		p.next()
		return numberNode(t, s, false)
	case tString, tHeredoc, tChar:
		return p.strings(t)
	case tXString:
		lit, _ := p.stringToken()
		lit.command = true
		return lit
	case tRegexp:
		return p.regexp()
	case tWords, tSymbols:
		return p.words()
	case tSymbol:
		p.next()
		return &symLit{span: s, name: t.text}
	case tDSymbol:
		lit, _ := p.stringToken()
		return &symLit{lit.span, lit.text, lit.parts}
	case tIvar, tGvar, tCvar:
		p.next()
		return &otherVar{s, t.text}
	case tIdent, tMethodID, tConstant:
		return p.name(command)
	case tColon3:
		p.next()
		name := p.tok.text
		p.expect(tConstant, "a constant")
		return &constant{span: span{t.from, p.prevEnd}, top: true, name: name}
	case tLParen, tLParenArg:
		return p.parenthesized(t.from)
	case tLBrack:
		p.next()
		a := &arrayLit{elems: p.list(tRBrack, `"," or "]"`, listArray)}
		a.span = span{t.from, p.prevEnd}
		return a
	case tLBrace:
		return p.hash()
	case tLambda:
		return p.lambda()
	case tKeyword:
		return p.keywordPrimary(command)
	}
	p.unexpected("a value")
	return nil
}

// strings parses one string or several adjacent ones.
func (p *parser) strings(t token) node {
	switch t.kind {
	case tChar:
		p.next()
		return &strLit{span: span{t.from, t.to}, text: t.text}
	case tHeredoc:
		lit := p.heredoc()
		if lit.command {
			return lit
		}
		return p.adjacentStrings(lit)
	}
	lit, label := p.stringToken()
	if label {
		p.prevEnd = lit.to
		p.fail(lit.to, lit.to+1, `unexpected ":", expected a hash around "key": value`)
	}
	return p.adjacentStrings(lit)
}

// adjacentStrings appends the string literals that follow directly.
func (p *parser) adjacentStrings(lit *strLit) node {
	for p.tok.kind == tString || p.tok.kind == tHeredoc && p.tok.term != '`' {
		var more *strLit
		if p.tok.kind == tHeredoc {
			more = p.heredoc()
		} else {
			var label bool
			if more, label = p.stringToken(); label {
				p.fail(more.to, more.to+1, `unexpected ":", expected a hash around "key": value`)
			}
		}
		lit = &strLit{span: span{lit.from, more.to}, parts: append(stringParts(lit), stringParts(more)...), heredoc: lit.heredoc || more.heredoc}
	}
	return lit
}

func stringParts(s *strLit) []node {
	if s.parts != nil {
		return s.parts
	}
	return []node{&strLit{span: s.span, text: s.text}}
}

// parenthesized parses ( statements ).
func (p *parser) parenthesized(start int) node {
	var body *seq
	single := p.tok.kind == tLParenArg // behind a method name: one statement
	p.next()
	saved := p.stmtStart
	p.inBrackets(func() node {
		if !single || p.endsStatements() || p.tok.kind == tNewline || p.tok.kind == tSemicolon {
			body = p.statements(tRParen)
			return body
		}
		body = &seq{list: []node{p.statement()}}
		p.skipNewline()
		return body
	})
	p.stmtStart = saved
	if p.tok.kind != tRParen {
		p.unexpected(`")"`)
	}
	p.next()
	p.wasCommand = false
	body.span = span{start, p.prevEnd}
	return body
}

// listKind says what a list of values may hold.
type listKind uint8

const (
	listArray listKind = iota
	listArgs           // also a command call, &block
	listIndex
)

// list parses values up to the closing token, which is consumed. Pairs at the
// end become one hash.
func (p *parser) list(closing kind, expected string, what listKind) (elems []node) {
	p.inBrackets(func() node {
		elems = p.listElements(closing, expected, what)
		return nil
	})
	p.next()
	p.wasCommand = false
	return elems
}

func (p *parser) listElements(closing kind, expected string, what listKind) (elems []node) {
	var pairs *hashLit
	for {
		if p.tok.kind == closing {
			return elems
		}
		if len(elems) == 0 {
			if p.skipNewline(); p.tok.kind == closing {
				return elems
			}
		}
		from := p.tok.from
		n, pr, isPair := p.listElement(what, len(elems) == 0)
		if isPair {
			if pairs == nil {
				pairs = &hashLit{span: span{from: from}}
				elems = append(elems, pairs)
			}
			pairs.pairs = append(pairs.pairs, pr)
			pairs.to = p.prevEnd
		} else {
			_, block := n.(*blockPass)
			if pairs != nil && !block {
				p.unexpected(`"=>"`)
			}
			elems = append(elems, n)
		}
		if p.tok.kind == tNewline {
			p.next()
			if p.tok.kind != closing {
				p.unexpected(expected)
			}
			return elems
		}
		if p.tok.kind != tComma || p.wasCommand {
			if p.tok.kind != closing {
				p.unexpected(expected)
			}
			return elems
		}
		if _, block := n.(*blockPass); block && !isPair {
			p.unexpected(`")"`)
		}
		p.next()
	}
}

// listElement parses one element: a value, a splat, a block argument or a
// pair of a hash.
func (p *parser) listElement(what listKind, first bool) (n node, pr pair, isPair bool) {
	p.wasCommand = false
	from := p.tok.from
	switch p.tok.kind {
	case tSplat:
		p.next()
		if what != listArray && (p.tok.kind == tComma || p.tok.kind == tRParen) {
			return &splat{span: span{from, p.prevEnd}}, pr, false
		}
		v := p.arg(false)
		return &splat{span: span{from, p.prevEnd}, value: v}, pr, false
	case tAmper:
		if what == listArray {
			break
		}
		p.next()
		if p.tok.kind == tRParen {
			return &blockPass{span: span{from, p.prevEnd}}, pr, false
		}
		v := p.arg(false)
		return &blockPass{span{from, p.prevEnd}, v}, pr, false
	case tBDot:
		if p.tok.text == "..." && what == listArgs {
			p.next()
			if p.tok.kind == tRParen {
				return &opaque{span{from, p.prevEnd}, "..."}, pr, false
			}
			high := p.binary(precRange+1, false)
			return &rangeLit{span{from, p.prevEnd}, nil, high, true}, pr, false
		}
	}
	if pr, ok := p.pairStart(); ok {
		return nil, pr, true
	}
	v := p.arg(what != listArray && first)
	if p.tok.kind == tArrow && !p.wasCommand {
		p.next()
		return nil, pair{v, p.arg(false)}, true
	}
	return v, pr, false
}

// pairStart parses the forms of a pair that can be told by their first token:
// label: v, "label": v, **hash.
func (p *parser) pairStart() (pr pair, ok bool) {
	t := p.tok
	switch {
	case t.kind == tLabel:
		key := &symLit{span: span{t.from, t.to}, name: t.text}
		p.next()
		return pair{key, p.labelValue(key)}, true
	case t.kind == tString && t.label:
		lit, label := p.stringToken()
		if !label {
			p.injected = lit
			return pair{}, false
		}
		key := &symLit{lit.span, lit.text, lit.parts}
		return pair{key, p.arg(false)}, true
	case t.kind == tDSplat:
		p.next()
		return pair{nil, p.arg(false)}, true
	}
	return pair{}, false
}

// labelValue parses the value behind "name:"; without one it is the variable
// or method of that name.
func (p *parser) labelValue(key *symLit) node {
	switch p.tok.kind {
	case tComma, tRBrace, tRParen, tRBrack, tNewline, tEOF, tSemicolon:
		if p.tok.kind == tEOF {
			p.unexpected("a value")
		}
		if c := key.name[len(key.name)-1]; c == '?' || c == '!' {
			p.unexpected("a value")
		}
		if p.isLocal(key.name) {
			return &localVar{key.span, key.name}
		}
		if c := key.name[0]; c >= 'A' && c <= 'Z' {
			return &constant{span: key.span, name: key.name}
		}
		return &call{span: key.span, name: key.name, nameAt: key.span}
	}
	return p.arg(false)
}

// hash parses { … } as a value.
func (p *parser) hash() node {
	h := &hashLit{span: span{from: p.tok.from}, braces: true}
	p.next()
	p.inBrackets(func() node {
		p.hashPairs(h)
		return nil
	})
	p.next()
	p.wasCommand = false
	h.to = p.prevEnd
	return h
}

func (p *parser) hashPairs(h *hashLit) {
	for {
		if len(h.pairs) == 0 {
			p.skipNewline()
		}
		if p.tok.kind == tRBrace {
			return
		}
		pr, ok := p.pairStart()
		if !ok {
			key := p.arg(false)
			if p.tok.kind != tArrow {
				p.unexpected(`"=>" after a hash key`)
			}
			p.next()
			pr = pair{key, p.arg(false)}
		}
		h.pairs = append(h.pairs, pr)
		if p.tok.kind == tComma {
			p.next()
			continue
		}
		p.skipNewline()
		if p.tok.kind != tRBrace {
			p.unexpected(`"," or "}"`)
		}
		return
	}
}

// keywordPrimary parses the values and constructs that start with a keyword.
func (p *parser) keywordPrimary(command bool) node {
	t := p.tok
	s := span{t.from, t.to}
	switch t.kw {
	case kwNil, kwTrue, kwFalse, kwSelf, kwFile, kwLine, kwEncoding, kwRedo, kwRetry:
		p.next()
		return &simple{s, t.kw}
	case kwIf, kwUnless:
		return p.ifStatement()
	case kwWhile, kwUntil:
		return p.whileStatement()
	case kwFor:
		return p.forStatement()
	case kwCase:
		return p.caseStatement()
	case kwBegin:
		return p.beginStatement()
	case kwDef:
		return p.defStatement()
	case kwClass, kwModule:
		return p.classStatement()
	case kwReturn, kwBreak, kwNext:
		return p.jump(command)
	case kwYield, kwSuper:
		return p.yieldSuper(command)
	case kwNot:
		p.next()
		if p.tok.kind == tLParenCall {
			return p.notCall(t.from)
		}
		p.unexpected(`"("`)
	}
	p.unexpected("a value")
	return nil
}

func (p *parser) jump(command bool) node {
	t := p.tok
	p.next()
	j := &jump{word: t.kw}
	if command && p.startsArgument() {
		args := p.commandArgs()
		j.value = args[0]
		if len(args) > 1 {
			j.value = &arrayLit{span: span{args[0].at().from, p.prevEnd}, elems: args}
		}
		p.wasCommand = true
	}
	j.span = span{t.from, p.prevEnd}
	return j
}

func (p *parser) yieldSuper(command bool) node {
	t := p.tok
	p.next()
	var args []node
	wasCommand := false
	switch {
	case p.tok.kind == tLParenCall:
		p.next()
		args = p.list(tRParen, `"," or ")"`, listArgs)
	case command && p.startsArgument():
		args = p.commandArgs()
		wasCommand = true
	}
	p.wasCommand = wasCommand
	s := span{t.from, p.prevEnd}
	if t.kw == kwSuper {
		return &opaque{s, "super"}
	}
	return &yield{s, args}
}

// startsArgument reports whether the current token starts the first argument
// of a call without parentheses.
func (p *parser) startsArgument() bool {
	switch p.tok.kind {
	case tIdent, tMethodID, tConstant, tIvar, tCvar, tGvar, tLabel, tInt, tFloat, tRational,
		tString, tXString, tRegexp, tWords, tSymbols, tSymbol, tDSymbol, tHeredoc, tChar,
		tLParen, tLParenArg, tLBrack, tLBrace, tLambda, tBang, tTilde, tUPlus, tUMinus, tUMinusNum,
		tSplat, tDSplat, tAmper, tColon3, tBDot:
		return true
	case tKeyword:
		switch p.tok.kw {
		case kwNil, kwTrue, kwFalse, kwSelf, kwFile, kwLine, kwEncoding, kwIf, kwUnless, kwWhile, kwUntil,
			kwFor, kwCase, kwBegin, kwDef, kwClass, kwModule, kwYield, kwSuper, kwNot, kwDefined, kwRedo, kwRetry:
			return true
		}
	}
	return false
}

// isSetterName reports whether a method name ends in = (def name=).
func isSetterName(name string) bool { return strings.HasSuffix(name, "=") }
