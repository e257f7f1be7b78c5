# shellcheck shell=bash
# Attacks: each function is one run of a real tool with settings drawn anew: NAME HOST SERVER,
# both names of net.sh. What it did, when, from where and to whom goes to the truth file.
# Sourced by scenarios.sh.
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
# many seconds and write the truth line. ATTACKER and TARGET are addresses; SERVICE may be set.
# Where the senders are made up, nobody else is meant by the line: half-open connections are
# answered for another minute.
attack() {
	local category=$1 attacker=$2 target=$3 start=$EPOCHREALTIME late=0
	shift 3
	[[ -z ${service-} ]] || late=70
	on "$@"
	sleep 0.5
	truth "$start" "$late" "$attacker" "$target" "$category"
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

# attack_net HOST COMMAND...: a scan of the servers' whole network; the gateway answers, some seconds
# later, for those that are not there.
attack_net() {
	local host=$1 start=$EPOCHREALTIME name
	shift
	attack Reconnaissance "${addr4[$host]}" "$server_net" 20 "$host" "$@"
	for name in gw0 gw1 gw2; do
		truth "$start" 4 "${addr4[$host]}" "${addr4[$name]}" Reconnaissance
	done
}

# sweep HOST NMAP-OPTION...: over the servers' whole network.
sweep() {
	local host=$1
	shift
	attack_net "$host" nmap -n --max-retries 1 --min-rate "$((RANDOM % 300 + 30))" "$@" "$server_net"
}

sweep_ping() { sweep "$1" -sn -PE; }
sweep_tcp() { sweep "$1" -sn "-PS$((RANDOM % 2 ? 443 : 22))"; }
sweep_ack() { sweep "$1" -sn -PA80; }
sweep_port() {
	local ports=(22 80 445 3389 23 8080)
	sweep "$1" -sS -Pn -p "${ports[RANDOM % 6]}"
}
sweep_udp() { sweep "$1" -sU -Pn -p "$((RANDOM % 2 ? 161 : 53))"; }

masscan_ports() {
	attack4 Reconnaissance "$1" "$2" 20 masscan "${addr4[$2]}" \
		-p "1-$((RANDOM % 2000 + 500))" --rate "$((RANDOM % 900 + 100))" --wait 1
}

masscan_net() {
	attack_net "$1" masscan "$server_net" \
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
	service=tcp flood "$1" "$2" "$from" -S -p "$port" -a "$from"
}

# Each packet from another address. No benign work uses port 8080.
flood_syn_random() {
	service=tcp/8080 flood "$1" "$2" '*' -S -p 8080 --rand-source
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
	service=udp/9999 flood "$1" "$2" '*' --udp -p 9999 --rand-source -d "$((RANDOM % 500 + 10))"
	service=icmp truth "$start" 1 '*' "${addr4[$2]}" DoS
}

flood_icmp() {
	flood "$1" "$2" "${addr4[$1]}" --icmp -d "$((RANDOM % 1200 + 8))"
}

# ping -f: echo requests as fast as they are answered, at most 1000 a second.
flood_ping() {
	attack4 DoS "$1" "$2" "$((RANDOM % 4 + 2))" ping -n -q -i 0.001 -s "$((RANDOM % 1000 + 56))" "${addr4[$2]}"
}

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

medusa_run() {
	local words
	draw_words "$1"
	attack4 Brute_Force "$1" "$2" 25 medusa -b -h "${addr4[$2]}" -U "$range_dir/names" -P "$words" \
		-M "$3" -t "$((RANDOM % 6 + 1))"
}

medusa_ssh() { medusa_run "$1" "$2" ssh; }
medusa_ftp() { medusa_run "$1" "$2" ftp; }

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

# nmap's scripts for web servers: known paths, methods, headers, weak spots.
web_scripts() {
	attack4 Analysis "$1" "$2" 30 nmap -n -Pn -p 80,443,8080 \
		--script 'http-enum,http-methods,http-headers,http-vuln*,ssl-enum-ciphers' "${addr4[$2]}"
}
