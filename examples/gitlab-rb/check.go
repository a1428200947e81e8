package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

const checkUsage = `Usage: gitlab-rb check [-from V -to V] [flags]

Lists what will bite in gitlab.rb and gitlab-secrets.json. With -from and -to it
also says what "gitlab-ctl check-config --version TO", run by version FROM, will
answer about Mattermost, and whether the reconfigure of TO then aborts. FROM
should have a patch: 18.11.6 to 18.11.9 all behave differently. The machine is
taken to have been reconfigured before, so that gitlab-secrets.json holds a
mattermost section; a file given with -secrets is looked at instead.

  gitlab-rb check
  gitlab-rb check -from 18.11.7 -to 19.0.0

Flags:
`

func check(_ context.Context, args []string, s cli.Streams) error {
	var in input
	f := in.flags("check", checkUsage, s)
	from := f.String("from", "", "`version` that runs the check")
	to := f.String("to", "", "`version` to upgrade to")
	if _, err := in.parse(f, args); err != nil {
		return err
	}
	if (*from == "") != (*to == "") {
		return cli.Usagef("-from and -to go together")
	}
	if *from != "" && !cli.Given(f, "gitlab-version") {
		in.version = *from
	}
	l, loadErr := in.load()
	if l == nil {
		return loadErr
	}
	out := checked{Errors: []string{}, Findings: nonNil(l.Installation.Findings)}
	if loadErr != nil {
		out.Errors = strings.Split(loadErr.Error(), "\n")
	}
	if *from != "" {
		u, err := config.CheckConfig(config.CheckConfigInput{Running: *from, Target: *to, Installation: l.Installation,
			HasSecrets: in.secrets == "" || l.Secrets.Mattermost().Len() > 0})
		if err != nil {
			return cli.Usagef("%s", err)
		}
		out.Upgrade = &u
	}
	var err error
	if in.json {
		err = cli.WriteJSON(s.Out, out)
	} else {
		err = printCheck(s.Out, out)
	}
	if err != nil {
		return err
	}
	if loadErr != nil {
		return cli.ErrFailed // printed with the findings
	}
	if out.Upgrade != nil && out.Upgrade.Outcome != config.CheckPasses ||
		slices.ContainsFunc(out.Findings, func(f config.Finding) bool { return f.Severity == config.SeverityError }) {
		return cli.ErrFindings
	}
	return nil
}

// checked is what check found.
type checked struct {
	Errors   []string                  `json:"errors"`
	Findings []config.Finding          `json:"findings"`
	Upgrade  *config.CheckConfigResult `json:"upgrade,omitempty"`
}

func printCheck(w io.Writer, c checked) error {
	var b strings.Builder
	for _, e := range c.Errors {
		fmt.Fprintf(&b, "error: %s\n", e)
	}
	printFindings(&b, c.Findings)
	if len(c.Findings)+len(c.Errors) == 0 {
		b.WriteString("Nothing found.\n")
	}
	if u := c.Upgrade; u != nil {
		fmt.Fprintf(&b, "\ncheck-config of %s for %s: %s\n  %s\n", u.Running, u.Target, u.Outcome, u.Why)
		for _, m := range u.Messages {
			fmt.Fprintf(&b, "  %s\n", m)
		}
		if u.Fix != "" {
			fmt.Fprintf(&b, "  fix: %s\n", u.Fix)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printFindings(b *strings.Builder, findings []config.Finding) {
	for _, f := range findings {
		fmt.Fprintf(b, "%s: %s: %s [%s]\n  fix: %s\n", f.Severity, f.Where, f.Message, f.ID, f.Fix)
	}
}

func nonNil(f []config.Finding) []config.Finding {
	if f == nil {
		return []config.Finding{}
	}
	return f
}

const ownServerUsage = `Usage: gitlab-rb own-server -mattermost URL -gitlab URL [flags]

Prints the gitlab.rb lines that run Mattermost on its own machine with GitLab's
package, for both machines: only services that the version knows are named.
With -write-mattermost or -write-gitlab it edits those files instead (created
when missing); -n then shows the difference and writes nothing.

  gitlab-rb own-server -mattermost https://mm.example.com -gitlab https://gl.example.com
  gitlab-rb own-server -mattermost https://mm.example.com -gitlab https://gl.example.com \
    -client-id ID -client-secret-file secret.txt -write-mattermost mm-gitlab.rb

Flags:
`

func ownServer(_ context.Context, args []string, s cli.Streams) error {
	var o config.OwnServerOptions
	f := cli.Flags("gitlab-rb own-server", ownServerUsage, s)
	f.StringVar(&o.MattermostURL, "mattermost", "", "`URL` of Mattermost (needed)")
	f.StringVar(&o.GitLabURL, "gitlab", "", "`URL` of GitLab (needed)")
	f.StringVar(&o.GitLabVersion, "gitlab-version", newestBundle, "GitLab `version` of both machines")
	f.StringVar(&o.ClientID, "client-id", "", "id of the OAuth application made by hand in GitLab")
	secretFile := f.String("client-secret-file", "", "`file` that holds the application's secret; - is standard input")
	var e edits
	writeMM := f.String("write-mattermost", "", "gitlab.rb `file` of the Mattermost machine to edit")
	writeGL := f.String("write-gitlab", "", "gitlab.rb `file` of the GitLab machine to edit")
	f.BoolVar(&e.dry, "n", false, "with -write-mattermost or -write-gitlab: show the difference, write nothing")
	f.BoolVar(&e.backup, "backup", false, "keep the old files beside the new ones, with the time in their names")
	f.BoolVar(&e.json, "json", false, "print JSON")
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if err := cli.CheckGitLabVersion(o.GitLabVersion); err != nil {
		return err
	}
	if o.MattermostURL == "" || o.GitLabURL == "" {
		return cli.Usagef("-mattermost and -gitlab are needed")
	}
	if (o.ClientID == "") != (*secretFile == "") {
		return cli.Usagef("-client-id and -client-secret-file go together")
	}
	var err error
	if *secretFile != "" {
		if o.ClientSecret, err = readSecret("client secret", *secretFile, s.In); err != nil {
			return err
		}
	}
	p, err := config.OwnServer(o)
	if err != nil {
		return cli.Usagef("%s", err)
	}
	if *writeMM == "" && *writeGL == "" {
		return printOwnServer(s.Out, p, e.json)
	}
	for _, w := range []struct {
		path     string
		settings []config.Setting
	}{{*writeMM, p.Mattermost}, {*writeGL, p.GitLab}} {
		if w.path != "" {
			if err := e.apply(w.path, w.settings, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func printOwnServer(w io.Writer, p *config.OwnServerPlan, asJSON bool) error {
	for i := range p.Mattermost {
		if p.Mattermost[i].Secret {
			p.Mattermost[i].Value = redact.Mask // only -write-mattermost writes it
		}
	}
	if asJSON {
		return cli.WriteJSON(w, p)
	}
	var b strings.Builder
	b.WriteString("# gitlab.rb of the Mattermost machine\n")
	if len(p.Mattermost) == 0 {
		b.WriteString("# none: GitLab " + p.GitLabVersion + " no longer contains Mattermost; install Mattermost's own package there\n")
	}
	for _, l := range p.Mattermost {
		b.WriteString(l.Line() + "\n")
	}
	b.WriteString("\n# gitlab.rb of the GitLab machine\n")
	for _, l := range p.GitLab {
		b.WriteString(l.Line() + "\n")
	}
	fmt.Fprintf(&b, "\n# OAuth application in GitLab: Trusted and Confidential on, scope %q, redirect URIs\n", p.Scope)
	for _, u := range p.RedirectURIs {
		b.WriteString("# " + u + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// readSecret reads one line from a file, or from standard input for "-".
func readSecret(what, path string, in io.Reader) (config.Secret, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", what, err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, 4097))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" || len(data) > 4096 || strings.ContainsAny(text, "\n\x00") {
		return "", fmt.Errorf("read %s from %s: want one line of at most 4096 bytes", what, path)
	}
	return config.Secret(text), nil
}
