package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func TestDispatchLeadsToTheHelpOfTheCommandThatWasCalledWrongly(t *testing.T) {
	commands := []cli.Command{
		{Name: "good", Run: func(context.Context, []string, cli.Streams) error { return nil }},
		{Name: "wrong", Run: func(_ context.Context, args []string, s cli.Streams) error {
			_, err := cli.Arguments(cli.Flags("", "", s), args, "FILE")
			return err
		}},
		{Name: "deep", Run: func(context.Context, []string, cli.Streams) error {
			return fmt.Errorf("deep: %w", cli.Usagef("bad value"))
		}},
		{Name: "broken", Run: func(context.Context, []string, cli.Streams) error { return errors.New("no such file") }},
	}
	for _, c := range []struct {
		reason string
		args   []string
		code   int
		out    string
		words  string
	}{
		{"a command runs with what follows it", []string{"good", "x"}, 0, "", ""},
		{"help is asked for", []string{"-h"}, 0, "HELP", ""},
		{"help is asked for by a word", []string{"help"}, 0, "HELP", ""},
		{"nothing is asked for", nil, 2, "", "prog: a command is missing: good, wrong, deep or broken\nRun 'prog -h' for help.\n"},
		{"there is no such command", []string{"x"}, 2, "", "prog: unknown command \"x\": want good, wrong, deep or broken\nRun 'prog -h' for help.\n"},
		{"a wrong call inside a command", []string{"wrong"}, 2, "", "prog wrong: want FILE, got 0 arguments\nRun 'prog wrong -h' for help.\n"},
		{"a wrong flag inside a command", []string{"wrong", "-x"}, 2, "", "prog wrong: flag provided but not defined: -x\nRun 'prog wrong -h' for help.\n"},
		{"a wrong call that was wrapped", []string{"deep"}, 2, "", "prog deep: bad value\nRun 'prog deep -h' for help.\n"},
		{"an error of the world", []string{"broken"}, 1, "", "prog: no such file\n"},
	} {
		var out, words bytes.Buffer
		s := cli.Streams{Out: &out, Err: &words}
		code := cli.Code("prog", cli.Dispatch(context.Background(), "prog", "HELP", commands, c.args, s), &words)
		if code != c.code || out.String() != c.out || words.String() != c.words {
			t.Errorf("%s: exit %d, output %q, words %q", c.reason, code, out.String(), words.String())
		}
	}
}

func TestArgumentsStandAnywhereAndAreCounted(t *testing.T) {
	for _, c := range []struct {
		reason string
		args   []string
		names  []string
		want   []string
		words  string
	}{
		{"flags before", []string{"-n", "a", "b"}, []string{"A", "B"}, []string{"a", "b"}, ""},
		{"flags between", []string{"a", "-n", "b"}, []string{"A", "B"}, []string{"a", "b"}, ""},
		{"flags behind", []string{"a", "b", "-n"}, []string{"A", "B"}, []string{"a", "b"}, ""},
		{"after -- all are arguments", []string{"--", "-n", "b"}, []string{"A", "B"}, []string{"-n", "b"}, ""},
		{"-- behind an argument", []string{"a", "--", "-n"}, []string{"A", "B"}, []string{"a", "-n"}, ""},
		{"one too few", []string{"a"}, []string{"A", "B"}, nil, "want A and B, got 1 argument"},
		{"one too many is not repeated, it may be a secret", []string{"a", "hunter2"}, []string{"A"}, nil, "want A, got 2 arguments"},
		{"none is wanted", []string{"a"}, nil, nil, "want flags only, got 1 argument"},
		{"the last may be left out", []string{"a"}, []string{"A", "[B]"}, []string{"a"}, ""},
		{"and may be given", []string{"a", "b"}, []string{"A", "[B]"}, []string{"a", "b"}, ""},
		{"but no more", []string{"a", "b", "c"}, []string{"A", "[B]"}, nil, "want A and [B], got 3 arguments"},
		{"the last may be many", []string{"a", "b", "c"}, []string{"A", "B..."}, []string{"a", "b", "c"}, ""},
		{"but not none", []string{"a"}, []string{"A", "B..."}, nil, "want A and B..., got 1 argument"},
		{"the only one may be left out", nil, []string{"[A]"}, nil, ""},
	} {
		f := cli.Flags("cmd", "", cli.Streams{})
		f.Bool("n", false, "")
		got, err := cli.Arguments(f, c.args, c.names...)
		words := ""
		if err != nil {
			words = err.Error()
		}
		if !slices.Equal(got, c.want) || words != c.words {
			t.Errorf("%s: %q, %q", c.reason, got, words)
		}
	}
}

func TestFlagsThatDoNotGoTogetherAreRefused(t *testing.T) {
	for _, c := range []struct {
		reason string
		args   []string
		words  string
	}{
		{"none", nil, ""},
		{"one", []string{"-json"}, ""},
		{"two", []string{"-csv", "-json"}, "-json and -csv exclude each other"},
		{"one of them is switched off", []string{"-csv=false", "-json"}, ""},
		{"a flag with the one that it belongs to", []string{"-make", "-out", "x"}, ""},
		{"a flag without the one that it belongs to", []string{"-out", "x"}, "-out goes with -make only"},
		{"the one that it belongs to is switched off", []string{"-make=false", "-out", "x"}, "-out goes with -make only"},
	} {
		f := cli.Flags("cmd", "", cli.Streams{})
		f.Bool("json", false, "")
		f.Bool("csv", false, "")
		f.Bool("make", false, "")
		f.String("out", "", "")
		if err := cli.Parse(f, c.args); err != nil {
			t.Fatal(err)
		}
		words := ""
		for _, err := range []error{cli.Exclusive(f, "json", "csv"), cli.Needs(f, "make", "out")} {
			if err != nil {
				words += err.Error()
			}
		}
		if words != c.words {
			t.Errorf("%s: %q, want %q", c.reason, words, c.words)
		}
	}
}

func TestOnlyVersionsOfGitLabWithAMattermostPass(t *testing.T) {
	for text, want := range map[string]string{
		"18.11":     "",
		"7.14":      "",
		"7.14.0":    "",
		"19.3":      "",
		"17.6.1-ce": "",
		"7.13.5":    "-gitlab-version 7.13.5: Mattermost came with 7.14, nothing is known before it",
		"zz":        `-gitlab-version: version "zz": want MAJOR.MINOR or MAJOR.MINOR.PATCH, for example 18.11.3`,
	} {
		words := ""
		if err := cli.CheckGitLabVersion(text); err != nil {
			words = err.Error()
		}
		if words != want {
			t.Errorf("%s: %q, want %q", text, words, want)
		}
	}
}
