package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// settings is the layer that gitlab.rb and the secrets file fill and the
// derivations write to, one hash per top-level name; what stays unset falls
// back to the defaults later.
type settings struct {
	result    *gitlabrb.Result
	hashes    map[string]*settingHash
	undecided map[string]gitlabrb.UndecidedSetting
	told      map[string]bool // undecided settings already reported
	errs      gitlabrb.ErrorList
	unknown   []undecidedError
}

// undecidedError is kept apart from other errors: whether it is one depends on
// what becomes of the installation.
type undecidedError struct {
	path []string
	err  *gitlabrb.Error
}

type settingHash struct {
	keys []string
	by   map[string]Attribute
}

func newSettings(result *gitlabrb.Result) *settings {
	if result == nil {
		result = &gitlabrb.Result{Settings: &gitlabrb.Hash{}}
	}
	s := &settings{result: result, hashes: map[string]*settingHash{}, undecided: map[string]gitlabrb.UndecidedSetting{}, told: map[string]bool{}}
	for _, u := range result.Undecided {
		s.undecided[strings.Join(u.Path, "\x00")] = u
	}
	return s
}

// hash returns the settings under a top-level name, reading them from
// gitlab.rb the first time.
func (s *settings) hash(name string) *settingHash {
	if h, ok := s.hashes[name]; ok {
		return h
	}
	h := &settingHash{by: map[string]Attribute{}}
	s.hashes[name] = h
	v, _ := s.result.Lookup(name)
	switch v := v.(type) {
	case nil:
	case *gitlabrb.Hash:
		for k, value := range v.All() {
			key := RubyText(k)
			h.set(key, Attribute{Value: value, Origin: s.origin(name, key)})
		}
	case gitlabrb.Undecided:
		s.tellUndecided([]string{name}, v)
	default:
		s.errorf(s.pos(name), "%s must be a hash of settings, as in %s['key'] = value; got %s", name, name, describe(v))
	}
	return h
}

func (h *settingHash) set(key string, a Attribute) {
	if _, ok := h.by[key]; !ok {
		h.keys = append(h.keys, key)
	}
	h.by[key] = a
}

// get returns a setting; one that cannot be decided is reported once and
// counts as not set.
func (s *settings) get(name, key string) Attribute {
	h := s.hash(name)
	path := []string{name, key}
	if u, ok := s.undecided[name+"\x00"+key]; ok {
		s.tellUndecided(path, gitlabrb.Undecided{Pos: u.Pos, Why: u.Why})
		return Attribute{}
	}
	if u, ok := s.undecided[name]; ok {
		s.tellUndecided(path[:1], gitlabrb.Undecided{Pos: u.Pos, Why: u.Why})
		return Attribute{}
	}
	a := h.by[key]
	if u, ok := findUndecided(a.Value); ok {
		s.tellUndecided(path, u)
		return Attribute{}
	}
	for _, u := range s.result.Undecided {
		if len(u.Path) > 2 && u.Path[0] == name && u.Path[1] == key {
			s.tellUndecided(u.Path, gitlabrb.Undecided{Pos: u.Pos, Why: u.Why})
		}
	}
	return a
}

// value is get without the origin.
func (s *settings) value(name, key string) any { return s.get(name, key).Value }

// has tells whether the key exists, set to nil or not.
func (s *settings) has(name, key string) bool {
	_, ok := s.hash(name).by[key]
	return ok
}

func (s *settings) put(name, key string, v any, o Origin) {
	s.hash(name).set(key, Attribute{Value: v, Origin: o})
}

// fill is Ruby's ||=: only what is nil or false is replaced.
func (s *settings) fill(name, key string, v any, o Origin) {
	if !truthy(s.value(name, key)) {
		s.put(name, key, v, o)
	}
}

// top returns a top-level setting such as external_url.
func (s *settings) top(name string) Attribute {
	if u, ok := s.undecided[name]; ok {
		s.tellUndecided([]string{name}, gitlabrb.Undecided{Pos: u.Pos, Why: u.Why})
		return Attribute{}
	}
	v, _ := s.result.Lookup(name)
	if u, ok := findUndecided(v); ok {
		s.tellUndecided([]string{name}, u)
		return Attribute{}
	}
	if v == nil {
		return Attribute{}
	}
	return Attribute{Value: v, Origin: s.origin(name)}
}

func (s *settings) pos(path ...string) gitlabrb.Pos {
	p, _ := s.result.Pos(path...)
	return p
}

func (s *settings) origin(path ...string) Origin {
	return Origin{Kind: OriginGitLabRB, Where: s.pos(path...).String()}
}

func (s *settings) errorf(pos gitlabrb.Pos, format string, args ...any) {
	s.errs = append(s.errs, &gitlabrb.Error{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

// tellUndecided reports that a setting which matters cannot be known.
func (s *settings) tellUndecided(path []string, u gitlabrb.Undecided) {
	key := strings.Join(path, "\x00")
	if s.told[key] {
		return
	}
	s.told[key] = true
	pos := s.pos(path...)
	if pos.Line == 0 {
		pos = u.Pos
	}
	s.unknown = append(s.unknown, undecidedError{path, &gitlabrb.Error{Pos: pos,
		Message: fmt.Sprintf("%s cannot be decided without running Ruby: %s; write the value itself, or give what it depends on", settingName(path), u.Why)}})
}

// settle adds the undecided settings that matter to the errors, and puts all
// in the order of the file.
func (s *settings) settle(off bool) error {
	for _, u := range s.unknown {
		if off && !mattersWhileOff(u.path) {
			continue
		}
		s.errs = append(s.errs, u.err)
	}
	slices.SortStableFunc(s.errs, func(a, b *gitlabrb.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return s.errs.Err()
}

// mattersWhileOff tells whether a setting matters although Mattermost is off
// and has no URL.
func mattersWhileOff(path []string) bool {
	switch path[0] {
	case "mattermost", "mattermost_nginx", "mattermost_external_url", "package":
		return true
	case "gitlab_rails":
		return len(path) > 1 && path[1] == "mattermost_host"
	}
	return false
}

// mergeSecrets puts the secrets file under gitlab.rb: it fills what is nil or
// false, and adds the missing keys of hashes.
func (s *settings) mergeSecrets(f *SecretsFile) {
	if f == nil {
		return
	}
	for _, section := range f.Sections() {
		for k, stored := range f.Section(section).All() {
			key := RubyText(k)
			origin := Origin{Kind: OriginSecrets, Where: f.Name()}
			if _, ok := s.undecided[section+"\x00"+key]; ok {
				continue
			}
			own := s.hash(section).by[key]
			if _, ok := findUndecided(own.Value); ok {
				continue
			}
			hash, ok := stored.(*gitlabrb.Hash)
			if !ok {
				if !truthy(own.Value) && stored != nil {
					s.put(section, key, stored, origin)
				}
				continue
			}
			merged := copyHash(hash)
			if ownHash, ok := own.Value.(*gitlabrb.Hash); ok {
				for k, v := range ownHash.All() {
					merged.Set(k, v)
				}
				origin = own.Origin
			} else if truthy(own.Value) {
				continue
			}
			s.put(section, key, merged, origin)
		}
	}
}

// truthy is Ruby's truth.
func truthy(v any) bool { return v != nil && v != false }

// settingName prints mattermost['env']['X'].
func settingName(path []string) string {
	var b strings.Builder
	for i, p := range path {
		if i == 0 {
			b.WriteString(p)
		} else {
			b.WriteString("['" + p + "']")
		}
	}
	return b.String()
}

// describe names a value's kind without showing it: it may be a secret.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "true or false"
	case string:
		return "a string"
	case gitlabrb.Symbol:
		return "a symbol"
	case float64:
		return "a decimal number"
	case []any:
		return "a list"
	case *gitlabrb.Hash:
		return "a hash"
	}
	return "a number"
}

// findUndecided looks for an undecided part of a value.
func findUndecided(v any) (gitlabrb.Undecided, bool) {
	switch v := v.(type) {
	case gitlabrb.Undecided:
		return v, true
	case []any:
		for _, e := range v {
			if u, ok := findUndecided(e); ok {
				return u, true
			}
		}
	case *gitlabrb.Hash:
		for _, e := range v.All() {
			if u, ok := findUndecided(e); ok {
				return u, true
			}
		}
	}
	return gitlabrb.Undecided{}, false
}

// copyHash is a shallow copy.
func copyHash(h *gitlabrb.Hash) *gitlabrb.Hash {
	c := &gitlabrb.Hash{}
	for k, v := range h.All() {
		c.Set(k, v)
	}
	return c
}

// withoutNil drops nil values, in nested hashes as well; the package does so
// before it merges over the defaults.
func withoutNil(v any) any {
	h, ok := v.(*gitlabrb.Hash)
	if !ok {
		return v
	}
	c := &gitlabrb.Hash{}
	for k, e := range h.All() {
		if e != nil {
			c.Set(k, withoutNil(e))
		}
	}
	return c
}

// deepMerge lays own over base, hashes key by key.
func deepMerge(base, own any) any {
	b, ok1 := base.(*gitlabrb.Hash)
	o, ok2 := own.(*gitlabrb.Hash)
	if !ok1 || !ok2 {
		return own
	}
	m := copyHash(b)
	for k, v := range o.All() {
		if old, ok := m.GetKey(k); ok {
			v = deepMerge(old, v)
		}
		m.Set(k, v)
	}
	return m
}
