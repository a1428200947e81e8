package oauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The paths that GitLab may send a browser back to. Mattermost has always sent
// the first in redirect_uri; the second it accepts.
const (
	signupPath = "/signup/gitlab/complete"
	loginPath  = "/login/gitlab/complete"
)

// ApplicationName is the name under which GitLab's Linux package registered
// Mattermost. Keeping it lets an application of the package be found again.
const ApplicationName = "GitLab Mattermost"

// Application is what GitLab stores about an OAuth client, without its id and
// secret.
type Application struct {
	Name         string   `json:"name"`
	RedirectURIs []string `json:"redirect_uris"` // in order; compared as text
	Scopes       []string `json:"scopes"`        // empty: GitLab falls back to api
	Trusted      bool     `json:"trusted"`       // no consent page
	Confidential bool     `json:"confidential"`  // the secret is required
}

// Desired is the application that a Mattermost at mattermostURL should have:
// both redirect URIs of its normal spelling ([NormalizeURL]), scope read_user
// (the only one Team Edition works with), trusted and confidential, as
// GitLab's documentation of the manual registration asks for.
func Desired(mattermostURL string) (Application, error) {
	base, err := NormalizeURL(mattermostURL)
	if err != nil {
		return Application{}, fmt.Errorf("for Mattermost: %w", err)
	}
	return Application{
		Name:         ApplicationName,
		RedirectURIs: []string{base + signupPath, base + loginPath},
		Scopes:       []string{"read_user"},
		Trusted:      true,
		Confidential: true,
	}, nil
}

// LinuxPackageApplication is the application that GitLab's Linux package made
// until 18.11 for a mattermost_external_url: the exact text of the URL (so a
// trailing slash becomes a doubled one), no scopes, not trusted, confidential.
// Nothing is checked, as the package did not check it here.
func LinuxPackageApplication(externalURL string) Application {
	return Application{
		Name:         ApplicationName,
		RedirectURIs: []string{externalURL + signupPath, externalURL + loginPath},
		Confidential: true,
	}
}

// PluginApplication is the second application, which the GitLab plugin inside
// Mattermost needs: its own redirect URI, scopes api and read_user.
func PluginApplication(mattermostURL string) (Application, error) {
	base, err := NormalizeURL(mattermostURL)
	if err != nil {
		return Application{}, fmt.Errorf("for Mattermost: %w", err)
	}
	return Application{
		Name:         "GitLab plugin of Mattermost",
		RedirectURIs: []string{base + "/plugins/" + PluginID + "/oauth/complete"},
		Scopes:       []string{"api", "read_user"},
		Confidential: true,
	}, nil
}

// RedirectText is the redirect URIs as GitLab stores them: one a line.
func (a Application) RedirectText() string { return strings.Join(a.RedirectURIs, "\n") }

// ScopeText is the scopes as GitLab stores them: separated by one blank.
func (a Application) ScopeText() string { return strings.Join(a.Scopes, " ") }

// SplitRedirectURIs splits a stored redirect_uri. GitLab separates at any
// white space, so the CR LF of old registrations and a blank count as well.
func SplitRedirectURIs(text string) []string { return strings.Fields(text) }

// Check reports what GitLab's model would refuse. The error joins every
// violation.
func (a Application) Check() error {
	var errs []error
	switch {
	case strings.TrimSpace(a.Name) == "":
		errs = append(errs, errors.New("application: the name is empty"))
	case len(a.Name) > 255 || strings.ContainsAny(a.Name, "\r\n\x00"):
		errs = append(errs, errors.New("application: the name must be one line of at most 255 bytes"))
	}
	if len(a.RedirectURIs) == 0 {
		errs = append(errs, errors.New("application: no redirect URI"))
	}
	if len(a.RedirectURIs) > 50 {
		errs = append(errs, errors.New("application: more than 50 redirect URIs"))
	} else {
		for _, uri := range a.RedirectURIs {
			errs = append(errs, CheckRedirectURI(uri))
		}
	}
	errs = append(errs, CheckScopes(a.Scopes))
	return errors.Join(errs...)
}

// SameRedirects reports whether both applications accept the same redirect
// URIs, whatever their order and separators.
func (a Application) SameRedirects(b Application) bool {
	return slices.Equal(sortedSet(a.RedirectURIs), sortedSet(b.RedirectURIs))
}

// IsLinuxPackage reports whether a is as the Linux package left it: its name,
// exactly its two callbacks on one base, and no scopes.
func (a Application) IsLinuxPackage() bool {
	if a.Name != ApplicationName || len(a.Scopes) != 0 || len(a.RedirectURIs) != 2 {
		return false
	}
	base, ok := strings.CutSuffix(a.RedirectURIs[0], signupPath)
	return ok && a.RedirectURIs[1] == base+loginPath
}

func sortedSet(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}
