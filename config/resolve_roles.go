package config

import (
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// role is what one of the package's roles does to GitLab's web server, to
// nginx and to gitlab_rails['enable'].
type role struct {
	name     string
	services bool  // switches services itself, so that the default set stays off
	puma     bool  // runs GitLab's web server
	nginx    bool  // runs nginx
	rails    *bool // value that gitlab_rails['enable'] gets when not set
}

var (
	yes, no = true, false
	// allRoles is in the order in which the package loads them.
	allRoles = [...]role{
		{"application", true, true, false, &yes},
		{"sidekiq", true, false, false, &yes},
		{"postgres", true, false, false, &yes},
		{"patroni", true, false, false, &yes},
		{"redis_sentinel", true, false, false, &no},
		{"redis_master", true, false, false, &no},
		{"redis_replica", true, false, false, &no},
		{"geo_primary", false, false, false, nil},
		{"geo_secondary", false, false, false, nil},
		{"monitoring", true, false, false, &no},
		{"pgbouncer", true, false, false, &no},
		{"consul", true, false, false, &no},
		{"pages", true, false, true, &no},
		{"spamcheck", true, false, false, &no},
		{"gitaly", true, false, false, &no},
		{"backup", false, false, false, nil},
	}
)

// roles decides whether GitLab's web server, nginx and GitLab itself are on.
func (r *resolver) roles() {
	active := r.activeRoles()
	services := false
	for _, role := range allRoles {
		services = services || role.services && active[role.name]
	}
	web, nginx := false, false
	if !services {
		web, nginx = r.value("gitlab_rails", "enable") != false, true
	}
	for _, role := range allRoles {
		if !active[role.name] {
			continue
		}
		web, nginx = web || role.puma, nginx || role.nginx
		if role.name == "application" && r.value("nginx", "enable") == nil {
			r.put("nginx", "enable", true, derived("roles", "application_role"))
		}
		own := r.value("gitlab_rails", "enable")
		if role.rails != nil && (own == nil || own == false && !*role.rails) {
			r.put("gitlab_rails", "enable", *role.rails, derived("roles", role.name+"_role"))
		}
	}
	if v := r.value(r.webServer(), "enable"); v != nil {
		web = truthy(v)
	}
	if v := r.value("nginx", "enable"); v != nil {
		nginx = truthy(v)
	}
	r.puma, r.nginx, r.rails = web, nginx, true
	if v := r.value("gitlab_rails", "enable"); v != nil {
		r.rails = truthy(v)
	}
}

// webServer is the name of GitLab's web server service.
func (r *resolver) webServer() string {
	if r.at < rel(13, 0, 0) {
		return "unicorn"
	}
	return "puma"
}

// activeRoles reads roles [...] and NAME_role['enable'].
func (r *resolver) activeRoles() map[string]bool {
	active := map[string]bool{}
	for _, role := range allRoles {
		active[role.name] = truthy(r.value(role.name+"_role", "enable"))
	}
	set := r.top("roles")
	if !truthy(set.Value) {
		return active
	}
	var unknown []string
	for _, v := range flatten(set.Value) {
		if _, ok := v.(string); !ok {
			r.errorf(r.pos("roles"), "roles must be a name or a list of names; got %s", describe(v))
			return active
		}
		name := strings.ReplaceAll(RubyText(v), "-", "_")
		short, ok := strings.CutSuffix(name, "_role")
		if _, known := active[short]; !ok || !known {
			unknown = append(unknown, name)
			continue
		}
		active[short] = true
	}
	if len(unknown) > 0 {
		r.errorf(r.pos("roles"), "The following invalid roles have been set in 'roles': %s", strings.Join(unknown, ", "))
	}
	return active
}

// flatten is [v].flatten.
func flatten(v any) []any {
	list, ok := v.([]any)
	if !ok {
		return []any{v}
	}
	var out []any
	for _, e := range list {
		out = append(out, flatten(e)...)
	}
	return out
}

// isUndecided tells whether a setting exists whose value is not known.
func (s *settings) isUndecided(name, key string) bool {
	if _, ok := s.undecided[name+"\x00"+key]; ok {
		return true
	}
	if _, ok := s.undecided[name]; ok {
		return true
	}
	if v, _ := s.result.Lookup(name); v != nil {
		if _, ok := v.(gitlabrb.Undecided); ok {
			return true
		}
	}
	_, ok := findUndecided(s.hash(name).by[key].Value)
	return ok
}
