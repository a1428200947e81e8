package upgrade_test

import (
	"syscall"
	"testing"
	"time"

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
			measure(b, func() {
				if _, err := upgrade.Plan(from, to, upgrade.Facts{}, on); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkRules(b *testing.B) {
	measure(b, func() {
		if len(upgrade.Rules()) == 0 {
			b.Fatal("no rules")
		}
	})
}

// measure runs f and reports, besides the time on the clock, the processor's
// time: on a busy machine only that says what the code costs.
func measure(b *testing.B, f func()) {
	b.ReportAllocs()
	start := processorTime(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
