package main

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
)

// sourceFormat is the -format flag of commands that read an environment.
func sourceFormat(f *flag.FlagSet) *string {
	return f.String("format", "", "`format` of a file, when its name does not tell: "+formatNames())
}

func formatNames() string {
	var names []string
	for _, f := range envmap.Formats() {
		names = append(names, string(f))
	}
	return english.List(names, "or")
}

// checkSources refuses what cannot be the name or the format of an environment.
func checkSources(format string, names ...string) error {
	if format != "" && !slices.Contains(envmap.Formats(), envmap.Format(format)) {
		return cli.Usagef("-format %q: want %s", format, formatNames())
	}
	for _, name := range names {
		if pid, ok := strings.CutPrefix(name, "pid:"); ok {
			if n, err := strconv.Atoi(pid); err != nil || n <= 0 {
				return cli.Usagef("%.20q: want the number of a process, such as pid:1234", name)
			}
		}
	}
	return nil
}

// source reads an environment. Of a gitlab.rb that sets more than
// mattermost['env'] it is what GitLab's package makes of the whole file.
func source(name, format string, notes io.Writer) (*envmap.Environment, error) {
	if format == string(envmap.FormatRuby) || format == "" && strings.HasSuffix(strings.ToLower(name), ".rb") {
		whole, err := isWhole(name)
		if err != nil {
			return nil, err
		}
		if whole {
			return fromFile(name, notes)
		}
	}
	return envmap.ReadSource(name, envmap.Format(format))
}

// isWhole tells a gitlab.rb from a file that holds mattermost['env'] alone.
func isWhole(name string) (bool, error) {
	data, err := readFile(name)
	if err != nil {
		return false, err
	}
	result, err := gitlabrb.Evaluate(name, data, gitlabrb.Options{Lookups: config.LocalHost("/").Lookups})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(result.Assignments, func(a gitlabrb.Assignment) bool {
		return a.Path[0] != "mattermost" || len(a.Path) < 2 || a.Path[1] != "env"
	}), nil
}

// fromFile is the environment of a whole gitlab.rb. What the package keeps in
// gitlab-secrets.json, or makes up, is left out: it is not in the file.
func fromFile(name string, notes io.Writer) (*envmap.Environment, error) {
	loaded, err := config.Load(config.LoadOptions{GitLabRB: name, Host: config.LocalHost("/"),
		SecretsFile: config.NewSecretsFile(filepath.Base(config.DefaultSecrets))})
	if err != nil {
		return nil, err
	}
	e, left := envmap.New(), []string{}
	for v := range envmap.FromInstallation(loaded.Installation).All() {
		if v.Origin.Kind == config.OriginGenerated {
			left = append(left, v.Name)
			continue
		}
		e.Put(v)
	}
	if !loaded.Installation.Enabled {
		fmt.Fprintf(notes, "note: %s does not switch Mattermost on; shown is what it would get\n", name)
	}
	if len(left) > 0 {
		fmt.Fprintf(notes, "note: %s: without %s, which gitlab-secrets.json holds\n", name, english.List(left, "and"))
	}
	return e, nil
}
