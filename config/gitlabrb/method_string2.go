package gitlabrb

import (
	"strings"
	"unicode/utf8"
)

// changeString changes a string in place.
func (ev *evaluator) changeString(n node, s *str, name string, args []value) (value, bool) {
	if s.frozen {
		return ev.raise(n, "FrozenError", "the string is frozen"), true
	}
	var texts []string
	for i := range args {
		if name == "insert" && i == 0 {
			continue
		}
		t, ok := textArg(args, i)
		if !ok {
			return ev.raise(n, "TypeError", "no implicit conversion of "+describe(args[i])+" into String"), true
		}
		ev.grow(len(s.s) + len(t))
		texts = append(texts, t)
	}
	joined := strings.Join(texts, "")
	switch name {
	case "concat":
		s.s += joined
	case "prepend":
		s.s = joined + s.s
	case "replace":
		s.s = joined
	case "clear":
		s.s = ""
	case "insert":
		if len(args) == 0 {
			return nil, false
		}
		i, ok := args[0].(int64)
		if !ok || len(args) != 2 || !isASCII(s.s) {
			return nil, false
		}
		if i < 0 {
			i += int64(len(s.s)) + 1
		}
		if i < 0 || i > int64(len(s.s)) {
			return ev.raise(n, "IndexError", "index out of the string"), true
		}
		s.s = s.s[:i] + joined + s.s[i:]
	}
	return s, true
}

func (ev *evaluator) affix(n node, s, name string, args []value) value {
	for _, a := range args {
		switch t := a.(type) {
		case *str:
			if name == "start_with?" && strings.HasPrefix(s, t.s) || name == "end_with?" && strings.HasSuffix(s, t.s) {
				return true
			}
		case *regex:
			return ev.undecided(n, name+" with a regular expression")
		default:
			return ev.raise(n, "TypeError", "no implicit conversion of "+describe(a)+" into String")
		}
	}
	return false
}

// substring is s[i], s[i, n], s[a..b] and s['text'].
func (ev *evaluator) substring(n node, s string, args []value) value {
	if len(args) == 1 {
		switch a := args[0].(type) {
		case *str:
			if strings.Contains(s, a.s) {
				return newStr(a.s)
			}
			return nil
		case *rangeVal:
			from, size, ok := rangeBounds(a, runeCount(s))
			if !ok {
				return nil
			}
			return sliceString(s, from, size)
		case int64:
			count := runeCount(s)
			if a < 0 {
				a += count
			}
			if a < 0 || a >= count {
				return nil
			}
			return sliceString(s, a, 1)
		}
	}
	if len(args) == 2 {
		from, ok := args[0].(int64)
		size, ok2 := args[1].(int64)
		count := runeCount(s)
		if ok && ok2 {
			if from < 0 {
				from += count
			}
			if from < 0 || from > count || size < 0 {
				return nil
			}
			return sliceString(s, from, size)
		}
	}
	return ev.undecided(n, "a part of a string")
}

func sliceString(s string, from, size int64) value {
	if !utf8.ValidString(s) {
		return Undecided{Why: "a part of a text that is not UTF-8"}
	}
	r := []rune(s)
	from = min(from, int64(len(r)))
	return newStr(string(r[from:min(from+size, int64(len(r)))]))
}

// rangeBounds turns a range into an offset and a length for count elements.
func rangeBounds(r *rangeVal, count int64) (from, size int64, ok bool) {
	from, ok = int64(0), true
	if r.low != nil {
		if from, ok = r.low.(int64); !ok {
			return 0, 0, false
		}
	}
	to := int64(-1)
	exclusive := r.exclusive
	if r.high == nil {
		exclusive = false
	} else if to, ok = r.high.(int64); !ok {
		return 0, 0, false
	}
	if from < 0 {
		from += count
	}
	if to < 0 {
		to += count
	}
	if exclusive {
		to--
	}
	if from < 0 || from > count {
		return 0, 0, false
	}
	return from, max(min(to, count-1)-from+1, 0), true
}

func (ev *evaluator) pad(n node, s, name string, args []value) (value, bool) {
	width, ok := int64(0), false
	if len(args) > 0 {
		width, ok = args[0].(int64)
	}
	fill := " "
	if len(args) > 1 {
		if fill, ok = textArg(args, 1); fill == "" {
			ok = false
		}
	}
	if !ok || !isASCII(fill) {
		return nil, false
	}
	missing := int(min(max(width-runeCount(s), 0), maxBytes))
	ev.grow(len(s) + missing)
	make := func(n int) string { return strings.Repeat(fill, n/len(fill)+1)[:n] }
	switch name {
	case "ljust":
		return newStr(s + make(missing)), true
	case "rjust":
		return newStr(make(missing) + s), true
	}
	return newStr(make(missing/2) + s + make(missing-missing/2)), true
}

// expandSet expands a-z in the sets of tr, delete and count; ok is false for
// forms that are not evaluated.
func expandSet(set string) (chars []rune, ok bool) {
	const maxSet = 1000 // bytes; each character of a text is looked up in it
	if len(set) > maxSet {
		return nil, false
	}
	r := []rune(set)
	for i := 0; i < len(r); i++ {
		switch {
		case r[i] == '\\' || r[i] == '^' && i == 0 && len(r) > 1:
			return nil, false
		case i+2 < len(r) && r[i+1] == '-':
			if r[i+2] < r[i] || r[i+2]-r[i] > 256 {
				return nil, false
			}
			for c := r[i]; c <= r[i+2]; c++ {
				chars = append(chars, c)
			}
			i += 2
		default:
			chars = append(chars, r[i])
		}
	}
	return chars, true
}

func (ev *evaluator) tr(n node, s, from, to string) value {
	a, ok := expandSet(from)
	b, ok2 := expandSet(to)
	if !ok || !ok2 || !utf8.ValidString(s) {
		return ev.undecided(n, "a form of tr that is not evaluated")
	}
	ev.grow(len(s))
	return newStr(strings.Map(func(r rune) rune {
		for i, c := range a {
			if c != r {
				continue
			}
			switch {
			case len(b) == 0:
				return -1
			case i < len(b):
				return b[i]
			}
			return b[len(b)-1]
		}
		return r
	}, s))
}

func (ev *evaluator) charSet(n node, s, name, set string) (value, bool) {
	chars, ok := expandSet(set)
	if !ok || name == "squeeze" || !utf8.ValidString(s) {
		return ev.undecided(n, "a form of "+name+" that is not evaluated"), true
	}
	ev.step(len(s) / 4)
	all := string(chars)
	in := func(r rune) bool { return strings.ContainsRune(all, r) }
	if name == "delete" {
		return newStr(strings.Map(func(r rune) rune {
			if in(r) {
				return -1
			}
			return r
		}, s)), true
	}
	count := int64(0)
	for _, r := range s {
		if in(r) {
			count++
		}
	}
	return count, true
}

// split is String#split.
func (ev *evaluator) split(n node, s string, args []value) value {
	ev.step(len(s) / 4)
	var parts []string
	limit := int64(0)
	if len(args) > 1 {
		var ok bool
		if limit, ok = args[1].(int64); !ok {
			return ev.undecided(n, "a form of split that is not evaluated")
		}
	}
	sep := " "
	if len(args) > 0 && args[0] != nil {
		switch a := args[0].(type) {
		case *str:
			sep = a.s
		case *regex:
			re, err := a.compile()
			if err != "" || limit != 0 || strings.Contains(a.source, "(") || re.MatchString("") {
				return ev.undecided(n, "split with a regular expression")
			}
			parts = re.Split(s, -1)
			return ev.splitResult(parts, limit)
		default:
			return ev.raise(n, "TypeError", "wrong argument type")
		}
	}
	if sep == " " || sep == "" {
		if limit != 0 {
			return ev.undecided(n, "a form of split that is not evaluated")
		}
		if sep == "" {
			parts = strings.Split(s, "")
		} else {
			parts = strings.FieldsFunc(s, func(r rune) bool { return r < 0x80 && (isSpace(byte(r)) || r == 0) })
		}
		return ev.splitResult(parts, 0)
	}
	switch {
	case limit > 0:
		parts = strings.SplitN(s, sep, int(min(limit, 1<<20)))
	default:
		parts = strings.Split(s, sep)
	}
	if s == "" {
		parts = nil
	}
	return ev.splitResult(parts, limit)
}

func (ev *evaluator) splitResult(parts []string, limit int64) value {
	if limit == 0 {
		for len(parts) > 0 && parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
	}
	return ev.strings(parts)
}

func (ev *evaluator) strings(parts []string) *array {
	ev.step(len(parts))
	a := &array{list: make([]value, len(parts))}
	for i, p := range parts {
		a.list[i] = newStr(p)
	}
	return a
}

// linesOf splits a text behind each newline.
func linesOf(s string) *array {
	a := newArray()
	for s != "" {
		i := strings.IndexByte(s, '\n') + 1
		if i == 0 {
			i = len(s)
		}
		a.list = append(a.list, newStr(s[:i]))
		s = s[i:]
	}
	return a
}

func (ev *evaluator) stringParts(n node, s, name string, args []value, blk *proc) (value, bool) {
	if len(args) > 0 {
		return nil, false
	}
	ev.step(len(s))
	switch name {
	case "lines":
		return linesOf(s), true
	case "chars":
		return ev.strings(strings.Split(s, "")), utf8.ValidString(s)
	case "each_line", "each_char":
		if blk == nil {
			return nil, false
		}
		list := linesOf(s)
		if name == "each_char" {
			list = ev.strings(strings.Split(s, ""))
		}
		return ev.eachValue(n, newStr(s), list.list, blk), true
	}
	return nil, false
}

// substitute is sub and gsub with a string, a simple regular expression, a
// hash or a block.
func (ev *evaluator) substitute(n node, s, name string, args []value, blk *proc) value {
	if len(args) == 0 || len(args) > 2 || len(args) == 1 && blk == nil {
		return ev.undecided(n, "a form of "+name+" that is not evaluated")
	}
	var spans [][]int
	limit := -1
	if name == "sub" {
		limit = 1
	}
	plain := false
	switch p := args[0].(type) {
	case *str:
		ev.step(len(s) / 4)
		spans, plain = findAll(s, p.s, limit), true
	case *regex:
		re, err := p.compile()
		if err != "" {
			return ev.undecided(n, err)
		}
		ev.step(len(s))
		spans = re.FindAllStringSubmatchIndex(s, limit)
		for _, m := range spans {
			if m[0] == m[1] {
				return ev.undecided(n, "a regular expression that matches the empty text")
			}
		}
	default:
		return ev.raise(n, "TypeError", "wrong argument type "+describe(args[0]))
	}
	var b strings.Builder
	at := 0
	for _, m := range spans {
		ev.step(1)
		piece, u := ev.replacement(n, s, m, plain, args, blk)
		if u != nil {
			return *u
		}
		ev.grow(len(piece) + m[0] - at)
		b.WriteString(s[at:m[0]])
		b.WriteString(piece)
		at = m[1]
	}
	ev.grow(len(s) - at)
	b.WriteString(s[at:])
	return newStr(b.String())
}

// findAll finds a text, as gsub does: also the empty text, between characters.
func findAll(s, sep string, limit int) [][]int {
	var spans [][]int
	for at := 0; limit < 0 || len(spans) < limit; {
		i := strings.Index(s[at:], sep)
		if i < 0 {
			break
		}
		spans = append(spans, []int{at + i, at + i + len(sep)})
		at += i + len(sep)
		if sep == "" {
			if at >= len(s) {
				break
			}
			_, size := utf8.DecodeRuneInString(s[at:])
			at += size
		}
	}
	return spans
}

// replacement is what one match is replaced by.
func (ev *evaluator) replacement(n node, s string, m []int, plain bool, args []value, blk *proc) (string, *Undecided) {
	match := s[m[0]:m[1]]
	if len(args) == 1 {
		v := ev.callProc(n, blk, []value{newStr(match)})
		return ev.toS(n, v)
	}
	switch r := args[1].(type) {
	case *hash:
		v, _ := r.get(newStr(match))
		return ev.toS(n, v)
	case *str:
		if !strings.Contains(r.s, `\`) {
			return r.s, nil
		}
		return expandReplacement(s, m, r.s, plain)
	}
	ev.raise(n, "TypeError", "no implicit conversion of "+describe(args[1])+" into String")
	u := ev.undecided(n, "a replacement that is no string")
	return "", &u
}

// expandReplacement expands \0, \1 and \\ in a replacement.
func expandReplacement(s string, m []int, r string, plain bool) (string, *Undecided) {
	var b strings.Builder
	for i := 0; i < len(r); i++ {
		if r[i] != '\\' || i+1 == len(r) {
			b.WriteByte(r[i])
			continue
		}
		i++
		switch c := r[i]; {
		case c == '\\':
			b.WriteByte('\\')
		case c == '&':
			b.WriteString(s[m[0]:m[1]])
		case isDigit(c):
			g := int(c-'0') * 2
			if g+1 < len(m) && m[g] >= 0 {
				b.WriteString(s[m[g]:m[g+1]])
			}
		case c == 'k' || c == '`' || c == '\'' || c == '+':
			return "", &Undecided{Why: "a replacement that refers to a name"}
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
