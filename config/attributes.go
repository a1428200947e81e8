package config

import (
	"fmt"
	"io"
	"iter"

	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// Origin says where a value comes from.
type Origin struct {
	Kind  string // one of the Origin constants
	Where string // file:line:col, or the setting it was derived from
	Rule  string // for derived values: the derivation in a few words
}

// Kinds of Origin.
const (
	OriginGitLabRB  = "gitlab.rb"
	OriginSecrets   = "secrets file"
	OriginDerived   = "derived"
	OriginDefault   = "default"
	OriginGenerated = "generated" // a secret made in this run
)

// Attribute is one resolved setting. Value is a gitlabrb value (see
// gitlabrb.Symbol and the list there); nil is "not set".
type Attribute struct {
	Value  any
	Origin Origin
	// Secret is true when the value must not be shown; formatting an Attribute
	// masks it.
	Secret bool
}

// Format prints the value and its origin, with a secret masked, whatever the
// verb.
func (a Attribute) Format(f fmt.State, _ rune) {
	text := rubyInspect(a.Value)
	if a.Secret && a.Value != nil {
		text = redact.Mask
	}
	// The write error cannot be handled here; fmt drops it as well.
	_, _ = io.WriteString(f, text+" ("+a.Origin.String()+")")
}

// String names the origin in a few words: "gitlab.rb (/etc/gitlab/gitlab.rb:3:1)".
func (o Origin) String() string {
	s := o.Kind
	if o.Where != "" {
		s += " (" + o.Where + ")"
	}
	if o.Rule != "" {
		s += ": " + o.Rule
	}
	return s
}

// Attributes are resolved settings in a stable order: the order of the
// package's defaults, then what gitlab.rb added.
type Attributes struct {
	names []string
	by    map[string]Attribute
}

// Get returns an attribute; a missing one is the zero Attribute.
func (a *Attributes) Get(name string) Attribute {
	if a == nil {
		return Attribute{}
	}
	return a.by[name]
}

// Has tells whether the name is known at all, set or not.
func (a *Attributes) Has(name string) bool {
	if a == nil {
		return false
	}
	_, ok := a.by[name]
	return ok
}

// Set stores an attribute.
func (a *Attributes) Set(name string, v Attribute) {
	if a.by == nil {
		a.by = make(map[string]Attribute)
	}
	if _, ok := a.by[name]; !ok {
		a.names = append(a.names, name)
	}
	a.by[name] = v
}

// All yields names and attributes in order.
func (a *Attributes) All() iter.Seq2[string, Attribute] {
	return func(yield func(string, Attribute) bool) {
		if a == nil {
			return
		}
		for _, n := range a.names {
			if !yield(n, a.by[n]) {
				return
			}
		}
	}
}

// Text returns the value as Ruby's to_s would print it, and false for nil. It
// is what reaches an environment variable or a template.
func (a *Attributes) Text(name string) (string, bool) {
	v := a.Get(name).Value
	if v == nil {
		return "", false
	}
	return RubyText(v), true
}

// Truthy is Ruby's truth: everything but nil and false.
func (a *Attributes) Truthy(name string) bool {
	v := a.Get(name).Value
	return v != nil && v != false
}
