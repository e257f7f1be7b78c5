# shellcheck shell=bash
# Benign work, as in benign.sh: logins, files, mail, media, small services, watching over others, and
# what does not work. Sourced by scenarios.sh.
# shellcheck disable=SC2154 # users, passwords, addr4, addr6, servers, sites, odd: net.sh

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

# draw_callee: like draw_server, of those that iperf3 serves by UDP.
draw_callee() {
	until draw_server && grep -qxF "$server" "$range_dir/callees"; do :; done
}

bulk_udp() {
	draw_callee
	on 20 "$1" iperf3 -u -c "$server" -p "520$((RANDOM % 2 + 5))" -t "$((RANDOM % 5 + 2))" \
		-b "$((RANDOM % 8 + 1))M" -l "$((RANDOM % 900 + 400))"
}

# A call: 50 small packets a second, each way.
call() {
	local t=$((RANDOM % 8 + 4)) job
	draw_callee
	on $((t + 3)) "$1" iperf3 -u -c "$server" -p 5205 -t "$t" -b 69k -l 172 &
	job=$!
	on $((t + 3)) "$1" iperf3 -u -c "$server" -p 5206 -t "$t" -b 69k -l 172 --reverse
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
