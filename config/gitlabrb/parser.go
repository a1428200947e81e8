package gitlabrb

import (
	"fmt"
	"strings"
)

// parser is a recursive descent parser for nearly all of Ruby's grammar: a
// file may hold what is never evaluated, and an error must be reported where
// Ruby reports it, so what is outside of the evaluated subset is parsed too.
type parser struct {
	file    *File
	lex     lexer
	tok     token
	prevEnd int // end of the token before tok
	errs    ErrorList

	scopes     []scope
	depth      int
	noDo       bool // "do" belongs to an outer while, until, for or command
	noPipe     bool // "|" ends the block parameters
	noAssign   bool // parsing a target: "=" is not ours
	inDef      bool
	wasCommand bool   // the operand just read was a call without parentheses
	stmtStart  int    // where the current statement starts
	chainStart int    // where the value of an assignment statement starts
	injected   node   // an operand that was read ahead
	inHeredoc  *token // the heredoc whose body is being read
}

// scope is the local variables of a method body; a block sees the scopes
// around it.
type scope struct {
	names map[string]struct{}
	block bool
}

// bailout carries a syntax error up to the statement that is given up.
type bailout struct{ eof bool }

func newParser(f *File) *parser {
	p := &parser{file: f, scopes: []scope{{}}, stmtStart: -1, chainStart: -1}
	p.lex = lexer{src: f.src, endOfFile: len(f.src), state: sBeg, cmdStart: true, isLocal: p.isLocal, fail: p.fail}
	if strings.HasPrefix(string(f.src[:min(3, len(f.src))]), "\ufeff") {
		p.lex.pos = 3
	}
	return p
}

// program parses the whole text, going on after an error where a new setting
// clearly starts.
func (p *parser) program() *seq {
	root := &seq{span: span{0, len(p.file.src)}}
	started := false
	for from := p.lex.pos; from >= 0; {
		from = p.chunk(root, &started)
	}
	return root
}

// chunk parses statements until the end (-1) or an error; then it returns
// where to go on.
func (p *parser) chunk(root *seq, started *bool) (resume int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case bailout:
			resume = -1
			if !r.eof && len(p.errs) < maxErrors {
				resume = p.resync()
			}
		default:
			panic(r)
		}
	}()
	if !*started {
		*started = true
		p.lex.lineStart()
	}
	p.advance(p.lex.pos)
	for {
		root.list = append(root.list, p.statements(tEOF).list...)
		if p.tok.kind == tEOF {
			return -1
		}
		if len(p.errs) > 0 { // "end" and the like: the rest of a construct already reported
			panic(bailout{})
		}
		p.unexpected("a new statement")
	}
}

// resync finds the next line that starts a setting, and prepares the lexer to
// go on there.
func (p *parser) resync() int {
	src := p.file.src
	at := p.tok.from
	if p.lex.pos > at {
		at = p.lex.pos
	}
	for {
		at = p.lex.lineStop(min(at, p.lex.endOfFile)) + 1
		if at >= p.lex.endOfFile {
			return -1
		}
		if startsSetting(src[at:p.lex.endOfFile]) {
			break
		}
	}
	fresh := newParser(p.file)
	fresh.errs, fresh.scopes = p.errs, p.scopes[:1]
	fresh.lex.heredocs = p.lex.heredocs
	fresh.lex.endOfFile = p.lex.endOfFile
	*p = *fresh
	p.lex.isLocal, p.lex.fail = p.isLocal, p.fail
	p.lex.pos = at
	return at
}

// startsSetting reports whether a line looks like name['…'] or name '…'.
func startsSetting(line []byte) bool {
	i := 0
	for i < len(line) && (line[i] == '_' || line[i] >= 'a' && line[i] <= 'z') {
		i++
	}
	if i == 0 || i+1 >= len(line) {
		return false
	}
	quote := func(c byte) bool { return c == '\'' || c == '"' }
	switch line[i] {
	case '[', '(':
		return quote(line[i+1]) || line[i+1] == ':'
	case ' ':
		return quote(line[i+1])
	}
	return false
}

// statements parses statements up to a token that cannot start one.
func (p *parser) statements(closing kind) *seq {
	s := &seq{span: span{from: p.tok.from}}
	for {
		for p.tok.kind == tNewline || p.tok.kind == tSemicolon {
			p.next()
		}
		if p.tok.kind == closing || p.endsStatements() {
			break
		}
		s.list = append(s.list, p.statement())
		if p.tok.kind != tNewline && p.tok.kind != tSemicolon && p.tok.kind != closing && !p.endsStatements() {
			p.unexpected("the end of the statement")
		}
	}
	s.to = max(p.prevEnd, s.from)
	return s
}

func (p *parser) endsStatements() bool {
	switch p.tok.kind {
	case tEOF, tRBrace, tRParen:
		return true
	case tKeyword:
		switch p.tok.kw {
		case kwEnd, kwElse, kwElsif, kwWhen, kwIn, kwRescue, kwEnsure:
			return true
		}
	}
	return false
}

// statement parses one statement with its modifiers.
func (p *parser) statement() node {
	p.enter()
	start := p.tok.from
	n := p.statementHead()
	for p.tok.kind == tKeyword {
		kw := p.tok.kw
		switch kw {
		case kwIfMod, kwUnlessMod:
			p.next()
			cond := p.expression()
			s := span{start, p.prevEnd}
			if kw == kwIfMod {
				n = &ifNode{span: s, cond: cond, then: n}
			} else {
				n = &ifNode{span: s, cond: cond, otherwise: n}
			}
		case kwWhileMod, kwUntilMod:
			p.next()
			cond := p.expression()
			_, block := n.(*begin)
			n = &while{span: span{start, p.prevEnd}, cond: cond, body: n, until: kw == kwUntilMod, after: block}
		case kwRescueMod:
			p.next()
			alt := p.statementHead()
			n = &begin{span: span{start, p.prevEnd}, body: n, rescues: []rescue{{body: alt}}}
		default:
			p.leave()
			return n
		}
	}
	p.leave()
	return n
}

func (p *parser) statementHead() node {
	start := p.tok.from
	saved := p.stmtStart
	p.stmtStart = start
	defer func() { p.stmtStart = saved }()
	if p.tok.kind == tKeyword {
		switch p.tok.kw {
		case kwAlias:
			return p.aliasStatement()
		case kwUndef:
			return p.undefStatement()
		case kwBEGIN, kwEND:
			return p.beginEndBlock()
		}
	}
	if p.tok.kind == tSplat {
		return p.multiAssign(start, nil)
	}
	n := p.expression()
	if p.tok.kind == tComma && !p.wasCommand && n.at().from == start && p.assignable(n) {
		return p.multiAssign(start, n)
	}
	return n
}

func (p *parser) aliasStatement() node {
	start := p.tok.from
	for range 2 {
		p.lex.state = sFname | sFitem
		p.next()
	}
	p.lex.state = sEnd
	p.next()
	return &opaque{span{start, p.prevEnd}, "alias"}
}

func (p *parser) undefStatement() node {
	start := p.tok.from
	for {
		p.lex.state = sFname | sFitem
		p.next()
		p.lex.state = sEnd
		p.next()
		if p.tok.kind != tComma {
			return &opaque{span{start, p.prevEnd}, "undef"}
		}
	}
}

func (p *parser) beginEndBlock() node {
	start, name := p.tok.from, p.tok.text
	p.next()
	if p.tok.kind != tBlockBrace && p.tok.kind != tLBrace {
		p.unexpected(`"{" after ` + name)
	}
	p.next()
	p.statements(tRBrace)
	p.expect(tRBrace, `"}"`)
	return &opaque{span{start, p.prevEnd}, name + " { }"}
}

// expression parses "not", "and" and "or" over arguments; a call without
// parentheses is allowed.
func (p *parser) expression() node {
	p.enter()
	left := p.notExpression()
	for p.tok.kind == tKeyword && (p.tok.kw == kwAnd || p.tok.kw == kwOr) {
		and := p.tok.kw == kwAnd
		p.next()
		right := p.notExpression()
		left = &logic{span{left.at().from, p.prevEnd}, and, left, right}
		p.wasCommand = true // no operator and no "," may follow
	}
	p.leave()
	return left
}

func (p *parser) notExpression() node {
	if p.tok.kind != tKeyword || p.tok.kw != kwNot {
		n := p.arg(true)
		if (p.tok.kind == tArrow || p.atKeyword(kwIn)) && !p.wasCommand {
			p.unsupported("pattern matching")
		}
		return n
	}
	start := p.tok.from
	p.next()
	if p.tok.kind == tLParenCall {
		p.injected = p.notCall(start)
		return p.arg(true)
	}
	p.enter()
	v := p.notExpression()
	p.leave()
	p.wasCommand = true
	return &not{span{start, p.prevEnd}, v}
}

// notCall parses not(x); the current token is "(".
func (p *parser) notCall(start int) node {
	p.next()
	var v node = &simple{span{p.tok.from, p.tok.from}, kwNil}
	if p.tok.kind != tRParen {
		v = p.inBrackets(p.expression)
	}
	p.skipNewline()
	p.expect(tRParen, `")"`)
	return &not{span{start, p.prevEnd}, v}
}

// --- helpers ---

func (p *parser) advance(end int) {
	p.prevEnd = end
	p.tok = p.lex.next()
}

func (p *parser) next() { p.advance(p.tok.to) }

func (p *parser) expect(k kind, what string) {
	if p.tok.kind != k {
		p.unexpected(what)
	}
	p.next()
}

func (p *parser) expectKeyword(kw keyword, what string) {
	if p.tok.kind != tKeyword || p.tok.kw != kw {
		p.unexpected(what)
	}
	p.next()
}

func (p *parser) atKeyword(kw keyword) bool { return p.tok.kind == tKeyword && p.tok.kw == kw }

func (p *parser) skipNewline() {
	if p.tok.kind == tNewline {
		p.next()
	}
}

// inBrackets parses something inside of ( ), [ ] or { }, where "do" and "|"
// have their plain meaning again.
func (p *parser) inBrackets(f func() node) node {
	noDo, noPipe, noAssign, kwargNL := p.noDo, p.noPipe, p.noAssign, p.lex.kwargNL
	p.noDo, p.noPipe, p.noAssign, p.lex.kwargNL = false, false, false, false
	n := f()
	p.noDo, p.noPipe, p.noAssign, p.lex.kwargNL = noDo, noPipe, noAssign, kwargNL
	return n
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.errs = append(p.errs, &Error{Pos: p.file.pos(min(p.tok.from, len(p.file.src))), Message: fmt.Sprintf("nested deeper than %d levels", maxDepth), Err: ErrUnsupported})
		panic(bailout{eof: true})
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) isLocal(name string) bool {
	for i := len(p.scopes) - 1; i >= 0; i-- {
		if _, ok := p.scopes[i].names[name]; ok {
			return true
		}
		if !p.scopes[i].block {
			return false
		}
	}
	return false
}

// checkReserved refuses _1 to _9 as names.
func (p *parser) checkReserved(name string) {
	if len(name) == 2 && name[0] == '_' && name[1] >= '1' && name[1] <= '9' {
		p.fail(p.prevEnd-2, p.prevEnd, name+" is reserved for the parameters of blocks")
	}
}

func (p *parser) declare(name string) {
	p.checkReserved(name)
	s := &p.scopes[len(p.scopes)-1]
	if p.isLocal(name) {
		return
	}
	if s.names == nil {
		s.names = make(map[string]struct{})
	}
	s.names[name] = struct{}{}
}

func (p *parser) fail(from, to int, message string) {
	at := p.file.pos(from)
	if from >= p.lex.endOfFile {
		at = p.file.eofPos(p.lex.endOfFile)
		if n := len(p.lex.heredocs); n > 0 && p.lex.heredocs[n-1].body.to == len(p.file.src) {
			at = p.file.pos(p.lex.heredocs[n-1].tag.to) // Ruby's line is still that of the tag
		}
	}
	p.errs = append(p.errs, &Error{Pos: at, Message: message})
	p.tok.from = max(p.tok.from, from)
	panic(bailout{eof: from >= p.lex.endOfFile || to > p.lex.endOfFile})
}

func (p *parser) unsupported(what string) {
	p.errs = append(p.errs, &Error{Pos: p.file.pos(p.tok.from), Message: what + " is not supported by this reader of gitlab.rb", Err: ErrUnsupported})
	panic(bailout{})
}

// failEOF reports a literal that is still open at the end of the text.
func (p *parser) failEOF(t token, what string) {
	p.fail(p.lex.endOfFile, p.lex.endOfFile, fmt.Sprintf("unterminated %s meets end of file: it began on line %d, expected %q", what, p.file.pos(t.from).Line, string(t.term)))
}

// unexpected reports the current token.
func (p *parser) unexpected(expected string) {
	if len(p.errs) > 0 && (p.tok.kind == tRBrace || p.tok.kind == tKeyword && p.endsStatements()) {
		panic(bailout{}) // a follow-up of an error already reported
	}
	if p.tok.kind == tEOF {
		p.fail(p.lex.endOfFile, p.lex.endOfFile, "unexpected end of file, expected "+expected)
	}
	if p.tok.kind == tNewline {
		p.tok.from = p.lex.lastComment(p.tok.from)
	}
	p.fail(p.tok.from, p.tok.to, "unexpected "+p.tokenText()+", expected "+expected+p.quoteHint())
}

// tokenText quotes the current token for a message.
func (p *parser) tokenText() string {
	if p.tok.kind == tNewline {
		return "end of line"
	}
	text := string(p.file.src[p.tok.from:min(p.tok.to, len(p.file.src))])
	if len(text) > 30 {
		text = text[:30] + "…"
	}
	return fmt.Sprintf("%q", text)
}

// quoteHint explains the usual cause of an error behind a string that spans
// lines: a quote is missing further up.
func (p *parser) quoteHint() string {
	src := p.file.src
	if p.prevEnd == 0 || p.prevEnd > len(src) || src[p.prevEnd-1] != '\'' && src[p.prevEnd-1] != '"' {
		return ""
	}
	line := src[p.file.lines()[p.file.pos(p.prevEnd-1).Line-1]:p.prevEnd]
	if strings.Count(string(line), string(src[p.prevEnd-1]))%2 == 1 {
		return "; is a quote missing on a line above?"
	}
	return ""
}
