# bash completion for karma(1). Commands, options and what they take are read from 'karma help', so
# that there is no second list of them here.
# shellcheck shell=bash

# The usage of a command, on one line; "": there is none.
_karma_usage() { # command
	"$_karma" help "$1" 2>/dev/null | awk '
		NR == 1 && !sub(/^usage: karma [a-z]* */, "") { exit }
		NR > 1 && !/^ / { exit }
		{ sub(/^ +/, ""); line = line " " $0 }
		END { print line }'
}

_karma_commands() {
	"$_karma" help 2>/dev/null | sed -n 's/^  karma \([a-z]*\) .*/\1/p'
}

# What was given to an option on this line, or nothing.
_karma_given() { # option
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} != "$1" ]] || printf '%s\n' "$1" "${COMP_WORDS[i + 1]}"
	done
}

# A column of the history; an address may have been there before.
_karma_history() { # column-of-a-listing verb...
	local history
	mapfile -t history < <(_karma_given --history)
	"$_karma" history "${@:2}" --csv --limit 200 "${history[@]}" 2>/dev/null |
		tail -n +2 | cut -d , -f "$1" | sort -u
}

# Whom the block list has.
_karma_blocked() {
	local socket
	mapfile -t socket < <(_karma_given --socket)
	"$_karma" block list --json "${socket[@]}" 2>/dev/null | grep -o '"what":"[^"]*"' | cut -d '"' -f 4
}

_karma_words() { # text...: those that go on from what is there
	local prefix=
	# After a comma another one begins.
	[[ $cur != *,* ]] || prefix=${cur%,*},
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -P "$prefix" -W "$*" -- "${cur##*,}")
}

# What a placeholder of the usage stands for.
_karma_value() { # placeholder
	case ${1%%[[.]*} in
	IFACE*) _karma_words "$(cd /sys/class/net && echo *)" ;;
	CLASS) _karma_words Reconnaissance DoS BruteForce Fuzzers Exploits Analysis Backdoor Generic Shellcode Worms ;;
	ADDRESS*) _karma_words "$(_karma_history 1 hosts)" ;;
	ID | ALERT-ID) _karma_words "$(_karma_history 1)" ;;
	DIR) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	FILE* | MODEL | PATH | DATA*)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		;;
	*\|*) _karma_words "${1//|/ }" ;;
	esac
}

# What is no option: what a command does first, then what that is done to.
_karma_operand() { # command usage word...
	local command=$1 usage=$2 verb=${3:-}
	case $command-$verb in
	history-show | history-ack | history-false | history-mute | history-unmark) _karma_value ID ;;
	explain-*) _karma_value ID ;;
	block-add) _karma_value ADDRESS ;;
	block-del) _karma_words "$(_karma_blocked)" ;;
	help-) _karma_words "$(_karma_commands)" features ;;
	history- | block- | config- | model- | bench-)
		_karma_words "$(sed 's/\[\{0,1\}--\{0,1\}[a-z].*//; s/\[-o .*//' <<<"$usage" | tr -c 'a-z\n' ' ')"
		;;
	read-* | flows-* | learn-* | train-* | eval-* | model-show | config-check | config-show) _karma_value FILE ;;
	esac
}

_karma_complete() {
	local _karma=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} usage value i operands=()
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_karma_words "$(_karma_commands)" --version --help
		return
	fi
	usage=$(_karma_usage "$command")
	[[ -n $usage ]] || return
	# "--block=dry-run" is three words to readline.
	if [[ $cur == "=" || $before == "=" ]]; then
		[[ $cur != "=" ]] || cur=
		[[ $before != "=" ]] || before=${COMP_WORDS[COMP_CWORD - 2]}
		_karma_words "$(sed -n "s/.*$before\[=\([^]]*\)\].*/\1/p" <<<"$usage" | tr '|' ' ')"
		return
	fi
	if [[ $cur == -* ]]; then
		_karma_words "$(grep -oE -- '(^|[[ |])--?[a-z][a-z-]*' <<<"$usage" | tr -d '[ |')"
		return
	fi
	if [[ $before == -* ]]; then
		value=$(sed -n "s/.*[[ |]$before \([^] ]*\).*/\1/p" <<<"$usage")
		if [[ -n $value && $value != -* && $value != "|" ]]; then
			_karma_value "$value"
			return
		fi
	fi
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i - 1]} == -* ]] || operands+=("${COMP_WORDS[i]}")
	done
	_karma_operand "$command" "$usage" "${operands[@]}"
	# An address has colons, at which readline divides words.
	[[ $cur != *:* ]] || ! declare -F __ltrim_colon_completions >/dev/null || __ltrim_colon_completions "$cur"
}

complete -F _karma_complete karma
