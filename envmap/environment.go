// Package envmap turns GitLab's Mattermost settings into the environment that
// a Mattermost server reads, and back, for every version and storage format.
// Most callers need FromInstallation, which gives the environment that GitLab's
// Linux package would have made, and Check, which says what a Mattermost of a
// given version will honour of it.
//
// The package reads and writes text; it starts nothing and talks to no server.
// Facts about settings (names, types, defaults, the versions that know them)
// come from a table sampled from 31 Mattermost releases, 4.0.5 to 11.11, that
// is part of the package. Between two samples the package says that it cannot
// know exactly.
package envmap

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
)

// Severities of a Finding.
const (
	SeverityError   = config.SeverityError   // Mattermost drops it, or does not start
	SeverityWarning = config.SeverityWarning // it works, and will surprise
	SeverityInfo    = config.SeverityInfo    // worth knowing
)

// Finding says what is wrong with a variable and what to do. Ids are stable,
// texts are not promised.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "error", "warning" or "info"
	Message  string `json:"message"`
	Where    string `json:"where"`
	Fix      string `json:"fix"`
}

// Var is one variable of a process environment.
type Var struct {
	Name string
	// Value is the text; nil means that the variable is known and not set,
	// which is something else than the empty text.
	Value *string
	// Origin says where the value comes from; the zero Origin is unknown.
	Origin config.Origin
}

// Text returns the value, and false when the variable is not set.
func (v Var) Text() (string, bool) {
	if v.Value == nil {
		return "", false
	}
	return *v.Value, true
}

// Environment is an ordered list of variables with unique names. The zero value
// is empty and ready to use; a nil Environment reads as empty. It is not safe
// for concurrent writes.
type Environment struct {
	vars  []Var
	index map[string]int
}

// New returns an environment of the given variables; a name given twice keeps
// its first place and its last value.
func New(vars ...Var) *Environment {
	e := &Environment{}
	for _, v := range vars {
		e.Put(v)
	}
	return e
}

// FromEnviron reads "NAME=value" pairs as os.Environ and /proc/PID/environ
// give them. The order is kept; of a name given twice the last value counts,
// as it does for a Go program. A pair without "=" is an error.
func FromEnviron(pairs []string) (*Environment, error) {
	e := &Environment{}
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("read environment: entry %d is not NAME=value", i+1)
		}
		e.Set(name, value)
	}
	return e, nil
}

// Put stores a variable. A new name goes to the end, a known one keeps its
// place.
func (e *Environment) Put(v Var) {
	if e.index == nil {
		e.index = make(map[string]int)
	}
	if i, ok := e.index[v.Name]; ok {
		e.vars[i] = v
		return
	}
	e.index[v.Name] = len(e.vars)
	e.vars = append(e.vars, v)
}

// Set stores a text under a name, without an origin.
func (e *Environment) Set(name, value string) { e.Put(Var{Name: name, Value: &value}) }

// Get returns the variable, and whether the name is known at all, set or not.
// Names are case-sensitive here, as they are for the operating system.
func (e *Environment) Get(name string) (Var, bool) {
	if e == nil {
		return Var{}, false
	}
	i, ok := e.index[name]
	if !ok {
		return Var{}, false
	}
	return e.vars[i], true
}

// All yields the variables in order.
func (e *Environment) All() iter.Seq[Var] {
	return func(yield func(Var) bool) {
		if e == nil {
			return
		}
		for _, v := range e.vars {
			if !yield(v) {
				return
			}
		}
	}
}

// Len is the number of variables, those that are not set included.
func (e *Environment) Len() int {
	if e == nil {
		return 0
	}
	return len(e.vars)
}

// Environ returns "NAME=value" for every variable that is set, for exec.Cmd.
func (e *Environment) Environ() []string {
	var out []string
	for v := range e.All() {
		if v.Value != nil {
			out = append(out, v.Name+"="+*v.Value)
		}
	}
	return out
}

// Sorted returns a copy with the variables in the order of their names.
func (e *Environment) Sorted() *Environment {
	vars := slices.Collect(e.All())
	slices.SortFunc(vars, func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	return New(vars...)
}
