// Command gitlab-rb reads, explains, checks and edits a gitlab.rb without
// executing it: what a setting is and why, what an upgrade will say about it,
// and edits that leave every other byte alone.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const usage = `Usage: gitlab-rb COMMAND [flags] [arguments]

Works on a gitlab.rb without executing it.

  get KEY           the effective value of a setting
  explain KEY       where it comes from, what it overrides, what it feeds
  set KEY VALUE     change a setting; every other byte of the file stays
  unset KEY         comment a setting out, or delete it
  check             what will bite; with -from and -to: will the upgrade pass?
  own-server        the lines for a Mattermost on its own machine
  drift             what config.json says against gitlab.rb

A KEY is written mattermost['service_site_url'], mattermost.service_site_url,
external_url, MM_SERVICESETTINGS_SITEURL or ServiceSettings.SiteURL.

  gitlab-rb explain mattermost.service_site_url
  gitlab-rb set -n mattermost_external_url https://mattermost.example.com
  gitlab-rb check -from 18.11.3 -to 19.3

Each command has its own help: gitlab-rb get -h.
Exit status: 0 ok, 1 error, 2 wrong call, 3 findings of severity error.
`

func main() { os.Exit(cli.Main("gitlab-rb", run)) }

func run(_ context.Context, args []string, s cli.Streams) error {
	commands := map[string]func([]string, cli.Streams) error{
		"get": get, "explain": explain, "set": set, "unset": unset, "check": check, "own-server": ownServer, "drift": drift,
	}
	if len(args) == 0 {
		return cli.Usagef("no command given")
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		fmt.Fprint(s.Out, usage)
		return nil
	}
	command, ok := commands[args[0]]
	if !ok {
		return cli.Usagef("unknown command %q", args[0])
	}
	return command(args[1:], s)
}

// input holds the flags that every command shares.
type input struct {
	gitlabRB, secrets, root, host, version string
	json, container                        bool
}

func (in *input) flags(name, usage string, s cli.Streams) *flag.FlagSet {
	f := cli.Flags("gitlab-rb "+name, usage, s)
	f.StringVar(&in.gitlabRB, "gitlab-rb", "", "`file` to read (default ROOT/etc/gitlab/gitlab.rb)")
	f.StringVar(&in.secrets, "secrets", "", "gitlab-secrets.json `file` (default ROOT/etc/gitlab/gitlab-secrets.json, if it exists)")
	f.StringVar(&in.root, "root", "/", "`directory` that stands for / when files are looked up")
	f.StringVar(&in.host, "host", "", "JSON `file` with facts that replace looking at this machine")
	f.StringVar(&in.version, "gitlab-version", "18.11", "GitLab `version` whose rules apply, 7.14 or newer")
	f.BoolVar(&in.container, "container", false, "evaluate GITLAB_OMNIBUS_CONFIG before the file, as GitLab's image does")
	f.BoolVar(&in.json, "json", false, "print JSON")
	return f
}

// parse reads flags and demands exactly these arguments; flags may stand
// before, between and behind them.
func parse(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	var got []string
	for {
		if err := cli.Parse(f, args); err != nil {
			return nil, err
		}
		rest := f.Args()
		if len(rest) == 0 {
			break
		}
		// "--" ends the flags: all that follows is arguments.
		if i := len(args) - len(rest); i > 0 && args[i-1] == "--" {
			got = append(got, rest...)
			break
		}
		got, args = append(got, rest[0]), rest[1:]
	}
	if len(got) != len(names) {
		return nil, cli.Usagef("%s: want %s, got %d arguments", strings.TrimPrefix(f.Name(), "gitlab-rb "), cmp.Or(strings.Join(names, " "), "no arguments"), len(got))
	}
	return got, nil
}

// load reads and resolves. With -host nothing of this machine is looked at.
func (in *input) load() (*config.Loaded, error) {
	o := config.LoadOptions{Root: in.root, GitLabRB: in.gitlabRB, Secrets: in.secrets, GitLabVersion: in.version}
	if in.gitlabRB != "" || in.secrets != "" {
		o.Root = "" // files that are named are not below -root
		if in.gitlabRB == "" {
			o.GitLabRB = in.root + config.DefaultGitLabRB
		}
	}
	if in.host == "" {
		o.Host = config.LocalHost(in.root)
	} else {
		file, err := os.Open(in.host)
		if err != nil {
			return nil, fmt.Errorf("read host facts: %w", err)
		}
		facts, err := config.ReadFacts(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", in.host, err)
		}
		o.Host = facts.Host()
	}
	if in.container {
		o.OmnibusConfig, _ = o.Host.Lookups.Env(config.OmnibusVariable)
	}
	if in.secrets == "" && in.gitlabRB != "" {
		// A file from elsewhere does not go with this machine's secrets.
		o.SecretsFile = config.NewSecretsFile(config.DefaultSecrets)
	}
	l, err := config.Load(o)
	if l == nil || l.Installation == nil {
		return nil, err
	}
	return l, err
}

// isSet tells whether a flag was given.
func isSet(f *flag.FlagSet, name string) bool {
	given := false
	f.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}
