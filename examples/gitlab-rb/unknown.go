package main

import (
	"errors"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/spelling"
)

// unknown says that no GitLab ever knew a setting, and which one may be meant;
// "" for a known one. Of the hashes of other services only the name is known.
func unknown(path []string, version string) string {
	switch {
	case len(path) > 1 && (path[0] == "mattermost" || path[0] == "mattermost_nginx"):
		if path[0] == "mattermost" && path[1] == "env" {
			return unknownVariable(path[2:])
		}
		return unknownKey(path, version)
	default:
		return unknownName(path[0], version)
	}
}

func unknownKey(path []string, version string) string {
	state, err := config.KeyAt(version, path[0], path[1])
	if err != nil || state.Known {
		return ""
	}
	text := "no GitLab ever knew it"
	near, ok := spelling.Nearest(path[1], func(yield func(string) bool) {
		for _, row := range config.Catalogue() {
			if row.Hash == path[0] && !yield(row.Key) {
				return
			}
		}
	})
	if ok {
		text += "; did you mean " + gitlabrb.PathText(path[0], near) + "?"
	}
	return text
}

// unknownVariable looks at what stands behind mattermost['env'].
func unknownVariable(rest []string) string {
	if len(rest) != 1 || !strings.HasPrefix(rest[0], "MM_") {
		return ""
	}
	if _, err := envmap.Explain(rest[0], envmap.NewestVersion()); err == nil {
		return ""
	}
	text := "no Mattermost ever knew it"
	if near, ok := envmap.Nearest(rest[0], envmap.NewestVersion()); ok {
		text += "; did you mean " + near + "?"
	}
	return text
}

// unknownName asks the evaluation, which refuses a name that GitLab does not
// know.
func unknownName(name, version string) string {
	_, err := gitlabrb.Evaluate("", []byte(name+"['x']\n"), gitlabrb.Options{GitLabVersion: version})
	var e *gitlabrb.Error
	if !errors.As(err, &e) {
		return ""
	}
	text, ok := strings.CutPrefix(e.Message, "reads the unknown setting ")
	if !ok {
		return "" // a name that is a word of Ruby
	}
	return "there is no setting " + text
}
