# shellcheck shell=bash
# Benign work: each function is one piece of work of one host, as people, programs and monitors do
# it: NAME HOST. Which server, how much and how fast is drawn anew each time; a quarter is IPv6.
# Sourced by scenarios.sh. A function ends by itself or when $deadline has come.
# shellcheck disable=SC2154 # users, passwords, addr4, addr6, servers, sites, odd: net.sh

deadline=0 # epoch seconds; 0: none

# on SECONDS HOST COMMAND...: run a command on a host for at most so many seconds.
on() {
	local limit=$1 host=$2 left
	shift 2
	((deadline == 0)) || {
		left=$((deadline - EPOCHSECONDS))
		((left > 0)) || return 1
		((limit <= left)) || limit=$left
	}
	timeout -k 1 "$limit" ip netns exec "$range_id-$host" "$@"
}

# rest FROM TO: sleep between so many tenths of a second.
rest() {
	local tenths=$((RANDOM % ($2 - $1 + 1) + $1))
	((deadline == 0 || EPOCHSECONDS < deadline)) || return 1
	sleep "$((tenths / 10)).$((tenths % 10))"
}

# draw_server: $server gets an address, $at the same as a URL has it, $user and $password one of
# its accounts. What is in $avoid is left alone.
draw_server() {
	local name n=$((RANDOM % ${#users[@]}))
	while :; do
		name=${servers[RANDOM % ${#servers[@]}]}
		((RANDOM % 3)) || name=${sites[RANDOM % ${#sites[@]}]}
		[[ " $avoid " == *" $name "* ]] || break
	done
	if ((RANDOM % 4)); then
		server=${addr4[$name]}
		at=$server
	else
		server=${addr6[$name]}
		at="[$server]"
	fi
	user=${users[n]}
	password=${passwords[n]}
}

# draw_site: $site gets the beginning of a URL, sometimes with an odd port.
draw_site() {
	draw_server
	case $((RANDOM % 10)) in
	0) site=http://$at:${odd[0]} ;;
	1) site=https://$at:${odd[1]} ;;
	2 | 3 | 4 | 5) site=http://$at ;;
	*) site=https://$at ;;
	esac
}

# draw_ssh: like draw_server, and $ssh gets the options, sometimes with an odd port.
draw_ssh() {
	draw_server
	ssh=("${ssh_options[@]}")
	((RANDOM % 5)) || ssh+=(-o "Port=${odd[2]}")
}

fetch() {
	local limit=$1 host=$2
	shift 2
	on "$limit" "$host" curl -sk -o /dev/null "$@"
}

ssh_options=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
	-o ConnectTimeout=5 -o NumberOfPasswordPrompts=1 -F /dev/null)

# ---- the web ----

# A person reads some pages: each with its parts, several at a time, then a pause.
web_pages() {
	local page part parts
	draw_site
	for ((page = RANDOM % 5 + 2; page > 0; page--)); do
		fetch 10 "$1" "$site/docs/$((RANDOM % 12 + 1)).html"
		parts=()
		for ((part = RANDOM % 12; part > 0; part--)); do
			parts+=("$site/part/$((RANDOM % 30 + 1)).bin" -o /dev/null)
		done
		((${#parts[@]} == 0)) || fetch 15 "$1" --parallel --parallel-max 6 "${parts[@]}"
		rest 5 50 || return
	done
}

# A page of today: names of many sites asked for at once, then parts from all of them.
web_wide() {
	local page part urls count names jobs
	for ((page = RANDOM % 3 + 1; page > 0; page--)); do
		draw_server
		count=$((RANDOM % 25 + 5))
		urls=()
		jobs=()
		mapfile -t names < <(dns_names "$((count / 2))")
		for part in "${names[@]}"; do
			# shellcheck disable=SC2086 # a name and a type
			on 5 "$1" dig "@$server" +tries=1 +time=2 $part &
			jobs+=($!)
		done
		wait "${jobs[@]}"
		for ((part = 0; part < count; part++)); do
			draw_server
			urls+=("http$( ((RANDOM % 5)) && echo s)://$at/part/$((RANDOM % 30 + 1)).bin" -o /dev/null)
		done
		fetch 20 "$1" --parallel --parallel-max 30 --parallel-immediate "${urls[@]}"
		rest 10 60 || return
	done
}

# A site that is read by many: a request or two from each of many addresses, within seconds.
crowd() {
	local address jobs=() borrowed=() family=4
	draw_server
	[[ $server != *:* ]] || family=6
	borrow "$1" $((RANDOM % 50 + 10)) "$family"
	for address in "${borrowed[@]}"; do
		fetch 8 "$1" --interface "$address" "http://$at/docs/$((RANDOM % 12 + 1)).html" \
			"http://$at/part/$((RANDOM % 30 + 1)).bin" -o /dev/null &
		jobs+=($!)
		rest 0 3 || break
	done
	wait "${jobs[@]}"
	return_borrowed "$1"
}

# Several requests one after the other on one connection, some of them in vain.
web_keepalive() {
	local n urls=()
	draw_site
	for ((n = RANDOM % 15 + 3; n > 0; n--)); do
		case $((RANDOM % 8)) in
		0) urls+=("$site/docs/none$RANDOM.html") ;;
		1) urls+=("$site/login") ;;
		*) urls+=("$site/part/$((RANDOM % 30 + 1)).bin") ;;
		esac
		urls+=(-o /dev/null)
	done
	fetch 20 "$1" --rate "$((RANDOM % 8 + 1))/s" "${urls[@]}"
}

# A program asks an API, a connection for each request.
web_api() {
	local n
	draw_site
	for ((n = RANDOM % 30 + 5; n > 0; n--)); do
		fetch 5 "$1" "$site/app/item/$RANDOM?page=$((RANDOM % 9))" || return
		rest 0 8 || return
	done
}

# A busy client: many short connections, several at once.
web_busy() {
	local n urls=()
	draw_site
	for ((n = RANDOM % 200 + 60; n > 0; n--)); do
		urls+=("$site/app/item/$RANDOM" -o /dev/null)
	done
	fetch 20 "$1" -H 'Connection: close' --parallel --parallel-max "$((RANDOM % 10 + 3))" "${urls[@]}"
}

# Uploads and forms.
web_post() {
	local n
	draw_site
	for ((n = RANDOM % 4 + 1; n > 0; n--)); do
		fetch 15 "$1" --data-binary "@$range_dir/www/part/$((RANDOM % 30 + 1)).bin" "$site/app/form"
		rest 2 30 || return
	done
}

# Someone mistypes the password of a web page, once or twice.
web_typo() {
	draw_site
	fetch 5 "$1" "$site/private/"
	rest 10 40 || return
	fetch 5 "$1" -u "admin:${passwords[0]}x" "$site/private/"
	rest 10 40 || return
	fetch 5 "$1" -u "admin:${passwords[0]}" "$site/private/"
}

# A large file, sometimes over a slow line.
download() {
	local slow=()
	draw_site
	((RANDOM % 3)) || slow=(--limit-rate "$((RANDOM % 900 + 30))k")
	fetch 25 "$1" "${slow[@]}" "$site/data/$((RANDOM % 6 + 1)).bin"
}

# The server is slow.
download_slow() {
	draw_site
	fetch 20 "$1" "$site/slow/$((RANDOM % 3 + 1)).bin"
}

# A crawler takes the whole site.
web_crawl() {
	draw_site
	on 20 "$1" wget -q -r -l 3 --no-check-certificate --wait 0.0$((RANDOM % 9)) --delete-after \
		-P "$range_dir/crawl-$1-$RANDOM" "$site/"
}

# Many short connections through a proxy.
web_proxy() {
	local n urls=() proxy
	draw_server
	proxy=http://$at:3128
	for ((n = RANDOM % 60 + 10; n > 0; n--)); do
		draw_server
		urls+=("http://$at/part/$((RANDOM % 30 + 1)).bin" -o /dev/null)
	done
	fetch 20 "$1" -x "$proxy" -H 'Connection: close' --parallel --parallel-max "$((RANDOM % 6 + 1))" \
		"${urls[@]}"
}

# A build farm fetches its packages: dozens of files of all sizes from one place, one connection or
# some, now and then one that is not there.
build_fetch() {
	local n urls=() parallel=()
	draw_site
	((RANDOM % 2)) || parallel=(--parallel --parallel-max "$((RANDOM % 8 + 2))")
	for ((n = RANDOM % 70 + 20; n > 0; n--)); do
		case $((RANDOM % 12)) in
		0) urls+=("$site/data/$((RANDOM % 3 + 1)).bin") ;;
		1) urls+=("$site/pool/none$RANDOM.deb") ;;
		*) urls+=("$site/part/$((RANDOM % 30 + 1)).bin") ;;
		esac
		urls+=(-o /dev/null)
	done
	fetch 20 "$1" "${parallel[@]}" "${urls[@]}"
}

# A film: a chunk every one or two seconds.
video() {
	local n from
	draw_site
	for ((n = RANDOM % 10 + 4; n > 0; n--)); do
		from=$((RANDOM * 30))
		fetch 10 "$1" -r "$from-$((from + RANDOM * 20 + 100000))" "$site/data/$((RANDOM % 3 + 4)).bin" || return
		rest 10 25 || return
	done
}

# A program reports to its maker: a little every few seconds, always at the same pace.
telemetry() {
	local n pace=$((RANDOM % 60 + 10))
	draw_site
	for ((n = RANDOM % 8 + 4; n > 0; n--)); do
		fetch 5 "$1" -d "state=$RANDOM&host=$1&load=$RANDOM" "$site/app/report" || return
		rest "$pace" "$((pace + 3))" || return
	done
}

# Files go to a store elsewhere, piece by piece.
cloud_sync() {
	local n
	draw_site
	for ((n = RANDOM % 10 + 3; n > 0; n--)); do
		fetch 15 "$1" --data-binary "@$range_dir/www/data/$((RANDOM % 3 + 1)).bin" "$site/app/store/$RANDOM" || return
		rest 1 15 || return
	done
}

# ---- names ----

# dns_names N: N names to ask for, as `dig` takes them.
dns_names() {
	local n
	for ((n = 0; n < $1; n++)); do
		case $((RANDOM % 10)) in
		0 | 1 | 2 | 3 | 4) echo "host$((RANDOM % 60 + 1)).example A" ;;
		5 | 6) echo "host$((RANDOM % 60 + 1)).example AAAA" ;;
		7) echo "example MX" ;;
		8) echo "example TXT" ;;
		9) echo "none$RANDOM.example A" ;;
		esac
	done
}

# A few look-ups with pauses, as they come before other work.
dns() {
	local line
	draw_server
	while read -ra line; do
		on 5 "$1" dig "@$server" +tries=1 +time=2 "${line[@]}" </dev/null
		rest 0 15 || return
	done < <(dns_names $((RANDOM % 8 + 1)))
}

# A page with many names in it.
dns_burst() {
	local n
	draw_server
	dns_names $((RANDOM % 30 + 10)) >"$range_dir/dns-$1"
	for ((n = 0; n < RANDOM % 3 + 1; n++)); do
		on 10 "$1" dig "@$server" +tries=1 +time=2 -f "$range_dir/dns-$1"
		rest 2 20 || return
	done
}

# A resolver or a mail server at work: hundreds of look-ups, several at a time.
dns_busy() {
	local n jobs=()
	draw_server
	for ((n = 0; n < 3; n++)); do
		dns_names $((RANDOM % 150 + 50)) >"$range_dir/dns-$1-$n"
		on 15 "$1" dig "@$server" +tries=1 +time=2 -f "$range_dir/dns-$1-$n" &
		jobs+=($!)
	done
	wait "${jobs[@]}"
}

dns_tcp() {
	local line
	draw_server
	while read -ra line; do
		on 5 "$1" dig "@$server" +tcp +tries=1 +time=2 "${line[@]}" </dev/null
		rest 1 10 || return
	done < <(dns_names $((RANDOM % 4 + 1)))
}

# Look-ups of lists and of a virus scanner's: long names that nobody has.
dns_long() {
	local n zone=list$((RANDOM % 9)).example
	draw_server
	for ((n = RANDOM % 40 + 5; n > 0; n--)); do
		if ((RANDOM % 2)); then
			echo "$((RANDOM % 256)).$((RANDOM % 256)).$((RANDOM % 256)).$((RANDOM % 256)).$zone A"
		else
			echo "$(sha1sum <<<"$RANDOM$n" | head -c 40).$zone TXT"
		fi
	done >"$range_dir/dns-$1"
	on 15 "$1" dig "@$server" +tries=1 +time=2 -f "$range_dir/dns-$1"
}

# A resolver asks others: many servers, a question or some to each, for as long as it has work.
resolver() {
	local n line jobs=()
	for ((n = RANDOM % 60 + 20; n > 0; n--)); do
		draw_server
		mapfile -t line < <(dns_names 1)
		# shellcheck disable=SC2086 # a name and a type
		on 5 "$1" dig "@$server" +tries=1 +time=2 ${line[0]} &
		jobs+=($!)
		rest 0 2 || break
	done
	wait "${jobs[@]}"
}

# ---- SSH and FTP ----

# Lines typed by hand, with pauses.
typing() {
	local n commands=('ls -l' 'uptime' 'ps ax' 'cat /etc/services | head -200' 'df' 'id' 'w')
	for ((n = RANDOM % 8 + 2; n > 0; n--)); do
		echo "${commands[RANDOM % ${#commands[@]}]}"
		rest 4 50 || break
	done
	echo exit
}

ssh_shell() {
	draw_ssh
	typing | SSHPASS=$password on 45 "$1" sshpass -e ssh -tt "${ssh[@]}" "$user@$server"
}

ssh_shell_key() {
	draw_ssh
	typing | on 45 "$1" ssh -tt -i "$range_dir/key" "${ssh[@]}" "$user@$server"
}

# Deployment and administration by program: many short logins in a row, with a key.
ssh_deploy() {
	local n
	draw_ssh
	for ((n = RANDOM % 12 + 3; n > 0; n--)); do
		on 10 "$1" ssh -i "$range_dir/key" "${ssh[@]}" "$user@$server" 'uname -a; ls' \
			</dev/null || return
		rest 0 15 || return
	done
}

# A wrong password or two, then the right one.
ssh_typo() {
	local n
	draw_ssh
	for ((n = RANDOM % 2 + 1; n > 0; n--)); do
		SSHPASS=${password}x on 10 "$1" sshpass -e ssh "${ssh[@]}" "$user@$server" true
		rest 10 50 || return
	done
	SSHPASS=$password on 10 "$1" sshpass -e ssh "${ssh[@]}" "$user@$server" 'ls -l; uptime'
}

# An administrator reaches a web server through SSH.
ssh_forward() {
	local port=$((RANDOM % 9000 + 30000)) job n
	draw_ssh
	on 40 "$1" ssh -N -i "$range_dir/key" "${ssh[@]}" -L "$port:[::1]:80" "$user@$server" </dev/null &
	job=$!
	sleep 1
	for ((n = RANDOM % 10 + 2; n > 0; n--)); do
		fetch 5 "$1" "http://127.0.0.1:$port/part/$((RANDOM % 30 + 1)).bin"
		rest 2 20 || break
	done
	kill "$job" 2>/dev/null
	wait "$job"
}

# The nightly copy: much the first time, little when it is run again.
backup() {
	local n to=backup-$1-$RANDOM
	draw_ssh
	for ((n = RANDOM % 2 + 1; n > 0; n--)); do
		on 30 "$1" rsync -a -e "ssh -i $range_dir/key ${ssh[*]}" "$range_dir/www/" "$user@$at:$to/"
		rest 10 30 || return
	done
}

scp_up() {
	draw_ssh
	on 30 "$1" scp -q -i "$range_dir/key" "${ssh[@]}" \
		"$range_dir/www/data/$((RANDOM % 4 + 1)).bin" "$user@$at:up$RANDOM"
}

scp_down() {
	draw_ssh
	on 30 "$1" scp -q -i "$range_dir/key" "${ssh[@]}" \
		"$user@$at:report$((RANDOM % 4 + 1)).dat" "$range_dir/null-$1"
}

sftp_session() {
	draw_ssh
	{
		rest 2 20
		echo ls
		rest 5 40
		echo "get report$((RANDOM % 4 + 1)).dat $range_dir/null-$1"
		rest 5 40
		echo "put $range_dir/www/part/$((RANDOM % 30 + 1)).bin up$RANDOM"
	} | on 40 "$1" sftp -q -i "$range_dir/key" "${ssh[@]}" "$user@$at"
}

# ftp HOST PASSIVE: some files down and one up.
ftp() {
	draw_server
	on 40 "$1" lftp -c "set ftp:passive-mode $2; set net:max-retries 1; set net:timeout 8
		set ftp:ssl-allow off; set xfer:clobber yes; open -u $user,$password ftp://$at; ls
		get report$((RANDOM % 3 + 1)).dat -o $range_dir/null-$1
		put $range_dir/www/part/$((RANDOM % 30 + 1)).bin -o up$RANDOM; ls"
}

ftp_passive() { ftp "$1" on; }
ftp_active() { ftp "$1" off; }

ftp_typo() {
	draw_server
	fetch 10 "$1" "ftp://$user:${password}x@$at/"
	rest 10 40 || return
	fetch 10 "$1" "ftp://$user:$password@$at/report1.dat"
}

# ---- other services ----

# A device reports, another listens.
mqtt() {
	local n topic=plant/$RANDOM job
	draw_server
	on 30 "$1" mosquitto_sub -h "$server" -t "$topic/#" &
	job=$!
	for ((n = RANDOM % 10 + 3; n > 0; n--)); do
		on 5 "$1" mosquitto_pub -h "$server" -t "$topic/t" -m "$RANDOM" || break
		rest 2 20 || break
	done
	kill "$job" 2>/dev/null
	wait "$job"
}

bulk_tcp() {
	draw_server
	on 20 "$1" iperf3 -c "$server" -p "520$((RANDOM % 4 + 1))" -t "$((RANDOM % 5 + 2))" \
		-b "$((RANDOM % 30 + 2))M" -P "$((RANDOM % 3 + 1))"
}

bulk_udp() {
	draw_server
	on 20 "$1" iperf3 -u -c "$server" -p "520$((RANDOM % 4 + 1))" -t "$((RANDOM % 5 + 2))" \
		-b "$((RANDOM % 8 + 1))M" -l "$((RANDOM % 900 + 400))"
}

# A call: 50 small packets a second, each way.
call() {
	local t=$((RANDOM % 8 + 4)) job
	draw_server
	on $((t + 3)) "$1" iperf3 -u -c "$server" -p 5201 -t "$t" -b 69k -l 172 &
	job=$!
	on $((t + 3)) "$1" iperf3 -u -c "$server" -p 5202 -t "$t" -b 69k -l 172 --reverse
	wait "$job"
}

# udp HOST PORT BYTES: a request (printf escapes) and, unless it is syslog, its answer.
udp() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	on 3 "$1" bash -c 'exec 3<>"/dev/udp/$0/$1" && printf "$2" >&3 &&
		{ (($1 == 514)) || timeout 1 dd bs=512 count=1 status=none <&3; }' "$server" "$2" "$3"
}

ntp() {
	local n packet='\x23\x00\x06\xec'
	draw_server
	packet+=$(printf '\\x00%.0s' {1..44})
	for ((n = RANDOM % 5 + 1; n > 0; n--)); do
		udp "$1" 123 "$packet"
		rest 5 40 || return
	done
}

snmp() {
	local n
	draw_server
	for ((n = RANDOM % 20 + 2; n > 0; n--)); do
		udp "$1" 161 '\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x11\x22\x33\x44\x02\x01'
		rest 0 10 || return
	done
}

syslog() {
	local n
	draw_server
	for ((n = RANDOM % 20 + 1; n > 0; n--)); do
		udp "$1" 514 "<30>Nov 23 09:00:00 $1 daemon[$RANDOM]: state changed to $RANDOM"
		rest 0 20 || return
	done
}

# Looking for printers and players nearby.
multicast() {
	local n server
	for ((n = RANDOM % 4 + 1; n > 0; n--)); do
		server=239.255.255.250
		udp "$1" 1900 'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ssdp:all\r\n\r\n'
		server=224.0.0.251
		udp "$1" 5353 '\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04_ipp\x04_tcp\x05local'
		rest 2 20 || return
	done
}

# An address asked for; the answer is not taken up.
dhcp() {
	local n
	for ((n = RANDOM % 2 + 1; n > 0; n--)); do
		on 6 "$1" udhcpc -i eth0 -n -q -f -t 2 -T 1 -s /bin/true
		rest 5 30 || return
	done
}

# talk HOST tcp|udp PORT SECONDS SEND WANT PAUSE: see talk.py.
talk() {
	on $(($4 + 8)) "$1" python3 -B "$range_home/talk.py" "$2" "$server" "$3" "$4" "$RANDOM" "$5" "$6" "$7"
}

# A program and its database or cache: one connection, many small questions.
database() {
	local ports=(5432 3306 6379)
	draw_server
	talk "$1" tcp "${ports[RANDOM % 3]}" $((RANDOM % 25 + 3)) $((RANDOM % 300 + 30)) \
		$((RANDOM % 4000 + 20)) "0.$((RANDOM % 5))$((RANDOM % 9 + 1))"
}

# A letter or two, with something attached.
mail_send() {
	local n
	draw_server
	for ((n = RANDOM % 3 + 1; n > 0; n--)); do
		fetch 10 "$1" "smtp://$at/host.example" --mail-from "$user@example" \
			--mail-rcpt "team$((RANDOM % 9))@example" -T "$range_dir/www/part/$((RANDOM % 30 + 1)).bin"
		rest 5 40 || return
	done
}

# A mailbox looked into again and again, in the clear or not.
mail_read() {
	local n scheme=imap
	draw_server
	((RANDOM % 2)) || scheme=imaps
	for ((n = RANDOM % 4 + 1; n > 0; n--)); do
		fetch 10 "$1" -u "$user:$password" "$scheme://$at/" -X 'STATUS INBOX (MESSAGES UNSEEN)'
		rest 10 60 || return
	done
}

imap_typo() {
	local n
	draw_server
	for ((n = RANDOM % 2 + 1; n > 0; n--)); do
		fetch 8 "$1" -u "$user:${password}x" "imaps://$at/"
		rest 10 50 || return
	done
	fetch 8 "$1" -u "$user:$password" "imaps://$at/"
}

# A telephone that still has the old password asks for mail every few seconds.
stale_password() {
	local n
	draw_server
	for ((n = RANDOM % 4 + 3; n > 0; n--)); do
		fetch 8 "$1" -u "$user:old$password" "imap://$at/"
		rest 40 90 || return
	done
}

# A file share: bursts of large answers, then nothing.
file_share() {
	draw_server
	talk "$1" tcp 445 $((RANDOM % 20 + 5)) 200 $((RANDOM % 200000 + 500)) 0.8
}

# QUIC: a page over UDP, in bursts.
quic() {
	local n
	for ((n = RANDOM % 4 + 1; n > 0; n--)); do
		draw_server
		talk "$1" udp 443 $((RANDOM % 5 + 1)) $((RANDOM % 900 + 60)) $((RANDOM % 60000 + 800)) 0.4
	done
}

# A tunnel: datagrams of all sizes both ways, for long.
tunnel() {
	draw_server
	talk "$1" udp 51820 $((RANDOM % 30 + 10)) $((RANDOM % 700 + 80)) $((RANDOM % 3000 + 80)) 0.0$((RANDOM % 9 + 1))
}

# A conference: sound and picture, 30 times a second.
conference() {
	draw_server
	talk "$1" udp 3478 $((RANDOM % 20 + 5)) $((RANDOM % 1500 + 200)) $((RANDOM % 3000 + 300)) 0.03
}

# A cache: short questions in a row on one connection, or some on many.
cache() {
	local n
	draw_server
	for ((n = RANDOM % 5 + 1; n > 0; n--)); do
		REDISCLI_AUTH=${passwords[1]} on 8 "$1" redis-cli --no-auth-warning -h "$server" \
			-r "$((RANDOM % 60 + 1))" -i "0.0$((RANDOM % 9 + 1))" set "key$RANDOM" "$RANDOM"
		rest 0 20 || return
	done
}

# A chat: a connection that is quiet but for a line in some seconds.
chat() {
	draw_server
	talk "$1" tcp 5222 $((RANDOM % 50 + 15)) 150 90 "$((RANDOM % 9 + 3))"
}

# A remote desktop: keys and movements up, pictures down.
desktop() {
	draw_server
	talk "$1" tcp 3389 $((RANDOM % 20 + 5)) 60 $((RANDOM % 20000 + 300)) "0.0$((RANDOM % 9 + 2))"
}

# Peers that share files: many are gone or refuse, some talk; datagrams to many more.
peers() {
	local n server jobs=()
	for ((n = RANDOM % 30 + 10; n > 0; n--)); do
		draw_server
		case $((RANDOM % 6)) in
		0) talk "$1" udp 6881 1 100 300 0.4 & ;;
		1) talk "$1" tcp 6881 $((RANDOM % 8 + 2)) 200 $((RANDOM % 90000 + 200)) 0.5 & ;;
		2) server=${addr4[dark]} touch_port "$1" 6881 & ;;
		*) touch_port "$1" $((RANDOM % 50000 + 6000)) & ;;
		esac
		jobs+=($!)
		rest 0 6 || break
	done
	wait "${jobs[@]}"
}

# ---- watching over services ----

# touch_port HOST PORT: connect, take what the server says first, close.
touch_port() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	on 3 "$1" bash -c 'exec 3<>"/dev/tcp/$0/$1" && timeout 0.2 head -c 20 <&3' "$server" "$2"
}

# One service, again and again.
health_tcp() {
	local n ports=(22 80 443 21 1883 53) port
	draw_server
	port=${ports[RANDOM % 6]}
	for ((n = RANDOM % 15 + 4; n > 0; n--)); do
		touch_port "$1" "$port"
		rest 5 30 || return
	done
}

health_http() {
	local n
	draw_site
	for ((n = RANDOM % 15 + 4; n > 0; n--)); do
		fetch 5 "$1" --head "$site/"
		rest 5 30 || return
	done
}

# A monitor goes round: every service of every server.
health_round() {
	local name port
	for name in "${servers[@]}"; do
		[[ " $avoid " != *" $name "* ]] || continue
		server=${addr4[$name]}
		on 3 "$1" ping -n -q -c 1 -W 1 "$server"
		for port in 22 80 443 21 53 1883; do
			touch_port "$1" "$port"
			rest 0 4 || return
		done
	done
}

# Every device is asked for its state in turn.
inventory() {
	local name n
	for name in "${servers[@]}" "${sites[@]:0:RANDOM % 12}"; do
		[[ " $avoid " != *" $name "* ]] || continue
		server=${addr4[$name]}
		for ((n = RANDOM % 6 + 1; n > 0; n--)); do
			udp "$1" 161 '\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x11\x22\x33\x44\x02\x01'
		done
		rest 0 5 || return
	done
}

# How far is everyone? A few echo requests to each, at once.
ping_round() {
	local name all=()
	for name in "${servers[@]}" "${sites[@]:RANDOM % 20:RANDOM % 10 + 2}"; do
		[[ " $avoid " == *" $name "* ]] || all+=("${addr4[$name]}")
	done
	on 20 "$1" fping -q -c "$((RANDOM % 6 + 1))" -p 1000 "${all[@]}"
}

# The site's own scanner, which it allows: services and versions of all servers.
scanner() {
	local name
	for name in "${servers[@]}"; do
		on 25 "$1" nmap -n -sV --version-light --top-ports 200 -T4 "${addr4[$name]}"
		rest 5 30 || return
	done
}

ping_some() {
	draw_server
	on 25 "$1" ping -n -q -c "$((RANDOM % 15 + 1))" -i "0.$((RANDOM % 8 + 2))" \
		-s "$((RANDOM % 1400 + 16))" "$server"
}

# ---- what does not work ----

# A service is down; the client tries again and again, ever more rarely or not.
refused() {
	local n port=$((RANDOM % 9000 + 1024))
	draw_server
	for ((n = RANDOM % 12 + 1; n > 0; n--)); do
		fetch 3 "$1" "http://$at:$port/"
		rest 3 30 || return
	done
}

# The same by a program without patience: some times a second.
retry_busy() {
	local n port=$((RANDOM % 9000 + 1024))
	draw_server
	for ((n = RANDOM % 60 + 20; n > 0; n--)); do
		touch_port "$1" "$port"
		rest 1 4 || return
	done
}

# A host is off: no answer at all.
unreachable() {
	local n name=dark
	((RANDOM % 2)) || name=gone
	for ((n = RANDOM % 3 + 1; n > 0; n--)); do
		fetch 8 "$1" -m "$((RANDOM % 4 + 2))" "http://${addr4[$name]}/"
		on 8 "$1" ping -n -q -c "$((RANDOM % 4 + 1))" -W 1 "${addr4[$name]}"
		rest 5 30 || return
	done
}

# ---- long and quiet ----

idle_tcp() {
	local ports=(22 1883 80 21)
	draw_server
	# shellcheck disable=SC2016 # expanded by the inner shell
	on $((RANDOM % 40 + 10)) "$1" bash -c 'exec 3<>"/dev/tcp/$0/$1" && sleep 60' \
		"$server" "${ports[RANDOM % 4]}"
}

idle_ssh() {
	draw_ssh
	on $((RANDOM % 40 + 10)) "$1" ssh -i "$range_dir/key" "${ssh[@]}" -o ServerAliveInterval=5 \
		"$user@$server" 'sleep 60' </dev/null
}
