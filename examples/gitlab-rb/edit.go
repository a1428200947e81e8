package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/rbedit"
)

const setUsage = `Usage: gitlab-rb set [flags] KEY VALUE
       gitlab-rb set [flags] -value-file FILE KEY

Makes a setting have a value: the last effective assignment is changed, or the
template's commented line comes to life, or a line is added behind its like.
Every other byte of the file stays. A setting made in a condition, loop or
method is refused. -n shows the difference and writes nothing.

VALUE is read as the setting expects it (true, 8065, text; JSON for lists and
hashes); -type says otherwise. A secret is given in a file, or on standard
input with -value-file -, never as an argument.

  gitlab-rb set -n mattermost_external_url https://mattermost.example.com
  gitlab-rb set -backup mattermost.enable false
  gitlab-rb set -value-file - mattermost.gitlab_secret < secret.txt
  gitlab-rb set mattermost.env.HTTP_PROXY http://proxy.example.com:3128

Flags:
`

const unsetUsage = `Usage: gitlab-rb unset [flags] KEY

Takes back every assignment of a setting, so that its default holds: the lines
become comments, or are deleted with -delete. Every other byte stays. A setting
that is not there is no error.

  gitlab-rb unset -n mattermost.gitlab_scope

Flags:
`

// edits are the flags of everything that writes.
type edits struct {
	dry, backup, json bool
	path              string
}

func (e *edits) flags(name, usage string, s cli.Streams) *flag.FlagSet {
	f := cli.Flags("gitlab-rb "+name, usage, s)
	f.StringVar(&e.path, "gitlab-rb", config.DefaultGitLabRB, "`file` to edit")
	f.BoolVar(&e.dry, "n", false, "show the difference, write nothing")
	f.BoolVar(&e.backup, "backup", false, "keep the old file beside the new one, with the time in its name")
	f.BoolVar(&e.json, "json", false, "print JSON")
	return f
}

func set(_ context.Context, args []string, s cli.Streams) error {
	var e edits
	f := e.flags("set", setUsage, s)
	kind := f.String("type", config.KindAuto, "kind of VALUE: auto, string, int, float, bool, nil, json")
	file := f.String("value-file", "", "`file` that holds the value; - is standard input")
	version := f.String("gitlab-version", newestBundle, "GitLab `version` that knows the setting")
	got, err := cli.Arguments(f, args, "KEY", "[VALUE]")
	if err != nil {
		return err
	}
	switch without := *file != "" || *kind == config.KindNil; {
	case without && len(got) == 2:
		return cli.Usagef("-value-file and -type nil take the place of VALUE: want KEY alone")
	case !without && len(got) == 1:
		return cli.Usagef("VALUE is missing: want KEY VALUE, or -value-file FILE KEY")
	}
	path, err := config.ParseKey(got[0])
	if err != nil {
		return cli.Usagef("%s", err)
	}
	text := ""
	switch {
	case *file != "":
		secret, err := readSecret("value", *file, s.In)
		if err != nil {
			return err
		}
		text = secret.Reveal()
	case len(got) == 2 && config.SecretKey(path):
		return cli.Usagef("%s holds a secret, which other users could see among the arguments: use -value-file", got[0])
	case len(got) == 2:
		text = got[1]
	}
	if err := cli.CheckGitLabVersion(*version); err != nil {
		return err
	}
	value, err := config.ParseValue(*version, *kind, path, text)
	if err != nil {
		return cli.Usagef("%s", err)
	}
	warnUnknown(s.Err, path, *version)
	return e.change(s, func(f *gitlabrb.File) (gitlabrb.Edit, error) { return f.Set(value, path...) })
}

func unset(_ context.Context, args []string, s cli.Streams) error {
	var e edits
	f := e.flags("unset", unsetUsage, s)
	remove := f.Bool("delete", false, "delete the lines instead of commenting them out")
	got, err := cli.Arguments(f, args, "KEY")
	if err != nil {
		return err
	}
	path, err := config.ParseKey(got[0])
	if err != nil {
		return cli.Usagef("%s", err)
	}
	warnUnknown(s.Err, path, newestBundle)
	mode := gitlabrb.CommentOut
	if *remove {
		mode = gitlabrb.DeleteLines
	}
	return e.change(s, func(f *gitlabrb.File) (gitlabrb.Edit, error) { return f.Unset(mode, path...) })
}

// newestBundle is the last GitLab with a Mattermost in it.
const newestBundle = "18.11"

// warnUnknown says what may be a slip of the pen. The edit is made all the
// same: a later GitLab may know the setting.
func warnUnknown(w io.Writer, path []string, version string) {
	if text := unknown(path, version); text != "" {
		fmt.Fprintf(w, "warning: %s: %s\n", gitlabrb.PathText(path...), text)
	}
}

// change makes one edit and reports it.
func (e *edits) change(s cli.Streams, do func(*gitlabrb.File) (gitlabrb.Edit, error)) error {
	f, err := rbedit.Open(e.path)
	if err != nil {
		return err
	}
	before := string(f.Bytes())
	edit, err := do(f)
	if err != nil {
		return err
	}
	var shadowed []string
	for _, p := range edit.Shadowed {
		shadowed = append(shadowed, p.String())
	}
	return e.finish(s, f, before, edit.Pos.String(), shadowed)
}

// finish writes the file, or shows what would change.
func (e *edits) finish(s cli.Streams, f *gitlabrb.File, before, where string, shadowed []string) error {
	diff := rbedit.Diff(e.path, before, string(f.Bytes()))
	backup := ""
	if !e.dry {
		var err error
		if backup, err = f.WriteFile(e.path, gitlabrb.WriteOptions{Backup: e.backup}); err != nil {
			return err
		}
	}
	if e.json {
		return cli.WriteJSON(s.Out, struct {
			File     string   `json:"file"`
			Changed  bool     `json:"changed"`
			Written  bool     `json:"written"`
			Where    string   `json:"where"`
			Shadowed []string `json:"shadowed"`
			Backup   string   `json:"backup,omitempty"`
			Diff     string   `json:"diff"`
		}{e.path, diff != "", diff != "" && !e.dry, where, append([]string{}, shadowed...), backup, diff})
	}
	var b strings.Builder
	switch {
	case diff == "":
		fmt.Fprintf(&b, "%s: nothing to change\n", e.path)
	case e.dry:
		b.WriteString(diff)
	default:
		fmt.Fprintf(&b, "%s: changed\n", where)
	}
	if backup != "" {
		fmt.Fprintf(&b, "old file: %s\n", backup)
	}
	if diff != "" && !e.dry && filepath.Base(e.path) == "gitlab.rb" {
		b.WriteString("next: gitlab-ctl reconfigure puts it into effect\n")
	}
	for _, at := range shadowed {
		fmt.Fprintf(&b, "%s: an earlier assignment of the same setting has no effect\n", at)
	}
	_, err := io.WriteString(s.Out, b.String())
	return err
}

// apply makes settings in a file, which is created when missing.
func (e edits) apply(path string, settings []config.Setting, s cli.Streams) error {
	e.path = path
	f, err := rbedit.OpenOrNew(path)
	if err != nil {
		return err
	}
	before, where := string(f.Bytes()), path
	var shadowed []string
	for _, setting := range settings {
		edit, err := f.Set(setting.Value, setting.Path...)
		if err != nil {
			return err
		}
		for _, p := range edit.Shadowed {
			shadowed = append(shadowed, p.String())
		}
	}
	return e.finish(s, f, before, where, shadowed)
}
