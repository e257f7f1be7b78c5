# shellcheck shell=bash
# The scenarios: one line each; the function has the name. To be sourced after net.sh.
# shellcheck disable=SC2034,SC2154 # what net.sh sets, and what the files sourced below use
#
# class   benign, or what the truth file calls it (src/feature/feature.h)
# group   what is left out together in leave-one-group-out
# kind    what is left out together in leave-one-kind-out; several tools may do the same kind
# tool    what makes the packets: of Debian, or talk, strike and forge of this folder
# place   any    a host attacks a server, or works; also behind a NAT
#         lan    it needs the lan itself: forged or many addresses, whole networks, ARP
#         site   the other end is a site elsewhere
#         guard  benign all the same: of a host that is allowed to scan (range.sh run -v)
#
# The part of a scenario follows from the two lists below: "test" where its kind or its tool is held
# out, whole; else "train". A third of the kinds of attack, of their tools, and of the kinds of
# benign work are held out, so that a score on them says something about what was never seen.

range_held_kinds=' scan_null scan_ack scan_os scan_connect_slow scan_fragments sweep_ack sweep_slow
sweep_udp flood_syn_closed flood_udp flood_udp_random flood_flags reflect_ntp slow_read
http_flood_random guess_ssh_slow guess_form guess_redis guess_spread web_params sql_injection
fuzz_udp exploit_bind shellcode_udp worm_udp beacon_tcp exfil_icmp tunnel_icmp
web_crawl download_slow dns_busy dns_tcp ssh_shell_key sftp_session ftp_active mqtt call file_share
tunnel syslog health_http idle_ssh backup build_fetch peers stale_password cloud_sync dns_long
retry_busy desktop imap_typo dhcp scanner '
range_held_tools=' netcat masscan arp-scan ping t50 wrk hey ncrack patator ffuf sqlmap whatweb dns2tcp
ptunnel-ng ettercap '

# name              class           group     kind               tool          place
range_scenarios='
web_pages           benign          web       web_pages          curl          any
web_wide            benign          web       web_wide           curl          any
crowd               benign          web       crowd              curl          lan
web_keepalive       benign          web       web_keepalive      curl          any
web_api             benign          web       web_api            curl          any
web_busy            benign          web       web_busy           curl          any
web_proxy           benign          web       web_proxy          curl          any
web_post            benign          web       web_post           curl          any
web_typo            benign          web       web_typo           curl          any
web_crawl           benign          web       web_crawl          wget          any
download            benign          web       download           curl          any
download_slow       benign          web       download_slow      curl          any
build_fetch         benign          web       build_fetch        curl          any
video               benign          web       video              curl          any
telemetry           benign          web       telemetry          curl          any
cloud_sync          benign          web       cloud_sync         curl          any
dns                 benign          names     dns                dig           any
dns_burst           benign          names     dns_burst          dig           any
dns_busy            benign          names     dns_busy           dig           any
dns_tcp             benign          names     dns_tcp            dig           any
dns_long            benign          names     dns_long           dig           any
resolver            benign          names     resolver           dig           any
ssh_shell           benign          login     ssh_shell          ssh           any
ssh_shell_key       benign          login     ssh_shell_key      ssh           any
ssh_deploy          benign          login     ssh_deploy         ssh           any
ssh_typo            benign          login     ssh_typo           ssh           any
ssh_forward         benign          login     ssh_forward        ssh           any
desktop             benign          login     desktop            talk          any
scp_up              benign          files     scp_up             scp           any
scp_down            benign          files     scp_down           scp           any
sftp_session        benign          files     sftp_session       sftp          any
backup              benign          files     backup             rsync         any
ftp_passive         benign          files     ftp_passive        lftp          any
ftp_active          benign          files     ftp_active         lftp          any
ftp_typo            benign          files     ftp_typo           curl          any
file_share          benign          files     file_share         talk          any
mail_send           benign          mail      mail_send          curl          any
mail_read           benign          mail      mail_read          curl          any
imap_typo           benign          mail      imap_typo          curl          any
stale_password      benign          mail      stale_password     curl          any
mqtt                benign          services  mqtt               mosquitto     any
database            benign          services  database           talk          any
cache               benign          services  cache              redis-cli     any
bulk_tcp            benign          media     bulk_tcp           iperf3        any
bulk_udp            benign          media     bulk_udp           iperf3        any
call                benign          media     call               iperf3        any
quic                benign          media     quic               talk          any
tunnel              benign          media     tunnel             talk          any
conference          benign          media     conference         talk          any
chat                benign          media     chat               talk          any
peers               benign          media     peers              talk          any
ntp                 benign          network   ntp                bash          any
snmp                benign          network   snmp               bash          any
syslog              benign          network   syslog             bash          any
multicast           benign          network   multicast          bash          any
dhcp                benign          network   dhcp               udhcpc        lan
health_tcp          benign          monitor   health_tcp         bash          any
health_http         benign          monitor   health_http        curl          any
health_round        benign          monitor   health_round       bash          any
inventory           benign          monitor   inventory          bash          any
ping_some           benign          monitor   ping_some          ping          any
ping_round          benign          monitor   ping_round         fping         any
scanner             benign          monitor   scanner            nmap          guard
refused             benign          trouble   refused            curl          any
retry_busy          benign          trouble   retry_busy         bash          any
unreachable         benign          trouble   unreachable        curl          any
idle_tcp            benign          trouble   idle_tcp           bash          any
idle_ssh            benign          trouble   idle_ssh           ssh           any
nmap_syn            Reconnaissance  scan      scan_syn           nmap          any
nmap_syn6           Reconnaissance  scan      scan_syn           nmap          any
hping_scan          Reconnaissance  scan      scan_syn           hping3        any
masscan_ports       Reconnaissance  scan      scan_syn           masscan       lan
nmap_connect        Reconnaissance  scan      scan_connect       nmap          any
nmap_connect6       Reconnaissance  scan      scan_connect       nmap          any
nc_connect          Reconnaissance  scan      scan_connect       netcat        any
nmap_fin            Reconnaissance  scan      scan_fin           nmap          lan
nmap_xmas           Reconnaissance  scan      scan_xmas          nmap          lan
nmap_null           Reconnaissance  scan      scan_null          nmap          lan
nmap_ack            Reconnaissance  scan      scan_ack           nmap          lan
nmap_dark           Reconnaissance  scan      scan_dark          nmap          lan
nmap_version        Reconnaissance  scan      scan_version       nmap          any
nmap_os             Reconnaissance  scan      scan_os            nmap          lan
nmap_udp            Reconnaissance  scan      scan_udp           nmap          any
nmap_slow           Reconnaissance  scan      scan_slow          nmap          any
nmap_connect_slow   Reconnaissance  scan      scan_connect_slow  nmap          any
nmap_decoy          Reconnaissance  scan      scan_decoy         nmap          lan
nmap_fragments      Reconnaissance  scan      scan_fragments     nmap          lan
nmap_spread         Reconnaissance  scan      scan_spread        nmap          lan
idle_scan           Reconnaissance  scan      scan_idle          forge         lan
sweep_ping          Reconnaissance  scan      sweep_ping         nmap          lan
sweep_fping         Reconnaissance  scan      sweep_ping         fping         lan
sweep_tcp           Reconnaissance  scan      sweep_tcp          nmap          lan
sweep_ack           Reconnaissance  scan      sweep_ack          nmap          lan
sweep_port          Reconnaissance  scan      sweep_port         nmap          lan
sweep_zmap          Reconnaissance  scan      sweep_port         zmap          lan
masscan_net         Reconnaissance  scan      sweep_port         masscan       lan
sweep_slow          Reconnaissance  scan      sweep_slow         nmap          lan
sweep_udp           Reconnaissance  scan      sweep_udp          nmap          lan
sweep_arp           Reconnaissance  scan      sweep_arp          nmap          lan
arp_scan            Reconnaissance  scan      sweep_arp          arp-scan      lan
names_fierce        Reconnaissance  names     guess_names        fierce        any
names_nmap          Reconnaissance  names     guess_names        nmap          any
flood_syn           DoS             flood     flood_syn          hping3        lan
flood_syn_nping     DoS             flood     flood_syn          nping         lan
flood_syn_spoofed   DoS             flood     flood_syn_spoofed  hping3        lan
flood_syn_random    DoS             flood     flood_syn_random   hping3        lan
flood_syn_closed    DoS             flood     flood_syn_closed   hping3        lan
flood_ack           DoS             flood     flood_ack          hping3        lan
flood_flags         DoS             flood     flood_flags        hping3        lan
flood_fragments     DoS             flood     flood_fragments    hping3        lan
flood_connect       DoS             flood     flood_connect      nping         any
flood_udp           DoS             flood     flood_udp          hping3        any
flood_udp_ports     DoS             flood     flood_udp_ports    hping3        any
flood_udp_random    DoS             flood     flood_udp_random   hping3        lan
flood_icmp          DoS             flood     flood_icmp         hping3        any
flood_ping          DoS             flood     flood_icmp         ping          any
flood_mixed         DoS             flood     flood_mixed        t50           lan
flood_dns           DoS             flood     flood_dns          dnsperf       any
reflect_dns         DoS             reflect   reflect_dns        forge         lan
reflect_ntp         DoS             reflect   reflect_ntp        forge         lan
slow_headers        DoS             slow      slow_headers       slowhttptest  any
slow_headers_nmap   DoS             slow      slow_headers       nmap          any
slow_body           DoS             slow      slow_body          slowhttptest  any
slow_read           DoS             slow      slow_read          slowhttptest  any
slow_range          DoS             slow      slow_range         slowhttptest  any
http_flood_ab       DoS             http      http_flood         ab            any
http_flood_siege    DoS             http      http_flood         siege         any
http_flood_hey      DoS             http      http_flood         hey           any
http_flood_wrk      DoS             http      http_flood         wrk           any
http_flood_random   DoS             http      http_flood_random  siege         any
hydra_ssh           Brute_Force     guess     guess_ssh          hydra         any
medusa_ssh          Brute_Force     guess     guess_ssh          medusa        any
ncrack_ssh          Brute_Force     guess     guess_ssh          ncrack        any
patator_ssh         Brute_Force     guess     guess_ssh          patator       any
hydra_ssh_slow      Brute_Force     guess     guess_ssh_slow     hydra         any
hydra_ftp           Brute_Force     guess     guess_ftp          hydra         any
medusa_ftp          Brute_Force     guess     guess_ftp          medusa        any
hydra_ftp_slow      Brute_Force     guess     guess_ftp_slow     hydra         any
hydra_http          Brute_Force     guess     guess_http         hydra         any
medusa_http         Brute_Force     guess     guess_http         medusa        any
nmap_http           Brute_Force     guess     guess_http         nmap          any
hydra_form          Brute_Force     guess     guess_form         hydra         any
patator_form        Brute_Force     guess     guess_form         patator       any
hydra_imap          Brute_Force     guess     guess_imap         hydra         any
nmap_imap           Brute_Force     guess     guess_imap         nmap          any
imap_slow           Brute_Force     guess     guess_imap_slow    curl          any
hydra_redis         Brute_Force     guess     guess_redis        hydra         any
nmap_redis          Brute_Force     guess     guess_redis        nmap          any
snmp_names          Brute_Force     guess     guess_snmp         onesixtyone   any
spray_ssh           Brute_Force     guess     guess_spray        hydra         lan
ftp_spread          Brute_Force     guess     guess_spread       curl          lan
dirs_gobuster       Analysis        web       web_dirs           gobuster      any
dirs_dirb           Analysis        web       web_dirs           dirb          any
dirs_ffuf           Analysis        web       web_dirs           ffuf          any
dirs_wfuzz          Analysis        web       web_dirs           wfuzz         any
params_wfuzz        Analysis        web       web_params         wfuzz         any
params_ffuf         Analysis        web       web_params         ffuf          any
web_scripts         Analysis        web       web_probe          nmap          any
web_what            Analysis        web       web_probe          whatweb       any
sql_injection       Analysis        web       sql_injection      sqlmap        any
spam_swaks          Analysis        spam      spam               swaks         lan
spam_curl           Analysis        spam      spam               curl          lan
fuzz_tcp            Fuzzers         fuzz      fuzz_tcp           strike        any
fuzz_udp            Fuzzers         fuzz      fuzz_udp           strike        any
fuzz_dns            Fuzzers         fuzz      fuzz_dns           nmap          any
fuzz_form           Fuzzers         fuzz      fuzz_form          nmap          any
exploit_crash       Exploits        delivery  exploit_crash      strike        any
exploit_answer      Exploits        delivery  exploit_answer     strike        any
exploit_back        Exploits        delivery  exploit_back       strike        lan
exploit_bind        Exploits        delivery  exploit_bind       strike        any
shellcode_tcp       Shellcode       delivery  shellcode_tcp      strike        lan
shellcode_udp       Shellcode       delivery  shellcode_udp      strike        lan
worm_tcp            Worms           worm      worm_tcp           strike        lan
worm_udp            Worms           worm      worm_udp           strike        lan
backdoor_shell      Backdoor        control   backdoor_shell     strike        any
beacon_http         Backdoor        control   beacon_http        curl          site
beacon_dns          Backdoor        control   beacon_dns         dig           site
beacon_tcp          Backdoor        control   beacon_tcp         strike        site
exfil_https         Backdoor        exfil     exfil_https        curl          site
exfil_dns           Backdoor        exfil     exfil_dns          strike        site
exfil_icmp          Backdoor        exfil     exfil_icmp         hping3        site
tunnel_ssh          Backdoor        tunnel    tunnel_ssh         ssh           site
tunnel_http         Backdoor        tunnel    tunnel_http        httptunnel    site
tunnel_iodine       Backdoor        tunnel    tunnel_dns         iodine        site
tunnel_dns2tcp      Backdoor        tunnel    tunnel_dns         dns2tcp       site
tunnel_icmp         Backdoor        tunnel    tunnel_icmp        ptunnel-ng    site
arp_spoof           Generic         arp       arp_spoof          arpspoof      lan
arp_ettercap        Generic         arp       arp_spoof          ettercap      lan
ciphers_sslscan     Generic         ciphers   cipher_list        sslscan       any
ciphers_nmap        Generic         ciphers   cipher_list        nmap          any
ciphers_oracle      Generic         ciphers   cipher_oracle      openssl       any
'
range_truth= # the truth file
avoid=       # names of servers and sites that a host's work keeps away from

# range_table: the table with the part as seventh column.
range_table() {
	awk -v kinds="$range_held_kinds" -v tools="$range_held_tools" '
		BEGIN { gsub(/\n/, " ", kinds); gsub(/\n/, " ", tools) }
		NF == 6 {
			held = index(kinds, " " $4 " ") || ($2 != "benign" && index(tools, " " $5 " "))
			print $0, held ? " test" : " train"
		}' <<<"$range_scenarios"
}

# range_list CLASS PART [PLACES]: names; CLASS as in the table, or "attack" for all that are not benign;
# PART "train", "test" or "all"; PLACES: a list in one word, if not all but `guard`.
range_list() {
	range_table | awk -v class="$1" -v part="$2" -v places=" ${3:-any lan site} " \
		'(class == "attack" ? $2 != "benign" : $2 == class) && index(places, " " $6 " ") &&
		 (part == "all" || $7 == part) { print $1 }'
}

# place_of NAME
place_of() {
	awk -v name="$1" '$1 == name { print $6 }' <<<"$range_scenarios"
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

# work_until SECONDS COMMAND...: with an earlier deadline, in epoch seconds.
work_until() {
	local until=$1
	shift
	((deadline < until)) || local deadline=$until
	"$@"
}

# draw_target HOST NAME: $target gets whom the host attacks: any server, from behind the NAT the last;
# where the other end is a site, the last or, for one of two tunnels that need a port for themselves,
# the one before.
draw_target() {
	target=${servers[RANDOM % ${#servers[@]}]}
	[[ ! ${natted[$1]-} ]] || target=s4
	[[ $(place_of "$2") != site ]] || target=w40
	[[ $2 != tunnel_dns2tcp ]] || target=w39
}

# mischief HOST SEED BENIGN ATTACK...: a host that works and attacks, until $deadline, the attacks in
# their order: some of them while it works for others, some between its work. BENIGN is a list in
# one word. Its work never goes to whom it attacks at that time, so that the truth is true.
mischief() {
	local host=$1 benign name n target job kept=$avoid
	RANDOM=$2
	read -rd '' -a benign <<<"$3"
	shift 3
	for name; do
		for ((n = RANDOM % 3; n > 0; n--)); do
			work_until $((EPOCHSECONDS + 5)) "${benign[RANDOM % ${#benign[@]}]}" "$host"
			rest 2 10 || return
		done
		((EPOCHSECONDS + 4 < deadline)) || return
		# A pause, so that no benign connection begins within the attack's time.
		sleep 0.5
		draw_target "$host" "$name"
		job=
		if ((RANDOM % 2)) && [[ $(place_of "$name") != lan ]]; then
			avoid="$kept $target"
			work_until $((EPOCHSECONDS + 12)) work "$host" "$RANDOM" "${benign[@]}" &
			job=$!
		fi
		scenario=$name "$name" "$host" "$target"
		[[ -z $job ]] || wait "$job"
		avoid=$kept
		rest 12 30 || return
	done
	work "$host" "$RANDOM" "${benign[@]}"
}

# shellcheck source=benign.sh
. "$range_home/benign.sh"
# shellcheck source=services.sh
. "$range_home/services.sh"
# shellcheck source=attacks.sh
. "$range_home/attacks.sh"
# shellcheck source=intrusions.sh
. "$range_home/intrusions.sh"
