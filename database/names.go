package database

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// maxName is NAMEDATALEN-1 of every usual build: PostgreSQL cuts longer names
// off without an error, and two names may then be one.
const maxName = 63

// checkName refuses names that PostgreSQL would change or not accept. What is
// left may hold quotes, spaces and anything else; it is quoted everywhere.
func checkName(kind, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s name is empty", kind)
	case len(name) > maxName:
		return fmt.Errorf("%s name %s… has %d bytes, PostgreSQL keeps %d: choose a shorter one", kind, quoteName(cut(name, 20)), len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s name %q is not valid UTF-8", kind, cut(name, 40))
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("%s name %q holds a NUL byte", kind, name)
	case strings.ContainsAny(name, "\r\n"):
		return fmt.Errorf("%s name %q holds a line break, which PostgreSQL's own tools refuse", kind, name)
	case kind == "role" && (strings.HasPrefix(name, "pg_") || name == "public" || name == "none" ||
		name == "current_user" || name == "current_role" || name == "session_user"):
		return fmt.Errorf("role name %q is reserved by PostgreSQL", name)
	}
	return nil
}

// cut shortens s to at most n bytes at a rune boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// ident quotes an identifier for SQL.
func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// literal quotes a text for SQL, independent of standard_conforming_strings.
func literal(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		q = " E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}

// quoteName shows a name in a message without letting it break the line.
func quoteName(s string) string {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || r == '"' {
			return fmt.Sprintf("%q", s)
		}
	}
	if strings.ContainsRune(s, ' ') || s == "" {
		return `"` + s + `"`
	}
	return s
}

// refuseName refuses databases that belong to PostgreSQL or GitLab by name.
func refuseName(database string) error {
	switch database {
	case "postgres", "template0", "template1":
		return fmt.Errorf("database %s: %w: it belongs to PostgreSQL itself", database, ErrRefused)
	case GitLabDatabase, "gitlabhq_production_ci", "gitlabhq_geo_production", "praefect_production":
		return fmt.Errorf("database %s: %w: it is GitLab's own", database, ErrRefused)
	}
	return nil
}
