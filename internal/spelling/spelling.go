// Package spelling finds the name that a misspelt one was meant to be. Most
// callers need Nearest.
package spelling

import "iter"

// Nearest returns the first of the candidates that differ from name in the
// fewest letters: at most a quarter of them, at least one and at most eight. A
// name of over 120 bytes is near to nothing.
func Nearest(name string, candidates iter.Seq[string]) (string, bool) {
	if len(name) > 120 {
		return "", false
	}
	limit := max(1, min(8, len(name)/4))
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
// a into b, where two swapped neighbours count once; more than limit is limit+1.
func Distance(a, b string, limit int) int {
	n := len(b) + 1
	rows := make([]int, 3*n)
	older, old, row := rows[:n], rows[n:2*n], rows[2*n:]
	for j := range old {
		old[j] = j
	}
	// Every way to a row comes through one of the two before it, where the
	// older one is left by a swap only.
	leastOld := 0
	for i := range len(a) {
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := old[j]
			if a[i] != b[j] {
				cost = 1 + min(old[j], row[j], old[j+1])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, older[j-1]+1)
			}
			row[j+1] = cost
			least = min(least, cost)
		}
		if least > limit && leastOld+1 > limit {
			return limit + 1
		}
		older, old, row, leastOld = old, row, older, least
	}
	return min(old[n-1], limit+1)
}
