package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/backup/s3store"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// storeFlag is the flag that every command has.
func storeFlag(f *flag.FlagSet, name string) *string {
	return f.String(name, "", "`directory`, or s3://endpoint/bucket/prefix[?region=R&insecure=1], that holds the backups; keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
}

// openStore opens a store that exists.
func openStore(ctx context.Context, where string) (backup.Store, error) {
	if where != "" && !strings.HasPrefix(where, "s3://") {
		if _, err := os.Stat(where); err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
	}
	return makeStore(ctx, where)
}

// makeStore opens a directory, which is made when it is missing, or a bucket.
func makeStore(ctx context.Context, where string) (backup.Store, error) {
	if where == "" {
		return nil, cli.Usagef("-store is required: where the backups are")
	}
	if !strings.HasPrefix(where, "s3://") {
		return backup.OpenDir(where)
	}
	u, err := url.Parse(where)
	if err != nil {
		return nil, cli.Usagef("-store: %v", err)
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return s3store.Open(ctx, s3store.Options{Endpoint: u.Host, Bucket: bucket, Prefix: prefix, Region: u.Query().Get("region"), Insecure: u.Query().Get("insecure") == "1", PathStyle: true,
		AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), SecretKey: s3store.Secret(os.Getenv("AWS_SECRET_ACCESS_KEY"))})
}

// keyFlags open encrypted backups.
type keyFlags struct{ identity, passphrase string }

func (k *keyFlags) add(f *flag.FlagSet) {
	f.StringVar(&k.identity, "identity", "", "`file` with an age identity or an SSH private key that opens encrypted backups")
	f.StringVar(&k.passphrase, "passphrase-file", "", "`file` whose first line is the passphrase")
}

func (k *keyFlags) keys() (backup.Keys, error) {
	var out backup.Keys
	if k.identity != "" {
		f, err := os.Open(k.identity)
		if err != nil {
			return out, err
		}
		defer f.Close()
		if out.Identities, err = backup.ParseIdentities(f); err != nil {
			return out, fmt.Errorf("%s: %w", k.identity, err)
		}
	}
	if k.passphrase != "" {
		line, err := firstLine(k.passphrase)
		if err != nil {
			return out, err
		}
		out.Passphrase = backup.Secret(line)
	}
	return out, nil
}

// firstLine reads a secret from a file.
func firstLine(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s: its first line is empty", path)
	}
	return line, nil
}

// dataSource reads a DSN from a file or from the environment: on the command
// line everybody could see its password.
func dataSource(file, env string) (backup.Secret, error) {
	if file == "" {
		return backup.Secret(os.Getenv(env)), nil
	}
	line, err := firstLine(file)
	return backup.Secret(line), err
}

// repeated is a flag that may be repeated.
type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, ",") }
func (r *repeated) Set(v string) error { *r = append(*r, v); return nil }

// pairs turns NAME=VALUE flags into a map.
func pairs(flagName string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range list {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, cli.Usagef("-%s %q: want NAME=VALUE", flagName, p)
		}
		out[name] = value
	}
	return out, nil
}

// progress shows a bar with an estimate on a terminal, and a line every ten
// seconds elsewhere.
func progress(s cli.Streams, what string, total int64) (func(backup.Progress), func()) {
	f, ok := s.Err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		last := time.Now()
		return func(p backup.Progress) {
			if time.Since(last) >= 10*time.Second {
				last = time.Now()
				fmt.Fprintf(s.Err, "%s: %s, %d files\n", what, size(p.Bytes), p.Files)
			}
		}, func() {}
	}
	if total <= 0 {
		total = -1
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	return func(p backup.Progress) {
		if p.Total > 0 {
			bar.ChangeMax64(max(p.Total, p.Bytes+1))
		}
		_ = bar.Set64(p.Bytes) // a bar that cannot be drawn harms nothing
	}, func() { _ = bar.Finish() }
}

// size prints bytes for people.
func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// printFindings prints findings, one block each.
func printFindings(w io.Writer, findings []backup.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%s: %s: %s [%s]\n    %s\n", f.Severity, f.Where, f.Message, f.ID, f.Fix)
	}
}

// verdict turns findings of severity error into the exit code.
func verdict(findings []backup.Finding) error {
	if backup.HasErrors(findings) {
		return cli.ErrFindings
	}
	return nil
}

// backupID takes the ID from the arguments; none is the newest backup.
func backupID(f *flag.FlagSet) (string, error) {
	switch f.NArg() {
	case 0:
		return backup.LatestBase, nil
	case 1:
		return f.Arg(0), nil
	}
	return "", cli.Usagef("one backup ID at most, not %d arguments", f.NArg())
}

// noArgs refuses arguments.
func noArgs(f *flag.FlagSet) error {
	if f.NArg() > 0 {
		return cli.Usagef("unexpected argument %q", f.Arg(0))
	}
	return nil
}

// notNegative refuses a number below zero.
func notNegative(flagName string, n int) error {
	if n < 0 {
		return cli.Usagef("-%s %d: want 0 or more", flagName, n)
	}
	return nil
}
