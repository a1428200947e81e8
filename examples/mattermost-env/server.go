package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
)

const checkUsage = `Usage: mattermost-env check [flags] ENVIRONMENT

Says what a Mattermost of a version does with each variable. What it drops
without a word, or does not start with, is an error (exit status 3). Values are
never printed.

  mattermost-env check -version 10.11 /opt/gitlab/etc/mattermost/env
  mattermost-env check -version 5.20 -format docker mattermost.env
  mattermost-env check -version 11.7 pid:1234

Flags:
`

func check(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("check", checkUsage, s)
	version := f.String("version", "10.11", "Mattermost version, 4.0 to "+envmap.NewestVersion().String())
	format := sourceFormat(f)
	json := f.Bool("json", false, "print the verdicts and findings as JSON")
	rest, err := cli.Arguments(f, args, "ENVIRONMENT")
	if err == nil {
		err = checkSources(*format, rest...)
	}
	if err != nil {
		return err
	}
	v, err := parseVersion(*version)
	if err != nil {
		return err
	}
	e, err := source(rest[0], *format, s.Err)
	if err != nil {
		return err
	}
	r, err := envmap.Check(e, v)
	if err != nil {
		return err
	}
	if *json {
		err = cli.WriteJSON(s.Out, r)
		return both(err, failed(r.Findings))
	}
	honoured, settings := 0, 0
	for _, v := range r.Verdicts {
		if v.Role == envmap.RoleSetting || v.Role == envmap.RoleUnknown {
			settings++
			if v.Honoured {
				honoured++
			}
		}
	}
	printFindings(s.Out, r.Findings)
	if settings == 0 {
		fmt.Fprintf(s.Out, "%s holds no setting of Mattermost\n", rest[0])
		return failed(r.Findings)
	}
	fmt.Fprintf(s.Out, "Mattermost %s honours %d of %s\n", r.Version, honoured, english.Count(settings, "setting"))
	return failed(r.Findings)
}

const explainUsage = `Usage: mattermost-env explain [flags] NAME

NAME is a variable, a config.json path or a gitlab.rb key.

  mattermost-env explain MM_SERVICESETTINGS_SITEURL
  mattermost-env explain EmailSettings.EnableEmailBatching
  mattermost-env explain -version 4.10 "mattermost['email_enable_batching']"

Flags:
`

func explain(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("explain", explainUsage, s)
	version := f.String("version", "10.11", "Mattermost version")
	json := f.Bool("json", false, "print JSON")
	rest, err := cli.Arguments(f, args, "NAME")
	if err != nil {
		return err
	}
	v, err := parseVersion(*version)
	if err != nil {
		return err
	}
	all, err := envmap.Explain(rest[0], v)
	if err != nil {
		return cli.Usagef("%s", strings.TrimPrefix(err.Error(), "explain "))
	}
	if *json {
		return cli.WriteJSON(s.Out, all)
	}
	for i, x := range all {
		if i > 0 {
			fmt.Fprintln(s.Out)
		}
		explanation(s, x, v)
	}
	return nil
}

func explanation(s cli.Streams, x envmap.Explanation, v envmap.Version) {
	line := func(label, format string, args ...any) {
		fmt.Fprintf(s.Out, "%-12s %s\n", label, fmt.Sprintf(format, args...))
	}
	if x.Variable != "" {
		line("variable", "%s", x.Variable)
	}
	if x.Role == envmap.RoleSetting {
		line("config.json", "%s (%s)", x.Path, x.Kind)
		until := ", still there in " + envmap.NewestVersion().String()
		if x.Until != "" {
			until = " to " + x.Until
		}
		line("releases", "%s%s; in %v: %s", x.Since, until, v, x.In)
	}
	for _, key := range x.Keys {
		line("gitlab.rb", "mattermost['%s']", key)
	}
	switch {
	case x.Secret:
		line("secret", "yes")
	case x.Default != "":
		line("default", "%s", x.Default)
	}
	if x.Allowed != "" {
		line("allowed", "%s", x.Allowed)
	}
	if x.Licence {
		line("licence", "needed for it to have an effect")
	}
	if x.Role == envmap.RoleSetting && x.Locked {
		line("console", "the variable locks the setting")
	}
	if x.Example != "" {
		line("example", "%s", x.Example)
	}
	for _, n := range x.Notes {
		line("note", "%s", n)
	}
}

const diffUsage = `Usage: mattermost-env diff [flags] A B

Compares two environments: directories, files, or running processes; of a
gitlab.rb, what GitLab's package makes of the whole file. Secrets are masked.
Exit status 0 also when they differ.

  mattermost-env diff /opt/gitlab/etc/mattermost/env pid:1234
  mattermost-env diff gitlab.rb.bak /etc/gitlab/gitlab.rb

Flags:
`

func diff(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("diff", diffUsage, s)
	format := sourceFormat(f)
	json := f.Bool("json", false, "print JSON")
	rest, err := cli.Arguments(f, args, "A", "B")
	if err == nil {
		err = checkSources(*format, rest...)
	}
	if err != nil {
		return err
	}
	a, err := source(rest[0], *format, s.Err)
	if err != nil {
		return err
	}
	b, err := source(rest[1], *format, s.Err)
	if err != nil {
		return err
	}
	changes := append([]envmap.Change{}, envmap.Diff(a, b)...)
	if *json {
		return cli.WriteJSON(s.Out, changes)
	}
	for _, c := range changes {
		fmt.Fprintf(s.Out, "%s %s: %s -> %s\n    %s\n", c.Kind, c.Name, c.Old, c.New, c.Means)
	}
	fmt.Fprintln(s.Out, english.Count(len(changes), "difference"))
	return nil
}
