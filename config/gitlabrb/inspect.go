package gitlabrb

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// toS is to_s, as interpolation calls it.
func (ev *evaluator) toS(n node, v value) (string, *Undecided) {
	if u := tainted(v); u != nil {
		return "", u
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case *str:
		return v.s, nil
	case Symbol:
		return string(v), nil
	case *object:
		return v.name, nil
	case *exception:
		if s, ok := v.r.message.(*str); ok {
			return s.s, nil
		}
	case *rangeVal:
		a, u := ev.toS(n, v.low)
		b, u2 := ev.toS(n, v.high)
		if u == nil {
			u = u2
		}
		return a + map[bool]string{false: "..", true: "..."}[v.exclusive] + b, u
	case bool, int64, *big.Int, float64, *array, *hash:
		return ev.inspect(n, v)
	}
	u := ev.undecided(n, "the text of "+describe(v))
	return "", &u
}

// inspect is inspect, as Ruby before 3.4 prints it.
func (ev *evaluator) inspect(n node, v value) (string, *Undecided) {
	w := inspector{steps: maxSteps - ev.steps}
	w.write(v, 0)
	ev.step(maxSteps - ev.steps - w.steps)
	ev.grow(w.b.Len())
	if w.unknown != nil {
		return "", w.unknown
	}
	if w.odd {
		u := ev.undecided(n, "the text of a value that is not evaluated")
		return "", &u
	}
	return w.b.String(), nil
}

// inspect prints any value for a key or a message of ours.
func inspect(v any) string {
	w := inspector{steps: 1000}
	w.write(v, 0)
	return w.b.String()
}

type inspector struct {
	b       strings.Builder
	steps   int
	unknown *Undecided
	odd     bool
}

func (w *inspector) write(v value, depth int) {
	if w.steps--; w.steps < 0 || depth > maxDepth || w.b.Len() > maxBytes/4 {
		w.odd = true
		return
	}
	if u := tainted(v); u != nil {
		w.unknown = u
		return
	}
	switch v := v.(type) {
	case nil:
		w.b.WriteString("nil")
	case bool:
		w.b.WriteString(strconv.FormatBool(v))
	case int64:
		w.b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		w.b.WriteString(v.String())
	case float64:
		w.b.WriteString(formatFloat(v))
	case string:
		w.b.WriteString(Quote(v))
	case *str:
		if !utf8.ValidString(v.s) {
			w.odd = true
		}
		w.b.WriteString(inspectString(v.s))
	case Symbol:
		w.b.WriteString(inspectSymbol(string(v)))
	case *array:
		w.b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				w.b.WriteString(", ")
			}
			w.write(e, depth+1)
		}
		w.b.WriteByte(']')
	case *hash:
		w.writeHash(v, depth)
	default:
		w.odd = true
	}
}

func (w *inspector) writeHash(h *hash, depth int) {
	w.b.WriteByte('{')
	for i, e := range h.live() {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.write(e.key, depth+1)
		w.b.WriteString("=>")
		w.write(e.value, depth+1)
	}
	w.b.WriteByte('}')
}

// inspectString prints a string as Ruby's String#inspect does.
func inspectString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '#' && i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '$' || s[i+1] == '@'):
			b.WriteString(`\#`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\v':
			b.WriteString(`\v`)
		case r == 8:
			b.WriteString(`\b`)
		case r == 7:
			b.WriteString(`\a`)
		case r == 27:
			b.WriteString(`\e`)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\x` + strings.ToUpper(hex2(byte(r))))
		case r < 0x7f || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			b.WriteString(`\u{` + strings.ToUpper(strconv.FormatInt(int64(r), 16)) + "}")
		default:
			h := strings.ToUpper(strconv.FormatInt(int64(r), 16))
			b.WriteString(`\u` + strings.Repeat("0", 4-len(h)) + h)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func hex2(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

func inspectSymbol(s string) string {
	if n := symbolLen([]byte(s)); n == len(s) && n > 0 {
		return ":" + s
	}
	return ":" + inspectString(s)
}

// formatFloat prints a float as Ruby does: 1.0, 1.0e+20.
func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mantissa, exp, _ := strings.Cut(s, "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return mantissa + "e" + exp
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func runeCount(s string) int64 { return int64(utf8.RuneCountInString(s)) }
