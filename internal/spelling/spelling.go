// Package spelling finds the name that a misspelt one was meant to be. Most
// callers need Nearest.
package spelling

import "iter"

// Nearest returns the first of the candidates that differ from name in the
// fewest letters: at most a quarter of them, at least one and at most six. A
// name of over 120 bytes is near to nothing.
func Nearest(name string, candidates iter.Seq[string]) (string, bool) {
	if len(name) > 120 {
		return "", false
	}
	limit := max(1, min(6, len(name)/4))
	best, found := "", false
	for c := range candidates {
		if limit < 0 || max(len(c)-len(name), len(name)-len(c)) > limit {
			continue
		}
		if d := Distance(name, c, limit); d <= limit {
			best, found, limit = c, true, d-1
		}
	}
	return best, found
}

// Distance is the number of single letters to insert, remove or change to make
// a into b; more than limit is limit+1.
func Distance(a, b string, limit int) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
