#!/bin/bash
# usage: tests/cli/completion.sh
# What bash and zsh complete of a command line of karma's: commands, options, interfaces, classes,
# hosts and alerts of a history, words of a choice, files. Bash is asked by the function that readline
# calls, zsh through a pseudo-terminal.
# shellcheck disable=SC2016 # what eval and other shells expand
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir "$work/bin"
ln -s "$karma" "$work/bin/karma"
PATH=$work/bin:$PATH
history=$work/history.db
"$karma" read -m models/default.karma "$captures/scan.pcap" --history "$history" >/dev/null 2>&1 ||
	broken "karma read keeps no history"
id=$("$karma" history --csv --history "$history" | sed -n '2s/,.*//p')

# ---- bash: as readline has it, words end at blanks and at = and : ----

asked() { # line: what it is completed to, a word each
	bash --norc -c '
		. completion/karma.bash
		line=$1
		read -ra COMP_WORDS <<<"${line//=/ = }"
		[[ $line != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
		"$(complete -p karma | sed "s/.*-F \([^ ]*\).*/\1/")" karma
		printf "%s\n" "${COMPREPLY[@]}"' - "$1"
}
offers() { # line word...: all of these
	local line=$1 word
	shift
	asked "$line" >"$work/said.words"
	for word in "$@"; do
		grep -qxF -- "$word" "$work/said.words" || return
	done
}
only() { # line word...: just these
	local line=$1
	shift
	[ "$(asked "$line" | sort)" = "$(printf '%s\n' "$@" | sort)" ]
}

bash_completes() {
	check "bash: every command" eval 'offers "karma " $("$karma" help | sed -n "s/^  karma \([a-z]*\) .*/\1/p")'
	check "bash: of a beginning" only "karma hi" history
	check "bash: the options of a command" offers "karma run -" -i --eve --block --config
	check "bash: one of them" only "karma run --pcap" --pcap-dir
	check "bash: interfaces" only "karma run -i l" lo
	check "bash: another interface after a comma" only "karma run -i eth0,l" eth0,lo
	check "bash: words of a choice" only "karma run --sensitivity " low normal high
	check "bash: words behind =" only "karma run --block=dr" dry-run
	check "bash: classes" only "karma history --class B" Backdoor BruteForce
	check "bash: hosts of a history" only "karma history --history $history --host 10.1.0.8" 10.1.0.80
	check "bash: alerts of a history" only "karma history --history $history show " "$id"
	check "bash: verbs" offers "karma history " show ack mute hosts export
	check "bash: those of config" only "karma config " check show
	check "bash: files" only "karma read tests/captures/sc" tests/captures/scan.pcap
	check "bash: folders" only "karma run --pcap-dir tests/cap" tests/captures
	check "bash: nothing of what there is not" only "karma nonsense --x" ""
}

every_class() { # all that there are are offered, and karma knows them
	local class n=0
	for class in $(asked "karma history --class "); do
		"$karma" history --class "$class" --history "$history" >/dev/null || return
		n=$((n + 1))
	done
	[ "$n" -eq "$(grep -c '\[CLASS_[A-Z_]*\] = "' src/feature/feature.c | awk '{print $1 - 1}')" ]
}

every_option() { # of every command that the usage names
	local command option
	for command in $("$karma" help | sed -n 's/^  karma \([a-z]*\) .*/\1/p'); do
		for option in $("$karma" help "$command" | grep -oE -- '--[a-z][a-z-]*'); do
			offers "karma $command $option" "$option" || return
		done
	done
}

# ---- zsh ----

zsh_asked() { # line: what a list of choices on a terminal says after it, and what the line becomes
	timeout 60 zsh -f -c '
		zmodload zsh/zpty
		zpty -b shell env TERM=dumb COLUMNS=400 zsh -f -i
		zpty -w shell "PS1=; fpath=($2 \$fpath); autoload -U compinit; compinit -u -D; LISTMAX=0; setopt nobeep"
		zpty -w shell "say() { zle -I; print -r -- \"\$BUFFER\"; print do\"\"ne; BUFFER= }; zle -N say; bindkey ^T say"
		zpty -w shell "print rea\"\"dy"
		zpty -r -m shell text "*ready*"
		zpty -w -n shell "$1"$'"'\t\t\x14'"'
		zpty -r -m shell text "*done*"
		print -rn -- "$text"
		zpty -d shell' - "$1" "$root/completion"
}
zsh_offers() { # line words...
	local line=$1 word
	shift
	zsh_asked "$line" | tr -d '\r\033\007' >"$work/said.words"
	for word in "$@"; do
		grep -qF -- "$word" "$work/said.words" || return
	done
}

zsh_completes() {
	check "zsh: commands" zsh_offers "karma hi" history
	check "zsh: options" zsh_offers "karma run --pcap" --pcap-dir
	check "zsh: interfaces" zsh_offers "karma run -i l" "-i lo"
	check "zsh: classes" zsh_offers "karma history --class Br" BruteForce
	check "zsh: hosts of a history" zsh_offers "karma history --history $history --host 10.1.0.8" 10.1.0.80
	check "zsh: alerts of a history" zsh_offers "karma history --history $history show " "$id"
}

bash_completes
check "bash: every class, and karma knows it" every_class
check "bash: every option that a usage names" every_option
if command -v zsh >/dev/null; then
	zsh_completes
else
	skip 6 "zsh is not installed"
fi
# ---- help, of which it is made: has what the manual has ----

helps() { # every option and word of a page's synopsis is in the command's help
	local page name text word missing=0
	for page in docs/man/karma-*.1; do
		name=$(basename "$page" .1)
		text=$("$karma" help "${name#karma-}")
		while read -r word; do
			grep -qwF -- "$word" <<<"$text" || {
				echo "karma help ${name#karma-}: no $word"
				missing=1
			}
		done < <(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$page" |
			sed -E '/ Cm /! s/[|]//g; s/(Cm .*) Ar .*/\1/' |
			grep -oE 'Fl -?[a-z-]+|(Cm|[|]) [a-z-]+' | sed -E 's/^Fl /-/; s/^(Cm|[|]) //' | sort -u)
	done
	return "$missing"
}
check "help names every option of the manual" helps
finish
