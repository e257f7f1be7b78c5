#!/bin/bash
# usage: scripts/deb.sh [VERSION]
# Makes Karma's Debian package of this tree, build/deb/karma_VERSION_ARCH.deb, and prints its name. What
# was compiled for it is kept in build/deb/objects. Without VERSION, that of debian/changelog.
set -eu
cd "$(dirname "$0")/.."
top=$PWD/build/deb
tree=$top/karma

rm -rf "$tree"
mkdir -p "$tree"
# What make has compiled is not compiled again, but for what depends on the place of installation.
if [ ! -d "$top/objects" ]; then
	mkdir "$top/objects"
	[ ! -e build/libkarma.a ] || tar -C build --exclude=./deb --exclude=./kernels --exclude=./lint \
		--exclude=./tests -c . | tar -C "$top/objects" -x
	find "$top/objects" -name '*.d' -exec sed -i "s|\(^\| \)build/|\1$top/objects/|g" {} +
fi
# What would be in a release: what git knows of, or all but what was built.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	git ls-files -z --cached --others --exclude-standard
else
	find . -path './build*' -prune -o -type f -print0
fi | tar -c --null -T - --ignore-failed-read 2>/dev/null | tar -x -C "$tree"

cd "$tree"
if [ $# -gt 0 ]; then
	sed -i "1s/(.*)/($1)/" debian/changelog
fi
version=$(dpkg-parsechangelog --show-field Version)
B=$top/objects DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage -b -us -uc >"$top/log" 2>&1 || {
	tail -n 30 "$top/log" >&2
	echo "karma: no package was made; all that was said is in $top/log" >&2
	exit 1
}
cd "$top"
rm -rf "$tree"
echo "$top/karma_${version}_$(dpkg --print-architecture).deb"
