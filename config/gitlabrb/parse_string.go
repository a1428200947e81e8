package gitlabrb

import (
	"bytes"
	"strings"
)

// textBuilder collects the parts of a string while it is read.
type textBuilder struct {
	buf   []byte
	from  int
	parts []node
}

func (b *textBuilder) flush(to int) {
	if len(b.buf) > 0 {
		b.parts = append(b.parts, &strLit{span: span{b.from, to}, text: string(b.buf)})
	}
	b.buf = b.buf[:0]
	b.from = to
}

// result makes a node of what was collected.
func (b *textBuilder) result(s span) *strLit {
	if len(b.parts) == 0 {
		return &strLit{span: s, text: string(b.buf)}
	}
	b.flush(s.to)
	return &strLit{span: s, parts: b.parts}
}

// stringToken reads the literal whose opening delimiter is the current token
// and moves on to the next token.
func (p *parser) stringToken() (lit *strLit, label bool) {
	t := p.tok
	b := textBuilder{from: p.lex.pos}
	p.stringText(&b, t)
	lit = b.result(span{t.from, p.lex.pos})
	p.lex.state = sEnd
	if t.label && t.kind == tString && p.lex.peek(0) == ':' && p.lex.peek(1) != ':' {
		p.lex.pos++
		p.lex.state = sArg | sLabeled
		p.advance(p.lex.pos)
		return lit, true
	}
	p.advance(p.lex.pos)
	return lit, false
}

// stringText reads up to and including the closing delimiter of t.
func (p *parser) stringText(b *textBuilder, t token) {
	l := &p.lex
	depth := 0
	for {
		if l.pos >= l.endOfFile {
			p.failEOF(t, "string")
		}
		c := l.src[l.pos]
		switch {
		case c == t.term && depth == 0:
			l.pos++
			return
		case c == t.term && t.open != 0:
			depth--
			b.buf = append(b.buf, c)
			l.pos++
		case c == t.open && t.open != 0:
			depth++
			b.buf = append(b.buf, c)
			l.pos++
		case c == '\\':
			p.stringEscape(b, t)
		case c == '#' && t.interp && p.interpolation(b):
		default:
			p.stringByte(b, c)
		}
	}
}

// stringByte copies one character; a line break is "\n" however it is
// written, and skips heredoc bodies that were opened on the line.
func (p *parser) stringByte(b *textBuilder, c byte) {
	l := &p.lex
	switch {
	case c == '\r' && l.peek(1) == '\n':
		l.pos++
	case c == '\n':
		b.buf = append(b.buf, c)
		l.pos++
		if l.lineEnd > 0 {
			l.pos, l.lineEnd = l.lineEnd, 0
		}
	default:
		b.buf = l.char(b.buf)
	}
}

func (p *parser) stringEscape(b *textBuilder, t token) {
	l := &p.lex
	l.pos++
	c := l.peek(0)
	if c == '\r' && l.peek(1) == '\n' {
		l.pos++
		c = '\n'
	}
	switch {
	case l.pos >= l.endOfFile:
		p.failEOF(t, "string")
	case t.kind == tRegexp:
		if c != t.term {
			b.buf = append(b.buf, '\\')
		}
		p.stringByte(b, c)
	case t.interp && c == '\n':
		l.pos++
		if l.lineEnd > 0 {
			l.pos, l.lineEnd = l.lineEnd, 0
		}
	case t.interp:
		b.buf = l.escape(b.buf, nil)
	case c == '\\' || c == t.term || c == t.open && t.open != 0:
		b.buf = append(b.buf, c)
		l.pos++
	default:
		b.buf = append(b.buf, '\\')
	}
}

// interpolation reads #{code}, #@var and #$var; false means the # is text.
func (p *parser) interpolation(b *textBuilder) bool {
	l := &p.lex
	switch c := l.peek(1); {
	case c == '{':
		from := l.pos
		b.flush(from)
		l.pos += 2
		if t := p.inHeredoc; t != nil && len(bytes.TrimSpace(l.src[l.pos:l.endOfFile])) == 0 {
			p.failHeredoc(*t)
		}
		body := p.nested(tRBrace)
		b.parts = append(b.parts, &seq{span{from, l.pos}, []node{body}})
		b.from = l.pos
		return true
	case c == '@' && (isIdentStart(l.peek(2)) || l.peek(2) == '@' && isIdentStart(l.peek(3))),
		c == '$' && (isIdent(l.peek(2)) || strings.IndexByte(specialGlobals, l.peek(2)) >= 0):
		from := l.pos
		b.flush(from)
		l.pos += 3
		for c := l.src[l.pos-1]; (c == '@' || isIdent(c)) && isIdent(l.peek(0)); {
			l.pos++
		}
		v := &otherVar{span{from + 1, l.pos}, string(l.src[from+1 : l.pos])}
		b.parts = append(b.parts, &seq{span{from, l.pos}, []node{v}})
		b.from = l.pos
		return true
	}
	return false
}

// specialGlobals are the characters that name a variable behind $.
const specialGlobals = "~*$?!@/\\;,.=:<>\"&`'+"

// nested parses statements up to the closing token of an interpolation and
// leaves the lexer just behind that token.
func (p *parser) nested(closing kind) node {
	saved, state := p.tok, p.lex.state
	noDo, noPipe, noAssign, wasCommand, stmtStart := p.noDo, p.noPipe, p.noAssign, p.wasCommand, p.stmtStart
	p.noDo, p.noPipe, p.noAssign = false, false, false
	p.enter()
	p.lex.state, p.lex.cmdStart = sBeg, true
	p.advance(p.lex.pos)
	body := p.statements(closing)
	if p.tok.kind != closing {
		p.unexpected(`"}"`)
	}
	p.leave()
	p.noDo, p.noPipe, p.noAssign, p.wasCommand, p.stmtStart = noDo, noPipe, noAssign, wasCommand, stmtStart
	p.tok, p.lex.state = saved, state
	return body
}

// words reads %w, %W, %i or %I.
func (p *parser) words() node {
	t := p.tok
	l := &p.lex
	arr := &arrayLit{words: true}
	depth := 0
	var b textBuilder
	open := false
	end := func() {
		if open {
			s := b.result(span{b.from, l.pos})
			if t.kind == tSymbols {
				arr.elems = append(arr.elems, &symLit{s.span, s.text, s.parts})
			} else {
				arr.elems = append(arr.elems, s)
			}
		}
		b, open = textBuilder{from: l.pos}, false
	}
	for {
		if l.pos >= l.endOfFile {
			p.failEOF(t, "list")
		}
		c := l.src[l.pos]
		if isSpace(c) {
			end()
			p.stringByte(&textBuilder{}, c)
			b.from = l.pos
			continue
		}
		if c == t.term && depth == 0 {
			end()
			l.pos++
			break
		}
		open = true
		switch {
		case c == t.term && t.open != 0:
			depth--
			b.buf = append(b.buf, c)
			l.pos++
		case c == t.open && t.open != 0:
			depth++
			b.buf = append(b.buf, c)
			l.pos++
		case c == '\\' && isSpace(l.peek(1)):
			l.pos++
			p.stringByte(&b, l.src[l.pos])
		case c == '\\':
			p.stringEscape(&b, t)
		case c == '#' && t.interp && p.interpolation(&b):
		default:
			b.buf = l.char(b.buf)
		}
	}
	arr.span = span{t.from, l.pos}
	l.state = sEnd
	p.advance(l.pos)
	return arr
}

// regexp reads a regular expression and its flags.
func (p *parser) regexp() node {
	t := p.tok
	b := textBuilder{from: p.lex.pos}
	p.stringText(&b, t)
	b.flush(p.lex.pos)
	from := p.lex.pos
	for c := p.lex.peek(0); c >= 'a' && c <= 'z'; c = p.lex.peek(0) {
		if !strings.ContainsRune("imxounse", rune(c)) {
			p.fail(p.lex.pos, p.lex.pos+1, "unknown regexp option")
		}
		p.lex.pos++
	}
	n := &regexLit{span{t.from, p.lex.pos}, b.parts, string(p.lex.src[from:p.lex.pos])}
	p.lex.state = sEnd
	p.advance(p.lex.pos)
	return n
}
