package oauthtest

import (
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

// Fault is a failure on purpose.
type Fault struct {
	Path    string        // prefix of the path below the relative URL; empty: every path
	Delay   time.Duration // wait before the answer; a client that gives up gets none
	Status  int           // answer this status, for example 502; 0: the ordinary answer
	Body    string        // with Status: this body
	Header  http.Header   // with Status: these headers; without: added to the ordinary answer
	Drop    bool          // close the connection without an answer
	Times   int           // only so often; 0: until ClearFaults
	Handler http.HandlerFunc
}

type activeFault struct {
	Fault
	used int
}

// Inject adds a fault. The first that matches a request acts.
func (g *GitLab) Inject(f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, &activeFault{Fault: f})
}

// ClearFaults removes all faults.
func (g *GitLab) ClearFaults() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// fault reports whether the request has been answered.
func (g *GitLab) fault(w http.ResponseWriter, r *http.Request, path string) bool {
	f := g.matching(path)
	if f == nil {
		return false
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			// To return would be to answer 200, which a client can still read
			// while it closes the connection.
			panic(http.ErrAbortHandler)
		}
	}
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Handler != nil:
		f.Handler(w, r)
		return true
	case f.Status != 0:
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body) // the client may have gone
		return true
	}
	return false
}

func (g *GitLab) matching(path string) *Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		if strings.HasPrefix(path, f.Path) && (f.Times == 0 || f.used < f.Times) {
			f.used++
			return &f.Fault
		}
	}
	return nil
}

// silentLog drops net/http's complaints about failed TLS handshakes, which are
// often what a test wants.
func silentLog() *log.Logger { return log.New(io.Discard, "", 0) }
