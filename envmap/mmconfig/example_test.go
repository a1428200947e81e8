package mmconfig_test

import (
	"fmt"
	"log"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/envmap/mmconfig"
)

// Mattermost's own validation says whether a server would start.
func ExampleEffective() {
	env := envmap.New()
	env.Set("MM_SERVICESETTINGS_SITEURL", "https://mattermost.example.com")
	env.Set("MM_SERVICESETTINGS_LISTENADDRESS", "127.0.0.1")
	cfg, err := mmconfig.Effective([]byte(`{"TeamSettings": {"SiteName": "Example"}}`), env)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*cfg.TeamSettings.SiteName, *cfg.ServiceSettings.SiteURL)
	fmt.Println(mmconfig.Validate(cfg))
	// Output:
	// Example https://mattermost.example.com
	// validate configuration: model.config.is_valid.listen_address.app_error
}
