package backup

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"
)

// conninfo is a parsed data source: what a child process of PostgreSQL needs
// in its environment. The driver itself parses the text again.
type conninfo map[string]string

// libpqEnv maps the keys of a data source to libpq's environment. The password
// travels there too: it is readable by the same user only, unlike arguments.
var libpqEnv = [...][2]string{
	{"host", "PGHOST"}, {"hostaddr", "PGHOSTADDR"}, {"port", "PGPORT"}, {"user", "PGUSER"}, {"password", "PGPASSWORD"}, {"dbname", "PGDATABASE"},
	{"sslmode", "PGSSLMODE"}, {"sslrootcert", "PGSSLROOTCERT"}, {"sslcert", "PGSSLCERT"}, {"sslkey", "PGSSLKEY"},
	{"passfile", "PGPASSFILE"}, {"service", "PGSERVICE"}, {"connect_timeout", "PGCONNECT_TIMEOUT"}, {"target_session_attrs", "PGTARGETSESSIONATTRS"},
}

// ignoredKeys are what Mattermost's data sources hold for its own driver and
// no server understands.
var ignoredKeys = [...]string{"binary_parameters"}

// parseDSN reads both forms of a data source. No error quotes it, because it
// may hold a password.
func parseDSN(dsn Secret) (conninfo, error) {
	text := strings.TrimSpace(dsn.Reveal())
	info := conninfo{}
	if strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://") {
		u, err := url.Parse(text)
		if err != nil {
			return nil, errors.New("data source: not a valid postgres:// URL (is a special character in the password not percent-encoded?)")
		}
		if u.Hostname() != "" {
			info["host"] = u.Hostname()
		}
		if u.Port() != "" {
			info["port"] = u.Port()
		}
		if u.User != nil {
			info["user"] = u.User.Username()
			if p, ok := u.User.Password(); ok {
				info["password"] = p
			}
		}
		if db := strings.TrimPrefix(u.Path, "/"); db != "" {
			info["dbname"] = db
		}
		for key, values := range u.Query() {
			info[key] = values[len(values)-1]
		}
	} else if err := parseKeywords(text, info); err != nil {
		return nil, err
	}
	for _, key := range ignoredKeys {
		delete(info, key)
	}
	if db, ok := info["database"]; ok {
		info["dbname"] = db
		delete(info, "database")
	}
	return info, nil
}

// parseKeywords reads "host=… user='…'" with libpq's quoting.
func parseKeywords(text string, info conninfo) error {
	for i := 0; i < len(text); {
		for i < len(text) && isSpace(text[i]) {
			i++
		}
		if i == len(text) {
			break
		}
		eq := strings.IndexByte(text[i:], '=')
		if eq < 0 {
			return errors.New("data source: want key=value pairs or a postgres:// URL")
		}
		key := strings.TrimSpace(text[i : i+eq])
		for i += eq + 1; i < len(text) && isSpace(text[i]); i++ {
		}
		var value strings.Builder
		quoted := i < len(text) && text[i] == '\''
		if quoted {
			i++
		}
		closed := !quoted
		for ; i < len(text); i++ {
			c := text[i]
			if c == '\\' && i+1 < len(text) {
				i++
				value.WriteByte(text[i])
				continue
			}
			if quoted && c == '\'' {
				closed = true
				i++
				break
			}
			if !quoted && isSpace(c) {
				break
			}
			value.WriteByte(c)
		}
		if !closed {
			return fmt.Errorf("data source: the quote of %s does not end", key)
		}
		info[key] = value.String()
	}
	return nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// text gives the keyword form.
func (c conninfo) text() Secret {
	keys := make([]string, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s='%s' ", k, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(c[k]))
	}
	return Secret(strings.TrimSpace(b.String()))
}

// with gives a copy for another database of the same server.
func (c conninfo) with(dbname string) conninfo {
	out := conninfo{}
	for k, v := range c {
		out[k] = v
	}
	out["dbname"] = dbname
	return out
}

// env is the environment for a child process: this process's own, without
// any PG variable, and the data source.
func (c conninfo) env() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") {
			out = append(out, kv)
		}
	}
	for _, pair := range libpqEnv {
		if v, ok := c[pair[0]]; ok {
			out = append(out, pair[1]+"="+v)
		}
	}
	return append(out, "PGAPPNAME=mattermost-backup", "LC_ALL=C.UTF-8")
}

// config prepares a driver connection.
func (c conninfo) config() (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(c.text().Reveal())
	if err != nil {
		// The driver redacts passwords only as well as it can.
		return nil, errors.New("data source: the driver does not understand it; check host, port, sslmode and certificate paths")
	}
	cfg.RuntimeParams["application_name"] = "mattermost-backup"
	return cfg, nil
}
