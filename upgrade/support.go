package upgrade

import (
	"fmt"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/english"
)

// Support is how long a Mattermost line gets fixes.
type Support struct {
	Line   Version `json:"line"`
	Newest Version `json:"newest,omitzero"` // newest patch known; zero when not recorded
	ESR    bool    `json:"esr"`             // an extended support release
	Ends   Date    `json:"ends"`            // last day of support
}

// supportEntry is one row of the table, eight bytes. newest is the newest known
// patch, given where a plan may land.
type supportEntry struct {
	major, minor uint8
	newest       int8
	esr          bool
	year         uint16
	month, day   uint8
}

const (
	esr     = true
	feature = false
	unknown = -1
)

// supportTable follows Mattermost's release policy page and its server
// releases page, both of 2026-08-21; older ESRs by their own announcements.
// The end of 5.37 is not recorded exactly: the date is the latest possible one,
// the end of 6.3.
var supportTable = [...]supportEntry{
	{5, 19, unknown, esr, 2020, 10, 15},
	{5, 25, unknown, esr, 2021, 4, 16},
	{5, 31, unknown, esr, 2021, 10, 15},
	{5, 37, 10, esr, 2022, 10, 15},
	{6, 3, 10, esr, 2022, 10, 15},
	{7, 0, unknown, feature, 2022, 9, 15},
	{7, 1, 9, esr, 2023, 4, 15},
	{7, 2, unknown, feature, 2022, 11, 15},
	{7, 3, unknown, feature, 2022, 12, 15},
	{7, 4, unknown, feature, 2023, 1, 15},
	{7, 5, unknown, feature, 2023, 2, 15},
	{7, 7, unknown, feature, 2023, 4, 15},
	{7, 8, 14, esr, 2023, 11, 15},
	{7, 9, unknown, feature, 2023, 6, 15},
	{7, 10, unknown, feature, 2023, 7, 15},
	{8, 0, unknown, feature, 2023, 10, 15},
	{8, 1, 13, esr, 2024, 5, 15},
	{9, 0, unknown, feature, 2023, 12, 15},
	{9, 1, unknown, feature, 2024, 1, 15},
	{9, 2, unknown, feature, 2024, 2, 15},
	{9, 3, unknown, feature, 2024, 3, 15},
	{9, 4, unknown, feature, 2024, 4, 15},
	{9, 5, 14, esr, 2024, 11, 15},
	{9, 6, unknown, feature, 2024, 6, 15},
	{9, 7, unknown, feature, 2024, 7, 15},
	{9, 8, unknown, feature, 2024, 8, 15},
	{9, 9, unknown, feature, 2024, 9, 15},
	{9, 10, unknown, feature, 2024, 10, 15},
	{9, 11, 18, esr, 2025, 5, 15},
	{10, 0, 4, feature, 2024, 12, 15},
	{10, 1, 7, feature, 2025, 1, 15},
	{10, 2, 3, feature, 2025, 2, 15},
	{10, 3, 4, feature, 2025, 3, 15},
	{10, 4, 5, feature, 2025, 4, 15},
	{10, 5, 14, esr, 2025, 11, 15},
	{10, 6, 6, feature, 2025, 6, 15},
	{10, 7, 4, feature, 2025, 7, 15},
	{10, 8, 4, feature, 2025, 8, 15},
	{10, 9, 5, feature, 2025, 9, 15},
	{10, 10, 3, feature, 2025, 10, 15},
	{10, 11, 23, esr, 2026, 8, 15},
	{10, 12, 4, feature, 2025, 12, 15},
	{11, 0, 7, feature, 2026, 1, 15},
	{11, 1, 3, feature, 2026, 2, 15},
	{11, 2, 4, feature, 2026, 3, 15},
	{11, 3, 3, feature, 2026, 4, 15},
	{11, 4, 5, feature, 2026, 5, 15},
	{11, 5, 7, feature, 2026, 6, 15},
	{11, 6, 6, feature, 2026, 7, 15},
	{11, 7, 9, esr, 2027, 5, 15},
	{11, 8, 5, feature, 2026, 9, 15},
	{11, 9, 1, feature, 2026, 10, 15},
	{11, 10, 0, feature, 2026, 11, 15},
	{11, 11, unknown, feature, 2026, 12, 15},
}

func (e supportEntry) support() Support {
	s := Support{
		Line: line(int(e.major), int(e.minor)), ESR: e.esr,
		Ends: day(int(e.year), time.Month(e.month), int(e.day)),
	}
	if e.newest != unknown {
		s.Newest = patch(int(e.major), int(e.minor), int(e.newest))
	}
	return s
}

func line(major, minor int) Version     { return Version{Major: major, Minor: minor, Patch: -1} }
func patch(major, minor, p int) Version { return Version{Major: major, Minor: minor, Patch: p} }

// SupportOf returns the support of the line that a Mattermost version belongs
// to, and false for lines that are not recorded: those before 7.0 that were no
// late ESR (all of them ended in 2022 at the latest), and those after 11.11.
func SupportOf(mattermost Version) (Support, bool) {
	for _, e := range supportTable {
		if int(e.major) == mattermost.Major && int(e.minor) == mattermost.Minor {
			return e.support(), true
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
			Message: fmt.Sprintf("support of Mattermost %s ends on %s, %s after %s", s.Line, s.Ends, english.Count(int(s.Ends-on), "day"), on),
			Fix:     "plan the next upgrade now"}}
	case !ok && mattermost.Major < 7 && on >= day(2023, 1, 1):
		return []Finding{{ID: "mattermost.unsupported", Severity: SeverityWarning, Where: where,
			Message: fmt.Sprintf("on %s Mattermost %s gets no fixes any more: everything before 7.0 ended in 2022 at the latest", on, mattermost),
			Fix:     "plan on to a supported extended support release (11.7 until 2027-05-15)"}}
	}
	return nil
}

// postgresEnds are the last days of PostgreSQL majors, as its project
// announces them.
var postgresEnds = []struct {
	major string
	year  int
	month time.Month
	day   int
}{
	{"9.6", 2021, 11, 11}, {"10", 2022, 11, 10}, {"11", 2023, 11, 9}, {"12", 2024, 11, 21}, {"13", 2025, 11, 13},
	{"14", 2026, 11, 12}, {"15", 2027, 11, 11}, {"16", 2028, 11, 9}, {"17", 2029, 11, 8}, {"18", 2030, 11, 14},
}

// postgresFinding says whether the PostgreSQL under a standalone Mattermost
// gets no fixes any more on the given day.
func postgresFinding(major string, on Date) []Finding {
	for _, e := range postgresEnds {
		if ends := day(e.year, e.month, e.day); e.major == major && on > ends {
			return []Finding{{ID: "postgresql.unsupported", Severity: SeverityWarning, Where: "destination",
				Message: fmt.Sprintf("on %s PostgreSQL %s gets no fixes any more: its support ended on %s", on, major, ends),
				Fix:     "upgrade that server as well"}}
		}
	}
	return nil
}
