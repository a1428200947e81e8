package database

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// cleanup drops what killed runs left.
func (s *serverState) cleanup() []Step {
	var steps []Step
	for _, name := range s.leftover {
		// pg_restore, and a session that builds an index, do not notice that
		// the process they worked for was killed. Autovacuum, whose session
		// has no user and which only a superuser may end, gives way by itself.
		steps = append(steps, Step{What: "end what still works in database " + name,
			SQL: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + literal(name) + " AND pid <> pg_backend_pid() AND usesysid IS NOT NULL"})
		steps = append(steps, Step{What: "drop database " + name + ", left over from an interrupted run", SQL: "DROP DATABASE IF EXISTS " + ident(name)})
	}
	for _, name := range s.leftoverRoles {
		steps = append(steps, Step{What: "drop role " + name + ", left over from an interrupted run", SQL: "DROP ROLE IF EXISTS " + ident(name)})
	}
	return steps
}

// createStep makes an empty database. template0 is the only template that
// nobody can be connected to and that allows any encoding.
func createStep(o EnsureOptions, name string) Step {
	sql := "CREATE DATABASE " + ident(name) + " TEMPLATE template0 ENCODING " + literal(o.Encoding)
	if o.Collation != "" {
		sql += " LC_COLLATE " + literal(o.Collation)
	}
	if o.CharType != "" {
		sql += " LC_CTYPE " + literal(o.CharType)
	}
	return Step{What: "create database " + quoteName(o.Database) + " (under a temporary name that is changed last)", SQL: sql}
}

// mayGiveSchema tells whether schema public can be given away: before 15 it
// belongs to the bootstrap superuser, and everybody may create tables in it.
func (s *serverState) mayGiveSchema() bool { return s.super || s.version >= 150000 }

// settle lists what a transaction in the database has to do so that role, owner
// and settings are right, under the names given; revoke takes back what only
// the work itself needed.
func (s *serverState) settle(o EnsureOptions, db, role string) (steps, revoke []Step, err error) {
	add := func(what, sql string) { steps = append(steps, Step{What: what, SQL: sql, Database: o.Database}) }
	if err := s.roleSteps(o, role, &steps); err != nil {
		return nil, nil, err
	}
	before := len(steps)
	switch {
	case s.dbExists && s.schemaOwner == "":
		add("create schema public for the role", "CREATE SCHEMA public AUTHORIZATION "+ident(role))
	case s.schemaOwner != o.Role && s.mayGiveSchema():
		add("give schema public to the role, without which PostgreSQL 15 and newer let it create no table", "ALTER SCHEMA public OWNER TO "+ident(role))
	}
	if o.TextSearch != "-" && s.textSearch != o.TextSearch {
		add("search texts with the configuration that Mattermost's indexes are built for", "ALTER DATABASE "+ident(db)+" SET default_text_search_config = "+literal(o.TextSearch))
	}
	if limit := o.ConnectionLimit; limit != 0 && (!s.dbExists && limit > 0 || s.dbExists && s.limit != limit) {
		add("limit the database's connections", "ALTER DATABASE "+ident(db)+" CONNECTION LIMIT "+strconv.Itoa(limit))
	}
	if s.owner != o.Role {
		add("give the database to the role", "ALTER DATABASE "+ident(db)+" OWNER TO "+ident(role))
	}
	if len(steps) > before && !s.super && !s.inherits && s.me != o.Role {
		grant := "GRANT " + ident(role) + " TO " + ident(s.me)
		if s.version >= 160000 {
			grant += " WITH INHERIT TRUE, SET TRUE"
		}
		steps = slices.Insert(steps, before, Step{What: "become a member of the role for the time of the work", SQL: grant, Database: o.Database})
		revoke = []Step{{What: "leave the role again", SQL: "REVOKE " + ident(role) + " FROM " + ident(s.me), Database: o.Database}}
	}
	return steps, revoke, nil
}

func (s *serverState) roleSteps(o EnsureOptions, role string, steps *[]Step) error {
	shown, secret := "", ""
	if o.Password != "" && !(s.verifierKnown && matches(s.verifier, o.Password)) {
		v, err := verifier(o.Password)
		if err != nil {
			return err
		}
		shown, secret = " PASSWORD '"+redactMask+"'", " PASSWORD "+literal(v)
	}
	add := func(what, sql string) {
		st := Step{What: what, SQL: sql + shown, Database: o.Database}
		if secret != "" {
			st.secret = sql + secret
		}
		*steps = append(*steps, st)
	}
	switch {
	case !s.roleExists:
		add("create role "+quoteName(o.Role), "CREATE ROLE "+ident(role)+" LOGIN")
	case !s.canLogin && shown != "":
		add("let role "+quoteName(o.Role)+" log in, with the password", "ALTER ROLE "+ident(role)+" LOGIN")
	case !s.canLogin:
		add("let role "+quoteName(o.Role)+" log in", "ALTER ROLE "+ident(role)+" LOGIN")
	case shown != "":
		what := "set the password of role " + quoteName(o.Role)
		if !s.verifierKnown {
			what += " (whether it is the same cannot be read without superuser)"
		}
		add(what, "ALTER ROLE "+ident(role))
	}
	return nil
}

// apply carries out a plan.
func (m *Manager) apply(ctx context.Context, p *EnsurePlan) error {
	for _, s := range p.Steps[:p.clean] {
		if _, err := m.conn.Exec(ctx, s.SQL); err != nil {
			return fmt.Errorf("%s: %w", s.What, plain(err))
		}
	}
	if len(p.Steps) == p.clean {
		return nil
	}
	if p.create {
		return m.build(ctx, p.options, p.state, "", nil)
	}
	return m.in(ctx, p.Database, func(conn *pgx.Conn) error {
		m.reached("connected to the database")
		err := transaction(ctx, conn, p.Steps[p.clean:])
		m.reached("settled")
		return err
	})
}

// build makes a new database under a temporary name, lets fill work on it, and
// gives it and a new role their names in one transaction. On an error, what was
// made is dropped again. A database that has the name already gives way under
// the name aside; "" means that there is none.
func (m *Manager) build(ctx context.Context, o EnsureOptions, s *serverState, aside string, fill func(ctx context.Context, db, role string) error) (err error) {
	db, err := newName()
	if err != nil {
		return err
	}
	role, newRole := o.Role, !s.roleExists
	if newRole {
		role = db
	}
	settle, revoke, err := s.settle(o, db, role)
	if err != nil {
		return err
	}
	create := createStep(o, db)
	defer func() {
		if err != nil {
			err = m.undo(context.WithoutCancel(ctx), db, newRole, err)
		}
	}()
	if _, err := m.conn.Exec(ctx, create.SQL); err != nil {
		return fmt.Errorf("%s: %w", create.What, plain(err))
	}
	m.reached("created")
	if err := m.in(ctx, db, func(conn *pgx.Conn) error { return transaction(ctx, conn, settle) }); err != nil {
		return err
	}
	m.reached("settled")
	if fill != nil {
		if err := fill(ctx, db, role); err != nil {
			return err
		}
	}
	m.reached("filled")
	// What fill wrote without waiting for the disk is durable with this commit.
	last := []Step{{What: "wait for the disk", SQL: "SET LOCAL synchronous_commit = on"}}
	if aside != "" {
		if _, err := m.terminate(ctx, o.Database); err != nil {
			return err
		}
		last = append(last, Step{What: "put the empty database aside", SQL: "ALTER DATABASE " + ident(o.Database) + " RENAME TO " + ident(aside)})
	}
	last = append(last, Step{What: "name the database " + quoteName(o.Database), SQL: "ALTER DATABASE " + ident(db) + " RENAME TO " + ident(o.Database)})
	if newRole {
		last = append(last, Step{What: "name the role " + quoteName(o.Role), SQL: "ALTER ROLE " + ident(role) + " RENAME TO " + ident(o.Role)})
		for i := range revoke {
			revoke[i].SQL = "REVOKE " + ident(o.Role) + " FROM " + ident(s.me)
		}
	}
	if err := transaction(ctx, m.conn, append(last, revoke...)); err != nil {
		return err
	}
	m.reached("named")
	return nil
}

// newName is a name for something that is being made.
func newName() (string, error) {
	suffix := make([]byte, 8)
	if _, err := rand.Read(suffix); err != nil {
		return "", err
	}
	return newPrefix + hex.EncodeToString(suffix), nil
}

// undo drops a half-made database and keeps the error that led there.
func (m *Manager) undo(ctx context.Context, db string, newRole bool, err error) error {
	if m.conn.IsClosed() {
		return fmt.Errorf("%w (the next run drops %s)", err, db)
	}
	if _, e := m.terminate(ctx, db); e == nil {
		if _, e = m.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+ident(db)); e != nil {
			return fmt.Errorf("%w (the next run drops %s)", err, db)
		}
	}
	if newRole {
		_, _ = m.conn.Exec(ctx, "DROP ROLE IF EXISTS "+ident(db)) // the next run tries again
	}
	return err
}
