package upgrade

import (
	"fmt"
	"slices"
)

// gitlabRoute returns the GitLab releases to install one after the other to
// get from one release to another: every stop in between, and the destination.
//
// The rules, in this order:
//  1. GitLab never goes back.
//  2. Every required stop between the two lines is visited; conditional ones
//     only when the facts say so.
//  3. Before 8.9 every line that brings a new Mattermost is visited, then 8.8.
//  4. A stop is taken at its newest patch, unless that carries a newer
//     Mattermost than what follows; then at the newest that does not.
//  5. 18.11.7 and 18.11.8 are left for the newest 18.11 before 19.0.
func gitlabRoute(from, to Release, stops []Stop, facts *Facts) ([]Release, error) {
	if to.GitLab == from.GitLab {
		return nil, nil
	}
	if to.GitLab.Compare(from.GitLab) < 0 {
		return nil, fmt.Errorf("GitLab cannot go back from %s to %s: restore a backup of %s instead", from.GitLab, to.GitLab, to.GitLab)
	}
	lines := stopLines(from, to, stops, facts)
	route := append(make([]Release, 0, len(lines)+2), to)
	for _, l := range slices.Backward(lines) {
		route = append(route, stopRelease(l, route[len(route)-1]))
	}
	slices.Reverse(route)
	if badCheck(from.GitLab) && route[0].GitLab.Major >= 19 {
		route = slices.Insert(route, 0, newestBundle())
	}
	return route, nil
}

// badCheck: the package's own check of these releases fails or does damage
// before an upgrade to 19.
func badCheck(gitlab Version) bool {
	return gitlab == patch(18, 11, 7) || gitlab == patch(18, 11, 8)
}

// stopLines are the lines strictly between two releases that must be visited.
func stopLines(from, to Release, stops []Stop, facts *Facts) []Version {
	lines := make([]Version, 0, len(stops))
	between := func(v Version) bool {
		return v.Compare(from.GitLab.Line()) > 0 && v.Compare(to.GitLab.Line()) < 0
	}
	for _, v := range earlyStops() {
		if between(v) {
			lines = append(lines, v)
		}
	}
	if first := line(8, 9); len(lines) > 0 && between(first) {
		lines = append(lines, first)
	} else if between(first) && from.GitLab.Line() == line(8, 8) {
		lines = append(lines, first)
	}
	for _, s := range stops {
		if between(s.Line) && condition(s.When).holds(facts) == Yes {
			lines = append(lines, s.Line)
		}
	}
	return lines
}

// stopRelease chooses the patch of a stop before next.
func stopRelease(stop Version, next Release) Release {
	first, end := lineOf(stop)
	if end == 0 {
		return Release{GitLab: stop}
	}
	for i := end - 1; i >= first; i-- {
		r := gitlabTable[i].release()
		if !next.HasMattermost() || r.Mattermost.Compare(next.Mattermost) <= 0 {
			return r
		}
	}
	return gitlabTable[first].release() // a downgrade that no patch avoids; the hop says so
}

// duplicateKey are the Mattermost releases that cannot follow 10.11.16 and
// later.
func duplicateKey() []Range {
	return []Range{
		{patch(11, 0, 0), patch(11, 6, 4)}, {patch(11, 7, 0), patch(11, 7, 2)}, {patch(11, 8, 0), patch(11, 8, 0)},
	}
}

// mattermostRoute returns the versions to install one after the other to get a
// standalone Mattermost from one version to another.
//
// The rules: it never goes back; what is older than 5.37 goes there first;
// from there one extended support release to the next, as Mattermost tests it
// (which passes 7.1, the documented minimum); a stop is taken at its newest
// known patch, except that 10.11 is taken at 10.11.15 when the destination
// cannot follow a later one.
func mattermostRoute(from, to Version) ([]Version, error) {
	to = newestPatch(to)
	if to == from {
		return nil, nil
	}
	if from.AtLeast(to) {
		if !to.HasPatch() && from.Line() == to {
			return nil, nil
		}
		return nil, fmt.Errorf("cannot go back from Mattermost %s to %s: restore a backup of %s instead (an older server on a newer database starts and loses settings)", from, to, to)
	}
	if !from.AtLeast(line(3, 0)) {
		return nil, fmt.Errorf("a server of Mattermost %s cannot be upgraded by its successors: rebuild it to 3.1 with GitLab 8.9 first", from)
	}
	var route []Version
	for _, stop := range esrStops() {
		if stop.Compare(from.Line()) > 0 && stop.Compare(to.Line()) < 0 {
			v := newestPatch(stop)
			if stop == line(10, 11) && within(to, duplicateKey()) {
				v = patch(10, 11, 15)
			}
			route = append(route, v)
		}
	}
	return append(route, to), nil
}
