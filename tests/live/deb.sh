#!/bin/bash
# usage: tests/live/deb.sh
# Karma's Debian package in a fresh Debian (debootstrap, minbase): it installs, reads a capture,
# upgrades to a higher version and keeps a configuration that was changed, and purged leaves nothing.
# A download of some 60 MB and some minutes: ./test.sh leaves it to make test-deb. Needs root; says
# why where it is skipped.
# shellcheck disable=SC2016 # what eval expands
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=9
root_fs=$work/debian

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for tool in debootstrap dpkg-buildpackage dh; do
	command -v $tool >/dev/null || skip_all "needs $tool (scripts/install-packages.sh package)"
done
. /etc/os-release
# The mirror that this machine uses.
mirror=$(apt-cache policy | grep -oE 'https?://[^ ]+' | grep -v security | head -n 1)
[ -n "$mirror" ] || skip_all "no mirror of Debian is configured"

first=$(scripts/deb.sh) || broken "no package is made"
cp "$first" "$work/first.deb"
second=$(scripts/deb.sh 0.1.0+next1) || broken "no second package is made"
cp "$second" "$work/second.deb"
debootstrap --variant=minbase "${VERSION_CODENAME:-bookworm}" "$root_fs" "$mirror" >"$work/debootstrap.out" 2>&1 ||
	skip_all "debootstrap makes no Debian here: $(tail -n 1 "$work/debootstrap.out")"

within_debian() { # command...
	timeout 600 env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		chroot "$root_fs" "$@"
}
printf '#!/bin/sh\nexit 101\n' >"$root_fs/usr/sbin/policy-rc.d"
chmod 755 "$root_fs/usr/sbin/policy-rc.d"
cp "$work/first.deb" "$work/second.deb" "$captures/scan.pcap" "$root_fs/root/"
apt() { within_debian apt-get -y --no-install-recommends -o DPkg::Options::=--force-confdef -o DPkg::Options::=--force-confold "$@"; }
files() { # all that is there but logs and caches, what apt and dpkg keep for themselves, and what
	# making any user leaves: copies of the files of users as they were, a lock
	(cd "$root_fs" && find . -xdev \( -path ./proc -o -path ./var/cache -o -path ./var/log/apt -o -path ./var/lib/apt \
		-o -path ./var/lib/dpkg -o -path ./root -o -path ./run/adduser \
		-o -path './etc/*shadow-' -o -path ./etc/passwd- -o -path ./etc/group- \) -prune -o -print | sort)
}

# What it depends on stays when it goes.
depends=$(dpkg-deb -f "$work/first.deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
# shellcheck disable=SC2086 # words
apt install $depends >"$work/depends.out" 2>&1 || broken "what it depends on cannot be installed"
files >"$work/before"

check "it installs" apt install /root/first.deb
version() { within_debian karma --version; }
check "it runs" eval '[ "$(version)" = "karma $(sed -n "s/.*KARMA_VERSION \"\(.*\)\"/\1/p" src/cmd/cmd.h)" ]'
check "it finds the scan in a capture, with its own model" eval \
	'within_debian karma read /root/scan.pcap | grep -q "ALERT .* Reconnaissance"'
check "its configuration is good" within_debian karma config check
check "there is a user for it, and its folders are its own" eval \
	'[ "$(within_debian stat -c "%U %a" /var/lib/karma)" = "karma 750" ]'
echo '[output]
eve = /var/log/karma/eve.json' >>"$root_fs/etc/karma/karma.conf"
installed() { within_debian dpkg-query -W -f '${Version}' karma; }
check "a higher version takes its place" eval 'apt install /root/second.deb && [ "$(installed)" = 0.1.0+next1 ]'
check "a changed configuration stays" eval 'tail -n 1 "$root_fs/etc/karma/karma.conf" | grep -q eve.json'
check "it is purged" apt purge karma
left() {
	files | diff "$work/before" - && ! within_debian getent passwd karma
}
check "and leaves nothing" left
finish
