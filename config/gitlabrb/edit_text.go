package gitlabrb

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
)

// literal is the value of a node that is nothing but literals.
func literal(n node) (any, bool) {
	switch n := unwrap(n).(type) {
	case *simple:
		switch n.word {
		case kwNil:
			return nil, true
		case kwTrue:
			return true, true
		case kwFalse:
			return false, true
		}
	case *intLit:
		if n.big != nil {
			return n.big, true
		}
		return n.n, true
	case *floatLit:
		return n.f, true
	case *strLit:
		if n.command {
			return nil, false
		}
		if n.parts == nil {
			return n.text, true
		}
		text := ""
		for _, p := range n.parts {
			s, ok := p.(*strLit)
			if !ok || s.parts != nil {
				return nil, false
			}
			text += s.text
		}
		return text, true
	case *symLit:
		return Symbol(n.name), n.parts == nil
	case *arrayLit:
		list := make([]any, len(n.elems))
		for i, e := range n.elems {
			v, ok := literal(e)
			if !ok {
				return nil, false
			}
			list[i] = v
		}
		return list, true
	case *hashLit:
		h := &Hash{}
		for _, p := range n.pairs {
			if p.key == nil {
				return nil, false
			}
			k, ok := literal(p.key)
			if s, isSym := k.(Symbol); isSym {
				k = string(s)
			}
			v, ok2 := literal(p.value)
			if !ok || !ok2 {
				return nil, false
			}
			switch k.(type) {
			case nil, bool, int64, float64, string:
				h.Set(k, v)
			default:
				return nil, false
			}
		}
		return h, true
	}
	return nil, false
}

// sameValue reports whether a node already gives a value.
func (e *editor) sameValue(n node, value any) (same, known bool) {
	have, ok := literal(n)
	if !ok {
		return false, false
	}
	want, err := normalize(value, 0)
	if err != nil {
		return false, false
	}
	return sameLiteral(have, want), true
}

func sameLiteral(a, b any) bool {
	switch a := a.(type) {
	case []any:
		l, ok := b.([]any)
		if !ok || len(a) != len(l) {
			return false
		}
		for i := range a {
			if !sameLiteral(a[i], l[i]) {
				return false
			}
		}
		return true
	case *Hash:
		h, ok := b.(*Hash)
		if !ok || a.Len() != h.Len() {
			return false
		}
		for k, v := range a.All() {
			w, has := h.GetKey(k)
			if !has || !sameLiteral(v, w) {
				return false
			}
		}
		return true
	case *big.Int:
		n, ok := b.(*big.Int)
		return ok && a.Cmp(n) == 0
	}
	switch b.(type) {
	case []any, *Hash, *big.Int:
		return false
	}
	return a == b
}

// replaceValue changes the value of an assignment or of an entry of a hash.
func (e *editor) replaceValue(p place, value any, text string) []change {
	at := p.value.at()
	if h, ok := unwrap(p.value).(*hashLit); ok {
		if multi := e.multiLine(h, value); multi != "" {
			text = multi
		}
	}
	if c, ok := p.stmt.(*call); ok && p.pair == nil && !c.parens && strings.HasPrefix(text, "{") {
		at = span{c.nameAt.to, at.to} // name { would be a block
		text = "(" + text + ")"
	}
	return append([]change{{at.from, at.to, text}}, e.heredocsIn(at)...)
}

// styleLike is the file's style with the quotes that a string has.
func (e *editor) styleLike(n node) style {
	s := e.style
	if _, ok := n.(*strLit); ok {
		switch e.f.src[n.at().from] {
		case '"', '\'':
			s.quote = e.f.src[n.at().from]
		}
	}
	return s
}

// heredocsIn removes the bodies of the heredocs whose tags are in a span.
func (e *editor) heredocsIn(s span) []change {
	var list []change
	for _, h := range e.f.heredocs {
		if h.tag.from >= s.from && h.tag.to <= s.to {
			list = append(list, change{h.body.from, h.body.to, ""})
		}
	}
	return list
}

// multiLine writes a hash over several lines when the old one was.
func (e *editor) multiLine(old *hashLit, value any) string {
	n, err := normalize(value, 0)
	h, ok := n.(*Hash)
	if err != nil || !ok || h.Len() == 0 || !old.braces || len(old.pairs) == 0 || len(e.heredocsIn(old.span)) > 0 {
		return ""
	}
	first, last := old.pairs[0], old.pairs[len(old.pairs)-1]
	if first.key == nil || e.sameLine(old.from, first.key.at().from) || e.sameLine(last.value.at().to, old.to-1) {
		return ""
	}
	indent := e.indentAt(first.key.at().from)
	var b strings.Builder
	b.WriteString("{" + e.style.eol)
	i := 0
	comma := e.comma(last.value.at().to, old.to-1) >= 0
	for k, v := range h.All() {
		b.WriteString(indent)
		e.style.write(&b, k)
		b.WriteString(" => ")
		e.style.write(&b, v)
		if i++; i < h.Len() || comma {
			b.WriteByte(',')
		}
		b.WriteString(e.style.eol)
	}
	return b.String() + e.indentAt(old.to-1) + "}"
}

// sameLine reports whether two offsets, the smaller first, are on one line.
func (e *editor) sameLine(a, b int) bool { return bytes.IndexByte(e.f.src[a:b], '\n') < 0 }

func (e *editor) lineStart(offset int) int {
	return bytes.LastIndexByte(e.f.src[:offset], '\n') + 1
}

// indentAt is the white space that the line of an offset starts with.
func (e *editor) indentAt(offset int) string {
	start := e.lineStart(offset)
	line := e.f.src[start:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// comma finds a comma between two entries, outside of comments; -1: none.
func (e *editor) comma(from, to int) int {
	for i := from; i < to; i++ {
		switch e.f.src[i] {
		case ',':
			return i
		case '#':
			for i < to && e.f.src[i] != '\n' {
				i++
			}
		case '\n':
			for _, h := range e.f.heredocs {
				if h.body.from == i+1 {
					i = h.body.to - 1
				}
			}
		}
	}
	return -1
}

// insertPair adds an entry to a hash literal.
func (e *editor) insertPair(h *hashLit, value any) []change {
	st := e.style
	if len(h.pairs) > 0 {
		st = e.styleLike(h.pairs[len(h.pairs)-1].value)
	}
	text, _ := st.ruby(value) // was written before: it can be
	entry := e.pairKey(h) + text
	if len(h.pairs) == 0 {
		return []change{{h.from + 1, h.to - 1, " " + entry + " "}}
	}
	last := h.pairs[len(h.pairs)-1]
	end := last.value.at().to
	comma := e.comma(end, h.to-1)
	if e.sameLine(end, h.to-1) {
		if comma >= 0 {
			return []change{{comma + 1, comma + 1, " " + entry + ","}}
		}
		return []change{{end, end, ", " + entry}}
	}
	anchor := last.value.at().from
	if last.key != nil {
		anchor = last.key.at().from
	}
	at := e.f.statementEnd(last.value)
	line := e.indentAt(anchor) + entry
	if comma >= 0 {
		return []change{{at, at, line + "," + e.style.eol}}
	}
	return []change{{end, end, ","}, {at, at, line + e.style.eol}}
}

// pairKey writes the key of a new entry as the others are.
func (e *editor) pairKey(h *hashLit) string {
	key := e.path[len(e.path)-1]
	for _, p := range h.pairs {
		if p.key == nil {
			continue
		}
		from, to := p.key.at().from, p.key.at().to
		word := isWord(key)
		switch {
		case e.f.src[to-1] == ':' && word:
			return key + ": "
		case e.f.src[from] == ':' && word:
			return ":" + key + " => "
		case e.f.src[from] == '"':
			return style{quote: '"'}.str(key) + " => "
		}
		break
	}
	return Quote(key) + " => "
}

// remove takes one assignment away.
func (e *editor) remove(p place, mode UnsetMode) ([]change, error) {
	src := e.f.src
	from, to := p.stmt.at().from, p.stmt.at().to
	last := p.stmt
	if p.pair != nil {
		from, to, last = p.pair.key.at().from, p.pair.value.at().to, p.pair.value
	}
	start, end := e.lineStart(from), e.f.statementEnd(last)
	lineEnd := to
	if i := bytes.IndexByte(src[to:], '\n'); i >= 0 {
		lineEnd = to + i
	} else {
		lineEnd = len(src)
	}
	behind := strings.TrimLeft(string(src[to:lineEnd]), " \t\r,")
	if p.pair == nil {
		behind = strings.TrimLeft(string(src[to:lineEnd]), " \t\r;")
	}
	alone := len(bytes.Trim(src[start:from], " \t\ufeff")) == 0 && (behind == "" || behind[0] == '#')
	switch {
	case alone && mode == DeleteLines:
		return []change{{start, end, ""}}, nil
	case alone:
		return e.commentLines(start, end), nil
	case len(e.heredocsIn(span{from, to})) > 0:
		return nil, e.refuse(p.stmt, "shares its line with other code and has a heredoc")
	}
	text := string(src[from:to])
	separator := byte(';')
	if p.pair != nil {
		separator = ','
	}
	from, to = e.withSeparator(from, to, separator)
	if mode == DeleteLines || p.pair != nil || strings.Contains(text, "\n") {
		return []change{{from, to, ""}}, nil
	}
	return []change{{start, start, "# " + text + e.style.eol}, {from, to, ""}}, nil
}

// withSeparator widens a span by the separator behind or before it.
func (e *editor) withSeparator(from, to int, separator byte) (int, int) {
	src := e.f.src
	i := to
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	if i < len(src) && src[i] == separator {
		i++
		for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
			i++
		}
		return from, i
	}
	j := from
	for j > 0 && isSpace(src[j-1]) {
		j--
	}
	if j > 0 && src[j-1] == separator {
		return j - 1, to
	}
	return from, to
}

// commentLines puts "# " before each line of [start,end).
func (e *editor) commentLines(start, end int) []change {
	var list []change
	for at := start; at < end; {
		list = append(list, change{at, at, "# "})
		i := bytes.IndexByte(e.f.src[at:end], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return list
}

// String says what an edit did.
func (e Edit) String() string {
	if !e.Changed {
		return "nothing to change"
	}
	return fmt.Sprintf("changed at %s", e.Pos)
}
