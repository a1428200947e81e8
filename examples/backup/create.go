package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/backup/s3store"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const createHelp = `backup create saves database, files and configuration of a Mattermost that may
be running. The backup is finished when the command says so, and not before.

  backup create -store /var/backups/mattermost
  backup create -store /var/backups/mattermost -base latest -recipient age1...

With -base latest, files that an earlier backup holds are not stored again.

Flags:
`

// sourceFlags say what to save when it is not where the packages put it.
type sourceFlags struct {
	root, data, config, dsnFile, osUser, version string
	trees                                        repeated
}

// source is what was detected, changed by the flags.
func (f *sourceFlags) source() (*backup.Installation, error) {
	i, err := backup.Detect(f.root)
	if errors.Is(err, backup.ErrNotFound) {
		i, err = &backup.Installation{Kind: "named", Target: backup.Target{Dirs: map[string]string{}, Documents: map[string]string{}}}, nil
	}
	if err != nil {
		return nil, err
	}
	dsn, err := dataSource(f.dsnFile, "MM_SQLSETTINGS_DATASOURCE")
	if err != nil {
		return nil, err
	}
	if dsn != "" {
		i.Source.DSN = dsn
	}
	if f.osUser != "" {
		i.Source.OSUser = f.osUser
	}
	if f.version != "" {
		i.Source.MattermostVersion = f.version
	}
	trees, err := pairs("tree", f.trees)
	if err != nil {
		return nil, err
	}
	if f.data != "" {
		trees[backup.DataTree] = f.data
	}
	for name, dir := range trees {
		i.Source.Trees = replaceTree(i.Source.Trees, backup.Tree{Name: name, Dir: dir})
	}
	if f.config != "" {
		kept := []backup.DocumentSource{{Name: "config.json", Path: f.config}}
		for _, d := range i.Source.Documents {
			if d.Name != "config.json" {
				kept = append(kept, d)
			}
		}
		i.Source.Documents = kept
	}
	if i.Source.DSN == "" && len(i.Source.Trees) == 0 && len(i.Source.Documents) == 0 {
		return nil, cli.Usagef("nothing to save was found; name it with -data, -config and -dsn-file, or -root")
	}
	return i, nil
}

func replaceTree(list []backup.Tree, t backup.Tree) []backup.Tree {
	out := []backup.Tree{t}
	for _, old := range list {
		if old.Name != t.Name {
			out = append(out, old)
		}
	}
	return out
}

func create(ctx context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("create", createHelp, s)
	var src sourceFlags
	var keys keyFlags
	var o backup.CreateOptions
	var recipients repeated
	store := storeFlag(f, "store")
	f.StringVar(&src.root, "root", "", "`directory` that stands for / when looking for the installation")
	f.StringVar(&src.data, "data", "", "data `directory`")
	f.Var(&src.trees, "tree", "`NAME=DIRECTORY` of another directory to save; may be repeated")
	f.StringVar(&src.config, "config", "", "`file` config.json")
	f.StringVar(&src.dsnFile, "dsn-file", "", "`file` whose first line is the data source; otherwise MM_SQLSETTINGS_DATASOURCE, then the installation's own")
	f.StringVar(&src.osUser, "os-user", "", "operating system `user` that peer authentication shall see (needs root)")
	f.StringVar(&src.version, "mattermost", "", "`version` of Mattermost, when it cannot be found")
	f.StringVar(&o.Base, "base", "", "`ID` of the backup to build on, or latest")
	f.BoolVar(&o.RehashAll, "rehash", false, "compare every unchanged file byte by byte, not a sample")
	f.Var(&recipients, "recipient", "age or SSH public `key` to encrypt to; may be repeated")
	recipientsFile := f.String("recipients-file", "", "`file` with such keys")
	encryptPass := f.String("encrypt-passphrase-file", "", "`file` whose first line is the passphrase to encrypt with")
	keys.add(f)
	f.BoolVar(&o.Permanent, "permanent", false, "never delete it by prune")
	f.IntVar(&o.Workers, "workers", 0, "`number` of database connections and file readers (default: chosen by the processors)")
	limit := f.Float64("limit", 0, "read at most so many `MB/s`")
	nice := f.Int("nice", 0, "lower this process's priority by `N` (0 to 19)")
	f.StringVar(&o.PgDump, "pg-dump", "", "`program` to use instead of the one that fits the server")
	f.BoolVar(&o.Compact, "compact", false, "compress more, a tenth slower")
	copyBucket := f.Bool("copy-bucket", false, "copy the objects when the files are in a bucket; otherwise they are listed")
	asJSON := f.Bool("json", false, "print the result as JSON")
	dry := f.Bool("n", false, "only say what would be saved and how much it is")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := errors.Join(noArgs(f), notNegative("workers", o.Workers)); err != nil {
		return err
	}
	i, err := src.source()
	if err != nil {
		return err
	}
	if err := addBucket(ctx, i, *copyBucket); err != nil {
		return err
	}
	if *dry {
		st, err := openStore(ctx, *store)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a missing one is made by the real run
			return err
		}
		return estimate(ctx, st, i, s, *asJSON)
	}
	st, err := makeStore(ctx, *store)
	if err != nil {
		return err
	}
	if o.Encrypt, err = encryption(recipients, *recipientsFile, *encryptPass); err != nil {
		return err
	}
	if o.Keys, err = keys.keys(); err != nil {
		return err
	}
	o.BytesPerSecond = int64(*limit * 1e6)
	if err := lowerPriority(*nice); err != nil {
		return err
	}
	show, end := progress(s, "backup", 0)
	o.Progress = show
	res, err := backup.Create(ctx, st, i.Source, o)
	end()
	if err != nil {
		return err
	}
	res.Findings = append(i.Findings, res.Findings...)
	return printResult(s, res, *asJSON)
}

// addBucket connects to the bucket of an installation that uses one.
func addBucket(ctx context.Context, i *backup.Installation, copyObjects bool) error {
	b := i.Bucket
	if b == nil {
		return nil
	}
	from, err := s3store.OpenBucket(ctx, s3store.Options{Endpoint: b.Endpoint, Bucket: b.Bucket, Prefix: b.Prefix, Region: b.Region, AccessKey: b.AccessKey, SecretKey: b.SecretKey, Insecure: b.Insecure, PathStyle: true})
	if err != nil {
		return err
	}
	if copyObjects {
		i.Source.Trees = append(i.Source.Trees, backup.Tree{Name: backup.DataTree, Objects: from})
	} else {
		i.Source.Buckets = map[string]backup.ObjectSource{backup.DataTree: from}
	}
	return nil
}

func encryption(recipients []string, file, passFile string) (backup.Encrypt, error) {
	var e backup.Encrypt
	text := []byte(strings.Join(recipients, "\n"))
	if file != "" {
		more, err := os.ReadFile(file)
		if err != nil {
			return e, err
		}
		text = append(append(text, '\n'), more...)
	}
	if len(bytes.TrimSpace(text)) > 0 {
		var err error
		if e.Recipients, err = backup.ParseRecipients(bytes.NewReader(text)); err != nil {
			return e, err
		}
	}
	if passFile != "" {
		line, err := firstLine(passFile)
		if err != nil {
			return e, err
		}
		e.Passphrase = backup.Secret(line)
	}
	return e, nil
}

func estimate(ctx context.Context, st backup.Store, i *backup.Installation, s cli.Streams, asJSON bool) error {
	e, err := backup.Measure(ctx, st, i.Source)
	if err != nil {
		return err
	}
	if asJSON {
		return cli.WriteJSON(s.Out, e)
	}
	fmt.Fprintf(s.Out, "installation: %s\n", i.Kind)
	for _, t := range i.Source.Trees {
		fmt.Fprintf(s.Out, "would save:   %s (%s)\n", t.Name, t.Dir)
	}
	for _, d := range i.Source.Documents {
		fmt.Fprintf(s.Out, "would save:   %s (%s)\n", d.Name, d.Path)
	}
	fmt.Fprintf(s.Out, "database:     %s of tables\nfiles:        %d, %s\nneeds:        about %s", size(e.DatabaseBytes), e.Files, size(e.FileBytes), size(e.StoredBytes))
	if e.FreeBytes >= 0 {
		fmt.Fprintf(s.Out, "; %s are free", size(e.FreeBytes))
	}
	fmt.Fprintln(s.Out)
	printFindings(s.Out, i.Findings)
	return verdict(i.Findings)
}

// printResult prints what create and import give.
func printResult(s cli.Streams, res *backup.Result, asJSON bool) error {
	if asJSON {
		if err := cli.WriteJSON(s.Out, res); err != nil {
			return err
		}
		return verdict(res.Findings)
	}
	fmt.Fprintf(s.Out, "backup %s: %s stored, %s plain, %d files, %.1f s\n", res.ID, size(res.Stored), size(res.Plain), res.Files, res.Seconds)
	if res.Reused > 0 {
		fmt.Fprintf(s.Out, "%s of files are in earlier backups\n", size(res.Reused))
	}
	for _, id := range res.Swept {
		fmt.Fprintf(s.Out, "removed the unfinished backup %s\n", id)
	}
	printFindings(s.Out, res.Findings)
	return verdict(res.Findings)
}
