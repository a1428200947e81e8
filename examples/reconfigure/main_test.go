package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/internal/clitest"
	"github.com/gitlab-mattermost/sdk/internal/golden"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"reconfigure": main})
}

func TestScripts(t *testing.T) {
	sample, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	p := clitest.Params("testdata/script")
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("SAMPLE", sample)
		return nil
	}
	p.Cmds["bigfile"], p.Cmds["mode"] = bigFile, mode
	testscript.Run(t, p)
}

// bigFile PATH makes a sparse file of 100 MB.
func bigFile(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(f.Truncate(100 << 20))
	ts.Check(f.Close())
}

// mode WANT PATH compares permission bits, written as 0600.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	got := "0" + strings.TrimLeft(info.Mode().Perm().String(), "-")
	want := map[string]string{"0600": "0rw-------", "0644": "0rw-r--r--", "0755": "0rwxr-xr-x"}[args[0]]
	if (got == want) == neg {
		ts.Fatalf("%s: mode %s, want %s", args[1], got, args[0])
	}
}

// random matches what differs from run to run: generated ids, secrets and
// keys, and the digests of the files that hold them.
var random = regexp.MustCompile(`"([0-9a-f]{32}|[A-Za-z0-9_-]{43}=?)"`)

// TestJobs runs the command over whole inputs and compares its JSON.
func TestJobs(t *testing.T) {
	golden.Run(t, "testdata/jobs/*.txtar", func(c *golden.Case) {
		dir := c.TempDir()
		args := []string{"-json", "-n", "-root", dir}
		for _, name := range c.Files() {
			text, _ := c.Section(name)
			path := filepath.Join(dir, name)
			switch name {
			case "gitlab.rb":
				args = append(args, "-gitlab-rb", path)
			case "gitlab-secrets.json":
				args = append(args, "-secrets", path)
			case "host.json":
				args = append(args, "-host", path)
			case "flags":
				args = append(args, strings.Fields(text)...)
				continue
			default:
				continue
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				c.Fatal(err)
			}
		}
		var out, errs bytes.Buffer
		err := run(context.Background(), args, cli.Streams{Out: &out, Err: &errs})
		if !json.Valid(out.Bytes()) {
			c.Fatalf("output is no JSON: %s (%v)", out.String(), err)
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			c.Fatal(err)
		}
		text := strings.ReplaceAll(out.String(), dir+"/", "")
		if _, given := c.Section("gitlab-secrets.json"); !given {
			text = regexp.MustCompile(`"sha256": "[0-9a-f]{64}"`).ReplaceAllString(text, `"sha256": "<digest>"`)
			text = random.ReplaceAllString(text, `"<random>"`)
		}
		c.Want("json", text)
		c.Want("exit", string(rune('0'+cli.Code("reconfigure", err, &errs)))+"\n")
	})
}
