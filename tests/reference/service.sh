#!/bin/bash
# usage: tests/reference/service.sh [-v]   names of services against captures and against nDPI
set -u
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/reference/service.py build/karma "$@"
