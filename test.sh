#!/bin/bash
# usage: ./test.sh            install what the tests need, build, run every test
#        ./test.sh --quick    the unit tests and the lints alone
# Closes with "N passed, N failed, N skipped"; exit status 1 when anything failed.
set -u
cd "$(dirname "$0")" || exit 1
export KARMA_SHARED="${KARMA_SHARED:-$(cd .. && pwd)/shared}"

kernels_before=600 # seconds: later than this the other kernels are not begun

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
trap 'rm -rf "$work"' EXIT

count() { # passed failed skipped
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# One check that is a command: it passes when it exits 0, is skipped when it exits 77.
check() { # name command...
	local name=$1 status
	shift
	"$@" >"$work/out" 2>&1 </dev/null
	status=$?
	case $status in
	0) count 1 0 0; echo "ok       $name" ;;
	77) count 0 0 1; echo "skipped  $name: $(tail -n 1 "$work/out")" ;;
	*)
		count 0 1 0
		echo "FAILED   $name (exit status $status)"
		tail -n 40 "$work/out" | sed 's/^/         /'
		;;
	esac
}

# A program of many tests: its own closing line is added up.
suite() { # name command...
	local name=$1 status line p f s
	shift
	"$@" >"$work/out" 2>&1 </dev/null
	status=$?
	line=$(grep -Eo '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$work/out" | tail -n 1)
	if [ -z "$line" ]; then
		check_status=$status
		count 0 1 0
		echo "FAILED   $name: no closing line (exit status $check_status)"
		tail -n 40 "$work/out" | sed 's/^/         /'
		return
	fi
	read -r p f s < <(echo "$line" | awk '{print $1, $3, ($5 == "" ? 0 : $5)}')
	[ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
	count "$p" "$f" "$s"
	if [ "$f" -ne 0 ]; then
		echo "FAILED   $name: $line"
		tail -n 60 "$work/out" | sed 's/^/         /'
	else
		echo "ok       $name: $line"
		grep -i '^skipped' "$work/out" | sort | uniq | head -n 5 | sed 's/^/         /'
	fi
}

# A cmocka program: cmocka's own lines are counted.
unit() { # program
	local name p f s status
	name=$(basename "$1")
	CMOCKA_MESSAGE_OUTPUT=STDOUT timeout 600 "$1" >"$work/out" 2>&1 </dev/null
	status=$?
	p=$(grep -c '^\[       OK \]' "$work/out")
	f=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$work/out")
	s=$(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' "$work/out")
	# cmocka lists failures and skips once more at its end.
	f=$(((f + 1) / 2)) s=$(((s + 1) / 2))
	[ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
	count "$p" "$f" "$s"
	if [ "$f" -ne 0 ]; then
		echo "FAILED   unit $name: $p passed, $f failed, $s skipped"
		grep -v '^\[ RUN\|^\[       OK' "$work/out" | tail -n 40 | sed 's/^/         /'
	else
		echo "ok       unit $name: $p passed, $f failed, $s skipped"
		grep -i '^skipped' "$work/out" | sort | uniq | head -n 3 | sed 's/^/         /'
	fi
}

echo "== install"
if command -v apt-get >/dev/null; then
	scripts/install-packages.sh build test || exit 1
	[ -n "$quick" ] || [ "$(id -u)" -ne 0 ] || scripts/install-packages.sh range ||
		echo "karma: the live tests will be skipped"
	[ -n "$quick" ] || [ "$(id -u)" -ne 0 ] || scripts/install-packages.sh reference ||
		echo "karma: the peers of the reference tests will be missing"
fi

echo "== build, warnings are errors"
if ! make -s -j"$(nproc)" all tests >"$work/build" 2>&1 ||
	! make -s -j"$(nproc)" SAN=1 all tests >>"$work/build" 2>&1; then
	tail -n 40 "$work/build"
	echo "FAILED   build"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
count 1 0 0
echo "ok       build, and build under sanitizers"

echo "== lint"
for l in scripts/lint.sh\ {format,tidy,cppcheck,shell,man,words}; do
	# shellcheck disable=SC2086 # the words of one command
	check "${l#scripts/}" $l
done

echo "== unit tests, under address and undefined-behaviour sanitizers"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
for t in tests/unit/test_*.c; do
	t=$(basename "$t" .c)
	unit "build-san/tests/$t"
done

if [ -z "$quick" ]; then
	for kind in cli reference fuzz live; do
		echo "== $kind"
		for t in tests/"$kind"/*.sh; do
			[ -x "$t" ] && suite "${t#tests/}" timeout 900 "$t"
		done
	done
	echo "== kernels"
	if [ "$SECONDS" -le "$kernels_before" ]; then
		suite kernels/run.sh timeout 900 tests/kernels/run.sh
	else
		check kernels/run.sh sh -c "echo 'no time left; see make test-kernels'; exit 77"
	fi
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
