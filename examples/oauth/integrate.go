package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/oauth"
)

const integrateHelp = `Usage: oauth integrate KIND [flags]

Sets up what GitLab offers for Mattermost beside the login. KIND is

  notifications   events of a project go to a channel; the incoming webhook is in MATTERMOST_WEBHOOK or -webhook-file
  slash-commands  /gitlab in Mattermost for a project; the command's token is in MATTERMOST_SLASH_TOKEN or -webhook-file
  allow           GitLab may call Mattermost at a local address (outbound requests)
  plugin          the GitLab plugin's own application, and its settings in -out

GitLab's token is in GITLAB_TOKEN: of a maintainer for the first two, of an administrator for the others.

Example:
  oauth integrate notifications -gitlab https://gitlab.example.com -project group/project -events push,pipeline -channel builds

`

// integration are the flags of integrate.
type integration struct {
	target
	project, group, events, channel, username, branches, webhookFile, host string
	onlyBroken, remove                                                     bool
	out                                                                    output
}

func integrate(ctx context.Context, args []string, s cli.Streams) error {
	i := &integration{target: target{streams: s}}
	f := cli.Flags("oauth integrate", integrateHelp, s)
	i.flags(f)
	f.StringVar(&i.project, "project", "", "`PROJECT`: its id or group/project")
	f.StringVar(&i.group, "group", "", "`GROUP` instead of a project: its id or path")
	f.StringVar(&i.events, "events", "", "`LIST` of "+strings.Join(oauth.Events(), ","))
	f.StringVar(&i.channel, "channel", "", "default `CHANNEL`")
	f.StringVar(&i.username, "username", "", "`NAME` under which it posts (Mattermost: EnablePostUsernameOverride)")
	f.StringVar(&i.branches, "branches", "", "`WHICH`: all, default, protected or default_and_protected")
	f.BoolVar(&i.onlyBroken, "only-broken", false, "only pipelines that fail")
	f.StringVar(&i.webhookFile, "webhook-file", "", "`FILE` with the incoming webhook, or the slash command's token")
	f.StringVar(&i.host, "host", "", "with allow: `HOST` or address; default: that of -mattermost")
	f.BoolVar(&i.remove, "remove", false, "switch the integration off")
	f.StringVar(&i.out.file, "out", "", "with plugin: write the settings to `FILE` (mode 0600)")
	words, err := cli.Arguments(f, args, "KIND")
	if err != nil {
		return err
	}
	kinds := map[string]func(context.Context, *oauth.Integrator) error{
		"notifications": i.notifications, "slash-commands": i.slashCommands, "allow": i.allow, "plugin": i.plugin,
	}
	do, ok := kinds[words[0]]
	if !ok {
		// The word is not repeated: it may be a token.
		return cli.Usagef("unknown KIND: want notifications, slash-commands, allow or plugin")
	}
	if err := i.check(words[0]); err != nil {
		return err
	}
	if i.dryRun {
		return i.say("would set up %s of %s at %s", words[0], i.what(words[0]), i.gitlab)
	}
	client, _, err := i.client()
	if err != nil {
		return err
	}
	token, err := i.token(ctx, "GitLab token")
	if err != nil {
		return err
	}
	return do(ctx, &oauth.Integrator{GitLabURL: i.gitlab, Token: token, Client: client})
}

// check says what a kind lacks before a token is asked for.
func (i *integration) check(kind string) error {
	if err := i.checkGitLab(); err != nil {
		return err
	}
	if i.mattermost != "" {
		if _, err := oauth.NormalizeURL(i.mattermost); err != nil {
			return cli.Usagef("-mattermost: %s", err)
		}
	}
	switch kind {
	case "allow":
		if i.host == "" && i.mattermost == "" {
			return cli.Usagef("allow needs -host or -mattermost")
		}
	case "plugin":
		if i.out.file == "" {
			return cli.Usagef("plugin needs -out FILE: the settings hold three secrets")
		}
		if i.mattermost == "" {
			return cli.Usagef("plugin needs -mattermost")
		}
	default:
		if (i.project == "") == (i.group == "") {
			return cli.Usagef("%s needs one of -project and -group", kind)
		}
	}
	if kind != "plugin" && i.out.file != "" {
		return cli.Usagef("-out goes with plugin only")
	}
	for _, e := range i.eventList() {
		if !slices.Contains(oauth.Events(), e) {
			return cli.Usagef("-events: want some of %s", strings.Join(oauth.Events(), ","))
		}
	}
	return nil
}

// eventList is what -events names.
func (i *integration) eventList() []string {
	if i.events == "" {
		return nil
	}
	return strings.Split(i.events, ",")
}

func (i *integration) on() oauth.Target { return oauth.Target{Project: i.project, Group: i.group} }

// what names the object of a kind.
func (i *integration) what(kind string) string {
	switch {
	case kind == "plugin" || kind == "allow" && i.host == "":
		return i.mattermost
	case kind == "allow":
		return i.host
	}
	return i.on().String()
}

func (i *integration) say(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if i.json {
		return cli.WriteJSON(i.streams.Out, map[string]string{"done": text})
	}
	_, err := fmt.Fprintln(i.streams.Out, text)
	return err
}

func (i *integration) notifications(ctx context.Context, g *oauth.Integrator) error {
	if i.remove {
		if err := g.Remove(ctx, i.on(), "mattermost"); err != nil {
			return err
		}
		return i.say("notifications of %s are off", i.on())
	}
	hook, err := secretFrom(i.webhookFile, "MATTERMOST_WEBHOOK")
	if err != nil {
		return err
	}
	n := oauth.Notifications{Webhook: hook, Username: i.username, Channel: i.channel, Events: i.eventList(), Branches: i.branches, OnlyBroken: i.onlyBroken}
	if err := g.SetNotifications(ctx, i.on(), n); err != nil {
		return err
	}
	return i.say("notifications of %s go to Mattermost", i.on())
}

func (i *integration) slashCommands(ctx context.Context, g *oauth.Integrator) error {
	if i.remove {
		if err := g.Remove(ctx, i.on(), "mattermost-slash-commands"); err != nil {
			return err
		}
		return i.say("slash commands of %s are off", i.on())
	}
	token, err := secretFrom(i.webhookFile, "MATTERMOST_SLASH_TOKEN")
	if err != nil {
		return err
	}
	if err := g.SetSlashCommands(ctx, i.on(), token); err != nil {
		return err
	}
	if i.group != "" {
		return i.say("slash commands of %s are on", i.on())
	}
	address, err := oauth.SlashCommandURL(i.gitlab, i.project)
	if err != nil {
		return err
	}
	return i.say("slash commands of %s are on; request URL in Mattermost (POST): %s", i.on(), address)
}

func (i *integration) allow(ctx context.Context, g *oauth.Integrator) error {
	host := i.host
	if host == "" {
		host = i.mattermost
	}
	changed, err := g.AllowOutbound(ctx, host)
	if err != nil {
		return err
	}
	if !changed {
		return i.say("GitLab may already call %s", host)
	}
	return i.say("GitLab may call %s now", host)
}

// plugin registers the plugin's application and writes its settings.
func (i *integration) plugin(ctx context.Context, g *oauth.Integrator) error {
	if _, err := os.Lstat(i.out.file); err == nil {
		return fmt.Errorf("%s: exists; a new encryption key would disconnect every user of the plugin, so move it away first if that is wanted", i.out.file)
	}
	want, err := oauth.PluginApplication(i.mattermost)
	if err != nil {
		return err
	}
	route := &oauth.APIRoute{GitLabURL: i.gitlab, Token: g.Token, Client: g.Client}
	res, err := oauth.Ensure(ctx, route, want, oauth.Credentials{})
	if err != nil {
		return err
	}
	if res.Credentials.Secret == "" {
		if res, err = oauth.RenewSecret(ctx, route, want, oauth.Credentials{ID: res.Credentials.ID}); err != nil {
			return err
		}
	}
	var random [40]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	p := oauth.PluginSettings{
		GitLabURL: i.gitlab, ClientID: res.Credentials.ID, ClientSecret: res.Credentials.Secret, ChildPipelines: true,
		WebhookSecret: oauth.Secret(hex.EncodeToString(random[:24])), EncryptionKey: oauth.Secret(hex.EncodeToString(random[24:])),
	}
	text, err := p.Config()
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(i.out.file, []byte(text.Reveal()), 0o600); err != nil {
		return errors.Join(err, errors.New("the application is registered; run this again, it renews the secret"))
	}
	hook, err := p.WebhookURL(i.mattermost)
	if err != nil {
		return err
	}
	return i.say("plugin settings are in %s (mmctl config patch %[1]s); webhook URL for GitLab: %s", i.out.file, hook)
}
