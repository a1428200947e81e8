// Command reconfigure does what "gitlab-ctl reconfigure" of GitLab 18.11 did
// for Mattermost, into a directory of your own: it reads gitlab.rb without
// executing it and writes the environment, the virtual host, the service and
// the secrets, and says which steps are left.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const usage = `Usage: reconfigure [flags]

Reads gitlab.rb and gitlab-secrets.json, works out what GitLab's Linux package
would have made of them for Mattermost, and writes that as a tree of files
below -out. gitlab.rb is never executed, no program is run, and nothing is
written outside -out.

  reconfigure -n                          look only, on a GitLab machine
  reconfigure -out ./out                  write the tree
  reconfigure -gitlab-rb gitlab.rb -host facts.json -json
                                          for another machine, as JSON
  reconfigure -target standalone          the same for Mattermost's own package:
                                          /opt/mattermost, systemd, your nginx

Exit status: 0 ok, 1 error, 2 wrong call, 3 findings of severity error.

Flags:
`

func main() { os.Exit(cli.Main("reconfigure", run)) }

type options struct {
	gitlabRB, secrets, root, host, target, version, out string
	json, dry                                           bool
}

func run(_ context.Context, args []string, s cli.Streams) error {
	var o options
	f := cli.Flags("reconfigure", usage, s)
	f.StringVar(&o.gitlabRB, "gitlab-rb", "", "gitlab.rb to read (default ROOT/etc/gitlab/gitlab.rb)")
	f.StringVar(&o.secrets, "secrets", "", "gitlab-secrets.json to read (default ROOT/etc/gitlab/gitlab-secrets.json, if it exists)")
	f.StringVar(&o.root, "root", "/", "directory that stands for / when files are looked up")
	f.StringVar(&o.host, "host", "", "JSON `file` with facts that replace looking at this machine")
	f.StringVar(&o.target, "target", "linux-package", "linux-package or standalone")
	f.StringVar(&o.version, "gitlab-version", "18.11", "GitLab version whose rules apply")
	f.StringVar(&o.out, "out", "./out", "directory that the tree is written to")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of text")
	f.BoolVar(&o.dry, "n", false, "write nothing")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return cli.Usagef("unexpected argument %q: files are given with -gitlab-rb and -secrets", f.Arg(0))
	}
	if err := cli.CheckGitLabVersion(o.version); err != nil {
		return err
	}
	if o.target != "linux-package" && o.target != "standalone" {
		return cli.Usagef("-target %q: want linux-package or standalone", o.target)
	}

	loaded, loadErr := load(o)
	rep := failure(loadErr)
	if loaded != nil {
		var err error
		if rep, err = newReport(o, loaded, loadErr); err != nil {
			return err
		}
	}
	if len(rep.Errors) == 0 && !o.dry {
		if err := writeTree(o.out, rep.tree); err != nil {
			return err
		}
	}
	if o.json {
		if err := cli.WriteJSON(s.Out, rep); err != nil {
			return err
		}
	} else if err := rep.print(s); err != nil {
		return err
	}
	switch {
	case len(rep.Errors) > 0:
		if _, err := fmt.Fprint(s.Err, cli.Advice(loadErr)); err != nil {
			return err
		}
		return cli.ErrFailed
	case rep.hasErrorFinding():
		return cli.ErrFindings
	}
	return nil
}

// load reads the inputs. With -host the secrets come from the facts' own files
// unless -secrets names one: nothing of this machine may leak into the plan.
func load(o options) (*config.Loaded, error) {
	lo := config.LoadOptions{GitLabRB: o.gitlabRB, Secrets: o.secrets, GitLabVersion: o.version}
	if lo.GitLabRB == "" {
		lo.GitLabRB = filepath.Join(o.root, config.DefaultGitLabRB)
	}
	if o.host == "" {
		lo.Host = config.LocalHost(o.root)
		if path := filepath.Join(o.root, config.DefaultSecrets); lo.Secrets == "" && exists(path) {
			lo.Secrets = path
		} else if lo.Secrets == "" {
			lo.SecretsFile = config.NewSecretsFile(path)
		}
		return config.Load(lo)
	}
	facts, err := readFacts(o.host)
	if err != nil {
		return nil, err
	}
	lo.Host = facts.Host()
	if o.secrets == "" {
		if lo.SecretsFile, err = recordedSecrets(facts); err != nil {
			return nil, fmt.Errorf("%s: %w", o.host, err)
		}
	}
	return config.Load(lo)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func readFacts(path string) (config.Facts, error) {
	file, err := os.Open(path)
	if err != nil {
		return config.Facts{}, fmt.Errorf("read host facts: %w", err)
	}
	defer file.Close() // read only
	facts, err := config.ReadFacts(file)
	if err != nil {
		return config.Facts{}, fmt.Errorf("%s: %w", path, err)
	}
	return facts, nil
}

// recordedSecrets is the secrets file among the facts' files; without one the
// machine has none yet.
func recordedSecrets(facts config.Facts) (*config.SecretsFile, error) {
	text, ok := facts.Files[config.DefaultSecrets]
	switch {
	case !ok:
		return config.NewSecretsFile(config.DefaultSecrets), nil
	case text == nil:
		return nil, fmt.Errorf("files: the content of %s is not given; name a copy with -secrets", config.DefaultSecrets)
	}
	return config.ParseSecrets(config.DefaultSecrets, []byte(*text))
}
