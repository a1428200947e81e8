package oauthtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/oauth/oauthtest"
)

func TestApplicationsAPIErrorTable(t *testing.T) {
	type form = url.Values
	full := func(pairs ...string) form {
		f := form{"name": {"n"}, "redirect_uri": {signup + "\n" + login}, "scopes": {"read_user"}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	without := func(name string) form { f := full(); f.Del(name); return f }
	for _, c := range []struct {
		version, token string
		form           form
		status         int
		body           string
		reason         string
	}{
		{"", "none", full(), 401, `{"message":"401 Unauthorized"}`, "no token"},
		{"", "user", full(), 403, `{"message":"403 Forbidden"}`, "not an administrator"},
		{"", "admin", without("name"), 400, `{"error":"name is missing"}`, "name"},
		{"", "admin", without("redirect_uri"), 400, `{"error":"redirect_uri is missing"}`, "redirect_uri"},
		{"", "admin", without("scopes"), 400, `{"error":"scopes is missing, scopes is empty"}`, "scopes absent"},
		{"", "admin", full("scopes", " "), 400, `{"error":"scopes is empty"}`, "scopes blank"},
		{"", "admin", full("scopes", "nonsense"), 400, `{"message":{"scopes":["doesn't match configured on the server."]}}`, "unknown scope"},
		{"", "admin", full("redirect_uri", "http://"), 400, `{"message":{"redirect_uri":["must be a valid URI."]}}`, "broken redirect"},
		{"13.12", "admin", full("redirect_uri", "http://"), 400, `{"message":{"redirect_uri":["must be an absolute URI."]}}`, "its older text"},
		{"", "admin", full("redirect_uri", "javascript:x"), 400, `{"message":{"redirect_uri":["is forbidden by the server."]}}`, "script"},
		{"", "admin", full(), 201, "", "accepted"},
		{"10.4", "admin", full(), 404, `{"error":"404 Not Found"}`, "before the API existed"},
	} {
		g, _ := start(t, c.version)
		header := http.Header{}
		switch c.token {
		case "user":
			header.Set("Private-Token", g.AddToken(g.AddUser(oauthtest.User{Username: "u"}), "api").Reveal())
		case "admin":
			header.Set("Private-Token", g.AddToken(1, "api").Reveal())
		}
		status, _, doc := call(t, "POST", g.URL+"/api/v4/applications", c.form, header)
		got, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if status != c.status || c.body != "" && string(got) != c.body {
			t.Errorf("%s: %d %s, want %d %s", c.reason, status, got, c.status, c.body)
		}
		if status == 201 && (doc["secret"] == nil || doc["application_id"] == nil || doc["callback_url"] != signup+"\n"+login) {
			t.Errorf("created: %v", doc)
		}
	}
}

func TestApplicationsAPIListDeleteRenew(t *testing.T) {
	g, id := start(t, "16.11")
	admin := http.Header{"Private-Token": {g.AddToken(1, "api").Reveal()}}
	_, _, list := call(t, "GET", g.URL+"/api/v4/applications", nil, admin)
	if text := fmt.Sprint(list); !strings.Contains(text, creds.ID) || strings.Contains(text, `"secret"`) {
		t.Errorf("list: %v", text)
	}
	address := fmt.Sprintf("%s/api/v4/applications/%d", g.URL, id)
	status, _, doc := call(t, "POST", address+"/renew-secret", nil, admin)
	if status != 201 || doc["secret"] == nil {
		t.Errorf("renew: %d %v", status, doc)
	}
	if _, _, e := call(t, "POST", g.URL+"/oauth/token", exchange("code", "x"), nil); e["error"] != "invalid_client" {
		t.Errorf("the old secret lives: %v", e)
	}
	if status, _, doc := call(t, "DELETE", g.URL+"/api/v4/applications/999", nil, admin); status != 404 || doc["message"] != "404 Application Not Found" {
		t.Errorf("unknown id: %d %v", status, doc)
	}
	if status, _, _ := call(t, "DELETE", address, nil, admin); status != 204 {
		t.Errorf("delete: %d", status)
	}
	old, oldID := start(t, "16.10")
	if status, _, _ := call(t, "POST", fmt.Sprintf("%s/api/v4/applications/%d/renew-secret", old.URL, oldID), nil, http.Header{"Private-Token": {old.AddToken(1, "api").Reveal()}}); status != 404 {
		t.Errorf("renew-secret before 16.11: %d", status)
	}
}

func TestUserEndpointByVersionAndState(t *testing.T) {
	g, _ := start(t, "")
	user := g.AddUser(oauthtest.User{Username: "anna"})
	header := http.Header{"Private-Token": {g.AddToken(user, "read_user").Reveal()}}
	if status, _, doc := call(t, "GET", g.URL+"/api/v3/user", nil, header); status != 410 {
		t.Errorf("v3 on 18.11: %d %v", status, doc)
	}
	if status, _, doc := call(t, "GET", g.URL+"/api/v4/user", nil, nil); status != 401 || doc["message"] != "401 Unauthorized" {
		t.Errorf("no token: %d %v", status, doc)
	}
	narrow := http.Header{"Private-Token": {g.AddToken(user, "read_repository").Reveal()}}
	if status, _, doc := call(t, "GET", g.URL+"/api/v4/user", nil, narrow); status != 403 || doc["error"] != "insufficient_scope" {
		t.Errorf("wrong scope: %d %v", status, doc)
	}
	g.SetUserState(user, "blocked")
	if status, _, _ := call(t, "GET", g.URL+"/api/v4/user", nil, header); status != 403 {
		t.Errorf("blocked: %d", status)
	}
	old, _ := start(t, "8.12")
	if status, _, _ := call(t, "GET", old.URL+"/api/v3/user", nil, http.Header{"Private-Token": {old.AddToken(1, "api").Reveal()}}); status != 200 {
		t.Errorf("v3 on 8.12: %d", status)
	}
	if status, _, _ := call(t, "GET", old.URL+"/api/v4/user", nil, nil); status != 404 {
		t.Errorf("v4 on 8.12: %d", status)
	}
}
