#!/bin/bash
# usage: tests/cli/report.sh
# karma eval --report: its figures are those of --json, it stands alone, and in a browser, narrow and
# wide, light and dark, nothing is cut, nothing lies on anything else, nothing is asked for.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# Rows of all ten classes, which differ enough for some to be told apart and some not.
rows() { # count seed
	echo "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,attack_cat,label"
	awk -v n="$1" -v seed="$2" 'BEGIN {
		srand(seed)
		split("Reconnaissance DoS Fuzzers Exploits Analysis Backdoor Generic Shellcode Worms", name, " ")
		for (i = 1; i <= n; i++) {
			u = rand(); v = 1 + int(rand() * 60); c = rand() < 0.5 ? 0 : 1 + int(9 * rand() * rand())
			odd = rand() < 0.08
			if (!c && !odd) printf "%d,%.6f,udp,dns,CON,2,2,%d,%d,Normal,0\n", i, u, 120 + v, 300 + v
			else printf "%d,%.6f,tcp,-,%s,%d,%d,%d,%d,%s,%d\n", i, u * c, c % 2 ? "REQ" : "FIN",
				2 + c + v % 7, c % 3, 90 * c + v, c * c * 40 + v, c ? name[c] : "Normal", (c > 0)
		}
	}'
}

rows 4000 1 >"$work/learn.csv"
rows 3000 2 >"$work/rows & <more>.csv"
run "$karma" train "$work/learn.csv" -o "$work/model.karma" --epochs 6 --hidden 16 --lr 0.01
check "a model" test "$status" -eq 0
score=("$karma" eval -m "$work/model.karma" "$work/rows & <more>.csv")
run "${score[@]}" --json --report "$work/a"
check "a report" test "$status" -eq 0
cp "$work/out" "$work/figures.json"
run "${score[@]}" --json
check "--json is the same with and without it" cmp -s "$work/out" "$work/figures.json"
run "${score[@]}" --json --report "$work/b"
check "the same again gives the same bytes" diff -r "$work/a" "$work/b"

check "page and pictures" test "$(cd "$work/a" && echo *)" = \
	"confusion.svg importance.svg index.html precision-recall.svg reliability.svg roc-log.svg roc.svg scores.svg training.svg"
check "its figures are --json's" python3 - "$work" <<-'end'
	import html.parser, json, re, sys, xml.etree.ElementTree as tree
	work = sys.argv[1]
	want = json.load(open(work + "/figures.json"))

	class Page(html.parser.HTMLParser):
	    def __init__(self):
	        super().__init__()
	        self.tables, self.table, self.cell, self.tiles = {}, None, None, []
	    def handle_starttag(self, tag, attrs):
	        a = dict(attrs)
	        if tag == "table": self.table = self.tables[a["id"]] = []
	        if tag == "tr" and self.table is not None: self.table.append([])
	        if tag in ("th", "td", "dd"): self.cell = {"text": "", "value": None}
	        if tag == "data": self.cell["value"] = float(a["value"])
	    def handle_data(self, text):
	        if self.cell is not None: self.cell["text"] += text
	    def handle_endtag(self, tag):
	        if tag in ("th", "td"): self.table[-1].append(self.cell)
	        if tag == "dd": self.tiles.append(self.cell)
	        if tag in ("th", "td", "dd"): self.cell = None
	        if tag == "table": self.table = None

	text = open(work + "/a/index.html").read()
	page = Page()
	page.feed(text)
	def same(cell, value):
	    if value is None:
	        assert cell["text"] == "–" and cell["value"] is None, cell
	    else:
	        assert cell["value"] == value, (cell, value)
	        shown = float(cell["text"].replace(",", ""))
	        assert shown == value if isinstance(value, int) else abs(shown - value) <= 0.5001e-4, (cell, value)
	two = want["binary"]
	keys = ["accuracy", "precision", "recall", "f1", "fpr", "roc_auc", "pr_auc", "tpr_at_fpr_1e-2", "tpr_at_fpr_1e-3"]
	rows = page.tables["binary"][1:]
	assert len(rows) == len(keys)
	for row, key in zip(rows, keys): same(row[1], two[key])
	for cell, value in zip(page.tiles, [two["roc_auc"], two["tpr_at_fpr_1e-2"], two["tpr_at_fpr_1e-3"], two["f1"],
	        want["accuracy"], want["macro_f1"], want["ece"]], strict=True): same(cell, value)
	classes = page.tables["classes"][1:]
	for row, c in zip(classes, want["classes"]):
	    assert row[0]["text"] == c["name"]
	    for cell, key in zip(row[1:], ["support", "precision", "recall", "f1"], strict=True): same(cell, c[key])
	same(classes[-2][4], want["macro_f1"])
	same(classes[-1][4], want["weighted_f1"])
	for row, line in zip(page.tables["counts"][1:], want["confusion"], strict=True):
	    for cell, n in zip(row[1:], line, strict=True): same(cell, n)
	assert f"{want['rows']:,} labelled flow records" in text

	# The pictures: the matrix in percent of its rows, the thresholds' rates, the areas.
	def texts(picture):
	    root = tree.parse(f"{work}/a/{picture}.svg").getroot()
	    return [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")], "".join(root.itertext())
	cells, whole = texts("confusion")
	shown = [i for i, c in enumerate(want["classes"]) if c["support"] or any(r[i] for r in want["confusion"])]
	numbers = [t for t in cells if re.fullmatch(r"<?\d+", t)]
	expect = []
	for i in shown:
	    for k in shown:
	        share = want["confusion"][i][k] / max(want["classes"][i]["support"], 1)
	        if share: expect.append("<1" if share < 0.005 else f"{share * 100:.0f}")
	assert numbers == expect, (numbers, expect)
	cells, whole = texts("roc")
	assert f"{two['roc_auc']:.4f}" in whole and f"{two['recall'] * 100:.2f} %" in cells and f"{two['fpr'] * 100:.2f} %" in cells
	cells, whole = texts("precision-recall")
	assert f"{two['pr_auc']:.4f}" in whole and f"{two['precision'] * 100:.2f} %" in cells
	cells, whole = texts("reliability")
	assert f"{want['ece']:.4f}" in whole
	bars = [float(t) for t in texts("importance")[0] if re.fullmatch(r"-?\d+\.\d+", t)]
	table = page.tables["features"][1:]
	assert bars and bars == [float(r[1]["text"]) for r in table[:len(bars)]] and bars == sorted(bars, reverse=True)
end
check "the rows' file is named, as text" grep -q 'rows &amp; &lt;more&gt;.csv' "$work/a/index.html"
check "nothing in it is from elsewhere" eval "! grep -Eio '(src|href|action|srcset|url)[=(]|@import|<script|https?://' '$work/a/index.html'"

# ---- what it cannot show, it says ----
run "$karma" eval -m models/default.karma "$work/learn.csv" --report "$work/a"
check "a model without a record of its epochs" eval "[ $status -eq 0 ] && [ ! -e '$work/a/training.svg' ] ||
	'$karma' model show models/default.karma --json | grep -q '\"epochs\": \\['"
grep -v ',0$' "$work/learn.csv" >"$work/attacks.csv"
run "$karma" eval -m "$work/model.karma" "$work/attacks.csv" --report "$work/c"
check "rows of attacks alone" eval "[ $status -eq 0 ] && grep -q 'takes rows of attacks and of normal' '$work/c/index.html'"
run "${score[@]}" --report /nonexistent/x
check "a folder that cannot be made" eval "[ $status -eq 1 ] && [ ! -s '$work/out' ] && [ \"\$(wc -l <'$work/err')\" -eq 1 ] &&
	grep -q '/nonexistent/x: cannot be made' '$work/err'"

# ---- in a browser ----
browser() { # preferredColorScheme: what the frames found, in $work/found
	timeout 180 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
		--blink-settings=preferredColorScheme="$1" --virtual-time-budget=20000 \
		--enable-logging=stderr --dump-dom "file://$work/frames.html" >"$work/out" 2>"$work/err"
	sed -n 's/.*<pre id="found">\([^<]*\)<.*/\1/p' "$work/out" >"$work/found"
}

if ! command -v chromium >/dev/null; then
	skip 2 "chromium is not installed, so nobody looks at the page"
else
	python3 - "$work" tests/cli/report_check.js <<-'end'
		import sys
		work, script = sys.argv[1], open(sys.argv[2]).read()
		frames = []
		def frame(file, text, width):
		    # Before the policy in the page's head, which forbids scripts.
		    open(f"{work}/{file}", "w").write(text.replace("<head>", "<head><script>" + script + "</script>", 1))
		    frames.append(f'<iframe src="{file}" width="{width}" height="900" style="border:0"></iframe>')
		for name in "b", "c":
		    page = open(f"{work}/{name}/index.html").read()
		    for width in 360, 800, 1280, 1900:
		        frame(f"{name}-{width}.html", page, width)
		page = open(f"{work}/b/index.html").read()
		frame("spoilt.html", page.replace('class="soft e">score from', 'class="soft">score from')
		    .replace("</header>", '<p style="width:50px;white-space:nowrap">a line that is cut off'
		    '<img src="http://192.0.2.1/x.png">', 1), 360)
		open(work + "/frames.html", "w").write('<!doctype html><meta name="color-scheme" content="light dark"><pre id="found"></pre>'
		    '<script>const found = []; addEventListener("message", (e) => { found.push(e.data);'
		    'document.getElementById("found").textContent = encodeURIComponent(JSON.stringify(found)); });'
		    "</script>" + "".join(frames))
	end
	for scheme in 1:light 0:dark; do
		browser "${scheme%%:*}"
		check "in a browser, ${scheme#*:}" python3 - "$work/found" "${scheme#*:}" <<-'end'
			import json, sys, urllib.parse
			frames = {f["frame"]: f for f in json.loads(urllib.parse.unquote(open(sys.argv[1]).read()))}
			assert len(frames) == 9, list(frames)
			spoilt = " ".join(frames.pop("spoilt.html")["found"])
			for word in "text 'detected' on text 'score from'", "cut: ", "blocked: img-src":
			    assert word in spoilt, (word, spoilt)
			for name, f in frames.items():
			    assert f["dark"] == (sys.argv[2] == "dark") and f["width"] == int(name[2:-5]), f
			    assert f["pictures"] == (8 if name[0] == "b" else 4), f
			    assert not f["found"], (name, f["found"])
		end
	done
	check "no error on the browser's console" eval "! grep -i 'CONSOLE' '$work/err' | grep -v 'spoilt.html'"
fi

finish
