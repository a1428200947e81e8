package gitlabrb

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stringMethod calls a method of a string.
func (ev *evaluator) stringMethod(n node, s *str, name string, args []value, blk *proc) (value, bool) {
	if bang, ok := strings.CutSuffix(name, "!"); ok && bang != "" {
		return ev.stringBang(n, s, bang, args, blk)
	}
	switch len(args) {
	case 0:
		if v, ok := ev.stringMethod0(n, s, name, blk); ok {
			return v, true
		}
	case 1:
		if v, ok := ev.stringMethod1(n, s, name, args[0], blk); ok {
			return v, true
		}
	}
	switch name {
	case "start_with?", "end_with?":
		return ev.affix(n, s.s, name, args), true
	case "sub", "gsub":
		return ev.substitute(n, s.s, name, args, blk), true
	case "[]", "slice":
		return ev.substring(n, s.s, args), true
	case "ljust", "rjust", "center":
		return ev.pad(n, s.s, name, args)
	case "tr", "tr_s":
		from, ok := textArg(args, 0)
		to, ok2 := textArg(args, 1)
		if name == "tr" && ok && ok2 && len(args) == 2 {
			return ev.tr(n, s.s, from, to), true
		}
	case "split":
		return ev.split(n, s.s, args), true
	case "concat", "prepend", "insert", "replace", "clear":
		return ev.changeString(n, s, name, args)
	case "between?":
		if len(args) == 2 {
			return ev.between(n, s, name, args), true
		}
	case "encode", "force_encoding", "unicode_normalize", "scrub":
		return ev.undecided(n, "calls "+name+" on a String, which is not evaluated"), true
	case "unpack", "unpack1", "sum", "crypt", "each_line", "each_char", "lines", "chars":
		return ev.stringParts(n, s.s, name, args, blk)
	}
	return nil, false
}

// stringBang calls strip! and the like: nil when nothing changes.
func (ev *evaluator) stringBang(n node, s *str, name string, args []value, blk *proc) (value, bool) {
	v, ok := ev.stringMethod(n, newStr(s.s), name, args, blk)
	t, is := v.(*str)
	switch {
	case !ok:
		return nil, false
	case s.frozen:
		return ev.raise(n, "FrozenError", "the string is frozen"), true
	case !is:
		if u, unknown := v.(Undecided); unknown {
			taint(s, u)
		}
		return v, true
	case t.unknown != nil:
		s.unknown = t.unknown
		return *t.unknown, true
	}
	if t.s == s.s && name != "replace" {
		return nil, true
	}
	s.s = t.s
	return s, true
}

func (ev *evaluator) stringMethod0(n node, s *str, name string, blk *proc) (value, bool) {
	text := s.s
	switch name {
	case "strip":
		return newStr(stripRight(stripLeft(text))), true
	case "lstrip":
		return newStr(stripLeft(text)), true
	case "rstrip":
		return newStr(stripRight(text)), true
	case "chomp":
		return newStr(chomp(text)), true
	case "chop":
		if strings.HasSuffix(text, "\r\n") {
			return newStr(text[:len(text)-2]), true
		}
		_, size := utf8.DecodeLastRuneInString(text)
		return newStr(text[:len(text)-size]), true
	case "upcase", "downcase", "capitalize", "swapcase":
		return ev.changeCase(n, text, name), true
	case "length", "size":
		return runeCount(text), true
	case "bytesize":
		return int64(len(text)), true
	case "empty?":
		return text == "", true
	case "to_str", "+@", "-@":
		return s, true
	case "to_sym", "intern":
		return Symbol(text), true
	case "to_i":
		return ev.stringToInt(n, text), true
	case "to_f":
		return ev.stringToFloat(n, text), true
	case "hex":
		if len(text) > maxDigits {
			return ev.undecided(n, tooManyDigits), true
		}
		i, ok := new(big.Int).SetString(strings.TrimPrefix(strings.ToLower(text), "0x"), 16)
		if ok {
			return norm(i), true
		}
	case "ord":
		if text != "" {
			r, _ := utf8.DecodeRuneInString(text)
			return int64(r), true
		}
	case "reverse":
		r := []rune(text)
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		ev.grow(len(text))
		return newStr(string(r)), utf8.ValidString(text)
	case "ascii_only?":
		return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0, true
	case "valid_encoding?":
		return utf8.ValidString(text), true
	case "dump", "undump", "succ", "next":
		return ev.undecided(n, "calls "+name+" on a String, which is not evaluated"), true
	}
	return nil, false
}

func (ev *evaluator) stringMethod1(n node, s *str, name string, arg value, blk *proc) (value, bool) {
	text := s.s
	switch name {
	case "*":
		i, ok := arg.(int64)
		if !ok {
			return nil, false
		}
		if i < 0 {
			return ev.raise(n, "ArgumentError", "negative argument"), true
		}
		if text == "" {
			return newStr(""), true
		}
		if i > maxBytes/int64(len(text)) {
			ev.grow(maxBytes + 1)
		}
		ev.grow(len(text) * int(i))
		return newStr(strings.Repeat(text, int(i))), true
	case "%":
		list := []value{newStr(text)}
		if a, ok := arg.(*array); ok {
			list = append(list, a.list...)
		} else {
			list = append(list, arg)
		}
		return ev.format(n, list), true
	case "=~", "match", "match?":
		if r, ok := arg.(*regex); ok {
			return ev.match(n, r, text, name), true
		}
		return ev.undecided(n, "calls "+name+" on a String, which is not evaluated"), true
	case "<<":
		if i, ok := arg.(int64); ok && i >= 0 && i <= unicode.MaxRune {
			arg = newStr(string(rune(i)))
		}
		return ev.changeString(n, s, "concat", []value{arg})
	}
	o, ok := arg.(*str)
	if !ok {
		switch name {
		case "+", "include?", "chomp", "delete_prefix", "delete_suffix":
			return ev.raise(n, "TypeError", "no implicit conversion of "+describe(arg)+" into String"), true
		case "<=>":
			return nil, true
		case "<", "<=", ">", ">=":
			return ev.raise(n, "ArgumentError", "comparison of String with "+describe(arg)+" failed"), true
		case "to_i":
			if base, is := arg.(int64); is {
				return stringToIntBase(text, int(base))
			}
		}
		return nil, false
	}
	switch name {
	case "+":
		ev.grow(len(text) + len(o.s))
		return newStr(text + o.s), true
	case "include?":
		return strings.Contains(text, o.s), true
	case "chomp":
		if o.s == "\n" {
			return newStr(chomp(text)), true
		}
		return newStr(strings.TrimSuffix(text, o.s)), o.s != ""
	case "delete_prefix":
		return newStr(strings.TrimPrefix(text, o.s)), true
	case "delete_suffix":
		return newStr(strings.TrimSuffix(text, o.s)), true
	case "<=>":
		return int64(strings.Compare(text, o.s)), true
	case "<":
		return text < o.s, true
	case "<=":
		return text <= o.s, true
	case ">":
		return text > o.s, true
	case ">=":
		return text >= o.s, true
	case "casecmp?":
		return strings.EqualFold(text, o.s), isASCII(text) && isASCII(o.s)
	case "casecmp":
		return int64(strings.Compare(strings.ToLower(text), strings.ToLower(o.s))), isASCII(text) && isASCII(o.s)
	case "index":
		i := strings.Index(text, o.s)
		if i < 0 {
			return nil, true
		}
		return runeCount(text[:i]), true
	case "count", "delete", "squeeze":
		return ev.charSet(n, text, name, o.s)
	case "partition", "rpartition":
		return partition(text, o.s, name == "rpartition"), true
	case "replace":
		return ev.changeString(n, s, name, []value{arg})
	}
	return nil, false
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// stripLeft and stripRight remove what Ruby's strip removes.
func stripLeft(s string) string { return strings.TrimLeft(s, "\x00\t\n\v\f\r ") }

func stripRight(s string) string { return strings.TrimRight(s, "\x00\t\n\v\f\r ") }

func chomp(s string) string {
	if t, ok := strings.CutSuffix(s, "\r\n"); ok {
		return t
	}
	if t, ok := strings.CutSuffix(s, "\n"); ok {
		return t
	}
	return strings.TrimSuffix(s, "\r")
}

func (ev *evaluator) changeCase(n node, s, name string) value {
	if !isASCII(s) {
		return ev.undecided(n, "calls "+name+" on a text that is not ASCII")
	}
	ev.grow(len(s))
	switch name {
	case "upcase":
		return newStr(strings.ToUpper(s))
	case "downcase":
		return newStr(strings.ToLower(s))
	case "capitalize":
		if s == "" {
			return newStr("")
		}
		return newStr(strings.ToUpper(s[:1]) + strings.ToLower(s[1:]))
	}
	return newStr(strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s))
}

// numberPrefix returns the digits at the start of s, underscores removed.
func numberPrefix(s string, digit func(byte) bool) string {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	var b strings.Builder
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			b.WriteByte('-')
		}
		s = s[1:]
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '_' && i > 0 && s[i-1] != '_' && i+1 < len(s) && digit(s[i+1]) {
			continue
		}
		if !digit(s[i]) {
			break
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// stringToInt is String#to_i.
func (ev *evaluator) stringToInt(n node, s string) value {
	digits := numberPrefix(s, isDigit)
	if len(digits) > maxDigits {
		return ev.undecided(n, tooManyDigits)
	}
	i, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return int64(0)
	}
	return norm(i)
}

func stringToIntBase(s string, base int) (value, bool) {
	if base < 2 || base > 36 || strings.ContainsAny(s, "xXbBoO_") {
		return nil, false
	}
	digits := numberPrefix(s, func(c byte) bool {
		if isDigit(c) {
			return int(c-'0') < base
		}
		c |= 0x20
		return c >= 'a' && c <= 'z' && int(c-'a')+10 < base
	})
	if len(digits) > maxDigits {
		return nil, false
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return int64(0), true
	}
	return norm(n), true
}

func (ev *evaluator) stringToFloat(n node, s string) value {
	t := strings.TrimSpace(s)
	if f, err := strconv.ParseFloat(t, 64); err == nil && strings.Trim(t, "+-0123456789.") == "" && t[len(t)-1] != '.' {
		return f
	}
	if t == "" || !isDigit(t[0]) && t[0] != '-' && t[0] != '+' && t[0] != '.' {
		return 0.0
	}
	return ev.undecided(n, "to_f of a text that is no plain number")
}

func partition(s, sep string, last bool) value {
	i := strings.Index(s, sep)
	if last {
		i = strings.LastIndex(s, sep)
	}
	switch {
	case i >= 0:
		return newArray(newStr(s[:i]), newStr(sep), newStr(s[i+len(sep):]))
	case last:
		return newArray(newStr(""), newStr(""), newStr(s))
	}
	return newArray(newStr(s), newStr(""), newStr(""))
}
