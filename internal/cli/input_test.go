package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

func TestReadingStandardInputEndsWithTheContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	in := &input{ctx, r}
	if _, err := w.WriteString("first\nsecond\n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} { // one answer takes nothing of the next
		if got, err := Ask(ctx, Streams{In: in, Err: &bytes.Buffer{}}, "answer"); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Ask(ctx, Streams{In: in, Err: &bytes.Buffer{}}, "answer"); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for an answer ends with %v", err)
	}
	if n, err := in.Read(make([]byte, 1)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("a read after the end: %d, %v", n, err)
	}
}

func TestAskTakesOneBoundedLine(t *testing.T) {
	for _, c := range []struct{ reason, text, want, words string }{
		{"a line", "token\nrest", "token", ""},
		{"a last line without its break", "token", "token", ""},
		{"blanks of a paste go", "  token \r\n", "token", ""},
		{"an empty line is an answer", "\n", "", ""},
		{"nothing", "", "", "answer: nothing was entered: EOF"},
		{"an endless line is cut", strings.Repeat("x", 9000), strings.Repeat("x", 4096), ""},
	} {
		var prompt bytes.Buffer
		got, err := Ask(context.Background(), Streams{In: strings.NewReader(c.text), Err: &prompt}, "answer")
		words := ""
		if err != nil {
			words = err.Error()
		}
		if got != c.want || words != c.words || !strings.HasPrefix(prompt.String(), "answer: ") {
			t.Errorf("%s: %.20q, %q, prompt %q", c.reason, got, words, prompt.String())
		}
	}
}

func TestAMachineWithoutGitLabIsSentToTheFlag(t *testing.T) {
	for _, c := range []struct {
		reason string
		err    error
		want   bool
	}{
		{"the file of a GitLab machine", fmt.Errorf("read /etc/gitlab/gitlab.rb: %w", fs.ErrNotExist), true},
		{"another file", fmt.Errorf("read gitlab.rb: %w", fs.ErrNotExist), false},
		{"another error", errors.New("/etc/gitlab/gitlab.rb:1:1: unexpected end"), false},
		{"none", nil, false},
	} {
		if got := strings.Contains(Advice(c.err), "-gitlab-rb"); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}

func TestOnlyAUserWithoutRightsIsSentToSudo(t *testing.T) {
	denied := fmt.Errorf("read gitlab.rb: %w", &fs.PathError{Op: "open", Path: "gitlab.rb", Err: fs.ErrPermission})
	for _, c := range []struct {
		reason string
		err    error
		uid    int
		want   bool
	}{
		{"a user", denied, 1000, true},
		{"root has all rights already", denied, 0, false},
		{"another error", fs.ErrNotExist, 1000, false},
	} {
		if got := strings.Contains(advice(c.err, c.uid), "sudo"); got != c.want {
			t.Errorf("%s: %v", c.reason, got)
		}
	}
}
