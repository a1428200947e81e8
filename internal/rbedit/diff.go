package rbedit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gitlab-mattermost/sdk/config"
	"github.com/gitlab-mattermost/sdk/config/gitlabrb"
	"github.com/gitlab-mattermost/sdk/internal/redact"
)

const contextLines = 3

// Diff prints the difference of two texts of a gitlab.rb in the unified
// format, "" when they are equal. Values of secret settings are masked, so the
// result is to be read, not to be applied.
func Diff(name, before, after string) string {
	if before == after {
		return ""
	}
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	ops := compare(a, b)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", name, name)
	for i := 0; i < len(ops); {
		if ops[i].sign == ' ' {
			i++
			continue
		}
		from, to, equal := max(i-contextLines, 0), i, 0
		for j := i; j < len(ops) && equal <= 2*contextLines; j++ {
			if equal++; ops[j].sign != ' ' {
				equal, to = 0, j+1
			}
		}
		to = min(to+contextLines, len(ops))
		hunk(&out, ops, from, to)
		i = to
	}
	return hide(out.String(), append(secrets(before), secrets(after)...))
}

// op is one line of a difference.
type op struct {
	sign byte // ' ', '-' or '+'
	text string
}

func hunk(out *strings.Builder, ops []op, from, to int) {
	var start, count [2]int // old, new
	for i, o := range ops[:to] {
		for side, sign := range [...]byte{'+', '-'} {
			if o.sign == sign || o.text == "" {
				continue // not on this side
			}
			if i < from {
				start[side]++
			} else {
				count[side]++
			}
		}
	}
	for side := range start {
		if count[side] > 0 {
			start[side]++
		}
	}
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", start[0], count[0], start[1], count[1])
	for _, o := range ops[from:to] {
		if o.text == "" {
			continue // behind the last line break
		}
		text := masked(strings.TrimRight(o.text, "\r\n"))
		fmt.Fprintf(out, "%c%s\n", o.sign, text)
		if !strings.HasSuffix(o.text, "\n") {
			out.WriteString("\\ No newline at end of file\n")
		}
	}
}

// compare aligns lines by their longest common subsequence, after cutting off
// what is equal at both ends.
func compare(a, b []string) []op {
	var head, tail []op
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head, a, b = append(head, op{' ', a[0]}), a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail, a, b = append(tail, op{' ', a[len(a)-1]}), a[:len(a)-1], b[:len(b)-1]
	}
	for i, j := 0, len(tail)-1; i < j; i, j = i+1, j-1 {
		tail[i], tail[j] = tail[j], tail[i]
	}
	return append(append(head, middle(a, b)...), tail...)
}

func middle(a, b []string) []op {
	var ops []op
	if len(a)*len(b) > 4_000_000 { // far apart: everything is replaced
		for _, l := range a {
			ops = append(ops, op{'-', l})
		}
		for _, l := range b {
			ops = append(ops, op{'+', l})
		}
		return ops
	}
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			ops = append(ops, op{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			ops = append(ops, op{'-', a[i]})
			i++
		default:
			ops = append(ops, op{'+', b[j]})
			j++
		}
	}
	return ops
}

var (
	assignment = regexp.MustCompile(`\b([a-z_]+)((?:\[(?:'[^']*'|"[^"]*"|:\w+)\])+)(\s*=\s*)(.+)$`)
	hashPair   = regexp.MustCompile(`(["']?)([A-Za-z_][\w-]*)(["']?\s*(?:=>|:)\s*)(["'][^"']*["']|[^,}\s]+)`)
	part       = regexp.MustCompile(`'([^']*)'|"([^"]*)"|:(\w+)`)
)

// masked hides the value of a secret setting in a line of Ruby.
func masked(line string) string {
	if m := assignment.FindStringSubmatchIndex(line); m != nil {
		path := []string{line[m[2]:m[3]]}
		for _, p := range part.FindAllStringSubmatch(line[m[4]:m[5]], -1) {
			path = append(path, p[1]+p[2]+p[3])
		}
		if config.SecretKey(path) {
			return line[:m[8]] + redact.Mask
		}
	}
	return hashPair.ReplaceAllStringFunc(line, func(pair string) string {
		m := hashPair.FindStringSubmatch(pair)
		if config.SecretKey([]string{"", m[2]}) {
			return m[1] + m[2] + m[3] + redact.Mask
		}
		return pair
	})
}

// secrets are the values of secret settings in a text, line by line: a value
// may stand on other lines than its setting, as in a heredoc.
func secrets(text string) []string {
	result, _ := gitlabrb.Evaluate("", []byte(text), gitlabrb.Options{})
	if result == nil {
		return nil
	}
	var out []string
	for _, a := range result.Assignments {
		out = append(out, secretLines(a.Path, a.Value)...)
	}
	return out
}

func secretLines(path []string, value any) []string {
	var out []string
	switch v := value.(type) {
	case *gitlabrb.Hash:
		for key, value := range v.All() {
			out = append(out, secretLines(append(slices.Clone(path), config.RubyText(key)), value)...)
		}
	case string:
		if !config.SecretKey(path) {
			return nil
		}
		for line := range strings.SplitSeq(v, "\n") {
			if line = strings.TrimSpace(line); len(line) >= 4 { // shorter ones are in every text
				out = append(out, line)
			}
		}
	}
	return out
}

// hide masks what is left of secrets in lines that do not name their setting.
func hide(diff string, secrets []string) string {
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		diff = strings.ReplaceAll(diff, s, redact.Mask)
	}
	return diff
}
