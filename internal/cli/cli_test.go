package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

func TestEveryErrorHasOneExitCodeAndSaysOnlyWhatIsNew(t *testing.T) {
	for _, c := range []struct {
		reason string
		err    error
		code   int
		words  string
	}{
		{"success is silent", nil, cli.ExitOK, ""},
		{"findings were printed already", fmt.Errorf("check: %w", cli.ErrFindings), cli.ExitFindings, ""},
		{"failure was printed already", cli.ErrFailed, cli.ExitError, ""},
		{"a wrong call points at the help", cli.Usagef("no such flag"), cli.ExitUsage, "cmd: no such flag\nRun 'cmd -h' for help.\n"},
		{"Ctrl-C is told apart, with the state left behind", fmt.Errorf("copied 3 of 9: %w", context.Canceled), cli.ExitInterrupted, "copied 3 of 9"},
		{"any other error is printed once", errors.New("boom"), cli.ExitError, "cmd: boom\n"},
	} {
		var w bytes.Buffer
		if got := cli.Code("cmd", c.err, &w); got != c.code || !strings.Contains(w.String(), c.words) || (c.words == "" && w.Len() > 0) {
			t.Errorf("%s: exit %d, printed %q", c.reason, got, w.String())
		}
	}
}

func TestHelpGoesToStandardOutputAndIsNoError(t *testing.T) {
	var out bytes.Buffer
	f := cli.Flags("cmd", "Usage: cmd\n", cli.Streams{Out: &out})
	f.Bool("n", false, "write nothing")
	if code := cli.Code("cmd", cli.Parse(f, []string{"-h"}), &out); code != cli.ExitOK {
		t.Errorf("-h exits with %d", code)
	}
	if !strings.Contains(out.String(), "Usage: cmd") || !strings.Contains(out.String(), "write nothing") {
		t.Errorf("help is %q", out.String())
	}
	f = cli.Flags("cmd", "", cli.Streams{Out: &out})
	if code := cli.Code("cmd", cli.Parse(f, []string{"-zzz"}), &out); code != cli.ExitUsage {
		t.Errorf("an unknown flag exits with %d", code)
	}
}
