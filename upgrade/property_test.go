package upgrade_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/upgrade"
)

// oracle decides hops by its own copy of the official lists, not by the
// package's.
type oracle struct {
	stops  []upgrade.Version
	floors [][2]upgrade.Version
	pg     []float64 // for each floor
	lines  []upgrade.Version
}

func newOracle(t testing.TB) *oracle {
	o := &oracle{}
	for _, row := range lines(t, "testdata/stops.tsv", "-") {
		if len(row) == 1 {
			o.stops = append(o.stops, version(t, row[0]))
		}
	}
	for _, row := range lines(t, "testdata/floors.tsv", "-") {
		o.floors = append(o.floors, [2]upgrade.Version{version(t, row[0]), version(t, row[1])})
		pg, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		o.pg = append(o.pg, pg)
	}
	for b := range upgrade.Lines() {
		o.lines = append(o.lines, b.Asked)
	}
	for _, announced := range []string{"19.5", "19.8", "19.11"} {
		o.lines = append(o.lines, version(t, announced))
	}
	return o
}

// allowed reports why a hop between two lines is not allowed; "" when it is.
func (o *oracle) allowed(from, to upgrade.Version) string {
	from, to = from.Line(), to.Line()
	for _, s := range o.stops {
		if s.Compare(from) > 0 && s.Compare(to) < 0 {
			return "jumps over " + s.String()
		}
	}
	for _, f := range o.floors {
		if to.Compare(f[0]) >= 0 && from.Compare(f[1]) < 0 {
			return fmt.Sprintf("%s must come from %s", to, f[1])
		}
	}
	eightNine := upgrade.Version{Major: 8, Minor: 9, Patch: -1}
	if from.Compare(eightNine) < 0 && to.Compare(from) > 0 {
		a, errA := upgrade.BundledIn(from)
		b, errB := upgrade.BundledIn(to)
		if errA != nil || errB != nil {
			return "unknown line"
		}
		minors := map[string]bool{}
		for _, l := range o.lines {
			if l.Compare(from) > 0 && l.Compare(to) < 0 {
				x, _ := upgrade.BundledIn(l)
				minors[x.First.Mattermost.Line().String()] = true
			}
		}
		delete(minors, a.First.Mattermost.Line().String())
		delete(minors, b.First.Mattermost.Line().String())
		if len(minors) > 0 {
			return "skips a Mattermost before 3.1"
		}
		if to.Compare(eightNine) >= 0 && from != (upgrade.Version{Major: 8, Minor: 8, Patch: -1}) {
			return "3.1 starts from 8.8"
		}
	}
	return ""
}

// postgres is the oldest server that the package of a line accepts.
func (o *oracle) postgres(line upgrade.Version) float64 {
	need := 0.0
	for i, f := range o.floors {
		if line.Line().Compare(f[0]) >= 0 {
			need = o.pg[i]
		}
	}
	return need
}

// shortest is the least number of hops between two lines, by breadth first.
func (o *oracle) shortest(from, to upgrade.Version) int {
	from, to = from.Line(), to.Line()
	distance := map[upgrade.Version]int{from: 0}
	queue := []upgrade.Version{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at == to {
			return distance[at]
		}
		for _, next := range o.lines {
			if _, seen := distance[next]; !seen && next.Compare(at) > 0 && next.Compare(to) <= 0 && o.allowed(at, next) == "" {
				distance[next] = distance[at] + 1
				queue = append(queue, next)
			}
		}
	}
	return -1
}

// randomFacts turns a few things on that decide rules.
func randomFacts(r *rand.Rand) upgrade.Facts {
	f := upgrade.Facts{Settings: map[string]string{}}
	if r.IntN(3) == 0 {
		f.Settings = nil
	}
	for name, values := range map[string][]string{
		"GitLabSettings.Enable":                         {"true", "false"},
		"GitLabSettings.Scope":                          {"read_user", "openid"},
		"TeamSettings.ExperimentalViewArchivedChannels": {"true", "false"},
		"BleveSettings.EnableIndexing":                  {"true", "false"},
		"SqlSettings.DriverName":                        {"postgres", "mysql"},
		"TeamSettings.SiteName":                         {"Chat", strings.Repeat("long ", 8)},
	} {
		if f.Settings != nil && r.IntN(2) == 0 {
			f.Settings[name] = values[r.IntN(2)]
		}
	}
	if r.IntN(2) == 0 {
		f.GitLabRB = &upgrade.GitLabRB{MattermostKeys: []string{"enable", []string{"env", "email_smtp_server"}[r.IntN(2)]}}
		f.Drift = [][]string{{}, {"EmailSettings.SMTPServer"}}[r.IntN(2)]
	}
	f.Posts = []int{0, 1000, 5_000_000}[r.IntN(3)]
	f.Users = []int{0, 40, 400}[r.IntN(3)]
	f.Choices.Login = []string{"", "email", "entry", "licence"}[r.IntN(4)]
	f.Choices.Leave = []string{"", "before", "after"}[r.IntN(3)]
	return f
}

// randomPoints picks two exact GitLab releases in order, and sometimes a
// standalone destination.
func randomPoints(r *rand.Rand, all []upgrade.Release) (from, to upgrade.Point) {
	i, j := r.IntN(len(all)), r.IntN(len(all))
	a, b := all[min(i, j)], all[max(i, j)]
	from, to = upgrade.AtGitLab(a.GitLab), upgrade.AtGitLab(b.GitLab)
	if r.IntN(3) == 0 && a.HasMattermost() && a.Mattermost.AtLeast(upgrade.Version{Major: 3, Minor: 1}) {
		to = upgrade.AtStandalone(upgrade.RecommendedStandalone())
		if r.IntN(2) == 0 {
			to.GitLab = b.GitLab
		}
	}
	return from, to
}

func TestRandomJourneys(t *testing.T) {
	o := newOracle(t)
	var all []upgrade.Release
	for r := range upgrade.Releases() {
		all = append(all, r)
	}
	r := rand.New(rand.NewPCG(19, 0))
	on := date(t, "2026-11-21")
	journeys := 700
	if text := os.Getenv("UPGRADE_JOURNEYS"); text != "" { // a longer campaign
		var err error
		if journeys, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	planned := 0
	for n := range journeys {
		from, to := randomPoints(r, all)
		f := randomFacts(r)
		name := fmt.Sprintf("journey %d, %s to %s", n, from, to)
		j, err := upgrade.Plan(from, to, f, on)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		planned++
		for _, problem := range slices.Concat(o.chain(j), o.hops(j), o.backwards(j), o.minimal(j), o.data(j)) {
			t.Errorf("%s: %s", name, problem)
		}
		if n%10 == 0 {
			for _, problem := range slices.Concat(prefixes(j, f, on), blockersAdd(j, f, on)) {
				t.Errorf("%s: %s", name, problem)
			}
		}
		if t.Failed() && n > 50 {
			t.FailNow()
		}
	}
	if planned < journeys*9/10 {
		t.Errorf("only %d of %d journeys could be planned", planned, journeys)
	}
}

// chain: every step begins where the one before ended.
func (o *oracle) chain(j *upgrade.Journey) (problems []string) {
	at := j.Start
	for i, s := range j.Steps {
		if s.From != at {
			problems = append(problems, fmt.Sprintf("step %d begins at %s, the one before ended at %s", i+1, s.From, at))
		}
		if s.Number != i+1 {
			problems = append(problems, fmt.Sprintf("step %d has number %d", i+1, s.Number))
		}
		if len(s.Before) == 0 || len(s.Commands) == 0 || len(s.After) == 0 || len(s.Rollback) == 0 || s.Why == "" {
			problems = append(problems, fmt.Sprintf("step %s lacks checks, commands, a way back or a reason", s.ID))
		}
		at = s.To
	}
	if j.End != at {
		problems = append(problems, fmt.Sprintf("the journey ends at %s, its last step at %s", j.End, at))
	}
	return problems
}

// hops: every GitLab hop is allowed, also by PostgreSQL.
func (o *oracle) hops(j *upgrade.Journey) (problems []string) {
	running := j.Start.PostgreSQL
	for _, s := range j.Steps {
		switch s.Kind {
		case upgrade.StepPostgreSQL:
			running = strings.TrimPrefix(s.ID, "postgresql-")
		case upgrade.StepGitLab:
			if why := o.allowed(s.From.GitLab, s.To.GitLab); why != "" {
				problems = append(problems, fmt.Sprintf("step %s: %s", s.ID, why))
			}
			have, _ := strconv.ParseFloat(running, 64)
			if need := o.postgres(s.To.GitLab); have < need {
				problems = append(problems, fmt.Sprintf("step %s: runs on PostgreSQL %s, needs %v", s.ID, running, need))
			}
		}
	}
	return problems
}

// backwards: no version goes back without a finding that says so.
func (o *oracle) backwards(j *upgrade.Journey) (problems []string) {
	for _, s := range j.Steps {
		if s.To.GitLab.Compare(s.From.GitLab) < 0 {
			problems = append(problems, "GitLab goes back in step "+s.ID)
		}
		if s.From.Mattermost.IsZero() || s.To.Mattermost.IsZero() || s.To.Mattermost.Compare(s.From.Mattermost) >= 0 {
			continue
		}
		if !slices.ContainsFunc(s.Findings, func(f upgrade.Finding) bool { return f.ID == "mattermost.downgrade" }) {
			problems = append(problems, "Mattermost goes back unnoticed in step "+s.ID)
		}
	}
	return problems
}

// minimal: GitLab takes as few hops as the stops allow (one more where 18.11.7
// or 18.11.8 must be left first).
func (o *oracle) minimal(j *upgrade.Journey) (problems []string) {
	hops := 0
	for _, s := range j.Steps {
		if s.Kind == upgrade.StepGitLab {
			hops++
			if s.From.GitLab.Line() == s.To.GitLab.Line() && s.From.GitLab.Major < 19 && s.To.GitLab != j.To.GitLab {
				hops-- // the faulty check
			}
		}
	}
	want := o.shortest(j.Start.GitLab, j.End.GitLab)
	if want == 0 && j.Start.GitLab != j.End.GitLab {
		want = 1
	}
	if hops != want {
		problems = append(problems, fmt.Sprintf("%d GitLab hops, %d are enough", hops, want))
	}
	return problems
}

// data: where the bundle runs, its version is the table's.
func (o *oracle) data(j *upgrade.Journey) (problems []string) {
	for _, s := range j.Steps {
		if s.To.Standalone || s.To.Mattermost.IsZero() {
			continue
		}
		if r, ok := upgrade.Lookup(s.To.GitLab); !ok || r.Mattermost != s.To.Mattermost {
			problems = append(problems, fmt.Sprintf("step %s: Mattermost %s is not what GitLab %s carries", s.ID, s.To.Mattermost, s.To.GitLab))
		}
	}
	return problems
}

func ids(steps []upgrade.Step) (list []string) {
	for _, s := range steps {
		if s.Kind == upgrade.StepGitLab || s.Kind == upgrade.StepMattermost {
			list = append(list, s.ID)
		}
	}
	return list
}

// stations are the points where a journey may stop: after each installation.
func stations(j *upgrade.Journey) (points []upgrade.Point, at []int) {
	for i, s := range j.Steps {
		if s.Kind != upgrade.StepGitLab && s.Kind != upgrade.StepMattermost || s.To.Mattermost.IsZero() {
			continue
		}
		p := upgrade.AtGitLab(s.To.GitLab)
		if s.To.Standalone {
			p.Standalone = s.To.Mattermost
		}
		points, at = append(points, p), append(at, i)
	}
	return points, at
}

// prefixes: planning only as far as a station gives the same installations.
func prefixes(j *upgrade.Journey, f upgrade.Facts, on upgrade.Date) (problems []string) {
	points, at := stations(j)
	for i, p := range points {
		part, err := upgrade.Plan(j.From, p, f, on)
		if err != nil {
			problems = append(problems, fmt.Sprintf("the part to %s: %v", p, err))
			continue
		}
		if got, want := ids(part.Steps), ids(j.Steps[:at[i]+1]); !slices.Equal(got, want) {
			problems = append(problems, fmt.Sprintf("the part to %s installs %v, the whole %v", p, got, want))
		}
	}
	return problems
}

// blockersAdd: what blocks a part blocks the whole.
func blockersAdd(j *upgrade.Journey, f upgrade.Facts, on upgrade.Date) (problems []string) {
	whole := map[string]bool{}
	for _, b := range j.Blockers() {
		whole[b.ID] = true
	}
	points, _ := stations(j)
	for _, p := range points {
		for _, part := range [][2]upgrade.Point{{j.From, p}, {p, j.To}} {
			half, err := upgrade.Plan(part[0], part[1], f, on)
			if err != nil {
				problems = append(problems, fmt.Sprintf("from %s to %s: %v", part[0], part[1], err))
				continue
			}
			for _, b := range half.Blockers() {
				if !whole[b.ID] {
					problems = append(problems, fmt.Sprintf("%s blocks from %s to %s, but not the whole", b.ID, part[0], part[1]))
				}
			}
		}
	}
	return problems
}

func TestStopsAreTheDocumentedOnes(t *testing.T) {
	var got []string
	for _, s := range upgrade.Stops() {
		text := s.Line.String()
		if s.When != "" {
			text += "\tconditional"
		}
		got = append(got, text)
	}
	var want []string
	for _, row := range lines(t, "testdata/stops.tsv", "-") {
		want = append(want, strings.Join(row, "\t"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("stops %v\nwant  %v", got, want)
	}
	enforced := map[string]bool{}
	for _, row := range lines(t, "testdata/floors.tsv", "-") {
		enforced[row[1]] = true
	}
	for _, s := range upgrade.Stops() {
		if enforced[s.Line.String()] && !s.Enforced {
			t.Errorf("%s: the package checks it, the stop says it does not", s.Line)
		}
	}
}
