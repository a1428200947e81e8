package oauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Beginner is what the database route needs of a connection: *pgx.Conn and
// *pgxpool.Pool have it.
type Beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// DatabaseRoute registers in GitLab's own PostgreSQL database (usually
// gitlabhq_production), as the Linux package's automatic authorization did on
// one server. Connect as a role that may write oauth_applications, to the
// primary.
//
// It reads which columns the table has, so that it serves every GitLab since
// 7.7, and refuses a table with a required column that it does not know. Apply
// is one transaction under an advisory lock: two registrations at a time make
// one application. Cancelling the context rolls back.
type DatabaseRoute struct {
	DB Beginner

	// Version of GitLab, for the form in which a secret is stored. When it is
	// not known the table's own columns and rows decide.
	Version Version

	// SecretForm overrides the choice. By default it is SHA-512 when another
	// row proves that the server knows it, else what [FormFor] says; plain for
	// an unknown version without any sign of hashing.
	SecretForm SecretForm
}

// registrationLock is the key of the advisory lock: "gmoauth" in ASCII.
const registrationLock = 0x676d6f61757468

// Find implements [Route]. It also works on a read-only replica. With a secret
// it says whether that is the stored one.
func (r *DatabaseRoute) Find(ctx context.Context, want Application, c Credentials) ([]Registered, error) {
	var out []Registered
	err := r.read(ctx, func(d *dbTables) error {
		all, err := d.list(ctx, c)
		out = match(want, c.ID, all)
		return err
	})
	return out, err
}

// Schema tells what the table oauth_applications is like.
func (r *DatabaseRoute) Schema(ctx context.Context) (Schema, error) {
	var s Schema
	err := r.read(ctx, func(d *dbTables) error {
		s = d.schema
		return nil
	})
	return s, err
}

// Plan implements [Route]. On a replica, or for a role that may not write, the
// plan has a finding of severity error and Apply would fail.
func (r *DatabaseRoute) Plan(ctx context.Context, o Order) (Plan, error) {
	var p Plan
	err := r.read(ctx, func(d *dbTables) error {
		var err error
		p, err = d.plan(ctx, o)
		return err
	})
	return p, err
}

func (r *DatabaseRoute) read(ctx context.Context, f func(*dbTables) error) error {
	tx, err := r.DB.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return fmt.Errorf("read GitLab's database: %w", err)
	}
	d, err := r.tables(ctx, tx)
	if err == nil {
		err = f(d)
	}
	return errors.Join(err, rollback(ctx, tx))
}

// rollback ends a transaction also when ctx is over.
func rollback(ctx context.Context, tx pgx.Tx) error {
	if err := tx.Rollback(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("end the transaction: %w", err)
	}
	return nil
}

// Apply implements [Route]: all steps or none.
func (r *DatabaseRoute) Apply(ctx context.Context, p Plan) (Result, error) {
	tx, err := r.DB.BeginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return Result{}, fmt.Errorf("write GitLab's database: %w", err)
	}
	res, err := r.apply(ctx, tx, p)
	if err != nil {
		return Result{}, errors.Join(explainDB(err), rollback(ctx, tx))
	}
	if err := tx.Commit(ctx); err != nil {
		return Result{}, fmt.Errorf("commit: %w", explainDB(err))
	}
	return res, nil
}

func (r *DatabaseRoute) apply(ctx context.Context, tx pgx.Tx, p Plan) (Result, error) {
	// Bounded waits: GitLab must not stand behind us, nor we behind it.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '15s'; SET LOCAL statement_timeout = '60s'"); err != nil {
		return Result{}, err
	}
	if len(p.Steps) > 0 {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(registrationLock)); err != nil {
			return Result{}, fmt.Errorf("wait for another registration: %w", err)
		}
	}
	d, err := r.tables(ctx, tx)
	if err != nil {
		return Result{}, err
	}
	now, err := d.plan(ctx, p.Order)
	if err != nil {
		return Result{}, err
	}
	if !p.same(now) {
		return Result{}, ErrStale
	}
	res := Result{Route: now.Route, Findings: now.Findings, Credentials: p.Order.Credentials}
	if len(now.Found) > 0 {
		res.Application = now.Found[0]
		res.Credentials.ID = now.Found[0].ID
	}
	for _, s := range now.Steps {
		if err := d.carry(ctx, s, p.Order, &res); err != nil {
			return Result{}, fmt.Errorf("%s: %w", s.Verb, err)
		}
		res.Done = append(res.Done, s)
	}
	return res, nil
}

// explainDB adds what to do to the refusals of PostgreSQL that are likely.
func explainDB(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "25006":
		return fmt.Errorf("%w; this is a read-only replica, connect to the primary", err)
	case "42501":
		return fmt.Errorf("%w; connect as GitLab's own role (gitlab) or as the superuser (gitlab-psql)", err)
	case "23505":
		return fmt.Errorf("%w; the application id is in use, another registration came first", err)
	case "55P03":
		return fmt.Errorf("%w; another transaction holds the table for more than 15 seconds", err)
	}
	return err
}

// RepairOrganizations sets organization_id to 1 in every row where it is NULL,
// of any application: rows made by reconfigure for Mattermost and GitLab Pages
// lack it, and the migrations of GitLab 19.0 to 19.2 break on that. It returns
// the number of rows; a table without the column has none.
func (r *DatabaseRoute) RepairOrganizations(ctx context.Context) (int64, error) {
	tx, err := r.DB.BeginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return 0, fmt.Errorf("write GitLab's database: %w", err)
	}
	d, err := r.tables(ctx, tx)
	if err != nil || !d.schema.has("organization_id") {
		return 0, errors.Join(err, rollback(ctx, tx))
	}
	n, err := d.repair(ctx, "organization_id IS NULL")
	if err != nil {
		return 0, errors.Join(explainDB(err), rollback(ctx, tx))
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("commit: %w", explainDB(err))
	}
	return n, nil
}
