package main

import (
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/nginx"
	"github.com/gitlab-mattermost/sdk/oauth"
)

// standalone is the same installation on Mattermost's own packages.
func (r *report) standalone(inst *config.Installation) error {
	r.describe(inst)
	r.Secrets, r.Directories = map[string]any{}, []directory{}
	for _, f := range inst.Findings {
		if concernsStandalone(f) {
			r.Findings = append(r.Findings, f)
		}
	}
	r.Nginx, r.Service = vhost{}, service{Name: "mattermost"}
	if !inst.Enabled || inst.MattermostURL == "" {
		return nil
	}
	s := inst.Standalone(config.StandaloneOptions{})
	r.alone = s
	r.Findings = append(r.Findings, s.Findings...)
	env := envmap.FromStandalone(inst, s)
	r.setEnv(env)
	site, findings, err := nginx.StandaloneFromGitLab(inst, nginx.StandaloneOptions{})
	r.Nginx = vhost{Enabled: true, Path: s.VHostFile}
	r.renderVHost(site, findings, err)
	if app, err := oauth.Desired(s.SiteURL); err != nil {
		r.Errors = append(r.Errors, positions(err)...)
	} else {
		r.OAuth = application{Name: app.Name, RedirectURIs: app.RedirectURIs, Scopes: app.Scopes, Trusted: app.Trusted,
			Confidential: app.Confidential, Registration: config.RegistrationSkip, Reason: "outside the bundle: the registered application stays valid, or register with examples/oauth"}
	}
	r.Database = databasePlan{s.Database.Role, s.Database.Name, s.Database.DataSource, s.Database.Create}
	r.Accounts = accounts(s.Accounts)
	for _, d := range s.Directories {
		r.Directories = append(r.Directories, directory(effective(d)))
	}
	r.Service = service{Name: "mattermost", Enable: true, Unit: s.Unit}
	if len(r.Errors) > 0 {
		return nil
	}
	text, err := env.Encode(envmap.FormatSystemd)
	if err != nil {
		return err
	}
	t := tree{dirs: s.Directories}
	t.files = []file{
		{s.EnvFile, "0600", "root", "root", text},
		{s.UnitFile, "0644", "root", "root", []byte(s.Unit)},
		{s.VHostFile, "0644", "root", "root", []byte(r.Nginx.Config)},
	}
	r.setTree(t)
	return nil
}

// concernsStandalone keeps what the files themselves get wrong; the traps of
// the bundle's layout are mended here, and the layout's findings say so.
func concernsStandalone(f config.Finding) bool {
	switch f.ID {
	case "database.sslmode", "address.ipv6-brackets":
		return false
	}
	return strings.HasPrefix(f.ID, "gitlabrb.") || strings.HasPrefix(f.ID, "era.") || f.Severity == config.SeverityError
}
