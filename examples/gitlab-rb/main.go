// Command gitlab-rb reads, explains, checks and edits a gitlab.rb without
// executing it: what a setting is and why, what an upgrade will say about it,
// and edits that leave every other byte alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

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

func run(ctx context.Context, args []string, s cli.Streams) error {
	return cli.Dispatch(ctx, "gitlab-rb", usage, []cli.Command{
		{Name: "get", Run: get}, {Name: "explain", Run: explain}, {Name: "set", Run: set}, {Name: "unset", Run: unset},
		{Name: "check", Run: check}, {Name: "own-server", Run: ownServer}, {Name: "drift", Run: drift},
	}, args, s)
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
	f.StringVar(&in.version, "gitlab-version", newestBundle, "GitLab `version` whose rules apply, 7.14 or newer")
	f.BoolVar(&in.container, "container", false, "evaluate GITLAB_OMNIBUS_CONFIG before the file, as GitLab's image does")
	f.BoolVar(&in.json, "json", false, "print JSON")
	return f
}

// parse reads the flags that in holds, and demands exactly these arguments.
func (in *input) parse(f *flag.FlagSet, args []string, names ...string) ([]string, error) {
	got, err := cli.Arguments(f, args, names...)
	if err == nil {
		err = cli.CheckGitLabVersion(in.version)
	}
	return got, err
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
