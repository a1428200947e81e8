package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gitlab-mattermost/sdk/internal/cli"
)

// Every block of the guide that begins with a call of this command shows what
// that call prints; one that is cut short, its beginning.
func TestTheGuideShowsWhatTheCommandPrints(t *testing.T) {
	t.Chdir("../..")
	raw, err := os.ReadFile("docs/upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	const prompt = "$ go run ./examples/upgrade "
	blocks := strings.Split("\n"+string(raw), "\n"+"````\n"+prompt)
	seen := 0
	check := func(block, fence string) {
		block, _, closed := strings.Cut(block, "\n"+fence+"\n")
		call, want, _ := strings.Cut(block, "\n")
		if !closed {
			t.Fatalf("the block of %s does not end", call)
		}
		var out bytes.Buffer
		err := run(context.Background(), strings.Fields(call), cli.Streams{Out: &out, Err: &out})
		if err != nil && !errors.Is(err, cli.ErrFindings) {
			t.Errorf("%s: %v", call, err)
		}
		want, cut := strings.CutSuffix(want, "\n…")
		got := strings.TrimRight(out.String(), "\n")
		if got != want && !(cut && strings.HasPrefix(got, want)) {
			t.Errorf("%s prints something else than the guide shows:\n%s", call, got)
		}
		seen++
	}
	for _, block := range blocks[1:] {
		check(block, "````")
	}
	for _, block := range strings.Split("\n"+string(raw), "\n```\n"+prompt)[1:] {
		check(block, "```")
	}
	if seen < 6 {
		t.Errorf("only %d blocks of the guide call the command", seen)
	}
}
