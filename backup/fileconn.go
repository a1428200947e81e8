package backup

import (
	"errors"
	"net"
	"os"
)

// fileConn wraps a connected socket for the runtime's poller.
func fileConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "postgresql")
	conn, err := net.FileConn(f) // a duplicate
	return conn, errors.Join(err, f.Close())
}
