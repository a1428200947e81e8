package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
	"github.com/gitlab-mattermost/sdk/oauth"
)

const routeHelp = `
Routes:
  api       GitLab 10.5 and newer; an administrator's token with scope api in GITLAB_TOKEN
  database  on GitLab's server: 'sudo -u gitlab-psql oauth ... -route database'; keeps id and secret, sets Trusted
  manual    prints what to click, asks for what comes back

`

func register(ctx context.Context, args []string, s cli.Streams) error {
	return order(ctx, args, s, oauth.ActionEnsure, `Usage: oauth register -gitlab URL -mattermost URL [flags]

Makes the application exist with both redirect URIs, scope read_user, trusted and confidential. Running it again changes nothing.

Example:
  GITLAB_TOKEN=... oauth register -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com -out oauth.env
  GITLAB_TOKEN=... oauth register -n -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com -gitlab-rb /etc/gitlab/gitlab.rb
`)
}

func reauthorize(ctx context.Context, args []string, s cli.Streams) error {
	return order(ctx, args, s, oauth.ActionReauthorize, `Usage: oauth reauthorize -gitlab URL -mattermost URL [flags]

Revokes what users have authorized and authorizes again. By the database route id and secret stay; by the API the application
is deleted and made again with new ones, which needs -replace.

Example:
  sudo -u gitlab-psql oauth reauthorize -route database -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com
`)
}

func renewSecret(ctx context.Context, args []string, s cli.Streams) error {
	return order(ctx, args, s, oauth.ActionRenewSecret, `Usage: oauth renew-secret -gitlab URL -mattermost URL [flags]

Gives the application a new secret. The old one is dead at once: write the new one into Mattermost's settings and restart it.

Example:
  GITLAB_TOKEN=... oauth renew-secret -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com -out oauth.env
`)
}

func revoke(ctx context.Context, args []string, s cli.Streams) error {
	return order(ctx, args, s, oauth.ActionRevoke, `Usage: oauth revoke -gitlab URL -mattermost URL [flags]

Removes the application with every authorization and token. With several that match, say which by -id.

Example:
  GITLAB_TOKEN=... oauth revoke -n -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com
`)
}

// order plans, shows, applies and prints.
func order(ctx context.Context, args []string, s cli.Streams, action oauth.Action, usage string) error {
	t := &target{streams: s}
	var out output
	f := cli.Flags("oauth "+string(action), usage+routeHelp, s)
	t.flags(f)
	if action != oauth.ActionRevoke {
		out.flags(f)
	}
	replace := f.Bool("replace", false, "permit to delete the application and make a new one (new id and secret) where it cannot be changed")
	repair := false
	if action == oauth.ActionEnsure {
		f.BoolVar(&repair, "repair-organizations", false, "with -route database: set organization_id to 1 in every row where it is NULL, as GitLab 19 needs")
	}
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if action != oauth.ActionRevoke {
		if err := out.check(f); err != nil {
			return err
		}
		if t.json && !t.dryRun && out.file == "" && out.gitlabRB == "" {
			return cli.Usagef("-json masks the secret: give -out FILE or -gitlab-rb FILE as well")
		}
	}
	if repair && t.route != "database" {
		return cli.Usagef("-repair-organizations needs -route database")
	}
	return t.withRoute(ctx, func(r oauth.Route, want oauth.Application, c oauth.Credentials) error {
		o := oauth.Order{Action: action, Want: want, Credentials: c, Replace: *replace}
		if db, ok := r.(*oauth.DatabaseRoute); ok && repair && !t.dryRun {
			if err := t.repairOrganizations(ctx, db); err != nil {
				return err
			}
		}
		res, to, err := t.carry(ctx, r, o, out)
		defer to.cancel()
		if res == nil || err != nil && len(res.Done) == 0 {
			return err
		}
		// What was done before an error is shown too: it may be a new secret.
		printErr := t.printResult(*res, want, to)
		if err != nil && errors.Is(printErr, cli.ErrFindings) {
			return err // it needs its words, ErrFindings has none
		}
		return errors.Join(err, printErr)
	})
}

// withRoute opens the route that the flags name and closes it after f.
func (t *target) withRoute(ctx context.Context, f func(oauth.Route, oauth.Application, oauth.Credentials) error) error {
	want, err := t.want()
	if err != nil {
		return err
	}
	if t.route != "api" && t.route != "database" && t.route != "manual" {
		return cli.Usagef("-route %q: want api, database or manual", t.route)
	}
	c, err := t.credentials()
	if err != nil {
		return err
	}
	r, closeRoute, err := t.open(ctx)
	if err != nil {
		return err
	}
	err = f(r, want, c)
	if closeErr := closeRoute(); err == nil {
		err = closeErr
	}
	return err
}

// carry plans, shows and applies. A dry run has no result. The file for the
// settings is opened before anything is registered.
func (t *target) carry(ctx context.Context, r oauth.Route, o oauth.Order, out output) (*oauth.Result, *sink, error) {
	p, err := r.Plan(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	if t.dryRun {
		err := t.printPlan(p)
		if out.gitlabRB != "" && (err == nil || errors.Is(err, cli.ErrFindings)) {
			if failed := out.preview(t, p); failed != nil {
				err = out.rights(t.route, failed)
			}
		}
		return nil, nil, err
	}
	to, err := out.prepare()
	if err != nil {
		return nil, nil, out.rights(t.route, err)
	}
	if p.Instructions != nil {
		if err := t.printInstructions(*p.Instructions); err != nil {
			return nil, to, err
		}
	}
	res, err := r.Apply(ctx, p)
	return &res, to, err
}

func (t *target) repairOrganizations(ctx context.Context, db *oauth.DatabaseRoute) error {
	n, err := db.RepairOrganizations(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.streams.Err, "organization_id was NULL in %s, now it is 1\n", english.Count(int(n), "row"))
	return err
}

func status(ctx context.Context, args []string, s cli.Streams) error {
	t := &target{streams: s}
	f := cli.Flags("oauth status", `Usage: oauth status -gitlab URL -mattermost URL [flags]

Shows what is registered and how it differs from what Mattermost needs. With id and secret (MM_GITLABSETTINGS_ID,
MM_GITLABSETTINGS_SECRET) it also says whether they are right; nothing is changed.

Example:
  GITLAB_TOKEN=... oauth status -gitlab https://gitlab.example.com -mattermost https://mattermost.example.com
`+routeHelp, s)
	t.flags(f)
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	return t.withRoute(ctx, func(r oauth.Route, want oauth.Application, c oauth.Credentials) error {
		found, err := r.Find(ctx, want, c)
		if err != nil {
			return err
		}
		return t.printStatus(found, want)
	})
}

func (t *target) printStatus(found []oauth.Registered, want oauth.Application) error {
	findings := oauth.CheckSiteURL(t.mattermost)
	if len(found) == 0 {
		findings = append(findings, oauth.Finding{ID: "not-registered", Severity: "error", Message: "no application in GitLab matches", Where: t.gitlab, Fix: "oauth register"})
	} else {
		findings = append(findings, oauth.Drift(want, found[0])...)
	}
	if t.json {
		if err := cli.WriteJSON(t.streams.Out, map[string]any{"applications": notNil(found), "findings": notNil(findings)}); err != nil {
			return err
		}
		return verdict(findings)
	}
	for _, a := range found {
		if err := printApplication(t.streams.Out, a); err != nil {
			return err
		}
	}
	if err := printFindings(t.streams.Out, findings); err != nil {
		return err
	}
	if len(findings) == 0 {
		if _, err := fmt.Fprintln(t.streams.Out, "as wanted"); err != nil {
			return err
		}
	}
	return verdict(findings)
}
