package upgrade

import (
	"errors"
	"fmt"
	"slices"
)

// Plan returns the ordered steps from one point to another for an installation
// of which facts are known, judged for a day (the zero Date judges nothing by
// date).
//
// The start is a GitLab release or a standalone Mattermost; the destination
// the same, or both. What the way must do follows from the two ends:
//
//   - GitLab to GitLab below 19: the bundle climbs with GitLab through the
//     required stops.
//   - GitLab to GitLab 19 and later: the same, and Mattermost leaves the
//     package before or after the last bundled release (Choices.Leave).
//   - GitLab to standalone: Mattermost leaves, then climbs alone from one
//     extended support release to the next; or the bundle climbs first
//     (Choices.Route). Leaving is possible from GitLab 8.9 on.
//   - standalone to standalone: Mattermost climbs alone.
//
// A line as the start ("17.6") is taken as its first release, as destination
// as its newest. Errors are points that do not exist, ways that go back, and
// facts that contradict each other; what merely must be dealt with first is in
// Journey.Blockers. A prefix of the steps is itself a valid journey.
func Plan(from, to Point, facts Facts, on Date) (*Journey, error) {
	if err := facts.Validate(); err != nil {
		return nil, err
	}
	if from.IsZero() || to.IsZero() {
		return nil, errors.New("plan: a start and a destination are needed")
	}
	p := &planner{facts: &facts, rules: embeddedRules(), stops: requiredStops(), journey: &Journey{From: from, To: to, On: on}}
	if err := p.start(from); err != nil {
		return nil, fmt.Errorf("plan from %s: %w", from, err)
	}
	if err := p.walk(to); err != nil {
		return nil, fmt.Errorf("plan from %s to %s: %w", from, to, err)
	}
	if p.left {
		p.retire()
	}
	p.finish()
	return p.journey, nil
}

// planner builds one journey step by step; state is where it stands.
type planner struct {
	facts   *Facts
	rules   ruleIndex // shared with other plans, only read
	stops   []Stop    // as well
	journey *Journey
	state   State
	release Release // the GitLab release of the state; zero without GitLab
	// version is that of the Mattermost data, also while no server runs.
	version Version
	// packagePostgres is the major of the package's own PostgreSQL server,
	// which is under Mattermost unless the database is elsewhere.
	packagePostgres string
	left            bool // Mattermost has left the package on this journey
	remarked        map[Version]bool
	exported        bool   // the export step is there
	databaseChoice  string // "move" or "keep"
	external        bool   // the database was never in the package's PostgreSQL
	inPlace         bool   // an external database is taken over as it is
	kept            bool   // the database stayed in GitLab's PostgreSQL
}

// start sets the state at the beginning.
func (p *planner) start(from Point) error {
	s := &p.state
	s.Standalone = !from.Standalone.IsZero()
	s.Mattermost = newestAsStart(from.Standalone)
	if !from.GitLab.IsZero() {
		r, err := p.resolve(from.GitLab, true)
		if err != nil {
			return err
		}
		p.release = r
		s.GitLab = r.GitLab
		if !s.Standalone && p.facts.Enabled != No {
			s.Mattermost = r.Mattermost
		}
		if p.packagePostgres = defaultMajor(r); p.packagePostgres == "" {
			p.packagePostgres = floorOf(r.GitLab).postgres // it runs, so it has at least this
		}
		if p.facts.ExternalDatabase != Yes && !s.Standalone {
			s.PostgreSQL = p.packagePostgres
		}
		if !from.GitLab.HasPatch() && r.GitLab.HasPatch() {
			p.general("start.patch-unknown", SeverityInfo, from.String(),
				fmt.Sprintf("the exact release is not given: the plan starts from %s; the newest of that line carries Mattermost %s", r.GitLab, p.newestOf(from.GitLab)),
				"give the exact release (head -1 /opt/gitlab/version-manifest.txt)")
		}
	}
	if !p.facts.Mattermost.IsZero() {
		if s.Standalone && p.facts.Mattermost != s.Mattermost {
			return fmt.Errorf("the facts say Mattermost %s", p.facts.Mattermost)
		}
		p.version = p.facts.Mattermost
		if s.GitLab.IsZero() || s.GitLab.Major < 19 {
			s.Mattermost = p.facts.Mattermost
		}
	} else {
		p.version = s.Mattermost
	}
	if !p.facts.PostgreSQL.IsZero() {
		s.PostgreSQL = postgresMajor(p.facts.PostgreSQL)
		if p.facts.ExternalDatabase != Yes && !s.Standalone {
			p.packagePostgres = s.PostgreSQL
		}
	}
	p.journey.Start = *s
	p.journey.General = append(p.journey.General, supportFinding(s.Mattermost, p.journey.On, "start")...)
	return nil
}

// resolve is resolveGitLab with a remark where the table ends.
func (p *planner) resolve(v Version, start bool) (Release, error) {
	r, newer, err := resolveGitLab(v, start)
	if err != nil || p.remarked[v] {
		return r, err
	}
	last := gitlabTable[len(gitlabTable)-1].release()
	message, fix := "", ""
	switch {
	case newer && r.HasMattermost():
		message = fmt.Sprintf("it is taken to carry Mattermost %s, as the newest of its line known here does, or a later one", r.Mattermost)
		fix = "give the version that runs as facts (mattermost); cat /opt/gitlab/embedded/service/mattermost/VERSION"
	case !newer && r.Date == 0 && r.GitLab.AtLeast(last.GitLab):
		message = fmt.Sprintf("it ends with %s of %s, and of what follows only the announced stops are planned", last.GitLab, last.Date)
		fix = "compare the stops with GitLab's upgrade path tool before you start"
	default:
		return r, nil
	}
	if p.remarked == nil {
		p.remarked = map[Version]bool{}
	}
	p.remarked[v] = true
	p.general("table.newer", SeverityWarning, "GitLab "+v.String(), fmt.Sprintf("GitLab %s is newer than this table: %s", v, message), fix)
	return r, nil
}

// newestAsStart takes a standalone line as its first release, so that nothing
// on the way is overlooked.
func newestAsStart(v Version) Version {
	if !v.IsZero() && !v.HasPatch() {
		v.Patch = 0
	}
	return v
}

func (p *planner) newestOf(line Version) string {
	b, err := BundledIn(line)
	if err != nil || !b.Last.HasMattermost() {
		return "none"
	}
	return b.Last.Mattermost.String()
}

func (p *planner) general(id, severity, where, message, fix string) {
	p.journey.General = append(p.journey.General, Finding{ID: id, Severity: severity, Where: where, Message: message, Fix: fix})
}

// walk adds the steps to the destination.
func (p *planner) walk(to Point) error {
	switch {
	case p.state.Standalone && to.GitLab.IsZero():
		return p.climb(to.Standalone)
	case p.state.Standalone:
		if err := p.gitlab(to.GitLab); err != nil {
			return err
		}
		if to.Standalone.IsZero() {
			return nil
		}
		return p.climb(to.Standalone)
	case to.Standalone.IsZero():
		return p.toGitLab(to.GitLab)
	}
	return p.toStandalone(to)
}

// toGitLab plans to a GitLab release; past the bundle Mattermost leaves on the
// way.
func (p *planner) toGitLab(to Version) error {
	destination, err := p.resolve(to, false)
	if err != nil {
		return err
	}
	if destination.HasMattermost() || p.version.IsZero() || p.state.GitLab.Major >= 19 {
		return p.gitlab(to)
	}
	p.decideLeave()
	if p.facts.Choices.Leave == "after" {
		if err := p.gitlabUntil(to, p.export); err != nil {
			return err
		}
		return p.leave()
	}
	return p.gitlabUntil(to, p.leave)
}

// toStandalone plans out of the package to a Mattermost of its own.
func (p *planner) toStandalone(to Point) error {
	if p.facts.Enabled == No {
		return errors.New("the facts say that the package runs no Mattermost here (enabled)")
	}
	if p.version.IsZero() {
		return errors.New("the package of this GitLab has no Mattermost any more: say in the facts which version ran last (mattermost)")
	}
	if !p.version.AtLeast(line(3, 0)) {
		return errors.New("a Mattermost before 3.0 cannot be moved by its own migrations: go to GitLab 8.9 first")
	}
	p.decideRoute()
	if p.facts.Choices.Route == "gitlab-first" && p.state.GitLab.Major < 19 {
		if err := p.gitlab(newestBundle().GitLab.Line()); err != nil {
			return err
		}
	}
	if !to.GitLab.IsZero() {
		if err := p.toGitLab(to.GitLab); err != nil {
			return err
		}
	}
	if !p.state.Standalone {
		if err := p.leave(); err != nil {
			return err
		}
	}
	return p.climb(to.Standalone)
}

// gitlab adds the steps to a GitLab release.
func (p *planner) gitlab(to Version) error {
	return p.gitlabUntil(to, func() error { return nil })
}

// gitlabUntil adds the steps to a GitLab release; before is called once,
// before the first package without Mattermost is installed.
func (p *planner) gitlabUntil(to Version, before func() error) error {
	destination, err := p.resolve(to, false)
	if err != nil {
		return err
	}
	if p.release.GitLab.Line() == to && !to.HasPatch() && p.release.GitLab.HasPatch() && destination.GitLab.Compare(p.release.GitLab) < 0 {
		destination = p.release
	}
	route, err := gitlabRoute(p.release, destination, p.stops, p.facts)
	if err != nil {
		return err
	}
	p.expect(len(route))
	for _, next := range route {
		if next.GitLab.Major >= 19 && p.release.GitLab.Major < 19 && !p.left {
			if err := before(); err != nil {
				return err
			}
		}
		p.postgres(next)
		p.install(next)
	}
	return nil
}

// climb adds the steps of a standalone Mattermost to a version.
func (p *planner) climb(to Version) error {
	route, err := mattermostRoute(p.state.Mattermost, to)
	if err != nil {
		return err
	}
	p.expect(len(route))
	for _, next := range route {
		if next.Major >= 11 && p.state.Mattermost.Major < 11 {
			if err := p.crossEleven(next); err != nil {
				return err
			}
		}
		p.mattermostPostgres(next)
		p.upgradeMattermost(next)
	}
	return nil
}

// finish numbers the steps and closes the journey.
func (p *planner) finish() {
	for i := range p.journey.Steps {
		p.journey.Steps[i].Number = i + 1
	}
	if p.inPlace {
		p.nameExternalServer()
	}
	j := p.journey
	j.End = p.state
	for i := range j.Decisions {
		if d := &j.Decisions[i]; d.ID == "leave" {
			d.Before = firstNineteen(j.Steps)
		}
	}
	if (p.facts.Settings == nil || p.facts.PartialSettings) && len(j.Steps) > 0 {
		p.general("facts.settings-unknown", SeverityInfo, "facts",
			"the settings of this installation were not given (or not all): values that stop a server are not checked",
			"give config.json (and gitlab.rb)")
	}
	if len(j.Steps) > 0 {
		j.General = append(j.General, supportFinding(p.state.Mattermost, j.On, "destination")...)
	}
	if p.state.Standalone && j.On != 0 {
		j.General = append(j.General, postgresFinding(p.state.PostgreSQL, j.On)...)
	}
	if p.state.Standalone && p.state.Mattermost.Major < 11 && len(j.Steps) > 0 && j.On > day(2026, 8, 15) {
		p.general("destination.next", SeverityInfo, "destination",
			fmt.Sprintf("Mattermost %s is not the end of the way", p.state.Mattermost),
			fmt.Sprintf("plan on: standalone:%s to standalone:%s", p.state.Mattermost, RecommendedStandalone()))
	}
}

// expect makes room for the steps of a route and some around them, as Step is
// too large to be copied again and again.
func (p *planner) expect(releases int) {
	p.journey.Steps = slices.Grow(p.journey.Steps, releases+releases/3+2)
}

// add appends a step that goes from the present state to another, and moves
// there.
func (p *planner) add(s Step, to State) {
	s.From, s.To = p.state, to
	p.journey.Steps = append(p.journey.Steps, s)
	p.state = to
}

// notes sorts the rules of a hop into those that concern the installation or
// may, and the others.
func (p *planner) notes(product string, from, to Version) (notes, others []Note) {
	var few [32]*lazyRule
	chosen := p.rules.on(product, newHop(from, to), few[:0])
	if len(chosen) == 0 {
		return nil, nil
	}
	rules := completeRules(chosen)
	for i := range rules {
		n := Note{Rule: &rules[i], Applies: condition(rules[i].When).holds(p.facts)}
		if n.other() {
			others = append(others, n)
		} else {
			notes = append(notes, n)
		}
	}
	return notes, others
}

// other is true for what does not concern the installation, and for remarks of
// which nothing is known.
func (n Note) other() bool {
	quiet := n.Applies == "" && (n.Severity == SeverityInfo || n.Kind == "start")
	return n.Applies == No || quiet
}

// firstNineteen is the id of the step that installs the first GitLab without
// Mattermost.
func firstNineteen(steps []Step) string {
	for _, s := range steps {
		if s.Kind == StepGitLab && s.To.GitLab.Major >= 19 {
			return s.ID
		}
	}
	return ""
}
