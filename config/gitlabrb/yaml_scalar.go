package gitlabrb

import (
	"math/big"
	"strconv"
	"strings"
)

// flow reads [a, b] and {a: b}; it returns what stands behind.
func (p *yamlParser) flow(text string, depth int) (v value, rest string) {
	if depth > 20 {
		p.refuse("nesting that is too deep")
	}
	open := text[0]
	text = strings.TrimLeft(text[1:], " ")
	a, h := newArray(), newHash()
	closing := byte(']')
	if open == '{' {
		closing = '}'
	}
	for first := true; ; first = false {
		if text == "" {
			p.refuse("a list over several lines")
		}
		if text[0] == closing {
			if open == '{' {
				return h, text[1:]
			}
			return a, text[1:]
		}
		if !first {
			if text[0] != ',' {
				p.refuse("a list of an unusual form")
			}
			text = strings.TrimLeft(text[1:], " ")
			if text == "" || text[0] == closing || text[0] == ',' {
				p.refuse("a list of an unusual form")
			}
		}
		var e value
		e, text = p.flowItem(text, depth)
		if open == '[' {
			if text != "" && text[0] == ':' {
				p.refuse("a list of an unusual form")
			}
			a.list = append(a.list, e)
			continue
		}
		if len(text) < 2 || text[0] != ':' || text[1] != ' ' {
			p.refuse("a mapping of an unusual form")
		}
		text = strings.TrimLeft(text[1:], " ")
		if _, ok := keyOf(e); !ok || text == "" {
			p.refuse("a mapping of an unusual form")
		}
		var item value
		item, text = p.flowItem(text, depth)
		h.set(e, item)
	}
}

func (p *yamlParser) flowItem(text string, depth int) (value, string) {
	switch text[0] {
	case '[', '{':
		v, rest := p.flow(text, depth+1)
		return v, strings.TrimLeft(rest, " ")
	case '\'', '"':
		s, rest, ok := quotedYAML(text)
		if !ok {
			p.refuse("a quoted value of an unusual form")
		}
		return newStr(s), strings.TrimLeft(rest, " ")
	}
	end := 0
	for end < len(text) && !strings.ContainsRune(",[]{}", rune(text[end])) {
		if text[end] == ':' && (end+1 == len(text) || strings.ContainsRune(" ,]}", rune(text[end+1]))) {
			break
		}
		if text[end] == '#' {
			p.refuse("a comment in a list")
		}
		end++
	}
	if end == 0 {
		p.refuse("a list of an unusual form")
	}
	return p.plain(strings.TrimRight(text[:end], " ")), text[end:]
}

// quotedYAML reads a quoted scalar on one line.
func quotedYAML(text string) (s, rest string, ok bool) {
	var b strings.Builder
	q := text[0]
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == q && q == '\'' && i+1 < len(text) && text[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case c == q:
			return b.String(), text[i+1:], true
		case c == '\\' && q == '"':
			i++
			if i >= len(text) {
				return "", "", false
			}
			r, known := map[byte]byte{'n': '\n', 't': '\t', '"': '"', '\\': '\\', '/': '/', 'r': '\r', '0': 0, 'e': 27}[text[i]]
			if !known {
				return "", "", false
			}
			b.WriteByte(r)
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// plain gives a plain scalar its type, as Psych does.
func (p *yamlParser) plain(s string) value {
	if s == "" {
		return nil
	}
	if strings.ContainsAny(s[:1], "[]{}&*!|>%@`?,#\"'") || s == "-" || strings.HasPrefix(s, "- ") || strings.Contains(s, ": ") ||
		strings.HasSuffix(s, ":") || strings.ContainsAny(s, "\t") || s == "---" || s == "..." || s == "=" || s == "<<" {
		p.refuse("a value of an unusual form")
	}
	switch strings.ToLower(s) {
	case "~", "null":
		if s == "~" || s == "null" || s == "Null" || s == "NULL" {
			return nil
		}
	case "true", "yes", "on":
		return true
	case "false", "no", "off":
		return false
	case ".inf", ".nan", "-.inf", "+.inf":
		p.refuse("a number of an unusual form")
	}
	if s[0] == ':' {
		if len(s) > 1 && isIdentStart(s[1]) && strings.IndexFunc(s[1:], func(r rune) bool { return r >= 0x80 || !isIdent(byte(r)) }) < 0 {
			return Symbol(s[1:])
		}
		p.refuse("a symbol of an unusual form")
	}
	return p.number(s)
}

// number reads plain numbers; what only looks like a number or a date is
// refused, the rest is text.
func (p *yamlParser) number(s string) value {
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(s)-len(digits) > 1 || !isDigit(digits[0]) && !(digits[0] == '.' && len(digits) > 1 && isDigit(digits[1])) {
		return newStr(s)
	}
	if strings.Trim(digits, "0123456789") == "" {
		if len(digits) > 1 && digits[0] == '0' {
			p.refuse("a number that starts with 0")
		}
		if len(digits) > maxDigits {
			p.refuse(tooManyDigits)
			return nil
		}
		n, _ := new(big.Int).SetString(s, 10)
		return norm(n)
	}
	dots := strings.Count(digits, ".")
	onlyDots := strings.Trim(digits, "0123456789.") == ""
	switch {
	case onlyDots && dots == 1 && digits[0] != '.' && digits[len(digits)-1] != '.':
		f, _ := strconv.ParseFloat(s, 64)
		return f
	case onlyDots && dots > 1 && digits == s && !strings.Contains(s, ".."):
		return newStr(s) // an address or a version
	case strings.Trim(strings.ToLower(digits), "0123456789.,_:+- abcdefotxz") == "":
		p.refuse("a value that looks like a number or a date")
	}
	return newStr(s)
}
