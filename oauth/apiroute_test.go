package oauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

// apiRoute starts a fake GitLab with an administrator.
func apiRoute(t testing.TB, version string) (*oauthtest.GitLab, *oauth.APIRoute) {
	t.Helper()
	g := oauthtest.Start(t, oauthtest.Options{Version: mustVersion(t, version), RelativeURL: "/gitlab"})
	admin := g.AddUser(oauthtest.User{Username: "root", Email: "root@example.com", Admin: true})
	return g, &oauth.APIRoute{GitLabURL: g.URL + "/", Token: g.AddToken(admin, "api")}
}

func TestAPIRouteRegistersOnce(t *testing.T) {
	for _, version := range []string{"10.5", "15.3", "16.11", "18.11", "19.2"} {
		g, r := apiRoute(t, version)
		first, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
		if err != nil {
			t.Fatal(version, err)
		}
		if verbs(first.Done) != "create" || finding(first.Findings, "trusted-by-hand") == nil {
			t.Errorf("%s: %s, findings %v", version, verbs(first.Done), first.Findings)
		}
		ends, err := oauth.EndpointsOf(g.URL, oauth.Version{})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := oauth.CheckCredentials(ctx, nil, ends, first.Credentials, desired(t).RedirectURIs[1]); v != oauth.CredentialsRight {
			t.Errorf("%s: the new credentials are %s (%v)", version, v, err)
		}
		second, err := oauth.Ensure(ctx, r, desired(t), first.Credentials)
		if err != nil || len(second.Done) != 0 || second.Application.SecretMatches == nil || !*second.Application.SecretMatches {
			t.Errorf("%s: ensure twice: %s %v", version, verbs(second.Done), err)
		}
		visible := !strings.Contains(strings.Join(second.Application.Unknown, " "), "scopes")
		if visible != (version == "19.2") {
			t.Errorf("%s: scopes visible %v", version, visible)
		}
		if len(g.Applications()) != 1 {
			t.Errorf("%s: %d applications", version, len(g.Applications()))
		}
	}
}

func TestAPIRouteNamesAWrongSecret(t *testing.T) {
	_, r := apiRoute(t, "18.11")
	first, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	wrong := oauth.Credentials{ID: first.Credentials.ID, Secret: "of-before-the-restore"}
	res, err := oauth.Ensure(ctx, r, desired(t), wrong)
	if err != nil || finding(res.Findings, "secret-mismatch") == nil || len(res.Done) != 0 || res.Credentials.Secret != "" {
		t.Errorf("%v %v", res.Findings, err)
	}
}

func TestAPIRouteReplacesOnlyWhenPermitted(t *testing.T) {
	g, r := apiRoute(t, "18.11")
	app := desired(t)
	app.RedirectURIs = app.RedirectURIs[:1]
	id := g.AddApplication(app, given)
	res, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
	if err != nil || len(res.Done) != 0 || finding(res.Findings, "redirect-missing") == nil || finding(res.Findings, "cannot-change") == nil {
		t.Fatalf("%s %v %v", verbs(res.Done), res.Findings, err)
	}
	res, err = oauth.Carry(ctx, r, oauth.Order{Action: oauth.ActionEnsure, Want: desired(t), Replace: true})
	if err != nil || verbs(res.Done) != "create delete" || res.Application.RowID == id || res.Credentials.Secret == "" {
		t.Fatalf("%s %v", verbs(res.Done), err)
	}
	if _, err := oauth.Reauthorize(ctx, r, desired(t), oauth.Credentials{}); !errors.Is(err, oauth.ErrCannot) || !strings.Contains(err.Error(), "new id and secret") {
		t.Errorf("reauthorize without permission: %v", err)
	}
	g.Inject(oauthtest.Fault{Path: fmt.Sprintf("/api/v4/applications/%d", res.Application.RowID), Status: 500, Times: 1})
	half, err := oauth.Carry(ctx, r, oauth.Order{Action: oauth.ActionReauthorize, Want: desired(t), Replace: true})
	if err == nil || verbs(half.Done) != "create" || half.Credentials.Secret == "" {
		t.Errorf("a delete that fails must not lose the new secret: %s %v", verbs(half.Done), err)
	}
	if _, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{ID: half.Credentials.ID}); err != nil {
		t.Fatal(err)
	}
	again, err := oauth.Carry(ctx, r, oauth.Order{Action: oauth.ActionReauthorize, Want: desired(t), Replace: true})
	if err != nil || again.Credentials == res.Credentials || len(g.Applications()) != 1 {
		t.Errorf("reauthorize: %v", err)
	}
}

func TestAPIRouteRenewsFrom1611(t *testing.T) {
	_, r := apiRoute(t, "16.11")
	first, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := oauth.RenewSecret(ctx, r, desired(t), oauth.Credentials{})
	if err != nil || renewed.Credentials.Secret == first.Credentials.Secret || renewed.Credentials.Secret == "" {
		t.Errorf("%v", err)
	}
	_, old := apiRoute(t, "16.10")
	if _, err := oauth.Ensure(ctx, old, desired(t), oauth.Credentials{}); err != nil {
		t.Fatal(err)
	}
	if _, err := oauth.RenewSecret(ctx, old, desired(t), oauth.Credentials{}); !errors.Is(err, oauth.ErrCannot) || !strings.Contains(err.Error(), "16.11") {
		t.Errorf("%v", err)
	}
	if res, err := oauth.Revoke(ctx, r, desired(t), oauth.Credentials{}); err != nil || verbs(res.Done) != "delete" {
		t.Errorf("revoke: %v", err)
	}
}

func TestAPIRouteSaysWhatToDoAboutARefusal(t *testing.T) {
	g, r := apiRoute(t, "18.11")
	user := g.AddUser(oauthtest.User{Username: "anna"})
	for _, c := range []struct {
		change  func(r *oauth.APIRoute)
		message string
	}{
		{func(r *oauth.APIRoute) { r.Token = "glpat-wrong" }, "wrong, expired or revoked"},
		{func(r *oauth.APIRoute) { r.Token = g.AddToken(user, "api") }, "administrator's"},
		{func(r *oauth.APIRoute) { r.Token = "" }, "token: is empty"},
		{func(r *oauth.APIRoute) { r.GitLabURL = strings.TrimSuffix(g.URL, "/gitlab") }, "relative path"},
		{func(r *oauth.APIRoute) { r.GitLabURL = "gitlab.example.com" }, "must start with http"},
	} {
		changed := *r
		c.change(&changed)
		_, err := oauth.Ensure(ctx, &changed, desired(t), oauth.Credentials{})
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%v, want %q", err, c.message)
		}
		if err != nil && len(changed.Token) > 5 && strings.Contains(err.Error(), changed.Token.Reveal()) {
			t.Error("the message shows the token")
		}
	}
	_, err := oauth.Ensure(ctx, r, oauth.LinuxPackageApplication("https://mm.example.com"), oauth.Credentials{})
	if !errors.Is(err, oauth.ErrCannot) || !strings.Contains(err.Error(), "without scopes") {
		t.Errorf("the API refuses an application without scopes: %v", err)
	}
}

func TestAPIRouteNeverFollowsARedirectWithItsToken(t *testing.T) {
	asked := 0
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer thief.Close()
	front := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusFound))
	defer front.Close()
	r := &oauth.APIRoute{GitLabURL: front.URL, Token: "glpat-secret"}
	_, err := oauth.Ensure(ctx, r, desired(t), oauth.Credentials{})
	if err == nil || !strings.Contains(err.Error(), "redirect to "+thief.URL) || asked != 0 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

func TestAPIRouteReadsABoundedAnswer(t *testing.T) {
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := []byte(strings.Repeat(" ", 1<<16))
		for {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	_, err := oauth.Ensure(ctx, &oauth.APIRoute{GitLabURL: endless.URL, Token: "t"}, desired(t), oauth.Credentials{})
	if err == nil {
		t.Error("an endless answer passed")
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>login</html>") }))
	defer page.Close()
	if _, err := oauth.Ensure(ctx, &oauth.APIRoute{GitLabURL: page.URL, Token: "t"}, desired(t), oauth.Credentials{}); err == nil || !strings.Contains(err.Error(), "not GitLab's JSON") {
		t.Errorf("a proxy's page: %v", err)
	}
}
