package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// CheckOptions say what is checked, and for what.
type CheckOptions struct {
	Database string // default mattermost_production
	Role     string // the role that Mattermost connects as; default gitlab_mattermost
	// Mattermost is the version that runs, or is to run, on the database
	// ("10.11.4"); empty leaves out what depends on it.
	Mattermost string
	// DataSource is what Mattermost is configured with, to compare with the one
	// that may be stored in the database itself; its zero value compares names only.
	DataSource DSN
	// MaxOpenConns is SqlSettings.MaxOpenConns of all Mattermost servers
	// together; default 300, the server's own up to 10.x.
	MaxOpenConns int
	// LongTransaction is from when on an open transaction is reported; default
	// ten minutes.
	LongTransaction time.Duration
	Now             time.Time // default the present
}

func (o CheckOptions) normal() CheckOptions {
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	if o.Role == "" {
		o.Role = DefaultRole
	}
	if o.MaxOpenConns == 0 {
		o.MaxOpenConns = 300
	}
	if o.LongTransaction == 0 {
		o.LongTransaction = 10 * time.Minute
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	return o
}

// Report is what Check found out.
type Report struct {
	Database   string         `json:"database"`
	Server     int            `json:"server"` // server_version_num, 0 when not reached
	Bytes      int64          `json:"bytes"`
	Migrations MigrationState `json:"migrations"`
	Findings   []Finding      `json:"findings"` // in the order of the rules
}

// rules are run one after the other; each adds findings.
var rules = []struct {
	name string
	run  func(c *checker, ctx context.Context) error
}{
	{"server version", (*checker).serverVersion},
	{"contents", (*checker).contents},
	{"encoding and collation", (*checker).encoding},
	{"role", (*checker).roleRules},
	{"owners", (*checker).owners},
	{"privileges", (*checker).privileges},
	{"settings", (*checker).settings},
	{"size", (*checker).size},
	{"connections", (*checker).connections},
	{"replication", (*checker).replication},
	{"transactions", (*checker).transactions},
	{"indexes", (*checker).invalidIndexes},
	{"migrations", (*checker).migrations},
	{"stored configuration", (*checker).configuration},
}

// Check looks at a database and reports what is wrong with it for Mattermost.
// It reads only, in one transaction, and works with the rights of whoever
// connects: what that role may not see is left out and named in a finding
// "db-not-checked". A database that cannot be reached is a finding, no error. The
// Manager's own connection is not used and may be nil.
func (m *Manager) Check(ctx context.Context, o CheckOptions) (*Report, error) {
	o = o.normal()
	if o.Mattermost != "" {
		if _, _, err := MinimumServer(o.Mattermost); err != nil {
			return nil, err
		}
	}
	r := &Report{Database: o.Database, Findings: []Finding{}}
	conn, err := m.open(ctx, o.Database)
	if err != nil {
		f, ok := connectFinding(err, o.Database)
		if !ok || ctx.Err() != nil {
			return nil, err
		}
		r.Findings = append(r.Findings, f)
		return r, nil
	}
	defer conn.Close(context.WithoutCancel(ctx)) // it only read
	if _, err := conn.Exec(ctx, sessionSQL); err != nil {
		return nil, err
	}
	c := &checker{o: o, r: r, where: "database " + quoteName(o.Database)}
	for _, rule := range rules {
		err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			c.tx = tx
			return rule.run(c, ctx)
		})
		switch {
		case code(err) == "42501": // no right to see it
			c.add("db-not-checked", "info", rule.name+": "+err.Error(), "run the check as the superuser (over GitLab's socket: 'sudo -u gitlab-psql')")
		case err != nil:
			return nil, fmt.Errorf("check database %s: %s: %w", quoteName(o.Database), rule.name, plain(err))
		}
	}
	return r, nil
}

// connectFinding turns a failed connection into a finding.
func connectFinding(err error, database string) (Finding, bool) {
	var e *ConnectError
	if !errors.As(err, &e) {
		return Finding{}, false
	}
	f := Finding{Severity: "error", Message: e.Error(), Where: e.Target, Fix: e.Hint}
	switch e.Reason {
	case "authentication", "permission":
		f.ID = "db-authentication"
	case "no-database":
		f.ID, f.Where = "db-missing", "database "+quoteName(database)
	case "tls":
		f.ID = "db-tls"
	case "full":
		f.ID = "db-connections"
	case "data-source":
		f.ID = "db-data-source"
	default:
		f.ID = "db-unreachable"
	}
	return f, true
}

// checker is one run of the rules.
type checker struct {
	o     CheckOptions
	r     *Report
	tx    pgx.Tx
	where string

	empty bool // no tables: some rules make no sense
}

func (c *checker) add(id, severity, message, fix string) {
	c.r.Findings = append(c.r.Findings, Finding{id, severity, message, c.where, fix})
}

// table tells whether a table of schema public exists.
func (c *checker) table(ctx context.Context, name string) (bool, error) {
	var ok bool
	err := c.tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", "public."+ident(name)).Scan(&ok)
	return ok, err
}

func (c *checker) serverVersion(ctx context.Context) error {
	if err := c.tx.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, pg_database_size(current_database())").Scan(&c.r.Server, &c.r.Bytes); err != nil {
		return err
	}
	f, err := versionFindings(c.r.Server, c.o.Mattermost, c.o.Now)
	c.r.Findings = append(c.r.Findings, f...)
	return err
}

func (c *checker) contents(ctx context.Context) error {
	var tables int
	var gitlab []string
	err := c.tx.QueryRow(ctx, `SELECT count(*), coalesce(array_agg(relname::text ORDER BY relname) FILTER (WHERE relname = ANY($1)), '{}')
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p') AND nspname = 'public'`, gitlabTables).Scan(&tables, &gitlab)
	if err != nil {
		return err
	}
	if len(gitlab) > 1 {
		c.add("db-gitlab", "error", "this is GitLab's own database", "name Mattermost's, by default "+DefaultDatabase)
	}
	if tables == 0 {
		c.empty = true
		c.add("db-empty", "warning", "there are no tables: Mattermost makes a new, empty installation here at its start, without a word", "restore a backup first, unless a new installation is meant")
	}
	return nil
}

func (c *checker) encoding(ctx context.Context) error {
	var encoding, ctype string
	err := c.tx.QueryRow(ctx, "SELECT pg_encoding_to_char(encoding), coalesce(datctype, '') FROM pg_database WHERE datname = current_database()").Scan(&encoding, &ctype)
	if err != nil {
		return err
	}
	if encoding != "UTF8" {
		c.add("db-encoding", "error", "the encoding is "+encoding+", so texts in other scripts and emoji are refused or damaged", "move the data into a database with UTF8 ('database move')")
	}
	if ctype == "C" || ctype == "POSIX" {
		c.add("db-ctype", "info", "the character type is "+ctype+": upper and lower case of letters outside ASCII are not known, so searches for them miss some", "choose a UTF-8 locale when the database is made anew")
	}
	if c.r.Server < 150000 {
		return nil
	}
	var stored, actual string
	err = c.tx.QueryRow(ctx, "SELECT coalesce(datcollversion, ''), coalesce(pg_database_collation_actual_version(oid), '') FROM pg_database WHERE datname = current_database()").Scan(&stored, &actual)
	if err == nil && stored != "" && stored != actual {
		c.add("db-collation-version", "error", "the indexes were built with collation version "+stored+", the operating system has "+actual+": texts may not be found, and unique keys may hold twice",
			"'database repair collation-version' rebuilds the indexes and notes the new version")
	}
	return err
}
