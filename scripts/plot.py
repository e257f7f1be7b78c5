"""Dots with their spread, as an SVG picture that is readable in light and dark."""
import statistics
from xml.sax.saxutils import escape

ROW, GROUP, LEFT, WIDTH, TOP = 18, 14, 250, 760, 44
COLOURS = ("#0b6fb8", "#c2570c", "#2e7d32", "#8e44ad", "#7f6b00")
STYLE = """text { font: 12px sans-serif; fill: #222 } .t { font-weight: bold; font-size: 14px }
.g { stroke: #bbb; stroke-width: 0.5 } .bg { fill: #fff }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .g { stroke: #555 } .bg { fill: #16181c } }"""


def ticks(low, high):
    step = 10 ** -3
    while (high - low) / step > 8:
        step *= 2 if f"{step:.0e}"[0] in "15" else 2.5
    first = int(low / step) * step
    return [first + i * step for i in range(12) if low <= first + i * step <= high + 1e-9]


def dots(path, title, groups, series):
    """groups: [(name, {series: values})]; a dot is the mean, the line through it one standard
    deviation either way."""
    values = [v for _, group in groups for s in series for v in group.get(s, ())]
    if not values:
        return
    low, high = min(values), max(values)
    low, high = low - 0.04 * (high - low) - 1e-3, high + 0.04 * (high - low) + 1e-3
    height = TOP + 34 + sum(ROW * len(series) + GROUP for _ in groups) + 22

    def x(value):
        return LEFT + (WIDTH - LEFT - 90) * (value - low) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" role="img">', f"<title>{escape(title)}</title>",
           f"<style>{STYLE}</style>", f'<rect class="bg" width="{WIDTH}" height="{height}"/>',
           f'<text class="t" x="12" y="22">{escape(title)}</text>']
    for i, s in enumerate(series):
        at = 12 + i * 175
        out.append(f'<circle cx="{at + 5}" cy="{TOP - 4}" r="5" fill="{COLOURS[i]}"/>'
                   f'<text x="{at + 15}" y="{TOP}">{escape(s)}</text>')
    bottom = height - 26
    for tick in ticks(low, high):
        out.append(f'<line class="g" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP + 12}" '
                   f'y2="{bottom}"/><text x="{x(tick):.1f}" y="{bottom + 16}" '
                   f'text-anchor="middle">{tick:g}</text>')
    y = TOP + 28
    for name, group in groups:
        middle = y + ROW * (len(series) - 1) / 2
        out.append(f'<text x="{LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end">'
                   f"{escape(name)}</text>")
        for i, s in enumerate(series):
            if group.get(s):
                mean = statistics.mean(group[s])
                off = statistics.stdev(group[s]) if len(group[s]) > 1 else 0
                out.append(f'<line x1="{x(mean - off):.1f}" x2="{x(mean + off):.1f}" y1="{y}" y2="{y}" '
                           f'stroke="{COLOURS[i]}" stroke-width="3"/><circle cx="{x(mean):.1f}" '
                           f'cy="{y}" r="5" fill="{COLOURS[i]}"/><text x="{WIDTH - 80}" '
                           f'y="{y + 4}">{mean:.4f}</text>')
            y += ROW
        y += GROUP
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
