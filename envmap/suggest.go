package envmap

import (
	"strings"

	"github.com/gitlab-mattermost/sdk/internal/spelling"
)

// Nearest returns the variable of a setting that a version of Mattermost has
// and that differs from name by few letters, so that a misspelt one can be
// answered with it: MM_SERVICESETTINGS_SITEUR with MM_SERVICESETTINGS_SITEURL.
func Nearest(name string, version Version) (variable string, ok bool) {
	return nearest(name, placeOf(version))
}

// nearest returns the variable of a setting that exists at a place and differs
// from a name by few letters: at most a quarter of them, and at most six.
func nearest(name string, p place) (string, bool) {
	name = strings.ToUpper(name)
	if len(name) > 120 {
		return "", false
	}
	limit := min(6, len(name)/4)
	best, found := "", false
	for s := range Settings() {
		if limit < 0 || s.at(p) != Present || max(len(s.Path)+3-len(name), len(name)-len(s.Path)-3) > limit {
			continue
		}
		env := s.Env()
		if d := spelling.Distance(name, env, limit); d <= limit {
			best, found, limit = env, true, d-1
		}
	}
	return best, found
}
