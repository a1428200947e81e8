package childproc_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gitlab-mattermost/sdk/internal/childproc"
)

func sh(script string) *exec.Cmd { return exec.Command("/bin/sh", "-c", script) }

func TestReaderTurnsAFailureAtTheVeryEndIntoAnError(t *testing.T) {
	r, err := childproc.Reader(t.Context(), sh("echo data; echo broken pipe to server >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if string(got) != "data\n" {
		t.Errorf("output %q", got)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "broken pipe to server") {
		t.Errorf("error %v, want exit status 3 with the program's words", err)
	}
}

func TestReaderEndsWithEOFAfterStatusZero(t *testing.T) {
	r, err := childproc.Reader(t.Context(), sh("echo ok"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "ok\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestClosingAReaderEarlyKillsTheWholeGroup(t *testing.T) {
	r, err := childproc.Reader(t.Context(), sh("echo first; sleep 60 & sleep 60"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("Close took %v; the child's own children hold the pipe", took)
	}
}

func TestCancelIsReportedAsTheContextsError(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := childproc.Run(ctx, sh("sleep 60")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

func TestWriterCloseTellsHowTheProgramEnded(t *testing.T) {
	for script, fails := range map[string]bool{"cat >/dev/null": false, "cat >/dev/null; echo refused >&2; exit 1": true} {
		w, err := childproc.Writer(t.Context(), sh(script))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "in"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); (err != nil) != fails {
			t.Errorf("%s: Close = %v", script, err)
		}
	}
}
