#!/bin/bash
# usage: ./run.sh [ARGUMENTS of 'karma run']   install what is missing, build, watch the network
#        ./run.sh demo                         show it on a small network of namespaces
set -u
cd "$(dirname "$0")" || exit 1

die() {
	echo "karma: $*" >&2
	exit 1
}

command -v apt-get >/dev/null ||
	echo "karma: no apt-get here; the packages that are needed are listed in packages.txt" >&2

groups=(build)
[ "${1:-}" = demo ] && groups+=(range)
if command -v apt-get >/dev/null; then
	scripts/install-packages.sh "${groups[@]}" || exit 1
	{ command -v node && command -v npm; } >/dev/null || scripts/install-packages.sh web ||
		echo "karma: the dashboard will be missing" >&2
fi

echo "karma: building (the first time that takes a minute or two)" >&2
log=$(mktemp)
make -s -j"$(nproc)" >"$log" 2>&1 || {
	cat "$log" >&2
	die "the build failed; the lines above say where (log: $log)"
}
rm -f "$log"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "watching an interface needs root; run ./run.sh as root"
	as_root=(sudo)
fi

if [ "${1:-}" = demo ]; then
	[ $# -eq 1 ] || {
		echo "usage: ./run.sh demo" >&2
		exit 2
	}
	exec "${as_root[@]}" range/demo.sh
fi
exec "${as_root[@]}" build/karma run "$@"
