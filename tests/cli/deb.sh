#!/bin/bash
# usage: tests/cli/deb.sh
# Karma's Debian package is made, and lintian finds nothing in it; what it has, and where. Installing,
# upgrading and purging it in a fresh Debian is tests/live/deb.sh (make test-deb).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=5

for tool in dpkg-buildpackage dh lintian; do
	command -v $tool >/dev/null || skip_all "needs $tool (scripts/install-packages.sh package)"
done
[ -e models/default.karma ] || skip_all "there is no models/default.karma"

made() {
	deb=$(scripts/deb.sh 2>"$work/deb.err") && [ -s "$deb" ]
}
check "the package is made" made
[ -s "${deb:-}" ] || broken "there is no package"
check "lintian finds nothing" lintian --fail-on error,warning "$deb"
cat "$work/said"
dpkg-deb --contents "$deb" | awk '{print $6}' >"$work/files"
has() { # file...
	local file
	for file in "$@"; do
		grep -qxF "./$file" "$work/files" || return
	done
}
pages() { # a manual page for every sub-command and the configuration
	local command
	for command in $("$karma" help | sed -n 's/^  karma \([a-z]*\) .*/\1/p' | grep -v '^help$'); do
		has "usr/share/man/man1/karma-$command.1.gz" || return
	done
	has usr/share/man/man1/karma.1.gz usr/share/man/man5/karma.conf.5.gz
}
check "program, model, unit, configuration, logrotate, completion" has usr/bin/karma \
	usr/share/karma/default.karma lib/systemd/system/karma.service etc/karma/karma.conf \
	etc/logrotate.d/karma usr/share/bash-completion/completions/karma \
	usr/share/zsh/vendor-completions/_karma usr/share/doc/karma/copyright
check "manual pages" pages
conffiles() {
	dpkg-deb --info "$deb" conffiles | grep -qx /etc/karma/karma.conf
}
check "the configuration is its owner's" conffiles
finish
