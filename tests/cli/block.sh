#!/bin/bash
# usage: tests/cli/block.sh
# karma block and the options of karma run that go with it, without a kernel: usage, errors, the
# configuration. What they do is in tests/live/block.sh and tests/unit.
#
# shellcheck disable=SC2317 # functions that `check` calls
set -u
cd "$(dirname "$0")/../.." || exit 1
karma=$PWD/build/karma
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # name command...
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		head -n 10 "$work/said"
	fi
}

# refuses STATUS TEXT ARGUMENT...: with this status and one line that has the text.
refuses() {
	local status=$1 text=$2 said got
	shift 2
	said=$("$karma" "$@" 2>&1)
	got=$?
	echo "$got: $said"
	[ $got -eq "$status" ] && [ "$(wc -l <<<"$said")" -eq 1 ] && grep -qF -- "$text" <<<"$said"
}

check "block alone" refuses 2 "list, add, del or flush" block
check "an unknown verb" refuses 2 "'remove' is none of" block remove
check "add without an address" refuses 2 "needs an address" block add
check "list with one" refuses 2 "one argument too many" block list 192.0.2.1
check "flush with one" refuses 2 "one argument too many" block flush 192.0.2.1
check "--for of a del" refuses 2 "--for goes with add" block del 192.0.2.1 --for 10m
check "a time that is none" refuses 2 "such as 90s" block add 192.0.2.1 --for 10
check "--dry-run of a list" refuses 2 "changes nothing" block list --dry-run
check "an unknown option" refuses 2 "no option '--no'" block list --no
check "nobody there" refuses 1 "no karma answers there" block list --socket "$work/none"
check "nobody at the other end" refuses 1 "is too long for a socket" run --block --socket "$(printf '%0200d' 0)"
check "another kind of --block" refuses 2 "=dry-run, not 'wet'" run --block=wet
check "--keep-blocks alone" refuses 1 "--keep-blocks keeps what --block blocks" run --keep-blocks
check "a configuration that is not there" refuses 1 "$work/none.conf" run --config "$work/none.conf"
printf '[block]\nmode = off\nentires = 7\n' >"$work/bad.conf"
check "a key that there is not" refuses 1 "$work/bad.conf:3: there is no key 'entires' in [block]; did you mean entries" run --config "$work/bad.conf"
printf '[policy]\ndos = 7\n' >"$work/bad.conf"
check "a value that is none" refuses 1 "$work/bad.conf:2: dos takes off, dry-run or block" run --config "$work/bad.conf"
check "the example is taken" refuses 1 "there is no interface 'no-such-if'" run --config docs/karma.conf -i no-such-if

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
