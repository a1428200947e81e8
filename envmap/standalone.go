package envmap

import (
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
)

// bundleOnly tells variables that mean something inside GitLab's package only;
// one that the user set to something else is kept.
func bundleOnly(name, text string) bool {
	switch name {
	case "MM_INSTALL_TYPE":
		return text == "gitlab_omnibus"
	case "SSL_CERT_DIR":
		return text == "/opt/gitlab/embedded/ssl/certs/"
	case "GODEBUG":
		return text == "tlsmlkem=0"
	}
	return false
}

// FromStandalone returns the environment of the same installation on
// Mattermost's own packages: FromInstallation with the values that the
// standalone layout replaces, without the bundle's own variables and without
// those that are not set. mattermost['env'] still wins over everything.
func FromStandalone(inst *config.Installation, s *config.Standalone) *Environment {
	replaced := map[string]string{
		"MM_SERVICESETTINGS_SITEURL":                             s.SiteURL,
		"MM_SERVICESETTINGS_LISTENADDRESS":                       s.ListenAddress,
		"MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS": s.AllowedInternal,
		"MM_SQLSETTINGS_DATASOURCE":                              s.Database.DataSource,
		"MM_LOGSETTINGS_FILELOCATION":                            s.Logs,
		"MM_FILESETTINGS_DIRECTORY":                              s.Data,
		"MM_PLUGINSETTINGS_DIRECTORY":                            s.Plugins,
		"MM_PLUGINSETTINGS_CLIENTDIRECTORY":                      s.ClientPlugins,
	}
	if inst.Mattermost.Truthy("gitlab_enable") {
		// The only scope that works with every edition; an application without
		// scopes, as the package registered it, allows it too.
		replaced["MM_GITLABSETTINGS_SCOPE"] = "read_user"
	}
	own := FromInstallation(inst)
	e := &Environment{}
	for v := range own.All() {
		text, set := v.Text()
		if bundleOnly(v.Name, text) {
			continue
		}
		if to, ok := replaced[v.Name]; ok && !fromEnv(inst, v.Name) && !(v.Name == "MM_GITLABSETTINGS_SCOPE" && strings.TrimSpace(text) != "") {
			if set = to != ""; set && to != text {
				v.Value, v.Origin = &to, config.Origin{Kind: config.OriginDerived, Where: v.Origin.Where, Rule: "standalone layout"}
			}
		}
		if set {
			e.Put(v)
		}
	}
	return e
}

// fromEnv tells whether mattermost['env'] sets the variable itself.
func fromEnv(inst *config.Installation, name string) bool {
	env, ok := inst.Mattermost.Get("env").Value.(interface{ Get(string) (any, bool) })
	if !ok {
		return false
	}
	v, ok := env.Get(name)
	return ok && v != nil
}
