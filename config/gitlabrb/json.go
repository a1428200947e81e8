package gitlabrb

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonMethod calls a method of the JSON module.
func (ev *evaluator) jsonMethod(n node, name string, args []value) (value, bool) {
	switch name {
	case "parse", "load":
		text, ok := textArg(args, 0)
		symbols, known := symbolizeOption(args)
		if !ok || !known || name == "load" && len(args) > 1 {
			break
		}
		return ev.parseJSON(n, text, symbols), true
	case "generate", "dump":
		if len(args) == 1 {
			return ev.jsonOf(n, args[0]), true
		}
	}
	return ev.undecided(n, "calls JSON."+name+", which is not evaluated"), true
}

// symbolizeOption reads symbolize_names: true.
func symbolizeOption(args []value) (symbols, known bool) {
	if len(args) < 2 {
		return false, true
	}
	h, ok := args[1].(*hash)
	if !ok || len(args) > 2 || h.size() != 1 {
		return false, false
	}
	v, has := h.get(Symbol("symbolize_names"))
	b, isBool := v.(bool)
	return b, has && isBool
}

func (ev *evaluator) parseJSON(n node, text string, symbols bool) value {
	ev.step(len(text) / 8)
	if !json.Valid([]byte(text)) {
		if strings.Contains(text, "/") || strings.Contains(text, "NaN") || strings.Contains(text, "Infinity") {
			return ev.undecided(n, "JSON of a form that is not read")
		}
		return ev.raise(n, "JSON::ParserError", "the text is no JSON")
	}
	if strings.Contains(text, `\ud`) || strings.Contains(text, `\uD`) || !utf8.ValidString(text) {
		return ev.undecided(n, "JSON of a form that is not read")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, problem := ev.jsonValue(n, d, symbols, 0)
	if problem != nil {
		return problem
	}
	return v
}

func (ev *evaluator) jsonValue(n node, d *json.Decoder, symbols bool, depth int) (v, problem value) {
	ev.step(1)
	if depth > 100 {
		return nil, ev.raise(n, "JSON::ParserError", "nested too deeply")
	}
	t, err := d.Token()
	if err != nil {
		return nil, ev.undecided(n, "JSON of a form that is not read")
	}
	switch t := t.(type) {
	case nil, bool:
		return t, nil
	case string:
		return newStr(t), nil
	case json.Number:
		if len(t) > maxDigits {
			return nil, ev.undecided(n, tooManyDigits)
		}
		if i, ok := new(big.Int).SetString(t.String(), 10); ok {
			return norm(i), nil
		}
		f, _ := strconv.ParseFloat(t.String(), 64)
		return f, nil
	case json.Delim:
		if t == '[' {
			a := newArray()
			for d.More() {
				e, problem := ev.jsonValue(n, d, symbols, depth+1)
				if problem != nil {
					return nil, problem
				}
				a.list = append(a.list, e)
			}
			_, _ = d.Token() // the text is valid: this is the closing bracket
			return a, nil
		}
		h := newHash()
		for d.More() {
			k, _ := d.Token()
			e, problem := ev.jsonValue(n, d, symbols, depth+1)
			if problem != nil {
				return nil, problem
			}
			name, _ := k.(string)
			if symbols {
				h.set(Symbol(name), e)
			} else {
				h.set(newStr(name), e)
			}
		}
		_, _ = d.Token()
		return h, nil
	}
	return nil, ev.undecided(n, "JSON of a form that is not read")
}

// jsonOf is to_json.
func (ev *evaluator) jsonOf(n node, v value) value {
	var b strings.Builder
	if u := ev.writeJSON(n, &b, v, 0); u != nil {
		return *u
	}
	ev.grow(b.Len())
	return newStr(b.String())
}

func (ev *evaluator) writeJSON(n node, b *strings.Builder, v value, depth int) *Undecided {
	ev.step(1)
	if b.Len() > maxBytes {
		ev.grow(maxBytes)
	}
	if u := tainted(v); u != nil {
		return u
	}
	if depth > 90 {
		u := ev.undecided(n, "JSON that is nested deeply")
		return &u
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool, int64, *big.Int:
		b.WriteString(inspect(v))
	case float64:
		text := formatFloat(v)
		if strings.ContainsAny(text, "IN") {
			u := ev.undecided(n, "JSON of a float that is no number")
			return &u
		}
		b.WriteString(text)
	case *str:
		return ev.writeJSONString(n, b, v.s)
	case Symbol:
		return ev.writeJSONString(n, b, string(v))
	case *array:
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			if u := ev.writeJSON(n, b, e, depth+1); u != nil {
				return u
			}
		}
		b.WriteByte(']')
	case *hash:
		b.WriteByte('{')
		for i, e := range v.live() {
			if i > 0 {
				b.WriteByte(',')
			}
			key, u := ev.toS(n, e.key)
			if u == nil {
				u = ev.writeJSONString(n, b, key)
			}
			if u != nil {
				return u
			}
			b.WriteByte(':')
			if u := ev.writeJSON(n, b, e.value, depth+1); u != nil {
				return u
			}
		}
		b.WriteByte('}')
	default:
		u := ev.undecided(n, "JSON of "+describe(v))
		return &u
	}
	return nil
}

func (ev *evaluator) writeJSONString(n node, b *strings.Builder, s string) *Undecided {
	if !utf8.ValidString(s) {
		u := ev.undecided(n, "JSON of a text that is not UTF-8")
		return &u
	}
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\f':
			b.WriteString(`\f`)
		case c == '\b':
			b.WriteString(`\b`)
		case c < 0x20:
			b.WriteString(`\u00` + hex2(c))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return nil
}
