#!/bin/bash
# usage: scripts/lint.sh format|tidy|cppcheck|shell|man|words
# Each is silent and exits 0 when there is nothing to say; 77 when its tool is not installed.
set -u
cd "$(dirname "$0")/.." || exit 1

need() {
	command -v "$1" >/dev/null || {
		echo "$1 is not installed"
		exit 77
	}
}

mapfile -t c < <(git ls-files '*.c' '*.h')
case "${1:-}" in
format)
	need clang-format
	clang-format --dry-run -Werror "${c[@]}"
	;;
tidy)
	need clang-tidy
	# shellcheck disable=SC2016 # the inner shell expands it
	git ls-files -z 'src/*.c' | xargs -0 -P "$(nproc)" -n 4 sh -c '
		clang-tidy --quiet --warnings-as-errors="*" "$@" -- -std=gnu11 -D_GNU_SOURCE \
			-DKARMA_NO_CLONES -DKARMA_PREFIX=\"/usr/local\" -Isrc -Ibuild 2>/dev/null' sh
	;;
cppcheck)
	need cppcheck
	# Without the kernel programs' bytes, at which cppcheck looks for 20 s in each file that has them.
	mkdir -p build/lint
	sed '/(const void \*)"\\$/,/";$/c\	return (const void *)"";' build/karma.skel.h >build/lint/karma.skel.h
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		-D_GNU_SOURCE -DKARMA_NO_CLONES -D__x86_64__ "-DLIBBPF_OPTS(type, name, ...)=struct type name = {0}" -Isrc -Ibuild/lint -j "$(nproc)" src
	;;
shell)
	need shellcheck
	git ls-files | while read -r f; do
		head -c 64 "$f" 2>/dev/null | head -n 1 | grep -aq '^#!/bin/\(ba\)\?sh' && echo "$f"
	done | xargs -P "$(nproc)" -n 4 shellcheck -x
	;;
man)
	need mandoc
	git ls-files 'docs/man/*.[158]' | xargs -r mandoc -T lint -W warning
	;;
words)
	# Unfinished by its own words; paths of one machine.
	bad=0
	git grep -nIE 'TODO|FIXME|[^X]XXX[^X]|not implemented|for now|/home/[a-z]' -- \
		src bpf range tests scripts docs '*.md' ':!scripts/lint.sh' && bad=1
	# Documents name functions and source files that there are.
	# shellcheck disable=SC2016 # backquotes of the documents
	while IFS=: read -r file name; do
		case $name in
		*'()') git grep -qF "${name%\)}" -- '*.[ch]' '*.sh' '*.py' '*.js' ;;
		src/*) [ -e "$name" ] ;;
		*) git ls-files | grep -qE "(^|/)$name\$" ;;
		esac || {
			echo "$file: there is no $name"
			bad=1
		}
	done < <(grep -oE '`(src/[a-z0-9_./]+|[a-z0-9_/]+\.[ch]|[a-z_0-9]+\(\))`' docs/*.md | tr -d '`' | sort -u)
	exit "$bad"
	;;
*)
	echo "usage: scripts/lint.sh format|tidy|cppcheck|shell|man|words" >&2
	exit 2
	;;
esac
