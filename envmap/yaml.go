package envmap

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// yamlQuote writes a text as a YAML double-quoted scalar on one line.
func yamlQuote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// yamlScalar reads a scalar that stands on one line: plain, single or double
// quoted, with a comment after it. null is true for null, ~ and nothing.
func yamlScalar(s string, line int) (text string, null bool, err error) {
	s = strings.Trim(s, " \t\r")
	if s == "" || s[0] == '#' {
		return "", true, nil
	}
	switch s[0] {
	case '"':
		text, rest, err := yamlDouble(s[1:], line)
		if err == nil {
			err = yamlEnd(rest, line)
		}
		return text, false, err
	case '\'':
		text, rest, err := yamlSingle(s[1:], line)
		if err == nil {
			err = yamlEnd(rest, line)
		}
		return text, false, err
	case '|', '>':
		return "", false, lineError(line, "block texts (| and >) are not read; write the value in double quotes on one line")
	case '{', '[', '&', '*', '!', '%', '@', '`', ',', ']', '}':
		return "", false, lineError(line, "a value that starts with %q has to stand in quotes", s[:1])
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = strings.TrimRight(s[:i], " \t")
	}
	switch {
	case s == "~" || s == "null" || s == "Null" || s == "NULL":
		return "", true, nil
	case strings.Contains(s, ": ") || strings.HasSuffix(s, ":") || strings.HasPrefix(s, "- ") || strings.HasPrefix(s, "? "):
		return "", false, lineError(line, "the value has to stand in quotes")
	}
	return s, false, nil
}

// yamlEnd allows nothing but a comment after a quoted scalar.
func yamlEnd(rest string, line int) error {
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed == "" || trimmed[0] == '#' && trimmed != rest {
		return nil
	}
	return lineError(line, "text after the closing quote")
}

func yamlSingle(s string, line int) (text, rest string, err error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '\'')
		if i < 0 {
			return "", "", lineError(line, "the quote is not closed on its line")
		}
		b.WriteString(s[:i])
		if !strings.HasPrefix(s[i:], "''") {
			return b.String(), s[i+1:], nil
		}
		b.WriteByte('\'')
		s = s[i+2:]
	}
}

func yamlDouble(s string, line int) (text, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			n, out, err := yamlEscape(s[i:], line)
			if err != nil {
				return "", "", err
			}
			b.WriteString(out)
			i += n - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", lineError(line, "the quote is not closed on its line")
}

// yamlEscape reads one escape at the start of s and says how long it is.
func yamlEscape(s string, line int) (int, string, error) {
	if len(s) < 2 {
		return 0, "", lineError(line, "the quote is not closed on its line")
	}
	if i := strings.IndexByte("0abtnvfre \"/\\NL_P\t", s[1]); i >= 0 {
		return 2, []string{
			"\x00", "\a", "\b", "\t", "\n", "\v", "\f", "\r", "\x1b", " ", "\"", "/", "\\", "\u0085", "\u2028", "\u00a0", "\u2029", "\t",
		}[i], nil
	}
	length := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if length == 0 || len(s) < 2+length {
		return 0, "", lineError(line, "an escape that YAML does not know")
	}
	n, err := strconv.ParseUint(s[2:2+length], 16, 32)
	if err != nil || n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
		return 0, "", lineError(line, "an escape that YAML does not know")
	}
	return 2 + length, string(rune(n)), nil
}

// yamlEntry is a line "key: value" or "- value" of a block.
type yamlEntry struct {
	line   int
	indent int
	key    string // "" for a list item
	item   bool
	value  string // as written
	err    error  // the line is not of that form; it matters only to who needs it
}

// yamlEntries reads a text of nested mappings and lists with one entry a line,
// which is what the formats here need. It is no general YAML reader: a line that
// it does not know carries an error, block texts are skipped.
func yamlEntries(data []byte) ([]yamlEntry, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not valid UTF-8")
	}
	var out []yamlEntry
	skip := -1 // lines deeper than this belong to a block text
	for i, text := range strings.Split(string(data), "\n") {
		text = strings.TrimRight(text, " \t\r")
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || trimmed[0] == '#' || trimmed == "---" && trimmed == text || trimmed == "..." {
			continue
		}
		e := yamlEntry{line: i + 1, indent: len(text) - len(trimmed)}
		if skip >= 0 && e.indent > skip {
			continue
		}
		skip = -1
		switch {
		case trimmed[0] == '\t':
			return nil, lineError(e.line, "a tab in the indentation")
		case trimmed == "-" || strings.HasPrefix(trimmed, "- "):
			e.item, e.value = true, strings.TrimLeft(trimmed[1:], " ")
		default:
			e.key, e.value, e.err = yamlKey(trimmed, e.line)
		}
		if v := strings.TrimLeft(e.value, " "); v != "" && (v[0] == '|' || v[0] == '>') {
			skip = e.indent
		}
		out = append(out, e)
	}
	return out, nil
}

func yamlKey(s string, line int) (key, value string, err error) {
	switch s[0] {
	case '"':
		key, value, err = yamlDouble(s[1:], line)
	case '\'':
		key, value, err = yamlSingle(s[1:], line)
	default:
		i := strings.Index(s+" ", ": ")
		if i < 0 {
			return "", "", lineError(line, "the line is no key: value")
		}
		key, value = s[:i], s[i:]
	}
	if err == nil && !strings.HasPrefix(value, ":") {
		return "", "", lineError(line, "a colon is missing after the key")
	}
	if err != nil {
		return "", "", err
	}
	return strings.TrimRight(key, " "), value[1:], nil
}
