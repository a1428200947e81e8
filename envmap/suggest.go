package envmap

import "strings"

// nearest returns the variable of a setting that exists at a place and differs
// from a name by few letters: at most a quarter of them, and at most six.
func nearest(name string, p place) (string, bool) {
	name = strings.ToUpper(name)
	if len(name) > 120 {
		return "", false
	}
	limit := min(6, len(name)/4)
	best, found := "", false
	for s := range Settings() {
		if limit < 0 || s.at(p) != Present || abs(len(s.Path)+3-len(name)) > limit {
			continue
		}
		env := s.Env()
		if d := distance(name, env, limit); d <= limit {
			best, found, limit = env, true, d-1
		}
	}
	return best, found
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// distance is the number of single letters to insert, remove or change to make
// a into b; more than limit is limit+1.
func distance(a, b string, limit int) int {
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
