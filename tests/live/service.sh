#!/bin/bash
# karma run as its systemd unit has it: as a user of its own with the unit's capabilities and no
# others, in a namespace; it says that it is ready and alive to the socket of NOTIFY_SOCKET, finds a
# scan, says what it does at a reload and at the end, and a loop that stands still is not alive. The
# unit itself, where systemd-analyze can look at it. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=11
watched=karma-service-$$ other=karma-visitor-$$

# ---- the unit ----

unit=$work/karma.service
sed "s|@PREFIX@/bin/karma|$karma|" systemd/karma.service.in >"$unit"
exposure() { # below 3
	systemd-analyze security --offline=true --no-pager "$unit" 2>/dev/null |
		sed -n 's/.*Overall exposure level for karma.service: \([0-9.]*\).*/\1/p' >"$work/exposure"
	awk '{ exit !($1 < 3) } END { exit !NR }' "$work/exposure"
}
if systemd-analyze --version 2>/dev/null | grep -q 'systemd 2[5-9]'; then
	check "systemd takes the unit" systemd-analyze verify --man=no --recursive-errors=no "$unit"
	check "its exposure is below 3" exposure
	echo "exposure by systemd-analyze security: $(cat "$work/exposure")"
else
	skip 2 "no systemd-analyze of 250 or later"
fi
tests=9

# ---- as the unit has it ----

needs nmap python3 setpriv
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$watched" "$other" 10.95.0

# The socket of a service manager: a line for each message, with its time.
cat >"$work/manager.py" <<'END'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("bound", flush=True)
while True:
    for line in s.recv(4096).decode().split("\n"):
        print(f"{time.monotonic():.3f} {line}", flush=True)
END
chmod 711 "$work"
python3 "$work/manager.py" "$work/notify" >"$work/manager.out" 2>"$work/manager.err" &
pids+=($!)
within 10 grep -q bound "$work/manager.out" || broken "no socket for messages"

# What it may read and where it may write: as /usr and the unit's folders.
mkdir -m 755 "$work/usr" "$work/usr/bin" "$work/usr/models"
mkdir -m 700 "$work/var"
cp build/karma "$work/usr/bin/karma"
cp models/default.karma "$work/usr/models/"
chown -R 65534:65534 "$work/var"
capabilities=$(sed -n 's/^AmbientCapabilities=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
begin() {
	: >"$work/run.err"
	NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=2000000 STATE_DIRECTORY=$work/var \
		ip netns exec "$watched" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
		--inh-caps "-all,$capabilities" --ambient-caps "-all,$capabilities" --bounding-set "-all,$capabilities" \
		"$work/usr/bin/karma" run -i v0 --eve "$work/var/eve.json" --socket "$work/var/socket" \
		>"$work/run.out" 2>"$work/run.err" </dev/null &
	job[run]=$!
	within 60 grep -q '^[0-9.]* READY=1' "$work/manager.out"
}
messages() { # word: how many
	grep -c " $1" "$work/manager.out"
}

must_start root "$watched" run -i v0 --no-history --socket "$work/root" # can anybody?
stop root
check "as the unit's user, with the unit's capabilities, it says READY=1" begin
kill -0 "${job[run]}" 2>/dev/null || broken "karma run does not start as the unit's user"
is_other() {
	[ "$(awk '/^Uid:/ {print $2}' "/proc/${job[run]}/status")" = 65534 ]
}
check "it is not root" is_other
check "what it does stands in its status" grep -q ' STATUS=v0' "$work/manager.out"
alive() { [ "$(messages WATCHDOG=1)" -ge 3 ]; }
check "it is alive" within 15 alive
inside "$other" nmap -n -Pn -sS -p 1000-1100 10.95.0.1 >/dev/null 2>&1
check "it finds a scan" within 30 grep -q 'ALERT .*10\.95\.0\.2' "$work/run.out"
kill -HUP "${job[run]}"
reloaded() { [ "$(messages RELOADING=1)" -eq 1 ] && [ "$(messages READY=1)" -eq 2 ]; }
check "a reload begins and ends" within 10 reloaded
stands_still() { # what does not run gives no sign of life
	local before
	kill -STOP "${job[run]}"
	sleep 0.2
	before=$(messages WATCHDOG=1)
	sleep 3
	[ "$(messages WATCHDOG=1)" -eq "$before" ] && kill -CONT "${job[run]}"
}
check "stopped, it is not alive" stands_still
ends() {
	stop run TERM && [ "$(messages STOPPING=1)" -eq 1 ]
}
check "it ends well, and says so" ends

# ---- every system call of another run, with what else it may do, is one that the unit allows ----

words_of() { # set: of system calls
	local word
	systemd-analyze syscall-filter --no-pager "$1" | sed 's/#.*//' | while read -r word; do
		case $word in
		"$1" | "") ;;
		@*) words_of "$word" ;;
		*) echo "$word" ;;
		esac
	done
}
allowed() { # what the unit's lines come to, in their order
	local sign names name
	: >"$work/allowed"
	while read -r sign names; do
		for name in $names; do
			case $name in @*) words_of "$name" ;; *) echo "$name" ;; esac
		done | sort -u >"$work/these"
		if [ "$sign" = + ]; then
			sort -u "$work/allowed" "$work/these" >"$work/sum"
		else
			comm -23 "$work/allowed" "$work/these" >"$work/sum"
		fi
		mv "$work/sum" "$work/allowed"
	done < <(sed -n 's/^SystemCallFilter=~/- /p; s/^SystemCallFilter=\([^~]\)/+ \1/p' "$unit")
}
made() {
	sed -E 's/^[0-9]+ +//; s/\(.*//' "$work/trace" | grep -xE '[a-z_0-9]+' | sort -u
}
# With every output, a block list, kept packets, a reload, and a request to the dashboard over TLS.
few_calls() {
	printf '#!/bin/sh\ncat >%s\n' "$work/notified" >"$work/program"
	chmod 755 "$work/program"
	ip netns exec "$watched" timeout -s INT 90 strace -f -qq -o "$work/trace" build/karma run -i v0 --block \
		--eve "$work/e.json" --eve-socket "$work/e.sock" --syslog --journald --notify "$work/program" \
		--webhook http://127.0.0.1:7799/ --web 127.0.0.1:7788 --web-cert "$work/cert.pem" --web-key "$work/key.pem" \
		--history "$work/h.db" --pcap-dir "$work/packets" --socket "$work/s" \
		>"$work/traced.out" 2>"$work/traced.err" </dev/null &
	local pid=$!
	within 40 "$karma" reload --socket "$work/s" >/dev/null 2>&1
	inside "$watched" curl -sk -m 20 https://127.0.0.1:7788/api/status >"$work/asked"
	inside "$other" nmap -n -Pn -sS -p 1-50 10.95.0.1 >/dev/null 2>&1
	within 40 test -s "$work/notified" -a -s "$work/hooked"
	pkill -INT -P "$pid"
	wait "$pid"
	# The program's own calls are in the trace, and are the unit's, too: what Karma begins has its filter.
	[ -s "$work/notified" ] && [ -s "$work/hooked" ] && [ -s "$work/asked" ] || return
	allowed
	made >"$work/calls"
	[ "$(wc -l <"$work/calls")" -gt 40 ] && [ -z "$(comm -23 "$work/calls" "$work/allowed" | tee /dev/stderr)" ]
}
if command -v strace >/dev/null && command -v systemd-analyze >/dev/null && command -v openssl >/dev/null &&
	command -v curl >/dev/null; then
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout "$work/key.pem" \
		-out "$work/cert.pem" 2>/dev/null
	cat >"$work/hook.py" <<-'END'
		import http.server, sys
		class Hook(http.server.BaseHTTPRequestHandler):
		    def do_POST(self):
		        with open(sys.argv[1], "wb") as out:
		            out.write(self.rfile.read(int(self.headers["Content-Length"])))
		        self.send_response(200)
		        self.end_headers()
		http.server.HTTPServer(("127.0.0.1", 7799), Hook).serve_forever()
	END
	ip netns exec "$watched" python3 "$work/hook.py" "$work/hooked" 2>/dev/null &
	pids+=($!)
	check "the unit allows every system call that it makes" few_calls
else
	skip 1 "needs strace, systemd-analyze, openssl and curl"
fi
finish
