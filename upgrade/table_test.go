package upgrade_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

// lines returns the fields of every data line of a tab-separated file.
func lines(t testing.TB, path, header string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows [][]string
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		if s := scan.Text(); s != "" && !strings.HasPrefix(s, "#") && !strings.HasPrefix(s, header) {
			rows = append(rows, strings.Split(s, "\t"))
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no data", path)
	}
	return rows
}

func version(t testing.TB, text string) upgrade.Version {
	t.Helper()
	v, err := upgrade.ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func TestTableEqualsTheDataFile(t *testing.T) {
	rows := lines(t, "internal/gen/testdata/gitlab_releases.tsv", "gitlab\t")
	n := 0
	for range upgrade.Releases() {
		n++
	}
	if n != len(rows) {
		t.Fatalf("%d releases in the table, %d in the data file", n, len(rows))
	}
	for _, row := range rows {
		b, err := upgrade.Bundled(row[0])
		if err != nil {
			t.Fatal(err)
		}
		r := b.First
		mattermost := "-"
		if r.HasMattermost() {
			mattermost = r.Mattermost.String()
		}
		got := fmt.Sprint([]string{r.GitLab.String(), mattermost, dash(r.PostgreSQL), r.Date.String()})
		if got != fmt.Sprint(row) {
			t.Errorf("table has %s, data file has %s", got, row)
		}
	}
}

func TestDocumentedRowsAgreeExceptTheKnownContradictions(t *testing.T) {
	wrong := map[string]string{}
	for _, c := range upgrade.Contradictions() {
		wrong[c.GitLab.String()] = c.Documented.String()
	}
	rows := lines(t, "testdata/documented.tsv", "gitlab\t")
	if len(rows) < 67 {
		t.Fatalf("%d documented rows, the official tables have at least 67", len(rows))
	}
	documented := map[string]string{}
	for _, row := range rows {
		documented[row[0]] = row[1]
		b, err := upgrade.Bundled(row[0])
		if err != nil {
			t.Fatal(err)
		}
		got := b.First.Mattermost.Line().String()
		switch expected, known := wrong[row[0]]; {
		case known && expected != row[1]:
			t.Errorf("GitLab %s: the documentation says %s, the contradiction records %s", row[0], row[1], expected)
		case known && got == row[1]:
			t.Errorf("GitLab %s: recorded as a contradiction, but the table agrees", row[0])
		case !known && got != row[1]:
			t.Errorf("GitLab %s: the documentation says %s, the table has %s", row[0], row[1], got)
		}
		delete(wrong, row[0])
	}
	for line := range wrong {
		t.Errorf("contradiction for GitLab %s has no documented row", line)
	}
	// "Missing rows mean unchanged" must hold as well, from 13.12 on, where the
	// generations are complete. 14.8 to 14.10 fall between two generations,
	// 17.9 is the contradiction.
	last := ""
	for b := range upgrade.Lines() {
		v := b.Asked
		if v.Compare(version(t, "13.12")) < 0 || v.Major > 18 {
			continue
		}
		if row, ok := documented[v.String()]; ok {
			last = row
		} else if got := b.First.Mattermost.Line().String(); got != last && !(v.Major == 14 && v.Minor >= 8) {
			t.Errorf("GitLab %s has no row, so it should be unchanged at %s, but carries %s", v, last, got)
		}
	}
}

func TestBundledReadsEverySpelling(t *testing.T) {
	for _, tc := range []struct{ in, first, last, reason string }{
		{"17.6.1", "10.1.2", "10.1.2", "an exact release"},
		{"17.6", "10.1.2", "10.1.7", "a line: its .0 and its newest patch"},
		{"17.6.5-ce.0", "10.1.7", "10.1.7", "Debian package version"},
		{"17.6.5+ee.0", "10.1.7", "10.1.7", "Enterprise build"},
		{"v17.6.5", "10.1.7", "10.1.7", "tag"},
		{"GitLab 17.6", "10.1.2", "10.1.7", "prose"},
		{"gitlab-ee=18.11.3-ee.0", "10.11.13", "10.11.13", "apt argument"},
		{"7.14.0", "0.6.0", "0.6.0", "the first bundle"},
		{"18.11", "10.11.13", "10.11.20", "the last bundle"},
		{"19.0", "0.0", "0.0", "an answer: none"},
	} {
		b, err := upgrade.Bundled(tc.in)
		if err != nil {
			t.Errorf("%s (%s): %v", tc.in, tc.reason, err)
			continue
		}
		if first, last := b.First.Mattermost.String(), b.Last.Mattermost.String(); tc.first != "0.0" && (first != tc.first || last != tc.last) {
			t.Errorf("Bundled(%q) = %s … %s, want %s … %s (%s)", tc.in, first, last, tc.first, tc.last, tc.reason)
		}
		if want := tc.first != "0.0"; b.First.HasMattermost() != want {
			t.Errorf("Bundled(%q): HasMattermost = %v, want %v", tc.in, b.First.HasMattermost(), want)
		}
	}
}

func TestUnknownReleasesSayWhyAndNameTheirNeighbours(t *testing.T) {
	for in, want := range map[string]string{
		"7.13.5":   "GitLab 7.13.5 had no Mattermost: the first package with one is 7.14.0",
		"18.11.10": "GitLab 18.11.10 was never released: there are 18.11.9 and 18.11.11",
		"18.11.12": "GitLab 18.11.12 is not in this table: the newest release of that line here is 18.11.11 of 2026-08-14",
		"19.4":     "GitLab 19.4 is newer than this table, which ends with 19.3.0 of 2026-08-20",
		"8.18":     "GitLab 8.18 was never released: there are 8.17.8 and 9.0.0",
		"latest":   `version "latest": want MAJOR.MINOR or MAJOR.MINOR.PATCH, for example 18.11.3`,
		"300.1.2":  "GitLab 300.1.2 is newer than this table, which ends with 19.3.0 of 2026-08-20",
	} {
		_, err := upgrade.Bundled(in)
		if err == nil || err.Error() != want {
			t.Errorf("Bundled(%q): %v\nwant %s", in, err, want)
		}
		var unknown *upgrade.UnknownReleaseError
		if in != "latest" && !errors.As(err, &unknown) {
			t.Errorf("Bundled(%q): %T, want *UnknownReleaseError", in, err)
		}
	}
}

func TestBundlersIsTheReverseOfBundled(t *testing.T) {
	for r := range upgrade.Releases() {
		if !r.HasMattermost() {
			continue
		}
		ranges, err := upgrade.Bundlers(r.Mattermost.String())
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, x := range ranges {
			if x.First.Compare(r.GitLab) <= 0 && x.Last.Compare(r.GitLab) >= 0 {
				found++
			}
			for _, end := range []upgrade.Version{x.First, x.Last} {
				if back, ok := upgrade.Lookup(end); !ok || back.Mattermost != r.Mattermost {
					t.Errorf("Bundlers(%s) has %s, which carries %s", r.Mattermost, end, back.Mattermost)
				}
			}
		}
		if found != 1 {
			t.Errorf("GitLab %s is in %d ranges of Bundlers(%s)", r.GitLab, found, r.Mattermost)
		}
	}
}

func TestBundlersNamesRangesAndNeighbours(t *testing.T) {
	for in, want := range map[string]string{
		"10.11.12": "[18.7.7 18.8.7 to 18.8.11 18.9.3 to 18.9.7 18.10.0 to 18.10.6]",
		"9.11.4":   "[17.4.4 to 17.4.6]",
		"9.11":     "[17.4.0 to 17.4.6]",
	} {
		got, err := upgrade.Bundlers(in)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("Bundlers(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"6.0":   "no GitLab package carried Mattermost 6.0: the bundled ones around it are 5.39.3 and 6.1.0",
		"11.7":  "no GitLab package carried Mattermost 11.7: the newest bundled one is 10.11.20",
		"0.5.0": "no GitLab package carried Mattermost 0.5.0: the oldest bundled one is 0.6.0",
	} {
		if got, err := upgrade.Bundlers(in); err == nil || err.Error() != want {
			t.Errorf("Bundlers(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
}

func TestTheBundleEndsWithNineteen(t *testing.T) {
	first := upgrade.FirstWithout()
	if got := first.GitLab.String() + " " + first.Date.String(); got != "19.0.0 2026-05-21" {
		t.Errorf("FirstWithout = %s, want 19.0.0 2026-05-21", got)
	}
	for r := range upgrade.Releases() {
		if r.HasMattermost() != (r.GitLab.Compare(first.GitLab) < 0) {
			t.Errorf("GitLab %s: HasMattermost = %v", r.GitLab, r.HasMattermost())
		}
	}
}

func TestDowngradesAreExactlyTheBoundariesThatGoBack(t *testing.T) {
	got := map[string]string{}
	for _, d := range upgrade.Downgrades() {
		got[d.From.GitLab.String()+" → "+d.To.GitLab.String()] = fmt.Sprintf("%s → %s, safe %s", d.From.Mattermost, d.To.Mattermost, d.Safe)
	}
	for pair, want := range map[string]string{
		"17.7.7 → 17.8.0":   "10.2.3 → 10.2.0, safe 17.8.2",
		"18.8.11 → 18.9.0":  "10.11.12 → 10.11.10, safe 18.9.3",
		"18.10.8 → 18.11.0": "10.11.19 → 10.11.13, safe 18.11.5",
		"14.4.5 → 14.5.0":   "5.39.2 → 5.39.1, safe 14.5.2",
	} {
		if got[pair] != want {
			t.Errorf("%s: %q, want %q", pair, got[pair], want)
		}
	}
	if len(got) != 14 {
		t.Errorf("%d downgrades, want 14: %v", len(got), got)
	}
}

func TestBundleFindingsNameTheDocumentationErrorAndTheDowngrade(t *testing.T) {
	ids := func(gitlab, on string) string {
		b, err := upgrade.Bundled(gitlab)
		if err != nil {
			t.Fatal(err)
		}
		var d upgrade.Date
		if err := d.UnmarshalText([]byte(on)); err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, f := range b.Findings(d) {
			list = append(list, f.ID)
		}
		return strings.Join(list, " ")
	}
	for _, tc := range []struct{ gitlab, on, want, reason string }{
		{"17.9", "", "table.documentation", "the page says 10.4, the package has 10.2.3"},
		{"18.11", "", "table.downgrade", "18.10.8 carries a newer Mattermost than 18.11.0"},
		{"18.11", "2026-08-15", "table.downgrade mattermost.support-ends", "last day of 10.11"},
		{"18.11", "2026-08-16", "table.downgrade mattermost.unsupported", "first day without fixes"},
		{"18.5", "2025-09-30", "mattermost.support-ends", "10.10 ends on 2025-10-15"},
		{"13.4", "2026-01-01", "mattermost.unsupported", "everything before 7.0"},
	} {
		if got := ids(tc.gitlab, tc.on); got != tc.want {
			t.Errorf("%s on %q: %q, want %q (%s)", tc.gitlab, tc.on, got, tc.want, tc.reason)
		}
	}
}

func TestLookupsDoNotAllocate(t *testing.T) {
	exact := version(t, "17.6.1")
	for name, f := range map[string]func(){
		"Lookup":          func() { upgrade.Lookup(exact) },
		"Bundled release": func() { _, _ = upgrade.Bundled("17.6.1-ce.0") },
		"Bundled line":    func() { _, _ = upgrade.Bundled("GitLab 17.6") },
	} {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	v := version(b, "17.6.1")
	measure(b, func() { upgrade.Lookup(v) })
}

func BenchmarkBundled(b *testing.B) {
	for _, text := range []string{"17.6.1-ce.0", "17.6", "7.14.0", "19.3.0"} {
		b.Run(text, func(b *testing.B) {
			measure(b, func() {
				if _, err := upgrade.Bundled(text); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
