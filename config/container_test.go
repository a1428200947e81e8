package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

func TestContainersFileBeatsItsVariable(t *testing.T) {
	root := tree(t, map[string]string{DefaultGitLabRB: "mattermost['team_site_name'] = 'file'\n"})
	l, err := Load(LoadOptions{Root: root, OmnibusConfig: `mattermost_external_url 'http://mm.example.com'; mattermost['team_site_name'] = "var#{1}"; mattermost['service_port'] = 1`})
	if err != nil {
		t.Fatal(err)
	}
	i := l.Installation
	if a := i.Mattermost.Get("team_site_name"); a.Value != "file" || !strings.HasSuffix(a.Origin.Where, "gitlab.rb:1:1") {
		t.Errorf("the file must win: %v", a)
	}
	if a := i.Mattermost.Get("service_port"); a.Value != int64(1) || a.Origin.Where != "GITLAB_OMNIBUS_CONFIG:1:92" {
		t.Errorf("the variable counts where the file is silent: %v", a)
	}
	if i.MattermostURL != "http://mm.example.com" {
		t.Errorf("URL %q", i.MattermostURL)
	}
}

func TestContainersVariableIsReportedByName(t *testing.T) {
	root := tree(t, map[string]string{DefaultGitLabRB: ""})
	_, err := Load(LoadOptions{Root: root, OmnibusConfig: "mattermost_external_url 'mm'\nmattermost['uid'] = `id -u`\n"})
	var list gitlabrb.ErrorList
	if !errors.As(err, &list) || len(list) != 2 || list[0].Pos.String() != "GITLAB_OMNIBUS_CONFIG:1:1" || list[1].Pos.String() != "GITLAB_OMNIBUS_CONFIG:2:1" {
		t.Errorf("got %v", err)
	}
	if _, err := Load(LoadOptions{Root: root, OmnibusConfig: "external_url 'x"}); err == nil || !strings.HasPrefix(err.Error(), "GITLAB_OMNIBUS_CONFIG:1:") {
		t.Errorf("a syntax error in the variable: %v", err)
	}
}
