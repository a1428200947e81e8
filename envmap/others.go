package envmap

import "strings"

// other is a variable that Mattermost or its programs read by themselves, not
// as a setting.
type other struct {
	name  string // a trailing * matches any rest
	since Version
	what  string
}

// others are the variables of that kind that Mattermost 11 knows.
func others() []other {
	return []other{
		{"MM_CONFIG", Version{}, "where the configuration is: a file or a database"},
		{"MM_INSTALL_TYPE", Version{}, "tag of the installation for telemetry"},
		{"MM_SERVER_PATH", Version{}, "the server's directory"},
		{"MM_LICENSE", Version{Major: 5, Minor: 26, Patch: -1}, "the licence's text, before any other source"},
		{"MM_CUSTOM_DEFAULTS_PATH", Version{Major: 5, Minor: 30, Patch: -1}, "file of own defaults, read at the first start"},
		{"MM_SERVICEENVIRONMENT", Version{}, "production, test or dev"},
		{"MM_LOG_PATH", v1011, "root that log files must be below"},
		{"MM_CLOUD_*", Version{}, "Mattermost's own cloud"},
		{"MM_INACTIVITY_DURATION", Version{}, "inactivity check"},
		{"MM_CALLS_*", Version{}, "read by the Calls plugin"},
		{"MMCTL_LOCAL", Version{}, "read by mmctl"},
		{"MMCTL_LOCAL_SOCKET_PATH", Version{}, "read by mmctl"},
	}
}

func findOther(name string) (other, bool) {
	for _, o := range others() {
		if prefix, ok := strings.CutSuffix(o.name, "*"); ok && strings.HasPrefix(name, prefix) || o.name == name {
			return o, true
		}
	}
	return other{}, false
}

// neverWorked are names that documentation and guides spread and that
// Mattermost never read, with the right one.
func neverWorked() map[string]string {
	return map[string]string{
		"MM_EMAILSETTINGS_BATCHINGINTERVAL":        "MM_EMAILSETTINGS_EMAILBATCHINGINTERVAL",
		"MM_EMAILSETTINGS_BATCHINGBUFFERSIZE":      "MM_EMAILSETTINGS_EMAILBATCHINGBUFFERSIZE",
		"MM_EMAILSETTINGS_SMTPAUTH":                "MM_EMAILSETTINGS_ENABLESMTPAUTH",
		"MM_EMAILSETTINGS_NOTIFICATIONCONTENTTYPE": "MM_EMAILSETTINGS_EMAILNOTIFICATIONCONTENTSTYPE",
		"MM_WEBRTCSETTINGS_STUN_URI":               "MM_WEBRTCSETTINGS_STUNURI",
		"MM_WEBRTCSETTINGS_TURN_URI":               "MM_WEBRTCSETTINGS_TURNURI",
		"MM_WEBRTCSETTINGS_TURN_USERNAME":          "MM_WEBRTCSETTINGS_TURNUSERNAME",
		"MM_WEBRTCSETTINGS_TURN_SHAREDKEY":         "MM_WEBRTCSETTINGS_TURNSHAREDKEY",
		"MM_USERNAME":                              "MM_SQLSETTINGS_DATASOURCE",
		"MM_PASSWORD":                              "MM_SQLSETTINGS_DATASOURCE",
		"MM_DBNAME":                                "MM_SQLSETTINGS_DATASOURCE",
	}
}

// renamed says what replaced a setting, and what that means. It is a switch, so
// that a check of many variables builds no map.
func renamed(path string) (to string, ok bool) {
	switch path {
	case "ServiceSettings.SessionLengthWebInDays":
		return "ServiceSettings.SessionLengthWebInHours (24 times the value)", true
	case "ServiceSettings.SessionLengthMobileInDays":
		return "ServiceSettings.SessionLengthMobileInHours (24 times the value)", true
	case "ServiceSettings.SessionLengthSSOInDays":
		return "ServiceSettings.SessionLengthSSOInHours (24 times the value)", true
	case "ServiceSettings.ImageProxyType",
		"ServiceSettings.DEPRECATED_DO_NOT_USE_ImageProxyType":
		return "ImageProxySettings.ImageProxyType", true
	case "ServiceSettings.ImageProxyURL",
		"ServiceSettings.DEPRECATED_DO_NOT_USE_ImageProxyURL":
		return "ImageProxySettings.RemoteImageProxyURL", true
	case "ServiceSettings.ImageProxyOptions",
		"ServiceSettings.DEPRECATED_DO_NOT_USE_ImageProxyOptions":
		return "ImageProxySettings.RemoteImageProxyOptions", true
	case "ExperimentalSettings.EnableAppBar":
		return "ExperimentalSettings.DisableAppBar (the opposite value)", true
	case "LogSettings.AdvancedLoggingConfig":
		return "LogSettings.AdvancedLoggingJSON", true
	case "ExperimentalAuditSettings.AdvancedLoggingConfig":
		return "ExperimentalAuditSettings.AdvancedLoggingJSON", true
	case "NotificationLogSettings.AdvancedLoggingConfig":
		return "NotificationLogSettings.AdvancedLoggingJSON", true
	case "ServiceSettings.EnableOnlyAdminIntegrations",
		"TeamSettings.EnableTeamCreation",
		"ServiceSettings.DEPRECATED_DO_NOT_USE_EnableOnlyAdminIntegrations",
		"TeamSettings.DEPRECATED_DO_NOT_USE_EnableTeamCreation":
		return "permission schemes in the System Console", true
	case "ClusterSettings.DEPRECATED_DO_NOT_USE_UseExperimentalGossip":
		return "nothing, it is the only way now", true
	case "AccessControlSettings.EnableChannelScopeAccessControl":
		return "AccessControlSettings.EnableAttributeBasedAccessControl", true
	case "ExperimentalSettings.ExperimentalStrictCSRFEnforcement",
		"ServiceSettings.StrictCSRFEnforcement":
		return "ServiceSettings.ExperimentalStrictCSRFEnforcement", true
	}
	return "", false
}
