#!/bin/bash
# usage: tests/reference/argus.sh [argus.py's arguments]   flow records against those of Argus
set -u
cd "$(dirname "$0")/../.." || exit 1
exec python3 -B tests/reference/argus.py build/karma "$@"
