#!/bin/bash
# usage: tests/live/deb.sh
# Karma's Debian package in a fresh Debian (debootstrap, minbase): it installs, reads a capture,
# upgrades to a higher version and keeps a configuration that was changed, and purged leaves nothing.
# Booted by systemd (systemd-nspawn), it starts as its unit has it, finds a scan, is reloaded, started
# again by the watchdog when it stands still, and stopped.
# A download of some 80 MB and some minutes: ./test.sh leaves it to make test-deb. Needs root; says
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

# ---- under systemd ----

tests=7
watched=karma-booted-$$ other=karma-guest-$$
needs systemd-nspawn nsenter nmap
make_spaces "$watched" "$other"
join_spaces "$watched" "$other" 10.94.0
ip -n "$watched" route add default via 10.94.0.2 # its interface is the one that Karma watches
apt install systemd systemd-sysv dbus procps /root/second.deb >"$work/systemd.out" 2>&1 ||
	broken "no systemd in the fresh Debian"
systemd-nspawn --quiet --register=no --keep-unit --directory="$root_fs" --machine="karma-$$" \
	--network-namespace-path="/run/netns/$watched" --capability=all --system-call-filter="bpf perf_event_open" \
	--boot >"$work/boot.out" 2>&1 </dev/null &
job[boot]=$!
booted() { # command...: beside its systemd
	local init
	init=$(pgrep -o -P "${job[boot]}") && timeout 60 nsenter -t "$init" -a "$@"
}
within 60 booted systemctl is-system-running --wait >"$work/state.out" 2>&1
grep -qE 'running|degraded' "$work/state.out" || skip_all "systemd does not boot in a container here"
journal() { booted journalctl -u karma --no-pager -q | grep "$@"; }
property() { booted systemctl show karma --value -p "$1"; }
check "systemd starts it at boot" within 30 booted systemctl is-active karma
check "as its own user" eval '[ "$(booted ps -o user= -p "$(property MainPID)")" = karma ]'
inside "$other" nmap -n -Pn -sS -p 1-500 10.94.0.1 >/dev/null 2>&1
check "it finds a scan, and the journal has it" within 30 journal -q 'ALERT .* 10\.94\.0\.2 -> 10\.94\.0\.1'
check "systemctl reload: it takes up its configuration" eval \
	'booted systemctl reload karma && journal -q "the configuration is as it was"'
check "karma status says that all is well" eval 'booted karma status | grep -q "all is well"'
booted systemctl kill -s STOP karma
again() { [ "$(property NRestarts)" -ge 1 ] && booted systemctl is-active -q karma; }
check "when it stands still, the watchdog has it start again" within 90 again
stopped() {
	booted systemctl stop karma && [ "$(property Result)" = success ] && journal -q 'nothing lost'
}
check "systemctl stop: it ends well, with its summary" stopped
finish
