package oauth

import (
	"fmt"
	"io"
	"strings"
)

// WriteText prints a report for people: each step with its evidence, then each
// cause with its fix.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(printable(fmt.Sprintf(format, args...)) + "\n")
	}
	line("Login from %s through %s", r.Mattermost, r.GitLab)
	line("")
	for i, s := range r.Steps {
		line("%2d  %-13s  %s -> %s: %s", i+1, s.Outcome, s.From, s.To, s.Title)
		for _, e := range s.Evidence {
			line("      %s", e)
		}
		for _, c := range s.Causes {
			line("      %s %s: %s", c.Severity, c.ID, c.Title)
			line("      fix: %s", c.Fix)
		}
	}
	counts := map[Outcome]int{}
	for _, s := range r.Steps {
		counts[s.Outcome]++
	}
	fmt.Fprintf(&b, "\n%d passed, %d failed, %d not decidable\n", counts[Passed], counts[Failed], counts[Undecidable])
	_, err := io.WriteString(w, b.String())
	return err
}

// printable keeps what a server sent from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, s)
}

// actors of the diagram, from left to right.
var actors = [...]string{"Browser", "Mattermost", "GitLab"}

// mark is the sign of an outcome; a passed step with a warning has its own.
func (s ProbeStep) mark() string {
	switch {
	case s.Outcome == Failed:
		return "✗"
	case s.Outcome == Undecidable:
		return "?"
	case len(s.Causes) > 0:
		return "!"
	}
	return "✓"
}

// causeIDs lists the named causes.
func (s ProbeStep) causeIDs() string {
	var ids []string
	for _, c := range s.Causes {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, ", ")
}

// Mermaid gives the login as a sequence diagram, each arrow marked ✓ passed,
// ! passed with a warning, ✗ failed, ? not decidable. GitLab shows it in an
// issue inside a code block of language mermaid.
func (r Report) Mermaid() string {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	for _, a := range actors {
		fmt.Fprintf(&b, "    participant %s\n", a)
	}
	for i, s := range r.Steps {
		arrow := "->>"
		switch s.Outcome {
		case Failed:
			arrow = "-x"
		case Undecidable:
			arrow = "-->>"
		}
		fmt.Fprintf(&b, "    %s%s%s: %d %s %s\n", s.From, arrow, s.To, i+1, s.mark(), mermaidText(s.Title))
		if len(s.Causes) > 0 {
			fmt.Fprintf(&b, "    Note over %s: %s\n", mermaidSpan(s), mermaidText(s.causeIDs()))
		}
	}
	return b.String()
}

func mermaidSpan(s ProbeStep) string {
	if s.From == s.To {
		return s.From
	}
	return s.From + "," + s.To
}

// mermaidText escapes what ends a line or starts an entity in Mermaid.
func mermaidText(s string) string {
	return strings.NewReplacer("#", "#35;", ";", "#59;", "<", "#60;", ">", "#62;", "%%", "% %").Replace(printable(s))
}

// SVG gives the same as a picture that needs nothing from elsewhere: no font,
// no style sheet, no script.
func (r Report) SVG() string {
	const left, gap, top, row = 90, 330, 70, 56
	height := top + row*len(r.Steps) + 30
	x := map[string]int{}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", 2*left+2*gap, height)
	fmt.Fprintf(&b, "<title>Login from %s through %s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", svgText(r.Mattermost), svgText(r.GitLab))
	for i, a := range actors {
		x[a] = left + i*gap
		fmt.Fprintf(&b, "<line x1=\"%[1]d\" y1=\"44\" x2=\"%[1]d\" y2=\"%[2]d\" stroke=\"#999999\" stroke-dasharray=\"4 4\"/>\n", x[a], height-10)
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"30\" text-anchor=\"middle\" font-weight=\"bold\">%s</text>\n", x[a], a)
	}
	for i, s := range r.Steps {
		writeArrow(&b, s, i+1, x[s.From], x[s.To], top+row*i)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// colours of the marks; the sign itself says it without colour.
func colour(mark string) string {
	switch mark {
	case "✗":
		return "#b00020"
	case "!":
		return "#8a5a00"
	case "?":
		return "#666666"
	}
	return "#0a6b2e"
}

func writeArrow(b *strings.Builder, s ProbeStep, number, from, to, y int) {
	mark := s.mark()
	c := colour(mark)
	dash := ""
	if s.Outcome == Undecidable {
		dash = ` stroke-dasharray="6 4"`
	}
	text := fmt.Sprintf("%d %s %s", number, mark, svgText(s.Title))
	middle := (from + to) / 2
	if from == to {
		// A step within one server: a loop to the left, away from the margin.
		fmt.Fprintf(b, "<path d=\"M%d %d h-40 v14 h34\" fill=\"none\" stroke=\"%s\"%s/>\n", from, y+8, c, dash)
		fmt.Fprintf(b, "<path d=\"M%d %d l-8 -4 v8 z\" fill=\"%s\"/>\n", from, y+22, c)
		middle = from - gapText
	} else {
		tip := 8
		if to > from {
			tip = -8
		}
		fmt.Fprintf(b, "<line x1=\"%[1]d\" y1=\"%[2]d\" x2=\"%[3]d\" y2=\"%[2]d\" stroke=\"%[4]s\"%[5]s/>\n", from, y+15, to, c, dash)
		fmt.Fprintf(b, "<path d=\"M%d %d l%d -4 v8 z\" fill=\"%s\"/>\n", to, y+15, tip, c)
	}
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">%s</text>\n", middle, y+4, c, text)
	if len(s.Causes) > 0 {
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"11\" fill=\"%s\">%s</text>\n", middle, y+32, c, svgText(s.causeIDs()))
	}
}

// gapText moves the text of a loop into the free space on its left.
const gapText = 165

func svgText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(printable(s))
}
