package oauth

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalizeURLGivesOneSpelling(t *testing.T) {
	for _, c := range []struct{ in, want, reason string }{
		{"https://mattermost.example.com", "https://mattermost.example.com", "already normal"},
		{"https://mattermost.example.com/", "https://mattermost.example.com", "a trailing slash would double in the redirect URI"},
		{"https://mattermost.example.com//", "https://mattermost.example.com", "so would two"},
		{"HTTPS://MatterMost.Example.COM", "https://mattermost.example.com", "scheme and host do not care for case"},
		{"https://mattermost.example.com:443", "https://mattermost.example.com", "the default port spelled out fails logins"},
		{"http://mattermost.example.com:80/", "http://mattermost.example.com", "the same for http"},
		{"http://mattermost.example.com:443", "http://mattermost.example.com:443", "443 is not http's own port"},
		{"https://mattermost.example.com:08443", "https://mattermost.example.com:8443", "a leading zero is no other port"},
		{"https://host.example.com/GitLab/", "https://host.example.com/GitLab", "a relative URL is kept, with its case"},
		{"https://host.example.com//chat///team", "https://host.example.com/chat/team", "doubled slashes inside"},
		{"https://bücher.example", "https://xn--bcher-kva.example", "browsers send the ASCII form"},
		{"https://BÜCHER.example", "https://xn--bcher-kva.example", "case before encoding"},
		{"https://例え.テスト", "https://xn--r8jz45g.xn--zckzah", "the classic IDN test name"},
		{"https://xn--bcher-kva.example", "https://xn--bcher-kva.example", "already ASCII"},
		{"https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443", "IPv6 keeps its brackets"},
		{"https://[2001:db8:0:0::1]", "https://[2001:db8::1]", "one spelling of an IPv6 address"},
		{" https://a.example ", "https://a.example", "pasted with blanks"},
	} {
		got, err := NormalizeURL(c.in)
		if err != nil || got != c.want {
			t.Errorf("NormalizeURL(%q) = %q, %v, want %q: %s", c.in, got, err, c.want, c.reason)
		}
		if again, err := NormalizeURL(got); again != got || err != nil {
			t.Errorf("normalising %q twice gives %q, %v", c.in, again, err)
		}
	}
}

func TestNormalizeURLRefusesWhatIsNoAddress(t *testing.T) {
	for _, c := range []struct{ in, message, reason string }{
		{"", "is empty", "nothing given"},
		{"mattermost.example.com", "must start with http", "the scheme is the most common omission"},
		{"mattermost.example.com:8065", "", "parses as a scheme"},
		{"ftp://mattermost.example.com", "must start with http", "other scheme"},
		{"https://", "has no host", "only a scheme"},
		{"https:///path", "has no host", "path without host"},
		{"https://user:hunter2@host.example", "user name", "credentials must not enter a redirect URI"},
		{"https://host.example?x=1", "query", "a query cannot be part of a base"},
		{"https://host.example/#", "query or a fragment", "an empty fragment as well"},
		{"https://host.example/a b", "blank", "two words"},
		{"https://host.example\\evil", "backslash", "browsers read it as a slash"},
		{"https://host.example/../x", "path", "climbing"},
		{"https://host.example:99999", "65535", "no such port"},
		{"https://host.example:", "colon", "port forgotten"},
		{"https://ho_st!.example", "host name", "character that DNS has not"},
		{"https://-host.example", "host name part", "leading hyphen"},
		{"https://host..example", "host name part", "empty label"},
		{"https://ｈost.example", "xn--", "compatibility letter looks like h"},
		{"https://e\u0301.example", "xn--", "combining mark needs normalisation first"},
		{"https://" + strings.Repeat("a", 3000), "longer", "bounded input"},
		{"https://" + strings.Repeat("a", 64) + ".example", "host name part", "label too long"},
	} {
		got, err := NormalizeURL(c.in)
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("NormalizeURL(%q) = %q, %v, want an error with %q: %s", c.in, got, err, c.message, c.reason)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the message shows a password: %v", err)
		}
	}
}

func FuzzNormalizeURLIsIdempotent(f *testing.F) {
	for _, seed := range []string{"https://a.example/", "https://bücher.example:443//x", "http://[::1]:80", "javascript:x", "https://a%2fb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		once, err := NormalizeURL(in)
		if err != nil {
			return
		}
		twice, err := NormalizeURL(once)
		if err != nil || twice != once {
			t.Errorf("%q -> %q -> %q, %v", in, once, twice, err)
		}
		if err := CheckRedirectURI(once + signupPath); err != nil {
			t.Errorf("%q gives a redirect URI that GitLab refuses: %v", in, err)
		}
	})
}

func TestDesiredApplication(t *testing.T) {
	got, err := Desired("https://Mattermost.Example.com:443/")
	if err != nil {
		t.Fatal(err)
	}
	want := Application{
		Name:         "GitLab Mattermost",
		RedirectURIs: []string{"https://mattermost.example.com/signup/gitlab/complete", "https://mattermost.example.com/login/gitlab/complete"},
		Scopes:       []string{"read_user"}, Trusted: true, Confidential: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	if _, err := Desired("mattermost.example.com"); err == nil || !strings.Contains(err.Error(), "for Mattermost: address") {
		t.Errorf("error %v does not say which address", err)
	}
}

func TestLinuxPackageApplicationKeepsTheExactText(t *testing.T) {
	got := LinuxPackageApplication("https://MM.example.com/")
	if diff := cmp.Diff([]string{"https://MM.example.com//signup/gitlab/complete", "https://MM.example.com//login/gitlab/complete"}, got.RedirectURIs); diff != "" {
		t.Error(diff)
	}
	if len(got.Scopes) != 0 || got.Trusted || !got.Confidential || got.Name != "GitLab Mattermost" {
		t.Errorf("attributes %+v", got)
	}
	stored := Application{Name: got.Name, RedirectURIs: SplitRedirectURIs(strings.Join(got.RedirectURIs, "\r\n"))}
	if !stored.IsLinuxPackage() || !stored.SameRedirects(got) {
		t.Error("the CR LF form of the package's own application is not recognised")
	}
	desired, err := Desired("https://mm.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if desired.IsLinuxPackage() {
		t.Error("the manual application is taken for the package's: scopes differ")
	}
	for _, other := range []Application{
		{Name: "Chat", RedirectURIs: got.RedirectURIs},
		{Name: got.Name, RedirectURIs: got.RedirectURIs[:1]},
		{Name: got.Name, RedirectURIs: []string{got.RedirectURIs[1], got.RedirectURIs[0]}},
	} {
		if other.IsLinuxPackage() {
			t.Errorf("%v is taken for the package's", other)
		}
	}
}

func TestPluginApplicationIsASecondOne(t *testing.T) {
	got, err := PluginApplication("https://mm.example.com/chat/")
	if err != nil {
		t.Fatal(err)
	}
	want := "https://mm.example.com/chat/plugins/com.github.manland.mattermost-plugin-gitlab/oauth/complete"
	if got.RedirectText() != want || got.ScopeText() != "api read_user" {
		t.Errorf("%+v", got)
	}
}

func TestCheckSiteURLNamesWhatFailsTheComparison(t *testing.T) {
	for _, c := range []struct{ in, id, reason string }{
		{"https://mm.example.com", "", "as it should be"},
		{"https://mm.example.com/", "", "Mattermost drops the trailing slash itself"},
		{"https://mm.example.com:443", "site-url-spelling", "the port is sent"},
		{"https://MM.example.com", "site-url-spelling", "capitals are sent"},
		{"", "site-url-invalid", "then each request's Host decides"},
		{"mm.example.com", "site-url-invalid", "Mattermost refuses it as well"},
	} {
		var id string
		if f := CheckSiteURL(c.in); len(f) > 0 {
			id = f[0].ID
		}
		if id != c.id {
			t.Errorf("CheckSiteURL(%q) = %q, want %q: %s", c.in, id, c.id, c.reason)
		}
	}
}

func TestEndpointsKeepARelativeURL(t *testing.T) {
	for _, c := range []struct {
		url     string
		version Version
		auth    string
		user    string
		reason  string
	}{
		{"https://gitlab.example.com", Version{}, "https://gitlab.example.com/oauth/authorize", "https://gitlab.example.com/api/v4/user", "version not known"},
		{"https://gitlab.example.com/", Version{Major: 18, Minor: 11}, "https://gitlab.example.com/oauth/authorize", "https://gitlab.example.com/api/v4/user", "trailing slash"},
		{"https://example.com/gitlab/", Version{Major: 9, Minor: 5}, "https://example.com/gitlab/oauth/authorize", "https://example.com/gitlab/api/v4/user", "first with v4"},
		{"http://example.com/gitlab", Version{Major: 9, Minor: 4, Patch: 7}, "http://example.com/gitlab/oauth/authorize", "http://example.com/gitlab/api/v3/user", "last with v3"},
		{"https://gitlab.example.com:443", Version{Major: 8, Minor: 12}, "https://gitlab.example.com/oauth/authorize", "https://gitlab.example.com/api/v3/user", "default port"},
	} {
		e, err := EndpointsOf(c.url, c.version)
		if err != nil || e.Authorize != c.auth || e.UserAPI != c.user {
			t.Errorf("%s %s: %+v %v, want %s and %s: %s", c.url, c.version, e, err, c.auth, c.user, c.reason)
		}
	}
	if _, err := EndpointsOf("gitlab.example.com", Version{}); err == nil {
		t.Error("an address without scheme passed")
	}
}

func TestSettingsAsGitlabRBAndAsEnvironment(t *testing.T) {
	e, err := EndpointsOf("https://gitlab.example.com", Version{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Desired("https://mm.example.com")
	if err != nil {
		t.Fatal(err)
	}
	s := SettingsFor(Credentials{"the-id", "the-secret"}, a, e)
	rb, err := s.GitlabRB()
	if err != nil {
		t.Fatal(err)
	}
	want := `mattermost['gitlab_enable'] = true
mattermost['gitlab_id'] = 'the-id'
mattermost['gitlab_secret'] = 'the-secret'
mattermost['gitlab_scope'] = 'read_user'
mattermost['gitlab_auth_endpoint'] = 'https://gitlab.example.com/oauth/authorize'
mattermost['gitlab_token_endpoint'] = 'https://gitlab.example.com/oauth/token'
mattermost['gitlab_user_api_endpoint'] = 'https://gitlab.example.com/api/v4/user'
`
	if diff := cmp.Diff(want, rb.Reveal()); diff != "" {
		t.Error(diff)
	}
	env, err := s.Env()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(env.Reveal(), "MM_GITLABSETTINGS_SECRET=the-secret\nMM_GITLABSETTINGS_SCOPE=read_user\n") {
		t.Error("environment lacks the secret or the scope")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, "the-secret") {
			t.Errorf("%s shows the secret", verb)
		}
	}
	for _, bad := range []Secret{"a'b", "a b", "a\nb", "a$b", ""} {
		s.Secret = bad
		_, err := s.Env()
		if err == nil || bad != "" && strings.Contains(err.Error(), bad.Reveal()) {
			t.Errorf("a secret that a file format would read differently: %v", err)
		}
	}
}

func TestPluginSettings(t *testing.T) {
	p := PluginSettings{GitLabURL: "https://gitlab.example.com", ClientID: "i", ClientSecret: "s", WebhookSecret: "w", EncryptionKey: Secret(strings.Repeat("k", 32)), ChildPipelines: true}
	text, err := p.Config()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"gitlaboauthclientsecret": "s"`, `"enablecodepreview": "public"`, `"Enable": true`, `"enablechildpipelinenotifications": true`} {
		if !strings.Contains(text.Reveal(), want) {
			t.Errorf("config lacks %s:\n%s", want, text.Reveal())
		}
	}
	env, err := p.Env()
	if err != nil || strings.Count(env.Reveal(), "\n") != 2 {
		t.Errorf("%q %v", env.Reveal(), err)
	}
	if hook, err := p.WebhookURL("https://mm.example.com/"); err != nil || hook != "https://mm.example.com/plugins/com.github.manland.mattermost-plugin-gitlab/webhook" {
		t.Error(hook, err)
	}
	p.EncryptionKey, p.CodePreview, p.WebhookSecret = "short", "all", ""
	_, err = p.Config()
	for _, want := range []string{"encryptionkey", "enablecodepreview", "webhooksecret"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestEnvironmentReadBack(t *testing.T) {
	e, err := EndpointsOf("https://gitlab.example.com", Version{})
	if err != nil {
		t.Fatal(err)
	}
	want := SettingsFor(Credentials{"the-id", "the-secret"}, Application{Scopes: []string{"read_user", "openid"}}, e)
	text, err := want.Env()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseEnv("# comment\n\nexport MM_SERVICESETTINGS_SITEURL=https://x\n" + text.Reveal())
	if err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := ParseEnv("MM_GITLABSETTINGS_SECRET='quoted'\r\n"); err != nil || got.Secret != "quoted" {
		t.Errorf("quotes and CR LF: %v", err)
	}
	for _, bad := range []string{"hunter2-without-a-name", "MM_GITLABSETTINGS_ENABLE=hunter2"} {
		if _, err := ParseEnv("\n" + bad); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
