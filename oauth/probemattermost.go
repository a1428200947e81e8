package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// clientConfig is the part of Mattermost's public configuration that matters
// here; all values are texts.
type clientConfig struct {
	Version    string `json:"Version"`
	Enterprise string `json:"BuildEnterpriseReady"`
	GitLab     string `json:"EnableSignUpWithGitLab"`
	Creation   string `json:"EnableUserCreation"`
}

// reachMattermost asks for the public configuration.
func (r *probe) reachMattermost(ctx context.Context, s *ProbeStep) {
	s.name("mattermost-reachable", "Browser", "Mattermost", "Mattermost is reachable at "+r.mattermost)
	a, err := r.get(ctx, r.mattermost+"/api/v4/config/client?format=old", nil)
	if err != nil {
		s.blameNetwork(err)
		return
	}
	r.mattermostUp = true
	s.see(fmt.Sprintf("GET /api/v4/config/client: %d", a.status))
	r.skew(s, a)
	var doc clientConfig
	switch {
	case s.blameStatus(a):
		return
	case a.status >= 300 && a.status < 400:
		s.see("redirects to " + withoutQuery(a.header.Get("Location")))
		s.blame("mattermost-not-found")
		return
	case a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &doc) != nil:
		s.blame("mattermost-not-found")
		return
	}
	if !known(r.MattermostVersion) && doc.Version != "" {
		if v, err := ParseVersion(doc.Version); err == nil {
			r.MattermostVersion = v
		}
	}
	team := doc.Enterprise == "false"
	if r.TeamEdition != nil {
		team = *r.TeamEdition
	}
	s.see(fmt.Sprintf("version %s, team edition %t, sign-up with GitLab %s", r.MattermostVersion, team, doc.GitLab))
	if since(r.MattermostVersion, 11, 0) && team {
		s.blame("sso-not-in-edition")
	}
	if doc.Creation == "false" {
		s.blame("sign-up-disabled")
	}
	s.pass()
}

// loginRedirect starts a login and reads where the browser is sent.
func (r *probe) loginRedirect(ctx context.Context, s *ProbeStep) {
	s.name("login-redirect", "Mattermost", "Browser", "Mattermost sends the browser to GitLab")
	if !r.mattermostUp {
		s.see("Mattermost could not be reached")
		return
	}
	a, err := r.get(ctx, r.mattermost+"/oauth/gitlab/login", nil)
	if err != nil {
		s.blameNetwork(err)
		return
	}
	to := a.header.Get("Location")
	s.see(fmt.Sprintf("GET /oauth/gitlab/login: %d %s", a.status, withoutQuery(to)))
	switch {
	case a.status == http.StatusNotImplemented && strings.Contains(a.body, "<no value> SSO"),
		a.status == http.StatusNotImplemented && strings.Contains(a.body, "&lt;no value&gt; SSO"):
		s.blame("sso-disabled")
	case a.status == http.StatusNotImplemented && (strings.Contains(r.Settings.Scope, "openid") || strings.Contains(strings.ToLower(a.body), "gitlab sso")):
		s.blame("sso-openid-scope")
	case a.status == http.StatusNotImplemented:
		s.blame("sso-disabled")
	case s.blameStatus(a):
	case a.status < 300 || a.status >= 400 || to == "":
		s.blame("mattermost-no-redirect")
	default:
		r.readRedirect(s, a, to)
	}
}

func (r *probe) readRedirect(s *ProbeStep, a httpAnswer, to string) {
	base, err := url.Parse(r.mattermost + "/oauth/gitlab/login")
	if err != nil {
		s.blame("mattermost-no-redirect")
		return
	}
	u, err := base.Parse(to)
	if err != nil || u.Query().Get("response_type") == "" {
		s.see("not a redirect to an OAuth server")
		s.blame("mattermost-no-redirect")
		return
	}
	r.redirect = u
	q := u.Query()
	target := u.Scheme + "://" + u.Host + u.Path
	switch want := strings.TrimSuffix(r.ends.Authorize, "/"); {
	case target == want:
	case sameOrigin(target, r.mattermost) && !sameOrigin(want, r.mattermost), strings.HasSuffix(u.Path, "/oauth/gitlab/"):
		s.blame("auth-endpoint-empty")
		return
	case sameOrigin(target, want) && strings.HasSuffix(want, u.Path):
		s.blame("gitlab-relative-url")
	case hostName(target) == hostName(want) && u.Path == pathOf(want):
		s.see("GitLab is " + want)
		s.blame("gitlab-scheme")
	default:
		s.see("GitLab is " + want)
		s.blame("auth-endpoint-wrong")
	}
	r.readRedirectURI(s, q.Get("redirect_uri"))
	r.readScope(s, q)
	if r.credentials.ID == "" {
		r.credentials.ID = q.Get("client_id")
	} else if q.Get("client_id") != r.credentials.ID {
		s.see("client_id " + shorten(q.Get("client_id")))
		s.blame("client-id-differs")
	}
	r.readCookie(s, a)
	s.pass()
}

func hostName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

// readRedirectURI compares what Mattermost sends with its address.
func (r *probe) readRedirectURI(s *ProbeStep, sent string) {
	want := r.mattermost + signupPath
	if sent == want {
		return
	}
	s.see("redirect_uri " + shorten(sent))
	if sent != "" {
		r.redirectURI = sent
	}
	u, err := url.Parse(sent)
	w, errW := url.Parse(want)
	if err != nil || errW != nil || u.Host == "" {
		s.blame("site-url-host")
		return
	}
	switch {
	case !strings.EqualFold(u.Hostname(), w.Hostname()):
		s.blame("site-url-host")
	case u.Scheme != w.Scheme:
		s.blame("site-url-scheme")
	case u.Host != w.Host:
		s.blame("site-url-port")
	case strings.Contains(u.Path, "//"):
		s.blame("site-url-slash")
	default:
		s.blame("site-url-host")
	}
}

func (r *probe) readScope(s *ProbeStep, q url.Values) {
	scope := q.Get("scope")
	r.Settings.Scope = scope
	switch fields := strings.Fields(scope); {
	case len(fields) == 0:
		s.blame("scope-empty")
	case strings.Contains(scope, "openid"):
		s.see("scope " + shorten(scope))
		s.blame("sso-openid-scope")
	case !strings.Contains(" "+scope+" ", " read_user ") && !strings.Contains(" "+scope+" ", " api "):
		s.see("scope " + shorten(scope))
		s.blame("scope-wrong")
	default:
		s.see("scope " + shorten(scope))
	}
}

// readCookie looks for the half of the state that the browser keeps.
func (r *probe) readCookie(s *ProbeStep, a httpAnswer) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name != "MMOAUTH" || c.Value == "" {
			continue
		}
		if strings.HasPrefix(r.mattermost, "https://") && !c.Secure {
			s.blame("state-cookie-insecure")
		}
		return
	}
	s.blame("state-cookie-lost")
}
