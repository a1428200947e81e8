package oauth_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

// faults produces each cause on otherwise healthy servers. The cause must be
// the first that the report names.
var faults = []struct {
	cause  string
	inject func(s *stage)
	reason string
}{
	{"dns", func(s *stage) { delete(s.hosts, "gitlab.test:443") }, "the name is in no DNS"},
	{"refused", func(s *stage) { s.hosts["gitlab.test:443"] = refusedAddress(s.t) }, "nothing listens"},
	{"timeout", func(s *stage) {
		s.p.Timeout = 300 * time.Millisecond
		s.g.Inject(oauthtest.Fault{Path: "/.well-known", Delay: time.Minute})
	}, "a firewall swallows the answer"},
	{"connection-lost", func(s *stage) { s.g.Inject(oauthtest.Fault{Path: "/.well-known", Drop: true}) }, "a proxy gives up"},
	{"tls-expired", func(s *stage) { s.relead(oauthtest.Leaf{Hosts: []string{"gitlab.test"}, Lifetime: -time.Hour}) }, "over since an hour"},
	{"tls-not-yet-valid", func(s *stage) {
		s.relead(oauthtest.Leaf{Hosts: []string{"gitlab.test"}, Start: time.Now().Add(time.Hour)})
	}, "from tomorrow on, as a wrong clock sees it"},
	{"tls-name", func(s *stage) { s.relead(oauthtest.Leaf{Hosts: []string{"other.test"}}) }, "for another host"},
	{"tls-chain", func(s *stage) {
		s.relead(oauthtest.Leaf{Hosts: []string{"gitlab.test"}, Through: s.ca.Intermediate("intermediate"), IssuerURL: "http://ca.test/i.crt"})
	}, "the intermediate is not sent"},
	{"tls-authority", func(s *stage) { s.p.Roots = x509.NewCertPool() }, "private authority, unknown here"},
	{"tls-mattermost-trust", func(s *stage) { s.p.CADirs = []string{s.t.TempDir()} }, "Mattermost's SSL_CERT_DIR lacks the authority"},
	{"tls-to-plain", func(s *stage) { s.hosts["gitlab.test:443"] = s.plain() }, "https:// to a plain port"},
	{"plain-to-tls", func(s *stage) {
		s.hosts["gitlab.test:80"] = s.hosts["gitlab.test:443"]
		s.p.GitLabURL = "http://gitlab.test"
		s.mm.auth = "http://gitlab.test/oauth/authorize"
		s.p.Settings = oauth.Settings{}
	}, "http:// to the TLS port"},
	{"server-down", func(s *stage) { s.g.Inject(oauthtest.Fault{Status: 502, Body: "Bad Gateway"}) }, "puma is down"},
	{"forbidden", func(s *stage) { s.g.Inject(oauthtest.Fault{Status: 403, Body: "<html>WAF</html>"}) }, "a firewall of the web refuses"},
	{"rate-limited", func(s *stage) {
		s.g.Inject(oauthtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	}, "the throttle answers"},
	{"gitlab-not-found", func(s *stage) { s.startGitLab(oauthtest.Options{RelativeURL: "/gitlab"}, gitlabLeaf); s.atRoot() }, "relative URL lost everywhere"},
	{"gitlab-redirects", func(s *stage) {
		s.g.Inject(oauthtest.Fault{Status: 301, Header: http.Header{"Location": {"https://new.test/"}}})
	}, "GitLab has moved"},
	{"not-gitlab", func(s *stage) { s.g.Inject(oauthtest.Fault{Status: 200, Body: "<html>Please log in</html>"}) }, "a proxy's login page"},
	{"gitlab-scheme", func(s *stage) { s.startGitLab(oauthtest.Options{ExternalURL: "http://gitlab.test"}, gitlabLeaf) }, "external_url is http, TLS ends at a proxy"},
	{"gitlab-external-url", func(s *stage) { s.startGitLab(oauthtest.Options{ExternalURL: "https://git.other.test"}, gitlabLeaf) }, "external_url is another name"},
	{"gitlab-relative-url", func(s *stage) {
		s.startGitLab(oauthtest.Options{RelativeURL: "/gitlab"}, gitlabLeaf)
		s.mm.auth = "https://gitlab.test/oauth/authorize"
	}, "relative URL lost in the endpoint"},
	{"sign-in-elsewhere", func(s *stage) {
		s.g.Inject(oauthtest.Fault{Path: "/oauth/authorize", Status: 302, Header: http.Header{"Location": {"http://gitlab.test/users/sign_in"}}})
	}, "sign-in page on http"},
	{"mattermost-not-found", func(s *stage) { s.mm.override = http.NotFound }, "Mattermost is below a path"},
	{"mattermost-no-redirect", func(s *stage) {
		s.mm.override = func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/") {
				fmt.Fprint(w, `{"Version":"10.11.13"}`)
			}
		}
	}, "not configured: the web application answers"},
	{"sso-disabled", func(s *stage) { s.mm.enable = false }, "Enable is false"},
	{"sso-openid-scope", func(s *stage) { s.mm.scope = "openid read_user" }, "openid on Team Edition"},
	{"sso-not-in-edition", func(s *stage) { s.mm.version, s.mm.enable = "11.0.2", false }, "Team Edition 11"},
	{"auth-endpoint-empty", func(s *stage) { s.mm.auth = "" }, "it redirects to itself"},
	{"auth-endpoint-wrong", func(s *stage) { s.mm.auth = "https://gitlab.test/oauth/authorise" }, "misspelled path"},
	{"site-url-scheme", func(s *stage) { s.mm.siteURL = "http://mm.test" }, "SiteURL http behind a TLS proxy"},
	{"site-url-port", func(s *stage) { s.mm.siteURL = "https://mm.test:443" }, "port spelled out"},
	{"site-url-slash", func(s *stage) { s.mm.siteURL = "https://mm.test/" }, "trailing slash"},
	{"site-url-host", func(s *stage) { s.mm.siteURL = "https://chat.test" }, "two names for one server"},
	{"state-cookie-lost", func(s *stage) { s.mm.cookie = "" }, "the proxy drops Set-Cookie"},
	{"state-cookie-insecure", func(s *stage) { s.mm.cookie = ";" }, "no X-Forwarded-Proto"},
	{"clock-skew", func(s *stage) { s.mm.date = -20 * time.Minute }, "Mattermost's clock is late"},
	{"scope-empty", func(s *stage) { s.mm.scope = "" }, "the package's own setting"},
	{"scope-wrong", func(s *stage) { s.mm.scope = "read_repository" }, "not the user"},
	{"client-id-differs", func(s *stage) { s.mm.id = "some-other-id" }, "an MM_ variable wins"},
	{"client-unknown", func(s *stage) { s.g.RemoveApplication(s.appID) }, "deleted in GitLab"},
	{"credentials-stale", func(s *stage) {
		s.g.RemoveApplication(s.appID)
		s.g.AddApplication(s.app, oauth.Credentials{ID: "id-after-restore", Secret: "secret-after-restore"})
	}, "GitLab's database was restored, Mattermost's settings were not"},
	{"secret-wrong", func(s *stage) { s.p.Settings.Secret = "wrong-secret" }, "secret renewed in GitLab"},
	{"credentials-wrong", func(s *stage) { s.p.Route = nil; s.p.Settings.Secret = "wrong-secret" }, "the same without a look at GitLab"},
	{"redirect-one-missing", func(s *stage) {
		s.change(func(a *oauth.Application) { a.RedirectURIs = a.RedirectURIs[:1] })
	}, "only one was pasted"},
	{"redirect-not-registered", func(s *stage) {
		s.change(func(a *oauth.Application) {
			a.RedirectURIs = []string{"https://mm.test/signup/gitlab/complete/", "https://mm.test/login/gitlab/complete/"}
		})
	}, "trailing slash in GitLab"},
	{"scope-not-allowed", func(s *stage) {
		s.change(func(a *oauth.Application) { a.Scopes = []string{"openid"} })
	}, "the application has another scope"},
	{"scope-application-empty", func(s *stage) { s.change(func(a *oauth.Application) { a.Scopes = nil }) }, "the package's application"},
	{"not-trusted", func(s *stage) { s.change(func(a *oauth.Application) { a.Trusted = false }) }, "consent page for everybody"},
	{"not-confidential", func(s *stage) { s.change(func(a *oauth.Application) { a.Confidential = false }) }, "public application"},
	{"token-endpoint-wrong", func(s *stage) { s.p.Settings.TokenEndpoint = "https://gitlab.test/oauth/tokens" }, "misspelled path"},
	{"token-endpoint-not-gitlab", func(s *stage) {
		s.g.Inject(oauthtest.Fault{Path: "/oauth/token", Status: 200, Body: "<html>Please log in</html>"})
	}, "a proxy's login page"},
	{"user-endpoint-v3", func(s *stage) { s.p.Settings.UserAPIEndpoint = "https://gitlab.test/api/v3/user" }, "setting of 2016"},
	{"user-endpoint-wrong", func(s *stage) { s.p.Settings.UserAPIEndpoint = "https://gitlab.test/api/v4/users/me" }, "no such path"},
	{"user-endpoint-not-gitlab", func(s *stage) {
		s.g.Inject(oauthtest.Fault{Path: "/api/v4/user", Status: 200, Body: "<html>Please log in</html>"})
	}, "a page with status 200"},
	{"token-invalid", func(s *stage) { s.p.UserToken = "glpat-revoked" }, "revoked token"},
	{"token-scope", func(s *stage) { s.p.UserToken = s.g.AddToken(s.user, "read_repository") }, "token for something else"},
	{"user-blocked", func(s *stage) { s.g.SetUserState(s.user, "blocked") }, "blocked in GitLab"},
	{"terms-not-accepted", func(s *stage) {
		s.g.Inject(oauthtest.Fault{Path: "/api/v4/user", Status: 403, Body: `{"message":"403 Forbidden - You (@anna) must accept the Terms of Service in order to perform this action."}`})
	}, "new terms in GitLab"},
	{"sign-up-disabled", func(s *stage) { s.mm.noCreation = true }, "EnableUserCreation is false"},
	{"user-no-email", func(s *stage) {
		s.p.UserToken = s.g.AddToken(s.g.AddUser(oauthtest.User{Username: "nomail"}), "read_user")
	}, "account without an address"},
	{"email-collision", func(s *stage) { s.mm.accounts["email/anna@example.com"] = `{"id":"m1","auth_service":""}` }, "local account with that address"},
	{"name-collision", func(s *stage) { s.mm.accounts["username/anna"] = `{"id":"m2","auth_service":"gitlab"}` }, "another anna"},
	{"login-denied", func(s *stage) { s.loopback(func(b *oauthtest.Browser) { b.Deny = true }) }, "the person pressed Deny"},
	{"login-not-finished", func(s *stage) {
		s.p.Interactive = &oauth.Interactive{Timeout: 100 * time.Millisecond, Open: func(string) error { return nil }}
	}, "the person went away"},
	{"login-failed", func(s *stage) {
		s.loopback(func(*oauthtest.Browser) {
			s.g.Inject(oauthtest.Fault{Path: "/oauth/token", Status: 502, Body: "Bad Gateway"})
		})
	}, "GitLab broke down in the middle"},
	{"gitlab-outbound-blocked", func(s *stage) { s.local("mm.test") }, "both on one machine, nothing allowed"},
	{"mattermost-outbound-blocked", func(s *stage) { s.local("gitlab.test") }, "the same in the other direction"},
}

var gitlabLeaf = oauthtest.Leaf{Hosts: []string{"gitlab.test"}}

// relead gives GitLab another certificate.
func (s *stage) relead(l oauthtest.Leaf) { s.startGitLab(oauthtest.Options{}, l) }

// atRoot makes everybody believe that GitLab has no relative path.
func (s *stage) atRoot() {
	s.p.GitLabURL = "https://gitlab.test"
	s.p.Settings.AuthEndpoint, s.p.Settings.TokenEndpoint, s.p.Settings.UserAPIEndpoint = "", "", ""
}

// plain is a server without TLS.
func (s *stage) plain() string {
	server := httptest.NewServer(http.NotFoundHandler())
	s.t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// local lets a host have an address of the local network.
func (s *stage) local(host string) {
	s.p.Lookup = func(_ context.Context, h string) ([]string, error) {
		if h == host {
			return []string{"10.1.2.3"}, nil
		}
		return []string{"203.0.113.7"}, nil
	}
}

// loopback makes a real round trip with a browser, after change.
func (s *stage) loopback(change func(*oauthtest.Browser)) {
	s.change(func(a *oauth.Application) {
		a.RedirectURIs = append(a.RedirectURIs, "http://127.0.0.1/signup/gitlab/complete")
	})
	b := s.g.Browser("anna", s.browserTransport())
	s.p.Interactive = &oauth.Interactive{Timeout: time.Minute, Open: func(address string) error {
		// A trusted application has no consent page to deny.
		s.change(func(a *oauth.Application) { a.Trusted = false })
		change(b)
		go func() { _, _ = b.Open(address) }() // the probe says how it ended
		return nil
	}}
}

func (s *stage) browserTransport() http.RoundTripper {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig.RootCAs = s.ca.Pool()
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if to, ok := s.hosts[addr]; ok {
			addr = to
		}
		return dial(ctx, network, addr)
	}
	return tr
}

func TestEveryCauseIsProducedAndNamedRight(t *testing.T) {
	covered := map[string]bool{}
	for _, f := range faults {
		covered[f.cause] = true
		t.Run(f.cause, func(t *testing.T) {
			s := newStage(t)
			f.inject(s)
			r := s.run()
			all := r.Causes()
			if len(all) == 0 || all[0].ID != f.cause {
				t.Errorf("named %q, want first %s: %s\n%v", ids(r), f.cause, f.reason, steps(r))
			}
			if len(all) > 0 && (all[0].Title == "" || all[0].Fix == "" || r.Failed() != hasError(all)) {
				t.Errorf("cause %+v, failed %v", all[0], r.Failed())
			}
			if leak := s.leaks(r); leak != "" {
				t.Errorf("the report shows: %s", leak)
			}
		})
	}
	for _, c := range oauth.Causes() {
		if !covered[c.ID] {
			t.Errorf("no fault produces %s", c.ID)
		}
	}
	if n := len(oauth.Causes()); n < 30 {
		t.Errorf("%d causes", n)
	}
}

func hasError(list []oauth.Cause) bool {
	for _, c := range list {
		if c.Severity == "error" {
			return true
		}
	}
	return false
}

func steps(r oauth.Report) string {
	var b strings.Builder
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%s: %s %v\n", s.ID, s.Outcome, s.Evidence)
	}
	return b.String()
}

func TestRoundTripOnALoopbackPort(t *testing.T) {
	s := newStage(t)
	s.loopback(func(*oauthtest.Browser) {})
	r := s.run()
	last := r.Steps[len(r.Steps)-2]
	if last.ID != "round-trip" || last.Outcome != oauth.Passed || !strings.Contains(strings.Join(last.Evidence, " "), "name anna, scope read_user") {
		t.Errorf("%+v", last)
	}
	if s.g.Tokens(s.appID) != 0 {
		t.Error("the token was not revoked")
	}
}

func TestCausesOfARealNginx(t *testing.T) {
	for _, c := range []struct {
		cause, extra string
		down         bool
		plain        bool
		reason       string
	}{
		{"", "", false, false, "healthy"},
		{"state-cookie-lost", "proxy_hide_header Set-Cookie;", false, false, "the proxy drops the cookie"},
		{"server-down", "", true, false, "502 of nginx itself"},
		{"plain-to-tls", "", false, true, "400 of nginx itself"},
		{"forbidden", "deny all;", false, false, "403 of nginx itself"},
	} {
		s := newStage(t)
		g := oauthtest.Start(t, oauthtest.Options{ExternalURL: "https://gitlab.test"})
		g.AddApplication(s.app, given)
		mm := httptest.NewServer(s.mm)
		t.Cleanup(mm.Close)
		up := strings.TrimPrefix(g.URL, "http://")
		if c.down {
			up = refusedAddress(t)
		}
		p := startNginx(t, map[string]string{"gitlab.test": up, "mm.test": strings.TrimPrefix(mm.URL, "http://")}, c.extra)
		address := fmt.Sprintf("127.0.0.1:%d", p.port)
		s.hosts = map[string]string{"gitlab.test:443": address, "mm.test:443": address, "gitlab.test:80": address}
		s.p.Roots, s.p.UserToken, s.p.AdminToken, s.p.Route = p.ca.Pool(), "", "", nil
		if c.plain {
			s.p.GitLabURL, s.p.Settings = "http://gitlab.test", oauth.Settings{}
		}
		r := s.run()
		if first, _, _ := strings.Cut(ids(r), " "); first != c.cause {
			t.Errorf("%s: named %q, want %q\n%s", c.reason, ids(r), c.cause, steps(r))
		}
	}
}

func TestTrustIsReadAsGoReadsSSLCertDir(t *testing.T) {
	s := newStage(t)
	dir := t.TempDir()
	real := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(real, s.ca.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, filepath.Join(dir, "0a1b2c3d.0")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.p.CADirs = []string{dir}
	if r := s.run(); ids(r) != "" || !strings.Contains(steps(r), "1 certificate in") {
		t.Errorf("%s\n%s", ids(r), steps(r))
	}
	s.p.CADirs = []string{filepath.Join(dir, "absent")}
	if r := s.run(); ids(r) != "tls-mattermost-trust" {
		t.Errorf("an absent directory: %s", ids(r))
	}
}
