package envmap

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// takenAs is what a server makes of a stored value before it looks at the
// environment: some texts are replaced (as Mattermost 11.7 does; older releases
// replace a part of them). ok is false when the value counts as missing.
func takenAs(path string, raw json.RawMessage) (out json.RawMessage, ok bool) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		if n, err := strconv.Atoi(string(raw)); path == "ServiceSettings.UniqueEmojiReactionLimitPerPost" && err == nil && n > 500 {
			return json.RawMessage("500"), true
		}
		return raw, !zeroIsMissing(path) || string(raw) != "0"
	}
	switch path {
	case "SupportSettings.TermsOfServiceLink":
		return raw, safeLink(text)
	case "SupportSettings.PrivacyPolicyLink", "SupportSettings.AboutLink", "SupportSettings.HelpLink",
		"SupportSettings.ReportAProblemLink", "SupportSettings.ForgotPasswordLink", "ServiceSettings.DeleteAccountLink":
		if !safeLink(text) {
			return json.RawMessage(`""`), true
		}
	case "EmailSettings.ConnectionSecurity":
		if text == "PLAIN" {
			return json.RawMessage(`""`), true
		}
	case "ServiceSettings.WebserverMode":
		if text == "regular" {
			return json.RawMessage(`"gzip"`), true
		}
	case "ServiceSettings.ExperimentalGroupUnreadChannels":
		if text == "0" {
			return json.RawMessage(`"disabled"`), true
		} else if text == "1" {
			return json.RawMessage(`"default_on"`), true
		}
	case "ServiceSettings.GiphySdkKey", "FileSettings.Directory", "FileSettings.AmazonS3Endpoint",
		"FileSettings.ExportDirectory", "FileSettings.ExportAmazonS3Endpoint", "EmailSettings.SMTPServer",
		"EmailSettings.SMTPPort", "TeamSettings.SiteName", "PluginSettings.Directory", "PluginSettings.ClientDirectory",
		"PluginSettings.MarketplaceURL", "ImportSettings.Directory", "ExportSettings.Directory", "SamlSettings.LoginButtonText":
		return raw, text != "" && text != "https://marketplace.integrations.mattermost.com"
	}
	return raw, true
}

// zeroIsMissing are the numbers whose zero means the default.
func zeroIsMissing(path string) bool {
	switch path {
	case "EmailSettings.SMTPServerTimeout", "MessageExportSettings.GlobalRelaySettings.SMTPServerTimeout",
		"MessageExportSettings.ChannelBatchSize", "MessageExportSettings.ChannelHistoryBatchSize":
		return true
	}
	return false
}

// safeLink accepts what Mattermost lets stand as a link.
func safeLink(link string) bool {
	if strings.HasPrefix(link, "/") {
		return true
	}
	if !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") {
		return false
	}
	u, err := url.ParseRequestURI(link)
	return err == nil && u.Host != ""
}

// linked is the default of a setting that depends on what config.json says
// about another one; nil when it does not.
func linked(path string, doc *document) json.RawMessage {
	stored := func(other string) string {
		value, _ := doc.get(other)
		return string(value)
	}
	copied := func(other string) json.RawMessage {
		value, _ := doc.get(other)
		return value
	}
	switch path {
	case "EmailSettings.EnableSMTPAuth":
		if security := stored("EmailSettings.ConnectionSecurity"); security != "" && security != `""` {
			return json.RawMessage("true")
		}
	case "TeamSettings.TeammateNameDisplay":
		if stored("SamlSettings.Enable") == "true" || stored("LdapSettings.Enable") == "true" {
			return json.RawMessage(`"full_name"`)
		}
	case "LdapSettings.EnableSync":
		return copied("LdapSettings.Enable")
	case "LdapSettings.LoginIdAttribute":
		return copied("LdapSettings.IdAttribute")
	case "SamlSettings.ServiceProviderIdentifier":
		return copied("SamlSettings.IdpDescriptorURL")
	case "EmailSettings.EnableSignInWithEmail":
		return copied("EmailSettings.EnableSignUpWithEmail")
	case "LogSettings.EnableSentry":
		return copied("LogSettings.EnableDiagnostics")
	case "ClusterSettings.EnableGossipEncryption":
		return copied("ClusterSettings.EnableExperimentalGossipEncryption")
	case "ConnectedWorkspacesSettings.EnableSharedChannels":
		return copied("ExperimentalSettings.EnableSharedChannels")
	case "ConnectedWorkspacesSettings.EnableRemoteClusterService":
		return copied("ExperimentalSettings.EnableRemoteClusterService")
	}
	return nil
}

// pluginStates adds the states of the plugins that a server switches on by
// itself to those that are stored.
func pluginStates(stored, defaults json.RawMessage, doc *document) json.RawMessage {
	states, added := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(stored, &states) != nil && stored != nil || json.Unmarshal(defaults, &added) != nil {
		return stored
	}
	for plugin, state := range added {
		if diagnostics, ok := doc.get("LogSettings.EnableDiagnostics"); ok && plugin == "com.mattermost.nps" {
			state = json.RawMessage(`{"Enable":` + string(diagnostics) + `}`)
		}
		if have, ok := states[plugin]; !ok || string(have) == "null" {
			states[plugin] = state
		}
	}
	out, err := marshal(states)
	if err != nil {
		return stored
	}
	return out
}

// uniform writes plugin states in the one form that a server gives them.
func uniform(states json.RawMessage) json.RawMessage {
	shape := mapShape("PluginSettings.PluginStates")
	if json.Unmarshal(states, shape) != nil {
		return states
	}
	out, err := marshal(shape)
	if err != nil {
		return states
	}
	return out
}
