package envmap_test

import (
	"fmt"
	"log"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
)

// The whole way from gitlab.rb to the environment of the server.
func ExampleFromInstallation() {
	settings, err := gitlabrb.Evaluate("gitlab.rb", []byte(`
external_url 'https://gitlab.example.com'
mattermost_external_url 'https://mattermost.example.com'
mattermost['env'] = { 'MM_TEAMSETTINGS_MAXUSERSPERTEAM' => 500 }
`), gitlabrb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	inst, err := config.Resolve(config.Input{GitLabRB: settings})
	if err != nil {
		log.Fatal(err)
	}
	env := envmap.FromInstallation(inst)
	for _, name := range []string{"MM_SERVICESETTINGS_SITEURL", "MM_SERVICESETTINGS_LISTENADDRESS", "MM_TEAMSETTINGS_MAXUSERSPERTEAM", "MM_GITLABSETTINGS_SECRET", "MM_GITLABSETTINGS_SCOPE"} {
		v, _ := env.Get(name)
		fmt.Println(name, "=", v.Show())
	}
	// Output:
	// MM_SERVICESETTINGS_SITEURL = "https://mattermost.example.com"
	// MM_SERVICESETTINGS_LISTENADDRESS = "127.0.0.1:8065"
	// MM_TEAMSETTINGS_MAXUSERSPERTEAM = "500"
	// MM_GITLABSETTINGS_SECRET = [redacted]
	// MM_GITLABSETTINGS_SCOPE = (not set)
}

// What a server will drop without a word is an error here.
func ExampleCheck() {
	env := envmap.New()
	env.Set("MM_SERVICESETTINGS_READTIMEOUT", "300s")
	env.Set("MM_SERVICESETTINGS_SITURL", "https://mattermost.example.com")
	env.Set("MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER", "X-Forwarded-For,X-Real-IP")
	version, err := envmap.ParseVersion("10.11")
	if err != nil {
		log.Fatal(err)
	}
	report, err := envmap.Check(env, version)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Severity == envmap.SeverityError {
			fmt.Printf("%s: %s\n", f.Where, f.Fix)
		}
	}
	// Output:
	// MM_SERVICESETTINGS_READTIMEOUT: write decimal digits only, without blanks or units
	// MM_SERVICESETTINGS_SITURL: did you mean MM_SERVICESETTINGS_SITEURL?
	// MM_SERVICESETTINGS_TRUSTEDPROXYIPHEADER: separate the elements by one blank
}

// Keys of GitLab before 11.0 become variables, and what has none is named.
func ExampleConvert() {
	settings := &gitlabrb.Hash{}
	settings.Set("email_smtp_auth", true)
	settings.Set("service_session_length_web_in_days", int64(30))
	settings.Set("webrtc_enable", true)
	c, err := envmap.Convert(settings, envmap.ConvertOptions{})
	if err != nil {
		log.Fatal(err)
	}
	text, err := c.Env.Encode(envmap.FormatRuby)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(text))
	for _, l := range c.LeftOut {
		fmt.Printf("%s: %s\n", l.Key, l.Fix)
	}
	// Output:
	// mattermost['env'] = {
	//   'MM_EMAILSETTINGS_ENABLESMTPAUTH' => 'true',
	//   'MM_SERVICESETTINGS_SESSIONLENGTHWEBINHOURS' => '720',
	// }
	// webrtc_enable: remove it; video calls are the Calls plugin now
}

// Each format quotes in its own way, and refuses what it cannot carry.
func ExampleEnvironment_Encode() {
	env := envmap.New()
	env.Set("MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT", "it's 100% $5\nand more")
	for _, format := range []envmap.Format{envmap.FormatSystemd, envmap.FormatDropIn, envmap.FormatShell, envmap.FormatDocker} {
		text, err := env.Encode(format)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Print(string(text))
	}
	// Output:
	// MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT="it's 100% \$5
	// and more"
	// [Service]
	// Environment="MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT=it's 100%% $5\nand more"
	// export MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT='it'\''s 100% $5
	// and more'
	// variable MM_TEAMSETTINGS_CUSTOMDESCRIPTIONTEXT: format docker cannot carry line breaks
}

// A server that leaves the package needs one complete config.json.
func ExampleEffective() {
	env := envmap.New()
	env.Set("MM_SERVICESETTINGS_SITEURL", "https://mattermost.example.com/")
	env.Set("MM_SQLSETTINGS_DATASOURCE", "postgres://mm:s3cr3t@db/mm")
	version, err := envmap.ParseVersion("10.11")
	if err != nil {
		log.Fatal(err)
	}
	file := []byte(`{"ServiceSettings": {"SiteURL": ""}, "TeamSettings": {"MaxUsersPerTeam": 900}}`)
	effective, err := envmap.Effective(file, env, version)
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"ServiceSettings.SiteURL", "SqlSettings.DataSource", "TeamSettings.MaxUsersPerTeam", "TeamSettings.SiteName"} {
		v, _ := effective.Get(path)
		fmt.Printf("%s = %v (%s)\n", v.Path, v.Value, v.Origin.Kind)
	}
	// Output:
	// ServiceSettings.SiteURL = "https://mattermost.example.com" (environment)
	// SqlSettings.DataSource = [redacted] (environment)
	// TeamSettings.MaxUsersPerTeam = 900 (config.json)
	// TeamSettings.SiteName = "Mattermost" (default)
}

func ExampleDiff() {
	old, changed := envmap.New(), envmap.New()
	old.Set("MM_TEAMSETTINGS_SITENAME", "GitLab Mattermost")
	changed.Set("MM_TEAMSETTINGS_SITENAME", "Example")
	changed.Set("MM_EMAILSETTINGS_SMTPPASSWORD", "s3cr3t")
	for _, c := range envmap.Diff(old, changed) {
		fmt.Printf("%s %s: %s -> %s\n", c.Kind, c.Name, c.Old, c.New)
	}
	// Output:
	// changed MM_TEAMSETTINGS_SITENAME: "GitLab Mattermost" -> "Example"
	// added MM_EMAILSETTINGS_SMTPPASSWORD: (not set) -> [redacted]
}

func ExampleExplain() {
	version, err := envmap.ParseVersion("10.11")
	if err != nil {
		log.Fatal(err)
	}
	all, err := envmap.Explain("mattermost['email_enable_batching']", version)
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range all {
		fmt.Println(x.Variable, x.Path, x.Kind, x.Default)
	}
	// Output:
	// MM_EMAILSETTINGS_ENABLEEMAILBATCHING EmailSettings.EnableEmailBatching boolean false
}

// For those who outgrow one machine.
func ExampleOperator() {
	env := envmap.New()
	env.Set("MM_SERVICESETTINGS_SITEURL", "https://mattermost.example.com")
	env.Set("MM_SQLSETTINGS_DATASOURCE", "user=gitlab_mattermost host=/var/opt/gitlab/postgresql dbname=mattermost_production")
	env.Set("MM_FILESETTINGS_DIRECTORY", "/var/opt/gitlab/mattermost/data")
	m, err := envmap.Operator(env, envmap.OperatorOptions{Database: "postgres://mm:s3cr3t@db.example.com/mattermost"})
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range m.NotCarried {
		fmt.Println(l.Key, "-", l.Fix)
	}
	// Output:
	// MM_FILESETTINGS_DIRECTORY - copy the files into the volume
}
