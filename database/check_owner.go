package database

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

func (c *checker) roleRules(ctx context.Context) error {
	var login, super bool
	var limit int
	err := c.tx.QueryRow(ctx, "SELECT rolcanlogin, rolsuper, rolconnlimit FROM pg_roles WHERE rolname = $1", c.o.Role).Scan(&login, &super, &limit)
	ok, err := found(err)
	switch {
	case err != nil:
		return err
	case !ok:
		c.add("db-role-missing", "error", "role "+quoteName(c.o.Role)+" does not exist", "'database ensure' creates it")
		return nil
	case !login:
		c.add("db-role-login", "error", "role "+quoteName(c.o.Role)+" may not log in", "'database ensure' lets it")
	}
	if super {
		c.add("db-role-superuser", "warning", "role "+quoteName(c.o.Role)+" is a superuser: whoever breaks into Mattermost owns every database of the server", "ALTER ROLE "+ident(c.o.Role)+" NOSUPERUSER")
	}
	if limit >= 0 && limit < c.o.MaxOpenConns {
		c.add("db-connection-limit", "warning", fmt.Sprintf("role %s is limited to %d connections, Mattermost may open %d", quoteName(c.o.Role), limit, c.o.MaxOpenConns), "raise the limit, or lower SqlSettings.MaxOpenConns")
	}
	var allowed, md5 bool
	err = c.tx.QueryRow(ctx, "SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')").Scan(&allowed)
	if err != nil || !allowed {
		return err // only a superuser may look
	}
	err = c.tx.QueryRow(ctx, "SELECT coalesce(rolpassword LIKE 'md5%', false) FROM pg_authid WHERE rolname = $1", c.o.Role).Scan(&md5)
	if md5 {
		c.add("db-role-md5", "warning", "the password of role "+quoteName(c.o.Role)+" is stored as MD5, which PostgreSQL is giving up", "set it again ('database ensure -password-file FILE'), and use scram-sha-256 in pg_hba.conf")
	}
	return err
}

func (c *checker) owners(ctx context.Context) error {
	var owner, schemaOwner string
	err := c.tx.QueryRow(ctx, `SELECT pg_get_userbyid(datdba), coalesce((SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'), '')
		FROM pg_database WHERE datname = current_database()`).Scan(&owner, &schemaOwner)
	if err != nil {
		return err
	}
	if owner != c.o.Role {
		c.add("db-owner", "warning", "the database belongs to "+quoteName(owner)+", not to "+quoteName(c.o.Role), "'database ensure' gives it to the role")
	}
	switch {
	case schemaOwner == "":
		c.add("db-schema-owner", "error", "schema public is missing", "'database ensure' creates it")
	case schemaOwner == c.o.Role || schemaOwner == "pg_database_owner" && owner == c.o.Role:
	case c.r.Server >= 150000:
		c.add("db-schema-owner", "error", "schema public belongs to "+quoteName(schemaOwner)+": from PostgreSQL 15 on, Mattermost stops with 'permission denied for schema public'", "'database ensure' gives it to the role")
	default:
		c.add("db-schema-owner", "warning", "schema public belongs to "+quoteName(schemaOwner)+": after an upgrade to PostgreSQL 15 with a restore, Mattermost would stop", "'database ensure' gives it to the role")
	}
	list, err := foreignObjects(ctx, c.tx, c.o.Role)
	if err != nil || len(list) == 0 {
		return err
	}
	var names []string
	for _, o := range list[:min(3, len(list))] {
		names = append(names, fmt.Sprintf("%s %s (%s)", o.Kind, o.Name, o.Owner))
	}
	c.add("db-object-owner", "error", fmt.Sprintf("%d objects do not belong to %s, so its next upgrade stops with 'must be owner': %s", len(list), quoteName(c.o.Role), strings.Join(names, ", ")),
		"'database repair object-owner' gives them to the role")
	return nil
}

func (c *checker) privileges(ctx context.Context) error {
	var connect, usage, create bool
	var tables int
	err := c.tx.QueryRow(ctx, `SELECT has_database_privilege(rolname, current_database(), 'CONNECT'),
		coalesce(has_schema_privilege(rolname, (SELECT oid FROM pg_namespace WHERE nspname = 'public'), 'USAGE'), true),
		coalesce(has_schema_privilege(rolname, (SELECT oid FROM pg_namespace WHERE nspname = 'public'), 'CREATE'), true),
		(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
			AND NOT (has_table_privilege(rolname, c.oid, 'SELECT') AND has_table_privilege(rolname, c.oid, 'INSERT')
				AND has_table_privilege(rolname, c.oid, 'UPDATE') AND has_table_privilege(rolname, c.oid, 'DELETE')))
		FROM pg_roles WHERE rolname = $1`, c.o.Role).Scan(&connect, &usage, &create, &tables)
	if ok, err := found(err); err != nil || !ok {
		return err // a missing role is reported already
	}
	var lacks []string
	for what, ok := range map[string]bool{"CONNECT on the database": connect, "USAGE on schema public": usage, "CREATE on schema public": create} {
		if !ok {
			lacks = append(lacks, what)
		}
	}
	if tables > 0 {
		lacks = append(lacks, fmt.Sprintf("SELECT, INSERT, UPDATE and DELETE on %d tables", tables))
	}
	if len(lacks) > 0 {
		slices.Sort(lacks)
		c.add("db-privileges", "error", "role "+quoteName(c.o.Role)+" lacks "+strings.Join(lacks, ", "), "'database ensure' and 'database repair object-owner' make it the owner, who lacks nothing; or GRANT them")
	}
	return nil
}

func (c *checker) settings(ctx context.Context) error {
	var extensions, search, readOnly string
	err := c.tx.QueryRow(ctx, `SELECT coalesce((SELECT string_agg(extname || ' ' || extversion, ', ' ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'), ''),
		`+effective("default_text_search_config")+`, `+effective("default_transaction_read_only"), c.o.Role).Scan(&extensions, &search, &readOnly)
	if err != nil {
		return err
	}
	if extensions != "" {
		c.add("db-extensions", "info", "extensions are installed: "+extensions+"; Mattermost needs none, and a move or restore needs the same on the other server", "DROP EXTENSION what nobody uses, or install it on the target too")
	}
	if search != "pg_catalog.english" && search != "english" {
		c.add("db-text-search", "warning", "default_text_search_config is "+search+", but Mattermost's search indexes are built for english: they are not used", "'database ensure' sets it for the database; or rebuild idx_posts_message_txt for the language")
	}
	if readOnly == "on" {
		c.add("db-read-only", "error", "default_transaction_read_only is on for "+quoteName(c.o.Role)+": Mattermost cannot write", "ALTER DATABASE or ALTER ROLE … RESET default_transaction_read_only")
	}
	return nil
}

// effective is the value of a setting for the role ($1) in this database:
// what is set for both, the role, the database, or the server.
func effective(name string) string {
	return `coalesce((SELECT split_part(v, '=', 2) FROM pg_db_role_setting s, unnest(setconfig) v
		WHERE v LIKE '` + strings.ReplaceAll(name, "_", `\_`) + `=%' AND (setdatabase = 0 OR setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
		AND (setrole = 0 OR setrole = (SELECT oid FROM pg_roles WHERE rolname = $1))
		ORDER BY setrole <> 0 AND setdatabase <> 0 DESC, setrole <> 0 DESC LIMIT 1), current_setting('` + name + `'))`
}
