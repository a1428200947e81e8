package backup

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// server is how to reach one PostgreSQL server.
type server struct {
	info conninfo
	// osUser is whom peer authentication shall see; nil is this process's
	// own user.
	osUser *syscall.Credential
}

// newServer parses dsn and looks osUser up.
func newServer(dsn Secret, osUser string) (*server, error) {
	info, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	s := &server{info: info}
	if osUser == "" {
		return s, nil
	}
	u, err := user.Lookup(osUser)
	if err != nil {
		return nil, fmt.Errorf("operating system user for the database: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("operating system user %s: unusable ids %s, %s", osUser, u.Uid, u.Gid)
	}
	s.osUser = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return s, nil
}

func (s *server) with(dbname string) *server {
	return &server{info: s.info.with(dbname), osUser: s.osUser}
}

// connect opens a connection whose session has no time limits: the Linux
// package sets 60 s for statements and idle transactions, which a backup
// exceeds.
func (s *server) connect(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := s.info.config()
	if err != nil {
		return nil, err
	}
	if s.osUser != nil {
		cfg.DialFunc = s.dialAs
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s: %w", s.info["dbname"], err)
	}
	_, err = conn.Exec(ctx, `SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0; SET row_security = off; SET DateStyle = ISO; SET IntervalStyle = postgres; SET extra_float_digits = 1; SET client_min_messages = warning`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("prepare session: %w", err)
	}
	return conn, nil
}

// dialAs connects with the effective user of osUser, which is what the server
// asks the kernel for. Only the one thread changes, and only for the call.
func (s *server) dialAs(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "unix" {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	runtime.LockOSThread()
	const keep = ^uintptr(0)
	set := func(uid uintptr) error {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uid, keep); errno != 0 {
			return fmt.Errorf("act as another operating system user: %w", errno)
		}
		return nil
	}
	self := uintptr(syscall.Geteuid())
	if err := set(uintptr(s.osUser.Uid)); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	// The socket calls must stay on this thread, so they are made directly;
	// connecting to a local socket does not wait.
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		if err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: addr}); err != nil {
			_ = syscall.Close(fd) // the connect error is the one to report
		}
	}
	if backErr := set(self); backErr != nil {
		// The thread stays locked: the runtime ends it with its goroutine.
		return nil, backErr
	}
	runtime.UnlockOSThread()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return fileConn(fd)
}
