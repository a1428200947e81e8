package config_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

const gitlabRB = `external_url 'https://gitlab.example.com'
mattermost_external_url 'https://mattermost.example.com'
mattermost['env'] = { 'HTTP_PROXY' => 'http://proxy:3128' }
`

// facts describe a machine that is not this one.
const facts = `{"hostname": "gl01", "files": {
  "/etc/gitlab/ssl/gitlab.example.com.crt": null, "/etc/gitlab/ssl/mattermost.example.com.crt": null,
  "/etc/gitlab/ssl/mattermost.example.com.key": null}}`

func resolve() *config.Installation {
	f, err := config.ReadFacts(strings.NewReader(facts))
	if err != nil {
		log.Fatal(err)
	}
	host := f.Host()
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(gitlabRB), gitlabrb.Options{Lookups: host.Lookups})
	if err != nil {
		log.Fatal(err)
	}
	i, err := config.Resolve(config.Input{GitLabRB: result, Host: host})
	if err != nil {
		log.Fatal(err)
	}
	return i
}

func ExampleResolve() {
	i := resolve()
	for _, key := range []string{"service_site_url", "gitlab_auth_endpoint", "service_port", "sql_data_source"} {
		a := i.Mattermost.Get(key)
		fmt.Printf("%s = %v\n", key, a)
	}
	fmt.Println("vhost:", i.VHost.Enabled, i.VHost.Host, i.VHost.Port)
	fmt.Println("registration:", i.Registration.Action)
	// Output:
	// service_site_url = "https://mattermost.example.com" (derived (mattermost_external_url): the URL as written)
	// gitlab_auth_endpoint = "https://gitlab.example.com/oauth/authorize" (derived (external_url): external_url and /oauth/authorize)
	// service_port = "8065" (default)
	// sql_data_source = "user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production" (derived (postgresql, mattermost['database_name']): role, socket directory, port and database of the bundled PostgreSQL)
	// vhost: true mattermost.example.com 443
	// registration: skip
}

func ExampleResolve_errors() {
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte("mattermost_external_url 'https://example.com/chat'\nmattermost['uid'] = 'chat'\n"), gitlabrb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	i, err := config.Resolve(config.Input{GitLabRB: result})
	fmt.Println(err)
	fmt.Println("known all the same:", i.MattermostURL)
	// Output:
	// gitlab.rb:1:1: mattermost_external_url: Unsupported CI external URL path: /chat
	// gitlab.rb:2:1: mattermost['uid'] must be a number from 0 to 4294967294; got a string
	// known all the same: https://example.com/chat
}

func ExampleExplain() {
	x, err := config.Explain(config.ExplainInput{Installation: resolve()}, "MM_SERVICESETTINGS_SITEURL")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x.Key, "=", x.Value)
	fmt.Println("from", x.Origin)
	fmt.Println("feeds", strings.Join(x.Feeds, ", "))
	// Output:
	// mattermost['service_site_url'] = "https://mattermost.example.com"
	// from derived (mattermost_external_url): the URL as written
	// feeds MM_SERVICESETTINGS_SITEURL, ServiceSettings.SiteURL
}

func ExampleKeyAt() {
	for _, v := range []string{"10.2", "10.8", "11.0", "12.3"} {
		s, err := config.KeyAt(v, "mattermost", "email_smtp_server")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(strings.TrimSpace(fmt.Sprint(v, " ", s.Does, " ", s.Field, " ", s.Variable)))
	}
	// Output:
	// 10.2 config.json EmailSettings.SMTPServer
	// 10.8 notice EmailSettings.SMTPServer MM_EMAILSETTINGS_SMTPSERVER
	// 11.0 refuse  MM_EMAILSETTINGS_SMTPSERVER
	// 12.3 ignore  MM_EMAILSETTINGS_SMTPSERVER
}

func ExampleCheckConfig() {
	for _, running := range []string{"18.11.6", "18.11.7", "18.11.8", "18.11.9"} {
		r, err := config.CheckConfig(config.CheckConfigInput{Running: running, Target: "19.3", HasSecrets: true})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(running, "to", r.Target+":", r.Outcome, "enables:", r.Enables)
	}
	// Output:
	// 18.11.6 to 19.3: passes enables: false
	// 18.11.7 to 19.3: blocks enables: false
	// 18.11.8 to 19.3: passes enables: true
	// 18.11.9 to 19.3: passes enables: false
}

func ExampleOwnServer() {
	p, err := config.OwnServer(config.OwnServerOptions{
		GitLabVersion: "17.6", MattermostURL: "https://mattermost.example.com", GitLabURL: "https://gitlab.example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range p.Mattermost {
		fmt.Println(s.Line())
	}
	for _, s := range p.GitLab {
		fmt.Println(s.Line())
	}
	// Output:
	// mattermost_external_url 'https://mattermost.example.com'
	// gitlab_rails['enable'] = false
	// redis['enable'] = false
	// postgres_exporter['enable'] = false
	// gitlab_rails['mattermost_host'] = 'https://mattermost.example.com'
}

func ExampleSecretsFile() {
	f, err := config.ParseSecrets("gitlab-secrets.json", []byte(`{"gitlab_shell":{"secret_token":"x"},"mattermost":{"gitlab_id":"app"}}`))
	if err != nil {
		log.Fatal(err)
	}
	section := f.Mattermost()
	section.Set("gitlab_id", "new")
	f.SetSection("mattermost", section)
	fmt.Println(f) // never the content
	fmt.Print(string(f.Bytes()))
	// Output:
	// secrets file gitlab-secrets.json
	// {
	//   "gitlab_shell": {
	//     "secret_token": "x"
	//   },
	//   "mattermost": {
	//     "gitlab_id": "new"
	//   }
	// }
}
