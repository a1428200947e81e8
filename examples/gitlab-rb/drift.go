package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const driftUsage = `Usage: gitlab-rb drift -config-json FILE [flags]

Compares Mattermost's config.json with what the package makes of gitlab.rb and
lists what was changed in the System Console, or by hand, and does not count:
"locked" fields are overruled by the environment (GitLab 11.0 to 18.11), "lost"
ones are overwritten by the next reconfigure (before). Mode and owner of the
file are checked as well.

  gitlab-rb drift -config-json /var/opt/gitlab/mattermost/config.json

Flags:
`

func drift(_ context.Context, args []string, s cli.Streams) error {
	var in input
	f := in.flags("drift", driftUsage, s)
	path := f.String("config-json", "", "`file` to compare (needed)")
	if _, err := in.parse(f, args); err != nil {
		return err
	}
	if *path == "" {
		return cli.Usagef("-config-json is needed")
	}
	l, err := in.load()
	if err != nil {
		return err
	}
	c, err := readConfigJSON(*path)
	if err != nil {
		return err
	}
	state, err := fileState(*path)
	if err != nil {
		return err
	}
	items, findings := config.Drift(l.Installation, c), config.CheckConfigFile(l.Installation, state)
	if in.json {
		return cli.WriteJSON(s.Out, map[string]any{"drift": items, "findings": nonNil(findings)})
	}
	var b strings.Builder
	for _, d := range items {
		fmt.Fprintf(&b, "%-6s %s: config.json says %q, gitlab.rb %q (%s)\n", d.Effect, d.Field, d.File, d.Package, orNothing(d.Key))
		if d.Line != "" {
			fmt.Fprintf(&b, "       to keep config.json's: %s\n", d.Line)
		}
	}
	if len(items) == 0 {
		b.WriteString("config.json and gitlab.rb say the same.\n")
	}
	printFindings(&b, findings)
	_, err = io.WriteString(s.Out, b.String())
	return err
}

func orNothing(key string) string {
	if key == "" {
		return "no setting"
	}
	return key
}

func readConfigJSON(path string) (*config.ConfigJSON, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read config.json: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > config.MaxConfigJSON {
		return nil, fmt.Errorf("read config.json %s: want a regular file of at most %d bytes", path, config.MaxConfigJSON)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read config.json: %w", err)
	}
	return config.ParseConfigJSON(path, data)
}

// fileState reads mode and owner.
func fileState(path string) (config.FileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return config.FileState{}, err
	}
	state := config.FileState{Name: path, Mode: info.Mode()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		state.Owner = strconv.Itoa(int(st.Uid))
		u, err := user.LookupId(state.Owner)
		var unknown user.UnknownUserIdError
		if err == nil {
			state.Owner = u.Username
		} else if !errors.As(err, &unknown) {
			return state, fmt.Errorf("look up the owner of %s: %w", path, err)
		}
	}
	return state, nil
}
