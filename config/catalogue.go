package config

import (
	"strconv"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/version"
)

//go:generate go run ./internal/gencatalogue

// release is a GitLab version as one number: 18.11.3 is 18_011_003. A line
// without a patch counts as its first release.
type release int

func releaseOf(v version.Version) release {
	return release(v.Major*1_000_000 + v.Minor*1_000 + max(v.Patch, 0))
}

// rel makes a release from its parts.
func rel(major, minor, patch int) release {
	return release(major*1_000_000 + minor*1_000 + patch)
}

// catalogueRow is one line of catalogue.tsv: one key in the range of versions
// in which its default and its place in config.json stayed the same.
type catalogueRow struct {
	hash, key, kind string
	def             string // JSON; "-" when the package gave the key no default
	from, to        release
	field           string // config.json field, before 11.0
	order           int    // position of the field in config.json
	variable        string // MM_ variable, from 11.0
	note            string
}

func (row *catalogueRow) holds(r release) bool { return row.from <= r && r <= row.to }

// value is the default as a fresh gitlabrb value.
func (row *catalogueRow) value() any {
	switch row.def {
	case "-", "null":
		return nil
	case "true":
		return true
	case "false":
		return false
	}
	switch d := row.def; {
	case d[0] == '"' && !strings.Contains(d, `\`):
		return d[1 : len(d)-1]
	case d == "[]":
		return []any{}
	case d == "{}":
		return &gitlabrb.Hash{}
	default:
		if n, err := strconv.ParseInt(d, 10, 64); err == nil {
			return n
		}
	}
	v, err := parseJSON("catalogue.tsv", []byte(row.def), len(row.def))
	if err != nil { // a test reads every row
		return nil
	}
	return v.ruby()
}
