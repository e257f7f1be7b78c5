#!/bin/bash
# The dashboard of a running Karma, in the range: real attacks, every page and every action in
# Chromium; who may not ask is refused; too many connections and stuck views hold nobody up;
# Prometheus scrapes /metrics; a build without node says why there is none. First view, size and
# scrolling are printed. Needs root; says why where it is skipped.
# shellcheck disable=SC2016,SC2034 # what eval expands; what net.sh reads
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=range/net.sh
. range/net.sh
# shellcheck source=range/scenarios.sh
. range/scenarios.sh

in_browser=26
tests=$((in_browser + 36))
export TZ=UTC

needs nmap curl openssl python3
range_possible || skip_all "network namespaces cannot be made here"
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
grep -q 'web/build.mjs made this' build/web_assets.c || skip_all "built without the dashboard: no node, no npm"

# A history of 100,000 alerts, and a server for it alone, are made beside the range.
libraries=(-lmicrohttpd -lsqlite3 -ljansson)
{
	"$karma" read "$captures/scan.pcap" --history "$work/many.db" >/dev/null 2>&1
	python3 tests/live/web_history.py "$work/many.db" 100000
	if [ ! -e web/node_modules/playwright-core/package.json ] || [ ! -e web/node_modules/axe-core/package.json ]; then
		npm ci --ignore-scripts --loglevel=error --prefix web >"$work/npm" 2>&1
	fi
} &
making=$!
compile tests/live/web_serve.c "${libraries[@]}"

trap 'range_down; clean' EXIT
range_offload=yes
range_up "$RANDOM" 4
cd "$root" || exit 1
gateway=$range_id-gateway
url=http://127.0.0.1:7766/

must_start karma "$gateway" run -i lan --block --socket "$work/socket" --pcap-dir "$work/packets" \
	--eve "$work/eve.json"
here() { inside gateway timeout 60 "$@"; }
holder=
ask() { here curl -s -m 10 "$@"; }

# answers STATUS [curl's arguments]
answers() {
	local want=$1 got
	shift
	got=$(ask -o "$work/answer" -w '%{http_code}' "$@")
	echo "$got: $(head -c 300 "$work/answer")"
	[ "$got" = "$want" ]
}

# hold PORT: 200 connections to 127.0.0.1, for a while
hold() {
	here python3 - "$1" >"$work/held" <<-'END' &
		import socket, sys, time
		held = []
		for _ in range(200):
		    s = socket.socket()
		    s.setblocking(False)
		    s.connect_ex(("127.0.0.1", int(sys.argv[1])))
		    held.append(s)
		time.sleep(3)
		print(len(held), flush=True)
		time.sleep(10)
	END
	holder=$!
	within 20 grep -q 200 "$work/held"
}

check "it says where it is" grep -q "dashboard at $url; to act there, the token in $work/state/web.token" "$work/karma.err"
check "the token is its owner's alone" test "$(stat -c %a "$work/state/web.token")" = 600
token=$(cat "$work/state/web.token")
threads() { find "/proc/${job[karma]}/task" -mindepth 1 -maxdepth 1 | wc -l; }
alone=$(threads) # nobody has asked yet
bearer="Authorization: Bearer $token"
json='Content-Type: application/json'

# ---- an attack to look at ----

on 20 h1 nmap -n -Pn -sS -p 1-600 "${addr4[s1]}" >/dev/null
on 20 h2 curl -s -o /dev/null "http://${addr4[s1]}/"
id=
for ((tries = 100; tries && ! ${#id}; tries--)); do
	id=$(ask "${url}api/alerts?host=${addr4[h1]}" | sed -nE 's/.*"id":"([a-z0-9]+)".*/\1/p')
	sleep 0.1
done
check "the scan is in its list" test -n "$id"
check "the services are named, with their share" eval 'ask "${url}api/live" | grep -q "\"services\":\[{\"name\":"'

# ---- who may not ask ----

check "who asks by the address may look" answers 200 "${url}api/status"
check "a name that somebody's DNS made up is refused" answers 421 -H 'Host: evil.example:7766' "${url}api/status"
check "the page, too" answers 421 -H 'Host: evil.example' "$url"
check "no host at all is refused" answers 421 --http1.1 -H 'Host:' "${url}api/status"
check "a page of another site cannot read" answers 403 -H 'Origin: http://evil.example' "${url}api/status"
check "nor one of another port here" answers 403 -H 'Sec-Fetch-Site: same-site' "${url}api/status"
mark=(-X POST -d "{\"id\":\"$id\",\"mark\":\"ack\"}")
check "no action without the token" answers 401 "${mark[@]}" -H "$json" -H "Origin: ${url%/}" "${url}api/mark"
check "nor with a wrong one" answers 401 "${mark[@]}" -H "$json" -H "Origin: ${url%/}" -H "Authorization: Bearer ${token%?}g" "${url}api/mark"
check "nor from another site, even with it" answers 403 "${mark[@]}" -H "$json" -H 'Origin: http://evil.example' -H "$bearer" "${url}api/mark"
check "nor without an origin" answers 403 "${mark[@]}" -H "$json" -H "$bearer" "${url}api/mark"
check "nor as a form" answers 415 "${mark[@]}" -H 'Content-Type: text/plain' -H "Origin: ${url%/}" -H "$bearer" "${url}api/mark"
check "no packets without the token" answers 401 "${url}api/capture?id=$id"
check "a body is limited" eval 'head -c 9000 /dev/zero | tr "\0" a >"$work/long" && answers 413 -X POST --data-binary @"$work/long" -H "$json" -H "Origin: ${url%/}" -H "$bearer" "${url}api/mark"'
check "so are headers" eval 'answers 431 -H "X: $(head -c 60000 /dev/zero | tr "\0" a)" "${url}api/status"'
check "what is no request of its is refused" eval 'answers 405 -X DELETE "${url}api/mark" && answers 404 "${url}../../etc/passwd" && answers 400 "${url}api/alerts?limit=9999" && answers 400 "${url}api/alert?id=../x"'
check "the policy for content is strict" eval 'ask -D - -o /dev/null "$url" | grep -qi "^content-security-policy: default-src .none.;.*frame-ancestors .none."'

# ---- Prometheus; it scrapes while the browser looks ----

prometheus_begins() {
	printf 'global: {scrape_interval: 1s}\nscrape_configs: [{job_name: karma, static_configs: [{targets: ["127.0.0.1:7766"]}]}]\n' >"$work/prometheus.yml"
	ip netns exec "$gateway" prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
		--web.listen-address=127.0.0.1:9090 >"$work/prometheus.log" 2>&1 &
	pids+=($!)
}
scraped() { # expression: has it a value above 0?
	ask -G --data-urlencode "query=$1 > 0" http://127.0.0.1:9090/api/v1/query | grep -q '"value":\['
}
expressions() { # of the Grafana dashboard: Prometheus knows each metric
	python3 - "$work/metrics" <<-'END'
		import json, re, sys
		known = set(re.findall(r"^(karma_\w+)", open(sys.argv[1]).read(), re.M))
		text = open("docs/grafana.json").read()
		json.loads(text)
		used = set(re.findall(r"karma_\w+", text)) - {"karma_id"}
		print(used - known)
		sys.exit(not used or bool(used - known))
	END
}
! command -v prometheus >/dev/null || prometheus_begins

# ---- in the browser, over a history with 100,000 alerts of hostile text as well ----

wait "$making"
cp "$work/state/web.token" "$work/many.token" && chmod 600 "$work/many.token"
ip netns exec "$gateway" "$work/web_serve" 127.0.0.1:7767 "$work/socket" "$work/many.db" "$work/many.token" >"$work/serve.out" 2>&1 &
pids+=($!)

if [ -e web/node_modules/playwright-core/package.json ] && command -v chromium >/dev/null; then
	ip netns exec "$gateway" timeout 400 node tests/live/web.mjs "$work" "$karma" "$url" http://127.0.0.1:7767/ \
		"$id" "${addr4[h1]}" "${addr4[h3]}" "${addr4[s1]}" "$range_id" >"$work/browser" 2>"$work/browser.err" </dev/null
	cat "$work/browser"
	passed=$((passed + $(grep -c '^ok ' "$work/browser")))
	failed=$((failed + $(grep -c '^FAILED ' "$work/browser")))
	unseen=$((in_browser - $(grep -cE '^(ok|FAILED) ' "$work/browser")))
	((unseen == 0)) || failure "$unseen checks in the browser" "it ended early"
else
	skip "$in_browser" "no chromium, or npm could not fetch playwright-core and axe-core"
fi

# ---- too many, and stuck ones ----

cat >"$work/stuck.py" <<'END'
import socket, sys, time
def views():
    held = []
    for _ in range(40):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.settimeout(20)
        s.connect(("127.0.0.1", 7766))
        s.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:7766\r\n\r\n")
        held.append(s)
    answers = [s.recv(15) for s in held]
    return held, [sum(a.startswith(b"HTTP/1.1 " + code) for a in answers) for code in (b"200", b"503")]
for _ in range(12):  # what the browser, and the time before, had open is noticed to be closed at the next events
    held, counts = views()
    if counts == [16, 24]:
        break
    del held
    time.sleep(4)
print("%d views, %d refused" % tuple(counts), flush=True)
time.sleep(60)
END
ip netns exec "$gateway" python3 "$work/stuck.py" >"$work/stuck" 2>&1 &
stuck=$!
pids+=("$stuck")
check "views are limited, and more are told so" within 70 grep -q '^16 views, 24 refused' "$work/stuck"
began=$SECONDS

# ---- elsewhere, and without, while they are stuck ----

refuses "a port in use is an error where it was asked for" 1 "choose another by --web" \
	ip netns exec "$gateway" "$karma" run -i lan --socket "$work/other" --web 127.0.0.1:7766
refuses "beyond the machine only with TLS" 1 "only with TLS" \
	ip netns exec "$gateway" "$karma" run -i lan --socket "$work/other" --web 0.0.0.0:7788
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" \
	-days 2 -subj /CN=karma >/dev/null 2>&1
with_tls() {
	STATE_DIRECTORY=$work/state2 start second "$gateway" run -i lo --socket "$work/other" --web 0.0.0.0:7788 \
		--web-cert "$work/cert.pem" --web-key "$work/key.pem" &&
		answers 401 -k https://127.0.0.1:7788/api/status && answers 401 -k https://127.0.0.1:7788/metrics &&
		answers 200 -k -H "Authorization: Bearer $(cat "$work/state2/web.token")" https://127.0.0.1:7788/api/status
}
check "with TLS everything needs the token" with_tls
each_address() {
	hold 7788 && answers 401 -k --interface 127.0.0.2 https://127.0.0.1:7788/api/status &&
		! answers 401 -k -m 2 --interface 127.0.0.1 https://127.0.0.1:7788/api/status
}
if [ -n "${job[second]-}" ]; then
	check "beyond the loopback one address cannot take all connections" each_address
	wait "$holder"
	stop second
else
	failure "beyond the loopback one address cannot take all connections" "it does not run"
fi

# The socket of the configuration is the first one's: its dashboard would be that one's.
printf '[control]\nsocket = %s\n' "$work/socket" >"$work/same.conf"
same_socket() {
	run ip netns exec "$gateway" "$karma" run -i lo --config "$work/same.conf" --web 127.0.0.1:7790
	cat "$work/err"
	[ "$status" -eq 1 ] && grep -q 'needs a control socket of its own' "$work/err"
}
check "a dashboard that is asked for is not that of another karma" same_socket
same_socket_not_asked() {
	STATE_DIRECTORY=$work/state3 start third "$gateway" run -i lo --config "$work/same.conf" &&
		grep -q 'no dashboard: the dashboard needs a control socket of its own' "$work/third.err"
}
check "nor is one that is not, and all else goes on" same_socket_not_asked
[ -z "${job[third]-}" ] || stop third

mkdir "$work/bin"
for tool in bash dirname cat; do
	ln -s "$(command -v "$tool")" "$work/bin/$tool"
done
without_node() {
	PATH=$work/bin web/build.sh "$work/assets.c" && grep -q 'without node and npm' "$work/assets.c" &&
		gcc -std=gnu11 -D_GNU_SOURCE -Isrc -o "$work/plain" tests/live/web_serve.c "$work/assets.c" build/libkarma.a \
			"${libraries[@]}" -lndpi -lnettle -lz -lm -lpthread || return
	ip netns exec "$gateway" "$work/plain" 127.0.0.1:7769 "$work/socket" "$work/many.db" "$work/many.token" >/dev/null &
	pids+=($!)
	within 5 answers 200 http://127.0.0.1:7769/ && grep -q 'built without node and npm' "$work/answer" &&
		answers 200 http://127.0.0.1:7769/metrics
}
check "a build without node says so, and has the rest" without_node
# ---- stuck for some seconds ----

second_by_second() { # each of the last seconds has a point, whatever the views do
	((SECONDS - began >= 7)) || sleep $((7 - SECONDS + began))
	ask "${url}api/live" | python3 -c '
import json, sys
at = [p["at"] for p in json.load(sys.stdin)["points"]][-6:]
print([round(b - a, 2) for a, b in zip(at, at[1:])])
sys.exit(not (len(at) == 6 and all(b - a < 2.5 for a, b in zip(at, at[1:]))))'
}
check "stuck views do not hold the daemon up" second_by_second
cat "$work/said"
kill "$stuck"
many_connections() { # each that is served has a thread; what a browser left may be among them
	local all
	hold 7766 || return
	all=$(($(threads) - alone))
	echo "$alone threads, and $all for connections"
	((all >= 20 && all <= 48))
}
check "of 200 connections 48 are served" many_connections
wait "$holder"
check "when they are closed it answers" within 30 answers 200 "${url}api/status"

if command -v prometheus >/dev/null; then
	check "promtool finds nothing to complain of" eval 'ask "${url}metrics" >"$work/metrics" && grep -q "^karma_" "$work/metrics" && promtool check metrics <"$work/metrics"'
	check "Prometheus scrapes it" within 15 scraped 'up{job="karma"}'
	check "and has its counters" within 5 scraped karma_packets_total
	check "the Grafana dashboard asks for nothing that is not there" expressions
else
	skip 4 "no prometheus"
fi
check "Ctrl-C ends it, whoever looks" stop karma
finish
