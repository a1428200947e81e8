// Package oauthtest is a GitLab for tests: an HTTP server in the process that
// answers the OAuth, Applications and integration requests as GitLab does.
// Most callers need [Start] and [GitLab.Browser].
//
// It follows the version that Options names: status codes of token errors,
// accepted forms of stored secrets, PKCE, the API's version. Its tables of
// answers are those of GitLab and of the OAuth library it uses (Doorkeeper).
// What is its own writing and no evidence about GitLab: the HTML of the
// sign-in, consent and error pages beyond the quoted sentences.
package oauthtest

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/oauth"
)

// Options choose what GitLab it is. The zero value is GitLab 18.11 over plain
// HTTP at the root path.
type Options struct {
	Version     oauth.Version // zero: 18.11
	RelativeURL string        // for example /gitlab
	ExternalURL string        // what GitLab believes its address is; empty: the server's own
	SHA512      bool          // the strategy that knows SHA-512 secrets as well (18.4 and newer)
	AdminMode   bool          // administrators' tokens need the scope admin_mode
	SafeAdmins  bool          // administrators may not authorize untrusted applications with api, sudo or admin_mode
	TLS         *tls.Certificate
	Now         func() time.Time // clock; nil: time.Now
}

// GitLab is a running fake. Its methods may be used from several goroutines.
type GitLab struct {
	URL string // address with the relative path, without a trailing slash

	o      Options
	server *httptest.Server

	mu           sync.Mutex
	nextID       int
	users        map[int]*User
	sessions     map[string]*session
	apps         map[int64]*app
	grants       map[string]*grant
	tokens       map[string]*token // by access token
	settings     map[string]any
	integrations map[string]map[string]any // by "projects/7/mattermost"
	faults       []*activeFault
	requests     []Request
}

// User is an account of the fake.
type User struct {
	ID          int // 0: the next free one
	Username    string
	Name        string
	Email       string
	Password    string // empty: "password"
	Admin       bool
	State       string // empty: "active"; "blocked" refuses
	Unconfirmed bool   // e-mail address not confirmed
}

// Request is one request that the fake has received, without its secrets.
type Request struct {
	Method, Path string
	Header       http.Header
	Form         map[string]string
}

type session struct {
	user     int
	returnTo string
}

// Start runs a fake until the end of the test.
func Start(t testing.TB, o Options) *GitLab {
	t.Helper()
	g := New(o)
	t.Cleanup(g.Close)
	return g
}

// New runs a fake until Close, for programs and TestMain.
func New(o Options) *GitLab {
	if o.Version.IsZero() {
		o.Version = oauth.Version{Major: 18, Minor: 11}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.RelativeURL = strings.TrimRight(o.RelativeURL, "/")
	g := &GitLab{
		o: o, users: map[int]*User{}, sessions: map[string]*session{}, apps: map[int64]*app{}, grants: map[string]*grant{},
		tokens: map[string]*token{}, integrations: map[string]map[string]any{},
		settings: map[string]any{"outbound_local_requests_whitelist": []any{}, "allow_local_requests_from_web_hooks_and_services": false},
	}
	g.server = httptest.NewUnstartedServer(g)
	g.server.Config.ErrorLog = silentLog()
	if o.TLS != nil {
		g.server.TLS = &tls.Config{Certificates: []tls.Certificate{*o.TLS}, MinVersion: tls.VersionTLS12}
		g.server.StartTLS()
	} else {
		g.server.Start()
	}
	g.URL = g.server.URL + o.RelativeURL
	return g
}

// Close stops the server.
func (g *GitLab) Close() {
	g.server.CloseClientConnections() // a fault may hold one
	g.server.Close()
}

// external is the address that GitLab puts into links.
func (g *GitLab) external() string {
	if g.o.ExternalURL != "" {
		return strings.TrimRight(g.o.ExternalURL, "/")
	}
	return g.URL
}

// AddUser adds an account and returns its id.
func (g *GitLab) AddUser(u User) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if u.ID == 0 {
		u.ID = g.id()
	}
	if u.Password == "" {
		u.Password = "password"
	}
	if u.State == "" {
		u.State = "active"
	}
	g.users[u.ID] = &u
	return u.ID
}

// SetUserState blocks ("blocked") or unblocks ("active") an account.
func (g *GitLab) SetUserState(id int, state string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users[id].State = state
}

// Requests returns what was asked so far, in order.
func (g *GitLab) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Request(nil), g.requests...)
}

// since reports whether the fake is that release or newer.
func (g *GitLab) since(major, minor int) bool {
	return g.o.Version.AtLeast(oauth.Version{Major: major, Minor: minor})
}

// id gives the next row id; the mutex must be held.
func (g *GitLab) id() int {
	g.nextID++
	for g.users[g.nextID] != nil {
		g.nextID++
	}
	return g.nextID
}

// random is a token of 64 hexadecimal digits.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the program instead
	return hex.EncodeToString(b[:])
}

// ServeHTTP answers one request, so that the fake can also stand behind
// another server.
func (g *GitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, g.o.RelativeURL)
	if !ok || !strings.HasPrefix(path, "/") {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "bad form", http.StatusBadRequest)
			return
		}
	}
	g.record(r, path)
	if g.fault(w, r, path) {
		return
	}
	switch {
	case path == "/users/sign_in":
		g.signIn(w, r)
	case path == "/oauth/authorize":
		g.authorize(w, r)
	case path == "/oauth/token" && r.Method == http.MethodPost:
		g.token(w, r)
	case path == "/oauth/revoke" && r.Method == http.MethodPost:
		g.revoke(w, r)
	case path == "/oauth/introspect" && r.Method == http.MethodPost:
		g.introspect(w, r)
	case path == "/oauth/token/info":
		g.tokenInfo(w, r)
	case path == "/.well-known/openid-configuration":
		g.discovery(w)
	case strings.HasPrefix(path, "/api/"):
		g.api(w, r, strings.TrimPrefix(path, "/api/"))
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
	}
}

func (g *GitLab) record(r *http.Request, path string) {
	rec := Request{Method: r.Method, Path: path, Header: r.Header.Clone(), Form: map[string]string{}}
	for _, name := range []string{"Authorization", "Private-Token", "Cookie"} {
		if rec.Header.Get(name) != "" {
			rec.Header.Set(name, "[redacted]")
		}
	}
	for k, v := range r.Form {
		rec.Form[k] = v[0]
		switch k {
		case "client_secret", "code", "token", "refresh_token", "access_token", "code_verifier", "password", "user[password]":
			rec.Form[k] = "[redacted]"
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.requests) < 10000 {
		g.requests = append(g.requests, rec)
	}
}
