package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

// lowerPriority makes every thread of this process, and with them the children
// that are started later, run behind others. The server's own work is not
// affected.
func lowerPriority(n int) error {
	if n == 0 {
		return nil
	}
	if n < 0 || n > 19 {
		return cli.Usagef("-nice %d: want 0 to 19", n)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("lower the priority: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, n); err != nil && err != syscall.ESRCH { // a thread that ended
			return fmt.Errorf("lower the priority: %w", err)
		}
	}
	return nil
}
