package database

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whoever adds a rule must say in the guide what it means, and trigger it in a
// test.
func TestEveryRuleInTheSourceIsInTheGuideAndInATest(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	quoted := regexp.MustCompile(`"(db-[a-z0-9-]+)"`)
	guide := read("../docs/database.md")
	var rules []string
	tests := ""
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			tests += read(name)
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(read(name), -1) {
			rules = append(rules, m[1])
		}
	}
	slices.Sort(rules)
	rules = slices.Compact(rules)
	if len(rules) < 40 {
		t.Fatalf("only %d rules are found: %v", len(rules), rules)
	}
	for _, id := range rules {
		if !regexp.MustCompile(id + `[^a-z-]`).MatchString(guide) {
			t.Errorf("the guide lacks %s", id)
		}
		if !strings.Contains(tests, `"`+id+`"`) {
			t.Errorf("no test names %s", id)
		}
	}
}
