package config

import (
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// findEnv looks at mattermost['env'] as chpst -e will read it.
func (r *resolver) findEnv() {
	env := r.out.Mattermost.Get("env")
	if env.Origin.Kind == OriginDefault {
		return
	}
	variables := r.variables()
	for k, v := range envOf(env).All() {
		name := RubyText(k)
		_, ok := r.result.Lookup("mattermost", "env", name)
		if !ok {
			continue // a default
		}
		where := orKey(r.pos("mattermost", "env", name).String(), "mattermost['env']")
		switch v.(type) {
		case []any, *gitlabrb.Hash:
			r.flag("env.not-text", where, name+" is "+describe(v)+"; its Ruby text is what the server gets", "write the value as a string")
			continue
		}
		r.findVariable(name, RubyText(v), where)
		if key, ok := variables[name]; ok {
			r.flag("env.overrides", where, name+" wins over mattermost['"+key+"']", "keep one of the two")
		}
	}
}

func (r *resolver) findVariable(name, text, where string) {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/=\x00\n") {
		r.flag("env.bad-name", where, rubyQuote(name)+" cannot be the name of a variable, which is a file's name as well", "use letters, digits and _")
		return
	}
	switch {
	case text == "":
		r.flag("env.empty", where, "an empty "+name+" is removed from the environment, so config.json decides", "give a value, or change config.json")
	case strings.Contains(text, "\x00"):
		r.flag("env.nul", where, name+" holds a NUL byte, which becomes a line break", "remove it")
	case strings.Contains(text, "\n"):
		r.flag("env.several-lines", where, "only the first line of "+name+" reaches the server", "write it on one line, or keep it in config.json")
	case strings.TrimRight(text, " \t") != text:
		r.flag("env.trailing-blank", where, "blanks at the end of "+name+" are cut", "remove them, or keep the value in config.json")
	}
}

// variables maps the generated variables of this version to their setting.
func (r *resolver) variables() map[string]string {
	out := map[string]string{}
	for i := range catalogueRows {
		if row := &catalogueRows[i]; row.variable != "" && row.holds(r.at) && r.at >= rel(11, 0, 0) {
			if _, ok := out[row.variable]; !ok {
				out[row.variable] = row.key
			}
		}
	}
	return out
}

func (r *resolver) findRegistration() {
	if list, _ := r.out.Mattermost.Text("service_allowed_untrusted_internal_connections"); r.hasGitLab {
		hosts := strings.FieldsFunc(list, func(c rune) bool { return c == ' ' || c == ',' })
		if i := slices.Index(hosts, r.gitlab.host); i >= 0 && slices.Contains(hosts[i+1:], r.gitlab.host) {
			const key = "service_allowed_untrusted_internal_connections"
			r.flag("allow-list.double", orKey(r.pos("mattermost", key).String(), "mattermost['"+key+"']"), "GitLab's host is appended by itself", "leave it out")
		}
	}
	if !r.out.Enabled {
		return
	}
	id, secret := r.out.Mattermost.Get("gitlab_id"), r.out.Mattermost.Get("gitlab_secret")
	fixed := id.Origin.Kind == OriginGitLabRB && secret.Origin.Kind == OriginGitLabRB
	attempt := r.out.Registration.Action == RegistrationAttempt
	if !attempt && (id.Origin.Kind == OriginGenerated || secret.Origin.Kind == OriginGenerated) && !r.out.Mattermost.Truthy("gitlab_enable") {
		r.flag("registration.new-credentials-each-run", "mattermost['gitlab_id']", "Mattermost is not registered by itself here ("+r.out.Registration.Reason+"), so id and secret are new at every reconfigure, and every one restarts the server",
			"register the application by hand in GitLab and set gitlab_enable, gitlab_id and gitlab_secret")
	}
	if !attempt {
		return
	}
	if v, where, ok := r.own("mattermost", "gitlab_scope"); ok && v != "" {
		r.flag("registration.scope-emptied", where, "the run that registers the application empties gitlab_scope; it comes back in the next one, with a restart", "run reconfigure twice")
	}
	if fixed {
		r.flag("registration.own-credentials", id.Origin.Where, "GitLab gets an application with exactly these credentials, or refuses when the id is taken", "set mattermost['register_as_oauth_app'] = false if the application exists")
	}
	r.flag("registration.not-trusted", "OAuth application", "the automatic application is not trusted and asks for the scope api: users see a consent page", "tick Trusted and the scope read_user in GitLab's admin area")
}

func (r *resolver) findEras() {
	if _, ok := r.result.Lookup("grafana"); ok {
		r.flag("era.unknown-name", r.firstOf("grafana"), "grafana is no known name from 17.1 on, and reconfigure stops", "remove the lines before upgrading to 17.1")
	}
	for _, key := range r.hash("mattermost").keys {
		v, where, ok := r.own("mattermost", key)
		if !ok {
			continue
		}
		r.findEraKey(key, v, where)
	}
	if r.at >= rel(9, 2, 0) && r.at < rel(9, 2, 1) {
		r.flag("era.search-replicas", "SqlSettings.DataSourceSearchReplicas", "9.2.0 writes the list as a string and Mattermost does not start", "use 9.2.1 or newer")
	}
	if _, _, ok := r.own("mattermost", "env"); ok {
		r.flag("era.env-not-cleaned", r.out.Service.EnvDir, "a variable that is removed from mattermost['env'] stays in its directory", "delete its file by hand")
	}
}

// firstOf is the place where a top-level name is first set.
func (r *resolver) firstOf(name string) string {
	for _, a := range r.result.Assignments {
		if a.Path[0] == name {
			return a.Pos.String()
		}
	}
	return name
}

func (r *resolver) findEraKey(key string, v any, where string) {
	name := "mattermost['" + key + "']"
	if state := keyState(r.at, "mattermost", key); state.Legacy {
		use := "remove it, or set its successor in mattermost['env'] or the System Console"
		if state.Variable != "" {
			use = "set mattermost['env']['" + state.Variable + "'], or change it in the System Console"
		}
		r.flag("era.deprecated-keys", where, name+" will be refused by 11.0", use)
		r.flag("era.refused-keys", where, state.Message, use)
		r.flag("era.ignored-keys", where, name+" belongs to versions before 11.0; nothing reads it", use)
	}
	if text, ok := v.(string); ok && strings.ContainsAny(text, "\"\\\n") && keyState(r.at, "mattermost", key).Field != "" {
		r.flag("era.broken-json", where, "the value of "+name+" is pasted into config.json without escapes, which breaks the file", "write it without quotes, backslashes and line breaks")
	}
	switch key {
	case "service_enable_post_search":
		r.flag("era.user-statuses", where, "ServiceSettings.EnableUserStatuses follows this key, service_enable_user_statuses is not read", "keep it in mind")
	case "email_notification_content_type", "native_app_app_download_link", "native_app_android_app_download_link", "native_app_ios_app_download_link":
		r.flag("era.misspelled-field", where, "the package writes "+keyState(r.at, "mattermost", key).Field+", which Mattermost does not read", "use mattermost['env'] with the right name")
	case "service_enable_link_previews", "service_enable_user_typing_messages":
		r.flag("era.swapped-fields", where, "9.0.3 to 9.0.13 write link previews and typing messages into each other's field", "swap the two values, or upgrade")
	case "service_teammate_name_display":
		r.flag("era.teammate-name", where, "9.4.2 to 9.4.4 write it where Mattermost does not look", "use 9.4.5 and mattermost['team_teammate_name_display']")
	}
}

// findRemoved is about 19.0 and newer.
func (r *resolver) findRemoved() {
	if r.Secrets.Mattermost().Len() > 0 {
		r.flag("secrets.lost", r.Secrets.Name(), "the first 19.x reconfigure writes this file without its mattermost section: at-rest key, OAuth id and secret are lost", "save the section before reconfigure")
	}
	if r.out.MattermostURL != "" {
		r.flag("removed.deprecated-url", r.pos("mattermost_external_url").String(), "mattermost_external_url is deprecated since 19.0 and goes in 20.0", "use gitlab_rails['mattermost_host']")
	}
	if host, at, ok := r.own("gitlab_rails", "mattermost_host"); ok && r.out.MattermostURL != "" && RubyText(host) != r.out.MattermostURL {
		r.flag("gitlab-yml.two-hosts", at, "it names another address than mattermost_external_url; before 19.0 the URL counts, from 19.0 on this setting", "remove mattermost_external_url")
	}
	h := r.hash("mattermost")
	if len(h.keys) > 0 {
		r.flag("removed.any-setting", orKey(r.pos("mattermost", h.keys[0]).String(), "mattermost[...]"), removedMessage, "remove every mattermost[...] line; upgrade to 19.3, which objects to mattermost['enable'] = true only")
	}
	if v, where, ok := r.own("mattermost", "enable"); ok && v == true {
		r.flag("removed.enabled", where, removedMessage, "remove mattermost['enable']")
	}
}
