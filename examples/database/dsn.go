package main

import (
	"context"
	"fmt"

	"github.com/gitlab-mattermost/sdk/database"
	"github.com/gitlab-mattermost/sdk/internal/cli"
)

const dsnHelp = `Usage: database dsn [flags]

Reads a connection string in either form, checks it for Mattermost and shows it in both, with the
password masked. -url and -keyword print one form alone, with the password, for a file or a pipe.
It connects to nothing. Exit status 3 when a finding is an error.

  database dsn -dsn-file dsn
  database dsn -dsn-file dsn -url > dsn.url

`

func dsn(_ context.Context, args []string, s cli.Streams) error {
	f := cli.Flags("dsn", dsnHelp, s)
	var c connection
	c.flags(f, "", "Mattermost's database")
	asURL := f.Bool("url", false, "print the URL form alone, with the password")
	asKeyword := f.Bool("keyword", false, "print the keyword form alone, with the password")
	asJSON := f.Bool("json", false, "print JSON")
	if err := cli.Parse(f, args); err != nil {
		return err
	}
	if err := noArguments(f); err != nil {
		return err
	}
	text := c.dsn
	var err error
	switch {
	case c.dsn != "" && c.file != "":
		return cli.Usagef("-dsn and -dsn-file exclude each other")
	case c.file != "":
		if text, err = firstLine(c.file, s.In); err != nil {
			return err
		}
	case c.dsn == "":
		text = database.Default("").Keyword().Reveal()
	}
	findings := database.Lint(text, "data source")
	d, err := database.ParseDSN(text)
	switch {
	case err != nil && len(findings) == 0, err != nil && (*asURL || *asKeyword):
		return err
	case *asURL:
		_, err = fmt.Fprintln(s.Out, d.URL().Reveal())
		return err
	case *asKeyword:
		_, err = fmt.Fprintln(s.Out, d.Keyword().Reveal())
		return err
	}
	if *asJSON {
		out := map[string]any{"findings": append([]database.Finding{}, findings...)}
		if err == nil {
			out["keyword"], out["url"], out["database"], out["user"] = d.String(), d.RedactedURL(), d.Database, d.User
		}
		if err := cli.WriteJSON(s.Out, out); err != nil {
			return err
		}
	} else {
		if err == nil {
			fmt.Fprintf(s.Out, "keyword  %s\nurl      %s\n", d, d.RedactedURL())
		}
		printFindings(s.Out, findings)
	}
	if database.HasErrors(findings) {
		return cli.ErrFindings
	}
	return nil
}
