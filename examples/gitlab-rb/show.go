package main

import (
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

const getUsage = `Usage: gitlab-rb get [flags] KEY

Prints the effective value of a setting: what gitlab.rb, the secrets file, the
package's derivations and its defaults make of it. A secret is masked unless
-reveal is given. A value that is not set prints nothing and exits 1.

  gitlab-rb get mattermost.service_site_url
  gitlab-rb get -gitlab-rb ./gitlab.rb -json mattermost.env

Flags:
`

func get(args []string, s cli.Streams) error {
	var in input
	f := in.flags("get", getUsage, s)
	reveal := f.Bool("reveal", false, "print secrets")
	keys, err := parse(f, args, "KEY")
	if err != nil {
		return err
	}
	x, raw, err := explanation(&in, keys[0])
	if err != nil {
		return err
	}
	if x.Undecided != "" {
		return fmt.Errorf("%s: %s cannot be decided without running Ruby: %s", x.Where, x.Key, x.Undecided)
	}
	if !x.Set {
		return fmt.Errorf("%s is not set", x.Key)
	}
	if x.Secret && !*reveal {
		raw = x.Value
	}
	text := config.RubyText(raw)
	if in.json {
		return cli.WriteJSON(s.Out, map[string]any{"key": x.Key, "value": config.JSONValue(raw), "origin": x.Origin})
	}
	_, err = fmt.Fprintln(s.Out, text)
	return err
}

const explainUsage = `Usage: gitlab-rb explain [flags] KEY

Says where the value of a setting comes from, what it overrides and what is
made of it. Secrets are masked.

  gitlab-rb explain MM_SERVICESETTINGS_SITEURL
  gitlab-rb explain -config-json config.json mattermost.team_site_name

Flags:
`

func explain(args []string, s cli.Streams) error {
	var in input
	f := in.flags("explain", explainUsage, s)
	configJSON := f.String("config-json", "", "Mattermost's config.json `file`, to see what it says as well")
	keys, err := parse(f, args, "KEY")
	if err != nil {
		return err
	}
	l, loadErr := in.load()
	if l == nil {
		return loadErr
	}
	ei := config.ExplainInput{Installation: l.Installation, Result: l.Result, Secrets: l.Secrets}
	if *configJSON != "" {
		if ei.ConfigJSON, err = readConfigJSON(*configJSON); err != nil {
			return err
		}
	}
	x, err := config.Explain(ei, keys[0])
	if err != nil {
		return cli.Usagef("%s", err)
	}
	if in.json {
		return cli.WriteJSON(s.Out, x)
	}
	return printExplanation(s.Out, x)
}

func printExplanation(w io.Writer, x config.Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s = %s\n", x.Key, x.Value)
	fmt.Fprintf(&b, "  from       %s\n", x.Origin)
	if x.Undecided != "" {
		fmt.Fprintf(&b, "  undecided  %s\n", x.Undecided)
	}
	for _, o := range x.Overrides {
		fmt.Fprintf(&b, "  overrides  %s\n", o)
	}
	for _, o := range x.Feeds {
		fmt.Fprintf(&b, "  feeds      %s\n", o)
	}
	if st := x.State; st != nil {
		fmt.Fprintf(&b, "  GitLab %s: %s", st.Version, st.Does)
		if st.Since != "" {
			fmt.Fprintf(&b, ", known %s to %s", st.Since, st.Until)
		}
		b.WriteString("\n")
		for _, text := range []string{st.Note, st.Message} {
			if text != "" {
				fmt.Fprintf(&b, "             %s\n", text)
			}
		}
	}
	for _, f := range x.Findings {
		fmt.Fprintf(&b, "  %-10s %s: %s\n             fix: %s\n", f.Severity, f.ID, f.Message, f.Fix)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explanation explains a key and returns its value as well.
func explanation(in *input, key string) (config.Explanation, any, error) {
	l, loadErr := in.load()
	if l == nil {
		return config.Explanation{}, nil, loadErr
	}
	x, raw, err := config.ExplainValue(config.ExplainInput{Installation: l.Installation, Result: l.Result, Secrets: l.Secrets}, key)
	if err != nil {
		return x, nil, cli.Usagef("%s", err)
	}
	return x, raw, nil
}

const driftUsage = `Usage: gitlab-rb drift -config-json FILE [flags]

Compares Mattermost's config.json with what the package makes of gitlab.rb and
lists what was changed in the System Console, or by hand, and does not count:
"locked" fields are overruled by the environment (GitLab 11.0 to 18.11), "lost"
ones are overwritten by the next reconfigure (before). Mode and owner of the
file are checked as well.

  gitlab-rb drift -config-json /var/opt/gitlab/mattermost/config.json

Flags:
`

func drift(args []string, s cli.Streams) error {
	var in input
	f := in.flags("drift", driftUsage, s)
	path := f.String("config-json", "", "`file` to compare (needed)")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *path == "" {
		return cli.Usagef("drift: -config-json is needed")
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
