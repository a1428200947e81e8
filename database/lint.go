package database

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Lint says what is wrong with a data source for Mattermost, without
// connecting: the words that PostgreSQL's tools accept and Mattermost's driver
// does not (and the other way round), missing parts, passwords that do not
// survive, plain text over a network, and GitLab's own database given by
// mistake. where is what Finding.Where says, for example
// "mattermost['sql_data_source']". No finding holds a password.
func Lint(text, where string) []Finding {
	l := &linter{where: where}
	d, err := ParseDSN(text)
	switch {
	case errors.Is(err, ErrMySQL):
		l.add("dsn-mysql", "error", "the data source is one for MySQL", "convert the data to PostgreSQL (Mattermost's migration-assist with pgloader), then use a PostgreSQL data source")
		return l.findings
	case err != nil:
		l.add("dsn-syntax", "error", err.Error(), "correct the data source; 'database dsn' shows how it is read")
		return l.findings
	}
	l.text, l.d, l.url = strings.TrimSpace(text), d, IsURL(strings.TrimSpace(text))
	l.ssl()
	l.target()
	l.password()
	l.hosts()
	l.params()
	return l.findings
}

type linter struct {
	where, text string
	url         bool
	d           DSN
	findings    []Finding
}

func (l *linter) add(id, severity, message, fix string) {
	l.findings = append(l.findings, Finding{ID: id, Severity: severity, Message: message, Where: l.where, Fix: fix})
}

// network tells whether any host is reached over TCP, and remote whether one
// is not this machine.
func (l *linter) network() (tcp, remote bool) {
	for _, h := range l.d.Hosts {
		if h.Socket() || h.Name == "" {
			continue
		}
		tcp = true
		addr, err := netip.ParseAddr(h.Name)
		if h.Name != "localhost" && (err != nil || !addr.IsLoopback()) {
			remote = true
		}
	}
	return tcp, remote
}

// sslModes are what Mattermost's driver (lib/pq) accepts. prefer and allow are
// libpq's, required is a slip of GitLab's documentation.
var sslModes = []string{"disable", "require", "verify-ca", "verify-full"}

func (l *linter) ssl() {
	mode, given := l.d.Params["sslmode"]
	tcp, remote := l.network()
	switch {
	case given && mode == "required":
		l.add("dsn-sslmode", "error", "sslmode=required is no value of PostgreSQL; Mattermost pings for ever instead of starting", "write sslmode=require")
	case given && (mode == "prefer" || mode == "allow"):
		l.add("dsn-sslmode", "error", "sslmode="+mode+" is known to PostgreSQL's own tools, not to Mattermost's driver", "write sslmode=require, or verify-full with sslrootcert")
	case given && !slices.Contains(sslModes, mode):
		l.add("dsn-sslmode", "error", "the value of sslmode is none of "+strings.Join(sslModes, ", "), "write sslmode=require, or verify-full with sslrootcert")
	case !given && tcp:
		l.add("dsn-sslmode-missing", "warning", "no sslmode over TCP: Mattermost's driver takes require, so a server without TLS is refused, while PostgreSQL's tools take prefer", "write the sslmode that is meant")
	case mode == "disable" && remote:
		l.add("dsn-plaintext", "warning", "sslmode=disable sends the password's proof and every message over the network in plain text", "write sslmode=require, better verify-full with sslrootcert, and switch TLS on in PostgreSQL")
	case mode == "require" && remote && l.d.Params["sslrootcert"] == "":
		l.add("dsn-unverified", "info", "sslmode=require encrypts but does not check who the server is", "write sslmode=verify-full and sslrootcert=FILE")
	}
}

func (l *linter) target() {
	switch d := l.d; {
	case d.Database == "":
		l.add("dsn-no-database", "error", "no database is named, so PostgreSQL takes the one named like the user", "add dbname="+DefaultDatabase)
	case d.Database == GitLabDatabase || refuseName(d.Database) != nil:
		l.add("dsn-gitlab-database", "error", "database "+quoteName(d.Database)+" is not Mattermost's: it belongs to GitLab or to PostgreSQL itself", "name Mattermost's own database, by default "+DefaultDatabase)
	case d.User == "gitlab" || d.User == "gitlab-psql" || d.User == "postgres":
		l.add("dsn-foreign-role", "warning", "role "+quoteName(d.User)+" is GitLab's or PostgreSQL's administrator, not Mattermost's", "use a role of its own, by default "+DefaultRole)
	}
	if l.d.User == "" {
		l.add("dsn-no-user", "error", "no user is named, so PostgreSQL takes the name of the OS user", "add user="+DefaultRole)
	}
}

func (l *linter) password() {
	password := l.d.Password.Reveal()
	if password == "" {
		if _, remote := l.network(); remote && l.d.Params["sslcert"] == "" && l.d.Params["passfile"] == "" {
			l.add("dsn-no-password", "info", "no password for a server on another machine", "add a password, unless the server trusts this address or uses certificates")
		}
		return
	}
	if !l.url {
		l.add("dsn-password-logged", "warning", "Mattermost masks the password in its log only when the data source is a URL; this one is printed whole", "write the data source as a URL ('database dsn -url' converts it)")
	} else if raw := l.rawUserInfo(); strings.ContainsAny(raw, `@ "<>[]{}|\^`+"`") || strings.Count(raw, ":") > 1 {
		l.add("dsn-password-escaping", "error", "the password holds a reserved character that is not percent-encoded; programs disagree on where it ends", "percent-encode it: "+encodingOf(raw))
	}
	if l.d.Params["passfile"] == "" && strings.ContainsAny(password, "$`\"' \\!;&|<>()*?#~") {
		l.add("dsn-password-shell", "info", "the password holds characters that a shell or an env file may change", "put the data source in single quotes wherever a shell or systemd reads it, or choose letters and digits")
	}
	if strings.ContainsFunc(password, func(r rune) bool { return r > 0x7e || r < ' ' }) {
		l.add("dsn-password-ascii", "warning", "the password holds characters outside printable ASCII, which drivers normalise differently", "choose a password of ASCII letters and digits")
	}
}

// rawUserInfo is what stands between :// and the last @ before the path.
func (l *linter) rawUserInfo() string {
	rest := l.text[strings.Index(l.text, "://")+3:]
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest[:max(0, strings.LastIndexByte(rest, '@'))]
}

// encodingOf names the encodings of the reserved characters in raw, not raw.
func encodingOf(raw string) string {
	var out []string
	for _, c := range `@: "<>[]{}|\^` + "`" {
		if strings.ContainsRune(raw, c) && (c != ':' || strings.Count(raw, ":") > 1) {
			out = append(out, fmt.Sprintf("%c is %s", c, strings.ReplaceAll(url.QueryEscape(string(c)), "+", "%20")))
		}
	}
	return strings.Join(out, ", ")
}

func (l *linter) hosts() {
	for _, h := range l.d.Hosts {
		if h.Name == "dockerhost" {
			l.add("dsn-dockerhost", "error", "host dockerhost is the default that is compiled into old servers: the program runs without the bundle's environment", "run it with the environment (chpst -e /opt/gitlab/etc/mattermost/env), or set SqlSettings.DataSource")
		}
		if l.url && h.Socket() && strings.Contains(strings.ToLower(l.text), "%2f") && !strings.Contains(l.text, "host=") {
			l.add("dsn-url-socket", "error", "a percent-encoded socket directory in the host's place is refused by Mattermost's driver", "write "+l.d.RedactedURL())
		}
	}
	if len(l.d.Hosts) > 1 {
		l.add("dsn-several-hosts", "warning", "several hosts: older versions of Mattermost's driver take the list as one host name", "name one host (a virtual address or pgbouncer), or check that the Mattermost in use accepts a list")
	}
}

// knownParams are the keys that mean something to lib/pq, pgx or libpq;
// everything else is sent to the server as a setting.
var knownParams = strings.Fields(`sslmode sslcert sslkey sslrootcert sslinline sslsni sslpassword sslnegotiation
	connect_timeout binary_parameters disable_prepared_binary_result fallback_application_name application_name
	passfile service servicefile target_session_attrs krbspn krbsrvname search_path options client_encoding
	statement_timeout lock_timeout idle_in_transaction_session_timeout default_transaction_isolation datestyle timezone
	TimeZone extra_float_digits work_mem hostaddr keepalives keepalives_idle tcp_user_timeout gssencmode
	channel_binding default_transaction_read_only default_query_exec_mode statement_cache_capacity`)

func (l *linter) params() {
	for _, key := range l.d.paramNames() {
		value := l.d.Params[key]
		switch {
		case !slices.Contains(knownParams, key) && !strings.Contains(key, "."):
			l.add("dsn-unknown-key", "warning", "key "+quoteName(key)+" is not known; it is sent to the server as a setting, which refuses the connection when it does not know it", "check the spelling")
		case key == "connect_timeout":
			if n, err := strconv.Atoi(value); err != nil || n < 0 {
				l.add("dsn-timeout", "error", "connect_timeout is not a number of seconds", "write connect_timeout=10")
			}
		case key == "binary_parameters" && value != "yes" && value != "no":
			l.add("dsn-binary-parameters", "error", "binary_parameters is neither yes nor no", "write binary_parameters=yes (for pgbouncer) or leave it out")
		case key == "search_path" && !slices.ContainsFunc(strings.Split(value, ","), func(s string) bool {
			s = strings.Trim(strings.TrimSpace(s), `"`)
			return s == "public"
		}):
			l.add("dsn-search-path", "warning", "search_path does not hold public, where Mattermost's tables are unless they were made with the same search_path", "leave search_path out, or add public")
		}
	}
	if tcp, _ := l.network(); tcp && l.d.Params["connect_timeout"] == "" {
		l.add("dsn-timeout", "info", "no connect_timeout: a server that does not answer is waited for as long as the system does", "add connect_timeout=10")
	}
}
