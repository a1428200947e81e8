package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Schema is what the database says about the table oauth_applications.
type Schema struct {
	Database string   `json:"database"`
	Columns  []string `json:"columns"` // in the table's order
	Since    string   `json:"since"`   // the oldest GitLab whose table has these columns, for example "18.6"
	Replica  bool     `json:"replica"` // writing is not possible
	Writable bool     `json:"writable"`
	Forms    []string `json:"secret_forms"` // in which secrets are stored now

	required []string // NOT NULL without a default
	expiry   bool     // oauth_access_tokens.expires_in is NOT NULL: 15.10 or newer
	siblings []string // tables with rows per application
}

func (s Schema) has(column string) bool { return slices.Contains(s.Columns, column) }

// columnSince says which release brought a column, newest first.
var columnSince = [...][2]string{
	{"device_code_enabled", "18.11"}, {"organization_id", "18.6"}, {"dynamic", "18.3"}, {"ropc_enabled", "18.1"},
	{"expire_access_tokens", "14.3"}, {"confidential", "11.0"}, {"trusted", "9.0"}, {"owner_id", "7.7"},
}

// baseColumns have been there since 7.7 and are relied on.
var baseColumns = [...]string{"id", "name", "uid", "secret", "redirect_uri", "scopes"}

// filled are the columns that an insert gives a value; a required one outside
// of this list is from a GitLab that this package does not know.
var filled = [...]string{
	"id", "name", "uid", "secret", "redirect_uri", "scopes", "created_at", "updated_at", "trusted", "confidential",
	"organization_id", "device_code_enabled", "expire_access_tokens", "ropc_enabled", "dynamic",
}

// dbTables is GitLab's database as seen by one transaction.
type dbTables struct {
	tx     pgx.Tx
	route  *DatabaseRoute
	schema Schema
}

func (r *DatabaseRoute) tables(ctx context.Context, tx pgx.Tx) (*dbTables, error) {
	d := &dbTables{tx: tx, route: r}
	if err := d.readSchema(ctx); err != nil {
		return nil, fmt.Errorf("read GitLab's database: %w", explainDB(err))
	}
	return d, nil
}

func (d *dbTables) readSchema(ctx context.Context) error {
	s := &d.schema
	err := d.tx.QueryRow(ctx, "SELECT current_database(), pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'").Scan(&s.Database, &s.Replica)
	if err != nil {
		return err
	}
	rows, err := d.tx.Query(ctx, `SELECT attname, attnotnull AND NOT atthasdef AND attidentity = '' FROM pg_attribute
		WHERE attrelid = to_regclass('oauth_applications') AND attnum > 0 AND NOT attisdropped ORDER BY attnum`)
	if err != nil {
		return err
	}
	var name string
	var required bool
	_, err = pgx.ForEachRow(rows, []any{&name, &required}, func() error {
		s.Columns = append(s.Columns, name)
		if required {
			s.required = append(s.required, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(s.Columns) == 0 {
		return fmt.Errorf("database %q has no table oauth_applications; GitLab's own database is usually gitlabhq_production, Mattermost's is another one", s.Database)
	}
	for _, c := range baseColumns {
		if !s.has(c) {
			return fmt.Errorf("table oauth_applications in database %q has no column %s, so it is not GitLab's", s.Database, c)
		}
	}
	for _, c := range s.required {
		if !slices.Contains(filled[:], c) {
			return fmt.Errorf("table oauth_applications requires the column %s, which this version of the program does not know; register through the API or by hand", c)
		}
	}
	for _, c := range columnSince {
		if s.has(c[0]) {
			s.Since = c[1]
			break
		}
	}
	return d.readRest(ctx)
}

func (d *dbTables) readRest(ctx context.Context) error {
	s := &d.schema
	rows, err := d.tx.Query(ctx, `SELECT c.relname, bool_or(a.attname = 'expires_in' AND a.attnotnull) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.oid IN (to_regclass('oauth_access_grants'), to_regclass('oauth_access_tokens'), to_regclass('oauth_device_grants'), to_regclass('oauth_openid_requests'))
		GROUP BY c.relname ORDER BY c.relname`)
	if err != nil {
		return err
	}
	var name string
	var strict bool
	_, err = pgx.ForEachRow(rows, []any{&name, &strict}, func() error {
		s.siblings = append(s.siblings, name)
		s.expiry = s.expiry || name == "oauth_access_tokens" && strict
		return nil
	})
	if err != nil {
		return err
	}
	if !slices.Contains(s.siblings, "oauth_access_tokens") {
		return errors.New("there is no table oauth_access_tokens beside oauth_applications, so it is not GitLab's database")
	}
	if s.expiry && (s.Since == "14.3" || s.Since == "11.0") {
		s.Since = "15.10"
	}
	if err := d.tx.QueryRow(ctx, "SELECT has_table_privilege('oauth_applications', 'INSERT') AND has_table_privilege('oauth_applications', 'UPDATE')").Scan(&s.Writable); err != nil {
		return err
	}
	s.Writable = s.Writable && !s.Replica
	// Only the shape of the secrets is read, never the text.
	return d.tx.QueryRow(ctx, `SELECT coalesce(array_agg(form ORDER BY form), '{}') FROM (SELECT DISTINCT CASE
		WHEN secret LIKE '$pbkdf2-%' THEN 'pbkdf2-sha512' WHEN secret ~ '^[0-9a-f]{128}$' THEN 'sha512' ELSE 'plain' END AS form
		FROM oauth_applications) AS forms`).Scan(&s.Forms)
}

// form chooses how to store a secret. See DatabaseRoute.SecretForm.
func (d *dbTables) form() SecretForm {
	switch r, s := d.route, d.schema; {
	case r.SecretForm != "":
		return r.SecretForm
	case before(r.Version, 15, 4):
		return FormPlain
	case slices.Contains(s.Forms, string(FormSHA512)):
		return FormSHA512
	case known(r.Version):
		return FormFor(r.Version)
	case s.expiry, s.has("ropc_enabled"), s.has("organization_id"), slices.Contains(s.Forms, string(FormPBKDF2)):
		return FormPBKDF2
	}
	return FormPlain
}

// findings are about the database as a whole.
func (d *dbTables) findings(ctx context.Context, all []Registered) ([]Finding, error) {
	var out []Finding
	where := "database " + d.schema.Database
	if d.schema.Replica {
		out = append(out, Finding{ID: "read-only", Severity: severityError, Where: where, Message: "this is a read-only replica, nothing can be written", Fix: "connect to the primary"})
	} else if !d.schema.Writable {
		out = append(out, Finding{ID: "no-privilege", Severity: severityError, Where: where, Message: "this role may not write oauth_applications", Fix: "connect as gitlab or gitlab-psql"})
	}
	var missing []string
	for _, r := range all {
		if r.OrganizationMissing {
			missing = append(missing, r.label())
		}
	}
	if len(missing) > 0 {
		out = append(out, Finding{ID: "organization-null-rows", Severity: severityWarning, Where: where,
			Message: "organization_id is NULL in " + strings.Join(missing, ", ") + "; GitLab's migrations of 19.0 to 19.2 break on it",
			Fix:     "repair all rows before upgrading GitLab"})
	}
	if d.schema.has("organization_id") {
		ok, err := d.organizationExists(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			out = append(out, Finding{ID: "organization-absent", Severity: severityError, Where: where,
				Message: "there is no organization 1, which every application of a self-managed GitLab belongs to", Fix: "finish GitLab's migrations first (gitlab-rake db:migrate)"})
		}
	}
	return out, nil
}

func (d *dbTables) organizationExists(ctx context.Context) (bool, error) {
	var table, ok bool
	if err := d.tx.QueryRow(ctx, "SELECT to_regclass('organizations') IS NOT NULL").Scan(&table); err != nil || !table {
		return false, err
	}
	err := d.tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM organizations WHERE id = 1)").Scan(&ok)
	return ok, err
}
