#!/bin/bash
# The dashboard's pages in Chromium over a history, with a stand-in for the daemon that fails, is late,
# has its clock set back or falls silent: they recover, and they show the figures that the history has.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=14

command -v chromium >/dev/null || skip_all "there is no chromium"
grep -q 'web/build.mjs made this' build/web_assets.c || skip_all "built without the dashboard: no node, no npm"
if [ ! -e web/node_modules/playwright-core/package.json ]; then
	npm ci --ignore-scripts --loglevel=error --prefix web >"$work/npm" 2>&1
	[ -e web/node_modules/playwright-core/package.json ] || skip_all "npm could not fetch playwright-core"
fi
"$karma" read "$captures/scan.pcap" --history "$work/many.db" >/dev/null 2>&1
python3 tests/live/web_history.py "$work/many.db" 3000 || broken "no history"
compile tests/live/web_serve.c -lmicrohttpd -lsqlite3 -ljansson
url=http://127.0.0.1:$((20000 + RANDOM % 10000))/
host=${url#http://}
"$work/web_serve" "${host%/}" "$work/none" "$work/many.db" "$work/token" >"$work/serve.out" 2>&1 &
pids+=($!)
within 10 grep -q http "$work/serve.out" || broken "the server does not start"
timeout 400 node tests/live/pages.mjs "$url" >"$work/browser" 2>"$work/browser.err" </dev/null
cat "$work/browser"
passed=$((passed + $(grep -c '^ok ' "$work/browser")))
failed=$((failed + $(grep -c '^FAILED ' "$work/browser")))
unseen=$((tests - $(grep -cE '^(ok|FAILED) ' "$work/browser")))
((unseen == 0)) || failure "$unseen checks in the browser" "it ended early"
finish
