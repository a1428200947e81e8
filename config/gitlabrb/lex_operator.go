package gitlabrb

// operator reads everything that is neither a name nor a number.
func (l *lexer) operator(t *token, c byte) {
	switch c {
	case '"':
		l.quote(t, tString, '"', 0, true)
	case '\'':
		l.quote(t, tString, '\'', 0, false)
	case '`':
		if l.is(sFname | sDot) {
			l.take(t, tMethodID, 1)
			l.afterName()
			return
		}
		l.quote(t, tXString, '`', 0, true)
	case '(':
		l.openParen(t)
	case '[':
		l.openBracket(t)
	case '{':
		l.openBrace(t)
	case ')':
		l.take(t, tRParen, 1)
		l.state = sEndFn
	case ']':
		l.take(t, tRBrack, 1)
		l.state = sEnd
	case '}':
		l.take(t, tRBrace, 1)
		l.state = sEnd
	case ',':
		l.take(t, tComma, 1)
		l.state = sBeg | sLabel
	case ';':
		l.take(t, tSemicolon, 1)
		l.state, l.cmdStart = sBeg, true
	case '@', '$':
		l.variable(t, c)
	case '?':
		l.question(t)
	case ':':
		l.colon(t)
	case '.':
		l.dot(t)
	case '/':
		l.slash(t)
	case '%':
		l.percent(t)
	case '<':
		l.less(t)
	default:
		l.plainOperator(t, c)
	}
}

// afterName is the state after an operator used as a method name.
func (l *lexer) afterName() {
	if l.is(sFname) {
		l.state = sEndFn
	} else {
		l.state = sArg
	}
}

func (l *lexer) quote(t *token, k kind, term, open byte, interp bool) {
	t.label = k == tString && (l.is(sLabel|sEndFn) && !l.cmdStart || l.isArg())
	t.kind, t.term, t.open, t.interp = k, term, open, interp
	l.pos++
	l.state = sBeg
}

func (l *lexer) openParen(t *token) {
	k := tLParenCall
	switch {
	case l.isBeg():
		k = tLParen
	case !t.spaced:
	case l.isArg() || l.isAll(sEnd|sLabel):
		k = tLParenArg
	}
	l.take(t, k, 1)
	l.state = sBeg | sLabel
}

func (l *lexer) openBracket(t *token) {
	k := tIndex
	switch {
	case l.is(sFname | sDot):
		n := 1
		if l.peek(1) == ']' {
			n = 2
			if l.peek(2) == '=' && l.peek(3) != '=' && l.peek(3) != '>' && l.peek(3) != '~' {
				n = 3
			}
		}
		if n > 1 {
			l.take(t, tMethodID, n)
			l.state = sArg
			return
		}
	case l.isBeg(), l.isArg() && (t.spaced || l.is(sLabeled)):
		k = tLBrack
	}
	l.take(t, k, 1)
	l.state = sBeg | sLabel
}

func (l *lexer) openBrace(t *token) {
	k := tLBrace
	if !l.is(sLabeled) && l.is(sArgAny|sEndAny) {
		k = tBlockBrace
	}
	l.take(t, k, 1)
	if k == tBlockBrace {
		l.state, l.cmdStart = sBeg, true
	} else {
		l.state = sBeg | sLabel
	}
}

func (l *lexer) variable(t *token, c byte) {
	start := l.pos
	l.pos++
	t.kind = tGvar
	if c == '@' {
		t.kind = tIvar
		if l.peek(0) == '@' {
			l.pos++
			t.kind = tCvar
		}
	}
	first := l.peek(0)
	switch {
	case isIdentStart(first):
		for l.pos < l.endOfFile && isIdent(l.src[l.pos]) {
			l.pos++
		}
	case c == '$' && isDigit(first):
		for isDigit(l.peek(0)) {
			l.pos++
		}
	case c == '$' && first > ' ' && first < 0x7f && first != '#' && first != '(' && first != ')' && first != '[' && first != ']' && first != '{' && first != '}' && first != '%' && first != '^' && first != '|':
		l.pos++
		if first == '-' && isIdent(l.peek(0)) {
			l.pos++
		}
	default:
		l.fail(start, l.pos+1, "a variable name must follow "+string(l.src[start:l.pos]))
	}
	t.text = string(l.src[start:l.pos])
	l.state = sEnd
	if l.is(sFname) {
		l.state = sEndFn
	}
}

func (l *lexer) question(t *token) {
	if l.isEnd() {
		l.take(t, tQuestion, 1)
		l.state = sBeg
		return
	}
	c := l.peek(1)
	switch {
	case c == 0 && l.pos+1 >= l.endOfFile:
		l.fail(l.pos, l.pos+1, `"?" must be followed by a character`)
	case isSpace(c), isIdent(c) && c < 0x80 && isIdent(l.peek(2)):
		l.take(t, tQuestion, 1)
		l.state = sBeg
		return
	}
	l.pos++
	t.kind = tChar
	if c == '\\' {
		var out []byte
		l.pos++
		out = l.escape(out, nil)
		t.text = string(out)
	} else {
		n := runeLen(l.src[l.pos:l.endOfFile])
		t.text = string(l.src[l.pos : l.pos+n])
		l.pos += n
	}
	l.state = sEnd
}

func (l *lexer) colon(t *token) {
	c := l.peek(1)
	if c == ':' {
		if l.isBeg() || l.is(sClass) || l.isArg() && t.spaced && !isSpace(l.peek(2)) {
			l.take(t, tColon3, 2)
			l.state = sBeg
			return
		}
		l.take(t, tColon2, 2)
		l.state = sDot
		return
	}
	if l.isEnd() || isSpace(c) || c == '#' || c == 0 {
		l.take(t, tColon, 1)
		l.state = sBeg
		return
	}
	if c == '"' || c == '\'' {
		l.pos++
		t.interp = c == '"'
		t.kind, t.term = tDSymbol, c
		l.pos++
		l.state = sBeg
		return
	}
	l.symbol(t)
}

// symbol reads :name and :operator.
func (l *lexer) symbol(t *token) {
	start := l.pos + 1
	n := symbolLen(l.src[start:l.endOfFile])
	if n == 0 {
		l.fail(l.pos, min(l.pos+2, l.endOfFile), "a name must follow \":\"")
	}
	t.kind, t.text = tSymbol, string(l.src[start:start+n])
	l.pos = start + n
	l.state = sEnd
}

// symbolLen returns how many bytes of s are a method or variable name.
func symbolLen(s []byte) int {
	i := 0
	for i < len(s) && i < 2 && (s[i] == '@' || i == 0 && s[i] == '$') {
		i++
	}
	j := i
	if j < len(s) && isIdentStart(s[j]) {
		for j < len(s) && isIdent(s[j]) {
			j++
		}
		if i == 0 && j < len(s) {
			next := byte(0)
			if j+1 < len(s) {
				next = s[j+1]
			}
			if (s[j] == '?' || s[j] == '!') && next != '=' ||
				s[j] == '=' && next != '=' && next != '~' && next != '>' {
				j++
			}
		}
		return j
	}
	for _, op := range [...]string{"[]=", "[]", "<=>", "===", "==", "=~", "!=", "!~", "!", "**", "*", "+@", "+", "-@", "-", "/", "%", "<<", "<=", "<", ">>", ">=", ">", "&", "|", "^", "~", "`"} {
		if len(s) >= len(op) && string(s[:len(op)]) == op {
			return len(op)
		}
	}
	return 0
}

func (l *lexer) dot(t *token) {
	beg := l.isBeg()
	switch {
	case l.hasPrefix("..."), l.hasPrefix(".."):
		n := 2
		if l.peek(2) == '.' {
			n = 3
		}
		k := tDot2
		if beg {
			k = tBDot
		}
		l.take(t, k, n)
		l.state = sBeg
	case isDigit(l.peek(1)):
		l.fail(l.pos, l.pos+2, "a number may not start with a dot: write 0"+string(l.src[l.pos:l.pos+2]))
	default:
		l.take(t, tDot, 1)
		l.state = sDot
	}
}

func (l *lexer) slash(t *token) {
	switch {
	case l.isBeg():
		l.quote(t, tRegexp, '/', 0, true)
	case l.peek(1) == '=':
		l.opAssign(t, 1)
	case l.spcArg(t.spaced, l.peek(1)):
		l.quote(t, tRegexp, '/', 0, true)
	default:
		l.binary(t, 1)
	}
}

// binary takes an n byte operator and the state that follows it.
func (l *lexer) binary(t *token, n int) {
	l.take(t, tBinary, n)
	l.afterOperator()
}

// opAssign takes an n byte operator and the = after it.
func (l *lexer) opAssign(t *token, n int) {
	l.take(t, tOpAssign, n)
	l.pos++
	l.afterAssign = true
	l.state = sBeg
}

// percent reads % as an operator or as the start of a literal.
func (l *lexer) percent(t *token) {
	c := l.peek(1)
	if !l.isBeg() {
		if c == '=' {
			l.opAssign(t, 1)
			return
		}
		if !l.spcArg(t.spaced, c) && !(l.is(sFitem) && c == 's') {
			l.binary(t, 1)
			return
		}
	}
	kindByte := byte('Q')
	n := 1
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		kindByte = c
		n = 2
	}
	term := l.peek(n)
	if term == 0 || isIdent(term) {
		l.fail(l.pos, min(l.pos+n+1, l.endOfFile), "unknown type of % literal: expected a delimiter such as ( after "+string(l.src[l.pos:l.pos+n]))
	}
	open := byte(0)
	switch term {
	case '(', '[', '{', '<':
		open = term
		term = map[byte]byte{'(': ')', '[': ']', '{': '}', '<': '>'}[term]
	}
	l.percentKind(t, kindByte)
	t.term, t.open = term, open
	l.pos += n + 1
	l.state = sBeg
}

func (l *lexer) percentKind(t *token, c byte) {
	switch c {
	case 'Q':
		t.kind, t.interp = tString, true
	case 'q':
		t.kind = tString
	case 'w', 'W':
		t.kind, t.interp = tWords, c == 'W'
	case 'i', 'I':
		t.kind, t.interp = tSymbols, c == 'I'
	case 'x':
		t.kind, t.interp = tXString, true
	case 'r':
		t.kind, t.interp = tRegexp, true
	case 's':
		t.kind = tDSymbol
	default:
		l.fail(l.pos, l.pos+2, "unknown type of % literal: expected one of %q %Q %w %W %i %I %s %r %x")
	}
}

func (l *lexer) less(t *token) {
	if l.peek(1) == '<' && !l.is(sDot|sClass) && !l.isEnd() && (!l.isArg() || l.is(sLabeled) || t.spaced) && l.heredocTag(t) {
		return
	}
	switch {
	case l.hasPrefix("<=>"):
		l.binary(t, 3)
	case l.hasPrefix("<<="):
		l.opAssign(t, 2)
	case l.hasPrefix("<<"), l.hasPrefix("<="):
		l.binary(t, 2)
	default:
		l.binary(t, 1)
	}
}
