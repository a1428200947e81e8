package upgrade

import "fmt"

// Support is how long a Mattermost line gets fixes.
type Support struct {
	Line   Version `json:"line"`
	Newest Version `json:"newest,omitzero"` // newest patch known; zero when not recorded
	ESR    bool    `json:"esr"`             // an extended support release
	Ends   Date    `json:"ends"`            // last day of support
}

// supportTable follows Mattermost's release policy page and its server
// releases page, both of 2026-08-21; older ESRs by their own announcements.
// The end of 5.37 is not recorded exactly: the date is the latest possible one,
// the end of 6.3. Newest is given where a plan may land.
var supportTable = [...]Support{
	{Line: line(5, 19), ESR: true, Ends: day(2020, 10, 15)},
	{Line: line(5, 25), ESR: true, Ends: day(2021, 4, 16)},
	{Line: line(5, 31), ESR: true, Ends: day(2021, 10, 15)},
	{Line: line(5, 37), Newest: patch(5, 37, 10), ESR: true, Ends: day(2022, 10, 15)},
	{Line: line(6, 3), Newest: patch(6, 3, 10), ESR: true, Ends: day(2022, 10, 15)},
	{Line: line(7, 0), Ends: day(2022, 9, 15)},
	{Line: line(7, 1), Newest: patch(7, 1, 9), ESR: true, Ends: day(2023, 4, 15)},
	{Line: line(7, 2), Ends: day(2022, 11, 15)},
	{Line: line(7, 3), Ends: day(2022, 12, 15)},
	{Line: line(7, 4), Ends: day(2023, 1, 15)},
	{Line: line(7, 5), Ends: day(2023, 2, 15)},
	{Line: line(7, 7), Ends: day(2023, 4, 15)},
	{Line: line(7, 8), Newest: patch(7, 8, 14), ESR: true, Ends: day(2023, 11, 15)},
	{Line: line(7, 9), Ends: day(2023, 6, 15)},
	{Line: line(7, 10), Ends: day(2023, 7, 15)},
	{Line: line(8, 0), Ends: day(2023, 10, 15)},
	{Line: line(8, 1), Newest: patch(8, 1, 13), ESR: true, Ends: day(2024, 5, 15)},
	{Line: line(9, 0), Ends: day(2023, 12, 15)},
	{Line: line(9, 1), Ends: day(2024, 1, 15)},
	{Line: line(9, 2), Ends: day(2024, 2, 15)},
	{Line: line(9, 3), Ends: day(2024, 3, 15)},
	{Line: line(9, 4), Ends: day(2024, 4, 15)},
	{Line: line(9, 5), Newest: patch(9, 5, 14), ESR: true, Ends: day(2024, 11, 15)},
	{Line: line(9, 6), Ends: day(2024, 6, 15)},
	{Line: line(9, 7), Ends: day(2024, 7, 15)},
	{Line: line(9, 8), Ends: day(2024, 8, 15)},
	{Line: line(9, 9), Ends: day(2024, 9, 15)},
	{Line: line(9, 10), Ends: day(2024, 10, 15)},
	{Line: line(9, 11), Newest: patch(9, 11, 18), ESR: true, Ends: day(2025, 5, 15)},
	{Line: line(10, 0), Newest: patch(10, 0, 4), Ends: day(2024, 12, 15)},
	{Line: line(10, 1), Newest: patch(10, 1, 7), Ends: day(2025, 1, 15)},
	{Line: line(10, 2), Newest: patch(10, 2, 3), Ends: day(2025, 2, 15)},
	{Line: line(10, 3), Newest: patch(10, 3, 4), Ends: day(2025, 3, 15)},
	{Line: line(10, 4), Newest: patch(10, 4, 5), Ends: day(2025, 4, 15)},
	{Line: line(10, 5), Newest: patch(10, 5, 14), ESR: true, Ends: day(2025, 11, 15)},
	{Line: line(10, 6), Newest: patch(10, 6, 6), Ends: day(2025, 6, 15)},
	{Line: line(10, 7), Newest: patch(10, 7, 4), Ends: day(2025, 7, 15)},
	{Line: line(10, 8), Newest: patch(10, 8, 4), Ends: day(2025, 8, 15)},
	{Line: line(10, 9), Newest: patch(10, 9, 5), Ends: day(2025, 9, 15)},
	{Line: line(10, 10), Newest: patch(10, 10, 3), Ends: day(2025, 10, 15)},
	{Line: line(10, 11), Newest: patch(10, 11, 23), ESR: true, Ends: day(2026, 8, 15)},
	{Line: line(10, 12), Newest: patch(10, 12, 4), Ends: day(2025, 12, 15)},
	{Line: line(11, 0), Newest: patch(11, 0, 7), Ends: day(2026, 1, 15)},
	{Line: line(11, 1), Newest: patch(11, 1, 3), Ends: day(2026, 2, 15)},
	{Line: line(11, 2), Newest: patch(11, 2, 4), Ends: day(2026, 3, 15)},
	{Line: line(11, 3), Newest: patch(11, 3, 3), Ends: day(2026, 4, 15)},
	{Line: line(11, 4), Newest: patch(11, 4, 5), Ends: day(2026, 5, 15)},
	{Line: line(11, 5), Newest: patch(11, 5, 7), Ends: day(2026, 6, 15)},
	{Line: line(11, 6), Newest: patch(11, 6, 6), Ends: day(2026, 7, 15)},
	{Line: line(11, 7), Newest: patch(11, 7, 9), ESR: true, Ends: day(2027, 5, 15)},
	{Line: line(11, 8), Newest: patch(11, 8, 5), Ends: day(2026, 9, 15)},
	{Line: line(11, 9), Newest: patch(11, 9, 1), Ends: day(2026, 10, 15)},
	{Line: line(11, 10), Newest: patch(11, 10, 0), Ends: day(2026, 11, 15)},
	{Line: line(11, 11), Ends: day(2026, 12, 15)},
}

// policyDate is the day of the pages that supportTable follows.
var policyDate = day(2026, 8, 21)

func line(major, minor int) Version     { return Version{Major: major, Minor: minor, Patch: -1} }
func patch(major, minor, p int) Version { return Version{Major: major, Minor: minor, Patch: p} }

// SupportOf returns the support of the line that a Mattermost version belongs
// to, and false for lines that are not recorded: those before 7.0 that were no
// late ESR (all of them ended in 2022 at the latest), and those after 11.11.
func SupportOf(mattermost Version) (Support, bool) {
	for _, s := range supportTable {
		if s.Line == mattermost.Line() {
			return s, true
		}
	}
	return Support{}, false
}

// newestPatch completes a line with its newest known patch; an exact version,
// and a line whose patches are not recorded, stay as they are.
func newestPatch(mattermost Version) Version {
	if s, ok := SupportOf(mattermost); ok && !mattermost.HasPatch() && !s.Newest.IsZero() {
		return s.Newest
	}
	return mattermost
}

// supportFinding says whether a Mattermost gets fixes on the given day, or
// nothing when it does or the day is not given.
func supportFinding(mattermost Version, on Date, where string) []Finding {
	if on == 0 || mattermost.IsZero() {
		return nil
	}
	s, ok := SupportOf(mattermost)
	switch {
	case ok && on > s.Ends:
		return []Finding{{ID: "mattermost.unsupported", Severity: SeverityWarning, Where: where,
			Message: fmt.Sprintf("on %s Mattermost %s gets no fixes any more: support of %s ended on %s", on, mattermost, s.Line, s.Ends),
			Fix:     "plan on to a supported extended support release (11.7 until 2027-05-15)"}}
	case ok && s.Ends-on <= 90:
		return []Finding{{ID: "mattermost.support-ends", Severity: SeverityInfo, Where: where,
			Message: fmt.Sprintf("support of Mattermost %s ends on %s, %d days after %s", s.Line, s.Ends, int(s.Ends-on), on),
			Fix:     "plan the next upgrade now"}}
	case !ok && mattermost.Major < 7 && on >= day(2023, 1, 1):
		return []Finding{{ID: "mattermost.unsupported", Severity: SeverityWarning, Where: where,
			Message: fmt.Sprintf("on %s Mattermost %s gets no fixes any more: everything before 7.0 ended in 2022 at the latest", on, mattermost),
			Fix:     "plan on to a supported extended support release (11.7 until 2027-05-15)"}}
	}
	return nil
}
