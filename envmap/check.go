package envmap

import (
	"fmt"
	"strings"
)

// Roles of a variable.
const (
	RoleSetting    = "setting"    // a setting of config.json
	RoleMattermost = "mattermost" // read by Mattermost by itself
	RoleProcess    = "process"    // not Mattermost's: proxies, certificates, the system
	RoleUnknown    = "unknown"    // named like Mattermost's, and read by nobody
)

// Verdict is what a server does with one variable.
type Verdict struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"` // of the setting, "" for other roles
	Role string `json:"role"`
	// Honoured is true when the server runs with the value: the setting
	// exists in that version and the text can be read. A value that is read
	// and that validation then refuses is honoured, with an error of id
	// env.not-allowed.
	Honoured bool `json:"honoured"`
	// Locked is true when the System Console shows the setting as set by the
	// environment and ignores changes to it. That can be so without the value
	// being honoured.
	Locked bool `json:"locked"`

	setting Setting
	text    *string // behind a pointer, so that no printing shows it
	version Version
}

// Value returns the setting's value as the server reads it: string, bool,
// int64, []string, or json.RawMessage for maps and raw JSON; nil when it is not
// honoured or no setting. It may be a secret.
func (v Verdict) Value() any {
	if !v.Honoured || v.Role != RoleSetting {
		return nil
	}
	value, _ := readValue(v.setting, *v.text, v.version)
	return value
}

// Report is the result of Check.
type Report struct {
	Version  string    `json:"version"`
	Verdicts []Verdict `json:"verdicts"`
	Findings []Finding `json:"findings"` // in the order of the variables
}

// Errors counts the findings of severity error.
func (r *Report) Errors() int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == SeverityError {
			n++
		}
	}
	return n
}

// Verdict returns the verdict on a variable.
func (r *Report) Verdict(name string) (Verdict, bool) {
	for _, v := range r.Verdicts {
		if v.Name == name {
			return v, true
		}
	}
	return Verdict{}, false
}

// Check says what a Mattermost server of a version does with an environment, by
// that version's own rules: names that it does not know (with the nearest one it
// knows), values that it cannot read, lists and maps written in another
// version's way, values that its validation refuses, settings that it does not
// have yet or any more, and what needs a licence. Whatever the server would drop
// without a word, or not start with, is a finding of severity error.
//
// Variables that are not set are passed over. Findings name variables and
// never repeat values. Versions before 4.0 are an error; one newer than
// NewestVersion is judged as the newest, with a finding.
func Check(e *Environment, version Version) (*Report, error) {
	if err := checkVersion(version); err != nil {
		return nil, fmt.Errorf("check environment: %w", err)
	}
	c := &checker{version: version, place: placeOf(version), era: eraOf(version), report: &Report{
		Version:  version.String(),
		Verdicts: make([]Verdict, 0, e.Len()),
	}}
	if before(NewestVersion(), version) {
		c.warn("env.version-unknown", version.String(), "this version is newer than all that were sampled; it is judged as "+NewestVersion().String(), "compare with the release notes")
	}
	for v := range e.All() {
		if v.Value != nil {
			c.variable(v.Name, v.Value)
		}
	}
	c.together()
	return c.report, nil
}

type checker struct {
	version Version
	place   place
	era     era
	report  *Report
}

func (c *checker) add(severity, id, where, message, fix string) {
	c.report.Findings = append(c.report.Findings, Finding{ID: id, Severity: severity, Message: message, Where: where, Fix: fix})
}

func (c *checker) fail(id, where, message, fix string) { c.add(SeverityError, id, where, message, fix) }
func (c *checker) warn(id, where, message, fix string) {
	c.add(SeverityWarning, id, where, message, fix)
}
func (c *checker) note(id, where, message, fix string) { c.add(SeverityInfo, id, where, message, fix) }

// variable judges one variable that is set.
func (c *checker) variable(name string, text *string) {
	if len(name) < 2 || !strings.EqualFold(name[:2], "MM") {
		c.report.Verdicts = append(c.report.Verdicts, Verdict{Name: name, Role: RoleProcess, Honoured: true})
		return
	}
	s, ok := Lookup(name)
	if !ok || len(name) < 3 || name[2] != '_' {
		if o, known := findOther(name); known {
			c.other(name, o)
			return
		}
		ok = false
		if c.era == eraWalk {
			s, ok = c.overlong(name)
		}
	}
	if !ok {
		c.unknown(name)
		return
	}
	v := Verdict{Name: name, Path: s.Path, Role: RoleSetting, setting: s, text: text, version: c.version}
	if c.reachable(&v) {
		c.read(&v, *text)
	}
	c.report.Verdicts = append(c.report.Verdicts, v)
}

// overlong finds the setting that Mattermost takes a name for that goes on after
// a real one: the reader stops at the first name that is no section.
func (c *checker) overlong(name string) (Setting, bool) {
	for i := len(name) - 1; i > 3; i-- {
		if name[i] != '_' {
			continue
		}
		if s, ok := Lookup(name[:i]); ok && s.at(c.place) == Present && !strings.Contains(s.Path, "_") {
			c.warn("env.name-goes-on", name, "Mattermost stops reading the name after "+s.Env()+" and sets that", "write "+s.Env())
			return s, true
		}
	}
	return Setting{}, false
}

func (c *checker) other(name string, o other) {
	v := Verdict{Name: name, Role: RoleMattermost, Honoured: !before(c.version, o.since)}
	if !v.Honoured {
		c.fail("env.not-yet", name, fmt.Sprintf("Mattermost reads this variable (%s) from %v on", o.what, o.since), "remove it or upgrade")
	}
	c.report.Verdicts = append(c.report.Verdicts, v)
}

func (c *checker) unknown(name string) {
	c.report.Verdicts = append(c.report.Verdicts, Verdict{Name: name, Role: RoleUnknown})
	if right, ok := neverWorked()[strings.ToUpper(name)]; ok {
		c.fail("env.never-worked", name, "guides show this name, but no Mattermost ever read it", "use "+right)
		return
	}
	if strings.HasPrefix(strings.ToUpper(name), "MM_PLUGINSETTINGS_PLUGINS_") {
		c.fail("env.unknown-name", name, "settings of single plugins cannot be set by variables", "use MM_PLUGINSETTINGS_PLUGINS with the whole JSON object (7.5 and later), or the System Console")
		return
	}
	fix := "remove it"
	if near, ok := nearest(name, c.place); ok {
		fix = "did you mean " + near + "?"
	}
	c.fail("env.unknown-name", name, "Mattermost "+c.version.String()+" has no setting of this name and ignores the variable without a word", fix)
}

// reachable decides whether the version can take the setting from a variable
// of that name at all.
func (c *checker) reachable(v *Verdict) bool {
	s := v.setting
	switch s.at(c.place) {
	case NotYet:
		c.fail("env.not-yet", v.Name, fmt.Sprintf("Mattermost %v does not have %s yet (%s) and ignores the variable", c.version, s.Path, appeared(s)), replacement(s, "remove it until the server is upgraded"))
		return false
	case Removed:
		c.fail("env.removed", v.Name, fmt.Sprintf("Mattermost %v no longer has %s (%s) and ignores the variable", c.version, s.Path, disappeared(s)), replacement(s, "remove it"))
		return false
	case Maybe:
		c.warn("env.uncertain", v.Name, fmt.Sprintf("it is not known whether Mattermost %v has %s: the neighbouring samples differ", c.version, s.Path), "look at the System Console after a start")
	}
	if c.era != eraWalk {
		if v.Name != strings.ToUpper(v.Name) {
			c.fail("env.letter-case", v.Name, "before 5.29 Mattermost reads upper-case names only", "write "+s.Env())
			return false
		}
		if c.era == eraFileKeys {
			c.note("env.needs-key", v.Name, "before 4.10 a variable counts only when config.json holds the key", "make sure that config.json has "+s.Path)
		}
		if s.Path == "PluginSettings.Plugins" || s.Path == "PluginSettings.PluginStates" {
			c.fail("env.stops-server", v.Name, "before 5.29 a map cannot come from a variable: the server does not start", "set it in config.json")
			return false
		}
		return true
	}
	if strings.Contains(s.Path, "_") {
		c.fail("env.unreachable", v.Name, "Mattermost splits names at underscores, so a field with one is never found", replacement(s, "remove it"))
		return false
	}
	if !strings.Contains(s.defaults, "=null") {
		return c.current(v)
	}
	if def, _ := s.Default(c.version); def == "null" && s.Kind != KindList && s.Kind != KindMap {
		c.fail("env.needs-key", v.Name, "the setting is unset by default, and a variable counts only when config.json holds the key", replacement(s, "set "+s.Path+" in config.json"))
		v.Locked = true
		return false
	}
	return c.current(v)
}

// current is false for settings that the server reads and then overrides.
func (c *checker) current(v *Verdict) bool {
	s := v.setting
	if days, ok := strings.CutSuffix(s.Path, "InDays"); ok && strings.HasPrefix(s.Path, "ServiceSettings.SessionLength") && !before(c.version, Version{Major: 7}) {
		hours, _ := Lookup(days + "InHours")
		c.fail("env.superseded", v.Name, "from 7.0 on the value in days is ignored when it comes from a variable", "use "+hours.Env()+" with 24 times the value")
		v.Locked = true
		return false
	}
	return true
}

func appeared(s Setting) string {
	if s.first == 0 {
		return "known since 4.0 or earlier"
	}
	return fmt.Sprintf("it appeared after %v and by %v", samples[s.first-1], samples[s.first])
}

func disappeared(s Setting) string {
	return fmt.Sprintf("%v still had it, %v did not", samples[s.last], samples[s.last+1])
}

func replacement(s Setting, fallback string) string {
	if to, ok := renamed(s.Path); ok {
		return "replaced by " + to
	}
	return fallback
}
