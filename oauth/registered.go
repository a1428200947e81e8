package oauth

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Registered is an application as a route found it in GitLab.
type Registered struct {
	Application
	RowID               int64      `json:"row_id"`                         // the id that the REST API deletes by
	ID                  string     `json:"id"`                             // the application id (client id)
	Owner               string     `json:"owner,omitempty"`                // empty: instance-wide
	SecretForm          SecretForm `json:"secret_form,omitempty"`          // database route only
	SecretMatches       *bool      `json:"secret_matches,omitempty"`       // nil: not compared
	OrganizationMissing bool       `json:"organization_missing,omitempty"` // NULL organization_id
	Unknown             []string   `json:"unknown,omitempty"`              // attributes that the route cannot see
}

func (r Registered) knows(attribute string) bool { return !slices.Contains(r.Unknown, attribute) }

// label names an application in messages.
func (r Registered) label() string {
	return fmt.Sprintf("application %d %q (id %s)", r.RowID, shorten(r.Name), shorten(r.ID))
}

// match picks the applications that may be the wanted one, the best first:
//
//  1. with an id given, only the one with that id counts;
//  2. else those with exactly the wanted redirect URIs;
//  3. else those that share one redirect URI;
//  4. else those with the wanted name and a redirect URI on the same host, as
//     left by another scheme, port or a doubled slash.
//
// Within a class the oldest comes first. An application of the same name for
// another host belongs to another Mattermost and is not returned.
func match(want Application, id string, all []Registered) []Registered {
	classes := [3][]Registered{}
	for _, r := range all {
		switch {
		case id != "":
			if r.ID == id {
				return []Registered{r}
			}
		case r.SameRedirects(want):
			classes[0] = append(classes[0], r)
		case slices.ContainsFunc(r.RedirectURIs, func(u string) bool { return slices.Contains(want.RedirectURIs, u) }):
			classes[1] = append(classes[1], r)
		case r.Name == want.Name && sameHost(r.Application, want):
			classes[2] = append(classes[2], r)
		}
	}
	var out []Registered
	for _, class := range classes {
		slices.SortFunc(class, func(a, b Registered) int { return int(a.RowID - b.RowID) })
		out = append(out, class...)
	}
	return out
}

func sameHost(a, b Application) bool {
	for _, x := range a.RedirectURIs {
		for _, y := range b.RedirectURIs {
			u, errU := url.Parse(x)
			v, errV := url.Parse(y)
			if errU == nil && errV == nil && u.Hostname() != "" && strings.EqualFold(u.Hostname(), v.Hostname()) {
				return true
			}
		}
	}
	return false
}

// Drift says how a registered application differs from the wanted one, and
// what the route could not see. Extra redirect URIs and a Trusted that was
// ticked by hand are reported but never undone by [Ensure].
func Drift(want Application, have Registered) []Finding {
	var out []Finding
	add := func(id, severity, message, fix string) {
		out = append(out, Finding{ID: id, Severity: severity, Message: message, Where: have.label(), Fix: fix})
	}
	for _, uri := range want.RedirectURIs {
		if !slices.Contains(have.RedirectURIs, uri) {
			add("redirect-missing", severityError, "redirect URI "+uri+" is not registered; GitLab answers \"The redirect URI included is not valid.\"", "add it in GitLab, on a line of its own")
		}
	}
	for _, uri := range have.RedirectURIs {
		if !slices.Contains(want.RedirectURIs, uri) {
			add("redirect-extra", severityInfo, "redirect URI "+shorten(uri)+" is registered and not needed by this Mattermost", "remove it in GitLab if nothing else uses it")
		}
	}
	if have.knows("scopes") && !slices.Equal(sortedSet(want.Scopes), sortedSet(have.Scopes)) {
		if len(have.Scopes) == 0 {
			add("scope-empty", severityWarning, "no scope: a login without a scope gets api, the full access of each user", "set the scope to "+want.ScopeText()+" in GitLab and gitlab_scope to the same in Mattermost")
		} else {
			add("scope-differs", severityError, fmt.Sprintf("scopes are %q, wanted %q", shorten(have.ScopeText()), want.ScopeText()), "change them in GitLab, and gitlab_scope with them")
		}
	}
	if have.knows("trusted") && want.Trusted && !have.Trusted {
		add("trusted-off", severityWarning, "Trusted is off: each user sees the consent page once", "tick Trusted in GitLab under Admin > Applications")
	}
	if have.knows("confidential") && want.Confidential && !have.Confidential {
		add("confidential-off", severityError, "Confidential is off: tokens are given without the secret", "tick Confidential in GitLab under Admin > Applications")
	}
	if have.OrganizationMissing {
		add("organization-null", severityError, "organization_id is NULL; GitLab 18.6 and newer need it, and the migrations of 19.0 to 19.2 break on it", "register again by the database route, which sets it to 1")
	}
	if have.Owner != "" {
		add("owned", severityWarning, "belongs to "+have.Owner+"; it goes when that goes and is not listed under Admin > Applications", "register an instance-wide application")
	}
	if have.SecretMatches != nil && !*have.SecretMatches {
		add("secret-mismatch", severityError, "the given secret is not the registered one", "renew the secret and give Mattermost the new one")
	}
	if len(have.Unknown) > 0 {
		add("not-visible", severityInfo, "not visible by this route: "+strings.Join(have.Unknown, ", "), "look at GitLab's Admin > Applications or use the database route")
	}
	return out
}
