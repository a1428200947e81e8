package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxRows bounds what is read; a GitLab has tens of applications.
const maxRows = 100000

// list reads all applications. Secrets are compared here and go no further.
func (d *dbTables) list(ctx context.Context, c Credentials) ([]Registered, error) {
	column := func(name, otherwise string) string {
		if d.schema.has(name) {
			return name
		}
		return otherwise
	}
	sql := fmt.Sprintf(`SELECT id::bigint, name, uid, secret, redirect_uri, scopes, %s, %s, %s, %s FROM oauth_applications ORDER BY id LIMIT %d`,
		column("trusted", "NULL::boolean"), column("confidential", "NULL::boolean"),
		"coalesce("+column("owner_type", "NULL::varchar")+" || ' ' || "+column("owner_id", "NULL::int")+", '')",
		map[bool]string{true: "organization_id IS NULL", false: "false"}[d.schema.has("organization_id")], maxRows)
	rows, err := d.tx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read oauth_applications: %w", err)
	}
	var out []Registered
	for rows.Next() {
		var r Registered
		var stored, redirects, scopes string
		var trusted, confidential *bool
		if err := rows.Scan(&r.RowID, &r.Name, &r.ID, &stored, &redirects, &scopes, &trusted, &confidential, &r.Owner, &r.OrganizationMissing); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read oauth_applications: %w", err)
		}
		r.RedirectURIs, r.Scopes, r.SecretForm = SplitRedirectURIs(redirects), strings.Fields(scopes), FormOf(stored)
		r.Trusted, r.Confidential = trusted != nil && *trusted, confidential == nil || *confidential
		for name, value := range map[string]*bool{"trusted": trusted, "confidential": confidential} {
			if value == nil {
				r.Unknown = append(r.Unknown, name)
			}
		}
		slices.Sort(r.Unknown)
		if c.Secret != "" && r.ID == c.ID {
			ok, err := VerifySecret(stored, c.Secret)
			if err != nil {
				rows.Close()
				return nil, fmt.Errorf("%s: %w", r.label(), err)
			}
			r.SecretMatches = &ok
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read oauth_applications: %w", err)
	}
	if len(out) == maxRows {
		return nil, fmt.Errorf("read oauth_applications: more than %d rows", maxRows)
	}
	return out, nil
}

func (d *dbTables) plan(ctx context.Context, o Order) (Plan, error) {
	all, err := d.list(ctx, o.Credentials)
	if err != nil {
		return Plan{}, err
	}
	if o.Credentials.ID != "" {
		if err := CheckID(o.Credentials.ID); err != nil {
			return Plan{}, err
		}
	}
	if o.Credentials.Secret != "" {
		if err := CheckSecret(o.Credentials.Secret); err != nil {
			return Plan{}, err
		}
	}
	can := abilities{route: "database", update: true, trust: d.schema.has("trusted"), chooseID: true, renew: true, revokeTokens: true}
	p, err := decide(can, o, all)
	if err != nil {
		return p, err
	}
	more, err := d.findings(ctx, all)
	p.note(more...)
	return p, err
}

// carry does one step.
func (d *dbTables) carry(ctx context.Context, s Step, o Order, res *Result) error {
	switch s.Verb {
	case "create":
		return d.create(ctx, o, res)
	case "update":
		return d.update(ctx, s.RowID, merged(o.Want, res.Application), res)
	case "set-secret":
		res.Credentials.Secret = o.Credentials.Secret
		return d.setSecret(ctx, s.RowID, o.Credentials.Secret)
	case "renew-secret":
		fresh, err := NewCredentials()
		if err != nil {
			return err
		}
		// A given secret stands for the application's present one, never for
		// the next.
		res.Credentials.Secret = fresh.Secret
		return d.setSecret(ctx, s.RowID, fresh.Secret)
	case "repair-organization":
		res.Application.OrganizationMissing = false
		_, err := d.repair(ctx, fmt.Sprintf("organization_id IS NULL AND id = %d", s.RowID))
		return err
	case "revoke-tokens":
		return d.revokeTokens(ctx, s.RowID)
	case "delete":
		if err := d.revokeTokens(ctx, s.RowID); err != nil {
			return err
		}
		res.Credentials.Secret = ""
		return d.one(ctx, "DELETE FROM oauth_applications WHERE id = $1", s.RowID)
	}
	return fmt.Errorf("%w", ErrCannot)
}

func (d *dbTables) create(ctx context.Context, o Order, res *Result) error {
	c, err := NewCredentials()
	if err != nil {
		return err
	}
	if o.Credentials.ID != "" {
		c.ID = o.Credentials.ID
	}
	if o.Credentials.Secret != "" {
		c.Secret = o.Credentials.Secret
	}
	stored, err := StoreSecret(c.Secret, d.form())
	if err != nil {
		return err
	}
	type field struct {
		column string
		value  any
	}
	fields := []field{{"name", o.Want.Name}, {"uid", c.ID}, {"secret", stored}, {"redirect_uri", o.Want.RedirectText()}, {"scopes", o.Want.ScopeText()}}
	for _, f := range []field{
		{"trusted", o.Want.Trusted}, {"confidential", o.Want.Confidential}, {"organization_id", 1},
		{"device_code_enabled", false}, // GitLab's model makes new ones so, whatever the column's default
	} {
		if d.schema.has(f.column) {
			fields = append(fields, f)
		}
	}
	for _, name := range []string{"expire_access_tokens", "ropc_enabled", "dynamic"} {
		if slices.Contains(d.schema.required, name) {
			fields = append(fields, field{name, name != "dynamic"})
		}
	}
	var columns, marks []string
	var values []any
	for i, f := range fields {
		columns, marks, values = append(columns, f.column), append(marks, fmt.Sprintf("$%d", i+1)), append(values, f.value)
	}
	for _, t := range []string{"created_at", "updated_at"} {
		if d.schema.has(t) {
			columns, marks = append(columns, t), append(marks, "now() AT TIME ZONE 'UTC'")
		}
	}
	sql := fmt.Sprintf("INSERT INTO oauth_applications (%s) VALUES (%s) RETURNING id::bigint", strings.Join(columns, ", "), strings.Join(marks, ", "))
	yes := true
	reg := Registered{Application: o.Want, ID: c.ID, SecretForm: d.form(), SecretMatches: &yes}
	if err := d.tx.QueryRow(ctx, sql, values...).Scan(&reg.RowID); err != nil {
		return err
	}
	res.Application, res.Credentials = reg, c
	return nil
}

func (d *dbTables) update(ctx context.Context, row int64, a Application, res *Result) error {
	if err := a.Check(); err != nil {
		return err
	}
	set := "redirect_uri = $2, scopes = $3"
	values := []any{row, a.RedirectText(), a.ScopeText()}
	for _, f := range []struct {
		column string
		value  bool
	}{{"trusted", a.Trusted}, {"confidential", a.Confidential}} {
		if d.schema.has(f.column) {
			values = append(values, f.value)
			set += fmt.Sprintf(", %s = $%d", f.column, len(values))
		}
	}
	res.Application.Application = a
	return d.one(ctx, "UPDATE oauth_applications SET "+set+d.touched()+" WHERE id = $1", values...)
}

func (d *dbTables) setSecret(ctx context.Context, row int64, secret Secret) error {
	stored, err := StoreSecret(secret, d.form())
	if err != nil {
		return err
	}
	return d.one(ctx, "UPDATE oauth_applications SET secret = $2"+d.touched()+" WHERE id = $1", row, stored)
}

func (d *dbTables) touched() string {
	if d.schema.has("updated_at") {
		return ", updated_at = now() AT TIME ZONE 'UTC'"
	}
	return ""
}

// one runs a statement that must change exactly one row.
func (d *dbTables) one(ctx context.Context, sql string, values ...any) error {
	tag, err := d.tx.Exec(ctx, sql, values...)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%w: changed %d rows instead of one", ErrStale, tag.RowsAffected())
	}
	return err
}

func (d *dbTables) repair(ctx context.Context, where string) (int64, error) {
	ok, err := d.organizationExists(ctx)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, errors.New("there is no organization 1 yet; finish GitLab's migrations first")
	}
	tag, err := d.tx.Exec(ctx, "UPDATE oauth_applications SET organization_id = 1"+d.touched()+" WHERE "+where)
	return tag.RowsAffected(), err
}

// revokeTokens removes what hangs on an application. GitLab's model does this
// when an application is destroyed; the tables have no cascade for it.
func (d *dbTables) revokeTokens(ctx context.Context, row int64) error {
	batch := []struct{ table, sql string }{
		{"oauth_openid_requests", "DELETE FROM oauth_openid_requests WHERE access_grant_id IN (SELECT id FROM oauth_access_grants WHERE application_id = $1)"},
		{"oauth_access_grants", "DELETE FROM oauth_access_grants WHERE application_id = $1"},
		{"oauth_access_tokens", "DELETE FROM oauth_access_tokens WHERE application_id = $1"},
		{"oauth_device_grants", "DELETE FROM oauth_device_grants WHERE application_id = $1"},
	}
	for _, b := range batch {
		if !slices.Contains(d.schema.siblings, b.table) {
			continue
		}
		if _, err := d.tx.Exec(ctx, b.sql, row); err != nil {
			return fmt.Errorf("remove from %s: %w", b.table, err)
		}
	}
	return nil
}
