package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EnsureOptions say what Ensure makes true. The zero value is what the Linux
// package made, plus the owner of schema public that PostgreSQL 15 wants.
type EnsureOptions struct {
	Database string // default mattermost_production
	Role     string // default gitlab_mattermost

	// Password is set as a SCRAM-SHA-256 verifier, so the server never sees
	// the text. Empty leaves the role without, or with the one it has: enough
	// for peer authentication over the socket.
	Password Secret

	// Encoding of a new database; default UTF8, and an existing database with
	// another one is an error.
	Encoding string
	// Collation and CharType of a new database (LC_COLLATE, LC_CTYPE); default
	// is the server's own. They cannot be changed afterwards.
	Collation, CharType string

	// ConnectionLimit of the database: 0 leaves it, -1 removes it.
	ConnectionLimit int
	// TextSearch is the database's default_text_search_config. Mattermost's
	// indexes are built for pg_catalog.english (the default here); "-" leaves
	// the setting alone.
	TextSearch string

	// Wait is how long Ensure waits for another run on the same server;
	// default one minute.
	Wait time.Duration
}

func (o EnsureOptions) normal() (EnsureOptions, error) {
	def := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	def(&o.Database, DefaultDatabase)
	def(&o.Role, DefaultRole)
	def(&o.Encoding, "UTF8")
	def(&o.TextSearch, "pg_catalog.english")
	if o.Wait == 0 {
		o.Wait = time.Minute
	}
	errs := []error{checkName("database", o.Database), checkName("role", o.Role), checkPassword(o.Password), refuseName(o.Database)}
	if o.ConnectionLimit < -1 {
		errs = append(errs, fmt.Errorf("connection limit %d: want -1 (none), 0 (leave) or more", o.ConnectionLimit))
	}
	if strings.HasPrefix(o.Database, newPrefix) {
		errs = append(errs, fmt.Errorf("database name %s: %w: the prefix %s is for databases that are being made", quoteName(o.Database), ErrRefused, newPrefix))
	}
	return o, errors.Join(errs...)
}

// newPrefix marks databases and roles that are being made; one that is left
// over from a killed run is dropped by the next.
const newPrefix = "gmsdk_new_"

// EnsurePlan is what Ensure would do. No steps means that all is as wanted.
type EnsurePlan struct {
	Database string `json:"database"`
	Role     string `json:"role"`
	Steps    []Step `json:"steps"`
	// Notes are things that Ensure does not change, for example a collation.
	Notes []Finding `json:"notes,omitempty"`

	options EnsureOptions
	state   *serverState
	create  bool // the database is to be created
	clean   int  // so many of the steps drop leftovers
}

// PlanEnsure compares the server with the options and lists what is to be
// done. It changes nothing. It fails when the wanted state cannot be reached:
// the database exists with another encoding, or holds GitLab's tables.
func (m *Manager) PlanEnsure(ctx context.Context, o EnsureOptions) (*EnsurePlan, error) {
	o, err := o.normal()
	if err != nil {
		return nil, fmt.Errorf("ensure options: %w", err)
	}
	s, err := m.serverState(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("look at the server: %w", err)
	}
	p := &EnsurePlan{Database: o.Database, Role: o.Role, Steps: []Step{}, options: o, create: !s.dbExists}
	if err := s.refusals(o); err != nil {
		return nil, err
	}
	p.Steps = append(p.Steps, s.cleanup()...)
	p.clean = len(p.Steps)
	p.Notes = s.notes(o)
	if p.create {
		p.Steps = append(p.Steps, createStep(o, o.Database))
	}
	settle, revoke, err := s.settle(o, o.Database, o.Role)
	if err != nil {
		return nil, err
	}
	p.state = s
	p.Steps = append(append(p.Steps, settle...), revoke...)
	return p, nil
}

// EnsureResult says what Ensure changed.
type EnsureResult struct {
	Changed []Step    `json:"changed"` // empty when nothing was to be done
	Notes   []Finding `json:"notes,omitempty"`
}

// Ensure makes role, database and ownership as the options say, in an order
// that lets it be killed at any moment: an existing database is changed in one
// transaction; a new one is made under a temporary name and gets its own, together
// with a new role, in one transaction at the end. Run twice, it changes nothing
// the second time. Two runs at once: one waits (EnsureOptions.Wait), then finds
// everything done. Cancelling leaves the state before, or after.
func (m *Manager) Ensure(ctx context.Context, o EnsureOptions) (*EnsureResult, error) {
	o, err := o.normal()
	if err != nil {
		return nil, fmt.Errorf("ensure options: %w", err)
	}
	unlock, err := m.waitLock(ctx, o.Wait)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for range 5 {
		p, err := m.PlanEnsure(ctx, o)
		if err != nil {
			return nil, err
		}
		err = m.apply(ctx, p)
		// Somebody without our lock (another maintenance database, createdb)
		// was faster: look again.
		if c := code(err); c == "42P04" || c == "42710" || c == "23505" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ensure database %s: %w", quoteName(o.Database), err)
		}
		return &EnsureResult{Changed: p.Steps, Notes: p.Notes}, nil
	}
	return nil, fmt.Errorf("ensure database %s: somebody else keeps changing it", quoteName(o.Database))
}

// ApplyEnsure carries out a plan that was shown. It fails with ErrStale when
// the server has changed so that the plan would now be another.
func (m *Manager) ApplyEnsure(ctx context.Context, p *EnsurePlan) (*EnsureResult, error) {
	unlock, err := m.waitLock(ctx, p.options.Wait)
	if err != nil {
		return nil, err
	}
	defer unlock()
	now, err := m.PlanEnsure(ctx, p.options)
	if err != nil {
		return nil, err
	}
	same := func(a, b Step) bool { return a.What == b.What && a.SQL == b.SQL }
	if !slices.EqualFunc(now.Steps, p.Steps, same) {
		return nil, fmt.Errorf("ensure database %s: %w", quoteName(p.Database), ErrStale)
	}
	if err := m.apply(ctx, now); err != nil {
		return nil, fmt.Errorf("ensure database %s: %w", quoteName(p.Database), err)
	}
	return &EnsureResult{Changed: now.Steps, Notes: now.Notes}, nil
}

func (m *Manager) waitLock(ctx context.Context, wait time.Duration) (func(), error) {
	for deadline := time.Now().Add(wait); ; {
		unlock, err := m.lock(ctx)
		if err == nil || !errors.Is(err, ErrLocked) || time.Now().After(deadline) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
