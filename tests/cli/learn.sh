#!/bin/bash
# usage: tests/cli/learn.sh      karma learn on captures, and karma read with what it learnt
set -u
cd "$(dirname "$0")/../.." || exit 1
karma=build/karma
range=tests/captures/range
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

ok() { # name condition...
	local name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name: $*"
		tail -n 5 "$work/out" "$work/err" 2>/dev/null
	fi
}

learn() { # arguments...: its report in out
	timeout 120 "$karma" learn "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

read_with() { # arguments...: EVE in out
	rm -f "$work/eve"
	timeout 120 "$karma" read --json "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

alerts() {
	grep -c '"event_type":"alert".*"stage":"new"' "$work/out"
}

says() { # text
	grep -qF -- "$1" "$work/out"
}

refuses() { # name status text arguments...: one line of this text, and this status
	local name=$1 expected=$2 text=$3
	shift 3
	"$karma" "$@" >"$work/out" 2>"$work/err" </dev/null
	ok "$name: status" [ $? -eq "$expected" ]
	ok "$name: one line" [ "$(wc -l <"$work/err")" -eq 1 ]
	ok "$name: says why" grep -qF -- "$text" "$work/err"
}

# A model that goes by the service alone, a site of look-ups and odd web pages, an attack, another
# site.
if ! gcc -std=gnu11 -D_GNU_SOURCE -Isrc -o "$work/services" tests/cli/services.c \
	build/libkarma.a -ljansson -lndpi -lnettle -lz -lm -lpthread ||
	! "$work/services" "$work/m.karma" || ! python3 tests/cli/learn.py "$work"; then
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
m=$work/m.karma site=$work/site.pcap p=$work/profile.json

# ---- learning ----

read_with -m "$m" "$site"
ok "the site: alerts without a profile" [ "$(alerts)" -ge 3 ]

learn -m "$m" "$site" -o "$p"
ok "learn: a good end" [ "$status" -eq 0 ]
ok "learn: who raised alerts is named" says "10.2.0.2, 10.2.0.3, 10.2.0.4"
ok "learn: and left out" says "margins: the model's own"
read_with -m "$m" "$site" --profile "$p"
ok "learn: what was left out is no less an attack" [ "$(alerts)" -ge 3 ]

learn -m "$m" "$site" -o "$p" --trust all
ok "trust: a good end" [ "$status" -eq 0 ]
ok "trust: the margin of the service that alarmed" says "margins raised: http by"
ok "trust: nobody is left out" [ "$(grep -c 'left out' "$work/out")" -eq 0 ]
ok "trust: the profile says so" grep -q '"http": ' "$p"
ok "trust: nothing else is there" [ -z "$(compgen -G "$p.*")" ]
read_with -m "$m" "$site" --profile "$p"
ok "profile: the site is silent" [ "$(alerts)" -eq 0 ]
ok "profile: and has not drifted" [ ! -s "$work/err" ]
ok "profile: the figures say so" says '"drifted":false'
read_with -m "$m" "$work/attack.pcap" --profile "$p"
ok "profile: the attack is found" [ "$(alerts)" -eq 1 ]

learn -m "$m" "$site" -o "$work/some.json" --trust 10.2.0.2,10.2.0.3
ok "trust: all but some" says "left out, for the alerts that they raised: 10.2.0.4"
learn -m "$m" "$site" -o "$work/many.json" --trust all --false-alerts 100000
ok "false alerts: as many as you like" says "margins: the model's own"

learn -m "$m" "$work/attack.pcap" -o "$work/attack.json" --trust all
ok "a trusted attack: the bound is told" says "margins raised: ssh by 3.0 (the most there is)"
ok "a trusted attack: and what it means" says "more than was asked for"
read_with -m "$m" "$work/attack.pcap" --profile "$work/attack.json"
ok "a trusted attack: it is found all the same" [ "$(alerts)" -eq 1 ]

# ---- drift ----

timeout 60 "$karma" read -m "$m" --profile "$p" --eve "$work/eve" "$work/other.pcap" \
	>"$work/out" 2>"$work/err"
ok "another site: told once" [ "$(grep -c 'has drifted from the profile: service udp: 100 %' "$work/err")" -eq 1 ]
ok "another site: in EVE" [ "$(grep -c '"event_type":"drift".*"drifted":true' "$work/eve")" -eq 1 ]
ok "another site: in the figures" grep -q '"event_type":"stats".*"drifted":true' "$work/eve"
timeout 60 "$karma" read -m "$m" --profile "$p" "$work/other.pcap" "$site" >"$work/out" 2>"$work/err"
ok "drift: its end is told" grep -q "the traffic is as the profile has it again" "$work/err"
read_with -m "$m" "$work/other.pcap"
ok "no profile: no drift" [ "$(grep -c drift "$work/out" "$work/err" | grep -vc ':0$')" -eq 0 ]

# ---- the last layer ----

learn -m "$m" "$site" -o "$work/tuned.json" --trust all --tune
ok "tune: a good end" [ "$status" -eq 0 ]
ok "tune: it is told" says "last layer tuned on"
read_with -m "$m" "$site" --profile "$work/tuned.json"
ok "tune: the site is silent" [ "$(alerts)" -eq 0 ]
read_with -m "$m" "$work/attack.pcap" --profile "$work/tuned.json"
ok "tune: the attack is found" [ "$(alerts)" -eq 1 ]

# The bundled model, tuned to the range's work: what is plain without a profile is so with it.
mkdir "$work/work"
for capture in chat health_round mail_read resolver retry_busy ssh_shell ssh_typo video web_wide; do
	ln -s "$PWD/$range/$capture.pcap" "$work/work/"
done
learn "$work/work" -o "$work/range.json" --tune --trust all --false-alerts 0.1
ok "the range: a good end" [ "$status" -eq 0 ]
for attack in nmap_syn sweep_port flood_syn_random; do
	read_with "$range/$attack.pcap" --profile "$work/range.json"
	ok "the range: $attack is found" [ "$(alerts)" -ge 1 ]
done

# ---- refusals ----

refuses "no profile named" 2 "-o FILE" learn "$site"
refuses "nothing to learn from" 2 "no capture" learn -o "$p"
refuses "two sources" 2 "either" learn -i lo "$site" -o "$p"
refuses "a time for captures" 2 "--for goes with -i" learn --for 1h "$site" -o "$p"
refuses "no unit" 2 "not '10'" learn -i lo --for 10 -o "$p"
refuses "no rate" 2 "not 'often'" learn --false-alerts often "$site" -o "$p"
refuses "a rate of nothing" 2 "not '0'" learn --false-alerts 0 "$site" -o "$p"
refuses "not a number" 2 "not 'nan'" learn --false-alerts nan "$site" -o "$p"
refuses "no address" 2 "not 'bob'" learn --trust 10.0.0.1,bob "$site" -o "$p"
refuses "tuned by a stream" 2 "twice" learn --tune - -o "$p"
refuses "tuned without an end" 2 "needs --for" learn --tune -i lo -o "$p"
cp "$p" "$work/before"
refuses "tuned within a second" 2 "2 s or more" learn --tune --for 1s -i lo -o "$p"
refuses "two things on standard output" 2 "name a file" learn "$site" -o -
refuses "a time beyond all bounds" 2 "not '200000d'" learn --for 200000d -i lo -o "$p"
ok "the profile says what it was learnt from" grep -qF "$site" "$p"
refuses "no capture there" 1 "none.pcap" learn -m "$m" "$work/none.pcap" -o "$p"
ok "no capture there: the old profile stays" cmp -s "$p" "$work/before"
learn -m "$m" "$site" -o "$work/none/p.json"
ok "nowhere to write" [ "$status" -eq 1 ]
ok "nowhere to write: before all the learning" [ ! -s "$work/out" ]
ok "nowhere to write: says so" grep -qF "$work/none/p.json: cannot be written" "$work/err"
refuses "another model's profile" 1 "it was learnt with model" read --profile "$p" "$site"
refuses "no such profile" 1 "make one with 'karma learn'" read -m "$m" --profile "$work/none" "$site"
head -c 300 "$p" >"$work/cut"
refuses "a profile cut off" 1 "not JSON, or cut off" read -m "$m" --profile "$work/cut" "$site"
sed 's/"http": .*/"http": 1e999/' "$p" >"$work/bad"
refuses "an endless margin" 1 "$work/bad" read -m "$m" --profile "$work/bad" "$site"
refuses "run: no such profile" 1 "$work/none" run -m "$m" -i lo --profile "$work/none"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
