package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const units = `# /etc/systemd/system/mattermost-backup.service
[Unit]
Description=Backup of Mattermost
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=%[1]s create -store %[2]s -base latest -nice 10
ExecStart=%[1]s verify -store %[2]s -depth sampled
ExecStart=%[1]s prune -store %[2]s -daily 7 -weekly 4 -monthly 6
UMask=0077

# /etc/systemd/system/mattermost-backup.timer
[Unit]
Description=Backup of Mattermost

[Timer]
OnCalendar=%[3]s
RandomizedDelaySec=15m
Persistent=true

[Install]
WantedBy=timers.target

# Then: systemctl daemon-reload && systemctl enable --now mattermost-backup.timer
`

func schedule(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("schedule", `backup schedule prints a systemd service and timer that back up, verify a sample
and prune. It changes nothing.

  backup schedule -store /var/backups/mattermost -at 02:30

Flags:
`, s)
	store := storeFlag(f, "store")
	at := f.String("at", "*-*-* 02:30:00", "`time` as systemd's OnCalendar wants it")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArgs(f); err != nil {
		return err
	}
	if *store == "" {
		return cli.Usagef("-store is required: where the backups are")
	}
	if strings.ContainsAny(*store, " \n\"'%") || strings.Contains(*at, "\n") {
		return cli.Usagef("-store: spaces, quotes and %% would have to be escaped for systemd; use a plain path")
	}
	if clock := strings.Trim(*at, "0123456789") == ":"; clock {
		if _, err := time.Parse("15:04", *at); err != nil {
			return cli.Usagef("-at %q: want a time of day such as 02:30, or systemd's OnCalendar form", *at)
		}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, units, filepath.Clean(program), *store, *at)
	return err
}
