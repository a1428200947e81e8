package upgrade_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/golden"
	"github.com/gitlab-mattermost/sdk/upgrade"
)

// request reads the section "request": one "key value" a line (from, to, on).
func request(c *golden.Case) (from, to upgrade.Point, on upgrade.Date) {
	text, ok := c.Section("request")
	if !ok {
		c.Fatal("no section request")
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "from":
			from = point(c, value)
		case "to":
			to = point(c, value)
		case "on":
			on = date(c, value)
		default:
			c.Fatalf("request: unknown line %q", line)
		}
	}
	return from, to, on
}

func facts(c *golden.Case) upgrade.Facts {
	text, ok := c.Section("facts.json")
	if !ok {
		return upgrade.Facts{}
	}
	f, err := upgrade.ReadFacts(strings.NewReader(text))
	if err != nil {
		c.Fatal(err)
	}
	return f
}

// outline is the short form of a plan: states, steps, and what each rule says.
func outline(j *upgrade.Journey) string {
	var b strings.Builder
	fmt.Fprintf(&b, "start: %s\nend:   %s\n", j.Start, j.End)
	for _, f := range j.General {
		fmt.Fprintf(&b, "general: %s %s\n", f.ID, f.Severity)
	}
	for _, d := range j.Decisions {
		fmt.Fprintf(&b, "decision: %s chosen=%q assumed=%v open=%v before %s\n", d.ID, d.Chosen, d.Assumed, d.Open, d.Before)
	}
	for _, s := range j.Steps {
		fmt.Fprintf(&b, "%d. %s: %s\n", s.Number, s.ID, s.Title)
		if s.From != s.To {
			fmt.Fprintf(&b, "   -> %s\n", s.To)
		}
		fmt.Fprintf(&b, "   why: %s\n", s.Why)
		for _, f := range s.Findings {
			fmt.Fprintf(&b, "   ! %s %s: %s\n", f.ID, f.Severity, f.Message)
		}
		for _, n := range s.Notes {
			fmt.Fprintf(&b, "   %s %s applies=%q\n", n.ID, n.Severity, n.Applies)
		}
		for _, d := range s.Downtime {
			fmt.Fprintf(&b, "   downtime: %s\n", d)
		}
	}
	for _, f := range j.Blockers() {
		fmt.Fprintf(&b, "BLOCKER: %s at %s\n", f.ID, f.Where)
	}
	return b.String()
}

// Each case is one journey. "outline" is always compared; the sections text,
// markdown, json and eligible where a case has them.
func TestJourneys(t *testing.T) {
	golden.Run(t, "testdata/journeys/*.txtar", func(c *golden.Case) {
		from, to, on := request(c)
		f := facts(c)
		j, err := upgrade.Plan(from, to, f, on)
		if err != nil {
			c.Want("error", err.Error())
			return
		}
		c.Want("outline", outline(j))
		var b bytes.Buffer
		if _, ok := c.Section("text"); ok {
			if err := j.WriteText(&b, upgrade.Render{}); err != nil {
				c.Fatal(err)
			}
			c.Want("text", b.String())
		}
		if _, ok := c.Section("markdown"); ok {
			b.Reset()
			if err := j.WriteMarkdown(&b, upgrade.Render{}); err != nil {
				c.Fatal(err)
			}
			c.Want("markdown", b.String())
		}
		if _, ok := c.Section("json"); ok {
			raw, err := json.MarshalIndent(j.WithoutOthers(), "", " ")
			if err != nil {
				c.Fatal(err)
			}
			c.Want("json", string(raw))
		}
		if _, ok := c.Section("eligible"); ok {
			e, err := upgrade.Eligible(from, to, f, on)
			if err != nil {
				c.Fatal(err)
			}
			raw, err := json.MarshalIndent(e, "", " ")
			if err != nil {
				c.Fatal(err)
			}
			c.Want("eligible", string(raw))
		}
	})
}
