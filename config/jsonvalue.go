package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// jsonValue is a JSON text taken apart without loss: members keep their order,
// scalars their exact spelling.
type jsonValue struct {
	kind    jsonKind
	raw     string   // scalars: the token as written
	keys    []string // objects: decoded names
	rawKeys []string // objects: names as written
	items   []*jsonValue
}

type jsonKind int

const (
	jsonScalar jsonKind = iota
	jsonArray
	jsonObject
)

// jsonDepth is Ruby's own limit of nesting.
const jsonDepth = 100

// parseJSON reads one JSON text. Of a repeated name the last value counts, in
// the first one's place, as in Ruby.
func parseJSON(name string, data []byte, limit int) (*jsonValue, error) {
	fail := func(offset int64, message string) error {
		return &gitlabrb.Error{Pos: posAt(name, data, offset), Message: message}
	}
	if len(data) > limit {
		return nil, fail(0, fmt.Sprintf("file is %d bytes, more than the %d that are read", len(data), limit))
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, fail(int64(i), "NUL byte: not a JSON text")
	}
	if !utf8.Valid(data) {
		return nil, fail(invalidUTF8(data), "byte that is not UTF-8: not a JSON text")
	}
	p := &jsonParser{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
	p.dec.UseNumber()
	v, err := p.value(0)
	if err == nil {
		if _, end := p.dec.Token(); end == io.EOF {
			return v, nil
		}
		return nil, fail(p.dec.InputOffset(), "unexpected text after the JSON value")
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fail(int64(len(data)), "not valid JSON: the text ends too early")
	case errors.As(err, &syntax):
		// The decoder's own words may quote one character, never a value. The
		// offset is that of the character, or the one behind it.
		at := syntax.Offset
		if at >= int64(len(data)) || !strings.Contains(syntax.Error(), "'"+string(rune(data[at]))+"'") {
			at--
		}
		return nil, fail(at, "not valid JSON: "+syntax.Error())
	}
	return nil, fail(p.dec.InputOffset(), "not valid JSON: "+err.Error())
}

type jsonParser struct {
	dec  *json.Decoder
	data []byte
}

// token returns the next token and its text as written.
func (p *jsonParser) token() (json.Token, string, error) {
	start := p.dec.InputOffset()
	tok, err := p.dec.Token()
	if err != nil {
		return nil, "", err
	}
	return tok, strings.TrimLeft(string(p.data[start:p.dec.InputOffset()]), " \t\r\n,:"), nil
}

func (p *jsonParser) value(depth int) (*jsonValue, error) {
	tok, raw, err := p.token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return &jsonValue{raw: raw}, nil
	}
	if depth == jsonDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", jsonDepth)
	}
	v := &jsonValue{kind: jsonArray}
	if delim == '{' {
		v.kind = jsonObject
	}
	for p.dec.More() {
		var key json.Token
		var rawKey string
		if v.kind == jsonObject {
			if key, rawKey, err = p.token(); err != nil {
				return nil, err
			}
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if v.kind == jsonArray {
			v.items = append(v.items, item)
			continue
		}
		v.put(key.(string), rawKey, item)
	}
	_, _, err = p.token()
	return v, err
}

func (v *jsonValue) index(name string) int {
	for i, k := range v.keys {
		if k == name {
			return i
		}
	}
	return -1
}

func (v *jsonValue) put(name, raw string, item *jsonValue) {
	if i := v.index(name); i >= 0 {
		v.items[i] = item
		return
	}
	v.keys, v.rawKeys, v.items = append(v.keys, name), append(v.rawKeys, raw), append(v.items, item)
}

func (v *jsonValue) get(name string) *jsonValue {
	if i := v.index(name); i >= 0 && v.kind == jsonObject {
		return v.items[i]
	}
	return nil
}

func (v *jsonValue) set(name string, item *jsonValue) { v.put(name, jsonQuote(name), item) }

func (v *jsonValue) remove(name string) {
	if i := v.index(name); i >= 0 {
		v.keys = append(v.keys[:i:i], v.keys[i+1:]...)
		v.rawKeys = append(v.rawKeys[:i:i], v.rawKeys[i+1:]...)
		v.items = append(v.items[:i:i], v.items[i+1:]...)
	}
}

func (v *jsonValue) clone() *jsonValue {
	w := *v
	w.keys, w.rawKeys = append([]string(nil), v.keys...), append([]string(nil), v.rawKeys...)
	w.items = make([]*jsonValue, len(v.items))
	for i, item := range v.items {
		w.items[i] = item.clone()
	}
	return &w
}

// pretty appends the value as Ruby's JSON.pretty_generate lays it out.
func (v *jsonValue) pretty(b []byte, indent string) []byte {
	brackets := "[]"
	switch {
	case v.kind == jsonScalar:
		return append(b, v.raw...)
	case v.kind == jsonObject:
		brackets = "{}"
	}
	if len(v.items) == 0 {
		return append(b, brackets...)
	}
	b = append(b, brackets[0])
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '\n'), indent...), "  "...)
		if v.kind == jsonObject {
			b = append(append(b, v.rawKeys[i]...), ": "...)
		}
		b = item.pretty(b, indent+"  ")
	}
	return append(append(append(b, '\n'), indent...), brackets[1])
}

// ruby converts to a gitlabrb value.
func (v *jsonValue) ruby() any {
	switch v.kind {
	case jsonArray:
		list := make([]any, len(v.items))
		for i, item := range v.items {
			list[i] = item.ruby()
		}
		return list
	case jsonObject:
		h := &gitlabrb.Hash{}
		for i, k := range v.keys {
			h.Set(k, v.items[i].ruby())
		}
		return h
	}
	switch {
	case v.raw == "null":
		return nil
	case v.raw == "true", v.raw == "false":
		return v.raw == "true"
	case strings.HasPrefix(v.raw, `"`):
		var s string
		// The token was read by the same decoder a moment ago.
		_ = json.Unmarshal([]byte(v.raw), &s)
		return s
	}
	if n, err := strconv.ParseInt(v.raw, 10, 64); err == nil {
		return n
	}
	if n, ok := new(big.Int).SetString(v.raw, 10); ok {
		return n
	}
	f, _ := strconv.ParseFloat(v.raw, 64)
	return f
}

// jsonOf converts a gitlabrb value. A symbol becomes a string, what JSON
// cannot say (NaN, an undecided value) null.
func jsonOf(v any) *jsonValue {
	switch v := v.(type) {
	case bool, int64, *big.Int:
		return &jsonValue{raw: rubyInspect(v)}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &jsonValue{raw: "null"}
		}
		return &jsonValue{raw: rubyFloat(v)}
	case string:
		return &jsonValue{raw: jsonQuote(v)}
	case gitlabrb.Symbol:
		return &jsonValue{raw: jsonQuote(string(v))}
	case []any:
		list := &jsonValue{kind: jsonArray}
		for _, item := range v {
			list.items = append(list.items, jsonOf(item))
		}
		return list
	case *gitlabrb.Hash:
		object := &jsonValue{kind: jsonObject}
		for k, item := range v.All() {
			object.set(RubyText(k), jsonOf(item))
		}
		return object
	}
	return &jsonValue{raw: "null"}
}

// jsonQuote quotes as Ruby's generator does: only quote, backslash and control
// characters are escaped.
func jsonQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\b':
			b.WriteString(`\b`)
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// posAt turns a byte offset into a place.
func posAt(name string, data []byte, offset int64) gitlabrb.Pos {
	offset = min(max(offset, 0), int64(len(data)))
	before := data[:offset]
	return gitlabrb.Pos{File: name, Line: 1 + bytes.Count(before, []byte("\n")), Col: len(before) - bytes.LastIndexByte(before, '\n')}
}

// invalidUTF8 is the offset of the first byte that is not UTF-8.
func invalidUTF8(data []byte) int64 {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return int64(i)
		}
		i += n
	}
	return 0
}

// JSONValue turns a gitlabrb value into what encoding/json prints in the same
// order and with the same numbers: hashes keep their order, symbols become
// text, what JSON cannot say (NaN, an undecided value) is null. Nothing is
// masked.
func JSONValue(v any) json.Marshaler { return rubyJSON{v} }

type rubyJSON struct{ v any }

func (r rubyJSON) MarshalJSON() ([]byte, error) { return []byte(compactJSON(r.v)), nil }
