package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gitlab-mattermost/sdk/oauth"
	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

func ExampleDesired() {
	app, err := oauth.Desired("https://Mattermost.example.com:443/")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.RedirectText())
	fmt.Println(app.ScopeText())
	// Output:
	// https://mattermost.example.com/signup/gitlab/complete
	// https://mattermost.example.com/login/gitlab/complete
	// read_user
}

func ExampleEndpointsOf() {
	e, err := oauth.EndpointsOf("https://example.com/gitlab/", oauth.Version{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Authorize)
	fmt.Println(e.Token)
	fmt.Println(e.UserAPI)
	// Output:
	// https://example.com/gitlab/oauth/authorize
	// https://example.com/gitlab/oauth/token
	// https://example.com/gitlab/api/v4/user
}

// Registering by the API. A GitLab of package oauthtest stands in for yours.
func ExampleEnsure() {
	g := oauthtest.New(oauthtest.Options{})
	defer g.Close()
	admin := g.AddUser(oauthtest.User{Username: "root", Admin: true})

	app, err := oauth.Desired("https://mattermost.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	route := &oauth.APIRoute{GitLabURL: g.URL, Token: g.AddToken(admin, "api")}
	for range 2 {
		res, err := oauth.Ensure(context.Background(), route, app, oauth.Credentials{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d step, secret known: %t\n", len(res.Done), res.Credentials.Secret != "")
		for _, f := range res.Findings {
			fmt.Println(" ", f.Severity, f.ID)
		}
	}
	// Output:
	// 1 step, secret known: true
	//   warning trusted-by-hand
	// 0 step, secret known: false
	//   info trusted-by-hand
	//   warning secret-unknown
	//   info not-visible
}

// A plan is data: show it, then apply it or not.
func ExampleRoute() {
	var route oauth.Route = &oauth.ManualRoute{GitLabURL: "https://gitlab.example.com"}
	app, err := oauth.Desired("https://mattermost.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := route.Plan(context.Background(), oauth.Order{Action: oauth.ActionEnsure, Want: app})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Instructions.Open)
	for _, v := range plan.Instructions.Values[2:] {
		fmt.Println(v.Field+":", v.Value)
	}
	// Output:
	// https://gitlab.example.com/admin/applications
	// Trusted: on
	// Confidential: on
	// Scopes: read_user
}

func ExampleSettings_GitlabRB() {
	e, err := oauth.EndpointsOf("https://gitlab.example.com", oauth.Version{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := oauth.SettingsFor(oauth.Credentials{ID: "the-id", Secret: "the-secret"}, oauth.Application{Scopes: []string{"read_user"}}, e)
	lines, err := s.GitlabRB()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lines) // a secret prints masked
	fmt.Print(lines.Reveal())
	// Output:
	// [redacted]
	// mattermost['gitlab_enable'] = true
	// mattermost['gitlab_id'] = 'the-id'
	// mattermost['gitlab_secret'] = 'the-secret'
	// mattermost['gitlab_scope'] = 'read_user'
	// mattermost['gitlab_auth_endpoint'] = 'https://gitlab.example.com/oauth/authorize'
	// mattermost['gitlab_token_endpoint'] = 'https://gitlab.example.com/oauth/token'
	// mattermost['gitlab_user_api_endpoint'] = 'https://gitlab.example.com/api/v4/user'
}

// "Sign in with GitLab" for a program beside Mattermost.
func ExampleNewLogin() {
	g := oauthtest.New(oauthtest.Options{})
	defer g.Close()
	g.AddUser(oauthtest.User{Username: "anna", Email: "anna@example.com"})

	mux := http.NewServeMux()
	site, closeSite := serveLocal(mux)
	defer closeSite()
	app, err := oauth.Desired(site)
	if err != nil {
		fmt.Println(err)
		return
	}
	creds, err := oauth.NewCredentials()
	if err != nil {
		fmt.Println(err)
		return
	}
	g.AddApplication(app, creds)
	ends, err := oauth.EndpointsOf(g.URL, oauth.Version{})
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := oauth.NewLogin(oauth.LoginConfig{
		SiteURL: site, Endpoints: ends, Credentials: creds, PKCE: true,
		OnUser: func(w http.ResponseWriter, r *http.Request, u oauth.User, t oauth.Token, redirectTo string) {
			fmt.Fprintf(w, "hello %s, on to %s with scope %s", u.Username, redirectTo, t.Scope)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux.Handle("/", login)

	page, err := g.Browser("anna", nil).Open(site + "/oauth/gitlab/login?redirect_to=/board")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Body)
	// Output: hello anna, on to /board with scope read_user
}

// Finding out why a login fails: here nothing listens at Mattermost's address.
func ExampleProber_Run() {
	g := oauthtest.New(oauthtest.Options{})
	defer g.Close()
	p := &oauth.Prober{GitLabURL: g.URL, MattermostURL: "http://127.0.0.1:1"}
	report, err := p.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range report.Causes() {
		fmt.Println(c.ID+":", c.Title)
		fmt.Println("fix:", c.Fix)
	}
	// Output:
	// refused: nothing listens at that address and port
	// fix: start the service, or correct the port in the URL
}

func ExampleReport_Mermaid() {
	r := oauth.Report{Steps: []oauth.ProbeStep{
		{From: "Mattermost", To: "Browser", Title: "Mattermost sends the browser to GitLab", Outcome: oauth.Failed, Causes: []oauth.Cause{{ID: "site-url-scheme"}}},
		{From: "Mattermost", To: "GitLab", Title: "GitLab accepts id and secret", Outcome: oauth.Passed},
	}}
	fmt.Print(r.Mermaid())
	// Output:
	// sequenceDiagram
	//     participant Browser
	//     participant Mattermost
	//     participant GitLab
	//     Mattermost-xBrowser: 1 ✗ Mattermost sends the browser to GitLab
	//     Note over Mattermost,Browser: site-url-scheme
	//     Mattermost->>GitLab: 2 ✓ GitLab accepts id and secret
}

func ExampleUser_Mattermost() {
	m, err := oauth.User{ID: 42, Username: "Anna.Alt", Name: "Anna Maria Alt", Email: "Anna@Example.com"}.Mattermost()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.AuthService, m.AuthData, m.Username, m.Email, m.FirstName, "/", m.LastName)
	// Output: gitlab 42 anna.alt anna@example.com Anna / Maria Alt
}

// serveLocal serves a handler on a free port.
func serveLocal(h http.Handler) (address string, closeServer func()) {
	s := httptest.NewServer(h)
	return s.URL, s.Close
}
