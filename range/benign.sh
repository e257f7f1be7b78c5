# shellcheck shell=bash
# Benign work: each function is one piece of work of one host, as people, programs and monitors do
# it: NAME HOST. Which server, how much and how fast is drawn anew each time; a quarter is IPv6.
# A function ends by itself or when $deadline has come. Here: what all of them use, the web, names;
# services.sh has the others. Sourced by scenarios.sh.
# shellcheck disable=SC2034,SC2154 # users, passwords, addr4, addr6, servers, sites, odd: net.sh

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
