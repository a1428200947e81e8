package pggrants

import (
	"fmt"
	"testing"
)

func TestGrantsBecomeOneStatementEach(t *testing.T) {
	for _, c := range []struct {
		why   string
		major int
		grant grant
		want  string
	}{
		{"what everybody may in schema public before 15", 14, grant{kind: "SCHEMA", name: "public", rights: []string{"CREATE", "USAGE"}}, "[]"},
		{"and what since", 15, grant{kind: "SCHEMA", name: "public", rights: []string{"USAGE"}}, "[]"},
		{"a schema public that was closed", 14, grant{kind: "SCHEMA", name: "public", rights: []string{"USAGE"}}, "[REVOKE ALL ON SCHEMA public FROM PUBLIC GRANT USAGE ON SCHEMA public TO PUBLIC]"},
		{"a schema public that was opened", 15, grant{kind: "SCHEMA", name: "public", rights: []string{"CREATE", "USAGE"}}, "[REVOKE ALL ON SCHEMA public FROM PUBLIC GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC]"},
		{"everybody locked out", 15, grant{kind: "DATABASE"}, "[DO 'BEGIN EXECUTE pg_catalog.format(''REVOKE ALL ON DATABASE %I FROM PUBLIC'', current_database()); END']"},
		{"columns", 15, grant{kind: "TABLE", name: "a.b", column: "c", role: "r", rights: []string{"INSERT", "SELECT"}}, "[GRANT INSERT (c), SELECT (c) ON TABLE a.b TO r]"},
		{"later tables", 15, grant{kind: "DEFAULT", column: "TABLES", role: "r", rights: []string{"SELECT"}, option: true}, "[ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r WITH GRANT OPTION]"},
		{"what everybody may with later functions", 15, grant{kind: "DEFAULT", column: "FUNCTIONS", rights: []string{"EXECUTE"}}, "[]"},
	} {
		if got := fmt.Sprint(c.grant.statements(c.major)); got != c.want {
			t.Errorf("%s: %s", c.why, got)
		}
	}
}
