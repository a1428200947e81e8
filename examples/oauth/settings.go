package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/atomicfile"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/rbedit"
	"github.com/gitlab-mattermost/sdk/oauth"
)

// output is where the settings go.
type output struct{ file, format, gitlabRB string }

func (o *output) flags(f *flag.FlagSet) {
	f.StringVar(&o.file, "out", "", "write the settings with the secret to `FILE` (mode 0600) instead of printing the secret once")
	f.StringVar(&o.format, "format", "env", "`FORMAT` of the settings: env (MM_ variables) or gitlab.rb")
	f.StringVar(&o.gitlabRB, "gitlab-rb", "", "make the settings in `FILE`, a gitlab.rb of GitLab up to 18.11; every other byte stays, and so does the old file, with the time in its name; -n shows the difference")
}

func (o *output) check(f *flag.FlagSet) error {
	if o.format != "env" && o.format != "gitlab.rb" {
		return cli.Usagef("-format %q: want env or gitlab.rb", o.format)
	}
	return cmp.Or(cli.Exclusive(f, "gitlab-rb", "out"), cli.Exclusive(f, "gitlab-rb", "format"))
}

// sink takes the settings: a file of their own, a gitlab.rb, or neither.
type sink struct {
	output
	file *atomicfile.File
	rb   *gitlabrb.File
}

// prepare tries what can fail before anything is registered: a secret that
// cannot be written afterwards would be lost.
func (o *output) prepare() (*sink, error) {
	s := &sink{output: *o}
	var err error
	switch {
	case o.gitlabRB != "":
		s.rb, err = o.openGitLabRB()
	case o.file != "":
		s.file, err = o.create()
	}
	if err != nil {
		return nil, fmt.Errorf("%w; nothing was changed", err)
	}
	return s, nil
}

// create opens a file of its own. An existing one is replaced only when it
// holds nothing but such settings.
func (o *output) create() (*atomicfile.File, error) {
	old, err := os.ReadFile(o.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for i, line := range strings.Split(string(old), "\n") {
		if line != "" && !strings.HasPrefix(line, "MM_GITLABSETTINGS_") && !strings.HasPrefix(line, "mattermost['gitlab_") {
			return nil, fmt.Errorf("%s: line %d is no GitLab login setting; give a file of its own", o.file, i+1)
		}
	}
	return atomicfile.Create(o.file, 0o600)
}

// openGitLabRB reads the file to edit, once the edit was tried on a copy and a
// file could be made beside it.
func (o *output) openGitLabRB() (*gitlabrb.File, error) {
	trial, err := rbedit.Open(o.gitlabRB)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; -format gitlab.rb -out FILE writes a new one", err)
	}
	if err != nil {
		return nil, err
	}
	if err := setAll(trial, placeholders(oauth.Endpoints{Authorize: "-", Token: "-", UserAPI: "-"})); err != nil {
		return nil, err
	}
	beside, err := atomicfile.Create(o.gitlabRB, 0o600)
	if err != nil {
		return nil, err
	}
	beside.Cancel()
	return rbedit.Open(o.gitlabRB)
}

// twoSteps is how the settings come into a gitlab.rb by the database route.
const twoSteps = "on GitLab's server gitlab-psql may use the database and only root the gitlab.rb, so take two steps: " +
	"'sudo -E -u gitlab-psql oauth ... -route database -format gitlab.rb -out FILE', then as root add FILE's lines to the end of gitlab.rb"

// rights adds to a refusal of the gitlab.rb what helps. The refusal is not
// wrapped by the database route: the advice to use sudo would be wrong there.
func (o *output) rights(route string, err error) error {
	if route != "database" || o.gitlabRB == "" || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%v; %s", err, twoSteps)
}

// placeholders are settings before GitLab has said id and secret.
func placeholders(ends oauth.Endpoints) oauth.Settings {
	return oauth.SettingsFor(oauth.Credentials{ID: "ID-FROM-GITLAB", Secret: "SECRET-FROM-GITLAB"}, oauth.Application{}, ends)
}

// setAll makes the settings in a gitlab.rb: the very lines that a file of their
// own would hold, each at its place.
func setAll(f *gitlabrb.File, settings oauth.Settings) error {
	lines, err := settings.GitlabRB()
	if err != nil {
		return err
	}
	result, err := gitlabrb.Evaluate("settings", []byte(lines.Reveal()), gitlabrb.Options{})
	if err != nil {
		return fmt.Errorf("read the settings back: %w", err)
	}
	for _, a := range result.Assignments {
		if _, err := f.Set(a.Value, a.Path...); err != nil {
			return err
		}
	}
	return nil
}

// preview shows what a plan would do to the gitlab.rb.
func (o *output) preview(t *target, p oauth.Plan) error {
	w := t.streams.Out
	if t.json {
		w = t.streams.Err // the plan alone is for programs
	}
	ends, err := oauth.EndpointsOf(t.gitlab, oauth.Version{})
	if err != nil {
		return err
	}
	f, err := rbedit.Open(o.gitlabRB)
	if err != nil {
		return err
	}
	settings := placeholders(ends)
	settings.Scope = p.Order.Want.ScopeText()
	fresh := slices.ContainsFunc(p.Steps, func(s oauth.Step) bool {
		return s.Verb == "create" || s.Verb == "renew-secret" || s.Verb == "by-hand"
	})
	switch {
	case len(p.Found) > 0 && !fresh && p.Order.Credentials.Secret == "":
		_, err := fmt.Fprintf(w, "would leave %s alone: %s\n", o.gitlabRB, noSecret)
		return err
	case len(p.Found) > 0 && !slices.ContainsFunc(p.Steps, func(s oauth.Step) bool { return s.Verb == "create" }):
		settings.ID = p.Found[0].ID
	case p.Order.Credentials.ID != "":
		settings.ID = p.Order.Credentials.ID
	}
	before := string(f.Bytes())
	if err := setAll(f, settings); err != nil {
		return err
	}
	diff := rbedit.Diff(o.gitlabRB, before, string(f.Bytes()))
	if diff == "" {
		diff = o.gitlabRB + ": nothing to change\n"
	}
	_, err = io.WriteString(w, diff)
	return err
}

// noSecret is why there may be no settings to write.
const noSecret = "GitLab does not show the secret again; give it with -secret-file, or make a new one with 'oauth renew-secret'"

// cancel gives up what prepare opened; after write it does nothing.
func (s *sink) cancel() {
	if s != nil && s.file != nil {
		s.file.Cancel()
	}
}

// write puts the settings where they belong, or on standard output.
func (s *sink) write(t *target, settings oauth.Settings) error {
	var err error
	where, old := s.output.file, ""
	switch {
	case s.rb != nil:
		where = s.gitlabRB
		if err = setAll(s.rb, settings); err == nil {
			old, err = s.rb.WriteFile(s.gitlabRB, gitlabrb.WriteOptions{Backup: true})
		}
	case s.file != nil:
		var text oauth.Secret
		if text, err = s.text(settings); err == nil {
			_, err = io.WriteString(s.file, text.Reveal())
		}
		if err == nil {
			err = s.file.Commit()
		}
	case t.json:
		return nil
	default:
		text, err := s.text(settings)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.streams.Out, "\nSettings for Mattermost (the secret is shown this once):\n\n%s", text.Reveal())
		return err
	}
	if err != nil {
		return fmt.Errorf("%w; the application is registered, get a secret by 'oauth renew-secret'", err)
	}
	return s.report(t.streams.Err, where, old)
}

// report says where the settings are and what has to follow.
func (s *sink) report(w io.Writer, where, old string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "settings with the secret are in %s\n", where)
	if old != "" {
		fmt.Fprintf(&b, "old file: %s\n", old)
	}
	if s.rb != nil {
		if info, err := os.Stat(where); err == nil && info.Mode().Perm()&0o077 != 0 {
			fmt.Fprintf(&b, "warning: %s has mode %04o, others can read the secret: chmod 0600 %[1]s\n", where, info.Mode().Perm())
		}
		b.WriteString("next: sudo gitlab-ctl reconfigure\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// text is the settings in the chosen format.
func (o *output) text(s oauth.Settings) (oauth.Secret, error) {
	if o.format == "gitlab.rb" {
		return s.GitlabRB()
	}
	return s.Env()
}
