package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/oauth"
)

func (t *target) printPlan(p oauth.Plan) error {
	if t.json {
		p.Found, p.Steps, p.Findings = notNil(p.Found), notNil(p.Steps), notNil(p.Findings)
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
func (t *target) answer(ctx context.Context, in oauth.Instructions) (oauth.Credentials, error) {
	if len(in.Bring) == 0 {
		_, err := t.ask(ctx, "press Enter when it is done")
		if err != nil && strings.Contains(err.Error(), "EOF") {
			err = nil
		}
		return oauth.Credentials{}, err
	}
	id, err := t.ask(ctx, "Application ID")
	if err != nil {
		return oauth.Credentials{}, err
	}
	secret, err := t.ask(ctx, "Secret")
	return oauth.Credentials{ID: id.Reveal(), Secret: secret}, err
}

func (t *target) printResult(res oauth.Result, want oauth.Application, out *sink) error {
	ends, err := oauth.EndpointsOf(t.gitlab, oauth.Version{})
	if err != nil {
		return err
	}
	res.Done, res.Findings = notNil(res.Done), notNil(res.Findings)
	if t.json {
		if err := cli.WriteJSON(t.streams.Out, res); err != nil {
			return err
		}
	} else if err := t.printSteps(res); err != nil {
		return err
	}
	switch {
	case res.Credentials.Secret != "" && res.Credentials.ID != "":
		if err := out.write(t, oauth.SettingsFor(res.Credentials, want, ends)); err != nil {
			return err
		}
	case out.file != nil || out.rb != nil:
		if _, err := fmt.Fprintf(t.streams.Err, "%s stays as it is: %s\n", cmp.Or(out.gitlabRB, out.output.file), noSecret); err != nil {
			return err
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
