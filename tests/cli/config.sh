#!/bin/bash
# usage: tests/cli/config.sh
# karma config and karma reload without a running karma: what is good, what is not and where, what
# holds and where it comes from; that what is shown is a configuration that says the same.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

conf=$work/karma.conf
write() { # text
	printf '%b' "$1" >"$conf"
}

refuses "config alone" 2 "check or show" "$karma" config
refuses "an unknown verb" 2 "'edit' is neither check nor show" "$karma" config edit
refuses "too much" 2 "one argument too many" "$karma" config check a b
refuses "--json of a check" 2 "--json goes with show" "$karma" config check --json
refuses "an unknown option" 2 "no option '--no'" "$karma" config show --no
refuses "a file that is not there" 1 "$work/none.conf" "$karma" config check "$work/none.conf"

# ---- check ----

good() { # words
	run "$karma" config check "$conf"
	[ "$status" -eq 0 ] && [ "$(cat "$work/out")" = "$conf: good" ] && [ ! -s "$work/err" ]
}
write ''
check "an empty file is good" good
check "the example is" "$karma" config check docs/karma.conf
write '[watch]\ninterfaces = eth0\n\n[modle]\n'
refuses "a section that there is not, without keys" 1 "$conf:4: there is no section 'modle'; did you mean model" "$karma" config check "$conf"
write '[history]\nsise = 1G\n'
refuses "a key that there is not" 1 "$conf:2: there is no key 'sise' in [history]; did you mean size" "$karma" config check "$conf"
write '[model]\nsensitivity = some\n'
refuses "a value that is none" 1 "$conf:2: sensitivity takes low, normal or high, not 'some'" "$karma" config check "$conf"
write '[model]\nfile = /nowhere/own.karma\n'
refuses "a model that is not there" 1 "/nowhere/own.karma" "$karma" config check "$conf"
write "[model]\nprofile = $work/profile.json\n"
echo '{"karma_profile": 1, "model": "00000000", "margins": {}}' >"$work/profile.json"
refuses "a profile of another model" 1 "it was learnt with model 00000000" "$karma" config check "$conf"
head -c 4096 models/default.karma >"$work/cut.karma"
write "[model]\nfile = $work/cut.karma\n"
refuses "a model that is cut off" 1 "$work/cut.karma" "$karma" config check "$conf"

# ---- show ----

write '# mine\n[watch]\ninterfaces = eth0, wg0\nflows = 2048\n[policy]\ndos = block 80% 30m\n[block]\nallow = 192.0.2.0/24\nallow = 02:00:5e:10:00:01\n'
shows() { # line...
	local line
	"$karma" config show "$conf" >"$work/shown" || return
	for line in "$@"; do
		grep -qxF -- "$line" "$work/shown" || return
	done
}
check "what the file says, with its line" shows "flows = 2048 ; $conf:4" "dos = block 80% 30m ; $conf:6"
check "each of a list" shows "interfaces = eth0 ; $conf:3" "interfaces = wg0 ; $conf:3" "allow = 02:00:5e:10:00:01 ; $conf:9"
check "and defaults" shows "sensitivity = normal ; default" "worms = dry-run 70% 10m ; default" "# eve = ; default"
same() { # what is shown, shown again
	"$karma" config show "$work/shown" | sed 's/ ; .*//' >"$work/again"
	sed 's/ ; .*//' "$work/shown" | diff - "$work/again"
}
check "what is shown is a configuration that says the same" same
as_json() {
	"$karma" config show "$conf" --json | python3 -c '
import json, sys
all = json.load(sys.stdin)
s = all["settings"]
assert all["file"] == sys.argv[1]
assert s["watch"]["flows"] == {"value": "2048", "from": "file", "line": 4}
assert s["watch"]["interfaces"]["value"] == ["eth0", "wg0"]
assert s["model"]["file"] == {"value": None, "from": "default"}
assert s["block"]["allow"]["value"] == ["192.0.2.0/24", "02:00:5e:10:00:01"]
' "$conf"
}
check "as JSON" as_json

# ---- the command line goes before the file ----

write '[watch]\ninterfaces = no-such-a\n[model]\nfile = /nowhere/own.karma\n'
refuses "the file's model" 1 "/nowhere/own.karma" "$karma" run --config "$conf"
refuses "another one on the command line" 1 "/elsewhere.karma" "$karma" run --config "$conf" -m /elsewhere.karma
refuses "the file's interface" 1 "there is no interface 'no-such-a'" "$karma" run --config "$conf" -m models/default.karma
refuses "another one" 1 "there is no interface 'no-such-b'" "$karma" run --config "$conf" -m models/default.karma -i no-such-b
write '[history]\nfile = /nowhere/h.db\n[watch]\ninterfaces = no-such-a\n'
refuses "a history that cannot be" 1 "/nowhere/h.db" "$karma" run --config "$conf"
refuses "none, by the command line" 1 "no-such-a" "$karma" run --config "$conf" --no-history

# ---- karma reload ----

refuses "reload: too much" 2 "one argument too many" "$karma" reload now
refuses "reload: an unknown option" 2 "no option '--no'" "$karma" reload --no
refuses "reload: nobody there" 1 "$work/none.sock" "$karma" reload --socket "$work/none.sock"

finish
