package nginx

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/golden"
)

// installation builds what config.Resolve gives for an https URL, with the
// defaults of mattermost_nginx at 18.11, and then the given keys.
func installation(t testing.TB, set map[string]any) *config.Installation {
	t.Helper()
	inst := &config.Installation{
		GitLabVersion: "18.11",
		Mattermost:    &config.Attributes{},
		Nginx:         &config.Attributes{},
		VHost: config.VHost{
			Enabled: true, HTTPS: true, Host: "mattermost.example.com", Port: 443,
			WWWRoot: "/var/opt/gitlab/nginx/www/",
			Path:    "/var/opt/gitlab/nginx/conf/service_conf/gitlab-mattermost.conf",
		},
	}
	def := config.Origin{Kind: config.OriginDefault}
	put := func(name string, v any) { inst.Nginx.Set(name, config.Attribute{Value: v, Origin: def}) }
	inst.Mattermost.Set("service_address", config.Attribute{Value: "127.0.0.1", Origin: def})
	inst.Mattermost.Set("service_port", config.Attribute{Value: "8065", Origin: def})
	put("dir", "/var/opt/gitlab/nginx")
	put("log_directory", "/var/log/gitlab/nginx")
	put("error_log_level", "error")
	put("log_format", gitlabLogFormat)
	put("log_format_escape", "default")
	put("client_max_body_size", int64(0))
	put("redirect_http_to_https", false)
	put("redirect_http_to_https_port", int64(80))
	put("ssl_certificate", "/etc/gitlab/ssl/mattermost.example.com.crt")
	put("ssl_certificate_key", "/etc/gitlab/ssl/mattermost.example.com.key")
	put("ssl_verify_depth", "1")
	put("ssl_ciphers", LinuxPackage().Ciphers)
	put("ssl_prefer_server_ciphers", "off")
	put("ssl_protocols", "TLSv1.2 TLSv1.3")
	put("ssl_session_cache", "shared:SSL:10m")
	put("ssl_session_timeout", "1d")
	put("listen_addresses", []any{"*"})
	put("proxy_read_timeout", int64(3600))
	put("proxy_connect_timeout", int64(300))
	put("proxy_protocol", false)
	put("referrer_policy", "strict-origin-when-cross-origin")
	put("http2_enabled", true)
	put("real_ip_trusted_addresses", []any{})
	put("hsts_max_age", int64(63072000))
	put("hsts_include_subdomains", false)
	headers := &gitlabrb.Hash{}
	for _, h := range [][2]string{{"Host", "$http_host"}, {"X-Real-IP", "$remote_addr"},
		{"X-Forwarded-For", "$proxy_add_x_forwarded_for"}, {"X-Forwarded-Proto", "https"},
		{"X-Frame-Options", "SAMEORIGIN"}, {"Upgrade", "$http_upgrade"}, {"Connection", "$connection_upgrade"},
		{"X-Forwarded-Ssl", "on"}} {
		headers.Set(h[0], h[1])
	}
	put("proxy_set_headers", headers)
	for _, name := range sortedKeys(set) {
		v := set[name]
		switch name {
		case "https":
			inst.VHost.HTTPS = v.(bool)
		case "port":
			inst.VHost.Port = int(v.(int64))
		case "host":
			inst.VHost.Host = v.(string)
		case "acme":
			inst.VHost.ACME = v.(bool)
		case "version":
			inst.GitLabVersion = v.(string)
		case "service_address", "service_port":
			inst.Mattermost.Set(name, config.Attribute{Value: v, Origin: def})
		default:
			inst.Nginx.Set(name, config.Attribute{Value: v,
				Origin: config.Origin{Kind: config.OriginGitLabRB, Where: "gitlab.rb:1:1"}})
		}
	}
	return inst
}

// settings reads a case's "set" section: a JSON object. An object value
// replaces proxy_set_headers' entries one by one, null removes one.
func settings(t *testing.T, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for k, v := range raw {
		out[k] = rubyValue(t, v)
	}
	return out
}

func rubyValue(t *testing.T, v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = rubyValue(t, v[i])
		}
		return list
	}
	return v
}

func mergeHeaders(inst *config.Installation, change map[string]any) {
	hash := inst.Nginx.Get("proxy_set_headers").Value.(*gitlabrb.Hash)
	for _, name := range sortedKeys(change) {
		hash.Set(name, change[name])
	}
}

// forRealNginx gives the files a text names real content below a temporary
// directory, because nginx opens them.
func forRealNginx(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	cert, key := certificate(t, dir, "mattermost.example.com")
	writeFile(t, dir+"/pass phrases", "secret\n", 0o600)
	writeFile(t, dir+"/dh.pem", dhGroup, 0o644)
	files := map[string]string{
		"ssl_certificate": cert, "ssl_client_certificate": cert, "ssl_certificate_key": key,
		"ssl_password_file": dir + "/pass phrases", "ssl_dhparam": dir + "/dh.pem", "proxy_cache_path": dir + "/cache",
		"ssl_trusted_certificate": cert,
	}
	list, err := Parse("", []byte(text))
	if err != nil {
		t.Fatalf("our own reader refuses it: %v\n%s", err, text)
	}
	walk(list, func(c *Directive) {
		if path, ok := files[c.Name]; ok {
			c.Args[0] = path
		}
		if c.Name == "access_log" || c.Name == "error_log" {
			c.Args[0] = filepath.Join(dir, filepath.Base(c.Args[0]))
		}
	})
	return Format(list)
}

// TestVHostOfEverySettingAsGitLabWroteIt holds one case for every directive
// and trigger of the 18.11 template.
func TestVHostOfEverySettingAsGitLabWroteIt(t *testing.T) {
	golden.Run(t, "testdata/gitlab/*.txtar", func(c *golden.Case) {
		text, _ := c.Section("set")
		set := settings(c.T, text)
		headers, _ := set["proxy_set_headers"].(map[string]any)
		delete(set, "proxy_set_headers")
		inst := installation(c.T, set)
		mergeHeaders(inst, headers)
		site, findings, err := FromGitLab(inst)
		if err != nil {
			c.Want("error", err.Error())
			return
		}
		vhost, err := Render(site, Target{})
		if err != nil {
			c.Fatal(err)
		}
		mainConf, err := MainConfig(site, Target{})
		if err != nil {
			c.Fatal(err)
		}
		c.Want("vhost", vhost)
		if _, ok := c.Section("main"); ok {
			c.Want("main", mainConf)
		}
		c.Want("findings", findingLines(findings))
		for _, f := range findings {
			if f.Severity == SeverityError {
				return // it says itself that nginx refuses this one
			}
		}
		local, err := Render(site, localTarget(c.T))
		if err != nil {
			c.Fatal(err)
		}
		mustAccept(c.T, mainConf+forRealNginx(c.T, local))
	})
}

func findingLines(list []Finding) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s %s [%s] %s\n", f.Severity, f.ID, f.Where, f.Message)
	}
	return b.String()
}

// TestStandaloneFromTheSameSettings renders the settings of the GitLab cases
// for a host without GitLab and shows what changes.
func TestStandaloneFromTheSameSettings(t *testing.T) {
	golden.Run(t, "testdata/move/*.txtar", func(c *golden.Case) {
		text, _ := c.Section("set")
		set := settings(c.T, text)
		headers, _ := set["proxy_set_headers"].(map[string]any)
		delete(set, "proxy_set_headers")
		env, _ := set["env"].(map[string]any)
		delete(set, "env")
		inst := installation(c.T, set)
		mergeHeaders(inst, headers)
		hash := &gitlabrb.Hash{}
		for _, k := range sortedKeys(env) {
			hash.Set(k, env[k])
		}
		inst.Mattermost.Set("env", config.Attribute{Value: hash})
		site, findings, err := StandaloneFromGitLab(inst, StandaloneOptions{})
		if err != nil {
			c.Want("error", err.Error())
			return
		}
		out, err := json.MarshalIndent(site, "", " ")
		if err != nil {
			c.Fatal(err)
		}
		c.Want("site", string(out))
		c.Want("findings", findingLines(findings))
		vhost, err := Render(site, localTarget(c.T))
		if err != nil {
			c.Fatal(err)
		}
		mustAccept(c.T, forRealNginx(c.T, vhost))
	})
}
