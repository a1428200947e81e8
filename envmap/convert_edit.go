package envmap

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// maxStatement bounds how many lines one statement of gitlab.rb may take.
const maxStatement = 400

// Edit returns the text of a gitlab.rb with the conversion in it: the lines of
// converted and left-out keys, and of mattermost['env'], are commented out, and
// the new mattermost['env'] stands at the end. Every other byte stays.
//
// src must be the text that the conversion was made from. The result is
// evaluated again: when it does not say exactly the same as before, apart from
// the conversion, Edit returns an error and no text. So it does when a key
// shares its line with another statement; the error names the line.
func (c *Conversion) Edit(name string, src []byte) ([]byte, error) {
	before, err := gitlabrb.Evaluate(name, src, gitlabrb.Options{})
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", name, err)
	}
	e := &editor{name: name, drop: map[string]bool{"env": true}}
	for _, k := range c.Converted {
		for key := range strings.SplitSeq(k.Key, " and ") {
			e.drop[key] = true
		}
	}
	for _, l := range c.LeftOut {
		e.drop[l.Key] = true
	}
	out, err := e.commentOut(src, before)
	if err != nil {
		return nil, err
	}
	out, err = e.add(out, c.Env)
	if err != nil {
		return nil, err
	}
	return out, e.verify(before, out, c.Env)
}

type editor struct {
	name string
	drop map[string]bool
}

// dropped tells whether an assignment is one of those to comment out.
func (e *editor) dropped(a gitlabrb.Assignment) bool {
	return len(a.Path) >= 2 && a.Path[0] == "mattermost" && e.drop[a.Path[1]]
}

func (e *editor) commentOut(src []byte, result *gitlabrb.Result) ([]byte, error) {
	for {
		i := slices.IndexFunc(result.Assignments, e.dropped)
		if i < 0 {
			return src, nil
		}
		next, after, err := e.commentOne(src, result, result.Assignments[i].Pos.Line)
		if err != nil {
			return nil, err
		}
		src, result = next, after
	}
}

// commentOne comments out the statement that starts at a line: the fewest lines
// without which the file still parses and says the same apart from the keys.
func (e *editor) commentOne(src []byte, result *gitlabrb.Result, line int) ([]byte, *gitlabrb.Result, error) {
	lines := bytes.SplitAfter(src, []byte("\n"))
	for n := 1; n <= maxStatement && line-1+n <= len(lines); n++ {
		// The lines must be whole statements of their own: a heredoc's end
		// could else be left behind as a name.
		if _, err := gitlabrb.Parse(e.name, bytes.Join(lines[line-1:line-1+n], nil)); err != nil {
			continue
		}
		var b bytes.Buffer
		for i, text := range lines {
			if i >= line-1 && i < line-1+n {
				b.WriteString("# ")
			}
			b.Write(text)
		}
		after, err := gitlabrb.Evaluate(e.name, b.Bytes(), gitlabrb.Options{})
		if err != nil || !e.onlyDropped(result, after, line, n) {
			continue
		}
		return b.Bytes(), after, nil
	}
	return nil, nil, fmt.Errorf("edit %s: line %d: the key cannot be commented out alone; put it on lines of its own", e.name, line)
}

// onlyDropped compares the assignments before and after n lines went: exactly
// the dropped ones on those lines may be missing.
func (e *editor) onlyDropped(before, after *gitlabrb.Result, line, n int) bool {
	var kept []gitlabrb.Assignment
	gone := 0
	for _, a := range before.Assignments {
		if a.Pos.Line >= line && a.Pos.Line < line+n && e.dropped(a) {
			gone++
			continue
		}
		kept = append(kept, a)
	}
	if gone == 0 || len(kept) != len(after.Assignments) || len(after.Undecided) > len(before.Undecided) {
		return false
	}
	for i, a := range after.Assignments {
		if !slices.Equal(a.Path, kept[i].Path) || a.Pos.Line != kept[i].Pos.Line || !reflect.DeepEqual(plain(a.Value), plain(kept[i].Value)) {
			return false
		}
	}
	return true
}

// add puts the hash at the end of the program.
func (e *editor) add(src []byte, env *Environment) ([]byte, error) {
	hash, err := env.Encode(FormatRuby)
	if err != nil {
		return nil, err
	}
	if env.Len() == 0 {
		return src, nil
	}
	block := append([]byte("\n# Settings of Mattermost, as variables (converted from the commented lines above).\n"), hash...)
	if bytes.Contains(src, []byte("\r\n")) {
		block = bytes.ReplaceAll(block, []byte("\n"), []byte("\r\n"))
	}
	if len(src) > 0 && src[len(src)-1] != '\n' {
		block = append([]byte("\n"), block...)
	}
	end := len(src)
	if i := bytes.Index(src, []byte("\n__END__")); i >= 0 {
		end = i + 1
	}
	return slices.Concat(src[:end], block, src[end:]), nil
}

// verify evaluates the new text and compares.
func (e *editor) verify(before *gitlabrb.Result, out []byte, env *Environment) error {
	after, err := gitlabrb.Evaluate(e.name, out, gitlabrb.Options{})
	if err != nil {
		return fmt.Errorf("edit %s: the result does not parse: %w", e.name, err)
	}
	was, is := settings(before), settings(after)
	mm, _ := is["mattermost"].(map[string]any)
	got, _ := mm["env"].(map[string]any)
	want := map[string]any{}
	for v := range env.All() {
		want[v.Name] = nil
		if text, ok := v.Text(); ok {
			want[v.Name] = text
		}
	}
	if env.Len() > 0 && !reflect.DeepEqual(got, want) {
		return fmt.Errorf("edit %s: the new mattermost['env'] does not evaluate to the conversion", e.name)
	}
	for _, side := range []map[string]any{was, is} {
		if mm, ok := side["mattermost"].(map[string]any); ok {
			for key := range e.drop {
				delete(mm, key)
			}
			if len(mm) == 0 {
				delete(side, "mattermost")
			}
		}
	}
	if !reflect.DeepEqual(was, is) {
		return errors.New("edit " + e.name + ": other settings would change; nothing was edited")
	}
	return nil
}

func settings(r *gitlabrb.Result) map[string]any {
	out, _ := plain(r.Settings).(map[string]any)
	return out
}
