package oauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Interactive is a real login by a person with a browser. GitLab's application
// needs http://127.0.0.1/signup/gitlab/complete as a further redirect URI
// (GitLab ignores the port of a loopback address), and Settings the id and the
// secret. The token is revoked at the end.
type Interactive struct {
	Open    func(address string) error // shows or opens the address; must not block
	Timeout time.Duration              // for the person; 0: five minutes
}

// roundTrip serves a [Login] on a loopback port until the browser is back.
func (r *probe) roundTrip(ctx context.Context, s *ProbeStep) {
	if r.Interactive == nil {
		return
	}
	s.name("round-trip", "Browser", "GitLab", "a person signs in through GitLab")
	if r.credentials.ID == "" || r.credentials.Secret == "" {
		s.see("needs id and secret")
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.see(err.Error())
		return
	}
	base := "http://" + listener.Addr().String()
	done := make(chan error, 1)
	login, err := r.loopbackLogin(ctx, s, base, done)
	if err != nil {
		s.see(errors.Join(err, listener.Close()).Error())
		return
	}
	server := &http.Server{Handler: login, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	wait := r.Interactive.Timeout
	if wait == 0 {
		wait = 5 * time.Minute
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	if err = r.Interactive.Open(base + "/oauth/gitlab/login"); err == nil {
		select {
		case err = <-done:
		case <-timer.C:
			err = errNotBack
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	r.judge(s, err)
	// The page that says so must still reach the browser.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = server.Shutdown(end) // only this probe's own page is lost
	<-served
}

var errNotBack = errors.New("the browser did not come back in time")

func (r *probe) judge(s *ProbeStep, err error) {
	var failed *LoginError
	switch {
	case err == nil:
		s.pass()
	case errors.Is(err, ErrNoEmail):
		s.blame("user-no-email")
	case errors.As(err, &failed) && failed.Code == "denied":
		s.blame("login-denied")
	case errors.As(err, &failed):
		s.see(failed.Message)
		s.blame("login-failed")
	case errors.Is(err, errNotBack):
		s.blame("login-not-finished")
	default:
		s.see(plainError(err))
	}
}

func (r *probe) loopbackLogin(ctx context.Context, s *ProbeStep, base string, done chan<- error) (*Login, error) {
	finish := func(err error) {
		select {
		case done <- err:
		default: // the browser asked twice; the first answer counts
		}
	}
	ends := r.ends
	var login *Login
	login, err := NewLogin(LoginConfig{
		SiteURL: base, Endpoints: ends, Credentials: r.credentials, PKCE: true, Client: r.client, Now: r.Now,
		OnUser: func(w http.ResponseWriter, _ *http.Request, u User, t Token, _ string) {
			s.see(fmt.Sprintf("signed in as user id %d, name %s, scope %s", u.ID, shorten(u.Username), shorten(t.Scope)))
			if err := login.Revoke(ctx, t); err != nil {
				s.see(err.Error())
			}
			fmt.Fprintln(w, "The login works. You can close this window.")
			finish(nil)
		},
		OnError: func(w http.ResponseWriter, _ *http.Request, e *LoginError) {
			http.Error(w, e.Message+". You can close this window.", e.Status)
			finish(e)
		},
	})
	return login, err
}
