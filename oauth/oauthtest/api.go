package oauthtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
)

// AddToken makes a personal access token of a user with these scopes.
func (g *GitLab) AddToken(user int, scopes ...string) oauth.Secret {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := "glpat-" + random()[:20]
	g.tokens[text] = &token{user: user, scopes: scopes, created: g.o.Now(), expires: g.o.Now().Add(365 * 24 * time.Hour)}
	return oauth.Secret(text)
}

func message(text string) map[string]any { return map[string]any{"message": text} }

func (g *GitLab) api(w http.ResponseWriter, r *http.Request, path string) {
	version, rest, _ := strings.Cut(path, "/")
	switch {
	case version == "v3" && g.since(11, 0):
		g.json(w, http.StatusGone, map[string]string{"error": "API V3 is no longer supported. Use API V4 instead."})
		return
	case version != "v3" && version != "v4", version == "v4" && !g.since(9, 0):
		g.json(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t, u := g.caller(w, r)
	if u == nil {
		return
	}
	switch {
	case rest == "user":
		if g.scoped(w, t, "read_user", "api", "read_api") {
			g.json(w, http.StatusOK, userJSON(u))
		}
	case rest == "version" || rest == "metadata":
		if g.scoped(w, t, "api", "read_api", "read_user") {
			g.json(w, http.StatusOK, map[string]any{"version": g.versionText(), "revision": "0123456789a", "enterprise": false})
		}
	case rest == "applications" || strings.HasPrefix(rest, "applications/"):
		if g.since(10, 5) && g.admin(w, t, u) {
			g.applications(w, r, strings.TrimPrefix(strings.TrimPrefix(rest, "applications"), "/"))
		} else if !g.since(10, 5) {
			g.json(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
		}
	case rest == "application/settings":
		if g.admin(w, t, u) {
			g.applicationSettings(w, r)
		}
	case strings.HasPrefix(rest, "projects/"), strings.HasPrefix(rest, "groups/"):
		if g.scoped(w, t, "api") {
			g.integration(w, r)
		}
	default:
		g.json(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
	}
}

// caller answers 401 or 403 itself and returns nil when nobody valid asks.
func (g *GitLab) caller(w http.ResponseWriter, r *http.Request) (*token, *User) {
	given := bearer(r)
	if given == "" {
		g.json(w, http.StatusUnauthorized, message("401 Unauthorized"))
		return nil, nil
	}
	t := g.tokens[given]
	if t == nil || !g.o.Now().Before(t.expires) || g.users[t.user] == nil {
		if r.Header.Get("Private-Token") != "" {
			g.json(w, http.StatusUnauthorized, message("401 Unauthorized"))
		} else {
			g.json(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize from the user."})
		}
		return nil, nil
	}
	u := g.users[t.user]
	if u.State != "active" {
		g.json(w, http.StatusForbidden, message("403 Forbidden - Your account has been blocked."))
		return nil, nil
	}
	return t, u
}

func (g *GitLab) scoped(w http.ResponseWriter, t *token, any ...string) bool {
	for _, s := range any {
		if slices.Contains(t.scopes, s) {
			return true
		}
	}
	g.json(w, http.StatusForbidden, map[string]string{
		"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token.", "scope": strings.Join(any, " "),
	})
	return false
}

func (g *GitLab) admin(w http.ResponseWriter, t *token, u *User) bool {
	if !g.scoped(w, t, "api") {
		return false
	}
	if !u.Admin || g.o.AdminMode && !slices.Contains(t.scopes, "admin_mode") {
		g.json(w, http.StatusForbidden, message("403 Forbidden"))
		return false
	}
	return true
}

func (g *GitLab) versionText() string {
	v := g.o.Version
	v.Patch = max(v.Patch, 0)
	return v.String()
}

func userJSON(u *User) map[string]any {
	return map[string]any{
		"id": u.ID, "username": u.Username, "name": u.Name, "email": u.Email, "state": u.State,
		"is_admin": u.Admin, "confirmed_at": nil,
	}
}

func (g *GitLab) applications(w http.ResponseWriter, r *http.Request, rest string) {
	if rest == "" && r.Method == http.MethodGet {
		list := []map[string]any{}
		for _, a := range g.sortedApps() {
			list = append(list, g.appJSON(a, ""))
		}
		g.json(w, http.StatusOK, list)
		return
	}
	if rest == "" && r.Method == http.MethodPost {
		g.createApplication(w, r)
		return
	}
	idText, verb, _ := strings.Cut(rest, "/")
	id, err := strconv.ParseInt(idText, 10, 64)
	a := g.apps[id]
	switch {
	case verb != "" && (verb != "renew-secret" || !g.since(16, 11)):
		g.json(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
	case err != nil:
		g.json(w, http.StatusBadRequest, map[string]string{"error": "id is invalid"})
	case a == nil:
		g.json(w, http.StatusNotFound, message("404 Application Not Found"))
	case verb == "" && r.Method == http.MethodDelete:
		g.removeApp(id)
		w.WriteHeader(http.StatusNoContent)
	case verb == "renew-secret" && r.Method == http.MethodPost:
		secret := g.newSecret()
		a.Secret = mustStore(secret, oauth.FormFor(g.o.Version))
		g.json(w, http.StatusCreated, g.appJSON(a, secret))
	default:
		g.json(w, http.StatusMethodNotAllowed, map[string]string{"error": "405 Not Allowed"})
	}
}

func (g *GitLab) createApplication(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	fail := func(text string) { g.json(w, http.StatusBadRequest, map[string]string{"error": text}) }
	scopes, given := p["scopes"]
	switch {
	case p["name"] == "":
		fail("name is missing")
		return
	case p["redirect_uri"] == "":
		fail("redirect_uri is missing")
		return
	case !given:
		fail("scopes is missing, scopes is empty")
		return
	case strings.TrimSpace(scopes) == "":
		fail("scopes is empty")
		return
	}
	model := map[string][]string{}
	for _, uri := range oauth.SplitRedirectURIs(p["redirect_uri"]) {
		if err := oauth.CheckRedirectURI(uri); err != nil {
			model["redirect_uri"] = append(model["redirect_uri"], g.redirectMessage(err))
		}
	}
	if oauth.CheckScopes(strings.Fields(scopes)) != nil {
		model["scopes"] = []string{"doesn't match configured on the server."}
	}
	if len(model) > 0 {
		g.json(w, http.StatusBadRequest, map[string]any{"message": model})
		return
	}
	secret := g.newSecret()
	a := &app{int64(g.id()), Row{
		Name: p["name"], UID: random(), Secret: mustStore(secret, oauth.FormFor(g.o.Version)), RedirectURI: p["redirect_uri"],
		Scopes: strings.Join(strings.Fields(scopes), " "), Confidential: p["confidential"] != "false",
	}}
	g.apps[a.id] = a
	g.json(w, http.StatusCreated, g.appJSON(a, secret))
}

// redirectMessage is GitLab's text for what the rules found.
func (g *GitLab) redirectMessage(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "forbidden"):
		return "is forbidden by the server."
	case strings.Contains(text, "fragment"):
		return "cannot contain a fragment."
	case !g.since(15, 0):
		return "must be an absolute URI."
	default:
		return "must be a valid URI."
	}
}

// newSecret has the prefix that GitLab gave secrets from 15.x on.
func (g *GitLab) newSecret() string {
	if g.since(16, 0) {
		return "gloas-" + random()
	}
	return random()
}

func (g *GitLab) appJSON(a *app, secret string) map[string]any {
	out := map[string]any{
		"id": a.id, "application_id": a.UID, "application_name": a.Name, "callback_url": a.RedirectURI, "confidential": a.Confidential,
	}
	// In GitLab since some late 18.x; the fake draws the line at 19.0.
	if g.since(19, 0) {
		out["scopes"] = a.scopes()
	}
	if secret != "" {
		out["secret"] = secret
	}
	return out
}

func mustStore(secret string, form oauth.SecretForm) string {
	stored, err := oauth.StoreSecret(oauth.Secret(secret), form)
	if err != nil {
		panic(err) // made by newSecret
	}
	return stored
}

// parameters reads a JSON or form body; values other than texts are printed.
func parameters(r *http.Request) map[string]string {
	out := map[string]string{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var doc map[string]any
		if json.NewDecoder(r.Body).Decode(&doc) != nil {
			return out
		}
		for k, v := range doc {
			switch v := v.(type) {
			case string:
				out[k] = v
			default:
				text, _ := json.Marshal(v) // decoded from JSON a line above
				out[k] = string(text)
			}
		}
		return out
	}
	for k, v := range r.Form {
		out[k] = v[0]
	}
	return out
}
