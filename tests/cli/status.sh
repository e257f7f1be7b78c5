#!/bin/bash
# karma status where there is nothing to ask, and where it is asked wrongly.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

refuses "no karma is running" 1 "no karma answers there" "$karma" status --socket "$work/none.sock"
: >"$work/file"
refuses "what is there is no socket" 1 "$work/file" "$karma" status --socket "$work/file"
refuses "an argument" 2 "'me' is one argument too many" "$karma" status me
refuses "an unknown option" 2 "there is no option '--all'" "$karma" status --all
refuses "an option without its value" 2 "'--socket' needs a value" "$karma" status --socket

# Somebody else listens there.
python3 - "$work/other.sock" <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c, _ = s.accept()
c.recv(4096)
c.sendall(b"\xff\xfe[]\n")
PY
pids+=($!)
within 10 test -S "$work/other.sock"
refuses "what answers is no karma" 1 "did not answer" "$karma" status --socket "$work/other.sock"
finish
