#!/bin/bash
# usage: tests/cli/top.sh
# karma top in a terminal of tmux's, with a stand-in for the daemon (desk_daemon.py) and a history of
# small captures: what is shown, every key to its effect, sizes, terminals without colour and without
# UTF-8, hostile text, a daemon that restarts, hangs or refuses, and the terminal as it was after it.
# shellcheck disable=SC2016 # what the shell in the terminal expands
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
range=$captures/range
history=$work/history.db socket=$work/socket log=$work/log
export TZ=UTC
command -v tmux >/dev/null || {
	skip 50 "tmux is not installed"
	finish
}

# ---- a terminal ----

tm() { tmux -L "karma-top-$$" -f /dev/null "$@"; }
leave() {
	tm kill-server 2>/dev/null
	clean
}
trap leave EXIT

# open WIDTH HEIGHT VARIABLES ARGUMENT...: karma top, and what its terminal is like before and after
open() {
	local width=$1 height=$2 variables=$3
	shift 3
	tm kill-session -t top 2>/dev/null
	rm -f "$work/after"
	cat >"$work/shell" <<-END
		trap : INT
		echo before it
		stty -g >'$work/before'
		env $variables $(printf '%q ' "${under[@]}" "$karma" top "$@")
		echo "ended \$?"
		stty -g >'$work/after'
		exec cat
	END
	tm new-session -d -s top -x "$width" -y "$height" "bash $work/shell"
}
under=()
utf8="LANG=C.UTF-8 TERM=screen"
press() { tm send-keys -t top "$@"; }
type_in() { tm send-keys -t top -l "$1"; }
screen() { tm capture-pane -p -t top; }
shows() { screen | grep -qE -- "$1"; }
hides() { ! shows "$1"; }
soon() { # command...: it succeeds soon s; a look costs some processes
	local tries=80
	until "$@"; do
		((tries-- > 0)) || return
		sleep 0.25
	done
}
sees() { # name regexp
	check "$1" soon shows "$2"
}
is() { [ "$(tm display-message -p -t top "$1")" = "$2" ]; }
as_it_was() { # the terminal: its modes, the screen that was before, the cursor
	soon test -s "$work/after" && cmp "$work/before" "$work/after" && shows '^before it$' &&
		shows '^ended 0$' && is '#{alternate_on}' 0 && is '#{cursor_flag}' 1 && is '#{keypad_cursor_flag}' 0
}

daemon() { # option...
	/usr/bin/python3 tests/cli/desk_daemon.py "$socket" --log "$log" "$@" 2>"$work/daemon.err" &
	job[daemon]=$!
	within 30 test -S "$socket" || broken "the stand-in does not start"
}
asked() { grep -qF -- "$1" "$log"; }
never_asked() { ! asked "$1"; }
: >"$log"

"$karma" read --history "$history" "$range"/{nmap_syn,flood_syn_random,hydra_ftp,slow_headers}.pcap >/dev/null
"$karma" history --json --history "$history" >"$work/events"
marked() { "$karma" history --csv --mark "$1" --history "$history" | grep -q "^$2,"; }
mutes() { "$karma" history mutes --history "$history" | grep -qE "$1"; }

# ---- what is shown ----

refuses "without a terminal" 1 "needs a terminal" "$karma" top --socket "$socket"
refuses "an option that there is not" 2 "'--loud'" "$karma" top --loud
refuses "now or then" 2 "choose one" "$karma" top --socket a --history b

daemon --block on
open 80 24 "$utf8" --socket "$socket"
sees "all is said to be well" 'karma is well; 6 alerts are going on'
sees "rates" '^ packets/s +[0-9,]+ .*[▁▂▃▄▅▆▇█]{8}'
sees "losses" '^ nothing lost'
sees "hosts by suspicion" '^10\.66\.0\.1 +1\.90 '
sees "alerts" '^[0-9:]+ +Worms +90% 1,200 hosts +192\.0\.2\.30 \+1 +1,085 now'
sees "the block list" 'blocking on, 1 blocked'
in_colour() { tm capture-pane -pe -t top | grep -qP '\e\[[0-9;]*3[1-6]m'; }
check "in colour" in_colour
kill -USR2 "${job[daemon]}"
check "a new alert is there within 2 s" within 2 shows 203.0.113.77

press Down Down
press Enter
sees "Enter opens an alert" '^ alert +made0028, going on'
sees "its reasons" '^ reasons +31 ports tried in 10 s'
sees "its probabilities" '^ class +Exploits +90\.0 % +█{27}'
sees "its technique" 'T1046 Network Service Discovery, of TA0007 Discovery'
sees "that there is no history" 'this karma has no history'
press a
sees "a mark says so in one line" 'it cannot be kept: this karma has no history'
press Escape
sees "Esc goes back" '^alert since'
press Tab
press Down Enter
sees "a host's alerts" 'filter: 10\.66\.1\.2'
press Escape
press 5
sees "the system" '^ +alert +900 ms +2\.4 s'
press 4
sees "the allow list" '^192\.0\.2\.0/28 +configuration'
press '?'
sees "the help" '^ \?  h +these keys'
press NPage
sees "is scrolled" 'until some time'
press Escape
press 1

press /
type_in "brute 10.66.6"
press Enter
only_brute() { shows 'Brute Force' && hides 'Reconn.*(now|ended)' && hides 'Worms .*(now|ended)'; }
check "a filter" soon only_brute
press Escape
sees "and away with it" 'Worms .*now'

press p
sees "pause" PAUSED
kill -USR2 "${job[daemon]}"
still() { screen | sed '1d;22,$d'; } # but for the clock and what is said at the foot
before=$(still)
sleep 2
unchanged() { [ "$(still)" = "$before" ]; }
check "nothing changes meanwhile" unchanged
press p
sees "and on" 'karma is well'

# ---- sizes ----

tm resize-window -t top -x 200 -y 50
sees "200x50: hosts beside alerts" '^host by suspicion.*alert since'
sees "with more of each" '^10\.66\.6\.35 +0\.05 '
tm resize-window -t top -x 60 -y 10
sees "too small" 'too small: 60 x 10'
press 5
tm resize-window -t top -x 80 -y 24
sees "80x24 again" '^alert since'
press z
sees "zoom" '1 col 10 s'

# ---- block, unblock, allow ----

press 3 Home
press b
sees "before blocking: for how long?" '^block 10\.66\.0\.1 for .*: 10m$'
press Enter
sees "and once more" '^block 10\.66\.0\.1 for 10m: \(y\)es or \(n\)o\?'
press n
sees "no" '10\.66\.0\.1 is not blocked'
press Down b
sees "another" '^block 10\.66\.1\.2 for'
press Escape
sees "Esc" 'nothing was done'
check "nothing was asked for" never_asked block.add
press b
press C-u
type_in 2h
press Enter y
sees "yes" '10\.66\.1\.2: blocked'
check "the daemon was asked" asked '"address": "10.66.1.2", "for": 7200'
press u y
sees "unblocked" '10\.66\.1\.2: unblocked'
check "the daemon was asked for that" asked '"command": "block.del", "address": "10.66.1.2"'
press A y
sees "allowed" '10\.66\.1\.2: allowed'
press 4 B
type_in 192.0.2.9
press Enter Enter y
sees "a refusal is shown" '192\.0\.2\.9 is not blocked: on the allow list'
press B
type_in 198.51.100.0/24
press Enter C-u Enter y
sees "a prefix, for ever" '^198\.51\.100\.0/24 +block +for ever'
press Tab u
sees "the configuration's are its own" 'allowed by the configuration'

# ---- a daemon that hangs, and ends ----

kill -USR1 "${job[daemon]}"
sees "a daemon that hangs" 'NO ANSWER from karma for'
press 2
sees "keeps nobody from the keyboard" '^alert since.*$'
kill -USR1 "${job[daemon]}"
sees "and answers again" 'is well'
stop daemon TERM
sees "a daemon that ends" 'NOT CONNECTED: '
press b
sees "then nothing is blocked" 'nothing can be done'
daemon --block off --history "$history" --events "$work/events" --wrong
sees "the next one is found" 'WRONG: 2 things .*: the history cannot be written'
press 1
sees "losses" '^ LOST flow table full: 12, ring full: 3'
in_red() { tm capture-pane -pe -t top | grep -qP '\e\[[0-9;]*31m[^\e]*LOST'; }
check "in red" in_red
sees "its alerts, no others" '2 Alerts 4'
check "are shown" hides 'Worms'
press 5
sees "what is wrong, and what helps" '^ +make room on its disk'
press 2 Home b
sees "where blocking is off, it is said" 'blocking is off: start karma run with --block'

# ---- marks, in the history ----

press Down Enter
sees "flows, from the history" '^ flows +[0-9]+'
press End
sees "to the last of them" '^ [0-9:.]+ +10\.55.* -> .* tcp|TCP'
press Escape
id=$(tail -n 2 "$work/events" | head -n 1 | grep -o '"alert_id":"[^"]*' | cut -d'"' -f4)
press a
sees "acknowledged" "alert $id: acknowledged"
check "the history has it" marked ack "$id"
press f
check "a false alarm" soon marked false "$id"
sees "is seen in the list" ' false *$'
press c
check "cleared" soon marked none "$id"
press m c
press C-u
type_in 3h
press Enter
sees "muted" 'alerts of 10\.55\.97\.188 are muted until'
check "the history has the mute" mutes 'from 10\.55\.97\.188, [A-Z].* until'
press M
sees "unmuted" '10\.55\.97\.188: 1 mute ended'
check "the history has none" mutes '^0 mutes'
/usr/bin/python3 - "$history" <<-'END' &
	import sqlite3, sys, time
	db = sqlite3.connect(sys.argv[1], isolation_level=None)
	db.execute("BEGIN IMMEDIATE")
	time.sleep(3)
END
pids+=($!)
sleep 1
press a 5
check "a history that another program holds keeps nobody from the keyboard" within 2 shows '^ latency'
wait "${pids[-1]}"
check "and is written when it is free" soon marked ack "$id"
"$karma" history false "$id" --history "$history"
press 2
check "marks that others make are seen" soon shows ' false *$'
small() { awk '/^VmRSS/ {print; exit !($2 < 65536)}' "/proc/$(pgrep -f "^$karma top --socket $socket")/status"; }
check "it takes less than 64 MiB" small

press q
check "q leaves the terminal as it was" as_it_was
stop daemon TERM

# ---- terminals ----

daemon --hostile --history $'/tmp/\x1b[31m'
open 80 24 "$utf8" --socket "$socket"
sees "hostile text stands there" '\?\[2J\?\]0;owned\?'
harmless() { # on every page: nothing that moves, turns or colours
	local page
	for page in 1 2 3 4 5; do
		press "$page"
		sleep 0.5
		screen >"$work/page"
		/usr/bin/python3 -c '
import sys, unicodedata
text = open(sys.argv[1]).read()
assert "karma top" in text, text
bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
assert not bad, bad' "$work/page" || return
	done
	! is '#{pane_title}' owned
}
check "and does nothing" harmless
press 2 Enter
sees "nor as an alert of its own" 'alert +'
check "a daemon that speaks nonsense ends nothing" shows 'karma top'
press C-c
check "Ctrl-C leaves the terminal as it was" as_it_was
stop daemon TERM

daemon --wrong
colourless() { soon shows 'LOST flow table' && ! in_colour; }
open 80 24 "$utf8 NO_COLOR=1" --socket "$socket"
check "NO_COLOR" colourless
open 80 24 "LANG=C.UTF-8 TERM=vt100" --socket "$socket"
check "a terminal without colour" colourless
ascii() { soon shows '^ packets/s +[0-9,]+ .*[.:=+*#-]{8}' && ! screen | grep -qP '[^\x00-\x7f]'; }
open 80 24 "LC_ALL=C TERM=screen" --socket "$socket"
check "a terminal without UTF-8" ascii
press Down Enter
sees "and its bars" '^ class .* #{20}'
open 80 24 "$utf8 TERM=nonsense" --socket "$socket"
sees "a terminal that is not known" "the terminal 'nonsense' is not known"
open 80 24 "$utf8" --socket "$work/none"
sees "no daemon" 'NOT CONNECTED: .*no karma answers there'
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	cp "$karma" "$work/karma" && chmod 711 "$work" && chmod 700 "$socket"
	under=(setpriv --reuid 65534 --clear-groups)
	karma=$work/karma open 80 24 "$utf8" --socket "$socket"
	under=()
	sees "who may not use it is told" 'NOT CONNECTED: .*you may not use it'
else
	skip 1 "needs root and setpriv"
fi
stop daemon TERM
daemon --refuse
open 80 24 "$utf8" --socket "$socket"
sees "a karma that cannot tell" "karma answers: there is no command 'live'"
stop daemon TERM

# ---- a history file ----

open 80 24 "$utf8" --history "$history"
sees "a history: its name" "history $work"
sees "its alerts" 'Reconnaissance +[0-9]+% 10\.55\.97\.18'
sees "its hosts" '^host +most held'
sees "its rates" '^ packets/s +[0-9,.]+ '
press 2 /
type_in "$id"
press Enter Enter
sees "its flows" '^ time +from +to +proto'
press Right Right Right Right Right Right
sees "more of them to the right" 'lasting +service'
press b
sees "nothing is blocked from there" 'a history file was opened'
press a
check "but marked" soon marked ack "$id"
press q
check "the terminal is as it was" as_it_was
open 80 24 "$utf8" --history "$work/none.db"
sees "a history that is not there" 'there is no history yet'
finish
