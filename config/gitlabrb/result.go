package gitlabrb

// Options choose how a file is evaluated. The zero value knows the names of
// GitLab 18.11 and nothing of the machine.
type Options struct {
	// Lookups answer questions about the machine; nil fields are off.
	Lookups Lookups
	// GitLabVersion decides which top-level names exist ("" is 18.11); major
	// and minor count.
	GitLabVersion string
	// KnownKeys are the keys that exist inside of a top-level hash, by its
	// name; a key that is not among them is a finding. nil stands for the keys
	// of "mattermost" and "mattermost_nginx" that GitLab 11.0 to 18.11 knew;
	// an empty map looks at none.
	KnownKeys map[string][]string
}

// Result is what a gitlab.rb says, before any derivation.
type Result struct {
	// Settings holds every top-level setting that was set or read:
	// "external_url" → string, "mattermost" → *Hash, …
	Settings *Hash
	// Assignments are all settings made, in order of execution.
	Assignments []Assignment
	// Undecided are the settings whose value, or whose being set at all,
	// could not be decided. An entry with an empty Path stands for any setting
	// that is not listed in Settings: something that cannot be read (an
	// included file that is not there, say) may have set it.
	Undecided []UndecidedSetting
	// Findings are the traps of the settings file that were stepped into.
	Findings []Finding
	// Used names the lookups that were asked: "env:NAME", "file:/path",
	// "command:hostname", "hostname", "glob:/etc/x/*.rb"; sorted, no doubles.
	Used []string

	fog          *Undecided // any setting may have been set
	anyUndecided bool       // something was undecided on the way
}

// Assignment is one setting made at one place.
type Assignment struct {
	Path     []string // {"mattermost", "env", "X"}; {"external_url"}
	Value    any
	Pos      Pos
	Shadowed bool // a later assignment to the same path replaced it
}

// UndecidedSetting is a setting that static reading cannot determine.
type UndecidedSetting struct {
	Path []string
	Pos  Pos // the setting's line
	Why  string
}

// Finding is a trap that the text steps into: legal, and not what its author
// meant. The ids are stable.
type Finding struct {
	ID       string // "gitlabrb.shadowed", "gitlabrb.local-not-setting", …
	Severity string // "error", "warning" or "info"
	Pos      Pos
	Message  string
	Fix      string
}

// Lookup returns the value under path ("mattermost", "env", "X") and whether
// it was set. When it is not known whether it was set, it is Undecided.
func (r *Result) Lookup(path ...string) (any, bool) {
	var v any = r.Settings
	for _, key := range path {
		if _, unknown := v.(Undecided); unknown {
			return v, true
		}
		h, ok := v.(*Hash)
		if !ok {
			return nil, false
		}
		if v, ok = h.Get(key); !ok {
			if r.fog != nil {
				return *r.fog, true
			}
			return nil, false
		}
	}
	return v, true
}

// Pos returns where the effective value of path was set.
func (r *Result) Pos(path ...string) (Pos, bool) {
	for i := len(r.Assignments) - 1; i >= 0; i-- {
		a := r.Assignments[i]
		if a.Shadowed || len(a.Path) > len(path) {
			continue
		}
		match := true
		for j, key := range a.Path {
			if path[j] != key {
				match = false
				break
			}
		}
		if match {
			return a.Pos, true
		}
	}
	return Pos{}, false
}
