package backup

import (
	"context"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/pggrants"
	"github.com/jackc/pgx/v5"
)

// grants writes what other roles may do, as statements, one on each line;
// without any there is no part.
func (d *dumpJob) grants(ctx context.Context, conn *pgx.Conn, db *Database) error {
	statements, unusable, err := pggrants.Read(ctx, conn)
	if err != nil {
		return err
	}
	for _, s := range unusable {
		d.note(Finding{ID: "grant-left-out", Severity: severityWarning, Where: db.Name, Message: fmt.Sprintf("a name with a line break: %.200q is not in the backup", s), Fix: "rename the object or the role"})
	}
	if len(statements) == 0 {
		return nil
	}
	text := fmt.Sprintf("SET client_encoding = '%s';\n", d.snap.db.Encoding) + strings.Join(statements, "\n") + "\n"
	part, err := d.parts.writePart(ctx, "db/grants.sql", partKind{zstd: true, hash: true}, []byte(text))
	db.Grants = &part
	return err
}

// grants gives other roles their rights. What the server refuses is a finding:
// Mattermost itself needs none of it.
func (l *loader) grants(ctx context.Context, conn *pgx.Conn) ([]Finding, error) {
	part := l.m.Database.Grants
	if part == nil {
		return nil, nil
	}
	text, err := l.script(ctx, *part)
	if err != nil {
		return nil, err
	}
	refused, err := pggrants.Apply(ctx, conn, strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
	var findings []Finding
	for _, r := range refused {
		findings = append(findings, Finding{ID: "grant-failed", Severity: severityWarning, Where: l.m.Database.Name,
			Message: fmt.Sprintf("%d rights of other roles were not restored: %s", r.Statements, r.Reason),
			Fix:     "none needed when only Mattermost uses the database; else make the role and load " + part.Name + " of the backup with psql again"})
	}
	return findings, err
}
