#!/bin/bash
# usage: scripts/install-packages.sh GROUP ...
# Installs the Debian packages of these groups of packages.txt that are missing, and says which.
# Exit status 0: all there; 1: some could not be installed (they are named).
set -u
cd "$(dirname "$0")/.." || exit 1

wanted=()
while read -r group package; do
	for g in "$@"; do
		[ "$group" = "$g" ] && wanted+=("$package")
	done
done < <(grep -v '^#' packages.txt)

missing() {
	for p in "${wanted[@]}"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || echo "$p"
	done
}

mapfile -t need < <(missing)
[ ${#need[@]} -eq 0 ] && exit 0

echo "karma: installing from Debian: ${need[*]}" >&2
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "karma: not root, and there is no sudo; run as root: apt-get install ${need[*]}" >&2
		exit 1
	fi
	sudo=sudo
fi

# Servers are for the test range, which starts its own: keep the packages from starting theirs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | ${sudo:-} tee "$policy" >/dev/null
	${sudo:-} chmod 755 "$policy"
	trap '${sudo:-} rm -f "$policy"' EXIT
fi

log=$(mktemp)
apt() {
	${sudo:-} env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}
if ! apt install -y --no-install-recommends "${need[@]}"; then
	apt update
	apt install -y --no-install-recommends "${need[@]}"
fi
mapfile -t need < <(missing)
if [ ${#need[@]} -ne 0 ]; then
	tail -n 5 "$log" >&2
	echo "karma: not installed: ${need[*]}; see $log, or install them by hand" >&2
	exit 1
fi
rm -f "$log"
