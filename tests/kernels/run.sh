#!/bin/bash
# The kernel's side on Debian 12's other kernels. Each boots under qemu (no KVM, no root needed) with
# a file system made of this machine's programs and runs the tests that this machine's kernel passes,
# too: the kernel's meter against user space's, the block list, attaching and leaving, live parity.
#
# run.sh [--must] [SERIES ...]     SERIES: 6.1 and 6.12; --must: what would be skipped has failed
#
# Kernels are downloaded once, to build/kernels/, and not installed; each guest's console stays there
# as RELEASE.log.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

all=(6.1 6.12)
inside=(build/tests/test_{kernel,kernel_table,filter,filter_limit,filter_model} tests/live/attach.sh tests/live/parity.sh)
seconds=420 # of one guest
cache=$PWD/build/kernels
modules=(veth sch_ingress cls_bpf)
programs=(bash kmod ln mount sleep stty timeout uname               # init's
	cat cut date dirname grep head id kill mkdir mktemp rm sed seq sort wc # the tests'
	ip tc bpftool ethtool ping tcpdump python3)
must=
[ "${1:-}" = --must ] && must=1 && shift
[ $# -eq 0 ] || all=("$@")
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # Debian's own programs: no other python3

without() { # kernels why
	if [ -n "$must" ]; then
		echo "FAILED: kernels: $2"
		failed=$((failed + $1 * ${#inside[@]}))
	else
		skip $(($1 * ${#inside[@]})) "kernels: $2"
	fi
}

# ---- kernels ----

newest() { # series: the name of Debian's newest package
	apt-cache pkgnames "linux-image-$1." |
		grep -Ex "linux-image-${1//./\\.}\.[0-9]+[-+a-z0-9]*-cloud-amd64" | sort -V | tail -n 1
}

fetch() { # package; why not is in apt.log
	local part=$cache/$1.part status
	rm -rf "$part" && mkdir -p "$part/root" && cd "$part" || return 1
	timeout 200 apt-get download "${1:-linux-image}" >"$cache/apt.log" 2>&1 && dpkg -x ./*.deb root &&
		depmod -b root "$(release_of root)" && mv root "$cache/$1"
	status=$?
	cd "$OLDPWD" && rm -rf "$part"
	return $status
}

release_of() { # folder of a kernel
	basename "$1"/boot/vmlinuz-* | sed 's/^vmlinuz-//'
}

# The folder of a kernel of this series, downloaded if need be; where nothing can be, an earlier one.
# Another run may be at the same: one at a time, until the subshell that calls this has ended.
kernel() { # series
	local name
	exec 9>"$cache/lock"
	flock 9
	name=$(newest "$1")
	if [ ! -d "$cache/${name:-none}" ] && ! fetch "$name" && grep -qE ' 404 |locate' "$cache/apt.log"; then
		# The list of packages is missing, or older than the archive. It is root's to renew.
		timeout 200 apt-get update >>"$cache/apt.log" 2>&1
		name=$(newest "$1")
		fetch "$name"
	fi
	find "$cache" -maxdepth 1 -name "linux-image-$1.*-cloud-amd64" | sort -V | tail -n 1
}

# ---- the guest's file system ----

# Files of this machine, at the same place in the guest.
take() { # folder file...
	local root=$1 file place
	shift
	for file in "$@"; do
		place=$root$(realpath "$(dirname "$file")")
		[ -e "$place/$(basename "$file")" ] && continue
		mkdir -p "$place" && cp -L "$file" "$place/" || return 1
	done
}

# The libraries that these need.
take_libraries() { # folder file...
	local root=$1 list
	shift
	mapfile -t list < <(ldd "$@" 2>/dev/null | grep -o '[[:space:]]/[^ ]*' | sort -u)
	take "$root" "${list[@]#?}"
}

take_python() { # folder
	local library
	library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
	mkdir -p "$1$library"
	tar -C "$library" --exclude='config-*' --exclude=./test --exclude=./dist-packages -c . |
		tar -C "$1$library" -x && take_libraries "$1" "$library"/lib-dynload/*.so
}

make_root() { # folder
	local root=$1 name files=()
	mkdir -p "$root"/{dev,proc,sys,run,tmp,root,etc,karma,usr/{bin,sbin,lib,lib64}}
	for name in bin sbin lib lib64; do
		ln -s "usr/$name" "$root/$name"
	done
	for name in "${programs[@]}"; do
		files+=("$(type -P "$name")")
	done
	take "$root" "${files[@]}" &&
		take_libraries "$root" "${files[@]}" build/karma build/tests/test_{kernel,kernel_table,filter,filter_limit,filter_model} &&
		take_python "$root" || return 1
	ln -s ../bin/kmod "$root/usr/sbin/modprobe"
	for name in passwd group; do # tcpdump becomes its own user
		grep -E '^(root|tcpdump):' "/etc/$name" >"$root/etc/$name"
	done
	cp --parents build/karma "${inside[@]}" tests/lib.sh tests/live/server.py tests/captures/*.pcap "$root/karma/" &&
		cp tests/kernels/init "$root/init"
}

# The modules of a kernel that the tests need, and what these need.
make_modules() { # kernel release folder
	local file from=$1/lib/modules/$2 to=$3/lib/modules/$2
	mkdir -p "$to" && cp "$from"/modules.{order,builtin,builtin.modinfo} "$to/" || return 1
	for file in "${modules[@]}"; do
		modprobe -d "$1" -S "$2" --show-depends "$file" || return 1
	done | while read -r insmod file; do
		[ "$insmod" = insmod ] && mkdir -p "$(dirname "$to${file#"$from"}")" &&
			cp "$file" "$to${file#"$from"}"
	done && depmod -b "$3" "$2"
}

archive() { # folder
	(cd "$1" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet)
}

# ---- a guest ----

# One processor: where the host takes one of several away with a lock held, packets of that flow are
# lost (and counted) that would not be lost otherwise.
boot() { # kernel release
	timeout --foreground "$seconds" qemu-system-x86_64 -machine accel=tcg -cpu max -smp 1 -m 1024 \
		-nodefaults -display none -no-reboot -serial "file:$cache/$2.log" \
		-kernel "$1/boot/vmlinuz-$2" -initrd "$work/initrd" -append \
		"console=ttyS0 quiet panic=-1 KARMA_TESTS=$(IFS=, && echo "${inside[*]}")" </dev/null
}

# What the console says of one test: "PASSED FAILED SKIPPED". Cut short, it has failed.
judge() { # console test
	local out status p f s
	out=$(tr -d '\r' <"$1" | sed -n "\\|^== begin $2\$|,\\|^== end $2 |p")
	status=$(sed -n "s|^== end $2 \\([0-9]*\\) .*|\\1|p" <<<"$out")
	if [[ $2 == build/tests/* ]]; then # cmocka's lines; it lists failures and skips once more
		p=$(grep -c '^\[       OK \]' <<<"$out")
		f=$((($(grep -c '^\[  FAILED  \] [a-z_0-9]*$' <<<"$out") + 1) / 2))
		s=$((($(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' <<<"$out") + 1) / 2))
	else
		read -r p f s < <(grep -Ex '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped' <<<"$out" |
			tr -dc '0-9 \n')
	fi
	[ "${status:-1}" -ne 0 ] && [ "${f:-0}" -eq 0 ] && f=1
	echo "${p:-0} ${f:-0} ${s:-0}"
}

try() { # kernel
	local release test p f s begun=$SECONDS
	release=$(release_of "$1")
	rm -f "$cache/$release.log"
	make_modules "$1" "$release" "$work/$release" || {
		without 1 "$release lacks a module"
		return
	}
	archive "$work/$release" | cat "$work/root.cpio" - >"$work/initrd"
	boot "$1" "$release" || echo "FAILED: $release: qemu's exit status is $?"
	for test in "${inside[@]}"; do
		read -r p f s < <(judge "$cache/$release.log" "$test")
		echo "$release ${test##*/}: $p passed, $f failed, $s skipped"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		[ "$f" -eq 0 ] || tr -d '\r' <"$cache/$release.log" | grep -A 3 FAILED | tail -n 20
	done
	echo "$release: $((SECONDS - begun)) s"
}

missing=
for tool in qemu-system-x86_64 cpio depmod apt-get dpkg "${programs[@]}"; do
	type -P "$tool" >/dev/null || missing+=" $tool"
done
if [ -n "$missing" ]; then
	without ${#all[@]} "missing:$missing; 'make test-kernels' installs what it needs"
	finish
fi

mkdir -p "$cache"
folders=()
for series in "${all[@]}"; do
	folder=$(kernel "$series")
	if [ -n "$folder" ]; then
		folders+=("$folder")
	else
		without 1 "Linux $series cannot be downloaded from Debian: $(tail -n 1 "$cache/apt.log")"
	fi
done
[ ${#folders[@]} -gt 0 ] || finish

if ! make_root "$work/root" || ! archive "$work/root" >"$work/root.cpio"; then
	without ${#folders[@]} "no file system for the guests; has karma been built (make all tests)?"
	finish
fi
for folder in "${folders[@]}"; do
	try "$folder"
done
finish
