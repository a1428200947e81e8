package upgrade

import "slices"

// Carried is one setting that the package gave Mattermost through its
// environment, and what it becomes outside. In config.json of the package none
// of them can be relied on.
type Carried struct {
	Setting    string  `json:"setting"`  // Section.Field
	Variable   string  `json:"variable"` // as the package named it
	Since      Version `json:"since"`    // first Mattermost to which it applies
	Package    string  `json:"package"`  // value in the package; where to find it when it differs by installation
	Standalone string  `json:"standalone"`
	Why        string  `json:"why,omitempty"`
}

// carriedSettings is every variable that the package generated at 18.11 and the
// settings that hold paths of the package, for a server in /opt/mattermost.
func carriedSettings() []Carried {
	c := func(setting, variable, inPackage, standalone, why string) Carried {
		return Carried{Setting: setting, Variable: variable, Package: inPackage, Standalone: standalone, Why: why, Since: line(3, 0)}
	}
	list := []Carried{
		c("ServiceSettings.SiteURL", "MM_SERVICESETTINGS_SITEURL", "mattermost_external_url", "the same address", "keeps login, links and mobile apps working"),
		c("ServiceSettings.ListenAddress", "MM_SERVICESETTINGS_LISTENADDRESS", "127.0.0.1:8065", "127.0.0.1:8065 behind a proxy on the same machine, else :8065", ""),
		c("ServiceSettings.AllowedUntrustedInternalConnections", "MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS", "the host of external_url appended", "the same, if GitLab has a private address", ""),
		c("ServiceSettings.EnableAPITeamDeletion", "MM_SERVICESETTINGS_ENABLEAPITEAMDELETION", "true", "decide; the server's default is false", ""),
		c("TeamSettings.SiteName", "MM_TEAMSETTINGS_SITENAME", "GitLab Mattermost", "the same", "at most 30 characters"),
		c("SqlSettings.DriverName", "MM_SQLSETTINGS_DRIVERNAME", "postgres", "postgres", ""),
		c("SqlSettings.DataSource", "MM_SQLSETTINGS_DATASOURCE", "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production", "postgres://mmuser:<password, percent-encoded>@<host>:5432/mattermost?sslmode=verify-full&connect_timeout=10", "secret; a key=value data source would print its password in the log"),
		c("SqlSettings.AtRestEncryptKey", "MM_SQLSETTINGS_ATRESTENCRYPTKEY", "gitlab-secrets.json, mattermost.sql_at_rest_encrypt_key", "the same", "secret; at least 32 characters"),
		c("LogSettings.FileLocation", "MM_LOGSETTINGS_FILELOCATION", "/var/log/gitlab/mattermost", "empty (the logs directory of the installation)", "other places need MM_LOG_PATH from 10.11.11 on"),
		c("FileSettings.Directory", "MM_FILESETTINGS_DIRECTORY", "/var/opt/gitlab/mattermost/data", "/opt/mattermost/data", ""),
		c("GitLabSettings.Enable", "MM_GITLABSETTINGS_ENABLE", "gitlab-secrets.json, mattermost.gitlab_enable", "true, or false after the accounts have moved to e-mail", ""),
		c("GitLabSettings.Id", "MM_GITLABSETTINGS_ID", "gitlab-secrets.json, mattermost.gitlab_id", "the same", ""),
		c("GitLabSettings.Secret", "MM_GITLABSETTINGS_SECRET", "gitlab-secrets.json, mattermost.gitlab_secret", "the same", "secret; GitLab keeps only its hash"),
		c("GitLabSettings.Scope", "MM_GITLABSETTINGS_SCOPE", "empty after automatic registration", "read_user, together with the scope of the application", "empty asks GitLab for full access"),
		c("GitLabSettings.AuthEndpoint", "MM_GITLABSETTINGS_AUTHENDPOINT", "<external_url>/oauth/authorize", "the same", ""),
		c("GitLabSettings.TokenEndpoint", "MM_GITLABSETTINGS_TOKENENDPOINT", "<external_url>/oauth/token", "the same", ""),
		c("GitLabSettings.UserAPIEndpoint", "MM_GITLABSETTINGS_USERAPIENDPOINT", "<external_url>/api/v4/user", "the same (api/v4 also where api/v3 was)", ""),
		c("PluginSettings.Directory", "MM_PLUGINSETTINGS_DIRECTORY", "/var/opt/gitlab/mattermost/plugins", "./plugins", "a cache: do not copy it"),
		c("PluginSettings.ClientDirectory", "MM_PLUGINSETTINGS_CLIENTDIRECTORY", "/var/opt/gitlab/mattermost/client-plugins", "./client/plugins", "a cache: do not copy it"),
		c("", "MM_INSTALL_TYPE", "gitlab_omnibus", "not set", "only tells where the server came from"),
		c("", "SSL_CERT_DIR", "/opt/gitlab/embedded/ssl/certs/", "not set; put GitLab's own certificate authority into the system's store", "else the token request fails with x509: unknown authority"),
		c("", "GODEBUG", "tlsmlkem=0", "not set", "from GitLab 18.2"),
		c("FileSettings.PublicLinkSalt", "", "config.json, or gitlab-secrets.json, mattermost.file_public_link_salt", "the same", "secret; public links die without it"),
		c("ComplianceSettings.Directory, ImportSettings.Directory, ExportSettings.Directory, ServiceSettings.LocalModeSocketLocation", "", "sometimes below /var/opt/gitlab", "rewrite whatever names /var/opt/gitlab", ""),
		c("ServiceSettings.TrustedProxyIPHeader", "", "often empty", "X-Forwarded-For and X-Real-IP, only behind a proxy that sets them", ""),
		c("BleveSettings.IndexDir", "", "a directory of one's own", "drop it, Mattermost 11 has no Bleve", ""),
	}
	for i := range list {
		list[i].Since = carriedSince(list[i].Setting)
	}
	return list
}

// carriedSince is the Mattermost that first knew the setting, as far as it is
// younger than the first bundle that can be left.
func carriedSince(setting string) Version {
	switch setting {
	case "ServiceSettings.AllowedUntrustedInternalConnections":
		return line(4, 2)
	case "ServiceSettings.EnableAPITeamDeletion":
		return line(5, 0)
	case "PluginSettings.Directory", "PluginSettings.ClientDirectory":
		return line(4, 4)
	case "BleveSettings.IndexDir":
		return line(5, 24)
	case "ServiceSettings.TrustedProxyIPHeader":
		return line(5, 12)
	}
	return line(3, 0)
}

// carried returns the settings to take along for a Mattermost version, with
// the values of this installation where the facts have them and they are no
// secret.
func carried(mattermost Version, f *Facts) []Carried {
	list := slices.DeleteFunc(carriedSettings(), func(c Carried) bool { return !mattermost.AtLeast(c.Since) })
	for i := range list {
		if value := f.Settings[list[i].Setting]; value != "" && !isSecretSetting(list[i].Setting) {
			list[i].Package = value
		}
	}
	return list
}
