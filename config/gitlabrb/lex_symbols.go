package gitlabrb

// plainOperator reads the operators that need little context.
func (l *lexer) plainOperator(t *token, c byte) {
	d, e := l.peek(1), l.peek(2)
	switch {
	case c == '=' && d == '>':
		l.take(t, tArrow, 2)
		l.state = sBeg
	case c == '=' && d == '=' && e == '=':
		l.binary(t, 3)
	case c == '=' && (d == '=' || d == '~'), c == '>' && d == '=':
		l.binary(t, 2)
	case c == '=':
		l.take(t, tAssign, 1)
		l.afterAssign = true
		l.state = sBeg
	case c == '!':
		l.bang(t, d)
	case c == '>' && d == '>' && e == '=':
		l.opAssign(t, 2)
	case c == '>' && d == '>':
		l.binary(t, 2)
	case c == '>':
		l.binary(t, 1)
	case c == '~':
		l.take(t, tTilde, 1)
		if l.is(sFname|sDot) && l.peek(0) == '@' {
			l.pos++
		}
		l.afterOperator()
	case c == '^':
		if d == '=' {
			l.opAssign(t, 1)
		} else {
			l.binary(t, 1)
		}
	case c == '*':
		l.star(t, d, e)
	case c == '&':
		l.ampersand(t, d, e)
	case c == '|':
		l.pipe(t, d, e)
	case c == '+', c == '-':
		l.sign(t, c, d)
	default:
		l.fail(l.pos, l.pos+runeLen(l.src[l.pos:l.endOfFile]), "unexpected character")
	}
}

func (l *lexer) bang(t *token, d byte) {
	switch {
	case l.is(sFname | sDot):
		n := 1
		if d == '=' || d == '~' || d == '@' {
			n = 2
		}
		k := tBang
		if n == 2 && d != '@' {
			k = tBinary
		}
		l.take(t, k, n)
		l.state = sArg
	case d == '=' || d == '~':
		l.binary(t, 2)
	default:
		l.take(t, tBang, 1)
		l.state = sBeg
	}
}

func (l *lexer) star(t *token, d, e byte) {
	n, prefix := 1, tSplat
	after := d
	if d == '*' {
		n, prefix, after = 2, tDSplat, e
	}
	switch {
	case after == '=':
		l.opAssign(t, n)
	case l.spcArg(t.spaced, after), l.isBeg():
		l.take(t, prefix, n)
		l.afterOperator()
	default:
		l.binary(t, n)
	}
}

func (l *lexer) ampersand(t *token, d, e byte) {
	switch {
	case d == '&' && e == '=':
		l.opAssign(t, 2)
	case d == '&':
		l.take(t, tBinary, 2)
		l.state = sBeg
	case d == '=':
		l.opAssign(t, 1)
	case d == '.':
		l.take(t, tSafeDot, 2)
		l.state = sDot
	case l.spcArg(t.spaced, d), l.isBeg():
		l.take(t, tAmper, 1)
		l.afterOperator()
	default:
		l.binary(t, 1)
	}
}

func (l *lexer) pipe(t *token, d, e byte) {
	switch {
	case d == '|' && l.is(sBeg):
		// "{ ||" opens an empty parameter list: two single bars.
		l.take(t, tPipe, 1)
		l.state = sBeg | sLabel
	case d == '|' && e == '=':
		l.opAssign(t, 2)
	case d == '|':
		l.take(t, tBinary, 2)
		l.state = sBeg
	case d == '=':
		l.opAssign(t, 1)
	default:
		after := sBeg | sLabel
		if l.is(sFname | sDot) {
			after = sArg
		}
		l.take(t, tPipe, 1)
		l.state = after
	}
}

func (l *lexer) sign(t *token, c, d byte) {
	unary := tUPlus
	if c == '-' {
		unary = tUMinus
	}
	switch {
	case l.is(sFname | sDot):
		if d == '@' {
			l.take(t, unary, 2)
		} else {
			l.take(t, tBinary, 1)
		}
		l.state = sArg
	case d == '=':
		l.opAssign(t, 1)
	case c == '-' && d == '>':
		l.take(t, tLambda, 2)
		l.state = sEndFn
	case l.isBeg(), l.spcArg(t.spaced, d):
		l.take(t, unary, 1)
		if isDigit(d) && c == '+' {
			l.number(t)
			l.state = sEnd
			return
		}
		if isDigit(d) {
			t.kind = tUMinusNum
		}
		l.state = sBeg
	default:
		l.binary(t, 1)
	}
}
