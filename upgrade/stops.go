package upgrade

import (
	"slices"
	"sync"
)

// Stop is a GitLab line that an upgrade may not jump over.
type Stop struct {
	Line Version `json:"line"`
	// Enforced tells whether the package itself refuses to be installed on
	// anything older than this line (and newer than the stop before).
	Enforced bool `json:"enforced"`
	// When names the installations concerned; empty is all.
	When string `json:"when,omitempty"`
	// Announced is a stop of a release that is newer than the table.
	Announced bool `json:"announced,omitempty"`
}

// Stops returns GitLab's required stops, oldest first: the documented ones, of
// which the package enforces some, and the announced ones of 19.
func Stops() []Stop { return slices.Clone(requiredStops()) }

// requiredStops is Stops made once, at the first use; it is only read.
var requiredStops = sync.OnceValue(makeStops)

func makeStops() []Stop {
	stop := func(major int, minors ...int) (list []Stop) {
		for _, minor := range minors {
			list = append(list, Stop{Line: line(major, minor)})
		}
		return list
	}
	stops := slices.Concat(
		stop(8, 11, 12, 17), stop(9, 5), stop(10, 0, 8), stop(11, 0, 11), stop(12, 0, 1, 10),
		stop(13, 0, 1, 8, 12), stop(14, 0, 3, 9, 10), stop(15, 0, 4, 11), stop(16, 3, 7, 11),
		stop(17, 1, 3, 5, 8, 11), stop(18, 2, 5, 8, 11), stop(19, 2, 5, 8, 11),
	)
	for i := range stops {
		s := &stops[i]
		s.Enforced = slices.ContainsFunc(floors[:], func(f floor) bool { return f.from() == s.Line })
		if s.Line == line(17, 1) {
			s.When = "uses:ci-messages"
		}
		_, last := lineOf(s.Line)
		s.Announced = last == 0
	}
	return stops
}

// floor is what a GitLab package checks before it installs itself: from the
// first line on it must come from at least the second, and the PostgreSQL
// server must be at least this old ("" for no check).
type floor struct {
	major, minor         uint8
	fromMajor, fromMinor uint8
	postgres             string
}

func (f floor) from() Version { return line(int(f.fromMajor), int(f.fromMinor)) }

// floors are the checks of the package's pre-installation script.
var floors = [...]floor{
	{10, 0, 9, 5, ""},
	{11, 0, 10, 8, ""},
	{12, 0, 11, 11, "9.6"},
	{13, 0, 12, 10, "11"},
	{13, 1, 13, 0, "11"},
	{14, 0, 13, 12, "12"},
	{14, 1, 14, 0, "12"},
	{15, 0, 14, 10, "12"},
	{15, 1, 15, 0, "12"},
	{16, 0, 15, 11, "13"},
	{16, 4, 16, 3, "13"},
	{16, 8, 16, 7, "13"},
	{17, 0, 16, 11, "14"},
	{17, 4, 17, 3, "14"},
	{17, 6, 17, 5, "14"},
	{17, 9, 17, 8, "14"},
	{18, 0, 17, 11, "16"},
	{18, 3, 18, 2, "16"},
	{18, 6, 18, 5, "16"},
	{18, 9, 18, 8, "16"},
	{19, 0, 18, 11, "17"},
	{19, 3, 19, 2, "17"},
}

// floorOf returns the floor that a package of this version enforces; zero
// before 10.0.
func floorOf(gitlab Version) floor {
	for i := len(floors) - 1; i >= 0; i-- {
		if f := &floors[i]; gitlab.Major > int(f.major) || gitlab.Major == int(f.major) && gitlab.Minor >= int(f.minor) {
			return *f
		}
	}
	return floor{}
}

// earlyStops are the lines that Mattermost itself asks for before 8.9: up to
// 3.0 its server refused to skip a version, and the rebuild to 3.1 starts from
// 8.8.
func earlyStops() []Version {
	return []Version{
		line(8, 0), line(8, 1), line(8, 2), line(8, 3), line(8, 4), line(8, 5), line(8, 6), line(8, 8),
	}
}

// OldestPostgreSQL returns the oldest PostgreSQL major ("9.6", "17") that the
// package of a GitLab version lets itself be installed on; "" before 12.0,
// which did not check.
func OldestPostgreSQL(gitlab Version) string { return floorOf(gitlab).postgres }

// OldestPostgreSQLFor returns the oldest PostgreSQL major that a Mattermost
// version runs on. Servers check it at their start from 5.37 on.
func OldestPostgreSQLFor(mattermost Version) string { return postgresFloor(mattermost) }

// postgresFloor is the oldest PostgreSQL that a Mattermost version runs on.
func postgresFloor(mattermost Version) string {
	for _, f := range []struct {
		since    Version
		postgres string
	}{
		{line(11, 0), "14"}, {line(10, 6), "13"}, {line(8, 0), "11"}, {line(5, 30), "10"},
	} {
		if mattermost.AtLeast(f.since) {
			return f.postgres
		}
	}
	return "9.4"
}

// esrStops are the extended support releases that a standalone Mattermost
// climbs: one to the next is what Mattermost tests. Anything older than 5.37
// goes there first.
func esrStops() []Version {
	var list []Version
	for _, e := range supportTable {
		if v := line(int(e.major), int(e.minor)); e.esr && v.AtLeast(line(5, 37)) {
			list = append(list, v)
		}
	}
	return list
}
