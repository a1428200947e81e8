package database

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// serverState is everything that a plan depends on.
type serverState struct {
	version int
	me      string
	super   bool

	roleExists, canLogin bool
	verifier             string // "" when unreadable or none
	verifierKnown        bool   // pg_authid could be read

	dbExists                      bool
	owner, encoding, collate, typ string
	limit                         int
	textSearch                    string // value set on the database, "" if none
	schemaOwner                   string // "" when schema public is missing
	gitlab                        string // a table that gives GitLab away
	inherits                      bool   // me may become the role
	leftover, leftoverRoles       []string
}

func (m *Manager) serverState(ctx context.Context, o EnsureOptions) (*serverState, error) {
	s := &serverState{}
	var err error
	if s.version, err = m.ServerVersion(ctx); err != nil {
		return nil, err
	}
	if err := m.conn.QueryRow(ctx, "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&s.me, &s.super); err != nil {
		return nil, err
	}
	err = m.conn.QueryRow(ctx, "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", o.Role).Scan(&s.canLogin)
	if s.roleExists, err = found(err); err != nil {
		return nil, err
	}
	if s.roleExists {
		// From 16 on, who creates a role is its member without being able to act
		// as it.
		member := "pg_has_role(current_user, $1, 'MEMBER')"
		if s.version >= 160000 {
			member = "pg_has_role(current_user, $1, 'USAGE') AND pg_has_role(current_user, $1, 'SET')"
		}
		if err := m.conn.QueryRow(ctx, "SELECT "+member, o.Role).Scan(&s.inherits); err != nil {
			return nil, err
		}
		err := m.conn.QueryRow(ctx, "SELECT coalesce(rolpassword, '') FROM pg_authid WHERE rolname = $1", o.Role).Scan(&s.verifier)
		if err != nil && code(err) != "42501" { // only a superuser may read it
			return nil, err
		}
		s.verifierKnown = err == nil
	}
	if err := m.databaseState(ctx, o, s); err != nil {
		return nil, err
	}
	s.leftover, err = m.names(ctx, `SELECT datname FROM pg_database WHERE left(datname, $2) = $1
		AND pg_has_role(current_user, datdba, 'MEMBER') ORDER BY 1`)
	if err == nil {
		s.leftoverRoles, err = m.names(ctx, "SELECT rolname FROM pg_roles WHERE left(rolname, $2) = $1 ORDER BY 1")
	}
	return s, err
}

// names lists what a killed run left over.
func (m *Manager) names(ctx context.Context, query string) ([]string, error) {
	rows, err := m.conn.Query(ctx, query, newPrefix, len(newPrefix))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func found(err error) (bool, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (m *Manager) databaseState(ctx context.Context, o EnsureOptions, s *serverState) error {
	err := m.conn.QueryRow(ctx, `SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), coalesce(datcollate, ''), coalesce(datctype, ''), datconnlimit,
		coalesce((SELECT split_part(c, '=', 2) FROM pg_db_role_setting, unnest(setconfig) c
			WHERE setdatabase = d.oid AND setrole = 0 AND c LIKE 'default\_text\_search\_config=%'), '')
		FROM pg_database d WHERE datname = $1`, o.Database).
		Scan(&s.owner, &s.encoding, &s.collate, &s.typ, &s.limit, &s.textSearch)
	if s.dbExists, err = found(err); err != nil || !s.dbExists {
		return err
	}
	return m.in(ctx, o.Database, func(conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, `SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'`).Scan(&s.schemaOwner)
		if _, err = found(err); err != nil {
			return err
		}
		s.gitlab, err = gitlabTable(ctx, conn)
		return err
	})
}

// gitlabTables are tables that GitLab has and Mattermost has not. Two of them
// in one schema are GitLab's database.
var gitlabTables = []string{"projects", "namespaces", "merge_requests", "application_settings", "ci_builds", "p_ci_builds", "oauth_applications"}

// gitlabTable names a table of GitLab in conn's database, or "".
func gitlabTable(ctx context.Context, conn *pgx.Conn) (string, error) {
	var names []string
	err := conn.QueryRow(ctx, `SELECT coalesce(array_agg(relname::text ORDER BY relname), '{}') FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind IN ('r', 'p') AND nspname = 'public' AND relname = ANY($1)`, gitlabTables).Scan(&names)
	if err != nil || len(names) < 2 {
		return "", err
	}
	return strings.Join(names, ", "), nil
}

// refusals are the states from which the wanted one cannot be reached.
func (s *serverState) refusals(o EnsureOptions) error {
	if !s.dbExists {
		return nil
	}
	if s.gitlab != "" {
		return fmt.Errorf("database %s: %w: it holds GitLab's tables (%s)", quoteName(o.Database), ErrRefused, s.gitlab)
	}
	if !strings.EqualFold(s.encoding, o.Encoding) {
		return fmt.Errorf("database %s has encoding %s, want %s: an encoding cannot be changed; move the data into a new database", quoteName(o.Database), s.encoding, o.Encoding)
	}
	return nil
}

func (s *serverState) notes(o EnsureOptions) []Finding {
	var out []Finding
	if s.dbExists && (o.Collation != "" && o.Collation != s.collate || o.CharType != "" && o.CharType != s.typ) {
		out = append(out, Finding{ID: "db-collation-kept", Severity: "warning", Where: "database " + quoteName(o.Database),
			Message: fmt.Sprintf("the database has collation %s and character type %s, which cannot be changed", s.collate, s.typ),
			Fix:     "move the data into a new database, if it matters"})
	}
	if s.schemaOwner != o.Role && !s.mayGiveSchema() {
		out = append(out, Finding{ID: "db-schema-kept", Severity: "info", Where: "database " + quoteName(o.Database),
			Message: "schema public stays the superuser's, because only a superuser may give it away before PostgreSQL 15; the role may create tables in it",
			Fix:     "run 'database ensure' as the superuser before an upgrade to PostgreSQL 15"})
	}
	return out
}
