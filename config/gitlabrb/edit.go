package gitlabrb

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// ErrNotSet is wrapped when a setting to change is not in the file.
var ErrNotSet = errors.New("not set in this file")

// ErrNotEditable is wrapped when a setting is made where it cannot be changed
// without guessing: in a condition, a loop, a method, by merge! or op=; or when
// a new line would be taken into the statement before it ("x = 0..").
var ErrNotEditable = errors.New("cannot be edited safely")

// UnsetMode says what Unset does with the text of a setting.
type UnsetMode int

const (
	// CommentOut puts "# " before each line of the setting.
	CommentOut UnsetMode = iota
	// DeleteLines removes the lines of the setting.
	DeleteLines
)

// Edit is what an editing method did.
type Edit struct {
	// Changed is false when the file already said that.
	Changed bool
	// Pos is where the setting is, in the text after the edit.
	Pos Pos
	// Shadowed are earlier assignments to the same setting, which have no
	// effect, in the text before the edit.
	Shadowed []Pos
}

// Set makes the setting at path ({"mattermost", "env", "X"}) have a value. It
// changes the last effective assignment; failing that, a commented default of
// the shipped template becomes a live line; failing that, a line is put behind
// the last setting of the same name, or at the end.
//
// A value is nil, a bool, an integer, a float, a string, a Symbol, a list of
// values ([]any, []string), or a *Hash, map[string]any or map[string]string
// (sorted by key). Everything else in the text stays byte for byte.
//
// A setting made in a condition, loop, method or by anything but a plain
// assignment is refused with an error that wraps ErrNotEditable and names the
// line. On an error nothing is changed.
func (f *File) Set(value any, path ...string) (Edit, error) {
	e, err := f.newEditor(path)
	if err != nil {
		return Edit{}, err
	}
	text, err := e.style.ruby(value)
	if err != nil {
		return Edit{}, fmt.Errorf("set %s: %w", PathText(path...), err)
	}
	places, err := e.places()
	if err != nil {
		return Edit{}, err
	}
	if len(places) > 0 {
		last := places[len(places)-1]
		edit := Edit{Shadowed: e.shadowed(places)}
		if same, known := e.sameValue(last.value, value); known && same {
			edit.Pos = f.place(last.stmt.at().from)
			return edit, nil
		}
		if text, err = e.styleLike(last.value).ruby(value); err != nil {
			return Edit{}, err
		}
		return f.apply(edit, e.replaceValue(last, value, text), last.stmt.at().from, -1)
	}
	if parent, ok := e.enclosing(); ok {
		return f.apply(Edit{}, e.insertPair(parent, value), parent.at().from, -1)
	}
	if e.setByParent() != nil {
		return Edit{}, e.setByParent()
	}
	if c, ok := e.commented(); ok {
		return f.apply(Edit{}, []change{{c.from, c.to, c.live(text)}}, c.from, c.from+c.indent)
	}
	return f.appendLine(e, text)
}

// Append adds a line that makes the setting, behind the last setting of the
// same name or at the end, whatever the file says already: the last assignment
// wins. The same line at the same place is not added twice.
func (f *File) Append(value any, path ...string) (Edit, error) {
	e, err := f.newEditor(path)
	if err != nil {
		return Edit{}, err
	}
	text, err := e.style.ruby(value)
	if err != nil {
		return Edit{}, fmt.Errorf("append %s: %w", PathText(path...), err)
	}
	places, err := e.places()
	if err == nil && len(places) > 0 {
		last := places[len(places)-1]
		if same, known := e.sameValue(last.value, value); known && same && last.pair == nil {
			return Edit{Pos: f.place(last.stmt.at().from), Shadowed: e.shadowed(places)}, nil
		}
	}
	var shadowed []Pos
	for _, p := range places {
		shadowed = append(shadowed, f.place(p.stmt.at().from))
	}
	edit, err := f.appendLine(e, text)
	edit.Shadowed = shadowed
	return edit, err
}

// Uncomment turns the commented default of the shipped template
// ("# mattermost['enable'] = false") into a live line with the value. A
// setting that is live already, or that is not there as a comment, is an error
// that wraps ErrNotEditable or ErrNotSet.
func (f *File) Uncomment(value any, path ...string) (Edit, error) {
	e, err := f.newEditor(path)
	if err != nil {
		return Edit{}, err
	}
	text, err := e.style.ruby(value)
	if err != nil {
		return Edit{}, fmt.Errorf("uncomment %s: %w", PathText(path...), err)
	}
	places, err := e.places()
	if err != nil {
		return Edit{}, err
	}
	if len(places) > 0 {
		last := places[len(places)-1]
		at := f.place(last.stmt.at().from)
		if same, known := e.sameValue(last.value, value); known && same {
			return Edit{Pos: at, Shadowed: e.shadowed(places)}, nil
		}
		return Edit{}, &Error{Pos: at, Message: "uncomment " + PathText(path...) + ": it is set already", Err: ErrNotEditable}
	}
	c, ok := e.commented()
	if !ok {
		return Edit{}, fmt.Errorf("uncomment %s: no commented line for it: %w", PathText(path...), ErrNotSet)
	}
	return f.apply(Edit{}, []change{{c.from, c.to, c.live(text)}}, c.from, c.from+c.indent)
}

// Unset takes back all assignments of the setting, so that its default holds.
// A setting that is not there is no error: nothing changes. Assignments in
// conditions and the like are refused as by Set.
func (f *File) Unset(mode UnsetMode, path ...string) (Edit, error) {
	e, err := f.newEditor(path)
	if err != nil {
		return Edit{}, err
	}
	places, err := e.places()
	if err != nil {
		return Edit{}, err
	}
	if err := e.setByParent(); len(places) == 0 && err != nil {
		return Edit{}, err
	}
	if len(places) == 0 {
		return Edit{}, nil
	}
	var changes []change
	for _, p := range places {
		c, err := e.remove(p, mode)
		if err != nil {
			return Edit{}, err
		}
		changes = append(changes, c...)
	}
	return f.apply(Edit{}, changes, places[0].stmt.at().from, -1)
}

// change replaces bytes [from,to) of the text.
type change struct {
	from, to int
	text     string
}

// apply makes changes, parses the result once and looks at it; if it is not
// what was meant the file is as it was before. at is an offset of the old text
// whose place is wanted; start is where in the new text a statement of its own
// must start, -1 if none need.
func (f *File) apply(edit Edit, changes []change, at, start int) (Edit, error) {
	out, shifted := f.changed(changes, at)
	if bytes.Equal(out, f.src) {
		edit.Pos = f.place(at)
		return edit, nil
	}
	edited, err := Parse(f.name, out)
	if err != nil {
		return Edit{}, fmt.Errorf("the edit would break the file: %w", err)
	}
	if start >= 0 {
		stmt, ok := edited.statementAt(start)
		if !ok {
			return Edit{}, &Error{Pos: edited.place(start), Message: "the new line would belong to the statement before it; finish that statement by hand", Err: ErrNotEditable}
		}
		if path, _, _ := target(stmt); path == nil {
			return Edit{}, &Error{Pos: edited.place(start), Message: "the new line would change a local variable: an earlier line assigns to that name without brackets; correct that line by hand", Err: ErrNotEditable}
		}
	}
	edited.disk, edited.own = f.disk, true
	if f.own {
		edited.spare = f.src
	}
	*f = *edited
	edit.Changed = true
	edit.Pos = f.place(shifted)
	return edit, nil
}

// changed makes the text with the changes in the spare buffer, and says where
// offset at of the old text is in it.
func (f *File) changed(changes []change, at int) (out []byte, shifted int) {
	slices.SortFunc(changes, func(a, b change) int { return a.from - b.from })
	size := len(f.src)
	for _, c := range changes {
		size += len(c.text)
	}
	if out = f.spare[:0]; cap(out) < size {
		out = make([]byte, 0, size+size/16) // the next edits have room too
	}
	pos, shifted := 0, at
	for _, c := range changes {
		if c.from < pos {
			continue // inside of a change already made
		}
		out = append(append(out, f.src[pos:c.from]...), c.text...)
		pos = c.to
		if c.to <= at && c.from < at {
			shifted += len(c.text) - (c.to - c.from)
		}
	}
	out = append(out, f.src[pos:]...)
	f.spare = out // until the edit is done: a refused one leaves it for the next
	return out, max(shifted, 0)
}

// statementAt finds the statement of the top level that starts at an offset.
func (f *File) statementAt(offset int) (node, bool) {
	i, ok := slices.BinarySearchFunc(f.root.list, offset, func(n node, at int) int { return n.at().from - at })
	if !ok {
		return nil, false
	}
	return f.root.list[i], true
}

// appendLine adds "path = text" behind the last setting of the same name.
func (f *File) appendLine(e *editor, text string) (Edit, error) {
	eol := e.style.eol
	line := e.style.target(e.path) + e.style.assignOp(e.path) + text
	at := len(f.src)
	if end := f.endMarker(); end >= 0 {
		at = end
	}
	if last := e.lastOfName(); last != nil {
		at = f.statementEnd(last)
	}
	prefix := ""
	if at > 0 && f.src[at-1] != '\n' {
		prefix = eol
	}
	edit, err := f.apply(Edit{}, []change{{at, at, prefix + line + eol}}, at, at+len(prefix))
	if err == nil {
		edit.Pos = f.place(at + len(prefix))
	}
	return edit, err
}

// endMarker is the offset of a line __END__, or -1.
func (f *File) endMarker() int {
	if f.end < len(f.src) {
		return f.end
	}
	return -1
}

// statementEnd is the offset of the line behind a statement and its heredocs.
func (f *File) statementEnd(n node) int {
	end := n.at().to
	for {
		stop := len(f.src)
		if i := bytes.IndexByte(f.src[min(end, len(f.src)):], '\n'); i >= 0 {
			stop = end + i + 1
		}
		grown := false
		for _, h := range f.heredocs {
			if h.body.from == stop {
				end, grown = h.body.to-1, true
				break
			}
		}
		if !grown {
			return stop
		}
	}
}
