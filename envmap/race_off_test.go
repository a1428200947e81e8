//go:build !race

package envmap_test

const raceEnabled = false
