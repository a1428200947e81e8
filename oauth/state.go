package oauth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// PendingLogin is what is remembered between the way to GitLab and back.
type PendingLogin struct {
	Browser    string // SHA-256 of the cookie's value
	Verifier   Secret // of PKCE
	RedirectTo string
	Expires    time.Time
}

// StateStore keeps pending logins. Keys are hashes. It must be shared by all
// processes that serve one SiteURL.
type StateStore interface {
	Put(ctx context.Context, key string, p PendingLogin) error
	// Take returns and removes in one step, so that a state works once even
	// under two requests at a time. A missing key is an error.
	Take(ctx context.Context, key string) (PendingLogin, error)
}

// maxStates bounds the memory that strangers can make a server use: well under
// 10 MB.
const maxStates = 20000

// MemoryStates is a StateStore for one process.
type MemoryStates struct {
	now func() time.Time

	mu     sync.Mutex
	states map[string]PendingLogin
}

// NewMemoryStates makes an empty store; now may be nil.
func NewMemoryStates(now func() time.Time) *MemoryStates {
	if now == nil {
		now = time.Now
	}
	return &MemoryStates{now: now, states: map[string]PendingLogin{}}
}

// Put implements [StateStore]. A full store refuses after it has dropped what
// is over.
func (m *MemoryStates) Put(_ context.Context, key string, p PendingLogin) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.states) >= maxStates {
		for k, old := range m.states {
			if !m.now().Before(old.Expires) {
				delete(m.states, k)
			}
		}
		if len(m.states) >= maxStates {
			return errors.New("state store: full")
		}
	}
	m.states[key] = p
	return nil
}

// Take implements [StateStore].
func (m *MemoryStates) Take(_ context.Context, key string) (PendingLogin, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.states[key]
	if !ok {
		return PendingLogin{}, errors.New("state store: unknown or used state")
	}
	delete(m.states, key)
	return p, nil
}
