package gitlabmattermost_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/nginx"
)

// From a gitlab.rb to the environment and the virtual host that GitLab 18.11
// would have written. config.Load reads both files of a real machine; here the
// text is given.
func Example() {
	source := `
external_url 'https://gitlab.example.com'
mattermost_external_url 'https://chat.example.com'
mattermost['team_site_name'] = "Chat of #{'Example'}"
mattermost_nginx['redirect_http_to_https'] = true
`
	result, err := gitlabrb.Evaluate("gitlab.rb", []byte(source), gitlabrb.Options{})
	if err != nil {
		log.Fatal(err) // gitlab.rb:line:col: what is wrong
	}
	inst, err := config.Resolve(config.Input{GitLabRB: result})
	if err != nil {
		log.Fatal(err)
	}

	env := envmap.FromInstallation(inst)
	for _, name := range []string{"MM_SERVICESETTINGS_SITEURL", "MM_TEAMSETTINGS_SITENAME", "MM_SQLSETTINGS_DATASOURCE"} {
		v, _ := env.Get(name)
		text, _ := v.Text()
		fmt.Printf("%s=%s (%s)\n", name, text, v.Origin.Kind)
	}

	site, _, err := nginx.FromGitLab(inst)
	if err != nil {
		log.Fatal(err)
	}
	conf, err := nginx.Render(site, nginx.Target{})
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(conf) {
		if strings.Contains(line, "return 301") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output:
	// MM_SERVICESETTINGS_SITEURL=https://chat.example.com (derived)
	// MM_TEAMSETTINGS_SITENAME=Chat of Example (gitlab.rb)
	// MM_SQLSETTINGS_DATASOURCE=user=gitlab_mattermost host=/var/opt/gitlab/postgresql port=5432 dbname=mattermost_production (derived)
	// return 301 https://chat.example.com:443$request_uri;
}
