#!/bin/sh
# Runs every fuzz target of the module for a few seconds each.
# Usage: scripts/fuzz.sh [TIME]   (default 3s)
set -eu
time=${1:-3s}
go list -f '{{if .TestGoFiles}}{{.ImportPath}}{{else if .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r package; do
	targets=$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$(go list -f '{{.Dir}}' "$package")"/*_test.go 2>/dev/null | cut -c6- || true)
	for target in $targets; do
		echo "fuzz $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" </dev/null
	done
done
