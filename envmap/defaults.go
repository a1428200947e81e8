package envmap

import (
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// ExistingDefault is the default that a setting gets on a server that has a
// config.json already, as JSON. A server that has loaded a file never counts as
// new, so this, and not Default, is what a missing key means. It is false when
// there is none or the server makes it up.
func (s Setting) ExistingDefault(v Version) (json string, ok bool) {
	if generatedByServer(s.Path) {
		return "", false
	}
	if !before(v, Version{Major: 5, Minor: 31}) {
		switch s.Path {
		case "ServiceSettings.ExtendSessionLengthWithActivity", "ServiceSettings.TerminateSessionsOnPasswordChange",
			"EmailSettings.SendPushNotifications":
			return "false", true
		case "ServiceSettings.EnableEmailInvitations", "ServiceSettings.EnableSVGs", "ServiceSettings.EnableLatex":
			return "true", true
		case "ServiceSettings.SessionLengthWebInDays", "ServiceSettings.SessionLengthMobileInDays":
			return "180", true
		case "ServiceSettings.SessionLengthWebInHours", "ServiceSettings.SessionLengthMobileInHours":
			return "4320", true
		case "EmailSettings.PushNotificationServer":
			return `""`, true
		}
	}
	return s.Default(v)
}

// generatedByServer are the settings whose missing value a server makes up.
func generatedByServer(path string) bool {
	switch path {
	case "SqlSettings.AtRestEncryptKey", "FileSettings.PublicLinkSalt", "EmailSettings.InviteSalt":
		return true
	}
	return false
}

// IsSecret tells whether a setting (variable or path) holds a secret, by
// Mattermost's own list of what it masks, and for unknown names by their words.
func IsSecret(name string) bool {
	path := name
	if s, ok := Lookup(name); ok {
		path = s.Path
	}
	switch path {
	case "SqlSettings.DataSource", "SqlSettings.DataSourceReplicas", "SqlSettings.DataSourceSearchReplicas", "SqlSettings.ReplicaLagSettings",
		"SqlSettings.AtRestEncryptKey", "FileSettings.PublicLinkSalt", "EmailSettings.InviteSalt",
		"FileSettings.AmazonS3SecretAccessKey", "FileSettings.ExportAmazonS3SecretAccessKey", "FileSettings.AzureAccessKey",
		"FileSettings.ExportAzureAccessKey", "ServiceSettings.SplitKey", "ServiceSettings.GoogleDeveloperKey",
		"ServiceSettings.GiphySdkKey", "ServiceSettings.GfycatAPISecret", "ElasticsearchSettings.ClientKey",
		"AutoTranslationSettings.LibreTranslate.APIKey", "ImageProxySettings.RemoteImageProxyOptions",
		"ServiceSettings.ImageProxyOptions", "PluginSettings.Plugins", "WebrtcSettings.GatewayAdminSecret", "WebrtcSettings.TurnSharedKey",
		"MM_CONFIG", "MM_LICENSE":
		return true
	case "ServiceSettings.EnableUserAccessTokens", "GuestAccountsSettings.EnableGuestMagicLink":
		return false
	}
	if s, ok := Lookup(name); ok {
		last := strings.ToLower(s.Path[strings.LastIndexByte(s.Path, '.')+1:])
		return s.Kind == KindString && (strings.HasSuffix(last, "secret") || strings.HasSuffix(last, "password"))
	}
	for _, word := range []string{"SECRET", "PASSWORD", "PASSWD", "TOKEN", "SALT", "_KEY", "APIKEY", "DSN", "DATABASE_URL"} {
		if strings.Contains(strings.ToUpper(name), word) {
			return true
		}
	}
	return false
}

// Show returns the value of a variable as it may be shown: quoted, "(not set)"
// without one, and masked when the name is a secret's or the value a URL with a
// password.
func (v Var) Show() string {
	text, ok := v.Text()
	switch {
	case !ok:
		return "(not set)"
	case text != "" && v.secret():
		return redact.Mask
	}
	return strconv.Quote(text)
}

// secret looks at name and value.
func (v Var) secret() bool {
	if IsSecret(v.Name) {
		return true
	}
	text, _ := v.Text()
	_, rest, ok := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	user, _, at := strings.Cut(authority, "@")
	return ok && at && strings.Contains(user, ":")
}
