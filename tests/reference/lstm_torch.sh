#!/bin/bash
# usage: tests/reference/lstm_torch.sh   the stored dump against PyTorch, where it is installed
set -u
cd "$(dirname "$0")/../.." || exit 1
python=/usr/bin/python3 # Debian's, which python3-torch belongs to
[ -x "$python" ] || python=python3
exec "$python" tests/reference/lstm_torch.py
