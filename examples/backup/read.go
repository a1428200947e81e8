package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func list(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("list", `backup list lists the backups of a store, oldest first, unfinished ones included.

  backup list -store /var/backups/mattermost

Flags:
`, s)
	store := storeFlag(f, "store")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArgs(f); err != nil {
		return err
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	all, err := backup.List(ctx, st)
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, all)
	}
	for _, b := range all {
		what := "full"
		if len(b.Parents) > 0 {
			what = fmt.Sprintf("on %d earlier", len(b.Parents))
		}
		if b.Permanent {
			what += ", permanent"
		}
		if b.Problem != "" {
			what = "UNUSABLE: " + b.Problem
		}
		fmt.Fprintf(s.Out, "%s  %10s  %s\n", b.ID, size(b.Stored), what)
	}
	return nil
}

func show(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("show", `backup show prints what a backup holds; with -document, one configuration
document as it was, which may be secret; with -path, it extracts files.

  backup show -store /var/backups/mattermost
  backup show -store /var/backups/mattermost -document config.json
  backup show -store /var/backups/mattermost -path data/20240131 -to /tmp/found

Flags:
`, s)
	var keys keyFlags
	store := storeFlag(f, "store")
	document := f.String("document", "", "`name` of a document to print")
	path := f.String("path", "", "`path` in the backup to extract, with -to")
	to := f.String("to", "", "new `directory` to extract into")
	asJSON := f.Bool("json", false, "print the manifest")
	keys.add(f)
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	if (*path == "") != (*to == "") {
		return cli.Usagef("-path and -to go together")
	}
	if *document != "" && *path != "" {
		return cli.Usagef("give -document or -path, not both")
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	k, err := keys.keys()
	if err != nil {
		return err
	}
	switch {
	case *document != "":
		data, err := backup.ReadDocument(ctx, st, id, *document, k)
		if err != nil {
			return err
		}
		_, err = s.Out.Write(data)
		return err
	case *path != "":
		files, bytes, err := backup.Extract(ctx, st, id, *path, *to, k)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "extracted %d files, %s, to %s\n", files, size(bytes), *to)
		return err
	}
	m, err := backup.Load(ctx, st, id)
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, m)
	}
	printManifest(s, m)
	return nil
}

func printManifest(s cli.Streams, m *backup.Manifest) {
	fmt.Fprintf(s.Out, "backup:      %s, %s stored\n", m.ID, size(m.StoredBytes()))
	if m.Mattermost.Version != "" {
		fmt.Fprintf(s.Out, "mattermost:  %s\n", m.Mattermost.Version)
	}
	if d := m.Database; d != nil {
		var rows int64
		for _, t := range d.Tables {
			rows += t.Rows
		}
		fmt.Fprintf(s.Out, "database:    %s, PostgreSQL %s, %d tables, %d rows, migrations up to %d\n", d.Name, d.ServerVersion, len(d.Tables), rows, m.Mattermost.Schema.Highest)
		if r := d.References; r != nil {
			fmt.Fprintf(s.Out, "references:  %d checked, %d missing, %d of another size\n", r.Checked, r.Missing, r.WrongLen)
		}
	}
	if m.Files != nil {
		var trees []string
		for _, t := range m.Files.Trees {
			trees = append(trees, t.Name)
		}
		fmt.Fprintf(s.Out, "files:       %d, %s, in %s\n", m.Files.Count, size(m.Files.Bytes), strings.Join(trees, ", "))
	}
	for _, d := range m.Documents {
		fmt.Fprintf(s.Out, "document:    %s %s\n", d.Name, d.Path)
	}
	for _, b := range m.Buckets {
		fmt.Fprintf(s.Out, "bucket:      %s, %d objects, %s, listed only\n", b.Where, b.Objects, size(b.Bytes))
	}
	for _, p := range m.Parents {
		fmt.Fprintf(s.Out, "needs:       %s\n", p)
	}
	if e := m.Encryption; e != nil {
		fmt.Fprintf(s.Out, "encrypted:   %s\n", map[bool]string{true: "with a passphrase", false: fmt.Sprintf("to %d recipients", e.Recipients)}[e.Passphrase])
	}
	printFindings(s.Out, m.Findings)
}
