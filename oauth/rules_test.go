package oauth

import (
	"strings"
	"testing"
)

func TestRedirectURIRules(t *testing.T) {
	for _, c := range []struct{ uri, message, reason string }{
		{"https://mm.example.com/signup/gitlab/complete", "", "the usual one"},
		{"http://mm.example.com/signup/gitlab/complete", "", "GitLab does not force TLS"},
		{"http://localhost:8065/cb", "", "with a scheme localhost is fine"},
		{"myapp://callback", "", "custom schemes pass"},
		{"mattermost-beta://callback", "", "as native programs use them"},
		{"urn:ietf:wg:oauth:2.0:oob", "", "for programs without a browser"},
		{"urn:ietf:wg:oauth:2.0:oob:auto", "", "the same"},
		{"https://mm.example.com/cb?a=1&b=2", "", "a query is allowed"},
		{"", "is empty", "blank"},
		{"http://", "must have a host", "GitLab: must be a valid URI"},
		{"https:///cb", "must have a host", "path only"},
		{"https://mm.example.com/cb#x", "fragment", "fragments never reach a server"},
		{"https://mm.example.com/cb#", "fragment", "an empty one as well"},
		{"/signup/gitlab/complete", "scheme", "relative"},
		{"//mm.example.com/cb", "scheme", "scheme relative"},
		{"localhost:8065", "scheme", "parses as scheme localhost"},
		{"mailto:a@example.com", "scheme", "opaque"},
		{"javascript:alert(1)", "forbidden", "script"},
		{"JavaScript:alert(1)", "forbidden", "script in other case"},
		{"javascript://mm.example.com/%0aalert(1)", "forbidden", "script dressed as an address"},
		{"data:text/html,x", "forbidden", "inline page"},
		{"vbscript:x", "forbidden", "old script"},
		{"https://mm.example.com/a\nhttps://evil.example/", "control", "two entries in one"},
		{"https://mm.example.com/a https://evil.example/", "blank", "two entries in one"},
		{"https://mm.example.com\x00.evil.example/", "control", "NUL"},
		{"https://mm.example.com\\@evil.example/", "backslash", "browsers and servers disagree on the host"},
		{"https://mm.example.com@evil.example/", "user name", "looks like our host, is the user name"},
		{"https://%zz/", "valid URI", "broken escape"},
		{"https://" + strings.Repeat("a", 4000), "too long", "bounded"},
	} {
		err := CheckRedirectURI(c.uri)
		if (err == nil) != (c.message == "") || err != nil && !strings.Contains(err.Error(), c.message) {
			t.Errorf("CheckRedirectURI(%q) = %v, want %q: %s", shorten(c.uri), err, c.message, c.reason)
		}
	}
}

func TestRedirectURIMatching(t *testing.T) {
	registered := SplitRedirectURIs("https://mm.example.com/signup/gitlab/complete\r\nhttps://mm.example.com/login/gitlab/complete http://127.0.0.1:1/cb\nhttps://q.example/?a=1&b=2")
	for _, c := range []struct {
		uri    string
		ok     bool
		reason string
	}{
		{"https://mm.example.com/signup/gitlab/complete", true, "first"},
		{"https://mm.example.com/login/gitlab/complete", true, "second, after CR LF"},
		{"https://mm.example.com/signup/gitlab/complete/", false, "no tolerance for a trailing slash"},
		{"https://mm.example.com//signup/gitlab/complete", false, "doubled slash"},
		{"http://mm.example.com/signup/gitlab/complete", false, "http for https"},
		{"https://MM.example.com/signup/gitlab/complete", false, "host as given"},
		{"HTTPS://mm.example.com/signup/gitlab/complete", false, "scheme as given"},
		{"https://mm.example.com:443/signup/gitlab/complete", false, "port spelled out"},
		{"https://mm.example.com/signup/gitlab/complete?x=1", false, "query added"},
		{"https://mm.example.com/signup/gitlab", false, "no prefix match"},
		{"http://127.0.0.1:54321/cb", true, "the port of a loopback address is free"},
		{"http://localhost:54321/cb", false, "localhost is a name, not a loopback address"},
		{"http://127.0.0.2:1/cb", false, "another address"},
		{"https://q.example/?b=2&a=1", true, "order of the query does not count"},
		{"https://q.example/?a=1", false, "but its content does"},
		{"", false, "empty"},
	} {
		if got := MatchRedirectURI(registered, c.uri); got != c.ok {
			t.Errorf("%q: %v, want %v: %s", c.uri, got, c.ok, c.reason)
		}
	}
}

func TestGrantedScopes(t *testing.T) {
	for _, c := range []struct {
		app, asked, want string
		ok               bool
		reason           string
	}{
		{"read_user", "read_user", "read_user", true, "as documented"},
		{"read_user", "", "", false, "the default scope api is not the application's"},
		{"", "", "api", true, "the Linux package's application: full API access"},
		{"", "read_user", "read_user", true, "an unscoped application may ask for any"},
		{"api read_user", "", "api", true, "default scope within the application's"},
		{"read_user", "api", "", false, "more than the application has"},
		{"read_user", "read_user openid", "", false, "one of two is too many"},
		{"read_user openid", "openid", "openid", true, "fewer than it has"},
		{"", "nonsense", "", false, "not configured on the server"},
	} {
		got, ok := GrantedScopes(strings.Fields(c.app), strings.Fields(c.asked))
		if ok != c.ok || strings.Join(got, " ") != c.want {
			t.Errorf("app %q asked %q: %v %v, want %q: %s", c.app, c.asked, got, ok, c.want, c.reason)
		}
	}
}

func TestScopeRules(t *testing.T) {
	if err := CheckScopes(nil); err != nil {
		t.Errorf("GitLab's model accepts no scope, the Linux package relied on it: %v", err)
	}
	if err := CheckScopes([]string{"read_user", "openid"}); err != nil {
		t.Error(err)
	}
	if err := CheckScopes([]string{"read_users"}); err == nil {
		t.Error("a misspelled scope passed")
	}
}

func TestApplicationCheckCollectsEveryViolation(t *testing.T) {
	err := Application{Name: " ", RedirectURIs: []string{"javascript:x", "http://"}, Scopes: []string{"root"}}.Check()
	for _, want := range []string{"name is empty", "forbidden", "must have a host", `scope "root"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if err := (Application{Name: "x"}).Check(); err == nil {
		t.Error("an application without redirect URI passed")
	}
}
