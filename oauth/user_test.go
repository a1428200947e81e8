package oauth_test

import (
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/shared/mlog"
)

func TestGitLabUserAsMattermostStoresIt(t *testing.T) {
	got, err := oauth.User{ID: 42, Username: "Anna.Alt", Name: "Anna Maria Alt", Email: "Anna@Example.COM"}.Mattermost()
	if err != nil {
		t.Fatal(err)
	}
	want := oauth.MattermostUser{AuthService: "gitlab", AuthData: "42", Username: "anna.alt", Email: "anna@example.com", EmailVerified: true, FirstName: "Anna", LastName: "Maria Alt"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := (oauth.User{ID: 7, Login: "old", Email: "o@example.com"}).Mattermost(); err != nil || got.Username != "old" {
		t.Errorf("login in place of username: %+v %v", got, err)
	}
	if got, err := (oauth.User{ID: 7, Username: "admin", Email: "o@example.com"}).Mattermost(); err != nil || got.Username != "a7" {
		t.Errorf("reserved name: %+v %v", got, err)
	}
	for _, bad := range []oauth.User{{Email: "a@b"}, {ID: -1, Email: "a@b"}, {ID: 1}, {ID: 1, Email: " "}} {
		if _, err := bad.Mattermost(); err == nil {
			t.Errorf("%+v passed", bad)
		}
	}
}

// TestCleanUsernameAgreesWithMattermost compares with Mattermost's own model.
func TestCleanUsernameAgreesWithMattermost(t *testing.T) {
	logger := mlog.CreateConsoleTestLogger(t)
	for _, name := range []string{
		"anna", "Anna", "anna alt", "anna.alt", "anna_alt", "-anna-", "anna--alt", "änna", "Ännä Ält", "admin", "Admin", "api", "oauth",
		"all", "channel", "matterbot", "system", "SYSTEM", "", " ", "-", "...", "a", "日本", "名前1", "a@b.c", "x+y", "o'neil",
		"user/name", "tab\tname", "plugins", "playbooks", "boards", "administrator", strings.Repeat("a", 64), strings.Repeat("a", 65), "a\u0301b", "İstanbul",
	} {
		want := model.CleanUsername(logger, name)
		got := oauth.CleanUsername(name)
		if got == "" {
			// Mattermost made a random name: the letter a and an id.
			if len(want) != 27 || want[0] != 'a' {
				t.Errorf("%q: we give up, Mattermost says %q", name, want)
			}
			continue
		}
		if got != want {
			t.Errorf("%q: %q, Mattermost says %q", name, got, want)
		}
	}
}

func TestATakenNameGetsANumber(t *testing.T) {
	taken := map[string]bool{"anna": true, "anna0": true}
	if got, err := oauth.FreeUsername("anna", func(s string) bool { return taken[s] }); err != nil || got != "anna1" {
		t.Errorf("%s %v", got, err)
	}
	if _, err := oauth.FreeUsername("anna", func(string) bool { return true }); err == nil {
		t.Error("endless")
	}
}
