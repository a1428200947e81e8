package database

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxDSN bounds what is parsed; a real data source has a few hundred bytes.
const maxDSN = 64 << 10

// ErrMySQL is in the chain when a data source is one for MySQL, which
// Mattermost 11 and GitLab's bundle do not support.
var ErrMySQL = errors.New("a MySQL data source is not supported: Mattermost 11 and GitLab's bundle know PostgreSQL only; convert the data with Mattermost's migration-assist and pgloader first")

// Host is one server of a connection string.
type Host struct {
	Name string // host name, address, or the directory of a Unix socket
	Port int    // 0 means not given: 5432
}

// Socket tells whether the host is a directory with a Unix socket.
func (h Host) Socket() bool { return strings.HasPrefix(h.Name, "/") || strings.HasPrefix(h.Name, "@") }

// DSN is a parsed data source, independent of the form it was written in.
// Printing one masks the password; Keyword and URL give it as a Secret.
type DSN struct {
	User     string
	Password Secret
	Hosts    []Host // none means PostgreSQL's default: the local socket
	Database string
	// Params are the other keys: sslmode, connect_timeout, binary_parameters,
	// search_path and so on, as written.
	Params map[string]string
}

// Default is the data source that the Linux package computed when
// mattermost['sql_data_source'] was not given. socketDir is
// postgresql['unix_socket_directory'], or "" for its default.
func Default(socketDir string) DSN {
	if socketDir == "" {
		socketDir = DefaultSocketDir
	}
	return DSN{User: DefaultRole, Hosts: []Host{{socketDir, 5432}}, Database: DefaultDatabase}
}

// With is the same data source for another database.
func (d DSN) With(database string) DSN {
	d.Database = database
	return d
}

// ParseDSN reads a data source in either form that Mattermost accepts:
// keyword/value ("user=… host=… dbname=…", values quoted with ' and escaped with
// \) or URL (postgres:// or postgresql://, percent-encoded). Sockets, several
// hosts and arbitrary parameters are kept. A data source for MySQL gives
// ErrMySQL. No error text holds a value, because it could be the password.
func ParseDSN(text string) (DSN, error) {
	if len(text) > maxDSN {
		return DSN{}, fmt.Errorf("parse data source: %d bytes, at most %d are read", len(text), maxDSN)
	}
	if strings.ContainsRune(text, 0) {
		return DSN{}, errors.New("parse data source: it holds a NUL byte")
	}
	trimmed := strings.TrimSpace(text)
	var d DSN
	var err error
	switch {
	case trimmed == "":
		return DSN{}, errors.New("parse data source: it is empty")
	case isMySQL(trimmed):
		return DSN{}, fmt.Errorf("parse data source: %w", ErrMySQL)
	case IsURL(trimmed):
		d, err = parseURL(trimmed)
	default:
		d, err = parseKeywords(trimmed)
	}
	if err == nil && strings.ContainsRune(d.keyword(d.Password.Reveal()), 0) {
		err = errors.New("a value holds a NUL byte")
	}
	if err != nil {
		return DSN{}, fmt.Errorf("parse data source: %w", err)
	}
	d.normalise()
	return d, nil
}

// normalise drops what says nothing, so that equal data sources are equal
// values: a single host without name and port, and no parameters at all.
func (d *DSN) normalise() {
	if len(d.Hosts) == 1 && d.Hosts[0] == (Host{}) {
		d.Hosts = nil
	}
	if len(d.Params) == 0 {
		d.Params = nil
	}
}

// IsURL tells whether a data source is written as a URL.
func IsURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

func isMySQL(s string) bool {
	if strings.HasPrefix(s, "mysql://") {
		return true
	}
	// user:password@tcp(host:3306)/db?charset=utf8mb4
	for _, p := range []string{"@tcp(", "@unix(", "@tcp6("} {
		if i := strings.Index(s, p); i >= 0 && strings.Contains(s[i:], ")/") {
			return true
		}
	}
	return false
}

// assign puts one key of the keyword form, or one query parameter, in place.
func (d *DSN) assign(key, value string, hosts, ports *string) error {
	switch key {
	case "user":
		d.User = value
	case "password":
		d.Password = Secret(value)
	case "dbname", "database":
		d.Database = value
	case "host":
		*hosts = value
	case "port":
		*ports = value
	default:
		if _, twice := d.Params[key]; twice {
			return fmt.Errorf("key %q is given twice", key)
		}
		if d.Params == nil {
			d.Params = map[string]string{}
		}
		d.Params[key] = value
	}
	return nil
}

// setHosts pairs a list of hosts with a list of ports; one port serves all.
func (d *DSN) setHosts(hosts, ports string) error {
	if hosts == "" && ports == "" {
		return nil
	}
	names, numbers := strings.Split(hosts, ","), strings.Split(ports, ",")
	if len(numbers) != 1 && len(numbers) != len(names) {
		return fmt.Errorf("%d hosts but %d ports", len(names), len(numbers))
	}
	d.Hosts = nil
	for i, name := range names {
		p, err := parsePort(numbers[min(i, len(numbers)-1)])
		if err != nil {
			return err
		}
		d.Hosts = append(d.Hosts, Host{name, p})
	}
	return nil
}

func parsePort(s string) (int, error) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, nil
	}
	p, err := strconv.Atoi(s)
	if err != nil || p < 1 || p > 65535 {
		return 0, errors.New("port is not a number from 1 to 65535 (in a URL: a reserved character in the password must be percent-encoded)")
	}
	return p, nil
}

// String is the keyword form with the password masked.
func (d DSN) String() string { return d.keyword(d.Password.String()) }

// GoString keeps %#v from printing the fields.
func (d DSN) GoString() string { return "database.DSN{" + d.String() + "}" }

// Keyword is the keyword/value form, in a fixed order: user, host, port,
// dbname, password, then the parameters sorted.
func (d DSN) Keyword() Secret { return Secret(d.keyword(d.Password.Reveal())) }

func (d DSN) keyword(password string) string {
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+"="+quoteValue(value))
		}
	}
	hosts, ports := d.hostLists()
	add("user", d.User)
	add("host", hosts)
	add("port", ports)
	add("dbname", d.Database)
	add("password", password)
	for _, key := range d.paramNames() {
		parts = append(parts, key+"="+quoteValue(d.Params[key]))
	}
	return strings.Join(parts, " ")
}

func (d DSN) paramNames() []string {
	names := make([]string, 0, len(d.Params))
	for key := range d.Params {
		names = append(names, key)
	}
	slices.Sort(names)
	return names
}

// hostLists are the comma-separated host and port lists.
func (d DSN) hostLists() (hosts, ports string) {
	var names, numbers []string
	given, same := false, true
	for _, h := range d.Hosts {
		names = append(names, h.Name)
		n := ""
		if h.Port != 0 {
			n, given = strconv.Itoa(h.Port), true
		}
		same = same && (len(numbers) == 0 || numbers[0] == n)
		numbers = append(numbers, n)
	}
	switch {
	case !given:
		return strings.Join(names, ","), ""
	case same:
		return strings.Join(names, ","), numbers[0]
	}
	return strings.Join(names, ","), strings.Join(numbers, ",")
}

// quoteValue quotes a value of the keyword form when it needs it.
func quoteValue(v string) string {
	if v != "" && !strings.ContainsAny(v, " \t\n\r\v\f'\\") {
		return v
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}

// URL is the URL form. A socket directory goes into the query
// (postgres:///db?host=/dir), because Go's URL parser, which Mattermost uses,
// refuses one that is percent-encoded in the host's place.
func (d DSN) URL() Secret { return Secret(d.url(d.Password)) }

// RedactedURL is the URL form with the password masked.
func (d DSN) RedactedURL() string {
	if d.Password == "" {
		return d.url("")
	}
	return d.url("xxxxx")
}

func (d DSN) url(password Secret) string {
	var b strings.Builder
	b.WriteString("postgres://")
	query := [][2]string{}
	network := !slices.ContainsFunc(d.Hosts, func(h Host) bool { return !plainHost.MatchString(h.Name) })
	// A password without a user has no place before the @.
	if d.User != "" {
		if password != "" {
			b.WriteString(url.UserPassword(d.User, password.Reveal()).String())
		} else {
			b.WriteString(url.User(d.User).String())
		}
		b.WriteByte('@')
	} else if password != "" {
		query = append(query, [2]string{"password", password.Reveal()})
	}
	if network {
		for i, h := range d.Hosts {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(hostPort(h))
		}
	} else if hosts, ports := d.hostLists(); true {
		if hosts != "" {
			query = append(query, [2]string{"host", hosts})
		}
		if ports != "" {
			query = append(query, [2]string{"port", ports})
		}
	}
	b.WriteByte('/')
	b.WriteString(url.PathEscape(d.Database))
	for _, key := range d.paramNames() {
		query = append(query, [2]string{key, d.Params[key]})
	}
	for i, q := range query {
		b.WriteByte("?&"[min(i, 1)])
		// A slash is legal in a query and easier to read; a space must not
		// become +, which libpq takes for a plus.
		b.WriteString(url.QueryEscape(q[0]) + "=" + strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(q[1])))
	}
	return b.String()
}

// plainHost are the names that need no encoding in a URL.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

func hostPort(h Host) string {
	name := h.Name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if h.Port == 0 {
		return name
	}
	return net.JoinHostPort(h.Name, strconv.Itoa(h.Port))
}
