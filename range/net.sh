# shellcheck shell=bash
# The network of the range: a gateway, servers behind it, hosts before it, all in network
# namespaces of their own. To be sourced; a program that does so calls `trap range_down EXIT`.
#
#     h1 .. hM ───────┐                       ┌── s1 .. s4, w1 .. w40   (one namespace)
#     hM+1 .. hN ─nat─┼── lan │ gateway │ srv ┤
#     wan ────────────┘                       └── nobody: addresses that are not in use
#
# s1 .. are servers on the next network, w1 .. stand for sites elsewhere, with public addresses.
#
# Karma and tcpdump watch `lan` of the gateway: each packet passes there once, either way, also
# those for addresses that nobody has. `wan` stands for the Internet: it takes every packet for
# elsewhere and answers none. The last hosts may share the address of a NAT. All addresses, lines,
# odd ports and sizes are drawn from the seed, so that none is a signature.
# shellcheck disable=SC2034 # what is set here is for the files that source this one

range_id=karma-$$
range_dir=    # the work directory; everything that is written goes there
range_hosts=0 # how many hosts: h1 .. h$range_hosts
range_lines=  # set: some links have a delay, a rate, losses and disorder, as drawn
range_network=home # other: addresses, delays and sizes that no `home` network has
range_nat=0   # how many of the last hosts share one address
range_offload=no # yes: with segmentation offload, as most machines have it; no: as on a wire
range_mtu=1500   # of the lan; 0: drawn
range_tries=6    # how many passwords sshd grants a connection; 6 is its default
range_snap=256   # bytes of a packet in captures: its headers, and the payload that is looked at
range_jobs=() # processes of ours outside the namespaces

declare -A natted=()         # set for each host behind the NAT
declare -A addr4=() addr6=() # of h1 .., s1 .., dark (its packets vanish); gone (nobody has it)
servers=(s1 s2 s3 s4)
sites=(w{1..40})
server_net= # the servers' IPv4 network, as nmap takes it
odd=()      # ports beyond the usual where the servers have the web, TLS, SSH, and stand-ins

# say TEXT...: to the user.
say() { printf '%s\n' "$*" >&2; }

# die TEXT...: what, where, the remedy.
die() {
	say "range: $*"
	exit 1
}

# range_needs PROGRAM...: die if one is missing.
range_needs() {
	local program missing=()
	for program; do
		command -v "$program" >/dev/null || missing+=("$program")
	done
	((${#missing[@]} == 0)) ||
		die "not installed: ${missing[*]}; see the groups 'range' and 'data' of packages.txt"
}

# range_possible: can network namespaces be made here?
range_possible() {
	local probe=$range_id-probe
	ip netns add "$probe" 2>/dev/null || return 1
	ip netns delete "$probe"
}

# inside NAME COMMAND...: run a command in the namespace of `gateway`, `servers`, `wan` or a host.
inside() {
	local name=$1
	shift
	ip netns exec "$range_id-$name" "$@"
}

# draw_networks N: $networks gets N different private /24s, as "10.1.2".
draw_networks() {
	local net
	networks=()
	while ((${#networks[@]} < $1)); do
		case $range_network$((RANDOM % 3)) in
		home0) net=10.$((RANDOM % 256)).$((RANDOM % 256)) ;;
		home1) net=172.$((16 + RANDOM % 16)).$((RANDOM % 256)) ;;
		home2) net=192.168.$((RANDOM % 256)) ;;
		other0 | other1) net=100.$((64 + RANDOM % 64)).$((RANDOM % 256)) ;;
		other2) net=$((128 + RANDOM % 12)).$((RANDOM % 256)).$((RANDOM % 256)) ;;
		esac
		[[ " ${networks[*]} " == *" $net "* ]] || networks+=("$net")
	done
}

# draw_prefix_and_sizes: $prefix, of the IPv6 networks; the MTU and the odd ports.
draw_prefix_and_sizes() {
	local first mtus=(1500 1492 1400)
	first=$(printf fd%02x $((RANDOM % 256)))
	if [[ $range_network = other ]]; then
		first=26$(printf %02x $((RANDOM % 256)))
		mtus=(1280 1420 1460)
	fi
	prefix=$(printf '%s:%x:%x' "$first" $((RANDOM % 65535 + 1)) $((RANDOM % 65535 + 1)))
	((range_mtu)) || range_mtu=${mtus[RANDOM % 3]}
	odd=($((RANDOM % 900 + 8100)) $((RANDOM % 900 + 9100)) $((RANDOM % 9000 + 2200))
		$((RANDOM % 9000 + 20000)))
	# Where nothing else listens (servers.sh, answer.py, standin.py).
	local taken=(3128 3306 3389 4444 5000 5201 5202 5203 5204 5205 5206 5222 5432 6379 6881 7001 8009
		8080 "${odd[@]:0:2}")
	while [[ " ${taken[*]} " == *" ${odd[2]} "* ]]; do
		odd[2]=$((odd[2] + 1))
	done
}

# draw_sites: addresses of the sites, in five networks of the Internet.
draw_sites() {
	local first=(5 23 31 52 93 104 142 151 185 199) name i=0 number nets=()
	while ((${#nets[@]} < 5)); do
		nets+=("${first[RANDOM % 5 + ${#nets[@]}]}.$((RANDOM % 256)).$((RANDOM % 256))")
	done
	for name in "${sites[@]}"; do
		number=$((i * 6 + RANDOM % 6 + 2))
		addr4[$name]=${nets[i % 5]}.$number
		addr6[$name]=2a0${prefix:3:1}:${prefix#*:}:$((i % 5))::$(printf %x "$number")
		i=$((i + 1))
	done
}

# draw_addresses: fill addr4 and addr6 from $networks and $prefix. The hosts share the first three
# networks, the servers have the fourth, what is behind the NAT the fifth.
draw_addresses() {
	local name net number i=0
	local -A taken=()
	for name in gw0 gw1 gw2 gw3 wan nat "${servers[@]}" dark gone $(seq -f h%.0f "$range_hosts"); do
		case $name in
		gw?) net=${name#gw} ;;
		wan | nat) net=0 ;;
		h*) net=$((i++ % 3)) ;;
		*) net=3 ;;
		esac
		while number=$((RANDOM % 253 + 2)) && [[ ${taken[$net.$number]-} ]]; do :; done
		taken[$net.$number]=1
		addr4[$name]=${networks[net]}.$number
		addr6[$name]=$prefix:$net::$(printf %x "$number")
	done
	for ((i = range_hosts - range_nat + 1; i <= range_hosts; i++)); do
		addr4[h$i]=${addr4[nat]}
		addr6[h$i]=${addr6[nat]}
	done
	server_net=${networks[3]}.0/24
	draw_sites
}

# draw_line: $line gets "delay jitter rate loss disorder seed" as delay.c takes them, or nothing for
# a plain link: next door, in the same town, in the same country, far away.
draw_line() {
	local rate=(900 200 100 50 20) loss=0 disorder=0 delay
	line=()
	case $range_network$((RANDOM % 8)) in
	home[0-2] | other[0-1]) return ;;
	home[3-4]) delay=$((RANDOM % 900 + 100)) ;;
	other[2-4]) delay=$((RANDOM % 7000 + 1000)) ;;
	home[5-6]) delay=$((RANDOM * 2 % 50000 + 10000)) ;;
	*) delay=$((RANDOM * 8 % 220000 + 80000)) ;;
	esac
	((RANDOM % 5 > 1)) || loss=$((RANDOM % 3 ? RANDOM % 50 + 1 : RANDOM % 300 + 1))
	((RANDOM % 3)) || disorder=$((RANDOM % 200 + 1))
	line=("$delay" $((RANDOM % (delay / 4))) "${rate[RANDOM % 5]}" "$loss" "$disorder" "$RANDOM")
}

# join NAME PORT INTERFACE [HUB]: make a namespace and a link from PORT of the HUB (the gateway) to
# its INTERFACE, where $range_lines is set with delays and losses for some.
join() {
	local line=() waited=0 hub=${4-gateway}
	ip netns add "$range_id-$1"
	[[ -z $range_lines ]] || draw_line
	if ((${#line[@]})); then
		echo "$1: ${line[*]}" >>"$range_dir/lines"
		"$range_dir/delay" "$range_id-$hub" "$2" "$range_id-$1" "$3" "${line[@]}" &
		disown # it is ended with its namespace
		until [[ -e /proc/$!/fd/4 ]] && inside "$1" test -e "/sys/class/net/$3"; do
			sleep 0.02
			((++waited < 100)) || die "no link to $1"
		done
	else
		ip -n "$range_id-$hub" link add "$2" type veth peer name "$3" netns "$range_id-$1"
		[[ $range_offload = yes ]] || inside "$1" ethtool -K "$3" tso off gso off >/dev/null
	fi
	inside "$1" sysctl -qw net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.all.accept_ra=0
	ip -n "$range_id-$1" link set lo up
}

# join_host NAME NETWORK: a host (or `wan`) on the gateway's lan.
join_host() {
	join "$1" "$1" eth0
	ip -n "$range_id-gateway" -batch - <<-END
		link set $1 mtu $range_mtu master lan up
	END
	ip -n "$range_id-$1" -batch - <<-END
		link set eth0 mtu $range_mtu
		address add ${addr4[$1]}/24 dev eth0
		address add ${addr6[$1]}/64 dev eth0 nodad
		link set eth0 up
		route add default via ${addr4[gw$2]}
		route add default via ${addr6[gw$2]}
	END
}

# make_nat: a router on the lan that hides those behind it.
make_nat() {
	join_host nat 0
	inside nat sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$range_id-nat" -batch - <<-END
		link add in type bridge forward_delay 0 mcast_snooping 0
		link set in mtu $range_mtu up
		address add ${networks[4]}.1/24 dev in
		address add $prefix:4::1/64 dev in nodad
	END
	inside nat nft -f - <<-END
		table inet nat {
			chain out {
				type nat hook postrouting priority 100;
				oifname "eth0" masquerade
			}
		}
	END
}

# join_natted NAME N: the Nth host behind the NAT.
join_natted() {
	join "$1" "$1" eth0 nat
	natted[$1]=1
	ip -n "$range_id-nat" -batch - <<-END
		link set $1 mtu $range_mtu master in up
	END
	ip -n "$range_id-$1" -batch - <<-END
		link set eth0 mtu $range_mtu
		address add ${networks[4]}.$(($2 + 1))/24 dev eth0
		address add $prefix:4::$(printf %x $(($2 + 1)))/64 dev eth0 nodad
		link set eth0 up
		route add default via ${networks[4]}.1
		route add default via $prefix:4::1
	END
}

make_gateway() {
	local i
	ip netns add "$range_id-gateway"
	inside gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
	{
		echo "link set lo up"
		echo "link add lan type bridge forward_delay 0 mcast_snooping 0"
		echo "link set lan up"
		for i in 0 1 2; do
			echo "address add ${addr4[gw$i]}/24 dev lan"
			echo "address add ${addr6[gw$i]}/64 dev lan nodad"
		done
		echo "route add blackhole ${addr4[dark]}"
	} | ip -n "$range_id-gateway" -batch -
}

# site_routes: what the gateway is told, as `ip` takes it.
site_routes() {
	local name
	for name in "${sites[@]}"; do
		echo "route add ${addr4[$name]} via ${addr4[s1]}"
		echo "route add ${addr6[$name]} via ${addr6[s1]}"
	done
}

make_servers() {
	local name
	join servers srv eth0
	ip -n "$range_id-gateway" -batch - <<-END
		address add ${addr4[gw3]}/24 dev srv
		address add ${addr6[gw3]}/64 dev srv nodad
		link set srv up
		$(site_routes)
	END
	{
		for name in "${servers[@]}"; do
			echo "address add ${addr4[$name]}/24 dev eth0"
			echo "address add ${addr6[$name]}/64 dev eth0 nodad"
		done
		for name in "${sites[@]}"; do
			echo "address add ${addr4[$name]}/32 dev lo"
			echo "address add ${addr6[$name]}/128 dev lo nodad"
		done
		echo "link set eth0 up"
		echo "route add default via ${addr4[gw3]}"
		echo "route add default via ${addr6[gw3]}"
	} | ip -n "$range_id-servers" -batch -
}

# range_up SEED HOSTS [DIR]: build everything and start the servers. DIR is made when not given,
# and then removed at the end.
range_up() {
	local i
	range_needs ip ethtool nft nginx sshd vsftpd dnsmasq dovecot redis-server tinyproxy \
		mosquitto iperf3 openssl
	RANDOM=$1
	range_hosts=$2
	range_dir=${3-}
	if [[ $range_dir ]]; then
		mkdir -p "$range_dir"
	else
		range_temporary=$(mktemp -d)
		range_dir=$range_temporary
	fi
	[[ -z $range_lines ]] || gcc -std=gnu11 -D_GNU_SOURCE -O2 -o "$range_dir/delay" \
		"$range_home/delay.c" || die "delay.c does not compile; install the group 'build'"
	draw_networks 5
	draw_prefix_and_sizes
	draw_addresses
	make_gateway
	make_servers
	join_host wan 0
	ip -n "$range_id-gateway" -batch - <<-END
		route add default via ${addr4[wan]}
		route add default via ${addr6[wan]}
	END
	for ((i = 1; i <= range_hosts - range_nat; i++)); do
		join_host "h$i" $(((i - 1) % 3))
	done
	((range_nat == 0)) || make_nat
	for ((i = 1; i <= range_nat; i++)); do
		join_natted "h$((range_hosts - range_nat + i))" "$i"
	done
	start_dhcp
	start_servers
}

# draw_users: $dir/users ("name password" lines), the key that opens every account, and the word
# lists of those who guess: wrong passwords, and names with ours among them.
draw_users() {
	local name names=(alice bruno carla david erika felix greta henry irina jonas karin louis)
	local -i i
	: >"$range_dir/users"
	for ((i = 0; i < 4; i++)); do
		name=${names[RANDOM % 3 + i * 3]}
		echo "$name $name$RANDOM$((RANDOM % 90 + 10))" >>"$range_dir/users"
	done
	mapfile -t users < <(cut -d' ' -f1 "$range_dir/users")
	mapfile -t passwords < <(cut -d' ' -f2 "$range_dir/users")
	for ((i = 0; i < 400; i++)); do
		echo "${names[RANDOM % 12]}$((RANDOM % 9000 + 100))"
	done >"$range_dir/words"
	printf '%s\n' root admin test "${users[@]}" oracle postgres backup >"$range_dir/names"
	ssh-keygen -q -t ed25519 -N '' -f "$range_dir/key"
}

# start_dhcp: the gateway gives addresses to whom asks on the lan.
start_dhcp() {
	inside gateway dnsmasq --port=0 --conf-file=/dev/null --user=root --pid-file= \
		--keep-in-foreground --bind-interfaces --interface=lan --dhcp-leasefile="$range_dir/leases" \
		--dhcp-range="${networks[0]}.2,${networks[0]}.254,2m" 2>"$range_dir/dhcp.log" &
	range_jobs+=($!)
}

# start_servers: they run in a mount namespace too, with users of their own (servers.sh).
start_servers() {
	local waited=0 name
	draw_users
	echo "${odd[*]}" >"$range_dir/ports"
	# The last two sites answer no names themselves: tunnels end there.
	for name in "${servers[@]}" "${sites[@]:0:${#sites[@]}-2}"; do
		echo "--listen-address=${addr4[$name]},${addr6[$name]}"
	done >"$range_dir/resolvers"
	inside servers unshare --mount --propagation private \
		bash "$range_home/servers.sh" "$range_dir" "$range_tries" >"$range_dir/servers.log" 2>&1 &
	range_jobs+=($!)
	until [[ -e $range_dir/ready ]]; do
		sleep 0.1
		if ((++waited >= 900)) || ! kill -0 "${range_jobs[-1]}" 2>/dev/null; then
			die "the servers did not start: $(tail -n 3 "$range_dir/servers.log")"
		fi
	done
}

# range_job COMMAND...: run in the background; ended by range_down.
range_job() {
	"$@" &
	range_jobs+=($!)
}

# borrow HOST N FAMILY: N addresses of the host's network that nobody has, for a while, in $borrowed
# (fewer where some are taken). return_borrowed HOST gives them back. Not for those behind the NAT.
borrow() {
	local n address flags=()
	borrowed=()
	[[ $3 = 4 ]] || flags=(nodad)
	for ((n = $2; n > 0; n--)); do
		address=${addr4[$1]%.*}.$((RANDOM % 127 + 128))
		[[ $3 = 4 ]] || address=${addr6[$1]%::*}::$(printf %x $((RANDOM + 256)))
		[[ " ${addr4[*]} ${borrowed[*]} " != *" $address "* ]] || continue
		borrowed+=("$address")
		ip -n "$range_id-$1" address add "$address" dev eth0 "${flags[@]}" 2>/dev/null
	done
	sleep 0.1
}

return_borrowed() {
	local address
	for address in "${borrowed[@]}"; do
		ip -n "$range_id-$1" address delete "$address" dev eth0 2>/dev/null
	done
}

# range_capture FILE: record what passes the gateway, from now until range_capture_end.
range_capture() {
	local waited=0
	: >"$range_dir/tcpdump.log"
	ip netns exec "$range_id-gateway" tcpdump -i lan -s "$range_snap" -B 16384 -Z root -w "$1" 2>"$range_dir/tcpdump.log" &
	range_capture_job=$!
	until grep -q 'listening on' "$range_dir/tcpdump.log"; do
		sleep 0.05
		((++waited < 100)) || die "tcpdump did not start: $(tail -n 1 "$range_dir/tcpdump.log")"
	done
}

range_capture_end() {
	sleep 0.5
	kill "$range_capture_job"
	wait "$range_capture_job" 2>/dev/null
	! grep -Eq '^[1-9][0-9]* packets dropped by kernel' "$range_dir/tcpdump.log" ||
		say "range: $(grep 'dropped by kernel' "$range_dir/tcpdump.log") while capturing"
}

# range_down: end every process of ours, delete the namespaces and the temporary directory. Fit
# for a trap: it works whatever was built so far, and no signal cuts it short; afterwards they end
# the program.
range_down() {
	trap '' INT TERM HUP
	local name pids
	trap - EXIT
	kill "${range_jobs[@]}" 2>/dev/null
	for name in "/run/netns/$range_id"-*; do
		[[ -e $name ]] || continue
		name=${name##*/}
		pids=$(ip netns pids "$name")
		# shellcheck disable=SC2086 # a list
		[[ -z $pids ]] || kill -KILL $pids 2>/dev/null
		ip netns delete "$name"
	done
	wait 2>/dev/null
	[[ -z ${range_temporary-} ]] || rm -rf "$range_temporary"
	range_jobs=()
	range_temporary=
	trap 'exit 1' INT TERM HUP
}

range_home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
