package gitlabrb

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// editor works on one setting of a file.
type editor struct {
	f     *File
	path  []string
	style style
}

// place is one assignment of the setting.
type place struct {
	stmt  node // the statement
	value node // the value, where it is to be replaced
	pair  *pair
	hash  *hashLit // the hash literal that pair is in
}

func (f *File) newEditor(path []string) (*editor, error) {
	if len(path) == 0 || !validName(path[0]) {
		return nil, &Error{Pos: Pos{File: f.name}, Message: "edit: \"" + strings.Join(path, ".") + "\" is no path of a setting: expected a top-level name first"}
	}
	return &editor{f, path, f.styleOf(path)}, nil
}

func validName(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if !isIdent(s[i]) || s[i] >= 0x80 {
			return false
		}
	}
	if kw, _, _ := lookupKeyword(s); kw != kwNone {
		return false
	}
	return true
}

// target returns the path that a statement assigns to, and its value; exact is
// false when a key is not a literal, so that any setting of the name is meant.
func target(n node) (path []string, value node, exact bool) {
	switch n := n.(type) {
	case *assign:
		c, ok := n.target.(*call)
		if !ok {
			return nil, nil, true
		}
		path, exact = indexPath(c)
		return path, n.value, exact
	case *call:
		if n.recv == nil && len(n.args) == 1 && n.block == nil && !n.op {
			return []string{n.name}, n.args[0], true
		}
		if n.recv == nil && len(n.args) > 1 && n.block == nil {
			return []string{n.name}, nil, true
		}
	}
	return nil, nil, true
}

// indexPath reads name['a'][:b].
func indexPath(c *call) (path []string, exact bool) {
	exact = true
	for c.name == "[]" {
		if len(c.args) != 1 {
			return nil, true
		}
		key, ok := literalText(c.args[0])
		exact = exact && ok
		path = append(path, key)
		switch recv := c.recv.(type) {
		case *call:
			c = recv
		default:
			return nil, true
		}
	}
	if c.recv != nil || len(c.args) > 0 || c.block != nil {
		return nil, true
	}
	path = append(path, c.name)
	slices.Reverse(path)
	return path, exact
}

// literalText is the text of a string or symbol literal.
func literalText(n node) (string, bool) {
	switch n := n.(type) {
	case *strLit:
		return n.text, n.parts == nil && !n.command
	case *symLit:
		return n.name, n.parts == nil
	case *intLit:
		return itoa(int(n.n)), n.big == nil
	}
	return "", false
}

// places finds the plain assignments of the setting, in order. One that stands
// in a construct, or that may be meant by a key that is no literal, is an
// error.
func (e *editor) places() ([]place, error) {
	var list []place
	for _, stmt := range e.f.root.list {
		path, value, exact := target(stmt)
		if path == nil {
			if at, why := e.buried(stmt); why != "" {
				return nil, e.refuse(at, why)
			}
			continue
		}
		if path[0] != e.path[0] {
			if at, why := e.buried(value); why != "" {
				return nil, e.refuse(at, why)
			}
			continue
		}
		if !exact && couldMean(path, e.path) {
			return nil, e.refuse(stmt, "is set by a key that is not a literal")
		}
		switch {
		case value == nil:
			return nil, e.refuse(stmt, "is set from several arguments")
		case slices.Equal(path, e.path):
			list = append(list, place{stmt: stmt, value: value})
		case len(path) < len(e.path) && slices.Equal(path, e.path[:len(path)]):
			p, found, err := e.inHash(stmt, value, e.path[len(path):])
			if err != nil {
				return nil, err
			}
			if found {
				list = append(list, p)
			} else {
				list = nil // the whole hash is replaced here
			}
		}
	}
	return list, nil
}

// couldMean reports whether a path with unknown keys may be the setting's.
func couldMean(path, want []string) bool {
	for i, key := range path {
		if i >= len(want) {
			return true
		}
		if key != "" && key != want[i] {
			return false
		}
	}
	return true
}

// inHash finds a key in the hash literal that is assigned to a parent.
func (e *editor) inHash(stmt, value node, keys []string) (place, bool, error) {
	h, ok := unwrap(value).(*hashLit)
	if !ok {
		switch v := unwrap(value).(type) {
		case *simple:
			if v.word == kwNil {
				return place{}, false, nil
			}
		}
		return place{}, false, e.refuse(stmt, "is set as a part of a value that is no hash literal")
	}
	found := -1
	for i, pr := range h.pairs {
		if pr.key == nil {
			return place{}, false, e.refuse(stmt, "is set in a hash that takes in another with **")
		}
		key, ok := literalText(pr.key)
		if !ok {
			return place{}, false, e.refuse(stmt, "is set in a hash with a key that is no literal")
		}
		if key == keys[0] {
			found = i
		}
	}
	if found < 0 {
		return place{}, false, nil
	}
	pr := &h.pairs[found]
	if len(keys) == 1 {
		return place{stmt, pr.value, pr, h}, true, nil
	}
	return e.inHash(stmt, pr.value, keys[1:])
}

// unwrap takes parentheses off a value.
func unwrap(n node) node {
	for {
		s, ok := n.(*seq)
		if !ok || len(s.list) != 1 {
			return n
		}
		n = s.list[0]
	}
}

// refuse is the error for a setting that cannot be edited safely.
func (e *editor) refuse(n node, why string) error {
	return &Error{Pos: e.f.pos(n.at().from), Message: "edit " + PathText(e.path...) + ": it " + why + "; change the line by hand", Err: ErrNotEditable}
}

// enclosing finds the last hash literal that the setting belongs in.
func (e *editor) enclosing() (h *hashLit, ok bool) {
	for _, stmt := range e.f.root.list {
		path, value, _ := target(stmt)
		if path == nil || len(path) >= len(e.path) || !slices.Equal(path, e.path[:len(path)]) {
			continue
		}
		h = nil
		lit, isHash := unwrap(value).(*hashLit)
		keys := e.path[len(path):]
		for isHash && len(keys) > 1 {
			var next node
			for _, pr := range lit.pairs {
				if k, _ := literalText(pr.key); k == keys[0] {
					next = pr.value
				}
			}
			if next == nil {
				break
			}
			lit, isHash = unwrap(next).(*hashLit)
			keys = keys[1:]
		}
		if isHash && len(keys) == 1 && lit.braces {
			h = lit
		}
	}
	if h == nil {
		return nil, false
	}
	// A later name['a']['b'] = … shows that lines of their own are the style.
	return h, true
}

// setByParent is the error of a setting that is a part of something that an
// assignment below it would not reach.
func (e *editor) setByParent() error {
	for i := len(e.f.root.list) - 1; i >= 0; i-- {
		stmt := e.f.root.list[i]
		path, value, _ := target(stmt)
		if len(path) < 2 || len(path) >= len(e.path) || !slices.Equal(path, e.path[:len(path)]) {
			continue
		}
		switch unwrap(value).(type) {
		case *hashLit, *simple:
			return nil
		}
		return e.refuse(stmt, "is set as a part of a value that is no hash literal")
	}
	return nil
}

func (e *editor) shadowed(places []place) []Pos {
	var list []Pos
	for _, p := range places[:len(places)-1] {
		list = append(list, e.f.pos(p.stmt.at().from))
	}
	return list
}

// lastOfName finds the last top-level statement that sets something of the
// same name.
func (e *editor) lastOfName() node {
	for i := len(e.f.root.list) - 1; i >= 0; i-- {
		if path, _, _ := target(e.f.root.list[i]); path != nil && path[0] == e.path[0] && len(e.path) > 1 && len(path) > 1 {
			return e.f.root.list[i]
		}
	}
	return nil
}

// comment is a commented setting of the template: bytes [from,to) of the text,
// and what stands before and behind the value in them.
type comment struct {
	from, to     int
	indent       int // how many bytes of white space before starts with
	before, tail string
}

// live is the line with a new value.
func (c comment) live(value string) string { return c.before + value + c.tail }

// commented finds the first commented line that shows the setting.
func (e *editor) commented() (comment, bool) {
	src, name := e.f.src, []byte(e.path[0])
	for at := 0; ; {
		i := bytes.Index(src[at:], name)
		if i < 0 {
			return comment{}, false
		}
		at += i
		if skip, ok := e.farKey(at + len(name)); !ok {
			return comment{}, false
		} else if skip > 0 {
			at += skip
			continue
		}
		start := bytes.LastIndexByte(src[:at], '\n') + 1
		if mark, ok := commentMark(src[start:at]); ok && e.namesKey(src[at+len(name):]) && e.isComment(start) {
			if c, ok := e.liveComment(start, at, mark); ok {
				return c, true
			}
		}
		at += len(name)
	}
}

// farKey says how far the search can skip because the first key of the path
// does not stand near to an offset behind a name; ok is false when the key does
// not follow at all. In a template the name is on every other line, the key on
// one or two.
func (e *editor) farKey(behind int) (skip int, ok bool) {
	if len(e.path) == 1 {
		return 0, true
	}
	i := bytes.Index(e.f.src[behind:], []byte(e.path[1]))
	return i - keyDistance, i >= 0
}

// keyDistance is how many bytes may stand between a name and its first key.
const keyDistance = 8

// namesKey reports whether the text behind the name can go on with the first
// key of the path: a cheap look before the comment is parsed.
func (e *editor) namesKey(behind []byte) bool {
	if len(behind) == 0 || len(e.path) == 1 {
		return len(behind) > 0 && (behind[0] == ' ' || behind[0] == '\t' || behind[0] == '(')
	}
	key := e.path[1]
	return behind[0] == '[' && bytes.Contains(behind[:min(len(behind), len(key)+keyDistance)], []byte(key))
}

// commentMark checks that nothing but a comment mark stands before a name, and
// returns the indentation before it.
func commentMark(before []byte) (indent string, ok bool) {
	body := bytes.TrimLeft(before, " \t")
	if len(body) == 0 || body[0] != '#' {
		return "", false
	}
	rest := bytes.TrimPrefix(bytes.TrimLeft(body, "#"), []byte("!"))
	return string(before[:len(before)-len(body)]), len(bytes.Trim(rest, " \t")) == 0
}

// isComment reports whether the line at an offset is a comment, and no part of
// a string or heredoc.
func (e *editor) isComment(at int) bool {
	if end := e.f.endMarker(); end >= 0 && at >= end {
		return false
	}
	for _, h := range e.f.heredocs {
		if at >= h.body.from && at < h.body.to {
			return false
		}
	}
	i, _ := slices.BinarySearchFunc(e.f.root.list, at, func(n node, at int) int { return n.at().to - at })
	return i >= len(e.f.root.list) || e.f.root.list[i].at().from > at
}

// liveComment checks that the comment without its mark is the setting, over
// one or more comment lines.
func (e *editor) liveComment(start, at int, indent string) (comment, bool) {
	src := e.f.src
	end := at
	text := ""
	for range 60 {
		stop := len(src)
		if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
			stop = end + i
		}
		line := bytes.TrimSuffix(src[end:stop], []byte("\r"))
		if end > at {
			_, rest, ok := bytes.Cut(line, []byte("#"))
			if !ok || len(bytes.TrimLeft(line, " \t")) == 0 || bytes.TrimLeft(line, " \t")[0] != '#' {
				return comment{}, false
			}
			line = bytes.TrimPrefix(bytes.TrimLeft(rest, "#"), []byte("!"))
			text += "\n"
		}
		text += string(line)
		f, err := Parse("comment", []byte(text))
		if err == nil && len(f.root.list) == 1 && len(f.heredocs) == 0 {
			path, value, exact := target(f.root.list[0])
			if !exact || !slices.Equal(path, e.path) || value == nil {
				return comment{}, false
			}
			to := stop
			if stop > start && src[stop-1] == '\r' {
				to--
			}
			return comment{start, to, len(indent), indent + text[:value.at().from], text[value.at().to:]}, true
		}
		var list ErrorList
		if !errors.As(err, &list) || stop >= len(src) || !strings.Contains(list[0].Message, "end of file") && !strings.Contains(list[0].Message, "heredoc") {
			return comment{}, false
		}
		end = stop + 1
	}
	return comment{}, false
}
