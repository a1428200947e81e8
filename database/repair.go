package database

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Repair is a documented fix as data: what it is for, when it applies, what it
// locks. Repairs lists them; PlanRepair makes the statements for one database.
type Repair struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Applies string `json:"applies"` // when, in words
	Source  string `json:"source"`  // where it is documented
	Locks   string `json:"locks"`   // what is locked, and for how long
	// Backup tells that the repair changes or deletes data.
	Backup string `json:"backup"`

	// check tells whether it applies to the database, with a reason.
	check func(ctx context.Context, tx pgx.Tx, o RepairOptions) (bool, string, error)
	// statements are what it does.
	statements func(ctx context.Context, tx pgx.Tx, o RepairOptions) ([]Statement, error)
}

// Statement is one step of a repair.
type Statement struct {
	SQL string `json:"sql"`
	// Outside tells that it cannot run in a transaction (CREATE INDEX
	// CONCURRENTLY). A dry run uses Inside instead.
	Outside bool   `json:"outside,omitempty"`
	Inside  string `json:"-"`
	Rows    int64  `json:"rows"` // rows it changed, in results

	secret string // what to run when SQL is masked
}

func (s Statement) text() string {
	if s.secret != "" {
		return s.secret
	}
	return s.SQL
}

// RepairOptions are what some repairs need to know.
type RepairOptions struct {
	Database string // default mattermost_production
	Role     string // for the repairs of owners; default gitlab_mattermost
	// DataSource is what configuration-dsn writes.
	DataSource DSN
	// From is the Mattermost version that the database comes from, To the one
	// that will run on it; they let the preparatory repairs say whether they are
	// due. Empty takes the state of the schema.
	From, To string
}

func (o RepairOptions) normal() RepairOptions {
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	if o.Role == "" {
		o.Role = DefaultRole
	}
	return o
}

// RepairPlan is one repair for one database.
type RepairPlan struct {
	Repair     Repair      `json:"repair"`
	Database   string      `json:"database"`
	Applies    bool        `json:"applies"`
	Reason     string      `json:"reason"`
	Statements []Statement `json:"statements"` // empty when it does not apply
	// DryRun tells that the statements were run and rolled back.
	DryRun bool `json:"dryRun"`

	options RepairOptions
}

// Repairs lists all repairs in the order in which they are to be considered.
func Repairs() []Repair { return slices.Clone(repairList()) }

// PlanRepair tells whether a repair applies, and what it would run. It only
// reads. An unknown id gives an error that lists the known ones.
func (m *Manager) PlanRepair(ctx context.Context, id string, o RepairOptions) (*RepairPlan, error) {
	o = o.normal()
	r, err := findRepair(id)
	if err != nil {
		return nil, err
	}
	if err := m.guardTarget(ctx, o.Database); err != nil {
		return nil, fmt.Errorf("repair %s: %w", id, err)
	}
	p := &RepairPlan{Repair: r, Database: o.Database, Statements: []Statement{}, options: o}
	err = m.in(ctx, o.Database, func(conn *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return p.fill(ctx, tx) })
	})
	if err != nil {
		return nil, fmt.Errorf("repair %s of database %s: %w", id, quoteName(o.Database), err)
	}
	return p, nil
}

func findRepair(id string) (Repair, error) {
	var ids []string
	for _, r := range repairList() {
		if r.ID == id {
			return r, nil
		}
		ids = append(ids, r.ID)
	}
	return Repair{}, fmt.Errorf("repair %q is not known; there are %v", cut(id, 40), ids)
}

func (p *RepairPlan) fill(ctx context.Context, tx pgx.Tx) error {
	var err error
	p.Applies, p.Reason, err = p.Repair.check(ctx, tx, p.options)
	if err != nil || !p.Applies {
		return err
	}
	p.Statements, err = p.Repair.statements(ctx, tx, p.options)
	return err
}

var errRollback = errors.New("roll back")

// DryRunRepair runs a plan's statements in a transaction and rolls it back, so
// that errors and the numbers of rows are seen. It takes the same locks for the
// same time; indexes that would be built without locking are built with.
func (m *Manager) DryRunRepair(ctx context.Context, p *RepairPlan) (*RepairPlan, error) {
	q := *p
	q.DryRun = true
	q.Statements = slices.Clone(p.Statements)
	err := m.in(ctx, p.Database, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			for i := range q.Statements {
				s := &q.Statements[i]
				text := s.text()
				if s.Outside {
					text = s.Inside
				}
				if text == "" {
					continue // it cannot be tried
				}
				if err := s.exec(ctx, tx, text); err != nil {
					return err
				}
			}
			return errRollback
		})
	})
	if !errors.Is(err, errRollback) {
		return nil, fmt.Errorf("repair %s of database %s: dry run: %w", p.Repair.ID, quoteName(p.Database), err)
	}
	return &q, nil
}

func (s *Statement) exec(ctx context.Context, db interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}, text string) error {
	tag, err := db.Exec(ctx, text)
	if err != nil {
		return plain(err)
	}
	if !tag.Insert() && !tag.Update() && !tag.Delete() {
		return nil
	}
	s.Rows = tag.RowsAffected()
	return nil
}

// ApplyRepair carries out a plan. What can be in a transaction is in one, made
// anew under the lock: when the repair no longer applies, or the statements would
// now be others, it fails with ErrStale. Index builds that lock nobody out run
// after it, one by one; when one is interrupted, the same repair goes on.
func (m *Manager) ApplyRepair(ctx context.Context, p *RepairPlan) (*RepairPlan, error) {
	done := *p
	err := m.in(ctx, p.Database, func(conn *pgx.Conn) error {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
				return err
			}
			now := RepairPlan{Repair: p.Repair, Database: p.Database, options: p.options}
			if err := now.fill(ctx, tx); err != nil {
				return err
			}
			if !slices.EqualFunc(now.Statements, p.Statements, func(a, b Statement) bool { return a.SQL == b.SQL && a.Outside == b.Outside }) {
				return ErrStale
			}
			done.Statements = now.Statements
			for i := range done.Statements {
				if s := &done.Statements[i]; !s.Outside {
					if err := s.exec(ctx, tx, s.text()); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range done.Statements {
			if s := &done.Statements[i]; s.Outside {
				if err := s.exec(ctx, conn, s.text()); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("repair %s of database %s: %w", p.Repair.ID, quoteName(p.Database), err)
	}
	return &done, nil
}
