package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const effectiveUsage = `Usage: mattermost-env effective [flags] [ENVIRONMENT]

Shows what a server runs with, and where each value comes from: its defaults,
config.json, the environment. -out writes the same as one complete config.json
for a server without that environment.

  mattermost-env effective -config /var/opt/gitlab/mattermost/config.json /opt/gitlab/etc/mattermost/env
  mattermost-env effective -config config.json -out complete.json env/

Flags:
`

func effective(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("effective", effectiveUsage, s)
	var o output
	version := f.String("version", "10.11", "Mattermost version")
	file := f.String("config", "", "config.json to read (none: an empty one)")
	format := sourceFormat(f)
	all := f.Bool("all", false, "list defaults too")
	f.StringVar(&o.out, "out", "", "file to write the complete config.json to, mode 0600 (- is standard output)")
	f.BoolVar(&o.json, "json", false, "print values with origins as JSON, secrets masked")
	f.BoolVar(&o.dry, "n", false, "write nothing")
	rest, err := cli.Arguments(f, args, "[ENVIRONMENT]")
	if err == nil {
		err = cmp.Or(checkSources(*format, rest...), cli.Exclusive(f, "json", "out"))
	}
	if err != nil {
		return err
	}
	v, err := parseVersion(*version)
	if err != nil {
		return err
	}
	var data []byte
	if *file != "" {
		if data, err = readFile(*file); err != nil {
			return err
		}
	}
	var env *envmap.Environment
	if len(rest) == 1 {
		if env, err = source(rest[0], *format, s.Err); err != nil {
			return err
		}
	}
	e, err := envmap.Effective(data, env, v)
	if err != nil {
		return err
	}
	switch {
	case o.out != "":
		text, err := e.JSON()
		if err != nil {
			return err
		}
		return both(o.file(text, s), failed(e.Findings))
	case o.json:
		return both(cli.WriteJSON(s.Out, e), failed(e.Findings))
	}
	for _, x := range e.Values {
		if x.Origin.Kind == config.OriginDefault && !*all {
			continue
		}
		locked := ""
		if x.Locked {
			locked = ", locked in the console"
		}
		fmt.Fprintf(s.Out, "%s = %v    (%s %s%s)\n", x.Path, x.Value, x.Origin.Kind, x.Origin.Where, locked)
	}
	printFindings(s.Out, e.Findings)
	return failed(e.Findings)
}

const fromConfigUsage = `Usage: mattermost-env from-config [flags] CONFIG.JSON

Prints a variable for every setting of config.json that differs from the
version's defaults, or, with -before, from an older config.json: this is how
changes made in the System Console get into gitlab.rb.

  mattermost-env from-config -format gitlab.rb config.json
  mattermost-env from-config -before config.json.old -format gitlab.rb config.json

Flags:
`

func fromConfig(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("from-config", fromConfigUsage, s)
	var o output
	version := f.String("version", "10.11", "Mattermost version that will read the variables")
	before := f.String("before", "", "older config.json to compare with, instead of the defaults")
	f.StringVar(&o.format, "format", "", formatHelp)
	f.StringVar(&o.out, "out", "", "file or directory to write (- is standard output)")
	f.BoolVar(&o.json, "json", false, "print the variables as JSON, secrets masked")
	f.BoolVar(&o.dry, "n", false, "write nothing")
	rest, err := cli.Arguments(f, args, "CONFIG.JSON")
	if err == nil {
		err = o.check(f)
	}
	if err != nil {
		return err
	}
	v, err := parseVersion(*version)
	if err != nil {
		return err
	}
	after, err := readFile(rest[0])
	if err != nil {
		return err
	}
	var old []byte
	if *before != "" {
		if old, err = readFile(*before); err != nil {
			return err
		}
	}
	e, left, err := envmap.FromConfigDiff(old, after, v)
	if err != nil {
		return err
	}
	if o.json {
		return cli.WriteJSON(s.Out, map[string]any{"variables": shown(e), "left_out": append([]envmap.LeftOut{}, left...)})
	}
	for _, l := range left {
		fmt.Fprintf(s.Err, "left out: %s: %s (%s)\n", l.Key, l.Reason, l.Fix)
	}
	return o.write(e, s)
}
