#!/bin/bash
# usage: tests/cli/block.sh
# karma block and the options of karma run that go with it, without a kernel: usage, errors, the
# configuration. What they do is in tests/live/block.sh and tests/unit.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

refuses "block alone" 2 "list, add, del, flush, allowed, allow or disallow" "$karma" block
refuses "an unknown verb" 2 "'remove' is none of" "$karma" block remove
refuses "add without an address" 2 "needs an address" "$karma" block add
refuses "list with one" 2 "one argument too many" "$karma" block list 192.0.2.1
refuses "flush with one" 2 "one argument too many" "$karma" block flush 192.0.2.1
refuses "--for of a del" 2 "--for goes with add" "$karma" block del 192.0.2.1 --for 10m
refuses "a time that is none" 2 "such as 90s" "$karma" block add 192.0.2.1 --for 10
refuses "--dry-run of a list" 2 "--dry-run goes with" "$karma" block list --dry-run
refuses "allow without an address" 2 "allow needs an address" "$karma" block allow
refuses "allowed with one" 2 "one argument too many" "$karma" block allowed 192.0.2.1
refuses "--for of an allow" 2 "--for goes with add" "$karma" block allow 192.0.2.1 --for 10m
refuses "an unknown option" 2 "no option '--no'" "$karma" block list --no
refuses "nobody there" 1 "no karma answers there" "$karma" block list --socket "$work/none"
refuses "a path too long for a socket" 2 "--socket takes text of 1 to 107 characters" "$karma" run --block --socket "$(printf '%0200d' 0)"
refuses "another kind of --block" 2 "--block takes off, dry-run or on, not 'wet'" "$karma" run --block=wet
refuses "--keep-blocks alone" 1 "--keep-blocks keeps what --block blocks" "$karma" run --keep-blocks
refuses "a configuration that is not there" 1 "$work/none.conf" "$karma" run --config "$work/none.conf"
printf '[block]\nmode = off\nentires = 7\n' >"$work/bad.conf"
refuses "a key that there is not" 1 "$work/bad.conf:3: there is no key 'entires' in [block]; did you mean entries" "$karma" run --config "$work/bad.conf"
printf '[policy]\ndos = 7\n' >"$work/bad.conf"
refuses "a value that is none" 1 "$work/bad.conf:2: dos takes off, dry-run or block" "$karma" run --config "$work/bad.conf"
refuses "the example is taken" 1 "there is no interface 'no-such-if'" "$karma" run --config docs/karma.conf -i no-such-if

finish
