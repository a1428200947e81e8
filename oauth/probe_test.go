package oauth_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

// fakeMM answers as Mattermost does where a probe asks.
type fakeMM struct {
	version    string
	team       bool
	enable     bool
	siteURL    string
	auth       string
	id, scope  string
	cookie     string // attributes of MMOAUTH; empty: none is set
	accounts   map[string]string
	override   http.HandlerFunc
	date       time.Duration // by how much its clock is off
	noCreation bool
}

const mmToken = "mattermost-admin-token-abcdefgh"

func (m *fakeMM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.date != 0 {
		w.Header().Set("Date", time.Now().Add(m.date).UTC().Format(http.TimeFormat))
	}
	if m.override != nil {
		m.override(w, r)
		return
	}
	switch {
	case r.URL.Path == "/api/v4/config/client":
		fmt.Fprintf(w, `{"Version":%q,"BuildEnterpriseReady":"%t","EnableSignUpWithGitLab":"%t","EnableUserCreation":"%t"}`, m.version, !m.team, m.enable, !m.noCreation)
	case r.URL.Path == "/oauth/gitlab/login":
		m.login(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/v4/users/"):
		if r.Header.Get("Authorization") != "Bearer "+mmToken {
			http.Error(w, `{"status_code":401}`, http.StatusUnauthorized)
			return
		}
		account, ok := m.accounts[strings.TrimPrefix(r.URL.Path, "/api/v4/users/")]
		if !ok {
			http.Error(w, `{"status_code":404}`, http.StatusNotFound)
			return
		}
		fmt.Fprint(w, account)
	default:
		http.NotFound(w, r)
	}
}

func (m *fakeMM) login(w http.ResponseWriter, r *http.Request) {
	switch {
	case !m.enable:
		http.Error(w, "<no value> SSO through OAuth 2.0 not available on this server.", http.StatusNotImplemented)
		return
	case strings.Contains(m.scope, "openid"):
		http.Error(w, "Gitlab SSO through OAuth 2.0 not available on this server.", http.StatusNotImplemented)
		return
	}
	q := url.Values{"response_type": {"code"}, "client_id": {m.id}, "redirect_uri": {m.siteURL + "/signup/gitlab/complete"}, "state": {"eyJhY3Rpb24iOiJsb2dpbiJ9"}}
	if m.scope != "" {
		q.Set("scope", m.scope)
	}
	if m.cookie != "" {
		w.Header().Add("Set-Cookie", "MMOAUTH=state-cookie-value; Path=/; Max-Age=1800; HttpOnly"+m.cookie)
	}
	to := m.auth + "?" + q.Encode()
	if m.auth == "" {
		to = "/oauth/gitlab/?" + q.Encode()
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// stage is a healthy pair of servers and a prober that knows everything.
type stage struct {
	t     testing.TB
	g     *oauthtest.GitLab
	mm    *fakeMM
	p     *oauth.Prober
	ca    *oauthtest.CA
	app   oauth.Application
	appID int64
	user  int
	hosts map[string]string // what Dial leads to
}

// appsRoute reads the fake's applications as the database route would.
type appsRoute struct{ s *stage }

func (a appsRoute) Find(_ context.Context, want oauth.Application, c oauth.Credentials) ([]oauth.Registered, error) {
	for _, row := range a.s.g.Applications() {
		if c.ID == "" || c.ID == row.UID {
			return []oauth.Registered{{Application: oauth.Application{Name: row.Name, RedirectURIs: oauth.SplitRedirectURIs(row.RedirectURI), Scopes: strings.Fields(row.Scopes),
				Trusted: row.Trusted, Confidential: row.Confidential}, RowID: 1, ID: row.UID}}, nil
		}
	}
	return nil, nil
}
func (appsRoute) Plan(context.Context, oauth.Order) (oauth.Plan, error) {
	return oauth.Plan{}, oauth.ErrCannot
}
func (appsRoute) Apply(context.Context, oauth.Plan) (oauth.Result, error) {
	return oauth.Result{}, oauth.ErrCannot
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{t: t, ca: oauthtest.NewCA(t, "test authority")}
	s.startGitLab(oauthtest.Options{}, oauthtest.Leaf{Hosts: []string{"gitlab.test"}})
	s.mm = &fakeMM{version: "10.11.13.10.11.13.abc", enable: true, team: true, siteURL: "https://mm.test", auth: "https://gitlab.test/oauth/authorize", id: given.ID, scope: "read_user", cookie: "; Secure", accounts: map[string]string{}}
	s.mm.version = "10.11.13"
	s.startMM(oauthtest.Leaf{Hosts: []string{"mm.test"}})
	return s
}

// startGitLab (re)places the GitLab and the prober.
func (s *stage) startGitLab(o oauthtest.Options, l oauthtest.Leaf) {
	s.t.Helper()
	cert := s.ca.Issue(l)
	o.TLS = &cert
	if o.ExternalURL == "" {
		o.ExternalURL = "https://gitlab.test" + o.RelativeURL
	}
	s.g = oauthtest.Start(s.t, o)
	admin := s.g.AddUser(oauthtest.User{Username: "root", Email: "root@example.com", Admin: true})
	s.user = s.g.AddUser(oauthtest.User{Username: "anna", Name: "Anna Alt", Email: "anna@example.com"})
	var err error
	if s.app, err = oauth.Desired("https://mm.test"); err != nil {
		s.t.Fatal(err)
	}
	// Stored plain, which every version accepts: hashing is tested elsewhere
	// and would cost most of the time here.
	s.appID = s.g.AddRow(oauthtest.Row{Name: s.app.Name, UID: given.ID, Secret: given.Secret.Reveal(), RedirectURI: s.app.RedirectText(),
		Scopes: s.app.ScopeText(), Trusted: s.app.Trusted, Confidential: s.app.Confidential})
	ends, err := oauth.EndpointsOf("https://gitlab.test"+o.RelativeURL, oauth.Version{})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.hosts == nil {
		s.hosts = map[string]string{}
	}
	address := strings.TrimPrefix(strings.TrimSuffix(s.g.URL, o.RelativeURL), "https://")
	s.hosts["gitlab.test:443"] = address
	s.p = &oauth.Prober{
		GitLabURL: ends.GitLab, MattermostURL: "https://mm.test", Settings: oauth.SettingsFor(given, s.app, ends),
		Route: appsRoute{s}, UserToken: s.g.AddToken(s.user, "read_user"), MattermostToken: mmToken, AdminToken: s.g.AddToken(admin, "api"),
		AllowedInternal: new(string), Roots: s.ca.Pool(), Timeout: 30 * time.Second,
		Lookup: func(context.Context, string) ([]string, error) { return []string{"203.0.113.7"}, nil },
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to, ok := s.hosts[addr]
			if !ok {
				return nil, &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}
			}
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
	}
}

func (s *stage) startMM(l oauthtest.Leaf) {
	s.t.Helper()
	server := httptest.NewUnstartedServer(s.mm)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{s.ca.Issue(l)}}
	server.StartTLS()
	s.t.Cleanup(server.Close)
	s.hosts["mm.test:443"] = strings.TrimPrefix(server.URL, "https://")
}

func (s *stage) run() oauth.Report {
	s.t.Helper()
	r, err := s.p.Run(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *stage) change(f func(a *oauth.Application)) {
	s.t.Helper()
	f(&s.app)
	if err := s.g.UpdateApplication(s.appID, s.app); err != nil {
		s.t.Fatal(err)
	}
}

func ids(r oauth.Report) string {
	var out []string
	for _, c := range r.Causes() {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}

// leaks returns which secrets any form of the report shows.
func (s *stage) leaks(r oauth.Report) string {
	s.t.Helper()
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		s.t.Fatal(err)
	}
	doc, err := json.Marshal(r)
	if err != nil {
		s.t.Fatal(err)
	}
	all := text.String() + string(doc) + r.Mermaid() + r.SVG() + fmt.Sprintf("%+v", r.Findings())
	var out []string
	for name, secret := range map[string]string{
		"client secret": given.Secret.Reveal(), "user token": s.p.UserToken.Reveal(), "admin token": s.p.AdminToken.Reveal(),
		"Mattermost token": mmToken, "state": "eyJhY3Rpb24iOiJsb2dpbiJ9", "cookie": "state-cookie-value",
	} {
		if secret != "" && strings.Contains(all, secret) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

func TestAHealthyLoginPassesEveryStep(t *testing.T) {
	s := newStage(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), s.ca.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	s.p.CADirs = []string{dir}
	var seen []string
	s.p.OnStep = func(step oauth.ProbeStep) { seen = append(seen, step.ID) }
	r := s.run()
	for _, step := range r.Steps {
		if step.Outcome != oauth.Passed || len(step.Causes) > 0 {
			if step.ID == "account" {
				continue
			}
			t.Errorf("%s: %s %v %v", step.ID, step.Outcome, step.Causes, step.Evidence)
		}
	}
	want := "gitlab-reachable mattermost-trust mattermost-reachable login-redirect authorize registration consent token user account outbound"
	if strings.Join(seen, " ") != want {
		t.Errorf("steps %v, want %s", seen, want)
	}
	if r.Failed() || s.leaks(r) != "" {
		t.Errorf("failed %v, leaks %q", r.Failed(), s.leaks(r))
	}
	if s.g.Tokens(s.appID) != 0 {
		t.Error("the probe left a token behind")
	}
	if s.p.MattermostVersion != (oauth.Version{}) {
		t.Error("the caller's prober was changed")
	}
}

func TestWhatIsNotGivenIsNotDecidable(t *testing.T) {
	s := newStage(t)
	s.p = &oauth.Prober{GitLabURL: s.p.GitLabURL, MattermostURL: s.p.MattermostURL, Roots: s.p.Roots, Dial: s.p.Dial}
	r := s.run()
	got := map[string]oauth.Outcome{}
	for _, step := range r.Steps {
		got[step.ID] = step.Outcome
	}
	for id, want := range map[string]oauth.Outcome{
		"gitlab-reachable": oauth.Passed, "login-redirect": oauth.Passed, "authorize": oauth.Passed, "user": oauth.Passed,
		"registration": oauth.Undecidable, "consent": oauth.Undecidable, "token": oauth.Undecidable, "account": oauth.Undecidable,
	} {
		if got[id] != want {
			t.Errorf("%s: %s, want %s", id, got[id], want)
		}
	}
	if ids(r) != "" {
		t.Errorf("causes %s", ids(r))
	}
}

func TestRunRefusesWhatAreNoAddresses(t *testing.T) {
	_, err := (&oauth.Prober{GitLabURL: "gitlab.test", MattermostURL: "ftp://mm.test"}).Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "gitlab.test") || !strings.Contains(err.Error(), "ftp://mm.test") {
		t.Errorf("not both are named: %v", err)
	}
	s := newStage(t)
	cancelled, cancel := context.WithCancel(ctx)
	s.p.OnStep = func(oauth.ProbeStep) { cancel() }
	r, err := s.p.Run(cancelled)
	if !errors.Is(err, context.Canceled) || len(r.Steps) != 1 {
		t.Errorf("%v after %d steps", err, len(r.Steps))
	}
}

// refusedAddress is a port where nothing listens.
func refusedAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}
