package database

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/childproc"
)

// DumpFile is a Backuper that writes one custom-format dump, which pg_restore
// reads. Package backup does far more; this is the last safety line of a drop.
type DumpFile struct {
	Source DSN    // the server, as a role that may read the database
	Path   string // the file, mode 0600; it appears only when complete
	// ProgramDirs are searched for pg_dump besides the usual places.
	ProgramDirs []string
}

// BackupDatabase dumps the database of that name.
func (f DumpFile) BackupDatabase(ctx context.Context, database string) (err error) {
	conn, err := Connect(ctx, f.Source.With(database))
	if err != nil {
		return err
	}
	server, err := serverVersion(ctx, conn)
	if err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	// Nothing is restored now, so any newer pg_dump will do.
	client, err := ChooseClient(FindClients(ctx, f.ProgramDirs...), server, 990000)
	if err != nil {
		return err
	}
	out, err := atomicfile.Create(f.Path, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Cancel(); e != nil && err != nil {
			err = errors.Join(err, e)
		}
	}()
	dump, err := childproc.Reader(ctx, client.command(f.Source.With(database), "", "pg_dump", "--format=custom", "--no-password"))
	if err != nil {
		return err
	}
	defer dump.Close() // after the end it does nothing
	if _, err := io.Copy(out, dump); err != nil {
		return fmt.Errorf("dump database %s: %w", quoteName(database), err)
	}
	return out.Commit()
}
