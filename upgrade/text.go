package upgrade

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gitlab-mattermost/sdk/internal/english"
)

// Render chooses what an output shows.
type Render struct {
	// All also shows the rules that do not concern the installation and
	// remarks of which nothing is known.
	All bool
}

// WriteText writes the journey for a terminal: lines of prose are wrapped at
// 96 columns, commands never. The text is the same for the same journey.
func (j *Journey) WriteText(w io.Writer, r Render) error {
	p := &textWriter{}
	p.line("", fmt.Sprintf("From %s to %s", j.From, j.To))
	p.line("  now:  ", j.Start.String())
	p.line("  then: ", j.End.String())
	if j.On != 0 {
		p.line("  on:   ", j.On.String())
	}
	blockers := j.Blockers()
	p.line("  ", fmt.Sprintf("%s, %s, %s", english.Count(len(j.Steps), "step"), english.Count(len(blockers), "blocker"), english.Count(len(j.Decisions), "decision")))
	p.findings("Blockers: deal with these first", blockers)
	p.findings("Worth knowing", withoutErrors(j.General))
	for _, d := range j.Decisions {
		p.decision(d)
	}
	for i := range j.Steps {
		p.step(&j.Steps[i], r)
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

func withoutErrors(list []Finding) []Finding {
	var rest []Finding
	for _, f := range list {
		if f.Severity != SeverityError {
			rest = append(rest, f)
		}
	}
	return rest
}

// textWriter collects lines.
type textWriter struct{ b strings.Builder }

const textWidth = 96

// line writes prose behind a prefix; further lines are indented as deep, or by
// two behind a long prefix.
func (p *textWriter) line(prefix, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix))
	if len(indent) > 16 {
		indent = strings.Repeat(" ", len(prefix)-len(strings.TrimLeft(prefix, " -"))+2)
	}
	p.b.WriteString(prefix)
	column := utf8.RuneCountInString(prefix)
	for i, word := range strings.Fields(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > textWidth:
			p.b.WriteString("\n" + indent)
			column = len(indent)
		default:
			p.b.WriteByte(' ')
			column++
		}
		p.b.WriteString(word)
		column += width
	}
	p.b.WriteByte('\n')
}

// raw writes a command as it is, indented.
func (p *textWriter) raw(indent, text string) {
	for l := range strings.SplitSeq(text, "\n") {
		p.b.WriteString(strings.TrimRight(indent+l, " ") + "\n")
	}
}

func (p *textWriter) findings(title string, list []Finding) {
	if len(list) == 0 {
		return
	}
	p.b.WriteString("\n" + title + "\n")
	for _, f := range list {
		p.line("  - ", f.ID+" ("+f.Where+"): "+f.Message)
		p.line("    → ", f.Fix)
	}
}

func (p *textWriter) decision(d Decision) {
	p.b.WriteString("\n")
	p.line("", "Decision "+d.ID+" ("+d.state()+"), needed before "+d.Before)
	p.line("  ", d.Question)
	p.line("  ", "Why: "+d.Why)
	for _, o := range d.Options {
		p.line("  "+o.ID+": ", o.Title)
		for _, c := range o.Consequences {
			p.line("    - ", c)
		}
		for _, n := range o.Needs {
			p.line("    needs ", n)
		}
	}
}

func (p *textWriter) step(s *Step, r Render) {
	p.b.WriteString("\n")
	p.line(fmt.Sprintf("%d. ", s.Number), s.Title+" ["+s.ID+"]")
	p.line("   why: ", s.Why)
	if s.From != s.To {
		p.line("   to: ", s.To.String())
	}
	for _, f := range s.Findings {
		p.line("   ! "+f.ID+" ("+f.Severity+"): ", f.Message)
		p.line("     → ", f.Fix)
	}
	p.notes("   rules that concern you", s.Notes, Yes)
	p.notes("   find out whether", s.Notes, "")
	if r.All {
		p.notes("   remarks of which nothing is known", s.Others, "")
		p.notes("   rules that do not concern you", s.Others, No)
	}
	p.checks("   before", s.Before)
	p.commands(s.Commands)
	p.carried(s.Carry)
	p.checks("   after", s.After)
	p.list("   way back", s.Rollback)
	p.list("   downtime", s.Downtime)
}

func (p *textWriter) notes(title string, notes []Note, applies Answer) {
	for _, n := range notes {
		if n.Applies != applies {
			continue
		}
		if title != "" {
			p.b.WriteString(title + "\n")
			title = ""
		}
		p.line("     - "+n.ID+" ("+n.effective()+"): ", n.message())
		p.line("       → ", n.Do)
		for _, text := range n.lines() {
			p.raw("         ", text)
		}
		p.line("       source: ", n.Source)
	}
}

func (p *textWriter) checks(title string, checks []Check) {
	if len(checks) == 0 {
		return
	}
	p.b.WriteString(title + "\n")
	for _, c := range checks {
		p.line("     - ", c.What)
		if c.Command != "" {
			p.raw("         ", c.Command)
		}
		if c.Expect != "" {
			p.line("       expect: ", c.Expect)
		}
	}
}

func (p *textWriter) commands(commands []Command) {
	if len(commands) == 0 {
		return
	}
	p.b.WriteString("   do\n")
	for i, c := range commands {
		note := c.Where
		if c.Kind != "shell" && c.Kind != "text" {
			note += ", " + c.Kind
		}
		if c.Why != "" {
			note += ": " + c.Why
		}
		p.line(fmt.Sprintf("     %d. ", i+1), note)
		p.raw("        ", c.Text)
	}
}

func (p *textWriter) carried(list []Carried) {
	if len(list) == 0 {
		return
	}
	p.b.WriteString("   settings to take along\n")
	for _, c := range list {
		name := c.Setting
		if name == "" {
			name = c.Variable
		}
		p.line("     - "+name+": ", c.Package+" → "+c.Standalone)
		if c.Why != "" {
			p.line("       ", c.Why)
		}
	}
}

func (p *textWriter) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.b.WriteString(title + "\n")
	for _, item := range items {
		p.line("     - ", item)
	}
}
