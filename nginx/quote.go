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
	if strings.Contains(text, `"`) && !strings.Contains(text, "'") {
		return quoteWith(text, '\'')
	}
	return quoteWith(text, '"')
}

func quoteWith(text string, mark byte) string {
	var b strings.Builder
	b.Grow(len(text) + 2)
	b.WriteByte(mark)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case mark, '\\':
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
	b.WriteByte(mark)
	return b.String()
}

// bare tells whether text reads back as itself without quotes.
func bare(text string) bool {
	if text == "" {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"';{}`, c) >= 0 || c == '#' && i == 0 {
			return false
		}
		// A backslash stays one before anything that nginx does not decode.
		if c == '\\' {
			if i+1 == len(text) || strings.IndexByte(`"'\trn`, text[i+1]) >= 0 {
				return false
			}
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

// checkSize accepts nginx's sizes: digits, then k, m or g.
func checkSize(text string) error {
	digits := strings.TrimRight(text, "kKmMgG")
	if len(text)-len(digits) > 1 || !isDigits(digits) {
		return fmt.Errorf("want a size such as 0, 512k, 100m or 1g")
	}
	return nil
}

// checkTime accepts nginx's times: numbers with ms, s, m, h, d, w, M or y.
func checkTime(text string) error {
	rest := text
	for rest != "" {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		rest = strings.TrimPrefix(rest, digits)
		unit := ""
		for _, u := range [...]string{"ms", "s", "m", "h", "d", "w", "M", "y"} {
			if strings.HasPrefix(rest, u) {
				unit = u
				break
			}
		}
		if digits == "" || len(digits) > 10 || unit == "" && rest != "" {
			return fmt.Errorf("want a time such as 60, 60s, 1h30m or 500ms")
		}
		rest = strings.TrimLeft(strings.TrimPrefix(rest, unit), " ")
	}
	if text == "" {
		return fmt.Errorf("it is empty")
	}
	return nil
}

func isDigits(text string) bool {
	return text != "" && len(text) <= 18 && strings.Trim(text, "0123456789") == ""
}

func checkFlag(text string) error {
	if !strings.EqualFold(text, "on") && !strings.EqualFold(text, "off") {
		return fmt.Errorf("want on or off")
	}
	return nil
}
