package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/upgrade"
)

// inputs are the flags that say what is known of an installation.
type inputs struct {
	facts, configJSON string
	gitlabRB, secrets string
	choices           upgrade.Choices
	on                *dateValue
}

func inputFlags(f *flag.FlagSet) *inputs {
	in := &inputs{on: dateFlag(f)}
	f.StringVar(&in.facts, "facts", "", "`FILE` of facts as JSON: users, sso_users, posts, database_bytes, uses, choices, …")
	f.StringVar(&in.configJSON, "config-json", "", "Mattermost's config.json, `FILE`")
	f.StringVar(&in.gitlabRB, "gitlab-rb", "", "gitlab.rb, `FILE`; it is read, never executed")
	f.StringVar(&in.secrets, "secrets", "", "gitlab-secrets.json, `FILE`: tells whether GitLab login is on and whether old secrets are left; no value is shown")
	f.StringVar(&in.choices.Login, "login", "", "decision: email, entry, licence or stay (how people log in from Mattermost 11 on)")
	f.StringVar(&in.choices.Leave, "leave", "", "decision: before or after (leave the package around GitLab 19)")
	f.StringVar(&in.choices.Route, "route", "", "decision: leave-now or gitlab-first")
	f.StringVar(&in.choices.Database, "database", "", "decision: move or keep (the database when leaving)")
	return in
}

// dateValue is a flag that reads a day; today when it is not given.
type dateValue struct{ date upgrade.Date }

func dateFlag(f *flag.FlagSet) *dateValue {
	v := &dateValue{date: upgrade.DateOf(time.Now())}
	f.Func("date", "judge support for this `DAY`, like 2026-08-15 (default today)", func(text string) (err error) {
		v.date, err = upgrade.ParseDate(text)
		return err
	})
	return v
}

// read parses the two ends and gathers the facts from the given files. What
// could not be known goes to notes.
func (in *inputs) read(fromText, toText string, notes io.Writer) (from, to upgrade.Point, facts upgrade.Facts, err error) {
	if from, err = upgrade.ParsePoint(fromText); err != nil {
		return from, to, facts, cli.Usagef("FROM: %v", err)
	}
	if to, err = upgrade.ParsePoint(toText); err != nil {
		return from, to, facts, cli.Usagef("TO: %v", err)
	}
	if in.secrets != "" && in.gitlabRB == "" {
		return from, to, facts, cli.Usagef("-secrets goes with -gitlab-rb")
	}
	if err := (upgrade.Facts{Choices: in.choices}).Validate(); err != nil {
		return from, to, facts, cli.Usagef("%s", strings.ReplaceAll(err.Error(), "facts: choice ", "-"))
	}
	if facts, err = in.gather(from.GitLab, notes); err != nil {
		return from, to, facts, err
	}
	return from, to, facts, nil
}

func (in *inputs) gather(gitlab upgrade.Version, notes io.Writer) (upgrade.Facts, error) {
	var facts upgrade.Facts
	if in.facts != "" {
		f, err := os.Open(in.facts)
		if err != nil {
			return facts, err
		}
		facts, err = upgrade.ReadFacts(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return facts, fmt.Errorf("%s: %w", in.facts, err)
		}
	}
	var raw []byte
	if in.configJSON != "" {
		var err error
		if raw, err = readLimited(in.configJSON); err != nil {
			return facts, err
		}
		if facts.Settings, facts.SecretLengths, err = upgrade.SettingsFromConfig(raw); err != nil {
			return facts, fmt.Errorf("%s: %w", in.configJSON, err)
		}
	}
	if in.configJSON != "" && in.gitlabRB == "" && !gitlab.IsZero() && gitlab.AtLeast(upgrade.Version{Major: 11}) {
		facts.DropPackageSettings() // a bundle has them in its environment only
	}
	if in.gitlabRB != "" {
		if err := addGitLabRB(&facts, in.gitlabRB, in.secrets, gitlab, raw, notes); err != nil {
			return facts, err
		}
	}
	override(&facts.Choices.Login, in.choices.Login)
	override(&facts.Choices.Leave, in.choices.Leave)
	override(&facts.Choices.Route, in.choices.Route)
	override(&facts.Choices.Database, in.choices.Database)
	return facts, nil
}

func override(value *string, flag string) {
	if flag != "" {
		*value = flag
	}
}

// readLimited reads a file of at most 8 MiB.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	const limit = 8 << 20
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(raw) > limit {
		return nil, fmt.Errorf("read %s: more than %d bytes", path, limit)
	}
	return raw, nil
}
