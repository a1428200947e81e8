package oauthtest

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
)

// The sentences that GitLab shows or returns, by error code.
var sentences = map[string]string{
	"invalid_client":            "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
	"invalid_grant":             "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.",
	"invalid_scope":             "The requested scope is invalid, unknown, or malformed.",
	"invalid_redirect_uri":      "The redirect URI included is not valid.",
	"unsupported_response_type": "The authorization server does not support this response type.",
	"unsupported_grant_type":    "The authorization grant type is not supported by the authorization server.",
	"unauthorized_client":       "The client is not authorized to perform this request using this method.",
	"invalid_code_challenge":    "The code challenge method must be plain or S256.",
	"access_denied":             "The resource owner or authorization server denied the request.",
}

const (
	codeLifetime  = 10 * time.Minute
	tokenLifetime = 7200 * time.Second
)

// sessionCookie is GitLab's own name for it.
const sessionCookie = "_gitlab_session"

func (g *GitLab) page(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html>\n<html><body>\n%s\n</body></html>\n", body)
}

// session returns the visitor's session, making one when there is none. The
// mutex must be held.
func (g *GitLab) session(w http.ResponseWriter, r *http.Request) *session {
	if c, err := r.Cookie(sessionCookie); err == nil && g.sessions[c.Value] != nil {
		return g.sessions[c.Value]
	}
	key, s := random(), &session{}
	g.sessions[key] = s
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: key, Path: g.o.RelativeURL + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: g.o.TLS != nil})
	return s
}

func (g *GitLab) signIn(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.session(w, r)
	if r.Method != http.MethodPost {
		g.page(w, http.StatusOK, fmt.Sprintf(`<form id="sign-in" method="post" action="%s/users/sign_in">
<input name="user[login]"><input name="user[password]" type="password"><button>Sign in</button></form>`, g.o.RelativeURL))
		return
	}
	for _, u := range g.users {
		if u.Username != r.PostForm.Get("user[login]") || u.Password != r.PostForm.Get("user[password]") {
			continue
		}
		if u.State != "active" {
			g.page(w, http.StatusOK, "<p>Your account has been blocked. Please contact your GitLab administrator.</p>")
			return
		}
		s.user = u.ID
		http.Redirect(w, r, g.external()+s.returnTo, http.StatusFound)
		return
	}
	g.page(w, http.StatusOK, "<p>Invalid login or password.</p>")
}

func (g *GitLab) authorize(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.session(w, r)
	user := g.users[s.user]
	if user == nil || user.State != "active" {
		// Before any look at the client, so this says nothing about it.
		s.returnTo = "/oauth/authorize?" + r.URL.RawQuery
		http.Redirect(w, r, g.external()+"/users/sign_in", http.StatusFound)
		return
	}
	if user.Unconfirmed {
		g.page(w, http.StatusOK, "<h1>Invalid request</h1><pre>Verify the email address in your account profile before you sign in.</pre>")
		return
	}
	q := r.URL.Query()
	method := r.Method
	if method == http.MethodPost {
		q = r.PostForm
		if q.Get("_method") == "delete" {
			method = http.MethodDelete
		}
	}
	a, scopes, code := g.preAuthorize(q)
	if code != "" {
		g.page(w, http.StatusOK, "<h1>An error has occurred</h1><pre>"+html.EscapeString(sentences[code])+"</pre>")
		return
	}
	if g.o.SafeAdmins && user.Admin && !a.Trusted && slices.ContainsFunc(scopes, func(s string) bool { return s == "api" || s == "sudo" || s == "admin_mode" }) {
		g.page(w, http.StatusOK, "<h1>Forbidden</h1><p>Administrators may not authorize this application with its scopes.</p>")
		return
	}
	switch method {
	case http.MethodDelete:
		http.Redirect(w, r, answer(q, url.Values{"error": {"access_denied"}, "error_description": {sentences["access_denied"]}}), http.StatusFound)
	case http.MethodPost:
		http.Redirect(w, r, answer(q, url.Values{"code": {g.grant(a, user, q, scopes)}}), http.StatusFound)
	default:
		if a.Trusted || a.Confidential && g.alreadyGranted(a, user, scopes) {
			to := answer(q, url.Values{"code": {g.grant(a, user, q, scopes)}})
			g.page(w, http.StatusOK, fmt.Sprintf("<h3>Redirecting</h3>\n<a id=\"redirect\" href=\"%s\">Click here to redirect</a>", html.EscapeString(to)))
			return
		}
		g.consent(w, a, q)
	}
}

func (g *GitLab) consent(w http.ResponseWriter, a *app, q url.Values) {
	var fields strings.Builder
	for _, k := range []string{"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "nonce"} {
		if q.Has(k) {
			fmt.Fprintf(&fields, "<input type=\"hidden\" name=\"%s\" value=\"%s\">", k, html.EscapeString(q.Get(k)))
		}
	}
	form := `<form id="%s" method="post" action="%s/oauth/authorize">%s%s<button>%[1]s</button></form>` + "\n"
	body := fmt.Sprintf("<h3>Authorize %s to use your account?</h3>\n", html.EscapeString(a.Name)) +
		fmt.Sprintf(form, "deny", g.o.RelativeURL, `<input type="hidden" name="_method" value="delete">`, fields.String()) +
		fmt.Sprintf(form, "authorize", g.o.RelativeURL, "", fields.String())
	g.page(w, http.StatusOK, body)
}

// preAuthorize checks in the order of the OAuth library of that version: up to
// 5.1 (GitLab before 14) response type, client, scopes, redirect URI.
func (g *GitLab) preAuthorize(q url.Values) (*app, []string, string) {
	a := g.byUID(q.Get("client_id"))
	asked := strings.Fields(q.Get("scope"))
	var scopes []string
	client := func() string {
		if a == nil {
			return "invalid_client"
		}
		return ""
	}
	redirect := func() string {
		if a == nil || !oauth.MatchRedirectURI(a.redirects(), q.Get("redirect_uri")) {
			return "invalid_redirect_uri"
		}
		return ""
	}
	responseType := func() string {
		if q.Get("response_type") != "code" {
			return "unsupported_response_type"
		}
		return ""
	}
	scope := func() string {
		if a == nil {
			return "invalid_client"
		}
		granted, ok := oauth.GrantedScopes(a.scopes(), asked)
		if !ok {
			return "invalid_scope"
		}
		scopes = granted
		return ""
	}
	pkce := func() string {
		if m := q.Get("code_challenge_method"); g.pkce() && q.Has("code_challenge") && m != "" && m != "S256" && m != "plain" {
			return "invalid_code_challenge"
		}
		return ""
	}
	checks := []func() string{client, redirect, responseType, scope, pkce}
	if !g.since(14, 0) {
		checks = []func() string{responseType, client, scope, redirect, pkce}
	}
	for _, check := range checks {
		if code := check(); code != "" {
			return nil, nil, code
		}
	}
	return a, scopes, ""
}

// pkce reports whether the version keeps a code challenge.
func (g *GitLab) pkce() bool { return g.since(15, 0) }

func (g *GitLab) alreadyGranted(a *app, u *User, scopes []string) bool {
	for _, t := range g.tokens {
		if t.app == a.id && t.user == u.ID && strings.Join(t.scopes, " ") == strings.Join(scopes, " ") {
			return true
		}
	}
	return false
}

// answer is the redirect back to the client, with its state.
func answer(q, add url.Values) string {
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		return "/" // cannot be: it matched a registered one
	}
	back := to.Query()
	for k, v := range add {
		back[k] = v
	}
	if q.Has("state") {
		back.Set("state", q.Get("state"))
	}
	to.RawQuery = back.Encode()
	return to.String()
}

type grant struct {
	app               int64
	user              int
	redirect          string
	scopes            []string
	challenge, method string
	expires           time.Time
	used              bool
}

func (g *GitLab) grant(a *app, u *User, q url.Values, scopes []string) string {
	code := random()
	c := &grant{app: a.id, user: u.ID, redirect: q.Get("redirect_uri"), scopes: scopes, expires: g.o.Now().Add(codeLifetime)}
	if g.pkce() && q.Has("code_challenge") {
		c.challenge, c.method = q.Get("code_challenge"), q.Get("code_challenge_method")
	}
	g.grants[code] = c
	return code
}
