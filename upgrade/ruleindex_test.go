package upgrade_test

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// spoil changes everything in a rule that a caller can reach.
func spoil(r *upgrade.Rule) {
	for _, list := range [][]string{r.Commands, r.SQL, r.Settings, r.Notes} {
		for i := range list {
			list[i] = "spoilt"
		}
		_ = append(list, "spoilt")
	}
	for _, list := range [][]upgrade.Range{r.From, r.Lands} {
		clear(list)
		_ = append(list, upgrade.Range{})
	}
	r.ID, r.Do, r.Severity = "spoilt", "spoilt", "spoilt"
}

// The rules are read once for all plans, so what a plan hands out must be a
// copy.
func TestChangingWhatACallerGotChangesNoLaterAnswer(t *testing.T) {
	rules := upgrade.Rules()
	stops := upgrade.Stops()
	journey := plan(t, "8.9", "19.3,standalone:11.7", upgrade.Facts{})
	wantRules, wantStops, wantPlan := asJSON(t, rules), asJSON(t, stops), asJSON(t, journey)
	for i := range rules {
		spoil(&rules[i])
	}
	clear(stops)
	spoilt := 0
	for i := range journey.Steps {
		for _, notes := range [][]upgrade.Note{journey.Steps[i].Notes, journey.Steps[i].Others} {
			for _, n := range notes {
				spoil(n.Rule)
				spoilt++
			}
		}
	}
	if spoilt < 50 {
		t.Fatalf("only %d rules on the longest way", spoilt)
	}
	if !bytes.Equal(asJSON(t, upgrade.Rules()), wantRules) {
		t.Error("Rules changed")
	}
	if !bytes.Equal(asJSON(t, upgrade.Stops()), wantStops) {
		t.Error("Stops changed")
	}
	if !bytes.Equal(asJSON(t, plan(t, "8.9", "19.3,standalone:11.7", upgrade.Facts{})), wantPlan) {
		t.Error("the plan changed")
	}
}

// A list of one rule has no room into which appending could write over that of
// the next.
func TestAppendingToARuleTouchesNoOther(t *testing.T) {
	rules := upgrade.Rules()
	want := asJSON(t, rules)
	for _, r := range rules {
		_ = append(r.Commands, "x")
		_ = append(r.SQL, "x")
		_ = append(r.Settings, "x")
		_ = append(r.Notes, "x")
		_ = append(r.From, upgrade.Range{})
		_ = append(r.Lands, upgrade.Range{})
	}
	if !bytes.Equal(asJSON(t, rules), want) {
		t.Error("appending to a list wrote over another one")
	}
}

func TestPlansMadeAtTheSameTimeAreAlike(t *testing.T) {
	from, to, on := point(t, "8.9"), point(t, "19.3,standalone:11.7"), date(t, "2026-11-21")
	journeys := make([]*upgrade.Journey, 8)
	var all sync.WaitGroup
	for i := range journeys {
		all.Go(func() { journeys[i], _ = upgrade.Plan(from, to, upgrade.Facts{}, on) })
	}
	all.Wait()
	want := asJSON(t, plan(t, "8.9", "19.3,standalone:11.7", upgrade.Facts{}))
	for i, j := range journeys {
		if !bytes.Equal(asJSON(t, j), want) {
			t.Errorf("plan %d differs", i)
		}
	}
}

// How long a plan takes depends on the machine (BenchmarkPlan measures it); how
// much it allocates is most of it and does not.
func TestTheLongestPlanAllocatesLittle(t *testing.T) {
	from, to, on := point(t, "8.9"), point(t, "19.11,standalone:11.11"), date(t, "2026-11-21")
	const limit = 2000
	if n := testing.AllocsPerRun(20, func() {
		if _, err := upgrade.Plan(from, to, upgrade.Facts{}, on); err != nil {
			t.Fatal(err)
		}
	}); n > limit {
		t.Errorf("%v allocations, want at most %d", n, limit)
	}
}
