package oauth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
	"github.com/google/go-cmp/cmp"
)

const webhook = oauth.Secret("https://mm.example.com/hooks/abcdefghijklmnopqrstuvwxyz")

func integrator(t testing.TB, version string) (*oauthtest.GitLab, *oauth.Integrator) {
	t.Helper()
	g, r := apiRoute(t, version)
	return g, &oauth.Integrator{GitLabURL: r.GitLabURL, Token: r.Token}
}

func TestNotificationsAreSetInOldAndNewGitLab(t *testing.T) {
	for _, version := range []string{"13.12", "18.11"} {
		g, i := integrator(t, version)
		err := i.SetNotifications(ctx, oauth.Target{Project: "group/project"}, oauth.Notifications{
			Webhook: webhook, Channel: "town-square", Username: "GitLab", Events: []string{"push", "pipeline"},
			Channels: map[string]string{"issues": "bugs,triage"}, Branches: "default", OnlyBroken: true,
		})
		if err != nil {
			t.Fatal(version, err)
		}
		want := map[string]any{
			"webhook": webhook.Reveal(), "channel": "town-square", "username": "GitLab", "issue_channel": "bugs,triage",
			"branches_to_be_notified": "default", "notify_only_broken_pipelines": true,
			"push_events": true, "pipeline_events": true, "issues_events": false, "confidential_issues_events": false,
			"merge_requests_events": false, "tag_push_events": false, "note_events": false, "confidential_note_events": false, "wiki_page_events": false,
		}
		if diff := cmp.Diff(want, g.Integration("projects/group/project/mattermost")); diff != "" {
			t.Error(diff)
		}
		for range 2 { // twice is once
			if err := i.Remove(ctx, oauth.Target{Project: "group/project"}, "mattermost"); err != nil {
				t.Error(err)
			}
		}
		if g.Integration("projects/group/project/mattermost") != nil {
			t.Error("still set")
		}
	}
}

func TestNotificationsRefuseWhatGitLabWould(t *testing.T) {
	g, i := integrator(t, "18.11")
	for _, c := range []struct {
		n       oauth.Notifications
		message string
	}{
		{oauth.Notifications{Webhook: "https://mm.example.com/"}, "/hooks/"},
		{oauth.Notifications{Webhook: "javascript:/hooks/x"}, "/hooks/"},
		{oauth.Notifications{Webhook: webhook, Events: []string{"pusch"}}, `event "pusch"`},
		{oauth.Notifications{Webhook: webhook, Branches: "main"}, "branches"},
		{oauth.Notifications{Webhook: webhook, Channels: map[string]string{"push": strings.Repeat("a,", 10) + "a"}}, "ten"},
		{oauth.Notifications{Webhook: webhook, Channels: map[string]string{"x": "a"}}, "event"},
	} {
		err := i.SetNotifications(ctx, oauth.Target{Project: "7"}, c.n)
		if err == nil || !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "abcdefghijklmnop") {
			t.Errorf("%v, want %q without the webhook", err, c.message)
		}
	}
	if len(g.Requests()) != 0 {
		t.Error("GitLab was asked although the input is wrong")
	}
	if err := i.SetNotifications(ctx, oauth.Target{Project: "a?b"}, oauth.Notifications{Webhook: webhook}); err == nil {
		t.Error("a project with a query passed")
	}
	i.Token = "glpat-wrong"
	if err := i.SetNotifications(ctx, oauth.Target{Project: "7"}, oauth.Notifications{Webhook: webhook}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("%v", err)
	}
}

func TestSlashCommands(t *testing.T) {
	g, i := integrator(t, "18.11")
	if err := i.SetSlashCommands(ctx, oauth.Target{Project: "7"}, "abcdefghijklmnopqrstuvwxyz"); err != nil {
		t.Fatal(err)
	}
	if got := g.Integration("projects/7/mattermost-slash-commands"); fmt.Sprint(got["token"]) != "abcdefghijklmnopqrstuvwxyz" {
		t.Error("the token was not set")
	}
	if err := i.SetSlashCommands(ctx, oauth.Target{Project: "7"}, "Too-short"); err == nil || strings.Contains(err.Error(), "Too-short") {
		t.Errorf("%v", err)
	}
	address, err := oauth.SlashCommandURL("https://gitlab.example.com/gitlab/", "group/project")
	if err != nil || address != "https://gitlab.example.com/gitlab/api/v4/projects/group%2Fproject/integrations/mattermost_slash_commands/trigger" {
		t.Errorf("%s %v", address, err)
	}
	if err := i.Remove(ctx, oauth.Target{Project: "7"}, "jira"); err == nil {
		t.Error("another integration can be removed")
	}
}

func TestIntegrationsOfAGroup(t *testing.T) {
	g, i := integrator(t, "18.11")
	group := oauth.Target{Group: "top/sub"}
	if err := i.SetNotifications(ctx, group, oauth.Notifications{Webhook: webhook}); err != nil {
		t.Fatal(err)
	}
	if err := i.SetSlashCommands(ctx, group, "abcdefghijklmnopqrstuvwxyz"); err != nil {
		t.Fatal(err)
	}
	if g.Integration("groups/top/sub/mattermost") == nil || g.Integration("groups/top/sub/mattermost-slash-commands") == nil {
		t.Error("not set")
	}
	for _, bad := range []oauth.Target{{}, {Project: "a", Group: "b"}, {Group: "x#y"}} {
		if err := i.Remove(ctx, bad, "mattermost"); err == nil || !strings.Contains(err.Error(), "target") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestOutboundAllowListKeepsTheOthers(t *testing.T) {
	g, i := integrator(t, "18.11")
	for _, c := range []struct {
		host    string
		changed bool
		reason  string
	}{
		{"https://mm.example.com/chat", true, "a URL gives its host"},
		{"MM.example.com", false, "already there"},
		{"10.1.2.3", true, "an address"},
		{"10.1.2.3", false, "twice"},
	} {
		changed, err := i.AllowOutbound(ctx, c.host)
		if err != nil || changed != c.changed {
			t.Errorf("%s: %v %v: %s", c.host, changed, err, c.reason)
		}
	}
	if diff := cmp.Diff([]any{"mm.example.com", "10.1.2.3"}, g.Setting("outbound_local_requests_whitelist")); diff != "" {
		t.Error(diff)
	}
	if g.Setting("allow_local_requests_from_web_hooks_and_services") != false {
		t.Error("every local request is allowed now")
	}
	if _, err := i.AllowOutbound(ctx, "evil host\nother"); err == nil {
		t.Error("two lines in one entry")
	}
	user := g.AddUser(oauthtest.User{Username: "anna"})
	i.Token = g.AddToken(user, "api")
	if _, err := i.AllowOutbound(ctx, "x.example"); err == nil || !strings.Contains(err.Error(), "administrator's") {
		t.Errorf("%v", err)
	}
}
