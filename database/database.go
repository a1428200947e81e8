// Package database prepares, checks, moves and repairs the PostgreSQL database
// of a Mattermost that came with GitLab's Linux package. Most callers connect
// with Connect, make a Manager with New, and call Manager.Ensure or
// Manager.Check.
//
//	dsn := database.Default("")
//	conn, err := database.Connect(ctx, dsn.With("postgres"))
//	…
//	m := database.New(conn, database.OpenerFor(dsn))
//	result, err := m.Ensure(ctx, database.EnsureOptions{})
//
// The package never chooses a server by itself: every connection is one that
// the caller made, or that comes from the Opener the caller gave. It writes no
// log and prints nothing. Names, passwords and everything read from a server
// are treated as hostile: names are quoted, passwords never reach a message.
//
// Every step that changes something is a plan first (a list of Step values
// that can be shown) and an action second. Those that must not be interrupted
// half way are one transaction, or are made under a temporary name that is
// renamed last, so that a process that is killed leaves either the state before
// or the state after.
//
// PostgreSQL 10 to 18 are handled; older servers are recognised and reported.
package database

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/redact"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Names that the Linux package used.
const (
	DefaultDatabase  = "mattermost_production"
	DefaultRole      = "gitlab_mattermost"
	DefaultSocketDir = "/var/opt/gitlab/postgresql"
	GitLabDatabase   = "gitlabhq_production"
)

// Secret is a text that prints as [redacted]; Reveal gives the text.
type Secret = redact.Secret

// Finding says what is, or will be, wrong, where, and what to do about it.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "error", "warning" or "info"
	Message  string `json:"message"`
	Where    string `json:"where"`
	Fix      string `json:"fix"`
}

// HasErrors tells whether a finding of severity error is among them.
func HasErrors(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == "error" {
			return true
		}
	}
	return false
}

// Step is one statement of a plan.
type Step struct {
	What string `json:"what"` // in words
	SQL  string `json:"sql"`  // a password is masked
	// Database is where it runs: the target, or "" for the maintenance
	// database of the Manager's own connection.
	Database string `json:"database,omitempty"`

	secret string // the statement to run when it differs from SQL
}

func (s Step) statement() string {
	if s.secret != "" {
		return s.secret
	}
	return s.SQL
}

// Opener connects to another database of the same server as the same role. The
// Manager closes what it gets.
type Opener func(ctx context.Context, database string) (*pgx.Conn, error)

// Manager works on the databases of one server. It is not safe for concurrent
// use, because a connection is not.
type Manager struct {
	conn *pgx.Conn
	open Opener
	hook func(point string) // for fault injection
}

// New makes a Manager over conn, a connection to a maintenance database
// (usually postgres or template1) of the server, as a role that may create
// roles and databases for whatever is to be created. With a pool, acquire a
// connection and give its Conn(): the Manager holds session locks, so it needs
// one session. open is asked for connections to other databases of the server;
// OpenerFor makes one from a DSN. conn may be nil for a Manager that only calls
// Check, Fingerprint, DatabaseDigest, Owner, Analyze and the repairs.
func New(conn *pgx.Conn, open Opener) *Manager { return &Manager{conn: conn, open: open} }

// Errors that callers test for with errors.Is.
var (
	// ErrRefused is in the chain when the target is one that must not be
	// touched: a template, postgres, or a database that holds GitLab's tables.
	ErrRefused = errors.New("refused")
	// ErrConfirm is in the chain when the confirmation is not exactly the name.
	ErrConfirm = errors.New("the confirmation does not match")
	// ErrStale is in the chain when the state is no longer the one that a plan
	// was made for.
	ErrStale = errors.New("the state changed since the plan was made")
	// ErrLocked is in the chain when another run holds the lock.
	ErrLocked = errors.New("another run is at work on this server")
	// ErrNotFound is in the chain when the named database does not exist.
	ErrNotFound = errors.New("no such database")
)

// lockKey is the advisory lock of every changing operation: one key for the
// whole server, because renames touch several databases. The number is the
// first eight bytes of SHA-256("gitlab-mattermost/sdk database").
const lockKey = 0x200459481ce358ce

// lock takes the lifecycle lock or fails at once with ErrLocked. Advisory locks
// belong to one database, so the lock is taken in database postgres whatever
// the Manager is connected to; where postgres does not exist or does not let us
// in, it is taken in the Manager's own session.
func (m *Manager) lock(ctx context.Context) (unlock func(), err error) {
	if m.conn == nil {
		return nil, errNoConn
	}
	conn, done := m.conn, func() {}
	var here string
	if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&here); err != nil {
		return nil, fmt.Errorf("take the advisory lock: %w", err)
	}
	if here != "postgres" {
		if c, err := m.open(ctx, "postgres"); err == nil {
			conn = c
			done = func() { _ = c.Close(context.WithoutCancel(ctx)) } // only held the lock
		}
	}
	var got bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&got); err != nil {
		done()
		return nil, fmt.Errorf("take the advisory lock: %w", err)
	}
	if !got {
		done()
		return nil, fmt.Errorf("take the advisory lock: %w", ErrLocked)
	}
	return func() {
		// The lock also goes when the session ends, so a failure is harmless.
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(lockKey))
		done()
	}, nil
}

// errNoConn is what operations on the server say to a Manager without conn.
var errNoConn = errors.New("this Manager has no connection of its own: give New one to a maintenance database")

// reached tells a test that a point was passed; it does nothing otherwise.
func (m *Manager) reached(point string) {
	if m.hook != nil {
		m.hook(point)
	}
}

// in runs f with a connection to another database and closes it.
func (m *Manager) in(ctx context.Context, database string, f func(conn *pgx.Conn) error) (err error) {
	conn, err := m.open(ctx, database)
	if err != nil {
		if code(err) == "3D000" {
			return fmt.Errorf("%w: %s", ErrNotFound, quoteName(database))
		}
		return err
	}
	defer func() {
		if e := conn.Close(context.WithoutCancel(ctx)); e != nil && err == nil {
			err = e
		}
	}()
	// The Linux package sets statement_timeout to 60 s for the whole server;
	// our own statements have the context as their limit.
	if _, err := conn.Exec(ctx, sessionSQL); err != nil {
		return err
	}
	return f(conn)
}

const timeoutsSQL = `SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0`

// search_path keeps functions and operators that somebody put into public from
// being taken for PostgreSQL's own.
const sessionSQL = timeoutsSQL + `; SET lock_timeout = '30s'; SET client_min_messages = warning; SET search_path = pg_catalog`

// transaction runs statements in one transaction on conn.
func transaction(ctx context.Context, conn *pgx.Conn, steps []Step) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after Commit it does nothing
	for _, s := range steps {
		if _, err := tx.Exec(ctx, s.statement()); err != nil {
			return fmt.Errorf("%s: %w", s.What, plain(err))
		}
	}
	return tx.Commit(ctx)
}

// ServerVersion is PostgreSQL's server_version_num, for example 150018.
func (m *Manager) ServerVersion(ctx context.Context) (int, error) {
	if m.conn == nil {
		return 0, errNoConn
	}
	return serverVersion(ctx, m.conn)
}

func serverVersion(ctx context.Context, conn *pgx.Conn) (int, error) {
	var n int
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("ask the server's version: %w", err)
	}
	return n, nil
}

// code is the SQLSTATE in err, or "".
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// plain adds the server's detail and hint to an error, which name the cause
// ("There are 2 other sessions using the database").
func plain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Detail == "" && pg.Hint == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, strings.TrimSpace(pg.Detail+" "+pg.Hint))
}
