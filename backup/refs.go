package backup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/jackc/pgx/v5"
)

// refCheck compares the fileinfo rows of the snapshot with the files that go
// into the backup. Both come in the same order, so nothing is held in memory.
type refCheck struct {
	rows  pgx.Rows
	res   References
	path  string
	size  int64 // -1 for thumbnails and previews
	gone  bool  // the row is marked deleted
	ended bool
}

// refQuery gives every path that a row refers to, in the order of
// comparePaths. Paths that could not be a file below the data directory are
// left out; Mattermost does not make such.
const refQuery = `
SELECT p, max(s), bool_and(d) FROM (
	SELECT path AS p, size AS s, coalesce(deleteat, 0) > 0 AS d FROM %[1]s
	UNION ALL SELECT thumbnailpath, -1, coalesce(deleteat, 0) > 0 FROM %[1]s
	UNION ALL SELECT previewpath, -1, coalesce(deleteat, 0) > 0 FROM %[1]s
) AS refs WHERE p <> '' GROUP BY p ORDER BY replace(p, '/', E'\x01') COLLATE "C"`

// references starts the check on a connection of its own, which the caller
// closes. Without Mattermost's table there is no check.
func (s *snapshot) references(ctx context.Context) (*pgx.Conn, *refCheck, error) {
	conn, err := s.join(ctx)
	if err != nil {
		return nil, nil, err
	}
	check, err := func() (*refCheck, error) {
		t := s.find("fileinfo")
		if t == "" {
			return nil, nil
		}
		if _, err := conn.Exec(ctx, "SET client_encoding = 'UTF8'"); err != nil {
			return nil, fmt.Errorf("read fileinfo: %w", err)
		}
		return newRefCheck(ctx, conn, t)
	}()
	if err != nil {
		conn.Close(context.WithoutCancel(ctx)) // the first error is the one to report
		return nil, nil, err
	}
	return conn, check, nil
}

// newRefCheck starts the query on conn, which must be in the snapshot.
func newRefCheck(ctx context.Context, conn *pgx.Conn, table string) (*refCheck, error) {
	rows, err := conn.Query(ctx, fmt.Sprintf(refQuery, table))
	if err != nil {
		return nil, fmt.Errorf("read fileinfo: %w", err)
	}
	c := &refCheck{rows: rows}
	return c, c.advance()
}

// advance goes to the next row.
func (c *refCheck) advance() error {
	for {
		if !c.rows.Next() {
			c.ended = true
			return c.rows.Err()
		}
		var p string
		if err := c.rows.Scan(&p, &c.size, &c.gone); err != nil {
			return fmt.Errorf("read fileinfo: %w", err)
		}
		clean := path.Clean(strings.TrimPrefix(p, "/"))
		if clean != p {
			// A leading slash or "./" sorts elsewhere; such rows, which old
			// imports made, are counted but not compared.
			c.res.Checked++
			continue
		}
		c.path = DataTree + "/" + p
		return nil
	}
}

// file takes the next stored file.
func (c *refCheck) file(e *entry) error {
	if !strings.HasPrefix(e.path, DataTree+"/") {
		return nil
	}
	for !c.ended && comparePaths(c.path, e.path) < 0 {
		c.missing()
		if err := c.advance(); err != nil {
			return err
		}
	}
	if c.ended || c.path != e.path {
		c.res.Orphans++
		return nil
	}
	c.res.Checked++
	if c.size >= 0 && c.size != e.size {
		c.res.WrongLen++
		c.example(fmt.Sprintf("%s: %d bytes, the row says %d", e.path, e.size, c.size))
	}
	return c.advance()
}

func (c *refCheck) missing() {
	c.res.Checked++
	if c.gone {
		return // deleted messages may have lost their file
	}
	c.res.Missing++
	c.example(c.path + ": missing")
}

func (c *refCheck) example(text string) {
	if len(c.res.Examples) < 20 {
		c.res.Examples = append(c.res.Examples, text)
	}
}

// end counts what is left after the last file.
func (c *refCheck) end() error {
	for !c.ended {
		c.missing()
		if err := c.advance(); err != nil {
			return err
		}
	}
	c.rows.Close()
	return c.rows.Err()
}

// findings says what is wrong, if anything.
func (r *References) findings() []Finding {
	if r == nil || r.Missing+r.WrongLen == 0 {
		return nil
	}
	return []Finding{{ID: "file-reference", Severity: severityWarning, Where: "fileinfo",
		Message: fmt.Sprintf("%d files that rows refer to are not there and %d have another size; for example %s", r.Missing, r.WrongLen, strings.Join(r.Examples[:min(3, len(r.Examples))], "; ")),
		Fix:     "look for them in an older backup or in FileSettings.Directory of the running server; the backup itself is complete"}}
}

var errNoSnapshot = errors.New("the database snapshot has ended")
