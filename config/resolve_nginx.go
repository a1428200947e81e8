package config

import "path"

// vhostSwitch turns the virtual host on with Mattermost.
func (r *resolver) vhostSwitch() {
	if truthy(r.value("mattermost", "enable")) && r.value("mattermost_nginx", "enable") == nil && !r.isUndecided("mattermost_nginx", "enable") {
		r.put("mattermost_nginx", "enable", true, derived("mattermost['enable']", "on with Mattermost"))
	}
}

// nginxPorts runs last: the listen port and the real-ip header.
func (r *resolver) nginxPorts() {
	if r.value("mattermost_nginx", "listen_port") == nil && !r.isUndecided("mattermost_nginx", "listen_port") {
		if port := r.value("mattermost", "port"); truthy(port) {
			r.put("mattermost_nginx", "listen_port", port, derived("mattermost_external_url", "port of the URL"))
		}
	}
	if r.at >= rel(14, 7, 0) && truthy(r.value("mattermost_nginx", "proxy_protocol")) {
		r.fill("mattermost_nginx", "real_ip_header", "proxy_protocol", derived("mattermost_nginx['proxy_protocol']", "proxy_protocol is on"))
	}
}

// vhost decides whether the virtual host is written, and where.
func (r *resolver) vhost() {
	dir := r.orDefault("nginx", "dir", "/var/opt/gitlab/nginx")
	v := VHost{Path: path.Join(dir, "conf/gitlab-mattermost-http.conf"), HTTPS: r.out.Mattermost.Truthy("service_use_ssl")}
	if r.at >= rel(18, 5, 0) {
		v.Path = path.Join(dir, "conf/service_conf/gitlab-mattermost.conf")
	}
	v.Enabled = r.nginx && r.out.Enabled && r.out.Nginx.Truthy("enable")
	if r.out.Nginx.Get("listen_https").Value != nil {
		v.HTTPS = r.out.Nginx.Truthy("listen_https")
	}
	v.Host, _ = r.out.Mattermost.Text("host")
	if port, ok := r.out.Mattermost.Get("port").Value.(int64); ok {
		v.Port = int(port)
	}
	www, _ := r.out.Nginx.Text("dir")
	v.WWWRoot = www + "/www/"
	r.out.LetsEncrypt = LetsEncrypt{Enabled: truthy(r.value("letsencrypt", "enable")), AltNames: r.altNames()}
	v.ACME = r.out.LetsEncrypt.Enabled && r.at >= rel(11, 8, 0)
	r.out.VHost = v
}
