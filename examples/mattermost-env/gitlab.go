package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/rbedit"
)

const fromGitLabRBUsage = `Usage: mattermost-env from-gitlab-rb [flags]

Prints the environment that GitLab's Linux package 18.11 gave the server.
gitlab.rb is read, never executed. Without -format secrets are masked.

  mattermost-env from-gitlab-rb
  mattermost-env from-gitlab-rb -format systemd -out /etc/mattermost.env
  mattermost-env from-gitlab-rb -format envdir -out /etc/mattermost/env -n

Flags:
`

func fromGitLabRB(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("from-gitlab-rb", fromGitLabRBUsage, s)
	var o output
	root := f.String("root", "/", "directory that stands for /")
	rb := f.String("gitlab-rb", "", "gitlab.rb to read (default ROOT/etc/gitlab/gitlab.rb)")
	secrets := f.String("secrets", "", "gitlab-secrets.json to read (default ROOT/etc/gitlab/gitlab-secrets.json, if it exists)")
	host := f.String("host", "", "JSON `file` with facts that replace looking at this machine")
	version := f.String("gitlab-version", "18.11", "GitLab version whose rules apply")
	f.StringVar(&o.format, "format", "", formatHelp)
	f.StringVar(&o.out, "out", "", "file or directory to write (- is standard output)")
	f.BoolVar(&o.json, "json", false, "print the variables and findings as JSON, secrets masked")
	f.BoolVar(&o.dry, "n", false, "write nothing")
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if err := cmp.Or(o.check(f), cli.CheckGitLabVersion(*version)); err != nil {
		return err
	}
	lo := config.LoadOptions{GitLabRB: *rb, Secrets: *secrets, GitLabVersion: *version, Host: config.LocalHost(*root)}
	if lo.GitLabRB == "" {
		lo.GitLabRB = filepath.Join(*root, config.DefaultGitLabRB)
	}
	if path := filepath.Join(*root, config.DefaultSecrets); lo.Secrets == "" {
		if _, err := os.Lstat(path); err == nil {
			lo.Secrets = path
		} else {
			lo.SecretsFile = config.NewSecretsFile(path)
		}
	}
	if *host != "" {
		facts, err := os.Open(*host)
		if err != nil {
			return fmt.Errorf("read host facts: %w", err)
		}
		defer facts.Close() // read only
		read, err := config.ReadFacts(facts)
		if err != nil {
			return fmt.Errorf("%s: %w", *host, err)
		}
		lo.Host = read.Host()
	}
	loaded, err := config.Load(lo)
	if err != nil {
		return err
	}
	e := envmap.FromInstallation(loaded.Installation)
	findings := append(traps(loaded.Installation), e.DirLosses()...)
	if o.json {
		return both(cli.WriteJSON(s.Out, map[string]any{"variables": shown(e), "findings": findings}), failed(findings))
	}
	for v := range e.All() {
		if v.Origin.Kind == config.OriginGenerated {
			fmt.Fprintf(s.Err, "note: %s was made up in this run; give -secrets to get the stored one\n", v.Name)
		}
	}
	printFindings(s.Err, traps(loaded.Installation))
	return both(o.write(e, s), failed(findings))
}

// traps are the findings about gitlab.rb that make an environment wrong.
func traps(inst *config.Installation) []envmap.Finding {
	out := []envmap.Finding{}
	for _, f := range inst.Findings {
		if f.Severity == config.SeverityError {
			out = append(out, envmap.Finding(f))
		}
	}
	return out
}

const convertUsage = `Usage: mattermost-env convert [flags]

Turns the mattermost['...'] keys of GitLab 7.14 to 10.8 into variables, as the
upgrade to GitLab 11.0 demands, and names what has no variable. Values are
printed with -format only.

  mattermost-env convert -gitlab-rb /etc/gitlab/gitlab.rb
  mattermost-env convert -gitlab-rb gitlab.rb -write -n     shows the difference
  mattermost-env convert -gitlab-rb gitlab.rb -write        edits the file; the old one
                                                            stays, with the time in its name

Flags:
`

func convert(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("convert", convertUsage, s)
	var o output
	rb := f.String("gitlab-rb", config.DefaultGitLabRB, "gitlab.rb to read")
	version := f.String("version", "10.11", "Mattermost version that will read the variables")
	target := f.String("target", envmap.TargetPackage, "linux-package keeps the keys that GitLab read until 18.11, standalone turns them into variables too")
	write := f.Bool("write", false, "edit gitlab.rb: old lines commented out, the variables in mattermost['env']")
	f.StringVar(&o.format, "format", "", formatHelp)
	f.StringVar(&o.out, "out", "", "file or directory to write (- is standard output)")
	f.BoolVar(&o.json, "json", false, "print what happened to each key as JSON")
	f.BoolVar(&o.dry, "n", false, "write nothing; with -write: show the difference")
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if err := cmp.Or(cli.Exclusive(f, "write", "format", "json"), o.check(f)); err != nil {
		return err
	}
	v, err := parseVersion(*version)
	if err != nil {
		return err
	}
	if *target != envmap.TargetPackage && *target != envmap.TargetStandalone {
		return cli.Usagef("-target %q: want linux-package or standalone", *target)
	}
	file, err := rbedit.Open(*rb)
	if err != nil {
		return err
	}
	result, err := file.Evaluate(gitlabrb.Options{GitLabVersion: "10.8"})
	if err != nil {
		return err
	}
	mm, _ := result.Settings.Get("mattermost")
	settings, _ := mm.(*gitlabrb.Hash)
	c, err := envmap.Convert(settings, envmap.ConvertOptions{MattermostVersion: v, Target: *target})
	if err != nil {
		return err
	}
	switch {
	case o.json:
		err = cli.WriteJSON(s.Out, c)
	case *write:
		err = edit(file, c, o.dry, s.Out)
	case o.format != "":
		return both(o.write(c.Env, s), failed(c.Findings))
	}
	if !o.json && err == nil {
		conversion(s.Out, c)
		if !*write && len(c.Converted)+len(c.LeftOut) > 0 {
			fmt.Fprintln(s.Out, "next: -write -n shows the edit of the file, -write makes it")
		}
	}
	return both(err, failed(c.Findings))
}

// edit writes the conversion into the file that it was made from, or shows the
// difference.
func edit(f *gitlabrb.File, c *envmap.Conversion, dry bool, w io.Writer) error {
	before := string(f.Bytes())
	if err := c.EditFile(f); err != nil {
		return err
	}
	diff := rbedit.Diff(f.Name(), before, string(f.Bytes()))
	var err error
	switch {
	case diff == "":
		_, err = fmt.Fprintf(w, "%s: nothing to change\n\n", f.Name())
	case dry:
		_, err = fmt.Fprintf(w, "%s\n", diff)
	default:
		var old string
		if old, err = f.WriteFile(f.Name(), gitlabrb.WriteOptions{Backup: true}); err == nil {
			_, err = fmt.Fprintf(w, "wrote %s\nold file: %s\n\n", f.Name(), old)
		}
	}
	return err
}

func conversion(w io.Writer, c *envmap.Conversion) {
	fmt.Fprintf(w, "keys that became variables: %d\n", len(c.Converted))
	for _, k := range c.Converted {
		fmt.Fprintf(w, "  %s -> %s\n", k.Key, k.Variable)
		if k.Note != "" {
			fmt.Fprintf(w, "      %s\n", k.Note)
		}
	}
	if len(c.Kept) > 0 {
		fmt.Fprintf(w, "keys that stay as they are: %s\n", strings.Join(c.Kept, ", "))
	}
	if len(c.LeftOut) > 0 {
		fmt.Fprintf(w, "keys without a variable: %d\n", len(c.LeftOut))
		for _, l := range c.LeftOut {
			fmt.Fprintf(w, "  %s: %s\n      %s\n", l.Key, l.Reason, l.Fix)
		}
	}
	printFindings(w, c.Findings)
}
