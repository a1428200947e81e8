package envmap

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
)

// maskedText is what Mattermost shows in place of a secret.
const maskedText = "********************************"

// FromConfig turns a config.json into an environment for Mattermost v: a
// variable for every setting that differs from that version's defaults, in the
// table's order. What no variable can carry, or no setting is, is left out with
// the reason.
func FromConfig(configJSON []byte, version Version) (*Environment, []LeftOut, error) {
	return FromConfigDiff(nil, configJSON, version)
}

// FromConfigDiff turns the changes between two config.json into an environment:
// a variable for every setting of after that differs from before. A missing key
// counts as the version's default; with before nil everything is compared with
// the defaults. This is how changes made in the System Console get into
// gitlab.rb (FormatRuby writes them).
func FromConfigDiff(before, after []byte, version Version) (*Environment, []LeftOut, error) {
	if err := checkVersion(version); err != nil {
		return nil, nil, fmt.Errorf("read config.json: %w", err)
	}
	old, err := parseDocument(before)
	if err != nil {
		return nil, nil, err
	}
	doc, err := parseDocument(after)
	if err != nil {
		return nil, nil, err
	}
	e, left := &Environment{}, []LeftOut(nil)
	known := map[string]bool{}
	for s := range Settings() {
		value, ok := doc.get(s.Path)
		known[strings.ToLower(s.Path)] = true
		if !ok || s.Section() == "FeatureFlags" || same(s, old, value, version) {
			continue
		}
		text, why := s.variable(value, version)
		if why != "" {
			left = append(left, LeftOut{s.Path, why, "keep it in config.json, or set it in the System Console"})
			continue
		}
		e.Put(Var{Name: s.Env(), Value: &text, Origin: config.Origin{Kind: OriginConfigJSON, Where: s.Path}})
	}
	return e, append(left, doc.unknown(known)...), nil
}

// same compares a value with what the other document, or the default, says.
func same(s Setting, old *document, value json.RawMessage, v Version) bool {
	if was, ok := old.get(s.Path); ok {
		return sameJSON(was, value)
	}
	def, ok := s.ExistingDefault(v)
	if !ok {
		def = `""`
	}
	return sameJSON([]byte(def), value)
}

// variable is the text for a value, or why there is none.
func (s Setting) variable(value json.RawMessage, v Version) (text, why string) {
	switch s.In(v) {
	case NotYet, Removed:
		return "", fmt.Sprintf("Mattermost %v does not have the setting", v)
	}
	if !s.fits(value) {
		return "", "the value is not " + article(s.Kind)
	}
	if strings.Contains(string(value), maskedText) {
		return "", "the value is masked, this is no original config.json"
	}
	text, ok := s.EncodeValue(value, v)
	if !ok {
		return "", "no variable can carry this " + s.Kind.String() + " to Mattermost " + v.String()
	}
	return text, ""
}

// unknown lists the members that are no setting of any release.
func (d *document) unknown(known map[string]bool) []LeftOut {
	var out []LeftOut
	for _, section := range d.root.members {
		if section.object == nil || strings.EqualFold(section.key, "FeatureFlags") {
			continue
		}
		for _, m := range section.object.members {
			path := section.key + "." + m.key
			if known[strings.ToLower(path)] || m.object != nil && hasChild(known, path) {
				continue
			}
			out = append(out, LeftOut{path, "no sampled release of Mattermost knows this setting", "check the spelling; the server drops it at the next save"})
		}
	}
	return out
}

func hasChild(known map[string]bool, path string) bool {
	prefix := strings.ToLower(path) + "."
	for k := range known {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}
