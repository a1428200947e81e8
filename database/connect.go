package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DefaultTimeout is how long Connect waits for a server when the data source
// has no connect_timeout.
const DefaultTimeout = 10 * time.Second

// ConnectError says why a server could not be used. Reason is one of
// "unreachable", "timeout", "name", "socket", "authentication", "no-database",
// "tls", "starting", "full", "permission", "data-source", "cancelled" and "other". It never holds a password.
type ConnectError struct {
	Reason string
	Target string // the data source, masked
	Hint   string // what to do, may be empty
	Err    error
}

// Error says where and why connecting failed, and what to do.
func (e *ConnectError) Error() string {
	s := fmt.Sprintf("connect to %s: %s: %v", e.Target, e.Reason, e.Err)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// Connect opens one connection. Keys that only Mattermost's driver knows
// (binary_parameters and the like) are left out. What the data source does not
// say comes from the PG* variables of the environment, as with every PostgreSQL
// client. The session has no statement timeout (the Linux package sets 60 s for
// the whole server); ctx is the limit. An error is a *ConnectError whose Hint says what to do; for a socket
// of GitLab's bundle that includes which OS user to become.
func Connect(ctx context.Context, d DSN) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(forPGX(d))
	if err != nil {
		// pgx quotes the connection string, masked as best it can; ours has
		// no value in its text, so only the cause is passed on.
		return nil, &ConnectError{Reason: "data-source", Target: d.String(), Err: cause(err)}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = DefaultTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "gitlab-mattermost-sdk"
	}
	// Go's strings are UTF-8; without it a session speaks the database's encoding.
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout*time.Duration(max(1, len(cfg.Fallbacks)+1)))
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, explain(d, cfg, err)
	}
	if _, err := conn.Exec(ctx, timeoutsSQL); err != nil {
		return nil, errors.Join(explain(d, cfg, err), conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

// OpenerFor is an Opener that connects like d, but to other databases.
func OpenerFor(d DSN) Opener {
	return func(ctx context.Context, database string) (*pgx.Conn, error) {
		return Connect(ctx, d.With(database))
	}
}

// onlyLibPQ are keys of Mattermost's driver that pgx would send to the server.
var onlyLibPQ = []string{"binary_parameters", "disable_prepared_binary_result", "fallback_application_name", "sslinline",
	"hostaddr", "keepalives", "keepalives_idle", "tcp_user_timeout", "gssencmode"}

func forPGX(d DSN) string {
	params := map[string]string{}
	for k, v := range d.Params {
		params[k] = v
	}
	for _, key := range onlyLibPQ {
		delete(params, key)
	}
	if name := d.Params["fallback_application_name"]; name != "" && params["application_name"] == "" {
		params["application_name"] = name
	}
	d.Params = params
	return d.Keyword().Reveal()
}

func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	return errors.New(Redact(err.Error()))
}

// explain finds the reason in what pgx and the server said.
func explain(d DSN, cfg *pgx.ConnConfig, err error) error {
	e := &ConnectError{Reason: "other", Target: d.String(), Err: err}
	var dns *net.DNSError
	var op *net.OpError
	var failed *pgconn.ConnectError
	text := err.Error()
	if errors.As(err, &failed) && failed.Unwrap() != nil {
		e.Err = failed.Unwrap() // the target is said already
	}
	switch c := code(err); {
	case c == "28P01":
		e.Reason, e.Hint = "authentication", "the password is wrong, or the role has none"
	case c == "28000":
		e.Reason, e.Hint = "authentication", peerHint(cfg)
	case c == "3D000":
		e.Reason, e.Hint = "no-database", "'database ensure' creates it"
	case c == "42501":
		e.Reason, e.Hint = "permission", "GRANT CONNECT ON DATABASE to the role"
	case c == "57P03":
		e.Reason, e.Hint = "starting", "the server is starting or stopping; try again"
	case c == "53300":
		e.Reason, e.Hint = "full", "no connection is left: raise max_connections or the database's or role's limit, or end sessions"
	case c == "42704" || c == "22023":
		e.Reason, e.Hint = "data-source", "a key of the data source is no setting of this server"
	case errors.Is(err, context.Canceled):
		e.Reason = "cancelled"
	case errors.As(err, &dns):
		e.Reason, e.Hint = "name", "the host name does not resolve"
		if dns.Name == "dockerhost" {
			e.Hint = "dockerhost is the default of a server that runs without its environment"
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), strings.Contains(text, "timeout"):
		e.Reason, e.Hint = "timeout", "the server does not answer: check address, port and firewall"
	case strings.Contains(text, "server refused TLS"):
		e.Reason, e.Hint = "tls", "the server has no TLS: switch it on there, or write sslmode=disable if the network is trusted"
	case strings.Contains(text, "tls:") || strings.Contains(text, "x509:"):
		e.Reason, e.Hint = "tls", "check sslrootcert and that the certificate names the host"
	case errors.Is(err, os.ErrPermission):
		e.Reason, e.Hint = "permission", socketHint(cfg)
	case errors.As(err, &op) && op.Net == "unix":
		e.Reason, e.Hint = "socket", "no server listens on that socket: check the directory and the port, and that PostgreSQL runs"
	case errors.As(err, &op):
		e.Reason, e.Hint = "unreachable", "nothing listens there: check address and port, and that PostgreSQL runs"
	}
	return e
}

// socketHint tells whose socket it is.
func socketHint(cfg *pgx.ConnConfig) string {
	return "this OS user may not use the socket" + become(cfg)
}

func peerHint(cfg *pgx.ConnConfig) string {
	if !strings.HasPrefix(cfg.Host, "/") {
		return "pg_hba.conf has no line that lets this role in from here"
	}
	me := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(me); err == nil {
		me = u.Username
	}
	return "over a socket the server asks who the OS user is, and " + me + " may not be " + quoteName(cfg.User) + become(cfg)
}

// become names the OS user that owns the socket, which may do everything.
func become(cfg *pgx.ConnConfig) string {
	path := filepath.Join(cfg.Host, ".s.PGSQL."+strconv.Itoa(int(cfg.Port)))
	owner, err := fileOwner(path)
	if err != nil {
		if owner, err = fileOwner(cfg.Host); err != nil {
			return ""
		}
	}
	extra := ""
	if cfg.User == DefaultRole {
		extra = ", or 'sudo -u mattermost' for the role " + DefaultRole + " of a bundle before 19.0"
	}
	return ": run it as the owner of the socket, 'sudo -u " + owner + "' with user=" + owner + extra
}
