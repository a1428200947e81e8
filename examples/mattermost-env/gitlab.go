package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const fromGitLabRBUsage = `Usage: mattermost-env from-gitlab-rb [flags]

Prints the environment that GitLab's Linux package 18.11 gave the server.
gitlab.rb is read, never executed. Without -format secrets are masked.

  mattermost-env from-gitlab-rb
  mattermost-env from-gitlab-rb -format systemd -out /etc/mattermost.env
  mattermost-env from-gitlab-rb -format envdir -out /etc/mattermost/env -n

Flags:
`

func fromGitLabRB(args []string, s cli.Streams) error {
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
	if _, err := arguments(f, args); err != nil {
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
			return err
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
  mattermost-env convert -gitlab-rb gitlab.rb -write -n     shows the edit's size
  mattermost-env convert -gitlab-rb gitlab.rb -write        edits the file; the old
                                                            one stays as gitlab.rb.before-convert

Flags:
`

func convert(args []string, s cli.Streams) error {
	f := cli.Flags("convert", convertUsage, s)
	var o output
	rb := f.String("gitlab-rb", config.DefaultGitLabRB, "gitlab.rb to read")
	version := f.String("version", "10.11", "Mattermost version that will read the variables")
	target := f.String("target", envmap.TargetPackage, "linux-package keeps the keys that GitLab read until 18.11, standalone turns them into variables too")
	write := f.Bool("write", false, "edit gitlab.rb: old lines commented out, mattermost['env'] at the end")
	f.StringVar(&o.format, "format", "", formatHelp)
	f.StringVar(&o.out, "out", "", "file or directory to write (- is standard output)")
	f.BoolVar(&o.json, "json", false, "print what happened to each key as JSON")
	f.BoolVar(&o.dry, "n", false, "write nothing")
	if _, err := arguments(f, args); err != nil {
		return err
	}
	v, err := parseVersion(*version)
	if err != nil {
		return err
	}
	if *target != envmap.TargetPackage && *target != envmap.TargetStandalone {
		return cli.Usagef("-target %q: want linux-package or standalone", *target)
	}
	src, err := readFile(*rb)
	if err != nil {
		return err
	}
	result, err := gitlabrb.Evaluate(*rb, src, gitlabrb.Options{GitLabVersion: "10.8"})
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
		err = edit(*rb, src, c, o.dry, s)
	case o.format != "":
		return both(o.write(c.Env, s), failed(c.Findings))
	}
	if !o.json && err == nil {
		conversion(s.Out, c)
	}
	return both(err, failed(c.Findings))
}

func edit(path string, src []byte, c *envmap.Conversion, dry bool, s cli.Streams) error {
	text, err := c.Edit(path, src)
	if err != nil {
		return err
	}
	if dry {
		fmt.Fprintf(s.Out, "would write %s: %d bytes instead of %d\n\n", path, len(text), len(src))
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path+".before-convert", src, info.Mode().Perm()); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path, text, info.Mode().Perm()); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "wrote %s, the old text is in %s.before-convert\n\n", path, path)
	return nil
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
