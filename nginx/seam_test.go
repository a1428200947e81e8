package nginx

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// resolved evaluates a gitlab.rb and resolves it for a machine of which
// nothing is known.
func resolved(t *testing.T, text string) *config.Installation {
	t.Helper()
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(text), gitlabrb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inst, err := config.Resolve(config.Input{GitLabRB: result, Host: config.Host{Hostname: "gl01", FQDN: "gl01.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

// TestResolvedSettingsGiveTheVHostOfTheCases ties the hand-made installation
// of the golden cases to what config really resolves.
func TestResolvedSettingsGiveTheVHostOfTheCases(t *testing.T) {
	for _, c := range []struct {
		reason, gitlabRB string
		set              map[string]any
		headers          map[string]any
	}{
		{"https defaults", "mattermost_external_url 'https://mattermost.example.com'", nil, nil},
		{"http defaults", "mattermost_external_url 'http://mattermost.example.com'",
			map[string]any{"https": false, "port": int64(80)}, map[string]any{"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": nil}},
		{"a port and the redirect", "mattermost_external_url 'https://mattermost.example.com:8443'\nmattermost_nginx['redirect_http_to_https'] = true",
			map[string]any{"port": int64(8443), "redirect_http_to_https": true}, nil},
		{"proxy protocol", "mattermost_external_url 'https://mattermost.example.com'\nmattermost_nginx['proxy_protocol'] = true",
			map[string]any{"proxy_protocol": true, "real_ip_header": "proxy_protocol"},
			map[string]any{"X-Real-IP": "$proxy_protocol_addr", "X-Forwarded-For": "$proxy_protocol_addr"}},
		{"headers of the user", "mattermost_external_url 'https://mattermost.example.com'\nmattermost_nginx['proxy_set_headers'] = { 'Host' => '$host', 'X-Frame-Options' => nil, 'X-New' => 'a' }",
			nil, map[string]any{"Host": "$host", "X-Frame-Options": nil, "X-New": "a"}},
		{"TLS in front", "mattermost_external_url 'https://mattermost.example.com'\nmattermost_nginx['listen_https'] = false\nmattermost_nginx['listen_port'] = 80",
			map[string]any{"https": false, "listen_port": int64(80)}, nil},
		{"many settings", "mattermost_external_url 'https://mattermost.example.com'\nmattermost['service_port'] = 18065\n" +
			"mattermost_nginx['ssl_conf_command'] = ['Options PrioritizeChaCha']\nmattermost_nginx['listen_addresses'] = ['*', '[::]']\n" +
			"mattermost_nginx['client_max_body_size'] = '1g'\nmattermost_nginx['hsts_max_age'] = 0\nmattermost_nginx['referrer_policy'] = false\n" +
			"mattermost_nginx['custom_gitlab_mattermost_server_config'] = \"location /x { return 204; }\"",
			map[string]any{"service_port": int64(18065), "ssl_conf_command": []any{"Options PrioritizeChaCha"},
				"listen_addresses": []any{"*", "[::]"}, "client_max_body_size": "1g", "hsts_max_age": int64(0), "referrer_policy": false,
				"custom_gitlab_mattermost_server_config": "location /x { return 204; }"}, nil},
	} {
		t.Run(c.reason, func(t *testing.T) {
			inst := installation(t, c.set)
			mergeHeaders(inst, c.headers)
			want, _, err := FromGitLab(inst)
			if err != nil {
				t.Fatal(err)
			}
			real := resolved(t, c.gitlabRB)
			got, _, err := FromGitLab(real)
			if err != nil {
				t.Fatal(err)
			}
			if got.ListenPort == got.Port {
				got.ListenPort = 0 // resolved settings hold the port twice
			}
			a, errA := Render(want, Target{})
			b, errB := Render(got, Target{})
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if diff := cmp.Diff(a, b); diff != "" {
				t.Errorf("hand-made -, resolved +:\n%s", diff)
			}
			if !real.VHost.Enabled {
				t.Error("the vhost is not enabled")
			}
		})
	}
}

// TestOlderGitLabVersionsGiveTheirOwnTemplate goes the whole way from
// gitlab.rb for each era, and the real nginx accepts the result.
func TestOlderGitLabVersionsGiveTheirOwnTemplate(t *testing.T) {
	for _, change := range EraChanges() {
		result, err := gitlabrb.Evaluate("gitlab.rb", []byte("mattermost_external_url 'https://mattermost.example.com'\n"+
			"mattermost_nginx['redirect_http_to_https'] = true\n"), gitlabrb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		inst, err := config.Resolve(config.Input{GitLabRB: result, GitLabVersion: change.From})
		if err != nil {
			t.Errorf("GitLab %s: %v", change.From, err)
			continue
		}
		site, _, err := FromGitLab(inst)
		if err != nil {
			t.Errorf("GitLab %s: %v", change.From, err)
			continue
		}
		e, err := parseEra(site.Era)
		if err != nil || site.Era != change.From {
			t.Errorf("GitLab %s gives the era %q, %v", change.From, site.Era, err)
			continue
		}
		if got, want := site.TLS.Policy.Ciphers, e.policy().Ciphers; got != want {
			t.Errorf("GitLab %s: ciphers from settings %q, of the era %q", change.From, got, want)
		}
		main, err := MainConfig(site, localTarget(t))
		if err != nil {
			t.Fatal(err)
		}
		vhost, err := Render(site, localTarget(t))
		if err != nil {
			t.Fatal(err)
		}
		mustAccept(t, main+forRealNginx(t, vhost))
	}
}
