#!/bin/sh
# Installs what the tests need and this machine lacks. As root it uses apt;
# otherwise it says what to install and fails, because a test that is skipped
# for a missing program would look like one that passed.
set -eu

missing=""
need() { # need PACKAGE PROGRAM...: all programs present, or PACKAGE is missing
	package=$1
	shift
	for program in "$@"; do
		if ! PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1; then
			missing="$missing $package"
			return
		fi
	done
}
need gcc gcc # the race detector is built with cgo
need libc6-dev getconf
[ -e /usr/include/stdlib.h ] || missing="$missing libc6-dev"
need nginx nginx
need openssl openssl
need ruby ruby
need runit chpst
need zstd zstd
need openssh-client ssh-keygen
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || missing="$missing libnginx-mod-stream"
[ -x /lib/systemd/systemd ] || missing="$missing systemd" # its environment-file reader
need tar tar
need gzip gzip
need ca-certificates update-ca-certificates
[ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || missing="$missing postgresql"
[ -n "$(ls /usr/lib/postgresql/*/bin/pg_dump 2>/dev/null)" ] || missing="$missing postgresql-client"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "The tests need programs that are not installed. Run:" >&2
	echo "  sudo apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need these Debian packages, or their like:$missing" >&2
	exit 1
fi
# The packages would start an nginx and a PostgreSQL of their own; the tests
# start theirs in temporary directories, so keep the machine as it was.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -qq -y --no-install-recommends $missing >/dev/null
