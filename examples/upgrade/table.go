package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/upgrade"
)

const versionUsage = `upgrade version V [-date DAY] [-json]

Says which Mattermost and PostgreSQL the package of GitLab V carries: of an
exact release ("17.6.1", "17.6.1-ce.0"), or of a line ("17.6", "GitLab 17.6")
its first and its newest.

  $ upgrade version 17.6

`

func runVersion(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("upgrade version", versionUsage, s)
	asJSON := f.Bool("json", false, "print JSON")
	on := dateFlag(f)
	v, err := parseVersion(f, args)
	if err != nil {
		return err
	}
	b, err := upgrade.BundledIn(v)
	if err != nil {
		return err
	}
	findings := b.Findings(on.date)
	if *asJSON {
		return cli.WriteJSON(s.Out, struct {
			upgrade.Bundle
			Findings []upgrade.Finding `json:"findings"`
		}{b, findings})
	}
	if err := printRelease(s.Out, b.First); err != nil {
		return err
	}
	if b.Last != b.First {
		if err := printRelease(s.Out, b.Last); err != nil {
			return err
		}
	}
	return printFindings(s.Out, findings)
}

func printRelease(w io.Writer, r upgrade.Release) error {
	text := "no Mattermost"
	if r.HasMattermost() {
		text = "Mattermost " + r.Mattermost.String()
	}
	if r.PostgreSQL != "" {
		text += ", PostgreSQL " + r.PostgreSQL
	}
	_, err := fmt.Fprintf(w, "GitLab %-8s %s  %s\n", r.GitLab, r.Date, text)
	return err
}

func printFindings(w io.Writer, list []upgrade.Finding) error {
	for _, f := range list {
		if _, err := fmt.Fprintf(w, "%s: %s: %s: %s\n  → %s\n", f.Severity, f.ID, f.Where, f.Message, f.Fix); err != nil {
			return err
		}
	}
	return nil
}

const bundlersUsage = `upgrade bundlers V [-json]

Says which GitLab packages carry Mattermost V, exact ("9.11.4") or any of a
line ("9.11").

  $ upgrade bundlers 10.11.12

`

func runBundlers(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("upgrade bundlers", bundlersUsage, s)
	asJSON := f.Bool("json", false, "print JSON")
	v, err := parseVersion(f, args)
	if err != nil {
		return err
	}
	ranges, err := upgrade.Bundlers(v.String())
	if err != nil {
		return err
	}
	if *asJSON {
		return cli.WriteJSON(s.Out, ranges)
	}
	for _, r := range ranges {
		if _, err := fmt.Fprintf(s.Out, "GitLab %s\n", r); err != nil {
			return err
		}
	}
	return nil
}

const tableUsage = `upgrade table [-minor] [-csv | -json | -markdown]

Prints every GitLab release with the Mattermost and PostgreSQL in its package
and the day of its tag. With -minor one row for each line: its first and its
newest release.

  $ upgrade table -minor -markdown > table.md

`

func runTable(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("upgrade table", tableUsage, s)
	minor := f.Bool("minor", false, "one row for each line instead of each release")
	asCSV := f.Bool("csv", false, "print CSV")
	asJSON := f.Bool("json", false, "print JSON")
	asMarkdown := f.Bool("markdown", false, "print a Markdown table")
	if _, err := cli.Arguments(f, args); err != nil {
		return err
	}
	if err := cli.Exclusive(f, "csv", "json", "markdown"); err != nil {
		return err
	}
	if *asJSON {
		return tableJSON(s.Out, *minor)
	}
	header, rows := tableRows(*minor)
	switch {
	case *asCSV:
		w := csv.NewWriter(s.Out)
		if err := w.Write(header); err != nil {
			return err
		}
		return w.WriteAll(rows)
	case *asMarkdown:
		return tableMarkdown(s.Out, header, rows)
	}
	for _, row := range append([][]string{header}, rows...) {
		last := len(row) - 1
		for _, cell := range row[:last] {
			if _, err := fmt.Fprintf(s.Out, "%-12s", cell); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(s.Out, row[last]); err != nil {
			return err
		}
	}
	return nil
}

func tableJSON(w io.Writer, minor bool) error {
	if minor {
		var lines []upgrade.Bundle
		for b := range upgrade.Lines() {
			lines = append(lines, b)
		}
		return cli.WriteJSON(w, lines)
	}
	var releases []upgrade.Release
	for r := range upgrade.Releases() {
		releases = append(releases, r)
	}
	return cli.WriteJSON(w, releases)
}

func tableRows(minor bool) (header []string, rows [][]string) {
	mattermost := func(r upgrade.Release) string {
		if !r.HasMattermost() {
			return "none"
		}
		return r.Mattermost.String()
	}
	if minor {
		for b := range upgrade.Lines() {
			rows = append(rows, []string{b.Asked.String(), mattermost(b.First), b.Last.GitLab.String(), mattermost(b.Last), b.First.Date.String(), dash(b.First.PostgreSQL)})
		}
		return []string{"gitlab", "mattermost", "newest", "mattermost", "date", "postgresql"}, rows
	}
	for r := range upgrade.Releases() {
		rows = append(rows, []string{r.GitLab.String(), mattermost(r), r.Date.String(), dash(r.PostgreSQL)})
	}
	return []string{"gitlab", "mattermost", "date", "postgresql"}, rows
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func tableMarkdown(w io.Writer, header []string, rows [][]string) error {
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = "---"
	}
	for _, row := range append([][]string{header, rule}, rows...) {
		text := "|"
		for _, cell := range row {
			text += " " + cell + " |"
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}
