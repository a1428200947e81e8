package gitlabrb

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is how a file writes things.
type style struct {
	eol    string
	quote  byte
	keyed  byte   // how a key is written in an index: ' " or :
	assign string // between a target and its value
}

// styleOf reads the style from the last setting of the same name, or from the
// first of the file.
func (f *File) styleOf(path []string) style {
	s := style{eol: "\n", quote: '\'', keyed: '\'', assign: " = "}
	if i := bytes.IndexByte(f.src, '\n'); i > 0 && f.src[i-1] == '\r' {
		s.eol = "\r\n"
	}
	var model *assign
	for _, stmt := range f.root.list {
		a, ok := stmt.(*assign)
		if !ok {
			continue
		}
		p, _, exact := target(a)
		if !exact || len(p) < 2 {
			continue
		}
		if model == nil || p[0] == path[0] {
			model = a
		}
	}
	if model == nil {
		return s
	}
	c := model.target.(*call)
	if t := f.src[c.args[0].at().from]; t == '"' || t == ':' {
		s.keyed = t
	}
	if between := f.src[c.to:model.value.at().from]; bytes.Equal(between, []byte("=")) {
		s.assign = "="
	}
	if f.src[model.value.at().from] == '"' {
		s.quote = '"'
	} else if _, text := model.value.(*strLit); !text && s.keyed == '"' {
		s.quote = '"'
	}
	return s
}

// target writes the left side of a setting.
func (s style) target(path []string) string {
	var b strings.Builder
	b.WriteString(path[0])
	for _, key := range path[1:] {
		b.WriteByte('[')
		if s.keyed == ':' && isWord(key) {
			b.WriteString(":" + key)
		} else {
			quote := style{quote: s.keyed}
			b.WriteString(quote.str(key))
		}
		b.WriteByte(']')
	}
	return b.String()
}

// isWord reports whether a key can be written as a symbol without quotes.
func isWord(key string) bool {
	return key != "" && isIdentStart(key[0]) && symbolLen([]byte(key)) == len(key)
}

func (s style) assignOp(path []string) string {
	if len(path) == 1 {
		return " "
	}
	return s.assign
}

// Quote writes a string as a Ruby literal that gives back exactly its bytes:
// in single quotes where that is readable, else in double quotes with escapes.
func Quote(s string) string { return style{quote: '\''}.str(s) }

// str writes a string literal.
func (s style) str(text string) string {
	plain := utf8.ValidString(text)
	for _, r := range text {
		if r < 0x20 || r == 0x7f || r >= utf8.RuneSelf && !unicode.IsPrint(r) {
			plain = false
		}
	}
	if plain && (s.quote != '"' || strings.ContainsAny(text, `"\#`)) {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
	}
	if utf8.ValidString(text) {
		return doubleQuoted(text)
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n <= 1 {
			b.WriteString(`\x` + hex2(text[i]))
		} else {
			d := doubleQuoted(text[i : i+n])
			if text[i] == '#' {
				d = `"\#"`
			}
			b.WriteString(d[1 : len(d)-1])
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}

// doubleQuoted writes a UTF-8 text in double quotes.
func doubleQuoted(s string) string { return inspectString(s) }

// ruby writes any value as a literal.
func (s style) ruby(v any) (string, error) {
	n, err := normalize(v, 0)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	s.write(&b, n)
	return b.String(), nil
}

func (s style) write(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("nil")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(formatFloat(v))
	case Symbol:
		b.WriteString(symbolText(string(v)))
	case string:
		b.WriteString(s.str(v))
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			s.write(b, e)
		}
		b.WriteByte(']')
	case *Hash:
		if v.Len() == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteString("{ ")
		first := true
		for k, e := range v.All() {
			if !first {
				b.WriteString(", ")
			}
			first = false
			s.write(b, k)
			b.WriteString(" => ")
			s.write(b, e)
		}
		b.WriteString(" }")
	}
}

// symbolText writes a symbol.
func symbolText(s string) string {
	if isWord(s) && s[0] < 0x80 {
		return ":" + s
	}
	q := style{quote: '"'}.str(s)
	return ":" + q
}

// normalize turns the Go values that Set takes into those of this package.
func normalize(v any, depth int) (any, error) {
	if depth > maxDepth/4 {
		return nil, fmt.Errorf("a value that is nested deeper than %d levels", maxDepth/4)
	}
	switch v := v.(type) {
	case nil, bool, int64, string, Symbol:
		return v, nil
	case *big.Int:
		return norm(v), nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		return norm(new(big.Int).SetUint64(v)), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v cannot be written as a number", v)
		}
		return v, nil
	case []string:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = e
		}
		return list, nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			n, err := normalize(e, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = n
		}
		return list, nil
	case map[string]string:
		h := &Hash{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			h.Set(k, v[k])
		}
		return h, nil
	case map[string]any:
		h := &Hash{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n, err := normalize(v[k], depth+1)
			if err != nil {
				return nil, err
			}
			h.Set(k, n)
		}
		return h, nil
	case *Hash:
		h := &Hash{}
		for k, e := range v.All() {
			n, err := normalize(e, depth+1)
			if err != nil {
				return nil, err
			}
			h.Set(k, n)
		}
		return h, nil
	case Undecided:
		return nil, fmt.Errorf("an undecided value cannot be written")
	}
	return nil, fmt.Errorf("a Go value of type %T cannot be written", v)
}
