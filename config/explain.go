package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Explanation says all about one setting: what it is, why, and what comes of
// it. Secrets are masked.
type Explanation struct {
	Key       string    `json:"key"` // mattermost['service_site_url']
	Value     string    `json:"value"`
	Set       bool      `json:"set"` // false: the value is nil
	Secret    bool      `json:"secret"`
	Origin    string    `json:"origin"`    // kind, place and rule
	Where     string    `json:"where"`     // file:line:col alone, or what it is derived from
	Overrides []string  `json:"overrides"` // what lost against it, strongest first
	Feeds     []string  `json:"feeds"`     // what is made of it
	State     *KeyState `json:"state,omitempty"`
	Undecided string    `json:"undecided,omitempty"` // why the value cannot be known
	Findings  []Finding `json:"findings"`
}

// ExplainInput is what Explain looks at. Only Installation is needed.
type ExplainInput struct {
	Installation *Installation
	Result       *gitlabrb.Result // for shadowed assignments and other services' settings
	Secrets      *SecretsFile
	ConfigJSON   *ConfigJSON
}

// Explain explains a setting. The key is mattermost['x'], mattermost.x,
// mattermost[x] (what a shell leaves of the first),
// mattermost_nginx['x'], mattermost['env']['X'], a top-level name such as
// external_url, another service's setting, a variable MM_SECTION_FIELD or a
// config.json field Section.Field. The error is about a key that cannot be
// read.
func Explain(in ExplainInput, key string) (Explanation, error) {
	x, _, err := ExplainValue(in, key)
	return x, err
}

// ExplainValue is Explain together with the value itself, which may be a
// secret: see Explanation.Secret before showing it.
func ExplainValue(in ExplainInput, key string) (Explanation, any, error) {
	path, err := parseKey(key)
	if err != nil {
		return Explanation{}, nil, err
	}
	x := explainer{ExplainInput: in, at: releaseAt(in.Installation.GitLabVersion), path: path}
	x.out = Explanation{Key: settingName(path), Overrides: []string{}, Feeds: []string{}, Findings: []Finding{}}
	x.value()
	x.overrides()
	x.feeds()
	for _, f := range in.Installation.Findings {
		if x.concerns(f) {
			x.out.Findings = append(x.out.Findings, f)
		}
	}
	return x.out, x.raw, nil
}

// A key may come without quotes, as a shell leaves it.
var keySyntax = regexp.MustCompile(`^([a-z_][a-z0-9_]*)((?:\[(?:'[^']+'|"[^"]+"|:?[\w-]+)\]|\.[A-Za-z_][\w-]*)*)$`)
var keyPart = regexp.MustCompile(`\['([^']+)'\]|\["([^"]+)"\]|\[:?([\w-]+)\]|\.([\w-]+)`)

// parseKey reads a key in any of its spellings.
func parseKey(key string) ([]string, error) {
	key = strings.TrimSpace(key)
	if m := keySyntax.FindStringSubmatch(key); m != nil {
		path := []string{m[1]}
		for _, p := range keyPart.FindAllStringSubmatch(m[2], -1) {
			path = append(path, p[1]+p[2]+p[3]+p[4])
		}
		return path, nil
	}
	for i := range catalogueRows {
		if row := &catalogueRows[i]; row.variable == key && key != "" || row.field == key && key != "" {
			return []string{row.hash, row.key}, nil
		}
	}
	if strings.HasPrefix(key, "MM_") {
		return []string{"mattermost", "env", key}, nil
	}
	if section, name, ok := strings.Cut(key, "."); ok && strings.Contains(section, "Setting") {
		return []string{"mattermost", "env", "MM_" + strings.ToUpper(section+"_"+name)}, nil
	}
	return nil, fmt.Errorf("key %q: want mattermost['name'], a top-level name such as external_url, MM_SECTION_FIELD or Section.Field", key)
}

type explainer struct {
	ExplainInput
	at   release
	path []string
	out  Explanation
	raw  any
}

// attributes returns the resolved hash that the key lies in.
func (x *explainer) attributes() *Attributes {
	switch x.path[0] {
	case "mattermost":
		return x.Installation.Mattermost
	case "mattermost_nginx":
		return x.Installation.Nginx
	}
	return nil
}

func (x *explainer) value() {
	var a Attribute
	if attrs := x.attributes(); attrs != nil && len(x.path) > 1 {
		a = attrs.Get(x.path[1])
		a.Secret = a.Secret && (x.path[1] != "env" || len(x.path) == 2) || len(x.path) > 2 && secretName(x.path[2])
		for _, p := range x.path[2:] {
			h, _ := a.Value.(*gitlabrb.Hash)
			a.Value, _ = h.Get(p)
		}
		if len(x.path) > 2 {
			// The hash may be missing because another element is undecided.
			if own, ok := lookup(x.Result, x.path); ok && a.Value == nil {
				a.Value = own
			}
			a.Origin = x.elementOrigin(a)
		}
		s := keyState(x.at, x.path[0], x.path[1])
		s.Default = maskedDefault(s)
		x.out.State = &s
	} else if x.Result != nil {
		v, ok := x.Result.Lookup(x.path...)
		pos, _ := x.Result.Pos(x.path...)
		if a.Value = v; ok && v != nil {
			a.Origin = Origin{Kind: OriginGitLabRB, Where: pos.String()}
		}
		a.Secret = secretName(x.path[len(x.path)-1])
	}
	if a.Origin.Kind == "" {
		a.Origin.Kind = "not set"
	}
	x.raw, x.out.Secret, x.out.Set = a.Value, a.Secret, a.Value != nil
	x.out.Value = x.show(a.Value)
	if u, ok := x.undecided(); ok {
		x.raw, x.out.Set, x.out.Value, x.out.Undecided = nil, false, "undecided", u.Why
		a.Origin = Origin{Kind: OriginGitLabRB, Where: u.Pos.String()}
	}
	x.out.Origin, x.out.Where = a.Origin.String(), a.Origin.Where
}

// undecided tells whether gitlab.rb sets the key to something that cannot be
// known.
func (x *explainer) undecided() (gitlabrb.UndecidedSetting, bool) {
	if x.Result == nil {
		return gitlabrb.UndecidedSetting{}, false
	}
	for _, u := range x.Result.Undecided {
		if len(u.Path) <= len(x.path) && slices.Equal(u.Path, x.path[:len(u.Path)]) {
			return u, true
		}
	}
	v, _ := x.Result.Lookup(x.path...)
	if u, ok := findUndecided(v); ok {
		return gitlabrb.UndecidedSetting{Path: x.path, Pos: u.Pos, Why: u.Why}, true
	}
	return gitlabrb.UndecidedSetting{}, false
}

// elementOrigin finds where one key of a hash comes from.
func (x *explainer) elementOrigin(a Attribute) Origin {
	if x.Result != nil {
		if v, ok := x.Result.Lookup(x.path...); ok && v != nil {
			pos, _ := x.Result.Pos(x.path...)
			return Origin{Kind: OriginGitLabRB, Where: pos.String()}
		}
	}
	if a.Value == nil {
		return Origin{}
	}
	return Origin{Kind: OriginDefault}
}

func maskedDefault(s KeyState) any {
	if _, ok := s.Default.(*gitlabrb.Hash); ok {
		return rubyInspect(s.Default)
	}
	return s.Default
}

// show prints a value in Ruby, masked when it is secret.
func (x *explainer) show(v any) string {
	switch {
	case v == nil:
		return "nil"
	case x.out.Secret:
		return redact.Mask
	}
	return rubyInspect(v)
}

// overrides lists what the effective value beat.
func (x *explainer) overrides() {
	add := func(format string, args ...any) {
		x.out.Overrides = append(x.out.Overrides, fmt.Sprintf(format, args...))
	}
	if x.Result != nil {
		for i := len(x.Result.Assignments) - 1; i >= 0; i-- {
			if a := x.Result.Assignments[i]; a.Shadowed && slices.Equal(a.Path, x.path) {
				add("%s: an earlier %s", a.Pos, x.show(a.Value))
			}
		}
	}
	attrs := x.attributes()
	if attrs == nil || len(x.path) < 2 {
		return
	}
	origin := attrs.Get(x.path[1]).Origin.Kind
	if own, ok := lookup(x.Result, x.path); ok && own != nil && origin == OriginSecrets {
		pos, _ := x.Result.Pos(x.path...)
		add("%s: %s in gitlab.rb", pos, x.show(own))
	}
	if stored, ok := x.Secrets.Section(x.path[0]).Get(x.path[1]); ok && len(x.path) == 2 && stored != nil && origin != OriginSecrets {
		add("%s: %s in the secrets file", x.Secrets.Name(), x.show(stored))
	}
	if s := x.out.State; len(x.path) == 2 && s != nil && s.Default != nil && origin != OriginDefault {
		add("default: %s", x.show(keyState(x.at, x.path[0], x.path[1]).Default))
	}
	if field := x.field(); field != "" {
		if v, ok := x.ConfigJSON.Get(field); ok && x.raw != nil && RubyText(x.raw) != "" {
			shown := x.show(v)
			if secretField(field) {
				shown = redact.Mask
			}
			add("%s: %s = %s", x.ConfigJSON.Name(), field, shown)
		}
	}
}

func lookup(r *gitlabrb.Result, path []string) (any, bool) {
	if r == nil {
		return nil, false
	}
	return r.Lookup(path...)
}

// field is the config.json field that the setting ends up in.
func (x *explainer) field() string {
	variable := ""
	switch {
	case len(x.path) == 3 && x.path[1] == "env":
		variable = x.path[2]
	case len(x.path) == 2 && x.out.State != nil:
		if x.out.State.Field != "" {
			return x.out.State.Field
		}
		variable = x.out.State.Variable
	}
	return fieldOf(variable)
}

// fieldOf finds the field behind a variable in the catalogue.
func fieldOf(variable string) string {
	if variable == "" {
		return ""
	}
	for i := range catalogueRows {
		if row := &catalogueRows[i]; row.field != "" && (row.variable == variable || variableOf(row.field) == variable) {
			return row.field
		}
	}
	switch variable {
	case "MM_SERVICESETTINGS_ENABLEAPITEAMDELETION":
		return "ServiceSettings.EnableAPITeamDeletion"
	case "MM_PLUGINSETTINGS_DIRECTORY":
		return "PluginSettings.Directory"
	case "MM_PLUGINSETTINGS_CLIENTDIRECTORY":
		return "PluginSettings.ClientDirectory"
	}
	return ""
}

// concerns tells whether a finding is about the key: at its place in gitlab.rb,
// or under its name. A hash literal is one place for all its variables, so
// those are told apart by name.
func (x *explainer) concerns(f Finding) bool {
	if len(x.path) == 3 && !slices.Contains(strings.Fields(f.Message), x.path[2]) {
		return false
	}
	if f.Where == x.out.Key {
		return true
	}
	if x.Result == nil {
		return false
	}
	pos, ok := x.Result.Pos(x.path...)
	return ok && f.Where == pos.String()
}
