package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/english"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

// output says where an environment goes and how.
type output struct {
	format, out string
	json, dry   bool
}

// formats are the words that -format takes.
const formats = "envdir chpst systemd systemd-dropin shell docker compose kubernetes operator gitlab.rb json"

const formatHelp = "`format`: envdir (as GitLab wrote it), chpst (an env directory that loses nothing), systemd, systemd-dropin, shell, docker, compose, kubernetes, operator, gitlab.rb or json"

// variable is a variable as it is shown: secrets masked.
type variable struct {
	Name   string  `json:"name"`
	Value  *string `json:"value"`
	Secret bool    `json:"secret"`
	Origin string  `json:"origin"`
}

func shown(e *envmap.Environment) []variable {
	list := []variable{}
	for v := range e.All() {
		x := variable{Name: v.Name, Secret: v.Show() == redact.Mask, Origin: v.Origin.Kind}
		if v.Origin.Where != "" {
			x.Origin += " " + v.Origin.Where
		}
		if text, ok := v.Text(); ok {
			if x.Secret {
				text = redact.Mask
			}
			x.Value = &text
		}
		list = append(list, x)
	}
	return list
}

// list prints variables for people.
func list(w io.Writer, e *envmap.Environment) {
	for v := range e.All() {
		fmt.Fprintf(w, "%s = %s\n", v.Name, v.Show())
	}
}

// check refuses what cannot be written before anything is read.
func (o output) check(f *flag.FlagSet) error {
	switch {
	case o.format != "" && !slices.Contains(strings.Fields(formats), o.format):
		return cli.Usagef("-format %q: want one of %s", o.format, formats)
	case o.format == "" && o.out != "":
		return cli.Usagef("-out needs -format")
	case o.out == "" && (o.format == "envdir" || o.format == "chpst"):
		return cli.Usagef("-format %s needs -out DIRECTORY", o.format)
	case o.out == "-" && (o.format == "envdir" || o.format == "chpst"):
		return cli.Usagef("-format %s is a directory of files, which standard output cannot take", o.format)
	}
	return cli.Exclusive(f, "json", "format")
}

// write puts an environment where the flags say. Without -format the variables
// are listed with secrets masked; with it they are complete.
func (o output) write(e *envmap.Environment, s cli.Streams) error {
	switch {
	case o.format == "":
		list(s.Out, e)
		return nil
	case o.format == "envdir":
		plan, err := e.PlanDir(o.out)
		if err := o.directory(plan, err, s); err != nil {
			return err
		}
		printFindings(s.Out, e.DirLosses())
		return nil
	case o.format == "chpst":
		files, err := e.EncodeDir()
		if err != nil {
			return err
		}
		plan, err := envmap.PlanFiles(o.out, files)
		return o.directory(plan, err, s)
	}
	var text []byte
	var err error
	if o.format == "operator" {
		var m *envmap.OperatorManifest
		if m, err = envmap.Operator(e, envmap.OperatorOptions{}); err == nil {
			text = m.Text
			for _, l := range m.NotCarried {
				fmt.Fprintf(s.Err, "not carried: %s: %s\n", l.Key, l.Reason)
			}
			printFindings(s.Err, m.Findings)
		}
	} else {
		text, err = e.Encode(envmap.Format(o.format))
	}
	if err != nil {
		return err
	}
	return o.file(text, s)
}

// file writes a text that may hold secrets.
func (o output) file(text []byte, s cli.Streams) error {
	if o.out == "" || o.out == "-" {
		_, err := s.Out.Write(text)
		return err
	}
	if o.dry {
		fmt.Fprintf(s.Out, "would write %s (%s, mode 0600)\n", o.out, english.Count(len(text), "byte"))
		return nil
	}
	if err := atomicfile.WriteFile(o.out, text, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "wrote %s (mode 0600)\n", o.out)
	return nil
}

func (o output) directory(plan *envmap.DirPlan, err error, s cli.Streams) error {
	if err != nil {
		return err
	}
	verb := "wrote"
	if o.dry {
		verb = "would write"
	} else if err := plan.Apply(); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%s %s: %s new or changed, %d removed, %d unchanged\n", verb, o.out, english.Count(len(plan.Write), "file"), len(plan.Remove), len(plan.Unchanged))
	return nil
}

// readFile reads a bounded regular file.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, errors.Unwrap(err))
	}
	if !info.Mode().IsRegular() || info.Size() > 16<<20 {
		return nil, fmt.Errorf("read %s: not a plain file of at most 16 MiB", path)
	}
	return os.ReadFile(path)
}
