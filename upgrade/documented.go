package upgrade

import "fmt"

// Contradiction is a row of GitLab's documentation that its own tags refute.
type Contradiction struct {
	GitLab     Version `json:"gitlab"`     // line
	Documented Version `json:"documented"` // Mattermost line, as the page says
	First      Release `json:"first"`      // what the line's .0 really carried
	From       Version `json:"from"`       // first GitLab release that really carries the documented one
}

// Contradictions returns the rows of GitLab's version tables that the tags
// refute. All other rows agree with the table of this package.
func Contradictions() []Contradiction {
	first, _ := Lookup(patch(17, 9, 0))
	return []Contradiction{{GitLab: line(17, 9), Documented: line(10, 4), First: first, From: patch(17, 10, 0)}}
}

// Findings returns what is worth knowing about a bundle on a day: a
// contradicting row of the documentation, a downgrade of Mattermost at the
// line's lower or upper boundary, and whether the Mattermost still gets fixes
// (not judged when the day is zero).
func (b Bundle) Findings(on Date) []Finding {
	var list []Finding
	where := "GitLab " + b.Asked.String()
	for _, c := range Contradictions() {
		if c.GitLab == b.Asked.Line() {
			list = append(list, Finding{ID: "table.documentation", Severity: SeverityInfo, Where: where,
				Message: fmt.Sprintf("GitLab's documentation says %s carries Mattermost %s; the package carries %s, and %s first ships in %s",
					c.GitLab, c.Documented, c.First.Mattermost, c.Documented, c.From),
				Fix: "believe the package"})
		}
	}
	for _, d := range Downgrades() {
		if d.From.GitLab.Line() != b.Asked.Line() && d.To.GitLab.Line() != b.Asked.Line() {
			continue
		}
		f := Finding{ID: "table.downgrade", Severity: SeverityWarning, Where: where,
			Message: fmt.Sprintf("GitLab %s carries Mattermost %s, but %s only %s: going up there is a downgrade of Mattermost",
				d.From.GitLab, d.From.Mattermost, d.To.GitLab, d.To.Mattermost),
			Fix: "no release of " + d.To.GitLab.Line().String() + " is new enough: choose a later line"}
		if !d.Safe.IsZero() {
			f.Fix = "take " + d.Safe.String() + " or a later patch of that line"
		}
		list = append(list, f)
	}
	return append(list, supportFinding(b.Last.Mattermost, on, where)...)
}
