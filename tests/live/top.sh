#!/bin/bash
# karma top on a live Karma with --block, over a veth pair: a scan is on the screen within 2 s of its
# alert, its flows come from the history, the block key has the kernel drop what the scanner sends, the
# unblock key lets it through again; a restart is followed. Prints how long it took, the screen with
# the blocked scanner, and the most memory that it had. Over ssh, in a terminal without colour and
# without UTF-8, it shows the same, follows a resize and ends with the connection. Needs root; says why
# where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=17
watched=karma-top-$$ other=karma-seen-$$
socket=$work/karma.sock
export TZ=UTC

needs nmap ping tmux
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$watched" "$other" 10.97.0
ip -n "$other" addr add 10.97.0.9/24 dev v0 # the scanner
mount_here bpf "$work/bpf" || skip_all "no bpffs"
# Alerts block nobody by themselves: that is left to the key.
printf '[block]\npin = %s\n[policy]\n' "$work/bpf/karma" >"$work/karma.conf"
for class in reconnaissance dos brute-force fuzzers exploits analysis backdoor generic shellcode worms; do
	echo "$class = off"
done >>"$work/karma.conf"

server=karma-top-live-$$
tm() { tmux -L "$server" -f /dev/null "$@"; }
leave() {
	tm kill-server 2>/dev/null
	clean
}
trap leave EXIT
press() { tm send-keys -t top "$@"; }
shows() { tm capture-pane -p -t top | grep -qE -- "$1"; }
watch() {
	must_start run "$watched" run -i v0 --block --config "$work/karma.conf" --socket "$socket" \
		--history "$work/history.db"
}
scan() { inside "$other" nmap -n -Pn -sS -S 10.97.0.9 -e v0 -p 1-3000 --max-retries 0 10.97.0.1 >/dev/null 2>&1; }
reaches() { inside "$other" ping -q -c 3 -i 0.2 -W 1 -I 10.97.0.9 10.97.0.1 >/dev/null; } # one answer will do
is_cut_off() { ! reaches; }
listed() { "$karma" block list --socket "$socket" | grep -E '^10\.97\.0\.9 +block +'; }
unlisted() { ! listed; }
now() { date +%s.%N; }

watch
tm new-session -d -s top -x 80 -y 24 "env LANG=C.UTF-8 TERM=screen '$karma' top --socket '$socket'" ||
	broken "no session of tmux's"
check "all is well" within 20 shows 'all is well: no alert is going on'
check "rates" within 20 shows '^ packets/s '
begun=$(now)
scan &
pids+=($!)
told() { grep -q 'ALERT .*10\.97\.0\.9 ' "$work/run.out"; }
within 30 told
alert=$(now)
check "an attack is on the screen within 2 s of its alert" within 2 shows '^[0-9:]+ .*10\.97\.0\.9 +10\.97\.0\.1 '
echo "on the screen $(awk "BEGIN {printf \"%.1f\", $(now) - $begun}") s after the scan began," \
	"$(awk "BEGIN {printf \"%.1f\", $(now) - $alert}") s after the alert's line of karma run"
check "the host, and that it made an alert" within 20 shows '^10\.97\.0\.9 +[0-9.]+ '
wait "${pids[-1]}"
press Enter
check "Enter: its flows, from the history" within 20 shows '10\.97\.0\.9:[0-9]+ -> 10\.97\.0\.1:[0-9]+'
reaches || broken "the scanner reaches the server"
press b Enter y
check "the block key: the list has it" within 10 listed
check "and the kernel drops what it sends" is_cut_off
press 1
check "the overview has it as blocked" within 20 shows '^10\.97\.0\.9 .* blocked'
tm capture-pane -p -t top
press 2 Enter u y
check "the unblock key: the list has it no more" within 10 unlisted
check "and it gets through" reaches
peak() { awk '/^VmHWM/ {print $2}' "/proc/$(tm list-panes -t top -F '#{pane_pid}')/status"; }
echo "karma top has had $(awk "BEGIN {printf \"%.1f\", $(peak) / 1024}") MB at most"
is_small() { (($(peak) < 20 * 1024)); }
check "its memory is below 20 MB" is_small
stop run
check "Karma has ended" within 20 shows 'NOT CONNECTED'
watch
check "and is there again" within 20 shows 'all is well|karma is well'

# ---- over ssh ----

tests=4
needs ssh sshd
mkdir "$work/run"
ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
cat >"$work/serve" <<END # sshd's empty folder and a key of ours, that nobody else's /run and home have
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
exec "$(command -v sshd)" -D -e -f /dev/null -h "$work/host_key" -o Port=22 -o ListenAddress=127.0.0.1 \\
	-o UsePAM=no -o PidFile=none -o StrictModes=no -o PermitRootLogin=prohibit-password \\
	-o AuthorizedKeysFile="$work/key.pub"
END
ip netns exec "$watched" unshare --mount bash "$work/serve" 2>"$work/sshd.err" &
pids+=($!)
over_ssh() { # option of ssh...
	ip netns exec "$watched" ssh -i "$work/key" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile="$work/known_hosts" -o BatchMode=yes -o LogLevel=ERROR "$@"
}
within 10 over_ssh 127.0.0.1 true 2>"$work/ssh.err" || broken "no ssh to the watched host"
top_runs() { pgrep -f "^$karma top --socket $socket\$" >/dev/null; }
top_ends() { ! top_runs; }
declare -f over_ssh >"$work/over_ssh"
printf 'work=%q watched=%q\nTERM=vt100 over_ssh -tt 127.0.0.1 %q\n' "$work" "$watched" \
	"exec env LC_ALL=C '$karma' top --socket '$socket'" >>"$work/over_ssh"
# Another server of tmux's: one that was just told to end still takes a session, and ends with it.
tm kill-server
within 10 top_ends || broken "karma top is there without its terminal"
server=karma-top-ssh-$$
tm new-session -d -s top -x 80 -y 24 "bash '$work/over_ssh'" || broken "no session of tmux's"
check "over ssh: all is well" within 20 shows 'all is well|karma is well'
only_ascii() { shows '[a-z]' && ! tm capture-pane -p -t top | LC_ALL=C grep -q '[^ -~]'; }
check "without UTF-8 no other letters" only_ascii
tm resize-window -t top -x 120 -y 40 2>/dev/null
is_wide() { tm capture-pane -p -t top | grep -qE '.{100}'; }
check "it follows a resize" within 10 is_wide
top_runs || broken "karma top is not there, and yet it is on the screen"
tm kill-server
check "it ends with its connection" within 10 top_ends
finish
