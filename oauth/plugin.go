package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// PluginID is the id of the GitLab plugin in Mattermost.
const PluginID = "com.github.manland.mattermost-plugin-gitlab"

// PluginSettings are the settings of the GitLab plugin. The plugin has an
// OAuth application of its own, see [PluginApplication].
type PluginSettings struct {
	GitLabURL                 string `json:"gitlaburl"`
	ClientID                  string `json:"gitlaboauthclientid"`
	ClientSecret              Secret `json:"gitlaboauthclientsecret"`
	WebhookSecret             Secret `json:"webhooksecret"` // checked on each call of GitLab's webhook
	EncryptionKey             Secret `json:"encryptionkey"` // 32 bytes; encrypts users' tokens at rest
	Group                     string `json:"gitlabgroup"`   // limits to one group; empty: all
	EnablePrivateRepositories bool   `json:"enableprivaterepo"`
	CodePreview               string `json:"enablecodepreview"` // public, privateAndPublic or disable
	ChildPipelines            bool   `json:"enablechildpipelinenotifications"`
}

// WebhookURL is where GitLab's webhooks for the plugin go.
func (PluginSettings) WebhookURL(mattermostURL string) (string, error) {
	base, err := NormalizeURL(mattermostURL)
	if err != nil {
		return "", fmt.Errorf("for Mattermost: %w", err)
	}
	return join(base, "/plugins/"+PluginID+"/webhook"), nil
}

// Config gives the PluginSettings block of Mattermost's config.json, which is
// also the form for "mmctl config patch". It holds the secrets in the clear.
func (p PluginSettings) Config() (Secret, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	doc := map[string]any{"PluginSettings": map[string]any{
		"Plugins":      map[string]any{PluginID: p.values()},
		"PluginStates": map[string]any{PluginID: map[string]any{"Enable": true}},
	}}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return "", fmt.Errorf("plugin settings: %w", err)
	}
	return Secret(string(text) + "\n"), nil
}

// Env gives the same as MM_ variables, for Mattermost 7.5 and newer: older
// servers ignore maps in the environment. The variables replace the settings
// of all other plugins, which is why [PluginSettings.Config] is the safer form.
func (p PluginSettings) Env() (Secret, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	plugins, err := json.Marshal(map[string]any{PluginID: p.values()})
	if err != nil {
		return "", fmt.Errorf("plugin settings: %w", err)
	}
	states, err := json.Marshal(map[string]any{PluginID: map[string]any{"Enable": true}})
	if err != nil {
		return "", fmt.Errorf("plugin settings: %w", err)
	}
	return Secret(fmt.Sprintf("MM_PLUGINSETTINGS_PLUGINS=%s\nMM_PLUGINSETTINGS_PLUGINSTATES=%s\n", plugins, states)), nil
}

func (p PluginSettings) values() map[string]any {
	preview := p.CodePreview
	if preview == "" {
		preview = "public"
	}
	return map[string]any{
		"gitlaburl": p.GitLabURL, "gitlaboauthclientid": p.ClientID, "gitlaboauthclientsecret": p.ClientSecret.Reveal(),
		"webhooksecret": p.WebhookSecret.Reveal(), "encryptionkey": p.EncryptionKey.Reveal(), "gitlabgroup": p.Group,
		"enableprivaterepo": p.EnablePrivateRepositories, "enablecodepreview": preview,
		"enablechildpipelinenotifications": p.ChildPipelines,
	}
}

func (p PluginSettings) check() error {
	var errs []error
	if _, err := NormalizeURL(p.GitLabURL); err != nil {
		errs = append(errs, fmt.Errorf("plugin setting gitlaburl: %w", err))
	}
	errs = append(errs, CheckID(p.ClientID), CheckSecret(p.ClientSecret))
	if p.WebhookSecret == "" {
		errs = append(errs, errors.New("plugin setting webhooksecret: is empty; without it anybody could post events"))
	}
	if len(p.EncryptionKey.Reveal()) != 32 {
		errs = append(errs, errors.New("plugin setting encryptionkey: must be 32 bytes"))
	}
	switch p.CodePreview {
	case "", "public", "privateAndPublic", "disable":
	default:
		errs = append(errs, fmt.Errorf("plugin setting enablecodepreview: %q, want public, privateAndPublic or disable", shorten(p.CodePreview)))
	}
	if strings.ContainsAny(p.Group+p.WebhookSecret.Reveal()+p.EncryptionKey.Reveal(), "\r\n\x00") {
		errs = append(errs, errors.New("plugin settings: a value has a line end"))
	}
	return errors.Join(errs...)
}
