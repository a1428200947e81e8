package config

import (
	"errors"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// OmnibusVariable is the environment variable in which GitLab's container
// image takes settings.
const OmnibusVariable = "GITLAB_OMNIBUS_CONFIG"

// evaluateContainer evaluates the text of GITLAB_OMNIBUS_CONFIG and then
// gitlab.rb, as the container image does: what the file sets wins over the
// variable. Places in the variable carry its name as their file.
func evaluateContainer(omnibus, name string, source []byte, o gitlabrb.Options) (*gitlabrb.Result, error) {
	readFile := o.Lookups.ReadFile
	o.Lookups.ReadFile = func(path string) ([]byte, error) {
		switch {
		case path == name:
			return source, nil
		case readFile == nil:
			return nil, gitlabrb.ErrContentUnknown
		}
		return readFile(path)
	}
	text := "eval " + rubyQuote(omnibus) + "\nfrom_file " + rubyQuote(name) + "\n"
	result, err := gitlabrb.Evaluate(OmnibusVariable, []byte(text), o)
	if result != nil {
		for i := range result.Assignments {
			renameEval(&result.Assignments[i].Pos)
		}
		for i := range result.Undecided {
			renameEval(&result.Undecided[i].Pos)
		}
		for i := range result.Findings {
			renameEval(&result.Findings[i].Pos)
		}
	}
	var list gitlabrb.ErrorList
	if errors.As(err, &list) {
		for _, e := range list {
			renameEval(&e.Pos)
		}
	}
	return result, err
}

// renameEval turns "(eval at GITLAB_OMNIBUS_CONFIG:1:1)" into the variable.
func renameEval(p *gitlabrb.Pos) {
	if strings.HasPrefix(p.File, "(eval at "+OmnibusVariable) {
		p.File = OmnibusVariable
	}
}
