package database

import (
	"fmt"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/version"
)

// minima are the PostgreSQL versions that Mattermost releases want, newest
// first: from its important upgrade notes and, where it refuses to start, its
// source.
var minima = []struct {
	since    version.Version
	major    int
	enforced bool // the server checks it at its start
	note     string
}{
	{version.MustParse("11.0"), 14, true, ""},
	{version.MustParse("10.6"), 13, true, ""},
	{version.MustParse("8.0"), 11, true, ""},
	{version.MustParse("5.37"), 10, true, ""},
	{version.MustParse("5.30"), 10, false, "the check at the start came with 5.37"},
	{version.MustParse("3.0"), 9, false, "9.4"},
}

// MinimumServer is the lowest major version of PostgreSQL for a Mattermost
// version 3.x to 11.x and newer ("10.11.4"; 9 stands for 9.4), and whether the
// server refuses to start below it.
func MinimumServer(mattermost string) (major int, enforced bool, err error) {
	v, err := version.ParseMattermost(mattermost)
	if err != nil {
		return 0, false, fmt.Errorf("minimum PostgreSQL for Mattermost: %w", err)
	}
	for _, m := range minima {
		if v.AtLeast(m.since) {
			return m.major, m.enforced, nil
		}
	}
	return 0, false, fmt.Errorf("minimum PostgreSQL for Mattermost %s: only 3.0 and newer are known", v)
}

// endOfLife is the last day on which the PostgreSQL project cares for a major
// version.
var endOfLife = map[int]string{10: "2022-11-10", 11: "2023-11-09", 12: "2024-11-21", 13: "2025-11-13", 14: "2026-11-12",
	15: "2027-11-11", 16: "2028-11-09", 17: "2029-11-08", 18: "2030-11-14"}

// versionFindings judges a server (server_version_num) for a Mattermost version
// ("" is unknown) at a day.
func versionFindings(server int, mattermost string, now time.Time) ([]Finding, error) {
	var out []Finding
	major := server / 10000
	where := "server"
	shown := fmt.Sprint(major)
	if major < 10 {
		shown = fmt.Sprintf("%d.%d", major, server/100%100)
	}
	if mattermost != "" {
		want, enforced, err := MinimumServer(mattermost)
		if err != nil {
			return nil, err
		}
		if major < want || want == 9 && server < 90400 {
			effect := "is not supported with it"
			if enforced {
				effect = "stops its start"
			}
			least := fmt.Sprint(want)
			if want == 9 {
				least = "9.4"
			}
			out = append(out, Finding{"db-version-minimum", "error", fmt.Sprintf("PostgreSQL %s is older than %s, the minimum of Mattermost %s, and %s", shown, least, mattermost, effect), where,
				"upgrade PostgreSQL first, or move the database to a newer server ('database move')"})
		}
	}
	end, known := endOfLife[major]
	if major < 10 || known && now.UTC().Format("2006-01-02") > end {
		if end == "" {
			end = "2021-11-11 or earlier"
		}
		out = append(out, Finding{"db-version-ended", "warning", fmt.Sprintf("PostgreSQL %s has no security fixes any more (last day %s)", shown, end), where,
			"move to PostgreSQL 16 or newer, the newest that the Mattermost version is used with"})
	}
	return out, nil
}
