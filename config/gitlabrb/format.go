package gitlabrb

import (
	"fmt"
	"math/big"
	"strings"
)

// format is format, sprintf and String#%.
func (ev *evaluator) format(n node, args []value) value {
	template, ok := textArg(args, 0)
	if !ok {
		if len(args) > 0 {
			if u := tainted(args[0]); u != nil {
				return *u
			}
		}
		return ev.raise(n, "ArgumentError", "format needs a string")
	}
	f := formatter{ev: ev, n: n, args: args[1:]}
	out, problem := f.run(template)
	if problem != nil {
		return problem
	}
	ev.grow(len(out))
	return newStr(out)
}

type formatter struct {
	ev   *evaluator
	n    node
	args []value
	next int
}

// run expands a template; the problem is an undecided or raised value.
func (f *formatter) run(t string) (string, value) {
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		if t[i] != '%' {
			b.WriteByte(t[i])
			continue
		}
		i++
		flags := i
		for i < len(t) && strings.IndexByte("-+ 0#", t[i]) >= 0 {
			i++
		}
		for i < len(t) && isDigit(t[i]) {
			i++
		}
		precision := false
		if i < len(t) && t[i] == '.' {
			precision = true
			for i++; i < len(t) && isDigit(t[i]); i++ {
			}
		}
		spec := t[flags:i]
		if i >= len(t) {
			return "", f.ev.raise(f.n, "ArgumentError", "incomplete format specifier")
		}
		if len(spec) > 6 {
			return "", f.ev.undecided(f.n, "a format that is not evaluated")
		}
		if t[i] == '<' || t[i] == '{' {
			text, end, problem := f.named(t, i, spec)
			if problem != nil {
				return "", problem
			}
			b.WriteString(text)
			i = end
			continue
		}
		if t[i] == '%' && spec == "" {
			b.WriteByte('%')
			continue
		}
		if f.next >= len(f.args) {
			return "", f.ev.raise(f.n, "ArgumentError", "too few arguments")
		}
		text, problem := f.verb(spec, t[i], f.args[f.next], precision)
		if problem != nil {
			return "", problem
		}
		f.next++
		b.WriteString(text)
	}
	return b.String(), nil
}

// named expands %{name} and %<name>d.
func (f *formatter) named(t string, i int, spec string) (string, int, value) {
	closing := byte('}')
	if t[i] == '<' {
		closing = '>'
	}
	end := strings.IndexByte(t[i:], closing)
	if end < 0 || len(f.args) != 1 {
		return "", 0, f.ev.raise(f.n, "ArgumentError", "one hash required")
	}
	h, ok := f.args[0].(*hash)
	if !ok {
		return "", 0, f.ev.raise(f.n, "ArgumentError", "one hash required")
	}
	v, has := h.get(Symbol(t[i+1 : i+end]))
	if !has {
		return "", 0, f.ev.raise(f.n, "KeyError", "key not found")
	}
	end += i
	if closing == '}' {
		s, u := f.ev.toS(f.n, v)
		if u != nil {
			return "", 0, *u
		}
		return s, end, nil
	}
	j := end + 1
	start := j
	for j < len(t) && strings.IndexByte("-+ 0#.123456789", t[j]) >= 0 {
		j++
	}
	if j >= len(t) || j-start > 6 {
		return "", 0, f.ev.undecided(f.n, "a format that is not evaluated")
	}
	s, problem := f.verb(spec+t[start:j], t[j], v, strings.Contains(t[start:j], "."))
	return s, j, problem
}

// verb formats one value.
func (f *formatter) verb(spec string, c byte, v value, precision bool) (string, value) {
	if u := tainted(v); u != nil {
		return "", *u
	}
	switch c {
	case 's':
		s, u := f.ev.toS(f.n, v)
		if u != nil {
			return "", *u
		}
		return fmt.Sprintf("%"+strings.Trim(spec, "0 +#")+"s", s), f.oddFlags(spec, "0 +#")
	case 'd', 'i', 'u':
		i, problem := f.integer(v)
		if problem != nil {
			return "", problem
		}
		if precision {
			return "", f.ev.undecided(f.n, "a format that is not evaluated")
		}
		return fmt.Sprintf("%"+spec+"d", i), nil
	case 'x', 'X', 'o', 'b':
		i, problem := f.integer(v)
		if problem != nil || i.Sign() < 0 || strings.Contains(spec, "#") || precision {
			return "", f.ev.undecided(f.n, "a format that is not evaluated")
		}
		return fmt.Sprintf("%"+spec+string(c), i), nil
	case 'f':
		if !isNumber(v) {
			return "", f.ev.undecided(f.n, "a format that is not evaluated")
		}
		return fmt.Sprintf("%"+spec+"f", toFloat(v)), nil
	}
	return "", f.ev.undecided(f.n, "a format that is not evaluated")
}

// oddFlags refuses flags whose meaning for strings differs.
func (f *formatter) oddFlags(spec, odd string) value {
	trimmed := strings.TrimLeft(spec, "-")
	if len(trimmed) > 0 && strings.ContainsRune(odd, rune(trimmed[0])) {
		return f.ev.undecided(f.n, "a format that is not evaluated")
	}
	return nil
}

func (f *formatter) integer(v value) (*big.Int, value) {
	switch v := v.(type) {
	case int64, *big.Int:
		return toBig(v), nil
	case float64:
		return toBig(floatToInt(v)), nil
	case *str:
		if len(v.s) > maxDigits {
			return nil, f.ev.undecided(f.n, tooManyDigits)
		}
		if i, ok := new(big.Int).SetString(v.s, 10); ok {
			return i, nil
		}
	case nil:
		return nil, f.ev.raise(f.n, "TypeError", "cannot convert nil into Integer")
	}
	return nil, f.ev.undecided(f.n, "a format that is not evaluated")
}
