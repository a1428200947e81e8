package oauth

// Cause is a reason why a login fails, or works worse than it could. IDs are
// stable.
type Cause struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "error": the login fails; "warning": it does not, or not for everybody
	Title    string `json:"title"`
	Fix      string `json:"fix"`
}

// Causes lists every cause that a [Prober] can name, in the order of the
// login.
func Causes() []Cause { return append([]Cause(nil), causes[:]...) }

func causeOf(id string) Cause {
	for _, c := range causes {
		if c.ID == id {
			return c
		}
	}
	panic("oauth: no cause " + id) // a misspelled constant in this package
}

var causes = [...]Cause{
	// The network, for either server.
	{"dns", "error", "the host name does not resolve", "enter it in DNS or /etc/hosts on the machine that asks"},
	{"refused", "error", "nothing listens at that address and port", "start the service, or correct the port in the URL"},
	{"timeout", "error", "no answer in time", "open the firewall between the machines, or look whether the service hangs"},
	{"connection-lost", "error", "the connection breaks off without an answer", "look into the log of the proxy in front"},
	{"tls-expired", "error", "the certificate is over", "renew it and reload nginx"},
	{"tls-not-yet-valid", "error", "the certificate is not valid yet", "set the clocks (NTP); the certificate or the asking machine is off"},
	{"tls-name", "error", "the certificate is for another host name", "issue one with this name, or use the name it has in every URL"},
	{"tls-chain", "error", "the server does not send the intermediate certificate", "append the intermediate to the certificate file of nginx"},
	{"tls-authority", "error", "the certificate's authority is not trusted here", "add the authority's certificate to the trusted ones (SSL_CERT_DIR of Mattermost; /etc/gitlab/trusted-certs for GitLab)"},
	{"tls-mattermost-trust", "error", "this machine trusts GitLab's certificate, Mattermost does not", "put the authority's certificate into the directory that SSL_CERT_DIR names for Mattermost and restart it"},
	{"tls-to-plain", "error", "https is spoken to a plain HTTP port", "correct the scheme or the port of the URL"},
	{"plain-to-tls", "error", "http is spoken to a TLS port", "write https:// in the URL"},
	{"server-down", "error", "the proxy answers, the service behind it does not", "start GitLab or Mattermost (gitlab-ctl status, systemctl status mattermost)"},
	{"forbidden", "error", "something in front refuses the request", "allow the OAuth paths in the web application firewall or the proxy"},
	{"rate-limited", "error", "too many requests", "wait, or exempt Mattermost's address from the rate limit"},

	// GitLab as it sees itself.
	{"gitlab-not-found", "error", "there is no GitLab at that path", "add the relative URL (https://host/gitlab), or correct the host"},
	{"gitlab-redirects", "error", "GitLab's address redirects elsewhere", "use the address it redirects to in all endpoints"},
	{"not-gitlab", "error", "what answers is not GitLab", "look which server the name leads to; a login page of a proxy answers like this"},
	{"gitlab-scheme", "error", "GitLab behind the proxy thinks that it is reached with the other scheme", "set external_url to https:// (with nginx['listen_https'] = false behind a TLS proxy) and reconfigure"},
	{"gitlab-external-url", "error", "GitLab's external_url is another address than the one Mattermost uses", "use one address in external_url and in Mattermost's endpoints"},
	{"gitlab-relative-url", "error", "the relative path of GitLab is missing in an endpoint", "write the endpoints with it: <gitlab>/oauth/authorize, <gitlab>/oauth/token, <gitlab>/api/v4/user"},
	{"sign-in-elsewhere", "error", "GitLab sends browsers to another address to sign in", "correct external_url; the session's cookie does not follow to another host"},

	// Mattermost's start of the login.
	{"mattermost-not-found", "error", "there is no Mattermost at that path", "correct the URL; with a path in SiteURL everything is below it"},
	{"mattermost-no-redirect", "error", "Mattermost does not send the browser to GitLab", "set GitLabSettings.Enable, Id, Secret and the three endpoints, then restart"},
	{"sso-disabled", "error", "GitLab login is switched off in Mattermost", "set GitLabSettings.Enable to true (MM_GITLABSETTINGS_ENABLE) and restart"},
	{"sso-openid-scope", "error", "the scope contains openid, which is the licensed OpenID login", "set GitLabSettings.Scope to read_user"},
	{"sso-not-in-edition", "error", "Mattermost 11 Team Edition has no GitLab login any more", "stay on 10.11, or move to the Enterprise build (Entry mode or a licence), or convert the accounts to e-mail first"},
	{"auth-endpoint-empty", "error", "GitLabSettings.AuthEndpoint is empty: Mattermost redirects to itself", "set it to <gitlab>/oauth/authorize"},
	{"auth-endpoint-wrong", "error", "Mattermost redirects to another address than GitLab's /oauth/authorize", "set GitLabSettings.AuthEndpoint to <gitlab>/oauth/authorize"},
	{"site-url-scheme", "error", "the redirect URI has the wrong scheme", "set ServiceSettings.SiteURL to the address in the browser; without it the proxy must send X-Forwarded-Proto https"},
	{"site-url-port", "error", "the redirect URI has another port than the address in the browser, or spells the default one out; GitLab compares text", "write the port in ServiceSettings.SiteURL as the browser shows it, without :443 or :80"},
	{"site-url-slash", "error", "the redirect URI has a doubled slash", "remove the trailing slash from ServiceSettings.SiteURL and mattermost_external_url"},
	{"site-url-host", "error", "the redirect URI names another host than the one in the browser", "use one host name in ServiceSettings.SiteURL and in the browser; the state's cookie belongs to one"},
	{"state-cookie-lost", "error", "the cookie MMOAUTH does not arrive: the login ends with \"Invalid state\"", "let the proxy pass Set-Cookie and Cookie unchanged (no proxy_hide_header, no cache)"},
	{"state-cookie-insecure", "warning", "the cookie MMOAUTH is not marked Secure: Mattermost does not know that the browser uses https", "let the proxy send X-Forwarded-Proto https"},
	{"clock-skew", "error", "the clocks are more than five minutes apart", "set the time by NTP on both machines; state and code live for minutes"},
	{"scope-empty", "warning", "Mattermost asks without a scope, so GitLab decides, historically for api", "set GitLabSettings.Scope and the application's scope to read_user"},
	{"scope-wrong", "error", "Mattermost asks for a scope that does not give it the user", "set GitLabSettings.Scope to read_user"},
	{"client-id-differs", "error", "Mattermost sends another client id than the settings say", "restart Mattermost; an MM_ variable may override its configuration"},

	// GitLab's application.
	{"client-unknown", "error", "no application in GitLab has this id", "register again and give Mattermost the new id and secret"},
	{"credentials-stale", "error", "the application exists under another id: id and secret are from before a restore", "give Mattermost the id of the existing application and renew its secret"},
	{"secret-wrong", "error", "the id is right, the secret is not", "renew the secret in GitLab and give it to Mattermost"},
	{"credentials-wrong", "error", "GitLab refuses id and secret (one of them is wrong)", "compare the id with Admin > Applications; if it is there, renew the secret"},
	{"redirect-one-missing", "error", "only one of the two redirect URIs is registered", "register both: /signup/gitlab/complete and /login/gitlab/complete"},
	{"redirect-not-registered", "error", "the redirect URI that Mattermost sends is not registered", "make SiteURL and the redirect URIs of the application the same text"},
	{"scope-not-allowed", "error", "the application does not allow the scope that Mattermost asks for", "give the application and GitLabSettings.Scope the same scope, read_user"},
	{"scope-application-empty", "warning", "the application has no scope, so every login may get the full API", "set its scope to read_user, and GitLabSettings.Scope with it"},
	{"not-trusted", "warning", "the application is not trusted: everybody meets the consent page, and loops there when a policy hides it", "tick Trusted under Admin > Applications"},
	{"not-confidential", "error", "the application is not confidential: GitLab hands out tokens without the secret and asks for consent each time", "tick Confidential under Admin > Applications"},

	// Token and user.
	{"token-endpoint-wrong", "error", "there is no token endpoint at that address", "set GitLabSettings.TokenEndpoint to <gitlab>/oauth/token"},
	{"token-endpoint-not-gitlab", "error", "the token endpoint answers with a page, not with JSON", "set GitLabSettings.TokenEndpoint to <gitlab>/oauth/token without a login page in front"},
	{"user-endpoint-v3", "error", "the user endpoint is version 3, which GitLab 11.0 removed", "set GitLabSettings.UserAPIEndpoint to <gitlab>/api/v4/user"},
	{"user-endpoint-wrong", "error", "there is no user API at that address", "set GitLabSettings.UserAPIEndpoint to <gitlab>/api/v4/user"},
	{"user-endpoint-not-gitlab", "error", "the user endpoint answers with a page, not with JSON", "set GitLabSettings.UserAPIEndpoint to <gitlab>/api/v4/user, not to a web page"},
	{"token-invalid", "error", "GitLab does not accept the token", "make a new token with scope read_user"},
	{"token-scope", "error", "the token may not read the user", "the scope must be read_user or api"},
	{"user-blocked", "error", "the GitLab account is blocked", "unblock it under Admin > Users"},
	{"terms-not-accepted", "error", "the user has not accepted GitLab's terms of service", "sign in to GitLab once and accept them"},
	{"user-no-email", "error", "the GitLab account shows no e-mail address, which Mattermost requires", "confirm the address in the account's profile"},
	{"email-collision", "error", "a Mattermost account with this e-mail address signs in another way", "switch that account to GitLab in its security settings, or change its address"},
	{"name-collision", "warning", "another Mattermost account has this user name; the new one gets a digit appended", "rename one of the two if the name matters"},
	{"sign-up-disabled", "warning", "Mattermost makes no new accounts; who has none cannot log in", "set TeamSettings.EnableUserCreation to true"},
	{"login-denied", "error", "the consent page was answered with Deny", "authorize the application"},
	{"login-not-finished", "error", "the browser did not come back", "finish the login in time; GitLab's page names the error if it shows one. The application needs http://127.0.0.1/signup/gitlab/complete as a further redirect URI for this test"},
	{"login-failed", "error", "the browser came back, the login failed", "see the evidence"},

	// Beside the login.
	{"gitlab-outbound-blocked", "warning", "GitLab refuses requests to Mattermost's local address, so notifications fail", "add Mattermost's host to Admin > Settings > Network > Outbound requests"},
	{"mattermost-outbound-blocked", "warning", "Mattermost refuses requests to GitLab's local address, so slash commands fail (the login does not care)", "add GitLab's host to ServiceSettings.AllowedUntrustedInternalConnections"},
}
