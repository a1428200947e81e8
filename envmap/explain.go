package envmap

import (
	"fmt"
	"strings"
)

// Explanation says all about one setting of Mattermost, or one variable.
type Explanation struct {
	Asked    string `json:"asked"`
	Role     string `json:"role"` // as in Verdict
	Variable string `json:"variable,omitempty"`
	Path     string `json:"path,omitempty"` // in config.json
	Kind     string `json:"kind,omitempty"`
	// Keys are the gitlab.rb settings that set it, of any release.
	Keys   []string `json:"keys"`
	Since  string   `json:"since,omitempty"` // oldest sampled release with it
	Until  string   `json:"until,omitempty"` // newest one, "" when it still exists
	In     string   `json:"in"`              // present, not yet, removed, maybe: in the asked version
	Secret bool     `json:"secret"`
	// Default is the JSON of an existing installation's default in that
	// version.
	Default string   `json:"default,omitempty"`
	Locked  bool     `json:"locked"`            // the variable locks it in the System Console
	Licence bool     `json:"licence"`           // some value needs a licence
	Allowed string   `json:"allowed,omitempty"` // what the server's validation accepts
	Example string   `json:"example,omitempty"` // a variable that works in that version
	Notes   []string `json:"notes"`
}

// Explain explains a variable (MM_SERVICESETTINGS_SITEURL), a config.json path
// (ServiceSettings.SiteURL) or a gitlab.rb key (service_site_url, with or
// without mattermost['…']) for a version of Mattermost. A key that feeds two
// settings gives two explanations; a name that nobody knows is an error that
// names the nearest one.
func Explain(name string, version Version) ([]Explanation, error) {
	if err := checkVersion(version); err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	asked := strings.TrimSpace(name)
	if key, ok := gitlabKey(asked); ok {
		return explainKey(asked, key, version), nil
	}
	if s, ok := Lookup(asked); ok {
		return []Explanation{explainSetting(asked, s, version)}, nil
	}
	if o, ok := findOther(strings.ToUpper(asked)); ok {
		return []Explanation{{Asked: asked, Role: RoleMattermost, Variable: o.name, In: "present", Secret: IsSecret(o.name), Keys: []string{}, Notes: []string{o.what}}}, nil
	}
	if right, ok := neverWorked()[strings.ToUpper(asked)]; ok {
		return []Explanation{{Asked: asked, Role: RoleUnknown, Variable: asked, In: "never", Keys: []string{}, Notes: []string{"guides show this name, but no Mattermost ever read it; use " + right}}}, nil
	}
	hint := ""
	if near, ok := nearest("MM_"+strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(asked, ".", "_")), "MM_"), placeOf(version)); ok {
		hint = "; did you mean " + near + "?"
	}
	return nil, fmt.Errorf("explain %.80q: no variable, config.json path or gitlab.rb key of this name%s", asked, hint)
}

// gitlabKey recognizes a key of gitlab.rb in the spellings that people paste.
func gitlabKey(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, "mattermost["); ok { // a shell may have taken the quotes
		return strings.Trim(rest, `'"]`), true
	}
	name = strings.TrimPrefix(name, "mattermost.")
	if len(LegacyKeysOf(name)) > 0 {
		return name, true
	}
	for _, p := range packageVariables {
		if p.setting == name && name != "" {
			return name, true
		}
	}
	return "", false
}

func explainKey(asked, key string, v Version) []Explanation {
	var out []Explanation
	seen := map[string]bool{}
	add := func(path string, note ...string) {
		s, ok := Lookup(rightPath(path))
		if !ok || seen[s.Path] {
			return
		}
		seen[s.Path] = true
		x := explainSetting(asked, s, v)
		x.Notes = append(note, x.Notes...)
		out = append(out, x)
	}
	for _, p := range packageVariables {
		if p.setting == key && key != "" {
			add(p.name)
		}
	}
	rows := LegacyKeysOf(key)
	for _, row := range rows {
		switch {
		case row.Path == "":
		case strings.HasPrefix(row.Path, "NativeAppSetting."), row.Path == "EmailSettings.EmailNotificationContentType":
			add(row.Path, "GitLab wrote the key to "+row.Path+", which Mattermost does not read: it never had an effect")
		default:
			add(row.Path)
		}
	}
	if len(out) > 0 {
		if wrong, ok := documentedVariables()[key]; ok {
			out[0].Notes = append(out[0].Notes, fmt.Sprintf("GitLab's upgrade page says %s; Mattermost obeys %s", wrong, out[0].Variable))
		}
		return out
	}
	x := Explanation{Asked: asked, Role: RoleUnknown, In: "never", Keys: []string{key}, Notes: []string{"a key of GitLab's package that is no setting of Mattermost"}}
	if len(rows) > 0 && rows[0].To != "" {
		x.Notes = []string{fmt.Sprintf("GitLab had the key from %s to %s; %s", rows[0].From, rows[0].To, gone(rows[0].Path))}
	}
	if len(rows) == 0 {
		x.Notes = []string{"GitLab never knew this key"}
	}
	return []Explanation{x}
}

func explainSetting(asked string, s Setting, v Version) Explanation {
	x := Explanation{
		Asked: asked, Role: RoleSetting, Variable: s.Env(), Path: s.Path, Kind: s.Kind.String(), Keys: KeysFor(s.Path),
		Since: s.Since().String(), Secret: IsSecret(s.Path), Locked: lockable(s), Licence: licensed(s.Path, v) != nil, Notes: []string{},
		In: map[Presence]string{Present: "present", NotYet: "not yet", Removed: "removed", Maybe: "maybe"}[s.In(v)],
	}
	if x.Keys == nil {
		x.Keys = []string{}
	}
	if until, current := s.Until(); !current {
		x.Until = until.String()
		if to, ok := renamed(s.Path); ok {
			x.Notes = append(x.Notes, "replaced by "+to)
		}
	}
	if def, ok := s.ExistingDefault(v); ok && !x.Secret {
		x.Default = def
	} else if generatedByServer(s.Path) {
		x.Notes = append(x.Notes, "the server makes up a value when there is none")
	}
	if r, ok := rules(s, v); ok {
		x.Allowed = r.words()
	}
	x.Example = example(s, v)
	x.Notes = append(x.Notes, readingNotes(s, v)...)
	return x
}

// words describes a rule.
func (r rule) words() string {
	switch {
	case len(r.enum) > 12:
		return "a fixed list of names"
	case r.enum != nil:
		return "one of " + quoted(r.enum)
	case r.text != nil:
		for _, probe := range []string{"x", "", " x", "-x", strings.Repeat("x", 100)} {
			if why := r.text(probe); why != "" {
				return why
			}
		}
		return "a checked text"
	case r.max != 0:
		return fmt.Sprintf("%d to %d", r.min, r.max)
	}
	return fmt.Sprintf("at least %d", r.min)
}

func example(s Setting, v Version) string {
	value := map[Kind]string{KindString: "text", KindBool: "true", KindInt: "10", KindList: "one two", KindMap: "{}", KindJSON: "{}"}[s.Kind]
	switch {
	case s.In(v) != Present || s.Kind == KindStructs || IsSecret(s.Path):
		return ""
	case s.Kind == KindMap && before(v, Version{Major: 7, Minor: 5}):
		return ""
	case s.Kind == KindList && eraOf(v) != eraWalk:
		value = "one,two"
	}
	if r, ok := rules(s, v); ok && s.Kind == KindList && r.breaks(strings.Fields(value)) != "" {
		return ""
	} else if ok && r.enum != nil {
		value = r.enum[len(r.enum)-1]
	} else if ok && s.Kind == KindString && r.text(value) != "" {
		for _, value = range []string{"https://mattermost.example.com", "127.0.0.1:8065", "02:30", "5.9.0"} {
			if r.text(value) == "" {
				break
			}
		}
	} else if def, ok := s.ExistingDefault(v); ok && s.Kind != KindList && s.Kind != KindMap {
		if text, ok := s.EncodeValue([]byte(def), v); ok && text != "" {
			value = text
		}
	}
	return s.Env() + "=" + value
}

// readingNotes says how the version reads a variable of that kind.
func readingNotes(s Setting, v Version) []string {
	var out []string
	if eraOf(v) == eraFileKeys {
		out = append(out, "before 4.10 a variable counts only when config.json holds the key")
	}
	switch {
	case s.Kind == KindStructs:
		out = append(out, "a variable for it kills the server; use config.json")
	case s.Kind == KindList && eraOf(v) == eraWalk:
		out = append(out, "elements are separated by one blank")
	case s.Kind == KindList:
		out = append(out, "elements are separated by commas")
	case s.Kind == KindMap && before(v, Version{Major: 7, Minor: 5}):
		out = append(out, "a variable can set it from 7.5 on only")
	case s.Kind == KindMap:
		out = append(out, "the variable holds the whole object as JSON and replaces it")
	case strings.Contains(s.Path, "_") && eraOf(v) == eraWalk:
		out = append(out, "no variable reaches a field with an underscore in its name")
	}
	return out
}
