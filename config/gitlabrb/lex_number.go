package gitlabrb

import (
	"math/big"
	"strconv"
	"strings"
)

// number reads an integer or float literal; token.text is what Go's parsers
// read (prefix kept, underscores gone).
func (l *lexer) number(t *token) {
	start := l.pos
	t.kind = tInt
	if l.src[l.pos] == '0' && l.prefixedNumber(t, start) {
		return
	}
	l.digits(start, 10)
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		t.kind = tFloat
		l.pos++
		l.digits(start, 10)
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		sign := 1
		if d := l.peek(1); d == '+' || d == '-' {
			sign = 2
		}
		if isDigit(l.peek(sign)) {
			t.kind = tFloat
			l.pos += sign
			l.digits(start, 10)
		}
	}
	l.finishNumber(t, start)
}

// prefixedNumber reads 0x, 0b, 0o, 0d and 0-prefixed octal numbers.
func (l *lexer) prefixedNumber(t *token, start int) bool {
	base, skip := 8, 2
	switch c := l.peek(1); {
	case c == 'x' || c == 'X':
		base = 16
	case c == 'b' || c == 'B':
		base = 2
	case c == 'd' || c == 'D':
		base = 10
	case c == 'o' || c == 'O':
	case isDigit(c) || c == '_':
		skip = 1
	default:
		return false
	}
	l.pos += skip
	if skip == 2 && !isBaseDigit(l.peek(0), base) {
		if base == 8 && isDigit(l.peek(0)) {
			l.fail(start, l.pos+1, "invalid octal digit")
		}
		l.fail(start, l.pos, "number without digits")
	}
	l.digits(start, base)
	if base == 8 && isDigit(l.peek(0)) {
		l.fail(start, l.pos+1, "invalid octal digit: a number that starts with 0 is octal")
	}
	l.finishNumber(t, start)
	if base == 10 { // 0d12
		t.text = strings.TrimLeft(t.text[2:], "0")
		if t.text == "" {
			t.text = "0"
		}
	}
	return true
}

func isBaseDigit(c byte, base int) bool {
	switch {
	case isDigit(c):
		return int(c-'0') < base
	case base == 16:
		return c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	}
	return false
}

// digits reads digits with single underscores between them.
func (l *lexer) digits(start, base int) {
	last := byte(0)
	for {
		c := l.peek(0)
		if c == '_' && last == '_' {
			break
		}
		if c != '_' && !isBaseDigit(c, base) {
			break
		}
		last = c
		l.pos++
	}
	if last == '_' {
		l.fail(start, l.pos, `trailing "_" in number`)
	}
}

func (l *lexer) finishNumber(t *token, start int) {
	t.text = strings.ReplaceAll(string(l.src[start:l.pos]), "_", "")
	suffix := 0
	if l.peek(suffix) == 'r' {
		suffix++
	}
	if l.peek(suffix) == 'i' {
		suffix++
	}
	if suffix > 0 && !isIdent(l.peek(suffix)) {
		t.kind = tRational
		l.pos += suffix
	}
}

// tooManyDigits is why a text is not read as an integer.
var tooManyDigits = "a number of more than " + itoa(maxDigits) + " digits"

// numberNode turns the text of a number token into a node.
func numberNode(t token, s span, negative bool) node {
	text := t.text
	if negative {
		text = "-" + text
	}
	switch t.kind {
	case tFloat:
		f, _ := strconv.ParseFloat(text, 64) // out of range gives ±Inf, as in Ruby
		return &floatLit{s, f}
	case tRational:
		return &opaque{s, "a rational or complex number"}
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return &intLit{span: s, n: n}
	}
	if len(text) > maxDigits {
		return &opaque{s, tooManyDigits}
	}
	n, ok := new(big.Int).SetString(text, 0)
	if !ok {
		return &opaque{s, "the number " + text}
	}
	return &intLit{span: s, big: n}
}
