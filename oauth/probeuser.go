package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// userAPI asks the user endpoint, with a user's token when there is one.
func (r *probe) userAPI(ctx context.Context, s *ProbeStep) {
	s.name("user", "Mattermost", "GitLab", "GitLab says who the user is")
	header := http.Header{"Accept": {"application/json"}}
	if r.UserToken != "" {
		header.Set("Authorization", "Bearer "+r.UserToken.Reveal())
	}
	a, err := r.get(ctx, r.ends.UserAPI, header)
	if err != nil {
		s.blameNetwork(err)
		return
	}
	s.see(fmt.Sprintf("GET %s: %d", pathOf(r.ends.UserAPI), a.status))
	isJSON := json.Valid([]byte(a.body))
	switch {
	case a.status == http.StatusGone, a.status == http.StatusNotFound && strings.Contains(r.ends.UserAPI, "/api/v3/"):
		s.blame("user-endpoint-v3")
	case a.status == http.StatusNotFound && !strings.HasPrefix(r.ends.UserAPI, r.gitlab+"/"):
		s.blame("gitlab-relative-url")
	case a.status == http.StatusNotFound:
		s.blame("user-endpoint-wrong")
	case a.status == http.StatusUnauthorized && isJSON && r.UserToken == "":
		s.see("alive; who would sign in needs a user's token")
		s.pass()
	case a.status == http.StatusUnauthorized && isJSON:
		s.blame("token-invalid")
	case a.status == http.StatusForbidden && strings.Contains(a.body, "Terms of Service"):
		s.blame("terms-not-accepted")
	case a.status == http.StatusForbidden && isJSON && strings.Contains(a.body, "blocked"):
		s.blame("user-blocked")
	case a.status == http.StatusForbidden && isJSON && strings.Contains(a.body, "scope"):
		s.blame("token-scope")
	case a.status == http.StatusOK && isJSON:
		r.readUser(s, a.body)
	case s.blameStatus(a):
	default:
		s.blame("user-endpoint-not-gitlab")
	}
}

func (r *probe) readUser(s *ProbeStep, body string) {
	var u User
	if err := json.Unmarshal([]byte(body), &u); err != nil {
		s.blame("user-endpoint-not-gitlab")
		return
	}
	switch err := u.Check(); {
	case errors.Is(err, ErrNoEmail):
		s.blame("user-no-email")
	case err != nil:
		s.see(err.Error())
		s.blame("user-endpoint-not-gitlab")
	case u.State != "" && u.State != "active":
		s.see("state " + shorten(u.State))
		s.blame("user-blocked")
	default:
		r.user = &u
		s.see(fmt.Sprintf("user id %d, name %s", u.ID, shorten(u.Username)))
		s.pass()
	}
}

// account looks whether the user can become a Mattermost account.
func (r *probe) account(ctx context.Context, s *ProbeStep) {
	s.name("account", "Mattermost", "Mattermost", "the user becomes a Mattermost account")
	if r.user == nil || r.MattermostToken == "" || !r.mattermostUp {
		s.see("needs a user's token and a Mattermost administrator's token")
		return
	}
	mm, err := r.user.Mattermost()
	if err != nil {
		s.see(err.Error())
		return
	}
	byMail, err := r.mattermostUser(ctx, "email/"+url.PathEscape(mm.Email))
	if err != nil {
		s.see(err.Error())
		return
	}
	byName, err := r.mattermostUser(ctx, "username/"+url.PathEscape(mm.Username))
	if err != nil {
		s.see(err.Error())
		return
	}
	switch {
	case byMail == nil:
		s.see("no account has the user's e-mail address")
	case byMail.AuthService != "gitlab":
		way := byMail.AuthService
		if way == "" {
			way = "a password"
		}
		s.see("the account with this e-mail address signs in with " + shorten(way))
		s.blame("email-collision")
	default:
		s.see("the account with this e-mail address signs in with GitLab")
	}
	if byName != nil && (byMail == nil || byName.ID != byMail.ID) {
		s.see("user name " + mm.Username + " is taken")
		s.blame("name-collision")
	}
	s.pass()
}

type mattermostAccount struct {
	ID          string `json:"id"`
	AuthService string `json:"auth_service"`
}

// mattermostUser is nil when there is no such user.
func (r *probe) mattermostUser(ctx context.Context, path string) (*mattermostAccount, error) {
	a, err := r.get(ctx, r.mattermost+"/api/v4/users/"+path, http.Header{"Authorization": {"Bearer " + r.MattermostToken.Reveal()}})
	if err != nil {
		return nil, errors.New(plainError(err))
	}
	var u mattermostAccount
	switch {
	case a.status == http.StatusNotFound:
		return nil, nil
	case a.status != http.StatusOK:
		return nil, fmt.Errorf("the look-up of a user in Mattermost was answered with %d", a.status)
	case json.Unmarshal([]byte(a.body), &u) != nil:
		return nil, errors.New("the answer of Mattermost is not JSON")
	}
	return &u, nil
}

// outbound looks at the two allow lists, which matter for integrations.
func (r *probe) outbound(ctx context.Context, s *ProbeStep) {
	if r.AdminToken == "" && r.AllowedInternal == nil {
		return
	}
	s.name("outbound", "GitLab", "Mattermost", "integrations may reach each other")
	if r.AdminToken != "" {
		r.gitlabOutbound(ctx, s)
	}
	if host := hostName(r.gitlab); r.AllowedInternal != nil && r.local(ctx, host) {
		s.see("GitLab has a local address")
		if !contains(strings.Fields(strings.ReplaceAll(*r.AllowedInternal, ",", " ")), host) {
			s.blame("mattermost-outbound-blocked")
		}
	}
	if len(s.Evidence) == 0 || s.Outcome != Undecidable {
		s.pass()
	}
}

func (r *probe) gitlabOutbound(ctx context.Context, s *ProbeStep) {
	host := hostName(r.mattermost)
	if !r.local(ctx, host) {
		return
	}
	s.see("Mattermost has a local address")
	c, err := newAPIClient(r.gitlab, r.AdminToken, r.client)
	if err != nil {
		s.see(err.Error())
		return
	}
	list, err := readAllowlist(ctx, c)
	if err != nil {
		s.see(adminNeeded(err).Error())
		return
	}
	if !list.permits(host) {
		s.blame("gitlab-outbound-blocked")
		return
	}
	s.pass()
}

func contains(list []string, host string) bool {
	for _, entry := range list {
		if strings.EqualFold(entry, host) {
			return true
		}
	}
	return false
}

// local reports whether a host has an address that both programs refuse by
// default.
func (r *probe) local(ctx context.Context, host string) bool {
	addresses := []string{host}
	if net.ParseIP(host) == nil {
		lookup := r.Lookup
		if lookup == nil {
			lookup = net.DefaultResolver.LookupHost
		}
		found, err := lookup(ctx, host)
		if err != nil {
			return false
		}
		addresses = found
	}
	for _, a := range addresses {
		if ip := net.ParseIP(a); ip != nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()) {
			return true
		}
	}
	return false
}
