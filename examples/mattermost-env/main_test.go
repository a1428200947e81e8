package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gitlab-mattermost/sdk/internal/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mattermost-env": main})
}

func TestScripts(t *testing.T) {
	p := clitest.Params("testdata/script")
	p.Cmds["mode"] = mode
	testscript.Run(t, p)
}

// mode checks a file's permissions: mode 600 FILE.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm().String(); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// build makes the real program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "mattermost-env")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return program
}

func TestTheProgramIsSmallAndLeavesMattermostsModelOut(t *testing.T) {
	info, err := os.Stat(build(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f MB", float64(info.Size())/1e6)
	if info.Size() >= 10_000_000 {
		t.Errorf("the program has %d bytes, want under 10 MB", info.Size())
	}
	deps, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(deps)) {
		if strings.Contains(line, "mattermost/mattermost") || strings.Contains(line, "yaml") {
			t.Errorf("the program holds %s", strings.TrimSpace(line))
		}
	}
}

// TestCheckRunsUnder20Milliseconds starts the real program on an environment of
// 200 variables. Its own CPU time counts, the fastest of the runs, because the
// machine may be busy with other tests.
func TestCheckRunsUnder20Milliseconds(t *testing.T) {
	program := build(t)
	file := filepath.Join(t.TempDir(), "env.json")
	if err := os.WriteFile(file, []byte(environment200(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	var times []time.Duration
	for range 15 {
		cmd := exec.Command(program, "check", "-version", "10.11", file)
		out, err := cmd.Output()
		if err != nil || !strings.Contains(string(out), "honours 200 of 200") {
			t.Fatalf("%v: %s", err, out)
		}
		times = append(times, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	t.Logf("CPU time: fastest %v, median %v", times[0], times[len(times)/2])
	if times[0] > 20*time.Millisecond {
		t.Errorf("fastest run took %v, want under 20ms", times[0])
	}
}

func BenchmarkCheckCommand(b *testing.B) {
	program := filepath.Join(b.TempDir(), "mattermost-env")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v: %s", err, out)
	}
	file := filepath.Join(b.TempDir(), "env.json")
	if err := os.WriteFile(file, []byte(environment200(b)), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := exec.Command(program, "check", "-version", "10.11", file).Run(); err != nil {
			b.Fatal(err)
		}
	}
}
