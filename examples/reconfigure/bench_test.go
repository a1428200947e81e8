package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/envmap"
	"github.com/gitlab-mattermost/sdk/internal/cli"
	"github.com/gitlab-mattermost/sdk/nginx"
)

// templateShaped is a gitlab.rb of lines lines like the shipped one: headings,
// help texts, commented defaults, and one live setting in a hundred lines.
func templateShaped(lines int) []byte {
	var b bytes.Buffer
	live := []string{
		"external_url 'https://gitlab.example.com'",
		"mattermost_external_url 'https://mattermost.example.com'",
		"gitlab_rails['time_zone'] = 'UTC'",
		"mattermost['env'] = { 'HTTP_PROXY' => 'http://proxy:3128', 'NO_PROXY' => \"localhost,127.0.0.1\" }",
		"mattermost_nginx['redirect_http_to_https'] = true",
		"nginx['listen_port'] = 443",
		"postgresql['shared_buffers'] = \"256MB\"",
		"gitlab_rails['backup_keep_time'] = 604_800",
	}
	for i := range lines {
		switch {
		case i%100 == 50:
			fmt.Fprintln(&b, live[i/100%len(live)])
		case i%25 == 0:
			b.WriteString("################################################################################\n")
		case i%5 == 0:
			fmt.Fprintf(&b, "##! Docs: help for setting number %d of this section, in one line of prose\n", i)
		default:
			fmt.Fprintf(&b, "# gitlab_rails['setting_number_%d'] = \"value %d\"\n", i, i)
		}
	}
	return b.Bytes()
}

func benchHost() config.Host {
	return config.Facts{
		Hostname: "gl01", FQDN: "gl01.example.com", PostgreSQLRunning: true, GitLabDatabaseExists: true,
	}.Host()
}

// resolveAndRender is the whole main job in memory.
func resolveAndRender(src []byte, host config.Host) error {
	result, err := gitlabrb.Evaluate("gitlab.rb", src, gitlabrb.Options{Lookups: host.Lookups})
	if err != nil {
		return err
	}
	inst, err := config.Resolve(config.Input{GitLabRB: result, Host: host})
	if err != nil {
		return err
	}
	env := envmap.FromInstallation(inst)
	site, _, err := nginx.FromGitLab(inst)
	if err != nil {
		return err
	}
	text, err := nginx.Render(site, nginx.Target{})
	if err != nil {
		return err
	}
	if env.Len() < 22 || len(text) < 2000 {
		return fmt.Errorf("only %d variables and %d bytes of vhost", env.Len(), len(text))
	}
	return nil
}

// BenchmarkTemplate is a 4,000-line gitlab.rb parsed, resolved and rendered.
func BenchmarkTemplate(b *testing.B) {
	src, host := templateShaped(4000), benchHost()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if err := resolveAndRender(src, host); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheTemplateIsResolvedWithinItsMemoryBudget(t *testing.T) {
	src, host := templateShaped(4000), benchHost()
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := resolveAndRender(src, host); err != nil {
				b.Fatal(err)
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got == 0 || got > 4<<20 {
		t.Errorf("%d bytes allocated for a 4,000-line file, want under 4 MB", got)
	}
}

// BenchmarkBinary is the command as a process: start, -n on the same file, end.
func BenchmarkBinary(b *testing.B) {
	dir := b.TempDir()
	bin, rb, facts := filepath.Join(dir, "reconfigure"), filepath.Join(dir, "gitlab.rb"), filepath.Join(dir, "host.json")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(rb, templateShaped(4000), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(facts, []byte(`{"hostname": "gl01", "fqdn": "gl01.example.com"}`), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if out, err := exec.Command(bin, "-n", "-gitlab-rb", rb, "-host", facts).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}

func TestRunCanBeCalledWithoutAProcess(t *testing.T) {
	var out, errs bytes.Buffer
	err := run(context.Background(), []string{"-h"}, cli.Streams{Out: &out, Err: &errs})
	if cli.Code("reconfigure", err, &errs) != cli.ExitOK || out.Len() == 0 {
		t.Errorf("help: %v", err)
	}
}
