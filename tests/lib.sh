# shellcheck shell=bash disable=SC2034 # what the scripts use
# Sourced by each script below tests/: it stands in the repository's root, has $karma and a folder
# $work that goes at the end, counts its checks and closes with finish.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
root=$PWD
karma=$root/build/karma
captures=tests/captures
shared=${KARMA_SHARED:-$(dirname "$root")/shared}
work=$(mktemp -d)
export STATE_DIRECTORY=$work/state # for the history
passed=0 failed=0 skipped=0
pids=() spaces=() mounts=() # processes, network namespaces and mounts that end with the script
declare -A job=()           # the processes of start, by name

clean() {
	trap '' INT TERM HUP # timeout ends the script twice: by its id, and with its group
	local one
	for one in "${pids[@]}" "${job[@]}"; do
		kill "$one" 2>/dev/null
	done
	wait
	for one in "${spaces[@]}"; do
		ip netns del "$one" 2>/dev/null
	done
	for one in "${mounts[@]}"; do
		umount "$one"
	done
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# ---- checks ----

check() { # name command...: it passes when the command succeeds
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failure "$name" "$*"
	fi
}

failure() { # name why: and what was said
	local file
	failed=$((failed + 1))
	echo "FAILED $1: $2"
	for file in "$work"/{said,out,err} "$work"/*.{out,err}; do
		[ ! -s "$file" ] || head -n 30 "$file" | cut -c 1-500 | sed "s|^|  ${file##*/}: |"
	done
}

run() { # command...: leaves $status, out, err
	timeout "${seconds:-120}" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# It exits so, with one line on standard error that has the words, and nothing on standard output.
refuses() { # name status words command...
	local name=$1 want=$2 words=$3
	shift 3
	run "$@"
	: >"$work/said"
	if [ "$status" -ne "$want" ]; then
		failure "$name" "exit status $status, not $want"
	elif [ "$(wc -l <"$work/err")" -ne 1 ] || [ -s "$work/out" ]; then
		failure "$name" "not one line on standard error alone"
	elif ! grep -qF -- "$words" "$work/err"; then
		failure "$name" "does not say '$words'"
	else
		passed=$((passed + 1))
		echo "ok $name"
	fi
}

within() { # seconds command...: it succeeds in that time
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@"; do
		((SECONDS < end)) || return
		sleep 0.1
	done
}

skip() { # number why
	skipped=$((skipped + $1))
	echo "skipped: $2"
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	exit $((failed > 0))
}

broken() { # why: nothing further can be tested
	failure "$1" "cannot go on"
	finish
}

# A program of C beside the script, linked with Karma's library: $work/NAME.
compile() { # folder/NAME.c option...
	local name
	name=$(basename "$1" .c)
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -Isrc -Itests -o "$work/$name" "$1" \
		build/libkarma.a "${@:2}" -ljansson -lndpi -lnettle -lz -lm -lpthread || broken "$1 does not compile"
}

# ---- live: $tests is how many checks a script has, which are skipped where they cannot be done ----

skip_all() { # why
	skip "$tests" "$1"
	finish
}

needs() { # tool...: root and these
	local tool
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
	for tool in ip "$@"; do
		command -v "$tool" >/dev/null || skip_all "needs $tool"
	done
}

make_spaces() { # name...: network namespaces; their names have $$ in them
	local ns
	for ns in "$@"; do
		spaces+=("$ns")
		ip netns add "$ns" 2>/dev/null || skip_all "no network namespaces here"
		ip -n "$ns" link set lo up
	done
}

join_spaces() { # one other prefix [words...]: v0 in both, prefix.1 and prefix.2; words for the pair
	local one=$1 other=$2 prefix=$3
	shift 3
	ip -n "$one" link add v0 "$@" type veth peer name v0 "$@" netns "$other" || skip_all "no veth pair"
	ip -n "$one" addr add "$prefix.1/24" dev v0
	ip -n "$other" addr add "$prefix.2/24" dev v0
	ip -n "$one" link set v0 up
	ip -n "$other" link set v0 up
}

inside() { # namespace command...
	local ns=$1
	shift
	timeout "${seconds:-60}" ip netns exec "$ns" "$@"
}

mount_here() { # type folder [option...]: a file system that ends with the script
	mkdir -p "$2"
	mount -t "$1" "${@:3}" "karma-$1" "$2" 2>/dev/null && mounts+=("$2")
}

# Karma in a namespace, until stop; it succeeds once Karma has attached. $work/NAME.{out,err} are its
# output, ${job[NAME]} its process.
start() { # name namespace arguments...
	local name=$1 ns=$2 tries
	shift 2
	: >"$work/$name.err"
	ip netns exec "$ns" "$karma" "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
	job[$name]=$!
	for ((tries = 600; tries; tries--)); do
		grep -qE '(metering|watching|learning from) ' "$work/$name.err" && return
		kill -0 "${job[$name]}" 2>/dev/null || break
		sleep 0.1
	done
	return 1
}

# The same, without which nothing can be tested: skipped where the kernel refuses.
must_start() { # name namespace arguments...
	start "$@" && return
	grep -qE 'Operation not permitted|needs root' "$work/$1.err" && skip_all "this kernel refuses BPF programs"
	broken "karma ${*:3} does not start"
}

stop() { # name [signal]: its exit status
	local pid=${job[$1]}
	unset "job[$1]"
	kill "-${2:-INT}" "$pid"
	wait "$pid" 2>/dev/null
}

# ---- fuzzing ----

# A libFuzzer program of the files in build-fuzz, under sanitizers; skipped where clang has none.
fuzzer() { # name file-or-option...
	local name=$1
	shift
	mkdir -p build-fuzz
	tests=1
	echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n){return d && n > 9 ? 0 : 0;}' |
		clang -fsanitize=fuzzer -x c -o "$work/probe" - 2>/dev/null ||
		skip_all "clang has no libFuzzer here (libclang-rt-14-dev)"
	clang -std=gnu11 -g -O1 -D_GNU_SOURCE -DKARMA_NO_CLONES -Isrc -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o "build-fuzz/$name" "tests/fuzz/$name.c" "$@" || broken "it does not compile"
}

fuzz() { # name runs option-or-corpus...: mutations; a find is left in build-fuzz/
	local name=$1 runs=$2
	shift 2
	check "$runs mutations" timeout 300 "build-fuzz/$name" -seed=1 -runs="$runs" -timeout=10 \
		-rss_limit_mb=1024 -artifact_prefix=build-fuzz/ "$@"
}
