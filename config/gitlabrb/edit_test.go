package gitlabrb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// editStep is one line of the "edit" section of a golden case:
// set PATH VALUE, append PATH VALUE, uncomment PATH VALUE, comment-out PATH,
// delete PATH. PATH is a JSON list, VALUE is JSON; {"$symbol": "x"} is a symbol.
type editStep struct {
	verb  string
	path  []string
	value any
}

func parseStep(line string) (editStep, error) {
	verb, rest, _ := strings.Cut(line, " ")
	d := json.NewDecoder(strings.NewReader(rest))
	d.UseNumber()
	s := editStep{verb: verb}
	if err := d.Decode(&s.path); err != nil {
		return s, err
	}
	if d.More() {
		var v any
		if err := d.Decode(&v); err != nil {
			return s, err
		}
		s.value = fromJSON(v)
	}
	return s, nil
}

func fromJSON(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = fromJSON(v[i])
		}
		return v
	case map[string]any:
		if s, ok := v["$symbol"]; ok {
			return Symbol(s.(string))
		}
		for k := range v {
			v[k] = fromJSON(v[k])
		}
		return v
	}
	return v
}

func (s editStep) run(f *File) (Edit, error) {
	switch s.verb {
	case "set":
		return f.Set(s.value, s.path...)
	case "append":
		return f.Append(s.value, s.path...)
	case "uncomment":
		return f.Uncomment(s.value, s.path...)
	case "comment-out":
		return f.Unset(CommentOut, s.path...)
	case "delete":
		return f.Unset(DeleteLines, s.path...)
	}
	return Edit{}, fmt.Errorf("no such verb %q", s.verb)
}

func TestEditsGiveTheGoldenText(t *testing.T) {
	golden.Run(t, "testdata/edit/*.txtar", func(c *golden.Case) {
		input, _ := c.Section("input.rb")
		if flags, ok := c.Section("flags"); ok {
			if strings.Contains(flags, "crlf") {
				input = strings.ReplaceAll(input, "\n", "\r\n")
			}
			if strings.Contains(flags, "no-final-newline") {
				input = strings.TrimSuffix(input, "\n")
			}
		}
		steps, _ := c.Section("edit")
		f, err := Parse("gitlab.rb", []byte(input))
		if err != nil {
			c.Fatal(err)
		}
		var report strings.Builder
		for _, line := range strings.Split(strings.TrimSpace(steps), "\n") {
			step, err := parseStep(line)
			if err != nil {
				c.Fatalf("%s: %v", line, err)
			}
			before := bytes.Clone(f.Bytes())
			edit, err := step.run(f)
			if err != nil {
				fmt.Fprintf(&report, "error: %v\n", err)
				if !bytes.Equal(before, f.Bytes()) {
					c.Errorf("%s: a refused edit changed the file", line)
				}
				continue
			}
			fmt.Fprintln(&report, edit)
			for _, p := range edit.Shadowed {
				fmt.Fprintf(&report, "shadowed: %s\n", p)
			}
			checkEdit(c.T, f, step, edit)
		}
		c.Want("report", report.String())
		c.Want("output.rb", strings.ReplaceAll(string(f.Bytes()), "\r\n", "␍\n"))
	})
}

// checkEdit checks what holds for every edit: the file says the value now, and
// the same edit again changes nothing.
func checkEdit(t *testing.T, f *File, step editStep, edit Edit) {
	t.Helper()
	r, err := f.Evaluate(Options{})
	var list ErrorList
	if err != nil && !errors.As(err, &list) {
		t.Fatal(err)
	}
	got, has := r.Lookup(step.path...)
	switch step.verb {
	case "set", "append", "uncomment":
		want, err := normalize(step.value, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !has || !sameLiteral(got, want) {
			t.Errorf("after %s %q the file says %v, want %v\n%s", step.verb, step.path, got, want, f.Bytes())
		}
	default:
		if has && got != nil {
			t.Errorf("after %s %q the file still says %v", step.verb, step.path, got)
		}
	}
	before := bytes.Clone(f.Bytes())
	again, err := step.run(f)
	if err != nil || again.Changed || !bytes.Equal(before, f.Bytes()) {
		t.Errorf("%s %q a second time: changed %v, error %v\n%s", step.verb, step.path, again.Changed, err, f.Bytes())
	}
}
