package gitlabrb

import (
	"bytes"
	"strings"
)

// lexer cuts a source text into tokens, one at a time, as the parser asks for
// them: what a character means depends on the token before it and on which
// names are local variables.
type lexer struct {
	src       []byte
	pos       int
	state     state
	cmdStart  bool // the next name may start a command call
	lineEnd   int  // where the text continues after heredocs of this line; 0: none
	heredocs  []heredocSpan
	endOfFile int // len(src), or where __END__ or a NUL stands

	afterAssign bool // "=\\ " is allowed there

	skipFrom int // comments from here to skipTo were looked at already
	skipTo   int
	trivia   *[]trivia // when set, comments and line breaks are collected

	isLocal func(name string) bool
	kwargNL bool // newline after a label ends the list (block parameters)
	fail    func(from, to int, message string)
}

// heredocSpan remembers which bytes are the body of which heredoc.
type heredocSpan struct {
	tag      span // <<~TAG
	body     span // from the first body line to the end of the terminator line
	indented bool
}

func (l *lexer) is(s state) bool { return l.state&s != 0 }

func (l *lexer) isAll(s state) bool { return l.state&s == s }

func (l *lexer) isBeg() bool { return l.is(sBegAny) || l.isAll(sArg|sLabeled) }

func (l *lexer) isArg() bool { return l.is(sArgAny) }

func (l *lexer) isEnd() bool { return l.is(sEndAny) }

// peek returns the byte n places ahead, 0 at the end.
func (l *lexer) peek(n int) byte {
	if l.pos+n < l.endOfFile {
		return l.src[l.pos+n]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isIdent(c byte) bool { return isIdentStart(c) || isDigit(c) }

// spcArg reports whether an ambiguous operator followed by c starts an
// argument: "foo -1" does, "foo - 1" and "foo-1" do not.
func (l *lexer) spcArg(spaced bool, c byte) bool {
	return l.isArg() && spaced && !isSpace(c) && c != 0
}

// next returns the next token.
func (l *lexer) next() token {
	cmd := l.cmdStart
	l.cmdStart = false
	spaced, newline := l.skipSpace()
	l.afterAssign = false
	t := token{from: l.pos, spaced: spaced}
	if newline >= 0 {
		t.kind, t.from, t.to = tNewline, newline, newline+1
		l.state, l.cmdStart = sBeg, true
		return t
	}
	if l.pos >= l.endOfFile {
		t.kind, t.from, t.to = tEOF, l.endOfFile, l.endOfFile
		return t
	}
	c := l.src[l.pos]
	switch {
	case isIdentStart(c):
		l.ident(&t, cmd)
	case isDigit(c):
		l.number(&t)
		l.state = sEnd
	default:
		l.operator(&t, c)
	}
	t.to = l.pos
	return t
}

// skipSpace skips white space, comments and newlines that end nothing. It
// returns the offset of a newline that does end a statement, or -1.
func (l *lexer) skipSpace() (spaced bool, newline int) {
	if l.skipTo > l.pos && l.skipFrom == l.pos && l.trivia == nil {
		l.pos, spaced = l.skipTo, true
		l.lineStart()
	}
	for l.pos < l.endOfFile {
		switch c := l.src[l.pos]; c {
		case ' ', '\t', '\f', '\v', '\r':
			l.pos++
			spaced = true
		case '\\':
			n := 1
			if l.peek(1) == '\r' {
				n = 2
			}
			if l.peek(1) == ' ' && l.afterAssign {
				l.pos += 2
				continue
			}
			if l.peek(n) != '\n' {
				return spaced, -1
			}
			l.pos += n
			l.lineBreak()
			spaced = true
		case '#':
			from := l.pos
			l.pos = l.lineStop(l.pos)
			l.note(trivia{span: span{from, l.pos}, comment: true})
		case '\n':
			at := l.pos
			l.lineBreak()
			spaced = true
			skip := l.is(sBeg|sClass|sFname|sDot) && !l.is(sLabeled)
			if !skip && l.isAll(sArg|sLabeled) {
				skip = !l.kwargNL
			}
			if skip || l.leadingDot() {
				l.note(trivia{span: span{at, l.pos}})
				continue
			}
			l.note(trivia{span: span{at, at + 1}, ends: true})
			return spaced, at
		default:
			return spaced, -1
		}
	}
	return spaced, -1
}

func (l *lexer) note(t trivia) {
	if l.trivia != nil {
		*l.trivia = append(*l.trivia, t)
	}
}

// lineStop returns the offset of the newline that ends the line of pos, or
// the end of the text.
func (l *lexer) lineStop(pos int) int {
	if i := bytes.IndexByte(l.src[pos:l.endOfFile], '\n'); i >= 0 {
		return pos + i
	}
	return l.endOfFile
}

// lineBreak steps over the newline at pos, over the bodies of heredocs that
// were opened on the line, and over =begin … =end blocks.
func (l *lexer) lineBreak() {
	l.pos++
	if l.lineEnd > 0 {
		l.pos, l.lineEnd = l.lineEnd, 0
	}
	l.lineStart()
}

// lineStart handles what has a meaning only at the start of a line.
func (l *lexer) lineStart() {
	for l.pos < l.endOfFile {
		rest := l.src[l.pos:l.endOfFile]
		switch {
		case rest[0] == '_' && isEndMarker(rest):
			l.endOfFile = l.pos
			return
		case rest[0] == '=' && isBlockComment(rest):
			at := l.pos
			for {
				l.pos = min(l.lineStop(l.pos)+1, l.endOfFile)
				line := l.src[l.pos:l.endOfFile]
				if len(line) == 0 {
					l.fail(l.endOfFile, l.endOfFile, `"=begin" comment is never closed: expected a line "=end"`)
				}
				if l.pos > at && bytes.HasPrefix(line, []byte("=end")) && (len(line) == 4 || isSpace(line[4])) {
					l.pos = min(l.lineStop(l.pos)+1, l.endOfFile)
					break
				}
			}
		default:
			return
		}
	}
}

func isEndMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("__END__"))
	return ok && (len(rest) == 0 || rest[0] == '\n' || bytes.HasPrefix(rest, []byte("\r\n")))
}

func isBlockComment(line []byte) bool {
	return bytes.HasPrefix(line, []byte("=begin")) && (len(line) == 6 || isSpace(line[6]))
}

// leadingDot reports whether the next line that is neither a comment nor
// blank continues the expression with .name or &.name.
func (l *lexer) leadingDot() bool {
	l.skipFrom, l.skipTo = l.pos, 0
	for i := l.pos; i < l.endOfFile; i++ {
		switch c := l.src[i]; c {
		case ' ', '\t', '\f', '\v', '\r':
		case '#':
			i = l.lineStop(i)
			l.skipTo = min(i+1, l.endOfFile)
			if i+1 < l.endOfFile && l.src[i+1] == '=' && isBlockComment(l.src[i+1:l.endOfFile]) {
				return false
			}
		case '.':
			if i+1 < l.endOfFile && l.src[i+1] != '.' {
				l.pos = i
				return true
			}
			return false
		case '&':
			if i+1 < l.endOfFile && l.src[i+1] == '.' {
				l.pos = i
				return true
			}
			return false
		default:
			return false
		}
	}
	return false
}

// lastComment returns the newline on which Ruby reports the one at pos: it has
// read the comment lines that follow by then.
func (l *lexer) lastComment(pos int) int {
	for {
		i := pos + 1
		for i < l.endOfFile && (l.src[i] == ' ' || l.src[i] == '\t') {
			i++
		}
		if i >= l.endOfFile || l.src[i] != '#' || l.lineEnd > 0 {
			return pos
		}
		stop := l.lineStop(i)
		if stop >= l.endOfFile {
			return i
		}
		pos = stop
	}
}

// ident reads a name, a keyword, a constant or a label.
func (l *lexer) ident(t *token, cmd bool) {
	last := l.state
	start := l.pos
	for l.pos < l.endOfFile && isIdent(l.src[l.pos]) {
		l.pos++
	}
	t.kind = tIdent
	if c := l.peek(0); (c == '!' || c == '?') && l.peek(1) != '=' {
		l.pos++
		t.kind = tMethodID
	} else if c := l.src[start]; c >= 'A' && c <= 'Z' {
		t.kind = tConstant
	}
	t.text = string(l.src[start:l.pos])
	if (l.is(sLabel|sEndFn) && !cmd || l.isArg()) && l.peek(0) == ':' && l.peek(1) != ':' {
		l.pos++
		l.state = sArg | sLabeled
		t.kind = tLabel
		return
	}
	if !l.is(sDot) {
		if kw, after, modifier := lookupKeyword(t.text); kw != kwNone {
			l.keyword(t, kw, after, modifier, last)
			return
		}
	}
	if last&sFname != 0 && t.kind != tMethodID && l.peek(0) == '=' {
		if d := l.peek(1); d != '~' && d != '>' && (d != '=' || l.peek(2) == '>') {
			l.pos++ // def name=(value)
			t.text += "="
		}
	}
	switch {
	case last&(sBegAny|sArgAny|sDot) != 0:
		l.state = sArg
		if cmd {
			l.state = sCmdArg
		}
	case last&sFname != 0:
		l.state = sEndFn
	default:
		l.state = sEnd
	}
	if last&(sDot|sFname) == 0 && t.kind == tIdent && l.isLocal(t.text) {
		l.state = sEnd | sLabel
	}
}

func (l *lexer) keyword(t *token, kw keyword, after state, modifier keyword, last state) {
	t.kind = tKeyword
	if last&sFname != 0 {
		l.state = sEndFn
		t.kw = kw
		return
	}
	l.state = after
	if after == sBeg {
		l.cmdStart = true
	}
	t.kw = kw
	if last&(sBegAny&^sMid|sLabeled) == 0 && modifier != kw {
		t.kw = modifier
		l.state = sBeg | sLabel
	}
}

// afterOperator is the state after an operator that may be a method name.
func (l *lexer) afterOperator() {
	if l.is(sFname | sDot) {
		l.state = sArg
	} else {
		l.state = sBeg
	}
}

// take makes the next n bytes the token.
func (l *lexer) take(t *token, k kind, n int) {
	t.kind = k
	t.text = string(l.src[l.pos : l.pos+n])
	l.pos += n
}

func (l *lexer) hasPrefix(s string) bool {
	return strings.HasPrefix(string(l.src[l.pos:min(l.pos+len(s), l.endOfFile)]), s)
}
