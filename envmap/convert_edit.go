package envmap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// Edit returns the text of a gitlab.rb with the conversion in it, see
// EditFile. src must be the text that the conversion was made from.
func (c *Conversion) Edit(name string, src []byte) ([]byte, error) {
	f, err := gitlabrb.Parse(name, src)
	if err != nil {
		return nil, fmt.Errorf("edit %s: %w", name, err)
	}
	if err := c.EditFile(f); err != nil {
		return nil, err
	}
	return f.Bytes(), nil
}

// EditFile puts the conversion into a gitlab.rb, which must be the one that it
// was made from: the lines of converted and left-out keys are commented out,
// and the new variables stand in mattermost['env']. Every other byte stays, so
// a second conversion changes nothing.
//
// The result is evaluated again: when it does not say exactly the same as
// before, apart from the conversion, that is an error. A key that is set in a
// condition, loop or method is an error that wraps gitlabrb.ErrNotEditable and
// names the line: as a variable it would hold always. After an error f holds a
// part of the edit and must not be written.
func (c *Conversion) EditFile(f *gitlabrb.File) error {
	before, err := f.Evaluate(gitlabrb.Options{})
	if err != nil {
		return fmt.Errorf("edit %s: %w", f.Name(), err)
	}
	drop := c.dropped()
	if err := errors.Join(commentOut(f, before, drop), c.add(f)); err != nil {
		return err
	}
	after, err := f.Evaluate(gitlabrb.Options{})
	if err != nil {
		return fmt.Errorf("edit %s: the result does not evaluate: %w", f.Name(), err)
	}
	if err := c.same(settings(before), settings(after), drop); err != nil {
		return fmt.Errorf("edit %s: %w", f.Name(), err)
	}
	return nil
}

// dropped are the keys whose lines go.
func (c *Conversion) dropped() []string {
	var keys []string
	add := func(key string) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, k := range c.Converted {
		for key := range strings.SplitSeq(k.Key, " and ") {
			add(key)
		}
	}
	for _, l := range c.LeftOut {
		add(l.Key)
	}
	return keys
}

// commentOut takes back every assignment to the keys, and to parts of their
// values: mattermost['x']['y'] = 'z'.
func commentOut(f *gitlabrb.File, before *gitlabrb.Result, keys []string) error {
	var errs []error
	done := map[string]bool{}
	for _, a := range before.Assignments {
		name := gitlabrb.PathText(a.Path...)
		if len(a.Path) < 2 || a.Path[0] != "mattermost" || !slices.Contains(keys, a.Path[1]) || done[name] {
			continue
		}
		done[name] = true
		if _, err := f.Unset(gitlabrb.CommentOut, a.Path...); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// add sets the new variables.
func (c *Conversion) add(f *gitlabrb.File) error {
	var errs []error
	for _, k := range c.Converted {
		v, _ := c.Env.Get(k.Variable)
		text, _ := v.Text()
		if _, err := f.Set(text, "mattermost", "env", k.Variable); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// same compares the settings before and after the edit.
func (c *Conversion) same(before, after map[string]any, drop []string) error {
	mm, _ := after["mattermost"].(map[string]any)
	got, _ := mm["env"].(map[string]any)
	if got == nil {
		got = map[string]any{}
	}
	want := map[string]any{}
	for v := range c.Env.All() {
		want[v.Name] = nil
		if text, ok := v.Text(); ok {
			want[v.Name] = text
		}
	}
	for name, value := range got {
		if value != nil {
			got[name] = config.RubyText(value)
		}
	}
	if !reflect.DeepEqual(got, want) {
		return errors.New("mattermost['env'] would not hold what the conversion says; nothing was edited")
	}
	for _, side := range []map[string]any{before, after} {
		if mm, ok := side["mattermost"].(map[string]any); ok {
			for _, key := range append(drop, "env") {
				delete(mm, key)
			}
			if len(mm) == 0 {
				delete(side, "mattermost")
			}
		}
	}
	if !reflect.DeepEqual(before, after) {
		return errors.New("other settings would change; nothing was edited")
	}
	return nil
}

func settings(r *gitlabrb.Result) map[string]any {
	out, _ := plain(r.Settings).(map[string]any)
	return out
}
