package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const getUsage = `Usage: gitlab-rb get [flags] KEY

Prints the effective value of a setting: what gitlab.rb, the secrets file, the
package's derivations and its defaults make of it. A secret is masked unless
-reveal is given. A value that is not set, or that cannot be known without
running Ruby, prints nothing and exits 1 with the reason; a key that is not set
and that nobody knows exits 2 with the nearest one.

  gitlab-rb get mattermost.service_site_url
  gitlab-rb get -gitlab-rb ./gitlab.rb -json mattermost.env

Flags:
`

func get(_ context.Context, args []string, s cli.Streams) error {
	var in input
	f := in.flags("get", getUsage, s)
	reveal := f.Bool("reveal", false, "print secrets")
	keys, err := in.parse(f, args, "KEY")
	if err != nil {
		return err
	}
	l, loadErr, err := in.loadFor(keys[0])
	if err != nil {
		return err
	}
	x, raw, err := config.ExplainValue(config.ExplainInput{Installation: l.Installation, Result: l.Result, Secrets: l.Secrets}, keys[0])
	switch {
	case err != nil:
		return cli.Usagef("%s", err)
	case x.Undecided != "":
		return fmt.Errorf("%s: %s cannot be decided without running Ruby: %s", x.Where, x.Key, x.Undecided)
	case !x.Set:
		return fmt.Errorf("%s is not set%s", x.Key, whyNot(l, loadErr, keys[0]))
	}
	warnBroken(s.Err, l, loadErr)
	if x.Secret && !*reveal {
		raw = x.Value
	}
	if in.json {
		return cli.WriteJSON(s.Out, map[string]any{"key": x.Key, "value": config.JSONValue(raw), "origin": x.Origin})
	}
	_, err = fmt.Fprintln(s.Out, config.RubyText(raw))
	return err
}

const explainUsage = `Usage: gitlab-rb explain [flags] KEY

Says where the value of a setting comes from, what it overrides and what is
made of it. Secrets are masked. A key that is not set and that nobody knows
exits 2 with the nearest one.

  gitlab-rb explain MM_SERVICESETTINGS_SITEURL
  gitlab-rb explain -config-json config.json mattermost.team_site_name

Flags:
`

func explain(_ context.Context, args []string, s cli.Streams) error {
	var in input
	f := in.flags("explain", explainUsage, s)
	configJSON := f.String("config-json", "", "Mattermost's config.json `file`, to see what it says as well")
	keys, err := in.parse(f, args, "KEY")
	if err != nil {
		return err
	}
	l, loadErr, err := in.loadFor(keys[0])
	if err != nil {
		return err
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
	warnBroken(s.Err, l, loadErr)
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

// loadFor loads what says something about one key. Errors in the settings are
// returned apart: the key may have its value all the same. It fails when the
// evaluation was stopped, as any later line may set the key, and when nobody
// knows the key and no file sets it.
func (in *input) loadFor(key string) (l *config.Loaded, loadErr, err error) {
	path, err := config.ParseKey(key)
	if err != nil {
		return nil, nil, cli.Usagef("%s", err)
	}
	l, loadErr = in.load()
	if l == nil {
		return nil, nil, loadErr
	}
	if errors.Is(loadErr, gitlabrb.ErrUnsupported) {
		return nil, nil, fmt.Errorf("%s is not known: %w", gitlabrb.PathText(path...), loadErr)
	}
	if _, set := l.Result.Lookup(path...); !set {
		if text := unknown(path, in.version); text != "" {
			return nil, nil, cli.Usagef("%s is not set, and %s", gitlabrb.PathText(path...), text)
		}
	}
	return l, loadErr, nil
}

// whyNot says why a setting is not set, if there is more of a reason than that
// nothing sets it.
func whyNot(l *config.Loaded, loadErr error, key string) string {
	if errs := broken(l, loadErr); errs != "" {
		return "; an error, which stops GitLab's reconfigure, may be why:" + errs
	}
	path, err := config.ParseKey(key)
	if err != nil {
		return ""
	}
	if v, set := l.Result.Lookup(path...); set && v == nil {
		at, _ := l.Result.Pos(path...)
		return fmt.Sprintf(": %s makes it nil, which stands for the default", at)
	}
	return ""
}

// warnBroken says that a value may not be what its author meant.
func warnBroken(w io.Writer, l *config.Loaded, loadErr error) {
	if errs := broken(l, loadErr); errs != "" {
		fmt.Fprintf(w, "warning: an error stops GitLab's reconfigure and may hide another value:%s\n", errs)
	}
}

// broken lists the errors of a load, each on a line of its own, without those
// that only say that a setting is undecided.
func broken(l *config.Loaded, loadErr error) string {
	text := ""
	var list gitlabrb.ErrorList
	errors.As(loadErr, &list)
	for _, e := range list {
		if !slices.ContainsFunc(l.Result.Undecided, func(u gitlabrb.UndecidedSetting) bool { return u.Pos == e.Pos }) {
			text += "\n  " + e.Error()
		}
	}
	return text
}
