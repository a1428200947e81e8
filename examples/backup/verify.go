package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func verify(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("verify", `backup verify reads a backup, the newest if no ID is given, and compares hashes,
files and row counts with its manifest. Damage ends with status 3.

  backup verify -store /var/backups/mattermost

Flags:
`, s)
	var keys keyFlags
	store := storeFlag(f, "store")
	depth := f.String("depth", "full", "`full`, deep (also the hash of each file), sampled (a tenth, another each day) or quick (sizes)")
	asJSON := f.Bool("json", false, "print JSON")
	keys.add(f)
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	id, err := backupID(f)
	if err != nil {
		return err
	}
	d, ok := map[string]backup.Depth{"full": backup.Full, "deep": backup.Deep, "sampled": backup.Sampled, "quick": backup.Quick}[*depth]
	if !ok {
		return cli.Usagef("-depth %q: want full, deep, sampled or quick", *depth)
	}
	st, err := openStore(ctx, *store)
	if err != nil {
		return err
	}
	k, err := keys.keys()
	if err != nil {
		return err
	}
	bar, end := progress(s, "verify", 0)
	res, err := backup.Verify(ctx, st, id, backup.VerifyOptions{Depth: d, Keys: k, Progress: bar})
	end()
	if err != nil {
		return err
	}
	if *asJSON {
		if err := cli.WriteJSON(s.Out, res); err != nil {
			return err
		}
		return verdict(res.Findings)
	}
	word := "sound"
	if !res.Sound {
		word = "DAMAGED"
	}
	fmt.Fprintf(s.Out, "backup %s is %s: read %d of %d parts, %d files, %d rows, %s plain, %.1f s\n", res.ID, word, res.Parts, res.Of, res.Files, res.Rows, size(res.Plain), res.Seconds)
	printFindings(s.Out, res.Findings)
	return verdict(res.Findings)
}
