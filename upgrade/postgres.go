package upgrade

import (
	"cmp"
	"strconv"
	"strings"
)

// postgresMajor is the major version as people say it: "9.6", "16".
func postgresMajor(v Version) string {
	switch {
	case v.IsZero():
		return ""
	case v.Major < 10:
		return v.Line().String()
	}
	return strconv.Itoa(v.Major)
}

// comparePostgres orders major versions; "" (unknown) is the lowest.
func comparePostgres(a, b string) int { return cmp.Compare(postgresRank(a), postgresRank(b)) }

// postgresRank reads the leading digits of a version: 906 for "9.6", 1600 for
// "16.14" and "16"; 0 for no version.
func postgresRank(text string) int {
	major, minor, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	n *= 100
	if n < 1000 {
		m, _ := strconv.Atoi(minor)
		n += m
	}
	return n
}

// majorOf cuts a version down to its major: "16.14" is "16", "9.6.11" is "9.6".
func majorOf(text string) string {
	major, rest, _ := strings.Cut(text, ".")
	if len(major) > 1 {
		return major
	}
	minor, _, _ := strings.Cut(rest, ".")
	return text[:len(major)+1+len(minor)]
}

// carries reports whether a package has a PostgreSQL of this major.
func carries(r Release, major string) bool {
	for text := range strings.SplitSeq(r.PostgreSQL, ",") {
		if text != "" && majorOf(text) == major {
			return true
		}
	}
	return false
}

// defaultMajor is the major that a fresh installation of this package runs.
func defaultMajor(r Release) string {
	first, _, _ := strings.Cut(r.PostgreSQL, ",")
	if first == "" {
		return ""
	}
	return majorOf(first)
}

// nextMajor returns the PostgreSQL major that must run before the hop from one
// package to the next: the running one when the next package accepts and
// carries it, else the lowest major of the present package that the next one
// accepts and carries. ok is false when no major serves.
func nextMajor(running string, at, next Release) (major string, ok bool) {
	need := floorOf(next.GitLab).postgres
	fits := func(m string) bool {
		return comparePostgres(m, need) >= 0 && (next.PostgreSQL == "" || carries(next, m))
	}
	choice := strings.Contains(next.PostgreSQL, ",") || next.PostgreSQL == ""
	if running == "" && need == "" && choice || fits(running) {
		return running, true
	}
	for text := range strings.SplitSeq(at.PostgreSQL, ",") {
		if text == "" {
			break
		}
		m := majorOf(text)
		if comparePostgres(m, running) > 0 && fits(m) && (major == "" || comparePostgres(m, major) < 0) {
			major, ok = m, true
		}
	}
	return major, ok
}
