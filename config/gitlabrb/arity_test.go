package gitlabrb

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoMethodPanicsWhateverItsArguments calls every method that the evaluator
// names, on a value of each type, with too few, too many and odd arguments. A
// settings file that is wrong in this way gets an answer, not a stack trace.
func TestNoMethodPanicsWhateverItsArguments(t *testing.T) {
	names := methodNames(t)
	if len(names) < 300 {
		t.Fatalf("only %d method names were found in the source", len(names))
	}
	values := []string{"", "'ab'", "[1, 'a', nil, [2]]", "{ 'a' => 1 }", "5", "2**70", "1.5", "nil", "true", ":a", "(1..3)", "lambda { |x| x }", "/a/", "nginx", "JSON", "[]"}
	arguments := []string{"", "(nil)", "(-1)", "('a')", "([])", "({})", "(1, 2)", "('a', 'b', 3)", " { |a, b| a }", "(&:a)", "(/a/, 'x')", "(1.5)"}
	for _, value := range values {
		for _, name := range names {
			for _, args := range arguments {
				src := "x = " + strings.TrimPrefix(value+"."+name, ".") + args + "\n"
				if f, err := Parse("t.rb", []byte(src)); err == nil && name != "loop" {
					evaluateNoPanic(t, f, src)
				}
			}
		}
	}
}

func evaluateNoPanic(t *testing.T, f *File, src string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%q: %v", src, p)
		}
	}()
	if r, _ := f.Evaluate(Options{}); r == nil {
		t.Errorf("%q: no result", src)
	}
}

// methodNames are the names in the evaluator's case lists.
func methodNames(t *testing.T) []string {
	t.Helper()
	quoted := regexp.MustCompile(`"([a-z_]+[?!]?|[-+*/%<>=!~&|^\[\]]{1,3})"`)
	var names []string
	for _, pattern := range []string{"method_*.go", "kernel.go", "eval_call.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
				names = append(names, m[1])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
