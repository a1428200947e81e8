package oauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Target is what an integration is set for: a project or a group, each by its
// id or full path ("group/project"). Exactly one is given. For the whole
// instance GitLab has a page (Admin > Settings > Integrations) but no request.
type Target struct{ Project, Group string }

// String names the target for people: "project group/project".
func (t Target) String() string {
	if t.Group != "" {
		return "group " + shorten(t.Group)
	}
	return "project " + shorten(t.Project)
}

// path is the target's address, without its kind of integration.
func (t Target) path() (string, error) {
	name, kind := t.Project, "projects/"
	if name == "" {
		name, kind = t.Group, "groups/"
	}
	if name == "" || t.Project != "" && t.Group != "" || len(name) > 500 || strings.ContainsAny(name, "\r\n?#") {
		return "", errors.New("target: want a project or a group, by id or by a path such as group/project")
	}
	return kind + escapePath(name), nil
}

// Integrator sets up in GitLab what it offers for Mattermost beside the login.
type Integrator struct {
	GitLabURL string
	Token     Secret // scope api; maintainer of the project, owner of the group, administrator for the allow list
	Client    *http.Client
}

// Notifications is GitLab's "Mattermost notifications" integration.
type Notifications struct {
	Webhook    Secret            // incoming webhook of Mattermost: who has it can post
	Username   string            // needs EnablePostUsernameOverride in Mattermost
	Channel    string            // default channel
	Events     []string          // of Events(); empty: none is switched on or off
	Channels   map[string]string // event -> up to ten channels, separated by commas
	Branches   string            // all, default, protected, default_and_protected; empty: GitLab's choice
	OnlyBroken bool              // only failed pipelines
}

// Events lists the events of the notifications integration.
func Events() []string {
	return []string{"push", "issues", "confidential_issues", "merge_requests", "tag_push", "note", "confidential_note", "pipeline", "wiki_page"}
}

// channelKey is the parameter for an event's channel; its names are singular.
var channelKey = map[string]string{
	"push": "push_channel", "issues": "issue_channel", "confidential_issues": "confidential_issue_channel",
	"merge_requests": "merge_request_channel", "tag_push": "tag_push_channel", "note": "note_channel",
	"confidential_note": "confidential_note_channel", "pipeline": "pipeline_channel", "wiki_page": "wiki_page_channel",
}

func (n Notifications) document() (map[string]any, error) {
	u, err := url.Parse(n.Webhook.Reveal())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || !strings.Contains(u.Path, "/hooks/") {
		return nil, errors.New("webhook: want Mattermost's incoming webhook, https://mattermost.example.com/hooks/…")
	}
	doc := map[string]any{"webhook": n.Webhook.Reveal(), "notify_only_broken_pipelines": n.OnlyBroken}
	for key, value := range map[string]string{"username": n.Username, "channel": n.Channel, "branches_to_be_notified": n.Branches} {
		if value != "" {
			doc[key] = value
		}
	}
	if !slices.Contains([]string{"", "all", "default", "protected", "default_and_protected"}, n.Branches) {
		return nil, fmt.Errorf("branches %q: want all, default, protected or default_and_protected", shorten(n.Branches))
	}
	for _, e := range n.Events {
		if !slices.Contains(Events(), e) {
			return nil, fmt.Errorf("event %q: want one of %s", shorten(e), strings.Join(Events(), ", "))
		}
	}
	if len(n.Events) > 0 {
		for _, e := range Events() {
			doc[e+"_events"] = slices.Contains(n.Events, e)
		}
	}
	for e, channel := range n.Channels {
		key, ok := channelKey[e]
		if !ok {
			return nil, fmt.Errorf("channel for event %q: want one of %s", shorten(e), strings.Join(Events(), ", "))
		}
		if strings.Count(channel, ",") >= 10 {
			return nil, fmt.Errorf("channels for event %s: GitLab allows ten", e)
		}
		doc[key] = channel
	}
	return doc, nil
}

// SetNotifications switches the notifications of a project or group on.
func (i *Integrator) SetNotifications(ctx context.Context, t Target, n Notifications) error {
	doc, err := n.document()
	if err != nil {
		return err
	}
	return i.put(ctx, t, "mattermost", doc)
}

// slashToken is what Mattermost shows for a slash command: 26 characters.
var slashToken = regexp.MustCompile(`^[a-z0-9]{26}$`)

// SetSlashCommands switches slash commands on, with the token that Mattermost
// shows for the command.
func (i *Integrator) SetSlashCommands(ctx context.Context, t Target, token Secret) error {
	if !slashToken.MatchString(token.Reveal()) {
		return errors.New("slash command token: want the 26 small letters and digits that Mattermost shows")
	}
	return i.put(ctx, t, "mattermost-slash-commands", map[string]any{"token": token.Reveal()})
}

// SlashCommandURL is the request URL to enter in Mattermost (method POST). The
// path is of GitLab 14.4 and newer; older ones have services for integrations.
func SlashCommandURL(gitlabURL, project string) (string, error) {
	e, err := EndpointsOf(gitlabURL, Version{})
	if err != nil {
		return "", err
	}
	if project == "" {
		return "", errors.New("project: is empty")
	}
	return e.API + "/projects/" + escapePath(project) + "/integrations/mattermost_slash_commands/trigger", nil
}

// Remove switches an integration off: mattermost or mattermost-slash-commands.
// One that is not set is no error.
func (i *Integrator) Remove(ctx context.Context, t Target, integration string) error {
	if integration != "mattermost" && integration != "mattermost-slash-commands" {
		return fmt.Errorf("integration %q: want mattermost or mattermost-slash-commands", shorten(integration))
	}
	return i.each(t, func(c *apiClient, path string) error {
		return c.remove(ctx, path+integration)
	}, true)
}

func (i *Integrator) put(ctx context.Context, t Target, integration string, doc map[string]any) error {
	err := i.each(t, func(c *apiClient, path string) error { return c.put(ctx, path+integration, doc) }, false)
	if err != nil {
		return fmt.Errorf("set integration %s of %s: %w", integration, t, err)
	}
	return nil
}

// each tries the path of today, then that of GitLab before 14.4.
func (i *Integrator) each(t Target, f func(c *apiClient, path string) error, absentIsFine bool) error {
	base, err := t.path()
	if err != nil {
		return err
	}
	c, err := i.open()
	if err != nil {
		return err
	}
	for _, kind := range []string{"/integrations/", "/services/"} {
		err = f(c, base+kind)
		var refused *apiError
		if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			return err
		}
	}
	if absentIsFine {
		return nil
	}
	return fmt.Errorf("%w; it does not exist or the token may not see it", err)
}

func (i *Integrator) open() (*apiClient, error) {
	e, err := EndpointsOf(i.GitLabURL, Version{})
	if err != nil {
		return nil, err
	}
	return newAPIClient(e.GitLab, i.Token, i.Client)
}

// AllowOutbound adds a host to GitLab's list of local targets that webhooks
// and integrations may reach, keeping the others. It reports whether it was
// missing; running it twice changes nothing. Allowing one host is narrower than
// GitLab's switch for all local requests, which this package never turns on.
func (i *Integrator) AllowOutbound(ctx context.Context, host string) (bool, error) {
	name, err := allowEntry(host)
	if err != nil {
		return false, err
	}
	c, err := i.open()
	if err != nil {
		return false, err
	}
	list, err := readAllowlist(ctx, c)
	if err != nil {
		return false, adminNeeded(err)
	}
	if list.permits(name) {
		return false, nil
	}
	raw := strings.Join(append(list.hosts, name), "\n")
	if err := c.put(ctx, "application/settings", map[string]any{"outbound_local_requests_allowlist_raw": raw}); err != nil {
		return false, fmt.Errorf("allow outbound requests to %s: %w", name, adminNeeded(err))
	}
	return true, nil
}

// allowEntry takes a host, an address or a URL.
func allowEntry(host string) (string, error) {
	if strings.Contains(host, "://") {
		u, err := parseURL(host)
		if err != nil {
			return "", err
		}
		return u.Hostname(), nil
	}
	if net.ParseIP(host) != nil {
		return host, nil
	}
	name, err := asciiHost(host)
	if err != nil {
		return "", fmt.Errorf("host %q %w", shorten(host), err)
	}
	return name, nil
}

// allowlist is GitLab's setting for outbound requests.
type allowlist struct {
	all   bool
	hosts []string
}

func readAllowlist(ctx context.Context, c *apiClient) (allowlist, error) {
	var doc struct {
		All   bool     `json:"allow_local_requests_from_web_hooks_and_services"`
		Hosts []string `json:"outbound_local_requests_whitelist"`
	}
	if err := c.get(ctx, "application/settings", &doc); err != nil {
		return allowlist{}, fmt.Errorf("read GitLab's settings: %w", err)
	}
	return allowlist{doc.All, doc.Hosts}, nil
}

// permits looks for the host itself or, for an address, a range with it.
func (a allowlist) permits(host string) bool {
	if a.all {
		return true
	}
	ip, ipErr := netip.ParseAddr(host)
	for _, entry := range a.hosts {
		if strings.EqualFold(entry, host) {
			return true
		}
		if prefix, err := netip.ParsePrefix(entry); err == nil && ipErr == nil && prefix.Contains(ip) {
			return true
		}
	}
	return false
}
