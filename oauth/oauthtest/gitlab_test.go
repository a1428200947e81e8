package oauthtest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

const (
	mm     = "https://mm.example.com"
	signup = mm + "/signup/gitlab/complete"
	login  = mm + "/login/gitlab/complete"
)

var creds = oauth.Credentials{ID: "client-id-of-the-test", Secret: "client-secret-of-the-test"}

func version(t *testing.T, text string) oauth.Version {
	t.Helper()
	if text == "" {
		return oauth.Version{}
	}
	v, err := oauth.ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func start(t *testing.T, v string) (*oauthtest.GitLab, int64) {
	t.Helper()
	g := oauthtest.Start(t, oauthtest.Options{Version: version(t, v)})
	g.AddUser(oauthtest.User{Username: "root", Name: "Administrator", Email: "root@example.com", Admin: true})
	app, err := oauth.Desired(mm)
	if err != nil {
		t.Fatal(err)
	}
	app.Trusted = false
	return g, g.AddApplication(app, creds)
}

// call sends a form and returns status, headers and the decoded body.
func call(t *testing.T, method, address string, form url.Values, header http.Header) (int, http.Header, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
	} else {
		doc = map[string]any{"text": string(text)}
	}
	return resp.StatusCode, resp.Header, doc
}

// code walks the browser's part and returns the code that came back.
func code(t *testing.T, g *oauthtest.GitLab, query url.Values) string {
	t.Helper()
	return redirected(t, g.Browser("root", nil), g, query).Query().Get("code")
}

// redirected is the address at the client that the browser is sent to.
func redirected(t *testing.T, b *oauthtest.Browser, g *oauthtest.GitLab, query url.Values) *url.URL {
	t.Helper()
	b.Client.Transport = stopAt{mm}
	page, err := b.Open(g.URL + "/oauth/authorize?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return page.URL
}

// stopAt answers requests to the client itself: there is no Mattermost here.
type stopAt struct{ base string }

func (s stopAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.String(), s.base) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("arrived")), Header: http.Header{}, Request: r}, nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

func query(pairs ...string) url.Values {
	q := url.Values{"client_id": {creds.ID}, "redirect_uri": {signup}, "response_type": {"code"}, "scope": {"read_user"}, "state": {"S"}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func exchange(pairs ...string) url.Values {
	q := url.Values{"grant_type": {"authorization_code"}, "client_id": {creds.ID}, "client_secret": {creds.Secret.Reveal()}, "redirect_uri": {signup}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func TestTokenErrorTable(t *testing.T) {
	for _, c := range []struct {
		version string
		form    func(t *testing.T, g *oauthtest.GitLab) url.Values
		status  int
		code    string
		reason  string
	}{
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("grant_type", "") }, 400, "invalid_request", "no grant type"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("grant_type", "magic") }, 400, "unsupported_grant_type", "unknown grant type"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange() }, 400, "invalid_request", "code missing"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("code", "x", "redirect_uri", "") }, 400, "invalid_request", "redirect_uri missing"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values {
			return exchange("code", "x", "client_id", "nobody")
		}, 401, "invalid_client", "unknown client"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values {
			return exchange("code", "x", "client_secret", "wrong")
		}, 401, "invalid_client", "wrong secret"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("code", "x", "client_secret", "") }, 401, "invalid_client", "no secret for a confidential application"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("code", "random") }, 400, "invalid_grant", "client right, code wrong: the credential check"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values {
			return exchange("code", code(t, g, query()), "redirect_uri", login)
		}, 400, "invalid_grant", "other redirect_uri is no redirect error"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values {
			return exchange("code", code(t, g, query("code_challenge", "abc", "code_challenge_method", "S256")))
		}, 400, "invalid_request", "PKCE started, verifier absent"},
		{"", func(t *testing.T, g *oauthtest.GitLab) url.Values {
			return exchange("code", code(t, g, query("code_challenge", "abc", "code_challenge_method", "S256")), "code_verifier", "wrong")
		}, 400, "invalid_grant", "PKCE verifier wrong"},
		{"11.11", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("code", "random") }, 401, "invalid_grant", "Doorkeeper 4 answers 401 to every token error"},
		{"13.12", func(t *testing.T, g *oauthtest.GitLab) url.Values { return exchange("code", "random") }, 400, "invalid_grant", "5.1 and newer: 400"},
		{"13.12", func(t *testing.T, g *oauthtest.GitLab) url.Values {
			return exchange("code", "x", "client_id", "nobody")
		}, 401, "invalid_client", "invalid_client stays 401"},
	} {
		g, _ := start(t, c.version)
		status, header, doc := call(t, "POST", g.URL+"/oauth/token", c.form(t, g), nil)
		if status != c.status || doc["error"] != c.code || doc["error_description"] == "" {
			t.Errorf("%s: %d %v, want %d %s", c.reason, status, doc, c.status, c.code)
		}
		if (status == 401) != (header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: WWW-Authenticate %q with status %d", c.reason, header.Get("WWW-Authenticate"), status)
		}
	}
}

func TestTokenErrorsOfOtherFlows(t *testing.T) {
	for _, c := range []struct {
		version string
		pairs   []string
		status  int
		code    string
		reason  string
	}{
		{"", []string{"grant_type", "client_credentials", "scope", "api"}, 400, "invalid_scope", "scope not allowed"},
		{"", []string{"grant_type", "client_credentials", "scope", "read_user"}, 200, "", "scope allowed"},
		{"18.11", []string{"grant_type", "password", "username", "root", "password", "password"}, 401, "unauthorized_client", "flow disabled for the client"},
		{"13.12", []string{"grant_type", "password", "username", "root", "password", "password"}, 200, "", "the switch is of 18.1"},
		{"13.12", []string{"grant_type", "password", "username", "root", "password", "wrong"}, 400, "invalid_grant", "wrong password"},
		{"19.0", []string{"grant_type", "password", "username", "root", "password", "password"}, 400, "unsupported_grant_type", "flow removed"},
		{"", []string{"grant_type", "refresh_token"}, 400, "invalid_request", "refresh token missing"},
		{"", []string{"grant_type", "refresh_token", "refresh_token", "x"}, 400, "invalid_grant", "refresh token unknown"},
		{"", []string{"grant_type", "refresh_token", "refresh_token", "x", "client_secret", "wrong"}, 401, "invalid_client", "client first"},
	} {
		g := oauthtest.Start(t, oauthtest.Options{Version: version(t, c.version)})
		g.AddUser(oauthtest.User{Username: "root"})
		g.AddRow(oauthtest.Row{Name: "x", UID: creds.ID, Secret: creds.Secret.Reveal(), RedirectURI: signup, Scopes: "read_user", Confidential: true, NoPassword: true})
		status, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange(c.pairs...), nil)
		if code, _ := doc["error"].(string); status != c.status || code != c.code {
			t.Errorf("%s: %d %v, want %d %s", c.reason, status, doc["error"], c.status, c.code)
		}
	}
}

func TestAuthorizePagesThatDependOnTheUser(t *testing.T) {
	g := oauthtest.Start(t, oauthtest.Options{SafeAdmins: true})
	g.AddUser(oauthtest.User{Username: "root", Admin: true})
	g.AddUser(oauthtest.User{Username: "new", Unconfirmed: true})
	blocked := g.AddUser(oauthtest.User{Username: "gone"})
	g.SetUserState(blocked, "blocked")
	g.AddRow(oauthtest.Row{Name: "x", UID: creds.ID, Secret: creds.Secret.Reveal(), RedirectURI: signup, Scopes: "api read_user", Confidential: true})
	for _, c := range []struct{ user, scope, text string }{
		{"root", "api", "Forbidden"},
		{"root", "read_user", "arrived"},
		{"new", "read_user", "Verify the email address"},
		{"gone", "read_user", "blocked"},
	} {
		b := g.Browser(c.user, stopAt{mm})
		page, err := b.Open(g.URL + "/oauth/authorize?" + query("scope", c.scope).Encode())
		if err != nil || page.Status != 200 || !strings.Contains(page.Body, c.text) {
			t.Errorf("%s %s: %v %+v", c.user, c.scope, err, page)
		}
	}
	wrong := g.Browser("root", stopAt{mm})
	wrong.Password = "wrong"
	if page, err := wrong.Open(g.URL + "/oauth/authorize?" + query().Encode()); err != nil || !strings.Contains(page.Body, "Invalid login") {
		t.Errorf("wrong password: %v %+v", err, page)
	}
}

func TestACodeSurvivesWrongAttemptsAndWorksOnce(t *testing.T) {
	g, id := start(t, "")
	one := code(t, g, query())
	for _, wrong := range []url.Values{exchange("code", one, "client_secret", "wrong"), exchange("code", one, "redirect_uri", login)} {
		if status, _, _ := call(t, "POST", g.URL+"/oauth/token", wrong, nil); status == 200 {
			t.Fatal("a wrong attempt passed")
		}
	}
	status, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange("code", one), nil)
	if status != 200 || doc["token_type"] != "Bearer" || doc["expires_in"] != 7200.0 || doc["scope"] != "read_user" || doc["refresh_token"] == "" || doc["created_at"] == nil {
		t.Fatalf("%d %v", status, doc)
	}
	if status, _, again := call(t, "POST", g.URL+"/oauth/token", exchange("code", one), nil); status != 400 || again["error"] != "invalid_grant" {
		t.Errorf("code replayed: %d %v", status, again)
	}
	if g.Tokens(id) != 1 {
		t.Errorf("%d tokens", g.Tokens(id))
	}
	bearer := http.Header{"Authorization": {"Bearer " + doc["access_token"].(string)}}
	if status, _, u := call(t, "GET", g.URL+"/api/v4/user", nil, bearer); status != 200 || u["username"] != "root" || u["id"] != 1.0 {
		t.Errorf("user: %d %v", status, u)
	}
	if status, _, info := call(t, "GET", g.URL+"/oauth/token/info", nil, bearer); status != 200 || info["application"].(map[string]any)["uid"] != creds.ID {
		t.Errorf("token info: %d %v", status, info)
	}
	_, _, next := call(t, "POST", g.URL+"/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {doc["refresh_token"].(string)}, "client_id": {creds.ID}, "client_secret": {creds.Secret.Reveal()}}, nil)
	if next["access_token"] == nil || next["access_token"] == doc["access_token"] {
		t.Errorf("refresh: %v", next)
	}
	if status, _, _ := call(t, "GET", g.URL+"/api/v4/user", nil, bearer); status != 401 {
		t.Errorf("the old pair lives after a refresh: %d", status)
	}
	if status, _, _ := call(t, "GET", g.URL+"/oauth/token/info", nil, bearer); status != 400 {
		t.Errorf("token info of an invalid token: %d, want 400", status)
	}
	client := url.Values{"client_id": {creds.ID}, "client_secret": {creds.Secret.Reveal()}, "token": {next["access_token"].(string)}}
	if status, _, doc := call(t, "POST", g.URL+"/oauth/introspect", client, nil); status != 200 || doc["active"] != true {
		t.Errorf("introspect: %d %v", status, doc)
	}
	if status, _, _ := call(t, "POST", g.URL+"/oauth/revoke", client, nil); status != 200 || g.Tokens(id) != 0 {
		t.Errorf("revoke: %d, %d tokens left", status, g.Tokens(id))
	}
	if _, _, doc := call(t, "POST", g.URL+"/oauth/introspect", client, nil); doc["active"] != false {
		t.Errorf("introspect after revoke: %v", doc)
	}
	client.Set("token", "unknown")
	if status, _, _ := call(t, "POST", g.URL+"/oauth/revoke", client, nil); status != 200 {
		t.Errorf("revoke of an unknown token: %d, want 200", status)
	}
	client.Set("client_secret", "wrong")
	if status, _, doc := call(t, "POST", g.URL+"/oauth/revoke", client, nil); status != 403 || doc["error"] != "unauthorized_client" {
		t.Errorf("revoke by a stranger: %d %v", status, doc)
	}
}

func TestAuthorizeTable(t *testing.T) {
	for _, c := range []struct {
		version, text string
		query         url.Values
		reason        string
	}{
		{"", "Client authentication failed due to unknown client", query("client_id", "nobody"), "unknown client"},
		{"", "The redirect URI included is not valid.", query("redirect_uri", "http://mm.example.com/signup/gitlab/complete"), "http for https"},
		{"", "The redirect URI included is not valid.", query("redirect_uri", signup+"/"), "trailing slash"},
		{"", "The requested scope is invalid", query("scope", ""), "no scope asked, application has read_user"},
		{"", "The requested scope is invalid", query("scope", "api"), "scope beyond the application's"},
		{"", "does not support this response type", query("response_type", "token"), "implicit flow"},
		{"13.12", "does not support this response type", query("response_type", "token", "client_id", "nobody"), "older order: response type first"},
		{"", "Client authentication failed", query("response_type", "token", "client_id", "nobody"), "newer order: client first"},
		{"", "code challenge method", query("code_challenge", "x", "code_challenge_method", "S512"), "unknown PKCE method"},
	} {
		g, _ := start(t, c.version)
		page, err := g.Browser("root", nil).Open(g.URL + "/oauth/authorize?" + c.query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if page.Status != 200 || !strings.Contains(page.Body, "<pre>") || !strings.Contains(page.Body, c.text) {
			t.Errorf("%s: %d %s, want status 200 (GitLab's own error page) with %q", c.reason, page.Status, page.Body, c.text)
		}
	}
}

func TestSignInComesBeforeAnyLookAtTheClient(t *testing.T) {
	g, _ := start(t, "")
	for _, client := range []string{creds.ID, "nobody"} {
		status, header, _ := call(t, "GET", g.URL+"/oauth/authorize?"+query("client_id", client).Encode(), nil, nil)
		if status != 302 || !strings.HasSuffix(header.Get("Location"), "/users/sign_in") {
			t.Errorf("client %s: %d to %q, want the sign-in page", client, status, header.Get("Location"))
		}
	}
}

func TestConsentDenyTrustAndSecondVisit(t *testing.T) {
	g, id := start(t, "")
	b := g.Browser("root", nil)
	if q := redirected(t, b, g, query()).Query(); q.Get("code") == "" || q.Get("state") != "S" {
		t.Errorf("consent: %v", q)
	}
	posts := func() int { // the sign-in and the consent are the browser's posts
		n := 0
		for _, r := range g.Requests() {
			if r.Method == "POST" && r.Path == "/oauth/authorize" {
				n++
			}
		}
		return n
	}
	if posts() != 1 {
		t.Fatalf("%d consents", posts())
	}
	call(t, "POST", g.URL+"/oauth/token", exchange("code", redirected(t, b, g, query()).Query().Get("code")), nil)
	if redirected(t, b, g, query()).Query().Get("code") == "" || posts() != 2 {
		t.Errorf("already granted: %d consents, want no further one", posts())
	}
	app, err := oauth.Desired(mm)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.UpdateApplication(id, app); err != nil { // trusted now
		t.Fatal(err)
	}
	g2 := g.Browser("root", nil)
	if redirected(t, g2, g, query()).Query().Get("code") == "" || posts() != 2 {
		t.Errorf("trusted: %d consents, want no further one", posts())
	}
	app.Trusted = false
	if err := g.UpdateApplication(id, app); err != nil {
		t.Fatal(err)
	}
	g.AddUser(oauthtest.User{Username: "anna", Email: "anna@example.com"})
	deny := g.Browser("anna", nil)
	deny.Deny = true
	if q := redirected(t, deny, g, query()).Query(); q.Get("error") != "access_denied" || q.Get("state") != "S" {
		t.Errorf("deny: %v", q)
	}
}

func TestUnscopedApplicationGetsAPI(t *testing.T) {
	g := oauthtest.Start(t, oauthtest.Options{})
	g.AddUser(oauthtest.User{Username: "root"})
	g.AddApplication(oauth.LinuxPackageApplication(mm), creds)
	_, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange("code", code(t, g, query("scope", ""))), nil)
	if doc["scope"] != "api" {
		t.Errorf("scope %v, want api: what the bundled Mattermost held", doc["scope"])
	}
}

func TestSecretsAreAcceptedAsTheVersionDoes(t *testing.T) {
	for _, c := range []struct {
		version string
		sha512  bool
		form    oauth.SecretForm
		ok      bool
		reason  string
	}{
		{"15.3", false, oauth.FormPlain, true, "plain everywhere"},
		{"15.3", false, oauth.FormPBKDF2, false, "not known before 15.4"},
		{"15.4", false, oauth.FormPBKDF2, true, "first release with it"},
		{"15.4", false, oauth.FormPlain, true, "fallback"},
		{"18.11", false, oauth.FormSHA512, false, "PBKDF2 server refuses a SHA-512 row"},
		{"18.11", true, oauth.FormSHA512, true, "server with the newest strategy"},
		{"18.11", true, oauth.FormPBKDF2, true, "which knows the older forms"},
		{"19.0", true, oauth.FormPlain, true, "and plain"},
	} {
		stored, err := oauth.StoreSecret(creds.Secret, c.form)
		if err != nil {
			t.Fatal(err)
		}
		g := oauthtest.Start(t, oauthtest.Options{Version: version(t, c.version), SHA512: c.sha512})
		g.AddRow(oauthtest.Row{Name: "x", UID: creds.ID, Secret: stored, RedirectURI: signup, Scopes: "read_user", Confidential: true})
		_, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange("code", "random"), nil)
		if got := doc["error"] == "invalid_grant"; got != c.ok {
			t.Errorf("%s %s: %v, want accepted %v: %s", c.version, c.form, doc["error"], c.ok, c.reason)
		}
		if c.form != oauth.FormPlain {
			_, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange("code", "random", "client_secret", stored), nil)
			if doc["error"] != "invalid_grant" {
				t.Errorf("%s: the fallback to plain accepts the stored text itself, the fake does not", c.reason)
			}
		}
	}
}

func TestPKCEWithS256(t *testing.T) {
	g, _ := start(t, "15.0")
	verifier := "a-verifier-of-at-least-43-characters-0123456789"
	sum := sha256.Sum256([]byte(verifier))
	one := code(t, g, query("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256"))
	if status, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange("code", one, "code_verifier", verifier), nil); status != 200 {
		t.Errorf("%d %v", status, doc)
	}
}

func TestFaultsRelativeURLAndClock(t *testing.T) {
	now := time.Now()
	g := oauthtest.Start(t, oauthtest.Options{RelativeURL: "/gitlab", Now: func() time.Time { return now }})
	g.AddUser(oauthtest.User{Username: "root"})
	app, err := oauth.Desired(mm)
	if err != nil {
		t.Fatal(err)
	}
	g.AddApplication(app, creds)
	if _, _, doc := call(t, "GET", g.URL+"/.well-known/openid-configuration", nil, nil); doc["issuer"] != g.URL {
		t.Errorf("issuer %v, want %s", doc["issuer"], g.URL)
	}
	if status, _, _ := call(t, "GET", strings.TrimSuffix(g.URL, "/gitlab")+"/oauth/authorize", nil, nil); status != 404 {
		t.Errorf("outside of the relative URL: %d", status)
	}
	one := code(t, g, query())
	now = now.Add(11 * time.Minute)
	if _, _, doc := call(t, "POST", g.URL+"/oauth/token", exchange("code", one), nil); doc["error"] != "invalid_grant" {
		t.Errorf("a code of eleven minutes: %v", doc)
	}
	g.Inject(oauthtest.Fault{Path: "/oauth/token", Status: 502, Body: "Bad Gateway", Times: 1})
	if status, _, _ := call(t, "POST", g.URL+"/oauth/token", exchange("code", "x"), nil); status != 502 {
		t.Errorf("injected: %d", status)
	}
	if status, _, _ := call(t, "POST", g.URL+"/oauth/token", exchange("code", "x"), nil); status != 400 {
		t.Errorf("only once: %d", status)
	}
	g.Inject(oauthtest.Fault{Drop: true})
	if _, err := http.Post(g.URL+"/oauth/token", "", nil); err == nil {
		t.Error("a dropped connection answered")
	}
}

func TestRequestsAreRecordedWithoutSecrets(t *testing.T) {
	g, _ := start(t, "")
	token := g.AddToken(1, "api")
	call(t, "POST", g.URL+"/oauth/token", exchange("code", "the-code"), http.Header{"Private-Token": {token.Reveal()}})
	text := fmt.Sprint(g.Requests())
	for _, secret := range []string{creds.Secret.Reveal(), "the-code", token.Reveal()} {
		if strings.Contains(text, secret) {
			t.Errorf("a recorded request shows a secret")
		}
	}
	if !strings.Contains(text, creds.ID) {
		t.Error("nothing was recorded")
	}
}

func ExampleNew() {
	g := oauthtest.New(oauthtest.Options{RelativeURL: "/gitlab"})
	defer g.Close()
	g.AddUser(oauthtest.User{Username: "root", Email: "root@example.com", Admin: true})
	resp, err := http.Get(g.URL + "/api/v4/user")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Print(resp.StatusCode, " ", string(text))
	if err != nil {
		fmt.Println(err)
	}
	// Output: 401 {"message":"401 Unauthorized"}
}
