package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
)

// Host is what must be known of the machine: an explicit value, so that a plan
// for another machine is possible.
type Host struct {
	Hostname string
	FQDN     string // node name, default certificate path
	Lookups  gitlabrb.Lookups

	PostgreSQLRunning    bool // the bundled PostgreSQL is up
	GitLabDatabaseExists bool // and holds GitLab's database
	OAuthRegistered      bool // describe the state after a successful registration in this run
}

// Facts is a Host as data (JSON). Files are the only files that exist (nil:
// exists, content unknown); Commands the only commands whose output gitlab.rb
// may use.
type Facts struct {
	Hostname             string             `json:"hostname"`
	FQDN                 string             `json:"fqdn"`
	Env                  map[string]string  `json:"env"`
	Files                map[string]*string `json:"files"`
	Commands             map[string]string  `json:"commands"`
	PostgreSQLRunning    bool               `json:"postgresql_running"`
	GitLabDatabaseExists bool               `json:"gitlab_database_exists"`
	OAuthRegistered      bool               `json:"oauth_registered"`
}

// ReadFacts reads facts as strict JSON: at most 64 MiB, one object, no unknown
// names.
func ReadFacts(r io.Reader) (Facts, error) {
	data, err := io.ReadAll(io.LimitReader(r, factsMax+1))
	if err != nil {
		return Facts{}, fmt.Errorf("read host facts: %w", err)
	}
	if len(data) > factsMax {
		return Facts{}, fmt.Errorf("read host facts: more than %d bytes", factsMax)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var f Facts
	if err := dec.Decode(&f); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		pos := ""
		switch {
		case errors.As(err, &syntax):
			pos = posAt("", data, syntax.Offset-1).String()
		case errors.As(err, &kind):
			what := fmt.Sprintf("%q must be %s", kind.Field, kind.Type)
			if kind.Field == "" {
				what = "the whole text must be an object"
			}
			return Facts{}, fmt.Errorf("read host facts: %s: %s, not a JSON %s", strings.TrimPrefix(posAt("", data, kind.Offset-1).String(), ":"), what, kind.Value)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return Facts{}, errors.New("read host facts: not valid JSON: the text ends too early")
		}
		if pos != "" {
			return Facts{}, fmt.Errorf("read host facts: %s: not valid JSON: %w", strings.TrimPrefix(pos, ":"), err)
		}
		return Facts{}, fmt.Errorf("read host facts: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return Facts{}, errors.New("read host facts: unexpected text after the JSON object")
	}
	return f, nil
}

// factsMax bounds a facts file.
const factsMax = 64 << 20

// Host returns the machine that the facts describe. Nothing else exists: an
// environment variable, file or command that is not listed is known to be
// missing. The FQDN falls back to the host name.
func (f Facts) Host() Host {
	h := Host{Hostname: f.Hostname, FQDN: f.FQDN, PostgreSQLRunning: f.PostgreSQLRunning,
		GitLabDatabaseExists: f.GitLabDatabaseExists, OAuthRegistered: f.OAuthRegistered}
	if h.FQDN == "" {
		h.FQDN = f.Hostname
	}
	tree := newFileTree(f.Files)
	h.Lookups = gitlabrb.Lookups{
		Env: func(name string) (string, bool) {
			v, ok := f.Env[name]
			return v, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			content, ok := f.Files[clean(path)]
			switch {
			case !ok:
				return nil, fmt.Errorf("read %s: %w", path, fs.ErrNotExist)
			case content == nil:
				return nil, fmt.Errorf("read %s: %w", path, gitlabrb.ErrContentUnknown)
			}
			return []byte(*content), nil
		},
		Exists: func(path string) bool { return tree.exists(clean(path)) },
		Glob:   func(pattern string) []string { return glob(tree.list, pattern) },
		Command: func(command string) (string, bool) {
			out, ok := f.Commands[command]
			return out, ok
		},
		Hostname: func() (string, bool) { return f.Hostname, f.Hostname != "" },
	}
	return h
}
