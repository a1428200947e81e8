package upgrade_test

import (
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

func point(t testing.TB, text string) upgrade.Point {
	t.Helper()
	p, err := upgrade.ParsePoint(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func date(t testing.TB, text string) upgrade.Date {
	t.Helper()
	d, err := upgrade.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// BenchmarkPlan measures short and the longest possible journeys.
func BenchmarkPlan(b *testing.B) {
	on := date(b, "2026-11-21")
	for _, way := range [][2]string{
		{"18.11.3", "19.0"},
		{"13.12", "17.6"},
		{"17.6.1", "standalone:11.7"},
		{"8.9", "standalone:11.11"},
		{"7.14", "18.11"},
		{"8.9", "19.11,standalone:11.11"},
	} {
		from, to := point(b, way[0]), point(b, way[1])
		b.Run(way[0]+" to "+way[1], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := upgrade.Plan(from, to, upgrade.Facts{}, on); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRules(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if len(upgrade.Rules()) == 0 {
			b.Fatal("no rules")
		}
	}
}
