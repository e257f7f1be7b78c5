#!/bin/bash
# usage: web/build.sh OUT.c
# The dashboard's files as a file of C (src/web/assets.h). Without node and npm, or where npm cannot
# fetch uPlot, a page that says why there is none: everything else of Karma works without.
set -u
out=$1
cd "$(dirname "$0")" || exit 1
case $out in
/*) ;;
*) out=../$out ;;
esac

without() { # why
	local page
	page="<!doctype html><html lang=en><meta charset=utf-8><title>Karma</title><h1>Karma runs, without its dashboard</h1><p>It was built $1. Install Debian's nodejs and npm, then run make again.<p>The rest is there: <code>karma top</code>, <code>karma status</code>, <code>karma history</code>, <a href=/metrics>/metrics</a>.</html>"
	echo "karma: no dashboard: built $1 (Debian: nodejs, npm); everything else is there" >&2
	cat >"$out" <<-END
		/* web/build.sh made this $1. */
		#include "web/assets.h"

		static const char page[] = "$page";

		const struct web_asset web_assets[] = {{"/", "text/html; charset=utf-8", "\"none\"",
			(const unsigned char *)page, sizeof(page) - 1}};
		const size_t web_assets_count = 1;
	END
	exit 0
}

{ command -v node && command -v npm; } >/dev/null || without "without node and npm"
# What is there is what the lock file says, or is fetched anew; its scripts are not run.
if [ ! -e node_modules/uplot/package.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	npm ci --ignore-scripts --omit=dev --loglevel=error --fetch-retries=1 >&2 ||
		without "where npm could not fetch uPlot"
fi
node build.mjs "$out" || without "by a node that could not bundle it"
