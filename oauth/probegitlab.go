package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// reachGitLab asks for the discovery document: DNS, TLS, path, and what GitLab
// takes for its own address.
func (r *probe) reachGitLab(ctx context.Context, s *ProbeStep) {
	s.name("gitlab-reachable", "Mattermost", "GitLab", "GitLab is reachable at "+r.gitlab)
	a, err := r.get(ctx, r.ends.Discovery, nil)
	if err != nil {
		s.blameNetwork(err)
		return
	}
	r.gitlabUp = true
	s.see(fmt.Sprintf("GET /.well-known/openid-configuration: %d", a.status))
	r.skew(s, a)
	if s.blameStatus(a) {
		return
	}
	var doc struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	switch {
	case a.status >= 300 && a.status < 400:
		s.see("redirects to " + withoutQuery(a.header.Get("Location")))
		s.blame("gitlab-redirects")
		return
	case a.status == http.StatusNotFound:
		s.blame("gitlab-not-found")
		return
	case a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &doc) != nil || doc.Issuer == "":
		s.blame("not-gitlab")
		return
	}
	s.see("issuer " + doc.Issuer)
	issuer, err := NormalizeURL(doc.Issuer)
	if err != nil {
		s.blame("gitlab-external-url")
		return
	}
	switch {
	case issuer == r.gitlab:
		s.pass()
	case strings.SplitN(issuer, "://", 2)[1] == strings.SplitN(r.gitlab, "://", 2)[1]:
		s.blame("gitlab-scheme")
	default:
		s.blame("gitlab-external-url")
	}
}

// authorize asks for the authorize page as a browser without a session. GitLab
// sends it to the sign-in page before it looks at the client, so a pass says
// only that the address is right.
func (r *probe) authorize(ctx context.Context, s *ProbeStep) {
	s.name("authorize", "Browser", "GitLab", "GitLab asks the browser to sign in")
	if !r.gitlabUp {
		s.see("GitLab could not be reached")
		return
	}
	address := r.ends.Authorize
	if r.Settings.AuthEndpoint != "" {
		address = r.Settings.AuthEndpoint
	}
	q := url.Values{"response_type": {"code"}, "client_id": {r.credentials.ID}, "redirect_uri": {r.redirectURI}, "scope": {r.Settings.Scope}, "state": {"probe"}}
	a, err := r.get(ctx, address+"?"+q.Encode(), nil)
	if err != nil {
		s.blameNetwork(err)
		return
	}
	to := a.header.Get("Location")
	s.see(fmt.Sprintf("GET /oauth/authorize: %d %s", a.status, withoutQuery(to)))
	switch {
	case s.blameStatus(a):
	case a.status == http.StatusNotFound && address != r.ends.Authorize && !strings.HasPrefix(address, r.gitlab+"/"):
		s.blame("gitlab-relative-url")
	case a.status == http.StatusNotFound:
		s.blame("gitlab-not-found")
	case a.status != http.StatusFound:
		s.see("no session was given, so a redirect to the sign-in page was expected")
		s.blame("not-gitlab")
	case !sameOrigin(to, r.gitlab):
		s.blame("sign-in-elsewhere")
	default:
		s.see("this says nothing about the client yet")
		s.pass()
	}
}

// sameOrigin: scheme and host (with port) equal; a relative address is the
// server's own.
func sameOrigin(address, base string) bool {
	u, errU := url.Parse(address)
	b, errB := url.Parse(base)
	if errU != nil || errB != nil {
		return false
	}
	to := b.ResolveReference(u)
	return strings.EqualFold(to.Scheme, b.Scheme) && strings.EqualFold(to.Host, b.Host)
}

// withoutQuery keeps states and codes out of the evidence.
func withoutQuery(address string) string {
	base, _, _ := strings.Cut(address, "?")
	return shorten(base)
}

// registration compares GitLab's application with what Mattermost sends.
func (r *probe) registration(ctx context.Context, s *ProbeStep) {
	s.name("registration", "GitLab", "GitLab", "GitLab knows the client, its redirect URI and its scope")
	if r.Route == nil {
		s.see("needs an administrator's token or GitLab's database")
		return
	}
	want, err := Desired(r.mattermost)
	if err != nil {
		s.see(err.Error())
		return
	}
	found, err := r.Route.Find(ctx, want, r.credentials)
	if err != nil {
		s.see(err.Error())
		return
	}
	if len(found) == 0 {
		s.see("no application with id " + shorten(r.credentials.ID))
		others, err := r.Route.Find(ctx, want, Credentials{})
		if err == nil && r.credentials.ID != "" && len(others) > 0 {
			s.see("there is " + others[0].label())
			s.blame("credentials-stale")
		} else {
			s.blame("client-unknown")
		}
		return
	}
	have := found[0]
	r.reg = &have
	s.see(have.label())
	r.compareRedirects(s, have, want)
	r.compareScopes(s, have)
	if have.knows("confidential") && !have.Confidential {
		s.blame("not-confidential")
	}
	s.pass()
}

func (r *probe) compareRedirects(s *ProbeStep, have Registered, want Application) {
	if !MatchRedirectURI(have.RedirectURIs, r.redirectURI) {
		s.see("sent " + shorten(r.redirectURI))
		s.see("registered " + shorten(strings.Join(have.RedirectURIs, " ")))
		s.blame("redirect-not-registered")
		return
	}
	for _, uri := range want.RedirectURIs {
		if !MatchRedirectURI(have.RedirectURIs, uri) && strings.HasPrefix(r.redirectURI, r.mattermost+"/") {
			s.see("missing " + uri)
			s.blame("redirect-one-missing")
		}
	}
}

func (r *probe) compareScopes(s *ProbeStep, have Registered) {
	if !have.knows("scopes") {
		s.see("scopes are not visible by this route")
		return
	}
	if len(have.Scopes) == 0 {
		s.blame("scope-application-empty")
	}
	if _, ok := GrantedScopes(have.Scopes, strings.Fields(r.Settings.Scope)); !ok {
		s.see(fmt.Sprintf("asked %q, the application has %q", shorten(r.Settings.Scope), shorten(have.ScopeText())))
		s.blame("scope-not-allowed")
	}
}

// consent says whether users meet the consent page.
func (r *probe) consent(_ context.Context, s *ProbeStep) {
	s.name("consent", "GitLab", "Browser", "users pass without a consent page")
	if r.reg == nil || !r.reg.knows("trusted") {
		s.see("whether the application is trusted is seen in GitLab's database only")
		return
	}
	s.see(fmt.Sprintf("trusted: %t", r.reg.Trusted))
	if !r.reg.Trusted {
		s.blame("not-trusted")
	}
	s.pass()
}

// token is the credential check with a random code.
func (r *probe) token(ctx context.Context, s *ProbeStep) {
	s.name("token", "Mattermost", "GitLab", "GitLab accepts Mattermost's id and secret")
	if r.credentials.ID == "" || r.credentials.Secret == "" {
		s.see("needs id and secret")
		return
	}
	a, err := tokenRequest(ctx, r.client, r.ends.Token, r.credentials, r.redirectURI, randomText())
	if err != nil {
		s.blameNetwork(err)
		return
	}
	s.see(fmt.Sprintf("POST /oauth/token with a random code: %d %s", a.status, a.code))
	switch {
	case a.code == "invalid_client":
		r.blameCredentials(s)
	case a.code == "invalid_grant":
		r.confirmCredentials(ctx, s)
	case a.code != "":
		s.see(a.description)
		s.blame("token-endpoint-not-gitlab")
	case s.blameStatus(httpAnswer{status: a.status, header: http.Header{}, body: a.body}):
	case a.status == http.StatusNotFound && !strings.HasPrefix(r.ends.Token, r.gitlab+"/"):
		s.blame("gitlab-relative-url")
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed:
		s.blame("token-endpoint-wrong")
	case a.status >= 300 && a.status < 400:
		s.see("redirects to " + withoutQuery(a.location))
		s.blame("token-endpoint-wrong")
	default:
		s.blame("token-endpoint-not-gitlab")
	}
}

func (r *probe) blameCredentials(s *ProbeStep) {
	for _, c := range r.report.Causes() {
		if c.ID == "client-unknown" || c.ID == "credentials-stale" {
			s.see("as the registration says")
			s.blame(c.ID)
			return
		}
	}
	if r.reg != nil {
		s.blame("secret-wrong")
		return
	}
	s.blame("credentials-wrong")
}

// confirmCredentials makes sure that a wrong secret would have been noticed.
func (r *probe) confirmCredentials(ctx context.Context, s *ProbeStep) {
	other, err := tokenRequest(ctx, r.client, r.ends.Token, Credentials{r.credentials.ID, Secret(randomText())}, r.redirectURI, randomText())
	if err != nil {
		s.blameNetwork(err)
		return
	}
	s.see(fmt.Sprintf("the same with another secret: %d %s", other.status, other.code))
	if other.code != "invalid_client" {
		if r.reg != nil && r.reg.knows("confidential") && !r.reg.Confidential {
			s.blame("not-confidential")
			return
		}
		s.blame("token-endpoint-not-gitlab")
		return
	}
	s.pass()
}
