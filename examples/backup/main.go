// Command backup saves a Mattermost installation, proves that the backup
// restores, and restores it beside the living one. All logic is in package
// backup; this is flags and printing.
package main

import (
	"context"
	"os"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func main() { os.Exit(cli.Main("backup", run)) }

const help = `backup saves a Mattermost installation as one verified unit and restores it.

Usage: backup COMMAND [flags]

  create     save database, files and configuration; the server may run
  list       list the backups of a store
  show       print what a backup holds, or one document of it
  verify     read a backup and compare every hash
  rehearse   restore into a scratch database and directory, compare, clean up
  restore    restore beside the living installation, then swap
  rollback   undo a finished restore
  discard    delete what a restore kept
  recover    end a restore that was interrupted
  import     make a backup from files of the documented commands
  prune      delete old backups by a plan
  export     write a backup as one tar
  copy       copy a backup to another store
  schedule   print a systemd timer

The installation is found where GitLab's Linux package (/var/opt/gitlab/mattermost)
or Mattermost's own (/opt/mattermost) puts it; flags name other places.

Example:

  backup create   -store /var/backups/mattermost
  backup rehearse -store /var/backups/mattermost -scratch /var/tmp
  backup restore  -store /var/backups/mattermost -n

'backup COMMAND -h' explains a command.
Exit status: 0 good, 1 error, 2 wrong call, 3 findings of severity error, 130 interrupted.
`

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "backup", help, []cli.Command{
		{Name: "create", Run: create},
		{Name: "list", Run: list},
		{Name: "show", Run: show},
		{Name: "verify", Run: verify},
		{Name: "rehearse", Run: rehearse},
		{Name: "restore", Run: restore},
		{Name: "rollback", Run: rollback},
		{Name: "discard", Run: discard},
		{Name: "recover", Run: recoverRestores},
		{Name: "import", Run: importFiles},
		{Name: "prune", Run: prune},
		{Name: "export", Run: export},
		{Name: "copy", Run: copyBackup},
		{Name: "schedule", Run: schedule},
	}, args, s)
}
