package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// loginLifetime is how long a person may take at GitLab, sign-in with a second
// factor included; GitLab's own code lives ten minutes as well.
const loginLifetime = 10 * time.Minute

// LoginConfig is what a [Login] needs.
type LoginConfig struct {
	SiteURL     string // the address of your program, with its path
	Endpoints   Endpoints
	Credentials Credentials
	Scopes      []string // empty: read_user

	// PKCE sends an S256 challenge: for GitLab 15.0 and newer. Older servers
	// ignore it, so it does no harm there.
	PKCE bool

	// OnUser is called with who signed in. The token is for further requests
	// to GitLab; drop it when there are none. It must answer the request,
	// usually with a session cookie and a redirect to redirectTo, a local path
	// that was checked ("/" when none was asked for).
	OnUser func(w http.ResponseWriter, r *http.Request, u User, t Token, redirectTo string)

	// OnError answers a failed login. nil: a plain page with the message.
	OnError func(w http.ResponseWriter, r *http.Request, err *LoginError)

	Client *http.Client     // for the requests to GitLab; nil: one with a limit of 30 s
	States StateStore       // nil: in memory, for a program of one process
	Now    func() time.Time // nil: time.Now
}

// Login is an http.Handler for "sign in with GitLab" with Mattermost's paths
// below SiteURL:
//
//	GET /oauth/gitlab/login?redirect_to=/path   sends the browser to GitLab
//	GET /signup/gitlab/complete                 where GitLab sends it back
//	GET /login/gitlab/complete                  the same
//
// The state is random, works once, for ten minutes, and only in the browser
// that started: a cookie holds the other half, compared in constant time.
type Login struct {
	c    LoginConfig
	site *url.URL
	oa   oauth2.Config
	name string // of the cookie
}

// LoginError is a failed login. Message holds no secret and may be shown.
type LoginError struct {
	Status  int    // HTTP status for the page
	Code    string // state, denied, missing-code, token, user, redirect or busy
	Message string
	Err     error // cause; may hold GitLab's answer
}

// Error is the code and the message, without a secret.
func (e *LoginError) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause.
func (e *LoginError) Unwrap() error { return e.Err }

// NewLogin checks the configuration.
func NewLogin(c LoginConfig) (*Login, error) {
	base, err := NormalizeURL(c.SiteURL)
	if err != nil {
		return nil, fmt.Errorf("SiteURL: %w", err)
	}
	site, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("SiteURL: %w", err)
	}
	switch {
	case c.OnUser == nil:
		return nil, errors.New("login: OnUser is not set")
	case c.Endpoints.Authorize == "" || c.Endpoints.Token == "" || c.Endpoints.UserAPI == "":
		return nil, errors.New("login: Endpoints are not set; use EndpointsOf")
	}
	if err := errors.Join(CheckID(c.Credentials.ID), CheckSecret(c.Credentials.Secret)); err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"read_user"}
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 30 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.States == nil {
		c.States = NewMemoryStates(c.Now)
	}
	l := &Login{c: c, site: site, name: "gitlab_login"}
	if site.Scheme == "https" {
		l.name = "__Secure-gitlab_login" // browsers refuse it from a plain page
	}
	l.oa = oauth2.Config{
		ClientID: c.Credentials.ID, ClientSecret: c.Credentials.Secret.Reveal(), RedirectURL: base + signupPath, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.Endpoints.Authorize, TokenURL: c.Endpoints.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
	return l, nil
}

// ServeHTTP implements http.Handler.
func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, l.site.Path)
	if !ok || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the code
	switch path {
	case "/oauth/gitlab/login":
		l.start(w, r)
	case signupPath, loginPath:
		l.complete(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (l *Login) start(w http.ResponseWriter, r *http.Request) {
	to, err := localPath(r.URL.Query().Get("redirect_to"))
	if err != nil {
		l.fail(w, r, &LoginError{http.StatusBadRequest, "redirect", err.Error(), nil})
		return
	}
	state, browser := randomText(), randomText()
	p := PendingLogin{Browser: hashText(browser), RedirectTo: to, Expires: l.c.Now().Add(loginLifetime)}
	var options []oauth2.AuthCodeOption
	if l.c.PKCE {
		p.Verifier = Secret(oauth2.GenerateVerifier())
		options = append(options, oauth2.S256ChallengeOption(p.Verifier.Reveal()))
	}
	if err := l.c.States.Put(r.Context(), hashText(state), p); err != nil {
		l.fail(w, r, &LoginError{http.StatusServiceUnavailable, "busy", "too many logins are under way, try again in a minute", err})
		return
	}
	http.SetCookie(w, l.cookie(browser, int(loginLifetime.Seconds())))
	http.Redirect(w, r, l.oa.AuthCodeURL(state, options...), http.StatusFound)
}

func (l *Login) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: l.name, Value: value, Path: l.site.Path + "/", MaxAge: age,
		HttpOnly: true, Secure: l.site.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
}

func (l *Login) complete(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, fault := l.takeState(r, q.Get("state"))
	if fault != nil {
		l.fail(w, r, fault)
		return
	}
	http.SetCookie(w, l.cookie("", -1))
	switch {
	case q.Get("error") == "access_denied":
		l.fail(w, r, &LoginError{http.StatusForbidden, "denied", "GitLab's consent page was answered with Deny", nil})
		return
	case q.Get("code") == "":
		l.fail(w, r, &LoginError{http.StatusBadRequest, "missing-code", "GitLab sent no code: " + shorten(q.Get("error")), nil})
		return
	}
	ctx := context.WithValue(r.Context(), oauth2.HTTPClient, l.client())
	var options []oauth2.AuthCodeOption
	if p.Verifier != "" {
		options = append(options, oauth2.VerifierOption(p.Verifier.Reveal()))
	}
	t, err := l.oa.Exchange(ctx, q.Get("code"), options...)
	if err != nil {
		l.fail(w, r, &LoginError{http.StatusBadGateway, "token", "GitLab gave no token" + refusal(err), err})
		return
	}
	u, err := FetchUser(ctx, l.client(), l.c.Endpoints.UserAPI, Secret(t.AccessToken))
	if err != nil {
		l.fail(w, r, &LoginError{http.StatusBadGateway, "user", "GitLab did not say who signed in", err})
		return
	}
	l.c.OnUser(w, r, u, fromOAuth2(t), p.RedirectTo)
}

// client never follows redirects: the token request carries the secret.
func (l *Login) client() *http.Client { return noRedirects(l.c.Client) }

// takeState uses the state up, whatever comes of it, so that no second try
// with it is possible.
func (l *Login) takeState(r *http.Request, state string) (PendingLogin, *LoginError) {
	fault := func(message string, err error) (PendingLogin, *LoginError) {
		return PendingLogin{}, &LoginError{http.StatusBadRequest, "state", message + "; start the login again", err}
	}
	c, err := r.Cookie(l.name)
	if err != nil {
		return fault("the browser did not send the login's cookie (another host name, blocked, or over ten minutes)", nil)
	}
	if len(state) != len(randomText()) {
		return fault("the state is missing or not ours", nil)
	}
	p, err := l.c.States.Take(r.Context(), hashText(state))
	if err != nil {
		return fault("the state is unknown, used or over ten minutes old", err)
	}
	if !l.c.Now().Before(p.Expires) {
		return fault("the state is over ten minutes old", nil)
	}
	if subtle.ConstantTimeCompare([]byte(hashText(c.Value)), []byte(p.Browser)) != 1 {
		return fault("the login was started in another browser", nil)
	}
	return p, nil
}

func (l *Login) fail(w http.ResponseWriter, r *http.Request, e *LoginError) {
	if l.c.OnError != nil {
		l.c.OnError(w, r, e)
		return
	}
	http.Error(w, e.Message, e.Status)
}

// Refresh exchanges a refresh token. The old pair is dead afterwards, so the
// new one must be kept; it also works after the access token has expired.
func (l *Login) Refresh(ctx context.Context, t Token) (Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, l.client())
	old := t.OAuth2()
	old.AccessToken, old.Expiry = "", time.Unix(1, 0) // x/oauth2 refreshes only what is over
	fresh, err := l.oa.TokenSource(ctx, old).Token()
	if err != nil {
		return Token{}, fmt.Errorf("refresh token%s: %w", refusal(err), err)
	}
	return fromOAuth2(fresh), nil
}

// Revoke makes GitLab forget the token.
func (l *Login) Revoke(ctx context.Context, t Token) error {
	return RevokeToken(ctx, l.c.Client, l.c.Endpoints, l.c.Credentials, t.Access)
}

// refusal is GitLab's error code, when it was GitLab that answered.
func refusal(err error) string {
	var re *oauth2.RetrieveError
	if errors.As(err, &re) && re.ErrorCode != "" {
		return " (" + shorten(re.ErrorCode) + ")"
	}
	return ""
}

// localPath accepts a path of this site only: an address elsewhere would make
// the login an open redirect.
func localPath(to string) (string, error) {
	if to == "" {
		return "/", nil
	}
	u, err := url.Parse(to)
	if err != nil || len(to) > maxURL || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || u.Host != "" || u.Scheme != "" ||
		strings.IndexFunc(to, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) >= 0 {
		return "", errors.New("redirect_to must be a path of this site")
	}
	return to, nil
}

func randomText() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashText is what is stored instead of a random text.
func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// FetchUser asks a user endpoint who a token belongs to.
func FetchUser(ctx context.Context, client *http.Client, endpoint string, token Secret) (User, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return User{}, fmt.Errorf("user request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Accept", "application/json")
	resp, err := noRedirects(client).Do(req)
	if err != nil {
		return User{}, fmt.Errorf("user request: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return User{}, fmt.Errorf("user request: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return User{}, &userError{resp.StatusCode, shorten(string(text))}
	}
	var u User
	if err := json.Unmarshal(text, &u); err != nil {
		return User{}, fmt.Errorf("user request: the answer is not the user API's JSON: %w", err)
	}
	return u, u.Check()
}

// userError is a refusal of the user endpoint.
type userError struct {
	status int
	body   string
}

// Error is the status with the body, which was shortened.
func (e *userError) Error() string {
	return fmt.Sprintf("user request: status %d: %s", e.status, e.body)
}
