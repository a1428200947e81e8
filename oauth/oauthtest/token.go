package oauthtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
)

type token struct {
	app     int64 // 0: a personal access token
	user    int
	scopes  []string
	refresh string
	created time.Time
	expires time.Time
}

func (g *GitLab) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

// tokenError answers with the status that the version's OAuth library gives:
// up to 5.0 (GitLab before 12) 401 for every error; later 401 for
// invalid_client only; from 5.5 (GitLab 14) for unauthorized_client as well.
func (g *GitLab) tokenError(w http.ResponseWriter, code, detail string) {
	status := http.StatusBadRequest
	if !g.since(12, 0) || code == "invalid_client" || code == "unauthorized_client" && g.since(14, 0) {
		status = http.StatusUnauthorized
	}
	if detail == "" {
		detail = sentences[code]
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Doorkeeper", error="`+code+`"`)
	}
	g.json(w, status, map[string]string{"error": code, "error_description": detail})
}

// client finds who asks, by form or by Basic header. nil: unknown or wrong.
func (g *GitLab) client(r *http.Request) *app {
	id, secret := r.Form.Get("client_id"), r.Form.Get("client_secret")
	if u, p, ok := r.BasicAuth(); ok && id == "" {
		// RFC 6749 2.3.1 form-encodes both; a broken escape matches nothing.
		id, _ = url.QueryUnescape(u)
		secret, _ = url.QueryUnescape(p)
	}
	a := g.byUID(id)
	if a == nil || (a.Confidential || secret != "") && !g.accepts(a.Secret, secret) {
		return nil
	}
	return a
}

func (g *GitLab) token(w http.ResponseWriter, r *http.Request) {
	if r.Form == nil {
		_ = r.ParseForm() // a body of another type is no parameter
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	switch r.Form.Get("grant_type") {
	case "":
		g.tokenError(w, "invalid_request", "Missing required parameter: grant_type.")
	case "authorization_code":
		g.exchange(w, r)
	case "refresh_token":
		g.refresh(w, r)
	case "client_credentials":
		g.clientCredentials(w, r)
	case "password":
		g.password(w, r)
	default:
		g.tokenError(w, "unsupported_grant_type", "")
	}
}

func (g *GitLab) exchange(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"code", "redirect_uri"} {
		if r.Form.Get(name) == "" {
			g.tokenError(w, "invalid_request", "Missing required parameter: "+name+".")
			return
		}
	}
	a := g.client(r)
	if a == nil {
		g.tokenError(w, "invalid_client", "") // the code stays usable
		return
	}
	c := g.grants[r.Form.Get("code")]
	if c == nil || c.used || c.app != a.id || !g.o.Now().Before(c.expires) {
		g.tokenError(w, "invalid_grant", "")
		return
	}
	if c.redirect != r.Form.Get("redirect_uri") {
		g.tokenError(w, "invalid_grant", "") // the code stays usable
		return
	}
	if c.challenge != "" {
		verifier := r.Form.Get("code_verifier")
		if verifier == "" {
			g.tokenError(w, "invalid_request", "Missing required parameter: code_verifier.")
			return
		}
		if c.method == "S256" {
			sum := sha256.Sum256([]byte(verifier))
			verifier = base64.RawURLEncoding.EncodeToString(sum[:])
		}
		if verifier != c.challenge {
			g.tokenError(w, "invalid_grant", "")
			return
		}
	}
	c.used = true
	g.issue(w, c.app, c.user, c.scopes)
}

func (g *GitLab) refresh(w http.ResponseWriter, r *http.Request) {
	given := r.Form.Get("refresh_token")
	if given == "" {
		g.tokenError(w, "invalid_request", "Missing required parameter: refresh_token.")
		return
	}
	a := g.client(r)
	if a == nil {
		g.tokenError(w, "invalid_client", "")
		return
	}
	for access, t := range g.tokens {
		if t.refresh == given && t.app == a.id {
			delete(g.tokens, access) // the old pair dies
			g.issue(w, t.app, t.user, t.scopes)
			return
		}
	}
	g.tokenError(w, "invalid_grant", "")
}

// clientCredentials gives a token without a user, as GitLab does.
func (g *GitLab) clientCredentials(w http.ResponseWriter, r *http.Request) {
	a := g.client(r)
	if a == nil {
		g.tokenError(w, "invalid_client", "")
		return
	}
	scopes, ok := oauth.GrantedScopes(a.scopes(), strings.Fields(r.Form.Get("scope")))
	if !ok {
		g.tokenError(w, "invalid_scope", "")
		return
	}
	g.issue(w, a.id, 0, scopes)
}

// password is the flow that 18.1 can switch off for an application
// (ropc_enabled) and that 19.0 removed.
func (g *GitLab) password(w http.ResponseWriter, r *http.Request) {
	if g.since(19, 0) {
		g.tokenError(w, "unsupported_grant_type", "")
		return
	}
	a := g.client(r)
	switch {
	case a == nil:
		g.tokenError(w, "invalid_client", "")
		return
	case a.NoPassword && g.since(18, 1):
		g.tokenError(w, "unauthorized_client", "")
		return
	}
	for _, u := range g.users {
		if u.Username == r.Form.Get("username") && u.Password == r.Form.Get("password") && u.State == "active" {
			g.issue(w, a.id, u.ID, a.scopes())
			return
		}
	}
	g.tokenError(w, "invalid_grant", "")
}

func (g *GitLab) issue(w http.ResponseWriter, app int64, user int, scopes []string) {
	now := g.o.Now()
	access := random()
	t := &token{app: app, user: user, scopes: scopes, refresh: random(), created: now, expires: now.Add(tokenLifetime)}
	g.tokens[access] = t
	kind := "Bearer"
	if !g.since(12, 0) {
		kind = "bearer"
	}
	g.json(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": kind, "expires_in": int(tokenLifetime.Seconds()),
		"refresh_token": t.refresh, "scope": strings.Join(scopes, " "), "created_at": now.Unix(),
	})
}

func (g *GitLab) revoke(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.client(r)
	if a == nil {
		g.json(w, http.StatusForbidden, map[string]string{
			"error": "unauthorized_client", "error_description": "You are not authorized to revoke this token",
		})
		return
	}
	given := r.Form.Get("token")
	for access, t := range g.tokens {
		if t.app == a.id && (access == given || t.refresh == given) {
			delete(g.tokens, access)
		}
	}
	g.json(w, http.StatusOK, map[string]any{}) // also for an unknown token
}

func (g *GitLab) introspect(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.client(r)
	if a == nil {
		g.tokenError(w, "invalid_client", "")
		return
	}
	t := g.tokens[r.Form.Get("token")]
	if t == nil || t.app != a.id || !g.o.Now().Before(t.expires) {
		g.json(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	g.json(w, http.StatusOK, map[string]any{
		"active": true, "scope": strings.Join(t.scopes, " "), "client_id": a.UID, "token_type": "Bearer",
		"exp": t.expires.Unix(), "iat": t.created.Unix(),
	})
}

// bearer is the token of a request, from the places where GitLab looks.
func bearer(r *http.Request) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	if t := r.Header.Get("Private-Token"); t != "" {
		return t
	}
	return r.URL.Query().Get("access_token")
}

func (g *GitLab) tokenInfo(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tokens[bearer(r)]
	a := g.apps[0]
	if t != nil {
		a = g.apps[t.app]
	}
	if t == nil || a == nil || !g.o.Now().Before(t.expires) {
		g.json(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "The access token is invalid"})
		return
	}
	left := int(t.expires.Sub(g.o.Now()).Seconds())
	g.json(w, http.StatusOK, map[string]any{
		"resource_owner_id": t.user, "scope": t.scopes, "expires_in": left, "application": map[string]string{"uid": a.UID},
		"created_at": t.created.Unix(), "scopes": t.scopes, "expires_in_seconds": left,
	})
}

func (g *GitLab) discovery(w http.ResponseWriter) {
	base := g.external()
	g.json(w, http.StatusOK, map[string]any{
		"issuer": base, "authorization_endpoint": base + "/oauth/authorize", "token_endpoint": base + "/oauth/token",
		"revocation_endpoint": base + "/oauth/revoke", "introspection_endpoint": base + "/oauth/introspect",
		"userinfo_endpoint": base + "/oauth/userinfo", "jwks_uri": base + "/oauth/discovery/keys",
		"code_challenge_methods_supported": map[bool][]string{true: {"plain", "S256"}, false: {}}[g.pkce()],
		"scopes_supported":                 []string{"api", "read_api", "read_user", "openid", "profile", "email"},
	})
}
