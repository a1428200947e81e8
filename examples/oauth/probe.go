package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/oauth"
)

const probeHelp = `Usage: oauth probe -gitlab URL -mattermost URL [flags]

Walks the login as Mattermost and a browser do and names the cause of a failure, with its fix. It changes nothing.
Run it on Mattermost's server, so that DNS, firewall and certificates are Mattermost's.

Each of these decides further steps:
  -env FILE (or MM_GITLABSETTINGS_ID and _SECRET)  are id and secret right?
  GITLAB_TOKEN with -route api, or -route database is the registration right?
  GITLAB_USER_TOKEN                                who would sign in?
  MATTERMOST_TOKEN                                 does that user collide with an account?
  SSL_CERT_DIR or -ca-dir                          does Mattermost trust GitLab's certificate?
  -interactive                                     a real login, by you, in a browser

Example:
  oauth probe -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com -env /opt/mattermost/oauth.env

`

func probe(ctx context.Context, args []string, s cli.Streams) (err error) {
	t := &target{streams: s}
	f := cli.Flags("oauth probe", probeHelp, s)
	t.flags(f)
	env := f.String("env", "", "`FILE` with Mattermost's MM_GITLABSETTINGS_ variables")
	caDir := f.String("ca-dir", os.Getenv("SSL_CERT_DIR"), "`DIRECTORIES` that Mattermost trusts (or SSL_CERT_DIR)")
	diagram := f.String("diagram", "", "print the sequence diagram instead: `KIND` svg or mermaid")
	out := f.String("out", "", "write to `FILE` instead of the standard output")
	interactive := f.Bool("interactive", false, "make a real login through a browser")
	timeout := f.Duration("timeout", 15*time.Second, "`LIMIT` for one request")
	f.Lookup("route").DefValue, t.route = "api when GITLAB_TOKEN is set", ""
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if err := cli.Exclusive(f, "json", "diagram"); err != nil {
		return err
	}
	if _, err := t.want(); err != nil {
		return err
	}
	if t.route != "" && t.route != "api" && t.route != "database" && t.route != "manual" {
		return cli.Usagef("-route %q: want api, database or manual", t.route)
	}
	if *timeout <= 0 {
		return cli.Usagef("-timeout %s: want more than nothing, such as 15s", *timeout)
	}
	if *diagram != "" && *diagram != "svg" && *diagram != "mermaid" {
		return cli.Usagef("-diagram %q: want svg or mermaid", *diagram)
	}
	p, closeRoute, err := t.prober(ctx, *env, *caDir, *timeout)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := closeRoute(); err == nil {
			err = closeErr
		}
	}()
	if *interactive {
		p.Interactive = &oauth.Interactive{Open: func(address string) error {
			_, err := fmt.Fprintf(s.Err, "open in a browser on this machine: %s\n", address)
			return err
		}}
	}
	if w, ok := s.Err.(*os.File); ok && term.IsTerminal(int(w.Fd())) {
		p.OnStep = func(step oauth.ProbeStep) { fmt.Fprintf(w, "%-13s %s\n", step.Outcome, step.Title) }
	}
	r, err := p.Run(ctx)
	if err != nil {
		return err
	}
	if err := writeReport(s, r, *diagram, *out, t.json); err != nil {
		return err
	}
	return verdict(r.Findings())
}

// prober takes what the flags and the environment know.
func (t *target) prober(ctx context.Context, env, caDir string, timeout time.Duration) (*oauth.Prober, func() error, error) {
	p := &oauth.Prober{
		GitLabURL: t.gitlab, MattermostURL: t.mattermost, Timeout: timeout,
		UserToken: oauth.Secret(os.Getenv("GITLAB_USER_TOKEN")), MattermostToken: oauth.Secret(os.Getenv("MATTERMOST_TOKEN")),
	}
	if env != "" {
		text, err := os.ReadFile(env)
		if err != nil {
			return nil, nil, err
		}
		if p.Settings, err = oauth.ParseEnv(string(text)); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", env, err)
		}
	} else {
		c, err := t.credentials()
		if err != nil {
			return nil, nil, err
		}
		p.Settings.ID, p.Settings.Secret = c.ID, c.Secret
	}
	if caDir != "" {
		p.CADirs = filepath.SplitList(caDir)
	}
	var err error
	if _, p.Roots, err = t.client(); err != nil {
		return nil, nil, err
	}
	closeRoute := func() error { return nil }
	admin, err := secretFrom(t.tokenFile, "GITLAB_TOKEN")
	if err != nil {
		return nil, nil, err
	}
	if t.route == "" && admin != "" {
		t.route = "api"
	}
	if t.route != "" && t.route != "manual" {
		p.Route, closeRoute, err = t.open(ctx)
	}
	if t.route == "api" {
		p.AdminToken = admin
	}
	return p, closeRoute, err
}

func writeReport(s cli.Streams, r oauth.Report, diagram, out string, asJSON bool) error {
	w := &buffer{}
	var err error
	switch {
	case diagram == "svg":
		_, err = fmt.Fprint(w, r.SVG())
	case diagram == "mermaid":
		_, err = fmt.Fprint(w, r.Mermaid())
	case asJSON:
		err = cli.WriteJSON(w, r)
	default:
		err = r.WriteText(w)
	}
	if err != nil {
		return err
	}
	if out != "" {
		return atomicfile.WriteFile(out, *w, 0o644)
	}
	_, err = s.Out.Write(*w)
	return err
}

// buffer collects, so that a failed run leaves no half file.
type buffer []byte

func (b *buffer) Write(p []byte) (int, error) { *b = append(*b, p...); return len(p), nil }
