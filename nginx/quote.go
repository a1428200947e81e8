package nginx

import (
	"fmt"
	"strings"
)

// quote writes any text (without NUL) as exactly one nginx parameter. The
// text keeps its variables: nginx has no way to write a literal "$".
func quote(text string) string {
	if bare(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 2)
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bare tells whether text reads back as itself without quotes.
func bare(text string) bool {
	if text == "" {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"'\;{}`, c) >= 0 || c == '#' && i == 0 {
			return false
		}
	}
	return true
}

// checkText refuses what cannot be one parameter of a configuration file.
func checkText(text string) error {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c == 0x7f {
			return fmt.Errorf("it holds the control character %#02x", c)
		}
	}
	if len(quote(text)) > maxToken-2 {
		return fmt.Errorf("it is %d bytes long, nginx reads at most %d", len(text), maxToken-2)
	}
	return nil
}

// checkLiteral is checkText for a place where nginx would expand a variable
// that nobody asked for.
func checkLiteral(text string) error {
	if strings.Contains(text, "$") {
		return fmt.Errorf(`it holds "$", which nginx would expand`)
	}
	if text == "" {
		return fmt.Errorf("it is empty")
	}
	return checkText(text)
}
