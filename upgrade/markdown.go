package upgrade

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the journey for a change ticket: a Mermaid timeline, a
// table of the states, and every step as a list of boxes to tick. The text is
// the same for the same journey.
func (j *Journey) WriteMarkdown(w io.Writer, r Render) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# From %s to %s\n\n", j.From, j.To)
	fmt.Fprintf(&b, "- now: %s\n- then: %s\n", j.Start, j.End)
	if j.On != 0 {
		fmt.Fprintf(&b, "- judged for: %s\n", j.On)
	}
	j.timeline(&b)
	j.states(&b)
	markdownFindings(&b, "Blockers", j.Blockers())
	markdownFindings(&b, "Worth knowing", withoutErrors(j.General))
	for _, d := range j.Decisions {
		markdownDecision(&b, d)
	}
	for i := range j.Steps {
		markdownStep(&b, &j.Steps[i], r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// timeline writes the Mermaid diagram. A colon separates fields there, so it
// may not occur in a text.
func (j *Journey) timeline(b *strings.Builder) {
	plain := func(s string) string { return strings.NewReplacer(":", " ", "#", " ", ";", ",").Replace(s) }
	fmt.Fprintf(b, "\n```mermaid\ntimeline\n    title %s\n", plain(fmt.Sprintf("From %s to %s", j.From, j.To)))
	fmt.Fprintf(b, "    now : %s\n", plain(j.Start.String()))
	for _, s := range j.Steps {
		fmt.Fprintf(b, "    %d %s : %s", s.Number, plain(s.ID), plain(s.Title))
		if s.From != s.To {
			fmt.Fprintf(b, " : %s", plain(s.To.String()))
		}
		b.WriteString("\n")
	}
	b.WriteString("```\n")
}

// states writes one row for each step with what it moves.
func (j *Journey) states(b *strings.Builder) {
	b.WriteString("\n| # | step | GitLab | Mattermost | PostgreSQL | down |\n|---|---|---|---|---|---|\n")
	for _, s := range j.Steps {
		down := "-"
		if len(s.Downtime) > 0 {
			down = s.Downtime[0]
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s |\n", s.Number, cell(s.ID),
			moved(s.From.GitLab, s.To.GitLab), moved(s.From.Mattermost, s.To.Mattermost), cell(s.To.PostgreSQL), cell(down))
	}
}

func moved(from, to Version) string {
	text := func(v Version) string {
		if v.IsZero() {
			return "-"
		}
		return v.String()
	}
	if from == to {
		return text(to)
	}
	return text(from) + " → " + text(to)
}

// cell makes a text safe inside a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}

func markdownFindings(b *strings.Builder, title string, list []Finding) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, f := range list {
		fmt.Fprintf(b, "- [ ] **%s** (%s): %s\n  → %s\n", f.ID, f.Where, f.Message, f.Fix)
	}
}

func markdownDecision(b *strings.Builder, d Decision) {
	fmt.Fprintf(b, "\n## Decision: %s\n\n%s\n\nNeeded before `%s`, %s.\n", d.Question, d.Why, d.Before, d.state())
	for _, o := range d.Options {
		fmt.Fprintf(b, "\n- [%s] **%s**: %s\n", tick(o.ID == d.Chosen), o.ID, o.Title)
		for _, c := range o.Consequences {
			fmt.Fprintf(b, "  - %s\n", c)
		}
		if len(o.Needs) > 0 {
			fmt.Fprintf(b, "  - needs: %s\n", strings.Join(o.Needs, "; "))
		}
	}
}

func tick(yes bool) string {
	if yes {
		return "x"
	}
	return " "
}

func markdownStep(b *strings.Builder, s *Step, r Render) {
	fmt.Fprintf(b, "\n## %d. %s\n\n%s\n\n%s → %s\n", s.Number, s.Title, s.Why, s.From, s.To)
	for _, f := range s.Findings {
		fmt.Fprintf(b, "\n> **%s** (%s): %s → %s\n", f.ID, f.Severity, f.Message, f.Fix)
	}
	notes := s.Notes
	if r.All {
		notes = append(append([]Note(nil), notes...), s.Others...)
	}
	markdownNotes(b, notes)
	markdownChecks(b, "Before", s.Before)
	markdownCommands(b, s.Commands)
	if len(s.Carry) > 0 {
		b.WriteString("\n| setting | variable of the package | in the package | outside | why |\n|---|---|---|---|---|\n")
		for _, c := range s.Carry {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(c.Setting), cell(c.Variable), cell(c.Package), cell(c.Standalone), cell(c.Why))
		}
	}
	markdownChecks(b, "After", s.After)
	markdownList(b, "Way back", s.Rollback)
	markdownList(b, "Downtime", s.Downtime)
}

func markdownNotes(b *strings.Builder, notes []Note) {
	if len(notes) == 0 {
		return
	}
	b.WriteString("\n**Rules**\n\n")
	for _, n := range notes {
		mark := n.effective()
		switch n.Applies {
		case No:
			mark = "does not concern you"
		case "":
			mark += ", find out"
		}
		fmt.Fprintf(b, "- [ ] **%s** (%s): %s\n  → %s (%s)\n", n.ID, mark, n.message(), n.Do, n.Source)
		if lines := n.lines(); len(lines) > 0 {
			fmt.Fprintf(b, "\n  ```\n  %s\n  ```\n\n", strings.Join(lines, "\n  "))
		}
	}
}

func markdownChecks(b *strings.Builder, title string, checks []Check) {
	if len(checks) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", title)
	for _, c := range checks {
		fmt.Fprintf(b, "- [ ] %s", c.What)
		if c.Expect != "" {
			fmt.Fprintf(b, " (expect: %s)", c.Expect)
		}
		b.WriteString("\n")
		if c.Command != "" {
			fmt.Fprintf(b, "\n  ```sh\n  %s\n  ```\n\n", c.Command)
		}
	}
}

func markdownCommands(b *strings.Builder, commands []Command) {
	if len(commands) == 0 {
		return
	}
	b.WriteString("\n**Do**\n\n")
	for i, c := range commands {
		why := c.Why
		if why != "" {
			why = ": " + why
		}
		if c.Kind == "text" && !strings.Contains(c.Text, "\n") {
			fmt.Fprintf(b, "%d. [ ] %s, %s%s\n", i+1, c.Where, c.Text, why)
			continue
		}
		language := map[string]string{"shell": "sh", "sql": "sql", "setting": "ruby", "text": ""}[c.Kind]
		fmt.Fprintf(b, "%d. [ ] %s%s\n\n   ```%s\n   %s\n   ```\n\n", i+1, c.Where, why, language, strings.ReplaceAll(c.Text, "\n", "\n   "))
	}
}

func markdownList(b *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", title)
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", item)
	}
}
