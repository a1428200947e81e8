package gitlabrb

import (
	"slices"
	"strings"
)

// trivia is a piece of text that only separates.
type trivia struct {
	span
	comment bool
	ends    bool // a newline that ends a statement
}

// OneLine prints the file as one line, its statements separated by "; ", as
// the environment variable GITLAB_OMNIBUS_CONFIG of GitLab's container takes
// it. Comments are left out. Values that span lines are written anew, which
// needs them to be literals; a statement that cannot be put on one line is an
// error with its place.
func (f *File) OneLine() (string, error) {
	var parts []string
	var errs ErrorList
	// The pieces that only separate are collected by a parse of their own.
	seps, err := f.trivia()
	if err != nil {
		return "", err
	}
	for _, n := range f.root.list {
		text, ok := f.oneLine(n, seps)
		if !ok {
			errs = append(errs, &Error{Pos: f.pos(n.at().from), Message: "the statement cannot be written on one line", Err: ErrNotEditable})
			continue
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; "), errs.Err()
}

func (f *File) trivia() ([]trivia, error) {
	p := newParser(f)
	p.lex.trivia = &[]trivia{}
	p.program()
	return *p.lex.trivia, p.errs.Err()
}

// oneLine writes one statement.
func (f *File) oneLine(n node, seps []trivia) (string, bool) {
	s := n.at()
	heredoc := slices.ContainsFunc(f.heredocs, func(h heredocSpan) bool { return h.tag.from >= s.from && h.tag.to <= s.to })
	if !heredoc {
		if text := f.joinLines(s, seps); !strings.Contains(text, "\n") {
			return text, f.meansTheSame(text, n)
		}
	}
	path, value, exact := target(n)
	if path == nil || value == nil || !exact {
		return "", false
	}
	v, ok := literal(value)
	if !ok {
		return "", false
	}
	st := style{quote: '\'', keyed: '\'', assign: " = "}
	text, err := st.ruby(v)
	if err != nil {
		return "", false
	}
	if len(path) == 1 {
		return path[0] + "(" + text + ")", true
	}
	return st.target(path) + " = " + text, true
}

// joinLines leaves out comments and turns line breaks into ";" or " ".
func (f *File) joinLines(s span, seps []trivia) string {
	var b strings.Builder
	at := s.from
	for _, t := range seps {
		if t.from < at || t.to > s.to {
			continue
		}
		b.WriteString(strings.TrimRight(string(f.src[at:t.from]), " \t\r"))
		if !t.comment {
			if t.ends {
				b.WriteByte(';')
			}
			if !strings.HasSuffix(b.String(), " ") {
				b.WriteByte(' ')
			}
		}
		at = t.to
		for !t.comment && at < s.to && (f.src[at] == ' ' || f.src[at] == '\t') {
			at++
		}
	}
	b.Write(f.src[at:s.to])
	return b.String()
}

// meansTheSame checks a rewritten statement: it must parse to one statement.
func (f *File) meansTheSame(text string, n node) bool {
	g, err := Parse(f.name, []byte(text))
	if err != nil || len(g.root.list) != 1 {
		return false
	}
	return sketch(g.root.list[0], 0) == sketch(n, 0)
}

// sketch prints the shape of a tree without places.
func sketch(n node, depth int) string {
	if depth > maxDepth {
		return "…"
	}
	var b strings.Builder
	switch n := n.(type) {
	case *strLit:
		b.WriteString("s" + inspectString(n.text))
	case *symLit:
		b.WriteString("y" + n.name)
	case *call:
		b.WriteString("c" + n.name)
	case *localVar:
		b.WriteString("v" + n.name)
	case *constant:
		b.WriteString("k" + n.name)
	case *otherVar:
		b.WriteString("g" + n.name)
	case *intLit:
		b.WriteString("i" + itoa(int(n.n)))
	case *simple:
		b.WriteString("w" + itoa(int(n.word)))
	case *opAssign:
		b.WriteString("o" + n.op)
	case *ifNode:
		b.WriteString("if")
		for _, c := range []node{n.cond, n.then, n.otherwise} {
			if c == nil {
				b.WriteString("-")
			}
		}
	}
	b.WriteByte('(')
	for _, c := range children(n) {
		b.WriteString(sketch(c, depth+1))
	}
	b.WriteByte(')')
	return b.String()
}
