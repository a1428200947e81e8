package oauth

import (
	"fmt"
)

// Endpoints are the addresses of one GitLab that a login needs.
type Endpoints struct {
	GitLab    string `json:"gitlab"` // the normalised address itself
	Authorize string `json:"authorize"`
	Token     string `json:"token"`
	UserAPI   string `json:"user_api"`
	Revoke    string `json:"revoke"`
	TokenInfo string `json:"token_info"`
	Discovery string `json:"discovery"`
	API       string `json:"api"` // base of the REST API, without a trailing slash
}

// EndpointsOf derives the endpoints from GitLab's address (external_url), with
// a relative path kept: https://host/gitlab gives
// https://host/gitlab/oauth/authorize. Version 3 of the user API is used for a
// GitLab older than 9.5, version 4 otherwise and when the version is not known
// (zero). The order and spelling are those the Linux package computed.
func EndpointsOf(gitlabURL string, v Version) (Endpoints, error) {
	base, err := NormalizeURL(gitlabURL)
	if err != nil {
		return Endpoints{}, fmt.Errorf("for GitLab: %w", err)
	}
	api := base + "/api/v4"
	if before(v, 9, 5) {
		api = base + "/api/v3"
	}
	return Endpoints{
		GitLab:    base,
		Authorize: base + "/oauth/authorize",
		Token:     base + "/oauth/token",
		UserAPI:   api + "/user",
		Revoke:    base + "/oauth/revoke",
		TokenInfo: base + "/oauth/token/info",
		Discovery: base + "/.well-known/openid-configuration",
		API:       api,
	}, nil
}
