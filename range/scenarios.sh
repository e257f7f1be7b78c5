# shellcheck shell=bash
# The scenarios: one line each. "train" ones make training data, "test" ones are held out whole,
# so that a score on them says something about what the model has never seen. To be sourced after
# net.sh.
# shellcheck disable=SC2034,SC2154 # what net.sh sets, and what the files sourced below use
#
# name              kind            part   (the function has the name)

range_scenarios='
web_pages           benign          train
web_wide            benign          train
crowd               benign          train
web_keepalive       benign          train
web_api             benign          train
web_busy            benign          train
web_post            benign          train
web_typo            benign          train
web_crawl           benign          test
download            benign          train
download_slow       benign          test
dns                 benign          train
dns_burst           benign          train
dns_busy            benign          test
dns_tcp             benign          test
ssh_shell           benign          train
ssh_shell_key       benign          test
ssh_deploy          benign          train
ssh_typo            benign          train
scp_up              benign          train
scp_down            benign          train
sftp_session        benign          test
ftp_passive         benign          train
ftp_active          benign          test
ftp_typo            benign          train
mqtt                benign          test
bulk_tcp            benign          train
bulk_udp            benign          train
call                benign          test
database            benign          train
mail                benign          train
file_share          benign          test
quic                benign          train
tunnel              benign          test
conference          benign          train
ntp                 benign          train
snmp                benign          train
syslog              benign          test
multicast           benign          train
health_tcp          benign          train
health_http         benign          test
health_round        benign          train
ping_some           benign          train
refused             benign          train
unreachable         benign          train
idle_tcp            benign          train
idle_ssh            benign          test
nmap_syn            Reconnaissance  train
nmap_syn6           Reconnaissance  train
nmap_connect        Reconnaissance  train
nmap_connect6       Reconnaissance  test
nmap_fin            Reconnaissance  train
nmap_xmas           Reconnaissance  train
nmap_null           Reconnaissance  test
nmap_ack            Reconnaissance  test
nmap_dark           Reconnaissance  train
nmap_version        Reconnaissance  train
nmap_os             Reconnaissance  test
nmap_udp            Reconnaissance  train
nmap_slow           Reconnaissance  train
nmap_connect_slow   Reconnaissance  test
sweep_ping          Reconnaissance  train
sweep_tcp           Reconnaissance  train
sweep_ack           Reconnaissance  test
sweep_port          Reconnaissance  train
sweep_udp           Reconnaissance  test
masscan_ports       Reconnaissance  test
masscan_net         Reconnaissance  test
flood_syn           DoS             train
flood_syn_spoofed   DoS             train
flood_syn_random    DoS             train
flood_syn_closed    DoS             test
flood_ack           DoS             train
flood_udp           DoS             test
flood_udp_ports     DoS             train
flood_udp_random    DoS             test
flood_icmp          DoS             train
flood_ping          DoS             test
slow_headers        DoS             train
slow_body           DoS             train
slow_read           DoS             test
http_flood_ab       DoS             train
http_flood_wrk      DoS             test
hydra_ssh           Brute_Force     train
hydra_ssh_slow      Brute_Force     test
hydra_ftp           Brute_Force     train
hydra_http          Brute_Force     train
medusa_ssh          Brute_Force     train
medusa_ftp          Brute_Force     test
ncrack_ssh          Brute_Force     test
dirs_gobuster       Analysis        train
dirs_dirb           Analysis        train
dirs_ffuf           Analysis        test
web_scripts         Analysis        test
'
range_truth= # the truth file

# range_list KIND PART: names; KIND as in the table, or "attack" for all that are not benign; PART
# "train", "test" or "all".
range_list() {
	awk -v kind="$1" -v part="$2" \
		'NF == 3 && (kind == "attack" ? $2 != "benign" : $2 == kind) &&
		 (part == "all" || $3 == part) { print $1 }' <<<"$range_scenarios"
}

# work HOST SEED NAME...: the host does one thing after the other, drawn from the names, with pauses,
# until $deadline. A host has habits: three of them it does more often.
work() {
	local host=$1 names habits=() name n
	RANDOM=$2
	shift 2
	names=("$@")
	for n in 0 1 2; do
		habits[n]=${names[RANDOM % $#]}
	done
	while ((EPOCHSECONDS < deadline)); do
		name=${names[RANDOM % $#]}
		((RANDOM % 3)) || name=${habits[RANDOM % 3]}
		"$name" "$host"
		rest 2 40
	done
}

# mischief HOST SEED BENIGN ATTACK...: a host that works and attacks in turn, until $deadline, the
# attacks in their order. BENIGN is a list in one word.
mischief() {
	local host=$1 benign name n
	RANDOM=$2
	read -rd '' -a benign <<<"$3"
	shift 3
	for name; do
		for ((n = RANDOM % 3; n > 0; n--)); do
			"${benign[RANDOM % ${#benign[@]}]}" "$host"
			rest 2 30 || return
		done
		((EPOCHSECONDS + 4 < deadline)) || return
		# A pause, so that no benign connection begins within the attack's time.
		sleep 0.5
		scenario=$name "$name" "$host" "${servers[RANDOM % ${#servers[@]}]}"
		rest 10 40 || return
	done
	work "$host" "$RANDOM" "${benign[@]}"
}

# shellcheck source=benign.sh
. "$range_home/benign.sh"
# shellcheck source=attacks.sh
. "$range_home/attacks.sh"
