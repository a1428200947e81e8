package config

// registrationSwitch turns the registration off when the secrets file may not
// be written (16.1 and newer): its result could not be kept.
func (r *resolver) registrationSwitch() {
	if r.at < rel(16, 1, 0) || !truthy(r.value("mattermost", "enable")) || r.value("package", "generate_secrets_json_file") != false {
		return
	}
	r.put("mattermost", "register_as_oauth_app", false,
		derived("package['generate_secrets_json_file']", "the secrets file is not written, so a registration could not be kept"))
}

// registration decides about the step that registers Mattermost in GitLab.
func (r *resolver) registration() {
	reason := ""
	register := r.out.Mattermost.Get("register_as_oauth_app")
	switch {
	case !r.out.Enabled:
		reason = "Mattermost is not enabled"
	case !r.rails:
		reason = "GitLab itself is not enabled on this machine (gitlab_rails['enable'] is false)"
	case r.at >= rel(15, 4, 0) && !truthy(register.Value) && register.Origin.Kind == OriginSecrets:
		reason = "already registered: gitlab-secrets.json holds register_as_oauth_app false"
	case r.at >= rel(15, 4, 0) && !truthy(register.Value) && register.Origin.Kind == OriginDerived:
		reason = "package['generate_secrets_json_file'] is false, so the result could not be kept"
	case r.at >= rel(15, 4, 0) && !truthy(register.Value):
		reason = "mattermost['register_as_oauth_app'] is false"
	case r.at < rel(15, 4, 0) && r.out.Mattermost.Truthy("gitlab_enable"):
		reason = "mattermost['gitlab_enable'] is true already"
	case !r.Host.PostgreSQLRunning:
		reason = "the bundled PostgreSQL does not run on this machine"
	case !r.Host.GitLabDatabaseExists:
		reason = "the bundled PostgreSQL does not hold GitLab's database " + r.orDefault("gitlab_rails", "db_database", "gitlabhq_production")
	}
	r.out.Registration = Registration{Action: RegistrationAttempt, Reason: "GitLab runs here with its database and Mattermost is not registered yet"}
	if reason != "" {
		r.out.Registration = Registration{Action: RegistrationSkip, Reason: reason}
	}
}

// registered is the state after a successful registration in the same run.
func (r *resolver) registered() {
	from := derived("registration", "the application was registered in this run")
	r.put("mattermost", "gitlab_enable", true, from)
	r.put("mattermost", "gitlab_scope", "", from)
	if r.at >= rel(15, 4, 0) {
		r.put("mattermost", "register_as_oauth_app", false, from)
	}
	r.storeSecrets()
	r.attributes()
}

// gitlabYML is the mattermost part of GitLab's gitlab.yml, since 8.15.
func (r *resolver) gitlabYML() {
	url, host := r.top("mattermost_external_url").Value, any(nil)
	if r.at >= rel(8, 16, 0) {
		host = r.value("gitlab_rails", "mattermost_host")
	}
	if r.at >= rel(20, 0, 0) {
		url = nil
	}
	first, second := url, host
	if r.at >= rel(19, 0, 0) {
		first, second = host, url
	}
	if !truthy(first) {
		first = second
	}
	if r.at < rel(8, 15, 0) {
		return
	}
	r.out.GitLabYML.Enabled = r.at < rel(19, 0, 0) && r.out.Enabled || first != nil
	if first != nil {
		text := RubyText(first)
		r.out.GitLabYML.Host = &text
	}
}
