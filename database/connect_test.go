package database

import (
	"context"
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/pgtest"
)

// reason is the ConnectError's, "" for none.
func reason(err error) string {
	var e *ConnectError
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func TestAServerThatHangsIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // it accepts and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := DSN{User: "u", Password: "hunter2", Database: "d", Hosts: []Host{{"127.0.0.1", l.Addr().(*net.TCPAddr).Port}}, Params: map[string]string{"sslmode": "disable", "connect_timeout": "1"}}
	start := time.Now()
	_, err = Connect(t.Context(), d)
	if took := time.Since(start); reason(err) != "timeout" || took > 5*time.Second || took < 900*time.Millisecond {
		t.Errorf("%v after %s", err, took)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the password is in the message")
	}
	// The caller's own limit counts too, and a cancel is no timeout.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	d.Params["connect_timeout"] = "30"
	start = time.Now()
	if _, err = Connect(ctx, d); time.Since(start) > 3*time.Second || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v after %s", err, time.Since(start))
	}
	_, err = Move(t.Context(), MoveOptions{Source: target("postgres"), Target: DSN{User: "u", Hosts: d.Hosts, Params: map[string]string{"sslmode": "disable", "connect_timeout": "1"}}})
	wantError(t, err, nil, "move: target:", "timeout")
}

func TestConnectNamesTheReason(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"max_connections": "6", "superuser_reserved_connections": "1", "max_wal_senders": "2"},
		HBA: "local all postgres trust\nlocal all peer_role peer\nlocal all all scram-sha-256\nhost all rejected 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n"})
	c.SQL(t, "postgres", "CREATE ROLE pw LOGIN PASSWORD 'right'; CREATE ROLE peer_role LOGIN; CREATE ROLE limited LOGIN CONNECTION LIMIT 0 PASSWORD 'x'; CREATE DATABASE closed; REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
	owner := fileOwnerName(t, c.SocketDir)
	socket, tcp := []Host{{c.SocketDir, c.Port}}, []Host{{"127.0.0.1", c.Port}}
	plain := map[string]string{"sslmode": "disable"}
	for _, test := range []struct {
		why  string
		d    DSN
		want string
		hint string
	}{
		{"wrong password", DSN{User: "pw", Password: "wrong", Hosts: tcp, Database: "postgres", Params: plain}, "authentication", "password is wrong"},
		{"no password", DSN{User: "pw", Hosts: tcp, Database: "postgres", Params: plain}, "authentication", ""},
		{"not the right OS user", DSN{User: "peer_role", Hosts: socket, Database: "postgres"}, "authentication", "'sudo -u " + owner + "' with user=" + owner},
		{"the bundle's role", DSN{User: DefaultRole, Password: "x", Hosts: socket, Database: "postgres"}, "authentication", ""},
		{"pg_hba rejects", DSN{User: "rejected", Password: "x", Hosts: tcp, Database: "postgres", Params: plain}, "authentication", "pg_hba.conf has no line"},
		{"no such database", DSN{User: "pw", Password: "right", Hosts: tcp, Database: "nowhere", Params: plain}, "no-database", "ensure"},
		{"may not connect", DSN{User: "pw", Password: "right", Hosts: tcp, Database: "closed", Params: plain}, "permission", "GRANT CONNECT"},
		{"TLS wanted", DSN{User: "pw", Password: "right", Hosts: tcp, Database: "postgres", Params: map[string]string{"sslmode": "require"}}, "tls", "no TLS"},
		{"limit of the role", DSN{User: "limited", Password: "x", Hosts: tcp, Database: "postgres", Params: plain}, "full", "limit"},
		{"unknown setting", DSN{User: "postgres", Hosts: socket, Database: "postgres", Params: map[string]string{"nonsense": "1"}}, "data-source", "no setting of this server"},
		{"wrong sslmode", DSN{User: "pw", Hosts: tcp, Params: map[string]string{"sslmode": "required"}}, "data-source", ""},
		{"missing certificate", DSN{User: "pw", Hosts: tcp, Params: map[string]string{"sslmode": "verify-full", "sslrootcert": "/nowhere"}}, "data-source", ""},
		{"no host of that name", DSN{User: "pw", Hosts: []Host{{"dockerhost", 0}}, Params: plain}, "name", "without its environment"},
		{"no server behind the socket", DSN{User: "pw", Hosts: []Host{{c.SocketDir, 1}}}, "socket", "no server listens"},
	} {
		conn, err := Connect(t.Context(), test.d)
		if err == nil {
			conn.Close(t.Context())
		}
		if got := reason(err); got != test.want || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%s: reason %q, want %q: %v", test.why, got, test.want, err)
		}
	}
	// A listed host that does not answer is passed over, as libpq does.
	d := DSN{User: "pw", Password: "right", Database: "postgres", Hosts: []Host{{"127.0.0.1", 1}, {"127.0.0.1", c.Port}}, Params: map[string]string{"sslmode": "disable", "binary_parameters": "yes", "fallback_application_name": "me"}}
	conn, err := Connect(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	var name, timeout string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('application_name'), current_setting('statement_timeout')").Scan(&name, &timeout); err != nil || name != "me" || timeout != "0" {
		t.Errorf("%q %q %v", name, timeout, err)
	}
	conn.Close(t.Context())
	if err := c.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, err = Connect(t.Context(), DSN{User: "pw", Hosts: tcp, Params: plain})
	if reason(err) != "unreachable" {
		t.Error(err)
	}
}

func fileOwnerName(t *testing.T, path string) string {
	t.Helper()
	name, err := fileOwner(path)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSocketOwnerIsNamed(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := fileOwnerName(t, path); got != me.Username {
		t.Errorf("%q, want %q", got, me.Username)
	}
	if err := os.Chown(path, 54321, 54321); err != nil {
		t.Fatal(err)
	}
	if got := fileOwnerName(t, path); got != "54321" {
		t.Errorf("an owner without a name is %q", got)
	}
	if _, err := fileOwner(path + "y"); err == nil {
		t.Error("a missing file has an owner")
	}
}
