package database

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// fileOwner is the name of the OS user that owns path.
func fileOwner(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", fmt.Errorf("owner of %s is not known on this system", path)
	}
	id := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username, nil
	}
	return id, nil
}
