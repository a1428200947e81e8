package oauthtest

import (
	"crypto/subtle"
	"fmt"
	"sort"
	"strings"

	"github.com/gitlab-mattermost/sdk/oauth"
)

// Row is one application as the table oauth_applications holds it, so that a
// test can serve what it finds in a database.
type Row struct {
	Name, UID, Secret   string // Secret in any stored form
	RedirectURI, Scopes string
	Trusted             bool
	Confidential        bool
	NoPassword          bool // ropc_enabled false: the password flow is refused
}

type app struct {
	id int64
	Row
}

func (a *app) redirects() []string { return oauth.SplitRedirectURIs(a.RedirectURI) }
func (a *app) scopes() []string    { return strings.Fields(a.Scopes) }

// AddApplication adds an application with the secret in the form that the
// version stores, and returns its row id. It panics on an application that
// GitLab's model would refuse: a test must not rest on one.
func (g *GitLab) AddApplication(a oauth.Application, c oauth.Credentials) int64 {
	if err := a.Check(); err != nil {
		panic(err)
	}
	stored, err := oauth.StoreSecret(c.Secret, oauth.FormFor(g.o.Version))
	if err != nil {
		panic(err)
	}
	return g.AddRow(Row{a.Name, c.ID, stored, a.RedirectText(), a.ScopeText(), a.Trusted, a.Confidential, false})
}

// AddRow adds an application exactly as stored.
func (g *GitLab) AddRow(r Row) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := int64(g.id())
	g.apps[id] = &app{id, r}
	return id
}

// UpdateApplication changes what an administrator could change by hand:
// redirect URIs, scopes, trusted, confidential.
func (g *GitLab) UpdateApplication(id int64, a oauth.Application) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	row, ok := g.apps[id]
	if !ok {
		return fmt.Errorf("no application %d", id)
	}
	row.Name, row.RedirectURI, row.Scopes = a.Name, a.RedirectText(), a.ScopeText()
	row.Trusted, row.Confidential = a.Trusted, a.Confidential
	return nil
}

// RemoveApplication deletes an application with its tokens and grants.
func (g *GitLab) RemoveApplication(id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removeApp(id)
}

// Applications returns the rows in order of their ids.
func (g *GitLab) Applications() []Row {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []Row
	for _, a := range g.sortedApps() {
		out = append(out, a.Row)
	}
	return out
}

// Tokens counts the access tokens of an application that are still valid.
func (g *GitLab) Tokens(id int64) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, t := range g.tokens {
		if t.app == id && g.o.Now().Before(t.expires) {
			n++
		}
	}
	return n
}

func (g *GitLab) sortedApps() []*app {
	var out []*app
	for _, a := range g.apps {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].id < out[j].id })
	return out
}

func (g *GitLab) removeApp(id int64) {
	delete(g.apps, id)
	for k, t := range g.tokens {
		if t.app == id {
			delete(g.tokens, k)
		}
	}
	for k, c := range g.grants {
		if c.app == id {
			delete(g.grants, k)
		}
	}
}

func (g *GitLab) byUID(uid string) *app {
	for _, a := range g.apps {
		if a.UID == uid {
			return a
		}
	}
	return nil
}

// accepts compares a secret as the version's strategy does. The fallback to
// plain text makes the stored text itself pass, hashed or not: that is how the
// library behaves.
func (g *GitLab) accepts(stored, given string) bool {
	if given == "" {
		return false
	}
	if subtle.ConstantTimeCompare([]byte(stored), []byte(given)) == 1 {
		return true
	}
	switch oauth.FormOf(stored) {
	case oauth.FormPBKDF2:
		if !g.since(15, 4) {
			return false
		}
	case oauth.FormSHA512:
		if !g.o.SHA512 || !g.since(18, 4) {
			return false
		}
	default:
		return false
	}
	ok, err := oauth.VerifySecret(stored, oauth.Secret(given))
	return ok && err == nil
}
