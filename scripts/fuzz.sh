#!/bin/sh
# Runs every fuzz target of the module for a few seconds each. A failing input
# is printed, so that a log is enough to repeat it.
# Usage: scripts/fuzz.sh [TIME]   (default 3s)
set -eu
time=${1:-3s}
go list -f '{{if .TestGoFiles}}{{.ImportPath}}{{else if .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r package; do
	dir=$(go list -f '{{.Dir}}' "$package")
	targets=$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go 2>/dev/null | cut -c6- || true)
	for target in $targets; do
		echo "fuzz $package $target"
		before=$(ls "$dir/testdata/fuzz/$target" 2>/dev/null || true)
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" </dev/null || {
			for input in $(ls "$dir/testdata/fuzz/$target" 2>/dev/null || true); do
				case "
$before
" in *"
$input
"*) ;; *) echo "failing input $input:"; cat "$dir/testdata/fuzz/$target/$input" ;; esac
			done
			exit 1
		}
	done
done
