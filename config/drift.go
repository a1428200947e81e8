package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// What happens to a value of config.json that differs (DriftItem.Effect).
const (
	DriftLocked = "locked" // the environment wins; the System Console cannot change it
	DriftLost   = "lost"   // the next reconfigure writes config.json anew (before 11.0)
)

// DriftItem is one field of config.json that says something else than
// gitlab.rb does.
type DriftItem struct {
	Field    string `json:"field"`    // "ServiceSettings.SiteURL"
	Variable string `json:"variable"` // from 11.0: the variable that wins
	Key      string `json:"key"`      // the setting behind it
	File     string `json:"file"`     // text in config.json, masked when secret
	Package  string `json:"package"`  // text from gitlab.rb, masked when secret
	Effect   string `json:"effect"`   // DriftLocked or DriftLost
	Line     string `json:"line"`     // gitlab.rb line that keeps the value of config.json
}

// Drift compares a config.json with what the package makes of gitlab.rb: the
// list of what was changed in the System Console, or by hand, and is overruled
// by the environment (11.0 to 18.11) or lost at the next reconfigure (before).
// Fields that nothing in gitlab.rb touches are not listed from 11.0 on: they
// stay as they are. Before 11.0 fields that the package does not write are
// listed with an empty Package. In order of the file.
func Drift(i *Installation, c *ConfigJSON) []DriftItem {
	at := releaseAt(i.GitLabVersion)
	out := []DriftItem{}
	switch {
	case at > bundled:
	case at >= rel(11, 0, 0):
		wanted := i.fieldsFromEnvironment(at)
		for field, v := range c.Fields() {
			w, ok := wanted[strings.ToUpper(strings.ReplaceAll(field, ".", "_"))]
			if ok && w.text != "" && !sameText(v, w.text) {
				out = append(out, w.item(field, v, DriftLocked))
			}
		}
	default:
		generated, err := i.LegacyConfigJSON(LegacyOptions{})
		if err != nil {
			return out
		}
		want, err := ParseConfigJSON("generated", generated)
		if err != nil {
			return out
		}
		for field, v := range c.Fields() {
			w, ok := want.Get(field)
			if ok && rubyInspect(w) == rubyInspect(v) {
				continue
			}
			out = append(out, legacyWant(at, field, w).item(field, v, DriftLost))
		}
	}
	return out
}

// wantedField is what gitlab.rb says about a field.
type wantedField struct {
	text, variable string
	path           []string
	secret         bool
}

func (w wantedField) item(field string, v any, effect string) DriftItem {
	d := DriftItem{Field: field, Variable: w.variable, Key: settingName(w.path), File: fieldText(v), Package: w.text, Effect: effect}
	d.Line = Setting{Path: w.path, Value: lineValue(v, w.path)}.Line()
	if len(w.path) == 0 {
		d.Line = ""
	}
	if w.secret || secretField(field) {
		if d.File != "" {
			d.File = redact.Mask
		}
		if d.Package != "" {
			d.Package = redact.Mask
		}
		d.Line = ""
	}
	return d
}

// lineValue is v as it belongs into gitlab.rb: variables are text.
func lineValue(v any, path []string) any {
	if len(path) > 1 && path[1] == "env" {
		return fieldText(v)
	}
	return v
}

// fieldsFromEnvironment maps SECTION_FIELD to what the environment says.
func (i *Installation) fieldsFromEnvironment(at release) map[string]wantedField {
	out := map[string]wantedField{}
	for n := range catalogueRows {
		row := &catalogueRows[n]
		if row.variable == "" || !row.holds(at) || row.key == "service_port" {
			continue
		}
		text, _ := i.Mattermost.Text(row.key)
		if row.key == "service_address" {
			port, _ := i.Mattermost.Text("service_port")
			text += ":" + port
		}
		out[strings.TrimPrefix(row.variable, "MM_")] = wantedField{text, row.variable, []string{"mattermost", row.key}, secretKey("mattermost", row.key)}
	}
	for k, v := range envOf(i.Mattermost.Get("env")).All() {
		name := RubyText(k)
		if field, ok := strings.CutPrefix(name, "MM_"); ok {
			text, _, _ := strings.Cut(RubyText(v), "\n")
			out[field] = wantedField{strings.TrimRight(text, " \t"), name, []string{"mattermost", "env", name}, false}
		}
	}
	return out
}

// legacyWant finds the key behind a field before 11.0.
func legacyWant(at release, field string, v any) wantedField {
	w := wantedField{text: fieldText(v)}
	for n := range catalogueRows {
		row := &catalogueRows[n]
		if row.hash == "mattermost" && row.field == field && row.holds(at) {
			w.path, w.secret = []string{"mattermost", row.key}, secretKey("mattermost", row.key)
			break
		}
	}
	return w
}

// sameText compares a field with a variable as Mattermost would: by text, and
// lists by their elements.
func sameText(v any, text string) bool { return fieldText(v) == text }

// fieldText is a field as a variable would hold it.
func fieldText(v any) string {
	switch v := v.(type) {
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, RubyText(e))
		}
		return strings.Join(parts, " ")
	case *gitlabrb.Hash:
		return compactJSON(v)
	}
	return RubyText(v)
}

// secretField tells whether a field of config.json holds a secret.
func secretField(field string) bool {
	_, name, _ := strings.Cut(field, ".")
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"secret", "password", "salt", "encryptkey", "datasource", "privatekey", "sharedkey", "developerkey", "accesskey", "token"},
		func(part string) bool { return strings.Contains(name, part) && !strings.HasSuffix(name, "endpoint") })
}

// FileState is the mode and owner of a file on the machine.
type FileState struct {
	Name  string
	Mode  fs.FileMode
	Owner string // user name; "" is not known
}

// CheckConfigFile checks mode and owner of config.json: 0600 and the user that
// runs the server. The package never repairs either.
func CheckConfigFile(i *Installation, f FileState) []Finding {
	at := releaseAt(i.GitLabVersion)
	var out []Finding
	add := func(id, message, fix string) {
		if finding, ok := ruleFinding(at, id, f.Name, message, fix); ok {
			out = append(out, finding)
		}
	}
	if f.Mode.Perm()&0o077 != 0 {
		add("config-json.readable", fmt.Sprintf("mode %04o lets others than its owner at the secrets in it; files made before 11.1 keep the mode they had", f.Mode.Perm()), "chmod 0600 "+f.Name)
	}
	user, _ := i.Mattermost.Text("username")
	if f.Owner != "" && user != "" && f.Owner != user {
		add("config-json.owner", "it belongs to "+f.Owner+", so the server cannot save what is changed in the System Console", "chown "+user+" "+f.Name)
	}
	return out
}
