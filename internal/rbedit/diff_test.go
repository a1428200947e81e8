package rbedit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDifferencesAreInTheUnifiedFormat(t *testing.T) {
	long := strings.Repeat("line\n", 20)
	for _, c := range []struct{ why, before, after, want string }{
		{"equal", "a\n", "a\n", ""},
		{"a change in the middle", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n", "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n"},
		{"from nothing", "", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"to nothing", "a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
		{"no line break at the end", "a", "b", "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"},
		{"two places far apart", "a\n" + long + "b\n", "A\n" + long + "B\n", "@@ -1,4 +1,4 @@\n-a\n+A\n line\n line\n line\n@@ -19,4 +19,4 @@\n line\n line\n line\n-b\n+B\n"},
		{"a secret", "mattermost['gitlab_secret'] = 'x'\n", "mattermost['gitlab_secret'] = 'y'\nmattermost['env'] = { 'MM_SQLSETTINGS_DATASOURCE' => 'z', 'A' => 'shown' }\n",
			"@@ -1,1 +1,2 @@\n-mattermost['gitlab_secret'] = [redacted]\n+mattermost['gitlab_secret'] = [redacted]\n+mattermost['env'] = { 'MM_SQLSETTINGS_DATASOURCE' => [redacted], 'A' => 'shown' }\n"},
	} {
		got := Diff("f", c.before, c.after)
		want := c.want
		if want != "" {
			want = "--- f\n+++ f\n" + want
		}
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", c.why, got, want)
		}
	}
}

// A value need not stand on its setting's line, nor be set at all.
func TestDifferencesShowNoSecretOnAnyLine(t *testing.T) {
	for why, before := range map[string]string{
		"on the next line":      "mattermost['gitlab_secret'] =\n  'hunter2hunter2'\n",
		"in a heredoc":          "mattermost['gitlab_secret'] = <<~EOS.strip\n  hunter2hunter2\nEOS\n",
		"in a hash over lines":  "mattermost['env'] = {\n  'MM_GITLABSETTINGS_SECRET' =>\n    'hunter2hunter2',\n}\n",
		"in a comment":          "# mattermost['gitlab_secret'] = 'hunter2hunter2'\n",
		"by a variable":         "s = 'hunter2hunter2'\nmattermost['gitlab_secret'] = s\n",
		"overruled later":       "mattermost['gitlab_secret'] = 'hunter2hunter2'; mattermost['gitlab_secret'] = nil\n",
		"in another's password": "gitlab_rails['smtp_password'] = 'hunter2hunter2'\n",
	} {
		for _, diff := range []string{Diff("f", before, ""), Diff("f", "", before), Diff("f", before, before+"x = 1\n")} {
			if strings.Contains(diff, "hunter2") || !strings.Contains(diff, "[redacted]") {
				t.Errorf("%s:\n%s", why, diff)
			}
		}
	}
}

// TestDifferencesAgreeWithDiff compares with the diff program of the system.
func TestDifferencesAgreeWithDiff(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	before := strings.Repeat("a\nb\nc\nd\n", 10)
	for _, after := range []string{
		strings.Replace(before, "b", "B", 1), before + "end\n", "start\n" + before, strings.Replace(before, "c\nd\n", "", 3),
		strings.TrimSuffix(before, "\n"), strings.ReplaceAll(before, "d", "D"),
	} {
		out, err := exec.Command("diff", "-U3", "--label", "f", "--label", "f", write("a", before), write("b", after)).Output()
		if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) {
			t.Fatalf("diff (a test dependency): %v", err)
		}
		// diff leaves out a count of 1, we never do.
		if got := Diff("f", before, after); strings.Count(got, "\n") != strings.Count(string(out), "\n") {
			t.Errorf("ours:\n%s\ndiff:\n%s", got, out)
		}
	}
}
