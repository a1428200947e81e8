package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/oauth"
)

// output is where the settings go.
type output struct{ file, format string }

func (o *output) flags(f *flag.FlagSet) {
	f.StringVar(&o.file, "out", "", "write the settings with the secret to `FILE` (mode 0600) instead of printing the secret once")
	f.StringVar(&o.format, "format", "env", "`FORMAT` of the settings: env (MM_ variables) or gitlab.rb")
}

func (o *output) check() error {
	if o.format != "env" && o.format != "gitlab.rb" {
		return cli.Usagef("-format %q: want env or gitlab.rb", o.format)
	}
	return nil
}

// prepare opens the file before anything is registered: a secret that cannot be
// written afterwards would be lost. An existing file is replaced only when it
// holds nothing but such settings.
func (o *output) prepare() (*atomicfile.File, error) {
	if o.file == "" {
		return nil, nil
	}
	old, err := os.ReadFile(o.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for i, line := range strings.Split(string(old), "\n") {
		if line != "" && !strings.HasPrefix(line, "MM_GITLABSETTINGS_") && !strings.HasPrefix(line, "mattermost['gitlab_") {
			return nil, fmt.Errorf("%s: line %d is no GitLab login setting; give a file of its own, nothing was changed", o.file, i+1)
		}
	}
	return atomicfile.Create(o.file, 0o600)
}

// text is the settings in the chosen format.
func (o *output) text(s oauth.Settings) (oauth.Secret, error) {
	if o.format == "gitlab.rb" {
		return s.GitlabRB()
	}
	return s.Env()
}

func (t *target) printPlan(p oauth.Plan) error {
	if t.json {
		if err := cli.WriteJSON(t.streams.Out, p); err != nil {
			return err
		}
		return verdict(p.Findings)
	}
	for _, s := range p.Steps {
		if _, err := fmt.Fprintf(t.streams.Out, "would %s\n", s.What); err != nil {
			return err
		}
	}
	if len(p.Steps) == 0 {
		if _, err := fmt.Fprintln(t.streams.Out, "nothing to do"); err != nil {
			return err
		}
	}
	if p.Instructions != nil {
		if err := t.printInstructions(*p.Instructions); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(t.streams.Out, "\nThe same for gitlab-rails runner:\n\n%s", p.Instructions.Script); err != nil {
			return err
		}
	}
	if err := printFindings(t.streams.Out, p.Findings); err != nil {
		return err
	}
	return verdict(p.Findings)
}

func (t *target) printInstructions(in oauth.Instructions) error {
	w := t.streams.Out
	if t.json {
		w = t.streams.Err // a person reads them, a program the result
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Open %s\n", in.Open)
	for i, s := range in.Steps {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s)
	}
	for _, v := range in.Values {
		fmt.Fprintf(&b, "   %-13s %s\n", v.Field+":", strings.ReplaceAll(v.Value, "\n", "\n"+strings.Repeat(" ", 17)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// answer asks for what a person brings back from GitLab.
func (t *target) answer(_ context.Context, in oauth.Instructions) (oauth.Credentials, error) {
	if len(in.Bring) == 0 {
		_, err := t.ask("press Enter when it is done")
		if err != nil && strings.Contains(err.Error(), "EOF") {
			err = nil
		}
		return oauth.Credentials{}, err
	}
	id, err := t.ask("Application ID")
	if err != nil {
		return oauth.Credentials{}, err
	}
	secret, err := t.ask("Secret")
	return oauth.Credentials{ID: id.Reveal(), Secret: secret}, err
}

func (t *target) printResult(res oauth.Result, want oauth.Application, out output, file *atomicfile.File) error {
	ends, err := oauth.EndpointsOf(t.gitlab, oauth.Version{})
	if err != nil {
		return err
	}
	if t.json {
		if err := cli.WriteJSON(t.streams.Out, res); err != nil {
			return err
		}
	} else if err := t.printSteps(res); err != nil {
		return err
	}
	if res.Credentials.Secret != "" && res.Credentials.ID != "" {
		text, err := out.text(oauth.SettingsFor(res.Credentials, want, ends))
		if err != nil {
			return err
		}
		switch {
		case file != nil:
			_, err := io.WriteString(file, text.Reveal())
			if err == nil {
				err = file.Commit()
			}
			if err != nil {
				return fmt.Errorf("%w; the application is registered, get a secret by 'oauth renew-secret'", err)
			}
			if _, err := fmt.Fprintf(t.streams.Err, "settings with the secret are in %s\n", out.file); err != nil {
				return err
			}
		case !t.json:
			if _, err := fmt.Fprintf(t.streams.Out, "\nSettings for Mattermost (the secret is shown this once):\n\n%s", text.Reveal()); err != nil {
				return err
			}
		}
	}
	if !t.json {
		if err := printFindings(t.streams.Out, res.Findings); err != nil {
			return err
		}
	}
	return verdict(res.Findings)
}

func (t *target) printSteps(res oauth.Result) error {
	for _, s := range res.Done {
		if _, err := fmt.Fprintf(t.streams.Out, "done: %s\n", s.What); err != nil {
			return err
		}
	}
	if len(res.Done) == 0 {
		if _, err := fmt.Fprintln(t.streams.Out, "nothing to do"); err != nil {
			return err
		}
	}
	if res.Application.ID == "" {
		return nil
	}
	return printApplication(t.streams.Out, res.Application)
}

func printApplication(w io.Writer, a oauth.Registered) error {
	var b strings.Builder
	fmt.Fprintf(&b, "application %q\n  id            %s\n", a.Name, a.ID)
	if a.RowID != 0 {
		fmt.Fprintf(&b, "  row           %d\n", a.RowID)
	}
	for _, u := range a.RedirectURIs {
		fmt.Fprintf(&b, "  redirect URI  %s\n", u)
	}
	for _, x := range []struct{ name, value string }{
		{"scopes", a.ScopeText()}, {"trusted", fmt.Sprint(a.Trusted)}, {"confidential", fmt.Sprint(a.Confidential)},
	} {
		value := x.value
		for _, unknown := range a.Unknown {
			if unknown == x.name {
				value = "not visible by this route"
			}
		}
		if value == "" {
			value = "none"
		}
		fmt.Fprintf(&b, "  %-13s %s\n", x.name, value)
	}
	if a.SecretForm != "" {
		fmt.Fprintf(&b, "  %-13s %s\n", "secret", a.SecretForm)
	}
	if a.SecretMatches != nil {
		fmt.Fprintf(&b, "  %-13s %t\n", "secret fits", *a.SecretMatches)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printFindings(w io.Writer, list []oauth.Finding) error {
	for _, f := range list {
		if _, err := fmt.Fprintf(w, "%s %s: %s: %s\n  fix: %s\n", f.Severity, f.ID, f.Where, f.Message, f.Fix); err != nil {
			return err
		}
	}
	return nil
}

// verdict turns findings into the exit status.
func verdict(list []oauth.Finding) error {
	for _, f := range list {
		if f.Severity == "error" {
			return cli.ErrFindings
		}
	}
	return nil
}

// notNil makes an absent list an empty one in JSON.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
