#!/bin/bash
# usage: ./test.sh            install what the tests need, build, run every test
#        ./test.sh --quick    the unit tests and the lints alone
# Closes with "N passed, N failed, N skipped"; exit status 1 when anything failed.
set -u
cd "$(dirname "$0")" || exit 1
export KARMA_SHARED="${KARMA_SHARED:-$(cd .. && pwd)/shared}"

quick=
case "${1:-}" in
"") ;;
--quick) quick=1 ;;
*)
	echo "usage: ./test.sh [--quick]" >&2
	exit 2
	;;
esac

passed=0 failed=0 skipped=0
work=$(mktemp -d)
lanes=()
stop() {
	kill "${lanes[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

# ---- one suite: a line of how it went, and what it said if that was not well, on standard output;
# its figures in $dir/figures ----

# The command's exit status, its words in $dir/out. It ends when this is asked to.
say() { # command...
	"$@" >"$dir/out" 2>&1 </dev/null &
	trap 'kill %% 2>/dev/null; wait' TERM
	wait $!
}

tell() { # name status passed failed skipped
	local failed=$4
	[ "$2" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
	echo "$3 $failed $5" >"$dir/figures"
	if [ "$failed" -ne 0 ]; then
		echo "FAILED   $1: $3 passed, $failed failed, $5 skipped (exit status $2)"
		{
			grep '^FAILED' "$dir/out"
			grep -v '^ok\|^FAILED\|^\[ RUN\|^\[       OK' "$dir/out" | tail -n 60
		} | sed 's/^/         /'
	else
		echo "ok       $1: $3 passed, $failed failed, $5 skipped, $SECONDS s"
		grep -i '^skipped' "$dir/out" | sort | uniq | head -n 5 | sed 's/^/         /'
	fi
}

# A command that is one check: it passes when it exits 0, is skipped when it exits 77.
check() { # name command...
	local status
	say "${@:2}"
	status=$?
	case $status in
	0) echo "1 0 0" >"$dir/figures"; echo "ok       $1" ;;
	77) echo "0 0 1" >"$dir/figures"; echo "skipped  $1: $(tail -n 1 "$dir/out")" ;;
	*) tell "$1" "$status" 0 1 0 ;;
	esac
}

# A script of many checks: its closing line counts.
suite() { # name command...
	local status line p f s
	say "${@:2}"
	status=$?
	line=$(grep -Eo '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$dir/out" | tail -n 1)
	[ -n "$line" ] || line="0 passed, 1 failed" # it was cut short
	read -r p f s < <(echo "$line" | awk '{print $1, $3, ($5 == "" ? 0 : $5)}')
	tell "$1" "$status" "$p" "$f" "$s"
}

# A cmocka program: cmocka's own lines count; it lists failures and skips once more at its end.
unit() { # name command...
	local status p f s
	CMOCKA_MESSAGE_OUTPUT=STDOUT say "${@:2}"
	status=$?
	p=$(grep -c '^\[       OK \]' "$dir/out")
	f=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$dir/out")
	s=$(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' "$dir/out")
	tell "$1" "$status" "$p" $(((f + 1) / 2)) $(((s + 1) / 2))
}

# ---- side by side: a plan of suites, each in a lane, and titles between them. Suites that compute
# are in one lane, one more at a time than there are processors, as some of them wait for a while. They
# give way to those of another lane, which rather wait, run beside them two at a time, and shall see
# what happens when it happens. Both done, those follow that need the machine for themselves. ----

plan=() # what to print or to run, a line each
title() { plan+=("title == $*"); }
suites() { # lane kind timeout file...
	local file name
	for file in "${@:4}"; do
		name=${file#tests/}
		plan+=("$1 $2 ${name#build-san/tests/} timeout -k 30 $3 $file")
	done
}

one() { # index: a suite of the plan; its report is there when it has ended
	local dir=$work/$1 words
	read -ra words <<<"${plan[$1]}"
	SECONDS=0
	mkdir "$dir"
	"${words[@]:1}" >"$dir/report.part"
	mv "$dir/report.part" "$dir/report"
}

lane() { # name suites-at-a-time
	local i
	trap 'kill $(jobs -p) 2>/dev/null; wait; exit' TERM
	for i in "${!plan[@]}"; do
		[ "${plan[$i]%% *}" = "$1" ] || continue
		while [ "$(jobs -rp | wc -l)" -ge "$2" ]; do wait -n; done
		one "$i" &
	done
	wait
}

show() { # what the plan says, in its order, as it comes
	local i p f s
	for i in "${!plan[@]}"; do
		if [ "${plan[$i]%% *}" = title ]; then
			echo "${plan[$i]#title }"
			continue
		fi
		while [ ! -e "$work/$i/report" ]; do sleep 0.5; done
		cat "$work/$i/report"
		read -r p f s <"$work/$i/figures"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	done
}

echo "== install"
if command -v apt-get >/dev/null; then
	scripts/install-packages.sh build test || exit 1
	[ -n "$quick" ] || scripts/install-packages.sh package || echo "karma: the package's tests will be skipped"
	[ -n "$quick" ] || [ "$(id -u)" -ne 0 ] || scripts/install-packages.sh range ||
		echo "karma: the live tests will be skipped"
	[ -n "$quick" ] || [ "$(id -u)" -ne 0 ] || scripts/install-packages.sh reference ||
		echo "karma: the peers of the reference tests will be missing"
fi

echo "== build, warnings are errors"
if ! make -s -j"$(nproc)" all tests >"$work/build" 2>&1; then
	tail -n 40 "$work/build"
	echo "FAILED   build"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
passed=1
echo "ok       build"
plan+=("first check build-under-sanitizers make -s -j$(nproc) SAN=1 all tests")

title lint
for l in format tidy cppcheck shell man words; do
	plan+=("compute check lint.sh-$l scripts/lint.sh $l")
done
if [ -z "$quick" ]; then
	title kernels
	for series in 6.1 6.12; do
		plan+=("compute suite kernels/$series timeout -k 30 900 tests/kernels/run.sh $series")
	done
fi
title unit tests, under address and undefined-behaviour sanitizers
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
for t in tests/unit/test_*.c; do
	suites compute unit 600 "build-san/tests/$(basename "$t" .c)"
done
if [ -z "$quick" ]; then
	title cli
	suites compute suite 900 tests/cli/*.sh
	title scripts
	suites compute check 100 tests/scripts/*.py
	title reference
	suites compute suite 900 tests/reference/*.sh
	title fuzz
	suites compute suite 900 tests/fuzz/*.sh
	title live
	waiting=() # but for deb.sh, which downloads a Debian: make test-deb
	for t in tests/live/*.sh; do
		[[ $t =~ /(deb|detect|overload|web)\.sh$ ]] || waiting+=("$t")
	done
	suites wait suite 900 "${waiting[@]}"
	title alone
	suites alone suite 900 tests/live/{web,detect,overload}.sh
fi
{
	{
		renice -n 10 -p "$BASHPID" >/dev/null
		lane first 1
		lane compute $(($(nproc) + 1))
	} &
	lane wait 2 &
	trap 'kill $(jobs -p) 2>/dev/null; wait; exit' TERM
	wait
	lane alone 1
} &
lanes=($!)
show

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
