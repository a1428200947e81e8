package envmap

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Kinds of Origin of an effective value, beside config.OriginDefault.
const (
	OriginEnvironment = "environment"
	OriginConfigJSON  = "config.json"
)

// EffectiveValue is one setting as a server runs with it.
type EffectiveValue struct {
	Path string `json:"path"`
	// Value is the JSON of the value; in JSON and in print a secret is masked.
	Value  Masked        `json:"value"`
	Origin config.Origin `json:"origin"`
	// Locked is true when the System Console shows it as set by the
	// environment.
	Locked bool `json:"locked"`
	Secret bool `json:"secret"`
}

// Masked is the JSON of a value that may be a secret.
type Masked struct {
	raw    json.RawMessage
	secret bool
}

// Reveal returns the JSON itself.
func (m Masked) Reveal() json.RawMessage { return m.raw }

// String prints the JSON, a secret that is not empty as [redacted].
func (m Masked) String() string {
	if m.secret && len(m.raw) > 2 {
		return redact.Mask
	}
	return string(m.raw)
}

// Format makes every verb print what String gives.
func (m Masked) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(m.String())) }

// MarshalJSON writes the value, or the mask as a text.
func (m Masked) MarshalJSON() ([]byte, error) {
	if m.secret && len(m.raw) > 2 {
		return []byte(strconv.Quote(redact.Mask)), nil
	}
	if len(m.raw) == 0 {
		return []byte("null"), nil
	}
	return m.raw, nil
}

// EffectiveConfig is what a server would run with.
type EffectiveConfig struct {
	Version  string           `json:"version"`
	Values   []EffectiveValue `json:"values"` // every setting of the version, sorted by path
	Findings []Finding        `json:"findings"`

	doc *document
}

// Effective works out what a Mattermost of a version would run with: its
// defaults (those of an existing installation), what config.json holds, and
// every variable of the environment that it honours. The findings are those of
// Check, and one for each value that the server would make up at random.
//
// env is the environment of the process, as chpst or systemd hands it over. A
// value of config.json that has another type than the setting is an error, as
// it stops the server. Settings that no release knows are kept and not listed.
func Effective(configJSON []byte, env *Environment, version Version) (*EffectiveConfig, error) {
	doc, err := parseDocument(configJSON)
	if err != nil {
		return nil, err
	}
	report, err := Check(env, version)
	if err != nil {
		return nil, err
	}
	out := &EffectiveConfig{Version: version.String(), Findings: report.Findings, doc: doc}
	doc.remove("FeatureFlags") // never stored, ignored where it is
	set := map[string]Verdict{}
	for _, v := range report.Verdicts {
		if v.Role == RoleSetting && v.Honoured {
			set[v.Path] = v // of two spellings the later wins, as in the server
		}
	}
	where := placeOf(version)
	for s := range Settings() {
		if p := s.at(where); p == Present || p == Maybe && isSet(doc, set, s.Path) {
			if err := out.add(s, set, version); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func isSet(doc *document, set map[string]Verdict, path string) bool {
	_, inFile := doc.get(path)
	_, inEnv := set[path]
	return inFile || inEnv
}

// add works out one setting.
func (e *EffectiveConfig) add(s Setting, set map[string]Verdict, version Version) error {
	v := EffectiveValue{Path: s.Path, Secret: IsSecret(s.Path)}
	var raw json.RawMessage
	stored, inFile := e.doc.get(s.Path)
	verdict, inEnv := set[s.Path]
	if inFile && !s.fits(stored) {
		return fmt.Errorf("config.json: %s is not %s; Mattermost does not start with it", s.Path, article(s.Kind))
	} else if inFile {
		stored, inFile = takenAs(s.Path, stored)
	}
	switch {
	case inEnv:
		value, err := marshal(verdict.Value())
		if err != nil {
			return fmt.Errorf("%s: the value is no JSON", verdict.Name)
		}
		raw, v.Locked = value, verdict.Locked
		v.Origin = config.Origin{Kind: OriginEnvironment, Where: verdict.Name}
	case s.Path == "PluginSettings.PluginStates":
		def, _ := s.ExistingDefault(version)
		raw, v.Origin = pluginStates(stored, json.RawMessage(def), e.doc), config.Origin{Kind: OriginConfigJSON, Where: s.Path}
		if !inFile {
			v.Origin = config.Origin{Kind: config.OriginDefault, Where: version.String()}
		}
	case inFile:
		raw, v.Origin = stored, config.Origin{Kind: OriginConfigJSON, Where: s.Path}
	default:
		raw, v.Origin = e.missing(s, version)
	}
	if s.Path == "PluginSettings.PluginStates" {
		raw = uniform(raw)
	}
	// The server corrects once before and once after the environment.
	local := localFiles(e.doc, set) || !inEnv && localFiles(e.doc, nil)
	raw = corrected(s.Path, raw, local)
	v.Value = Masked{raw, v.Secret}
	e.Values = append(e.Values, v)
	return nil
}

// missing is the default of a setting that neither names.
func (e *EffectiveConfig) missing(s Setting, version Version) (json.RawMessage, config.Origin) {
	origin := config.Origin{Kind: config.OriginDefault, Where: version.String()}
	if days, ok := strings.CutSuffix(s.Path, "InHours"); ok && strings.HasPrefix(days, "ServiceSettings.SessionLength") {
		if stored, ok := e.doc.get(days + "InDays"); ok {
			if n, err := strconv.ParseInt(string(stored), 10, 64); err == nil {
				return json.RawMessage(strconv.FormatInt(24*n, 10)), config.Origin{Kind: config.OriginDerived, Where: days + "InDays", Rule: "24 hours a day"}
			}
		}
	}
	if value := linked(s.Path, e.doc); value != nil {
		return value, config.Origin{Kind: config.OriginDerived, Where: "config.json", Rule: "the default follows another setting"}
	}
	if def, ok := s.ExistingDefault(version); ok {
		return json.RawMessage(def), origin
	}
	if generatedByServer(s.Path) {
		e.Findings = append(e.Findings, Finding{
			ID: "effective.generated", Severity: SeverityWarning, Where: s.Path,
			Message: "it is set nowhere; the server makes up a random value at its next start",
			Fix:     "take the old value over (for public links the old salt is what keeps them valid)",
		})
	}
	return json.RawMessage(`""`), origin
}

// corrected applies what the server itself corrects when it loads: no slash at
// the end of the site URL, one at the end of a local directory of files.
func corrected(path string, raw json.RawMessage, local bool) json.RawMessage {
	var text string
	if path != "ServiceSettings.SiteURL" && path != "FileSettings.Directory" || json.Unmarshal(raw, &text) != nil {
		return raw
	}
	if path == "ServiceSettings.SiteURL" {
		text = strings.TrimRight(text, "/")
	} else if text != "" && !strings.HasSuffix(text, "/") && local {
		text += "/"
	}
	out, err := marshal(text)
	if err != nil {
		return raw // a string always marshals
	}
	return out
}

// localFiles tells whether files are stored on this machine.
func localFiles(doc *document, set map[string]Verdict) bool {
	if v, ok := set["FileSettings.DriverName"]; ok {
		return v.Value() == "local"
	}
	stored, ok := doc.get("FileSettings.DriverName")
	return !ok || string(stored) == `"local"`
}

// fits tells whether Mattermost can read a JSON value into the setting.
func (s Setting) fits(raw json.RawMessage) bool {
	var target any
	switch s.Kind {
	case KindString:
		target = new(string)
	case KindBool:
		target = new(bool)
	case KindInt:
		target = new(int64)
	case KindList:
		target = new([]string)
	case KindMap:
		target = mapShape(s.Path)
	default:
		return true
	}
	return json.Unmarshal(raw, target) == nil
}

// Get returns the value of a path or variable.
func (e *EffectiveConfig) Get(name string) (EffectiveValue, bool) {
	s, ok := Lookup(name)
	for _, v := range e.Values {
		if ok && v.Path == s.Path {
			return v, true
		}
	}
	return EffectiveValue{}, false
}

// JSON writes one complete config.json for a server without that environment:
// everything the old file held, in its order, with every effective value in it,
// missing settings added. It holds secrets; write it with mode 0600.
//
// Feature flags are left out, because Mattermost never reads them from there.
func (e *EffectiveConfig) JSON() ([]byte, error) {
	data, err := e.doc.json()
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(data) // a copy
	if err != nil {
		return nil, err
	}
	for _, v := range e.Values {
		if strings.HasPrefix(v.Path, "FeatureFlags.") {
			continue
		}
		if v.Origin.Kind == config.OriginDefault && len(v.Value.raw) == 0 {
			continue
		}
		doc.set(v.Path, v.Value.raw)
	}
	return doc.json()
}
