package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

const (
	gitlabURL = "https://gitlab.test/gitlab"
	siteURL   = "https://mm.test/chat"
)

// world is a GitLab and a program with a Login behind one nginx with TLS.
type world struct {
	g     *oauthtest.GitLab
	proxy *proxy
	login *oauth.Login
	appID int64

	mu     sync.Mutex
	tokens []oauth.Token
	errs   []*oauth.LoginError
	now    time.Time
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func newWorld(t testing.TB, pkce bool) *world {
	t.Helper()
	w := &world{now: time.Now()}
	w.g = oauthtest.Start(t, oauthtest.Options{RelativeURL: "/gitlab", ExternalURL: gitlabURL, Now: w.clock})
	w.g.AddUser(oauthtest.User{Username: "anna", Name: "Anna Maria Alt", Email: "Anna@Example.com"})
	w.g.AddUser(oauthtest.User{Username: "bert", Name: "Bert", Email: "bert@example.com"})
	app, err := oauth.Desired(siteURL)
	if err != nil {
		t.Fatal(err)
	}
	app.Trusted = false
	w.appID = w.g.AddApplication(app, given)
	program := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/chat/") && strings.Contains(r.URL.Path, "gitlab") {
			w.login.ServeHTTP(rw, r)
			return
		}
		fmt.Fprint(rw, "page "+r.URL.Path)
	}))
	t.Cleanup(program.Close)
	w.proxy = startNginx(t, map[string]string{
		"gitlab.test": strings.TrimPrefix(strings.TrimSuffix(w.g.URL, "/gitlab"), "http://"),
		"mm.test":     strings.TrimPrefix(program.URL, "http://"),
	}, "")
	ends, err := oauth.EndpointsOf(gitlabURL, oauth.Version{})
	if err != nil {
		t.Fatal(err)
	}
	w.login, err = oauth.NewLogin(oauth.LoginConfig{
		SiteURL: siteURL, Endpoints: ends, Credentials: given, PKCE: pkce, Now: w.clock,
		Client: &http.Client{Transport: w.proxy.transport(), Timeout: 20 * time.Second},
		OnUser: func(rw http.ResponseWriter, r *http.Request, u oauth.User, tok oauth.Token, to string) {
			w.mu.Lock()
			w.tokens = append(w.tokens, tok)
			w.mu.Unlock()
			http.Redirect(rw, r, to+"?user="+url.QueryEscape(u.Username), http.StatusFound)
		},
		OnError: func(rw http.ResponseWriter, r *http.Request, e *oauth.LoginError) {
			w.mu.Lock()
			w.errs = append(w.errs, e)
			w.mu.Unlock()
			http.Error(rw, e.Code, e.Status)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) open(t testing.TB, b *oauthtest.Browser, address string) *oauthtest.Page {
	t.Helper()
	page, err := b.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// callback is the address of the program that GitLab sent a browser to.
func callback(t testing.TB, b *oauthtest.Browser) string {
	t.Helper()
	for _, v := range b.Visited {
		if strings.HasPrefix(v, siteURL+"/signup/gitlab/complete") {
			return v
		}
	}
	t.Fatalf("no callback in %v", b.Visited)
	return ""
}

func TestFullLoginBehindNginxWithTLS(t *testing.T) {
	for _, pkce := range []bool{false, true} {
		w := newWorld(t, pkce)
		b := w.g.Browser("anna", w.proxy.transport())
		page := w.open(t, b, siteURL+"/oauth/gitlab/login?redirect_to=/chat/team")
		if page.Status != 200 || page.URL.String() != "https://mm.test/chat/team?user=anna" {
			t.Fatalf("pkce %v: ended at %s with %d %q after %v", pkce, page.URL, page.Status, page.Body, b.Visited)
		}
		joined := strings.Join(b.Visited, "\n")
		for _, want := range []string{"https://gitlab.test/gitlab/users/sign_in", "https://gitlab.test/gitlab/oauth/authorize", siteURL + "/signup/gitlab/complete?code="} {
			if !strings.Contains(joined, want) {
				t.Errorf("the browser was never at %s:\n%s", want, joined)
			}
		}
		if strings.Contains(joined, "code_challenge_method=S256") != pkce {
			t.Errorf("pkce %v: %s", pkce, joined)
		}
		tok := w.tokens[0]
		if tok.Scope != "read_user" || tok.Access == "" || tok.Refresh == "" || strings.Contains(fmt.Sprintf("%+v", tok), tok.Access.Reveal()) {
			t.Errorf("token %+v", tok)
		}
		fresh, err := w.login.Refresh(ctx, tok)
		if err != nil || fresh.Access == tok.Access || fresh.Refresh == tok.Refresh {
			t.Fatalf("refresh: %v", err)
		}
		if _, err := w.login.Refresh(ctx, tok); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
			t.Errorf("the old refresh token lives: %v", err)
		}
		if w.g.Tokens(w.appID) != 1 {
			t.Fatalf("%d tokens", w.g.Tokens(w.appID))
		}
		if err := w.login.Revoke(ctx, fresh); err != nil || w.g.Tokens(w.appID) != 0 {
			t.Errorf("revoke: %v, %d tokens left", err, w.g.Tokens(w.appID))
		}
	}
}

func TestBothCallbacksAreServed(t *testing.T) {
	w := newWorld(t, true)
	b := w.g.Browser("anna", w.proxy.transport())
	b.Client.Transport = holdCallback{b.Client.Transport}
	w.open(t, b, siteURL+"/oauth/gitlab/login")
	back := strings.Replace(callback(t, b), "/signup/", "/login/", 1)
	b.Client.Transport = w.proxy.transport()
	page := w.open(t, b, back)
	if !strings.HasSuffix(page.URL.String(), "?user=anna") {
		// GitLab itself compares redirect_uri at the token step; the program
		// always names the first, so the second callback works as well.
		t.Errorf("ended at %s: %s %v", page.URL, page.Body, w.errs)
	}
}

// holdCallback stops a browser before the program's callback.
type holdCallback struct{ next http.RoundTripper }

func (h holdCallback) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.String(), siteURL+"/signup/") {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return h.next.RoundTrip(r)
}

func TestStateAndCodeCannotBeReplayed(t *testing.T) {
	w := newWorld(t, true)
	b := w.g.Browser("anna", w.proxy.transport())
	w.open(t, b, siteURL+"/oauth/gitlab/login")
	back := callback(t, b)
	if page := w.open(t, b, back); page.Status != http.StatusBadRequest || page.Body != "state\n" {
		t.Errorf("same browser, same address again: %d %s", page.Status, page.Body)
	}
	// With a fresh cookie and state but the used code GitLab refuses.
	used, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	b.Visited = nil
	b.Client.Transport = holdCallback{w.proxy.transport()}
	w.open(t, b, siteURL+"/oauth/gitlab/login")
	next, err := url.Parse(callback(t, b))
	if err != nil {
		t.Fatal(err)
	}
	q := next.Query()
	q.Set("code", used.Query().Get("code"))
	next.RawQuery = q.Encode()
	b.Client.Transport = w.proxy.transport()
	if page := w.open(t, b, next.String()); page.Status != http.StatusBadGateway || page.Body != "token\n" {
		t.Errorf("used code with a new state: %d %s", page.Status, page.Body)
	}
	if last := w.errs[len(w.errs)-1]; !strings.Contains(last.Message, "invalid_grant") || strings.Contains(last.Message, q.Get("code")) {
		t.Errorf("message %q", last.Message)
	}
	if len(w.tokens) != 1 {
		t.Errorf("%d logins", len(w.tokens))
	}
}

func TestAStateWorksOnlyInItsBrowserAndTime(t *testing.T) {
	w := newWorld(t, false)
	held := func() (*oauthtest.Browser, string) {
		b := w.g.Browser("anna", holdCallback{w.proxy.transport()})
		w.open(t, b, siteURL+"/oauth/gitlab/login")
		b.Client.Transport = w.proxy.transport()
		return b, callback(t, b)
	}
	_, back := held()
	stranger := w.g.Browser("bert", w.proxy.transport())
	if page := w.open(t, stranger, back); page.Status != http.StatusBadRequest {
		t.Errorf("without a cookie: %d", page.Status)
	}
	stranger.Client.Transport = holdCallback{w.proxy.transport()}
	w.open(t, stranger, siteURL+"/oauth/gitlab/login") // now with a cookie of its own
	stranger.Client.Transport = w.proxy.transport()
	_, back = held()
	if page := w.open(t, stranger, back); page.Status != http.StatusBadRequest || !strings.Contains(w.errs[len(w.errs)-1].Message, "another browser") {
		t.Errorf("in another browser: %d %v", page.Status, w.errs)
	}
	late, back := held()
	w.mu.Lock()
	w.now = w.now.Add(11 * time.Minute)
	w.mu.Unlock()
	if page := w.open(t, late, back); page.Status != http.StatusBadRequest || !strings.Contains(w.errs[len(w.errs)-1].Message, "ten minutes") {
		t.Errorf("after eleven minutes: %d %v", page.Status, w.errs[len(w.errs)-1])
	}
	b, back := held()
	if page := w.open(t, b, strings.Replace(back, "state=", "state=x", 1)); page.Status != http.StatusBadRequest {
		t.Errorf("changed state: %d", page.Status)
	}
	if len(w.tokens) != 0 {
		t.Errorf("%d logins came through", len(w.tokens))
	}
}

func TestDenyGivesAPlainAnswer(t *testing.T) {
	w := newWorld(t, true)
	b := w.g.Browser("anna", w.proxy.transport())
	b.Deny = true
	if page := w.open(t, b, siteURL+"/oauth/gitlab/login"); page.Status != http.StatusForbidden || page.Body != "denied\n" {
		t.Errorf("%d %s", page.Status, page.Body)
	}
}

func TestOpenRedirectsAreRefused(t *testing.T) {
	w := newWorld(t, false)
	for _, c := range []struct {
		to     string
		ok     bool
		reason string
	}{
		{"/team/channels/town-square?x=1", true, "a path with a query"},
		{"", true, "nothing asked"},
		{"https://evil.example/", false, "another site"},
		{"//evil.example/", false, "scheme-relative"},
		{"/\\evil.example/", false, "browsers read the backslash as a slash"},
		{"\\/evil.example", false, "the same in front"},
		{"/\t/evil.example", false, "browsers drop tabs"},
		{"javascript:alert(1)", false, "script"},
		{"team", false, "relative to the callback"},
		{"/" + strings.Repeat("a", 4000), false, "bounded"},
	} {
		rec := httptest.NewRecorder()
		w.login.ServeHTTP(rec, httptest.NewRequest("GET", siteURL+"/oauth/gitlab/login?redirect_to="+url.QueryEscape(c.to), nil))
		if (rec.Code == http.StatusFound) != c.ok {
			t.Errorf("redirect_to %q: %d: %s", shortText(c.to), rec.Code, c.reason)
		}
	}
}

func shortText(s string) string { return s[:min(len(s), 60)] }

func TestLoginCookieIsSealedToTheSite(t *testing.T) {
	w := newWorld(t, false)
	rec := httptest.NewRecorder()
	w.login.ServeHTTP(rec, httptest.NewRequest("GET", siteURL+"/oauth/gitlab/login", nil))
	c := rec.Result().Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/chat/" || c.MaxAge != 600 || !strings.HasPrefix(c.Name, "__Secure-") {
		t.Errorf("%+v", c)
	}
	state := rec.Result().Header.Get("Location")
	if strings.Contains(state, c.Value) {
		t.Error("the cookie's half is in the address")
	}
	for _, r := range []*http.Request{
		httptest.NewRequest("POST", siteURL+"/signup/gitlab/complete", nil),
		httptest.NewRequest("GET", "https://mm.test/signup/gitlab/complete", nil),
		httptest.NewRequest("GET", siteURL+"/other", nil),
	} {
		rec := httptest.NewRecorder()
		if w.login.ServeHTTP(rec, r); rec.Code != http.StatusNotFound {
			t.Errorf("%s %s: %d", r.Method, r.URL, rec.Code)
		}
	}
}

func TestNewLoginRefusesHalfAConfiguration(t *testing.T) {
	ends, err := oauth.EndpointsOf(gitlabURL, oauth.Version{})
	if err != nil {
		t.Fatal(err)
	}
	full := oauth.LoginConfig{SiteURL: siteURL, Endpoints: ends, Credentials: given, OnUser: func(http.ResponseWriter, *http.Request, oauth.User, oauth.Token, string) {}}
	for reason, change := range map[string]func(*oauth.LoginConfig){
		"SiteURL":   func(c *oauth.LoginConfig) { c.SiteURL = "mm.test" },
		"Endpoints": func(c *oauth.LoginConfig) { c.Endpoints = oauth.Endpoints{} },
		"OnUser":    func(c *oauth.LoginConfig) { c.OnUser = nil },
		"secret":    func(c *oauth.LoginConfig) { c.Credentials.Secret = "********" },
	} {
		c := full
		change(&c)
		if _, err := oauth.NewLogin(c); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("without %s: %v", reason, err)
		}
	}
	if _, err := oauth.NewLogin(full); err != nil {
		t.Error(err)
	}
}

func TestMemoryStatesAreBoundedAndTakenOnce(t *testing.T) {
	now := time.Now()
	m := oauth.NewMemoryStates(func() time.Time { return now })
	for i := range 20000 {
		if err := m.Put(ctx, fmt.Sprint(i), oauth.PendingLogin{Expires: now.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Put(ctx, "one more", oauth.PendingLogin{}); err == nil {
		t.Error("strangers can fill the memory")
	}
	now = now.Add(2 * time.Minute)
	if err := m.Put(ctx, "later", oauth.PendingLogin{Expires: now.Add(time.Minute)}); err != nil {
		t.Errorf("what is over is not dropped: %v", err)
	}
	var wins int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := m.Take(context.Background(), "later"); err == nil {
				mu.Lock()
				wins++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if wins != 1 {
		t.Errorf("a state was taken %d times", wins)
	}
}

func TestUserWithoutEmailIsNamed(t *testing.T) {
	w := newWorld(t, false)
	w.g.AddUser(oauthtest.User{Username: "nomail"})
	b := w.g.Browser("nomail", w.proxy.transport())
	if page := w.open(t, b, siteURL+"/oauth/gitlab/login"); page.Status != http.StatusBadGateway || !errors.Is(w.errs[0], oauth.ErrNoEmail) {
		t.Errorf("%d %v", page.Status, w.errs)
	}
}
