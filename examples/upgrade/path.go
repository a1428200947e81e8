package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/upgrade"
)

const pathUsage = `upgrade path FROM TO [files and choices]

Prints the steps from FROM to TO: what each moves, what to check before and
after, commands, the way back, and every rule on the way that concerns this
installation, as far as the given files tell.

FROM and TO are a GitLab release ("17.6.1", "18.11"), a Mattermost outside the
package ("standalone:11.7"), or both ("19.3,standalone:11.7").

  $ upgrade path 13.12.4 17.6
  $ upgrade path 17.6.1 standalone:11.7 -config-json config.json -login email

`

const leaveUsage = `upgrade leave FROM [TO] [files and choices]

Prints the steps that take Mattermost out of the package of GitLab FROM to a
server of its own, at the recommended release or at Mattermost TO. From GitLab
19 on, -facts says which Mattermost ran last: {"mattermost": "10.11.20"}.

  $ upgrade leave 18.11.3 -gitlab-rb /etc/gitlab/gitlab.rb -login entry

`

const checkUsage = `upgrade check FROM TO [files and choices]

Says whether the way from FROM to TO is open for this installation, or which
settings are in the way. Exit code 3 when something blocks.

  $ upgrade check 10.8.7 11.0 -gitlab-rb /etc/gitlab/gitlab.rb

`

func runPath(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("upgrade path", pathUsage, s)
	in, out := inputFlags(f), outputFlags(f)
	words, err := cli.Arguments(f, args, "FROM", "TO")
	if err == nil {
		err = cli.Exclusive(f, "json", "markdown")
	}
	if err != nil {
		return err
	}
	return plan(words[0], words[1], in, out, s)
}

func runLeave(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("upgrade leave", leaveUsage, s)
	in, out := inputFlags(f), outputFlags(f)
	words, err := cli.Arguments(f, args, "FROM", "[TO]")
	if err == nil {
		err = cli.Exclusive(f, "json", "markdown")
	}
	if err != nil {
		return err
	}
	to := "standalone"
	if len(words) == 2 {
		to += ":" + words[1]
	}
	return plan(words[0], to, in, out, s)
}

// outputs are the flags that choose the form of a plan.
type outputs struct{ json, markdown, all *bool }

func outputFlags(f *flag.FlagSet) outputs {
	return outputs{
		json:     f.Bool("json", false, "print JSON"),
		markdown: f.Bool("markdown", false, "print Markdown for a change ticket, with a Mermaid timeline"),
		all:      f.Bool("all", false, "also show rules that do not concern this installation"),
	}
}

func plan(fromText, toText string, in *inputs, out outputs, s cli.Streams) error {
	from, to, facts, err := in.read(fromText, toText, s.Err)
	if err != nil {
		return err
	}
	j, err := upgrade.Plan(from, to, facts, in.on.date)
	if err != nil {
		return err
	}
	switch {
	case *out.json:
		shown := j
		if !*out.all {
			shown = j.WithoutOthers()
		}
		return cli.WriteJSON(s.Out, struct {
			*upgrade.Journey
			Findings []upgrade.Finding `json:"findings"` // everything, ready to print
		}{shown, j.Findings()})
	case *out.markdown:
		return j.WriteMarkdown(s.Out, upgrade.Render{All: *out.all})
	}
	return j.WriteText(s.Out, upgrade.Render{All: *out.all})
}

func runCheck(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("upgrade check", checkUsage, s)
	in := inputFlags(f)
	asJSON := f.Bool("json", false, "print JSON")
	words, err := cli.Arguments(f, args, "FROM", "TO")
	if err != nil {
		return err
	}
	from, to, facts, err := in.read(words[0], words[1], s.Err)
	if err != nil {
		return err
	}
	e, err := upgrade.Eligible(from, to, facts, in.on.date)
	if err != nil {
		return err
	}
	if *asJSON {
		err = cli.WriteJSON(s.Out, e)
	} else {
		err = printEligibility(s, e)
	}
	if err == nil && e.Possible == upgrade.No {
		return cli.ErrFindings
	}
	return err
}

func printEligibility(s cli.Streams, e *upgrade.Eligibility) error {
	verdict := map[upgrade.Answer]string{
		upgrade.Yes: "open: nothing blocks",
		upgrade.No:  "blocked",
		"":          "open as far as is known",
	}[e.Possible]
	if _, err := fmt.Fprintf(s.Out, "The way from %s to %s is %s.\n", e.From, e.To, verdict); err != nil {
		return err
	}
	if err := printFindings(s.Out, e.Because); err != nil {
		return err
	}
	for _, m := range e.Missing {
		if _, err := fmt.Fprintf(s.Out, "not given: %s\n", m); err != nil {
			return err
		}
	}
	return nil
}
