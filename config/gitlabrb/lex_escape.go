package gitlabrb

import (
	"unicode/utf8"
)

// runeLen is the length of the first UTF-8 character of s, at least 1.
func runeLen(s []byte) int {
	if len(s) == 0 || s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(s)
	return n
}

// escape reads one escape sequence of a double quoted string; pos stands
// after the backslash. fold is applied to the byte read (\C-x, \M-x).
func (l *lexer) escape(out []byte, fold func(byte) byte) []byte {
	start := l.pos - 1
	if l.pos >= l.endOfFile {
		l.fail(l.endOfFile, l.endOfFile, "unterminated string meets end of file")
	}
	c := l.src[l.pos]
	l.pos++
	emit := func(b byte) []byte {
		if fold != nil {
			b = fold(b)
		}
		return append(out, b)
	}
	switch c {
	case 'n':
		return emit('\n')
	case 't':
		return emit('\t')
	case 'r':
		return emit('\r')
	case 'f':
		return emit('\f')
	case 'v':
		return emit('\v')
	case 'a':
		return emit(7)
	case 'e':
		return emit(27)
	case 'b':
		return emit(8)
	case 's':
		return emit(' ')
	case 'x':
		return emit(l.hexEscape(start))
	case 'u':
		if fold != nil {
			l.fail(start, l.pos, "invalid escape sequence")
		}
		return l.unicodeEscape(out, start)
	case 'M', 'C', 'c':
		return l.controlEscape(out, c, start, fold)
	}
	if c >= '0' && c <= '7' {
		n := int(c - '0')
		for i := 0; i < 2 && l.peek(0) >= '0' && l.peek(0) <= '7'; i++ {
			n = n*8 + int(l.peek(0)-'0')
			l.pos++
		}
		return emit(byte(n))
	}
	if c >= utf8.RuneSelf && fold == nil {
		l.pos--
		return l.char(out)
	}
	return emit(c)
}

func (l *lexer) hexEscape(start int) byte {
	n, digits := 0, 0
	for digits < 2 && isBaseDigit(l.peek(0), 16) {
		n = n*16 + hexValue(l.peek(0))
		l.pos++
		digits++
	}
	if digits == 0 {
		l.fail(start, l.pos, `invalid hex escape: \x needs one or two hex digits`)
	}
	return byte(n)
}

func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a':
		return int(c-'a') + 10
	}
	return int(c-'A') + 10
}

// unicodeEscape reads what follows \u: four hexadecimal digits, or numbers in
// braces; pos stands after the u.
func (l *lexer) unicodeEscape(out []byte, start int) []byte {
	if l.peek(0) != '{' {
		n := 0
		for range 4 {
			if !isBaseDigit(l.peek(0), 16) {
				l.fail(start, l.pos, `invalid Unicode escape: \u needs four hex digits`)
			}
			n = n*16 + hexValue(l.peek(0))
			l.pos++
		}
		return l.appendRune(out, n, start)
	}
	l.pos++
	any := false
	for {
		for isSpace(l.peek(0)) {
			l.pos++
		}
		n, digits := 0, 0
		for isBaseDigit(l.peek(0), 16) && digits < 8 {
			n = n*16 + hexValue(l.peek(0))
			l.pos++
			digits++
		}
		if digits == 0 {
			break
		}
		any = true
		out = l.appendRune(out, n, start)
	}
	if !any || l.peek(0) != '}' {
		l.fail(start, l.pos, `invalid Unicode escape: expected hex digits and "}"`)
	}
	l.pos++
	return out
}

func (l *lexer) appendRune(out []byte, n, start int) []byte {
	if n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
		l.fail(start, l.pos, "invalid Unicode codepoint")
	}
	return utf8.AppendRune(out, rune(n))
}

// controlEscape reads \M-x, \C-x and \cx and their combinations.
func (l *lexer) controlEscape(out []byte, c byte, start int, fold func(byte) byte) []byte {
	if c != 'c' {
		if l.peek(0) != '-' {
			l.fail(start, l.pos, "invalid escape sequence")
		}
		l.pos++
	}
	outer := fold
	if outer == nil {
		outer = func(b byte) byte { return b }
	}
	apply := func(b byte) byte {
		switch {
		case c == 'M':
			return outer(b | 0x80)
		case b == '?':
			return outer(0x7f)
		}
		return outer(b & 0x9f)
	}
	if l.pos >= l.endOfFile {
		l.fail(start, l.pos, "invalid escape sequence")
	}
	b := l.src[l.pos]
	l.pos++
	if b == '\\' {
		return l.escape(out, apply)
	}
	if b >= utf8.RuneSelf {
		l.fail(start, l.pos, "invalid escape sequence")
	}
	return append(out, apply(b))
}

// char copies one character of the source; bytes that are no UTF-8 are
// refused, as Ruby does outside of comments.
func (l *lexer) char(out []byte) []byte {
	c := l.src[l.pos]
	if c < utf8.RuneSelf {
		l.pos++
		return append(out, c)
	}
	r, n := utf8.DecodeRune(l.src[l.pos:l.endOfFile])
	if r == utf8.RuneError && n <= 1 {
		l.fail(l.pos, l.pos+1, "invalid byte: the text is not UTF-8")
	}
	out = append(out, l.src[l.pos:l.pos+n]...)
	l.pos += n
	return out
}
