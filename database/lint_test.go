package database

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
	"github.com/jackc/pgx/v5"
)

func TestLint(t *testing.T) {
	golden.Run(t, "testdata/lint/*.txtar", func(c *golden.Case) {
		in, _ := c.Section("dsn")
		var b strings.Builder
		for _, f := range Lint(strings.TrimSpace(in), "data source") {
			text, err := json.MarshalIndent(f, "", "  ")
			if err != nil {
				c.Fatal(err)
			}
			b.Write(text)
			b.WriteByte('\n')
		}
		if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), "ter2") {
			c.Error("a finding holds the password")
		}
		c.Want("findings", b.String())
	})
}

// What Lint calls an error for a data source is one for real programs too.
func TestSslmodeWordsThatLintRefusesAreRefusedByPostgreSQLsOwnTools(t *testing.T) {
	for word, libpq := range map[string]bool{"required": false, "yes": false, "require": true, "disable": true, "verify-ca": true, "verify-full": true} {
		text := "host=127.0.0.1 port=1 user=u dbname=d sslmode=" + word
		out, _ := exec.Command(cluster.Command("psql").Path, "-X", text).CombinedOutput() // nothing listens: it always fails
		_, err := pgx.ParseConfig(text)
		known := !strings.Contains(string(out), "invalid sslmode")
		lint := true
		for _, f := range Lint(text, "x") {
			lint = lint && f.ID != "dsn-sslmode"
		}
		if known != libpq || lint != libpq || (err == nil) != libpq {
			t.Errorf("%s: psql %v, pgx %v, lint %v", word, known, err, lint)
		}
	}
}
