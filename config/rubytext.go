package config

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// RubyText returns what Ruby's to_s prints for a gitlabrb value: nil is "", a
// Float keeps its ".0", lists and hashes come in inspect form ({"a"=>1}, as
// the Ruby 2.x and 3.x of the package wrote it). An undecided value has no
// text; it gives "" and must have been reported before.
func RubyText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case gitlabrb.Symbol:
		return string(v)
	case gitlabrb.Undecided:
		return ""
	}
	return rubyInspect(v)
}

// rubyInspect is Ruby's inspect.
func rubyInspect(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return rubyFloat(v)
	case string:
		return rubyQuote(v)
	case gitlabrb.Symbol:
		if plainSymbol(string(v)) {
			return ":" + string(v)
		}
		return ":" + rubyQuote(string(v))
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = rubyInspect(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *gitlabrb.Hash:
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, rubyInspect(k)+"=>"+rubyInspect(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case gitlabrb.Undecided:
		return "undecided"
	}
	return fmt.Sprint(v)
}

// rubyFloat prints the shortest text that reads back as the same number:
// plain from 1e-4 on and while it has a fraction or at most 15 digits, with an
// exponent otherwise.
func rubyFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e15 && a == math.Trunc(a)) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return mantissa + "e" + exponent
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// rubyQuote is String#inspect of a UTF-8 string.
func rubyQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch short := strings.IndexRune("\a\b\t\n\v\f\r\x1b", r); {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02X`, s[i])
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '#' && i+1 < len(s) && strings.IndexByte("{$@", s[i+1]) >= 0:
			b.WriteString(`\#`)
		case short >= 0:
			b.WriteByte('\\')
			b.WriteByte("abtnvfre"[short])
		case rubyPrints(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u{%X}`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}

// rubyPrints tells whether inspect leaves a character as it is. U+0085 counts
// as printable in Ruby's own tables.
func rubyPrints(r rune) bool {
	return r == 0x85 || unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs, unicode.Cf, unicode.Co)
}

// plainSymbol tells whether a symbol prints without quotes: an operator, or a
// name with an optional sigil in front or a ? ! = behind.
func plainSymbol(s string) bool {
	switch s {
	case "[]", "[]=", "+", "-", "*", "/", "%", "**", "+@", "-@", "!", "~", "`", "&", "|", "^", "<<", ">>",
		"<", "<=", ">", ">=", "==", "===", "!=", "=~", "!~", "<=>":
		return true
	}
	body := strings.TrimLeft(s, "@$")
	switch s[:len(s)-len(body)] {
	case "", "@", "@@", "$":
	default:
		return false
	}
	if body == s && s != "" && strings.IndexByte("?!=", s[len(s)-1]) >= 0 {
		body = s[:len(s)-1]
	}
	for i, r := range body {
		if r == '_' || r >= 0x80 || unicode.IsLetter(r) || unicode.IsDigit(r) && (i > 0 || s[0] == '$') {
			continue
		}
		return false
	}
	return body != ""
}
