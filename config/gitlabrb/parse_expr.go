package gitlabrb

// Binding strengths of binary operators, weakest first.
const (
	precRange = iota + 1
	precOr
	precAnd
	precEqual
	precCompare
	precBitOr
	precBitAnd
	precShift
	precAdd
	precMul
	precUnaryMinus
	precPow
)

// binaryPrec returns how strongly the current token binds as a binary
// operator, 0 if it is none.
func (p *parser) binaryPrec() int {
	switch p.tok.kind {
	case tDot2:
		return precRange
	case tPipe:
		if p.noPipe {
			return 0
		}
		return precBitOr
	case tBinary:
	default:
		return 0
	}
	switch p.tok.text {
	case "||":
		return precOr
	case "&&":
		return precAnd
	case "==", "===", "!=", "=~", "!~", "<=>":
		return precEqual
	case "<", "<=", ">", ">=":
		return precCompare
	case "^":
		return precBitOr
	case "&":
		return precBitAnd
	case "<<", ">>":
		return precShift
	case "+", "-":
		return precAdd
	case "*", "/", "%":
		return precMul
	}
	return precPow
}

// arg parses an argument: operators, ranges, the ternary, assignments. With
// command a call without parentheses may stand first.
func (p *parser) arg(command bool) node {
	p.enter()
	n := p.binary(precRange, command)
	if p.tok.kind == tQuestion && !p.wasCommand {
		n = p.ternary(n)
	}
	p.leave()
	return n
}

func (p *parser) ternary(cond node) node {
	p.next()
	then := p.arg(false)
	p.skipNewline()
	if p.tok.kind == tLabel || p.tok.kind != tColon {
		p.unexpected(`":" of "? :"`)
	}
	p.next()
	otherwise := p.arg(false)
	p.wasCommand = false
	return &ifNode{span{cond.at().from, p.prevEnd}, cond, then, otherwise}
}

func (p *parser) binary(least int, command bool) node {
	p.enter()
	defer p.leave()
	left := p.unary(command)
	if p.wasCommand {
		return left
	}
	nonassoc := 0
	for {
		prec := p.binaryPrec()
		if prec == 0 || prec < least {
			return left
		}
		if prec == nonassoc {
			p.unexpected("no second comparison or range: use parentheses")
		}
		left = p.binaryRest(left, prec)
		nonassoc = 0
		if prec == precEqual || prec == precRange {
			nonassoc = prec
		}
	}
}

func (p *parser) binaryRest(left node, prec int) node {
	op, opAt := p.tok.text, span{p.tok.from, p.tok.to}
	p.checkValue(left)
	start := left.at().from
	p.next()
	if prec == precRange {
		var high node
		if !p.endsOperand() {
			high = p.binary(precRange+1, false)
		}
		return &rangeLit{span{start, p.prevEnd}, left, high, op == "..."}
	}
	next := prec + 1
	if prec == precPow {
		next = precPow
	}
	right := p.binary(next, false)
	if prec != precAnd && prec != precOr {
		p.checkValue(right)
	}
	s := span{start, p.prevEnd}
	if prec == precAnd || prec == precOr {
		return &logic{s, prec == precAnd, left, right}
	}
	return &call{span: s, recv: left, name: op, nameAt: opAt, args: []node{right}, op: true}
}

// endsOperand reports whether no value starts here: the end of "1..".
func (p *parser) endsOperand() bool {
	switch p.tok.kind {
	case tEOF, tNewline, tSemicolon, tRParen, tRBrack, tRBrace, tComma, tArrow, tColon, tBinary, tPipe:
		return true
	case tKeyword:
		switch p.tok.kw {
		case kwThen, kwDo, kwIfMod, kwUnlessMod, kwWhileMod, kwUntilMod, kwEnd, kwAnd, kwOr:
			return true
		}
	}
	return false
}

func (p *parser) unary(command bool) node {
	p.wasCommand = false
	start := p.tok.from
	if p.injected != nil {
		return p.operand(command)
	}
	switch p.tok.kind {
	case tBang:
		p.next()
		p.enter()
		v := p.unary(command)
		p.leave()
		return &not{span{start, p.prevEnd}, v}
	case tUMinusNum:
		p.next()
		return p.negativeNumber(start, command)
	case tUMinus:
		p.next()
		v := p.binary(precPow, false)
		return &call{span: span{start, p.prevEnd}, recv: v, name: "-@", op: true}
	case tUPlus, tTilde:
		name := "+@"
		if p.tok.kind == tTilde {
			name = "~"
		}
		p.next()
		p.enter()
		v := p.unary(false)
		p.leave()
		return &call{span: span{start, p.prevEnd}, recv: v, name: name, op: true}
	case tBDot:
		exclusive := p.tok.text == "..."
		p.next()
		high := p.binary(precRange+1, false)
		return &rangeLit{span{start, p.prevEnd}, nil, high, exclusive}
	case tKeyword:
		if p.tok.kw == kwDefined {
			return p.definedOperand(start, command)
		}
	}
	return p.operand(command)
}

func (p *parser) definedOperand(start int, command bool) node {
	p.next()
	if p.tok.kind == tLParenCall {
		p.next()
		v := p.inBrackets(p.expression)
		p.skipNewline()
		p.expect(tRParen, `")"`)
		p.injected = &defined{span{start, p.prevEnd}, v}
		return p.operand(command)
	}
	p.skipNewline()
	v := p.arg(false)
	return &defined{span{start, p.prevEnd}, v}
}

// negativeNumber parses -2 and -2 ** 2, which is -(2 ** 2).
func (p *parser) negativeNumber(start int, command bool) node {
	t := p.tok
	p.next()
	if p.tok.kind == tBinary && p.tok.text == "**" {
		left := numberNode(t, span{t.from, t.to}, false)
		v := p.binaryRest(left, precPow)
		return &call{span: span{start, p.prevEnd}, recv: v, name: "-@", op: true}
	}
	p.injected = numberNode(t, span{start, t.to}, true)
	return p.operand(command)
}

// operand parses a primary with its suffixes and, where it is a target that
// "=" follows, the assignment.
func (p *parser) operand(command bool) node {
	start := p.tok.from
	if p.injected != nil {
		start = p.injected.at().from
	}
	n := p.primary(command)
	n = p.suffixes(n, command)
	if p.noAssign || p.wasCommand {
		return n
	}
	switch p.tok.kind {
	case tAssign:
		p.checkAssignable(n)
		if p.assignable(n) {
			return p.assignment(n, command, start == p.stmtStart)
		}
	case tOpAssign:
		p.checkAssignable(n)
		if p.assignable(n) {
			return p.opAssignment(n, command)
		}
	}
	return n
}

// assignable reports whether n may stand left of "=".
func (p *parser) assignable(n node) bool {
	switch n := n.(type) {
	case *localVar, *otherVar, *constant:
		return true
	case *call:
		switch {
		case n.name == "[]" && n.parens && !n.op:
			return true
		case n.op || n.block != nil:
			return false
		case len(n.args) > 0 || n.parens:
			return false
		}
		c := n.name[len(n.name)-1]
		return c != '?' && c != '!' && isIdent(c)
	}
	return false
}

// checkValue refuses return, break and next where a value is needed.
func (p *parser) checkValue(n node) {
	if j, ok := n.(*jump); ok {
		at := p.tok.from
		p.fail(min(at, p.lex.endOfFile), min(at, p.lex.endOfFile), "void value expression: \""+string(p.file.src[j.from:min(j.from+6, j.to)])+"\" gives no value")
	}
}

// checkAssignable reports what Ruby refuses on sight.
func (p *parser) checkAssignable(n node) {
	switch n := n.(type) {
	case *simple:
		p.fail(n.from, n.to, "cannot assign to "+string(p.file.src[n.from:n.to]))
	case *constant:
		if p.inDef {
			p.fail(n.from, n.to, "a constant cannot be assigned inside of a method")
		}
	}
}

// target declares the local variable that an assignment makes.
func (p *parser) target(n node) node {
	if c, ok := n.(*call); ok && c.recv == nil && c.name != "[]" {
		p.declare(c.name)
		return &localVar{c.span, c.name}
	}
	return n
}

func (p *parser) assignment(n node, command, statement bool) node {
	n = p.target(n)
	p.next()
	start := n.at().from
	if command = command && (start == p.stmtStart || start == p.chainStart); command {
		p.chainStart = p.tok.from
	}
	if statement && p.tok.kind == tSplat {
		v := p.manyValues(nil)
		return &assign{span{start, p.prevEnd}, n, v}
	}
	v := p.arg(command)
	p.checkValue(v)
	switch {
	case p.wasCommand:
		if p.atKeyword(kwRescueMod) {
			v = p.rescueValue(v)
			p.wasCommand = true
		}
	case p.atKeyword(kwRescueMod):
		v = p.rescueValue(v)
	case statement && p.tok.kind == tComma:
		v = p.manyValues(v)
	}
	return &assign{span{start, p.prevEnd}, n, v}
}

// rescueValue parses "value rescue other".
func (p *parser) rescueValue(v node) node {
	p.next()
	alt := p.arg(p.wasCommand)
	return &begin{span: span{v.at().from, p.prevEnd}, body: v, rescues: []rescue{{body: alt}}}
}

// manyValues parses the rest of "a, *b, c" into an array.
func (p *parser) manyValues(first node) node {
	arr := &arrayLit{span: span{from: p.tok.from}}
	if first != nil {
		arr.from = first.at().from
		arr.elems = append(arr.elems, first)
		p.next()
	}
	for {
		if p.tok.kind == tSplat {
			from := p.tok.from
			p.next()
			v := p.arg(false)
			arr.elems = append(arr.elems, &splat{span: span{from, p.prevEnd}, value: v})
		} else {
			arr.elems = append(arr.elems, p.arg(false))
		}
		if p.tok.kind != tComma {
			break
		}
		p.next()
	}
	arr.to = p.prevEnd
	return arr
}

func (p *parser) opAssignment(n node, command bool) node {
	if c, ok := n.(*constant); ok && p.tok.text != "||" && p.tok.text != "&&" && c.scope == nil && p.inDef {
		p.fail(n.at().from, n.at().to, "a constant cannot be assigned inside of a method")
	}
	n = p.target(n)
	op := p.tok.text
	p.next()
	start := n.at().from
	if command = command && (start == p.stmtStart || start == p.chainStart); command {
		p.chainStart = p.tok.from
	}
	v := p.arg(command)
	if p.atKeyword(kwRescueMod) {
		v = p.rescueValue(v)
	}
	return &opAssign{span{n.at().from, p.prevEnd}, n, op, v}
}

// multiAssign parses a, b = … with the first target already read, if any.
func (p *parser) multiAssign(start int, first node) node {
	m := &multiLHS{span: span{from: start}}
	if first != nil {
		m.targets = append(m.targets, p.target(first))
		p.next()
	}
	p.noAssign = true
	for p.tok.kind != tAssign {
		m.targets = append(m.targets, p.multiTarget())
		if p.tok.kind != tComma {
			break
		}
		p.next()
	}
	p.noAssign = false
	m.to = p.prevEnd
	if p.tok.kind != tAssign {
		p.unexpected(`"=" of a multiple assignment`)
	}
	p.next()
	var v node
	if p.tok.kind == tSplat {
		v = p.manyValues(nil)
	} else if v = p.arg(true); p.tok.kind == tComma && !p.wasCommand {
		v = p.manyValues(v)
	}
	if p.atKeyword(kwRescueMod) {
		v = p.rescueValue(v)
	}
	return &assign{span{start, p.prevEnd}, m, v}
}

func (p *parser) multiTarget() node {
	from := p.tok.from
	if p.tok.kind == tLParen {
		p.unsupported("a nested multiple assignment")
	}
	if p.tok.kind == tSplat {
		p.next()
		if p.tok.kind == tComma || p.tok.kind == tAssign {
			return &splat{span: span{from, p.prevEnd}}
		}
		v := p.multiTarget()
		return &splat{span: span{from, p.prevEnd}, value: v}
	}
	n := p.operand(false)
	p.checkAssignable(n)
	if !p.assignable(n) {
		p.unexpected("a variable to assign to")
	}
	return p.target(n)
}
