#!/bin/bash
# usage: tests/cli/learn.sh      karma learn on captures, and karma read with what it learnt
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
range=$captures/range

learn() { # arguments...: its report in out
	run "$karma" learn "$@"
}

read_with() { # arguments...: EVE in out
	rm -f "$work/eve"
	run "$karma" read --json "$@"
}

alerts() {
	grep -c '"event_type":"alert".*"stage":"new"' "$work/out"
}

says() { # text
	grep -qF -- "$1" "$work/out"
}

# A model that goes by the service alone, a site of look-ups and odd web pages, an attack, another
# site.
compile tests/cli/services.c
"$work/services" "$work/m.karma" || broken "no model"
python3 tests/cli/learn.py "$work" || broken "no captures"
m=$work/m.karma site=$work/site.pcap p=$work/profile.json

# ---- learning ----

read_with -m "$m" "$site"
check "the site: alerts without a profile" [ "$(alerts)" -ge 3 ]

learn -m "$m" "$site" -o "$p"
check "learn: a good end" [ "$status" -eq 0 ]
check "learn: who raised alerts is named" says "10.2.0.2, 10.2.0.3, 10.2.0.4"
check "learn: and left out" says "margins: the model's own"
read_with -m "$m" "$site" --profile "$p"
check "learn: what was left out is no less an attack" [ "$(alerts)" -ge 3 ]

learn -m "$m" "$site" -o "$p" --trust all
check "trust: a good end" [ "$status" -eq 0 ]
check "trust: the margin of the service that alarmed" says "margins raised: http by"
check "trust: nobody is left out" [ "$(grep -c 'left out' "$work/out")" -eq 0 ]
check "trust: the profile says so" grep -q '"http": ' "$p"
check "trust: nothing else is there" [ -z "$(compgen -G "$p.*")" ]
read_with -m "$m" "$site" --profile "$p"
check "profile: the site is silent" [ "$(alerts)" -eq 0 ]
check "profile: and has not drifted" [ ! -s "$work/err" ]
check "profile: the figures say so" says '"drifted":false'
read_with -m "$m" "$work/attack.pcap" --profile "$p"
check "profile: the attack is found" [ "$(alerts)" -eq 1 ]

learn -m "$m" "$site" -o "$work/some.json" --trust 10.2.0.2,10.2.0.3
check "trust: all but some" says "left out, for the alerts that they raised: 10.2.0.4"
learn -m "$m" "$site" -o "$work/many.json" --trust all --false-alerts 100000
check "false alerts: as many as you like" says "margins: the model's own"

learn -m "$m" "$work/attack.pcap" -o "$work/attack.json" --trust all
check "a trusted attack: the bound is told" says "margins raised: ssh by 3.0 (the most there is)"
check "a trusted attack: and what it means" says "more than was asked for"
read_with -m "$m" "$work/attack.pcap" --profile "$work/attack.json"
check "a trusted attack: it is found all the same" [ "$(alerts)" -eq 1 ]

# ---- drift ----

learn -m "$m" "$work/loud.pcap" -o "$work/loud.json" --trust all
check "a loud site: the margin of what is loud" says "margins raised: http by"
timeout 60 "$karma" read -m "$m" --profile "$work/loud.json" "$work/loud.pcap" >"$work/out" 2>"$work/err"
check "a loud site: no alert, and no drift from itself" [ "$(grep -c ALERT "$work/out") $(wc -l <"$work/err")" = "0 0" ]
learn -m "$m" "$work/loud.pcap" -o "$work/loud.json" --trust all --false-alerts 100000
check "a loud site: as many alerts as you like" says "margins: the model's own"
timeout 60 "$karma" read -m "$m" --profile "$work/loud.json" "$work/loud.pcap" >"$work/out" 2>"$work/err"
check "a loud site: what alerts tell of is no drift" [ ! -s "$work/err" ]

timeout 60 "$karma" read -m "$m" --profile "$p" --eve "$work/eve" "$work/other.pcap" \
	>"$work/out" 2>"$work/err"
check "another site: told once" [ "$(grep -c 'has drifted from the profile: service udp: 100 %' "$work/err")" -eq 1 ]
check "another site: in EVE" [ "$(grep -c '"event_type":"drift".*"drifted":true' "$work/eve")" -eq 1 ]
check "another site: in the figures" grep -q '"event_type":"stats".*"drifted":true' "$work/eve"
timeout 60 "$karma" read -m "$m" --profile "$p" "$work/other.pcap" "$site" >"$work/out" 2>"$work/err"
check "drift: its end is told" grep -q "the traffic is as the profile has it again" "$work/err"
read_with -m "$m" "$work/other.pcap"
check "no profile: no drift" [ "$(grep -c drift "$work/out" "$work/err" | grep -vc ':0$')" -eq 0 ]

# ---- the last layer ----

learn -m "$m" "$site" -o "$work/tuned.json" --trust all --tune
check "tune: a good end" [ "$status" -eq 0 ]
check "tune: it is told" says "last layer tuned on"
read_with -m "$m" "$site" --profile "$work/tuned.json"
check "tune: the site is silent" [ "$(alerts)" -eq 0 ]
read_with -m "$m" "$work/attack.pcap" --profile "$work/tuned.json"
check "tune: the attack is found" [ "$(alerts)" -eq 1 ]

# The bundled model, tuned to the range's work: what is plain without a profile is so with it.
mkdir "$work/work"
for capture in chat health_round mail_read resolver retry_busy ssh_shell ssh_typo video web_wide; do
	ln -s "$PWD/$range/$capture.pcap" "$work/work/"
done
learn "$work/work" -o "$work/range.json" --tune --trust all --false-alerts 0.1
check "the range: a good end" [ "$status" -eq 0 ]
for attack in nmap_syn sweep_port flood_syn_random; do
	read_with "$range/$attack.pcap" --profile "$work/range.json"
	check "the range: $attack is found" [ "$(alerts)" -ge 1 ]
done

# ---- nobody reads on ----

mkfifo "$work/pipe"
exec 3<>"$work/pipe"
exec 4>"$work/pipe"
exec 3<&-
timeout 60 "$karma" learn -m "$m" "$site" -o "$work/unread.json" >&4 2>"$work/err"
status=$?
exec 4>&-
check "nobody reads: it has failed" [ "$status" -eq 1 ]
check "nobody reads: no profile, not even a part" [ -z "$(compgen -G "$work/unread.json*")" ]

# ---- refusals ----

refuses "no profile named" 2 "-o FILE" "$karma" learn "$site"
refuses "nothing to learn from" 2 "no capture" "$karma" learn -o "$p"
refuses "two sources" 2 "either" "$karma" learn -i lo "$site" -o "$p"
refuses "a time for captures" 2 "--for goes with -i" "$karma" learn --for 1h "$site" -o "$p"
refuses "no unit" 2 "not '10'" "$karma" learn -i lo --for 10 -o "$p"
refuses "no rate" 2 "not 'often'" "$karma" learn --false-alerts often "$site" -o "$p"
refuses "a rate of nothing" 2 "not '0'" "$karma" learn --false-alerts 0 "$site" -o "$p"
refuses "not a number" 2 "not 'nan'" "$karma" learn --false-alerts nan "$site" -o "$p"
refuses "no address" 2 "not 'bob'" "$karma" learn --trust 10.0.0.1,bob "$site" -o "$p"
refuses "tuned by a stream" 2 "twice" "$karma" learn --tune - -o "$p"
refuses "tuned without an end" 2 "needs --for" "$karma" learn --tune -i lo -o "$p"
cp "$p" "$work/before"
refuses "tuned within a second" 2 "2 s or more" "$karma" learn --tune --for 1s -i lo -o "$p"
refuses "two things on standard output" 2 "name a file" "$karma" learn "$site" -o -
refuses "a time beyond all bounds" 2 "not '200000d'" "$karma" learn --for 200000d -i lo -o "$p"
check "the profile says what it was learnt from" grep -qF "$site" "$p"
refuses "no capture there" 1 "none.pcap" "$karma" learn -m "$m" "$work/none.pcap" -o "$p"
check "no capture there: the old profile stays" cmp -s "$p" "$work/before"
learn -m "$m" "$site" -o "$work/none/p.json"
check "nowhere to write" [ "$status" -eq 1 ]
check "nowhere to write: before all the learning" [ ! -s "$work/out" ]
check "nowhere to write: says so" grep -qF "$work/none/p.json: cannot be written" "$work/err"
refuses "another model's profile" 1 "it was learnt with model" "$karma" read --profile "$p" "$site"
refuses "no such profile" 1 "make one with 'karma learn'" "$karma" read -m "$m" --profile "$work/none" "$site"
head -c 300 "$p" >"$work/cut"
refuses "a profile cut off" 1 "not JSON, or cut off" "$karma" read -m "$m" --profile "$work/cut" "$site"
sed 's/"http": .*/"http": 1e999/' "$p" >"$work/bad"
refuses "an endless margin" 1 "$work/bad" "$karma" read -m "$m" --profile "$work/bad" "$site"
refuses "run: no such profile" 1 "$work/none" "$karma" run -m "$m" -i lo --profile "$work/none"

finish
