package envmap

import "slices"

// licensed returns the values of a setting that do nothing without a licence,
// as text; nil for a setting that is free. "*" is any value but the empty one.
func licensed(path string, v Version) []string {
	switch path {
	case "GitLabSettings.Enable":
		if before(v, v1100) {
			return nil
		}
		return []string{"true"}
	case "LdapSettings.Enable", "SamlSettings.Enable", "ComplianceSettings.Enable", "ClusterSettings.Enable",
		"MetricsSettings.Enable", "GuestAccountsSettings.Enable", "GoogleSettings.Enable", "Office365Settings.Enable",
		"OpenIdSettings.Enable", "IntuneSettings.Enable", "AutoTranslationSettings.Enable",
		"DataRetentionSettings.EnableMessageDeletion", "DataRetentionSettings.EnableFileDeletion",
		"MessageExportSettings.EnableExport", "ElasticsearchSettings.EnableIndexing",
		"ElasticsearchSettings.EnableSearching", "ElasticsearchSettings.EnableAutocomplete",
		"AnnouncementSettings.EnableBanner", "SupportSettings.CustomTermsOfServiceEnabled",
		"ServiceSettings.EnforceMultifactorAuthentication", "TeamSettings.LockTeammateNameDisplay",
		"ConnectedWorkspacesSettings.EnableSharedChannels", "ConnectedWorkspacesSettings.EnableRemoteClusterService",
		"ExperimentalSettings.EnableSharedChannels", "ExperimentalSettings.EnableRemoteClusterService",
		"AccessControlSettings.EnableAttributeBasedAccessControl", "ContentFlaggingSettings.EnableContentFlagging":
		return []string{"true"}
	case "SqlSettings.DataSourceReplicas", "SqlSettings.DataSourceSearchReplicas":
		return []string{"*"}
	case "CacheSettings.CacheType":
		return []string{"redis"}
	case "EmailSettings.EmailNotificationContentsType":
		return []string{"generic"}
	}
	return nil
}

func (c *checker) licence(v *Verdict, value any) {
	if value == false {
		return // nothing is switched on
	}
	values := licensed(v.Path, c.version)
	if values == nil {
		return
	}
	text := ""
	switch x := value.(type) {
	case bool:
		if x {
			text = "true"
		}
	case string:
		text = x
	case []string:
		if len(x) > 0 && x[0] != "" {
			text = "*"
		}
	}
	if !slices.Contains(values, text) {
		return
	}
	if v.Path == "GitLabSettings.Enable" {
		c.warn("env.licence", v.Name, "from 11.0 on Team Edition no longer offers the login with GitLab", "stay on 10.11, take a licence, or convert the accounts to e-mail before the upgrade")
		return
	}
	c.warn("env.licence", v.Name, "the setting is read, but needs a licence to have an effect; Team Edition has none", "remove it unless the server has a licence")
}
