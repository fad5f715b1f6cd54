"""The fronts of recall against speed as one SVG, for a README: it loads nothing, and follows the reader's light or dark page."""
import html
import math

from report import figure

STYLE = """text { font: 13px system-ui, "Segoe UI", Roboto, sans-serif; fill: #4d535c; }
.head { font-size: 15px; font-weight: 620; fill: #1c1e21; } .small { font-size: 12px; }
.grid { stroke: #e6e6e2; } .axis { stroke: #c9c9c4; } .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.ours { stroke-width: 3; } .huge { stroke-dasharray: 5 4; } .alone { stroke-width: 2; stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) { text { fill: #a6adb7; } .head { fill: #e9eaec; } .grid { stroke: #2a2e34; }
.axis { stroke: #4a4f57; } }"""
# Ours in one family of colours; each has contrast enough on white and on black.
OURS = ("#2f6fe4", "#8a4ff0", "#0f9fb8", "#6b7fd6", "#3a4fb0")
PEERS = {"hnswlib": "#d9580d", "faiss": "#0b8a5f", "usearch": "#b8860b", "symphonyqg": "#b3261e", "svs": "#c0367f",
         "vsag": "#8a6d3b", "ngt": "#777b84", "voyager": "#5f9e3a", "diskann": "#a04848"}
W, H, LEFT, RIGHT, TOP, BOTTOM = 500, 340, 58, 14, 46, 46
RECALLS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
LOWEST, HIGHEST = 0.85, 0.9992  # of what is drawn
ALIKE = ("tonari mapped",)  # lies on "tonari"


def page(document):
    """All sets, two beside each other; curves that are of one library have one colour, and a key below."""
    names = [name for name, _ in sorted(_speeds(document).items(), key=lambda pair: -pair[1])]
    styles = _styles(names)
    columns = max(1, min(2, len(document["sets"])))
    rows = math.ceil(len(document["sets"]) / columns)
    keys_at, width = rows * H + 20, columns * W
    panels = [f'<g transform="translate({i % columns * W} {i // columns * H})">{_panel(result, styles)}</g>'
              for i, result in enumerate(document["sets"])]
    across = max(1, width // 190)
    keys = []
    for i, name in enumerate(names):
        x, y = LEFT + i % across * 190, keys_at + i // across * 22
        keys.append(f'<line {styles[name]} x1="{x}" x2="{x + 26}" y1="{y - 4}" y2="{y - 4}"/>'
                    f'<text x="{x + 34}" y="{y}">{html.escape(name)}</text>')
    foot = keys_at + (len(names) + across - 1) // across * 22 + 10
    lines = [", ".join(f"{name} {version}" for name, version in sorted(document["versions"].items())),
             f"M = {document['m']}, efConstruction = {document['ef_construction']}, one thread, a batch call, QPS of CPU time; "
             f"{document['machine']['cpu']}; {document['date']}"]
    notes = "".join(f'<text class="small" x="{LEFT}" y="{foot + i * 18}">{html.escape(line)}</text>'
                    for i, line in enumerate(lines))
    height = foot + 18 * len(lines)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="Queries per second against recall">\n<style>{STYLE}</style>\n' +
            "\n".join([*panels, *keys, notes]) + "\n</svg>\n")


def _panel(result, styles):
    curves = [(row["variant"], front(row["points"])) for row in result["results"] if row.get("points")]
    curves = [(name, points) for name, points in curves if len(points) > 1 and name in styles]
    if not curves:
        return f'<text class="head" x="{LEFT}" y="20">{html.escape(_title(result))}: nothing was measured</text>'
    recalls = [recall for _, points in curves for recall, _ in points]
    first, last = max(LOWEST, min(recalls) - 0.01), 1 - 0.85 * (1 - max(recalls))
    speeds = [qps for _, points in curves for _, qps in points]
    low, high = min(speeds) / 1.15, max(speeds) * 1.15

    def across(recall):
        start, end = -math.log10(1 - first), -math.log10(1 - last)
        return LEFT + (-math.log10(1 - recall) - start) / (end - start) * (W - LEFT - RIGHT)

    def up(qps):
        return H - BOTTOM - math.log(qps / low) / math.log(high / low) * (H - TOP - BOTTOM)

    out = [f'<text class="head" x="{LEFT}" y="20">{html.escape(_title(result))}</text>',
           f'<text class="small" x="{LEFT}" y="37">queries per second and core; up and to the right is better</text>']
    for tick in _ticks(low, high):
        out.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{up(tick):.1f}" y2="{up(tick):.1f}"/>'
                   f'<text class="small" x="{LEFT - 8}" y="{up(tick) + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in RECALLS:
        if first <= tick <= last:
            out.append(f'<line class="grid" y1="{TOP}" y2="{H - BOTTOM}" x1="{across(tick):.1f}" x2="{across(tick):.1f}"/>'
                       f'<text class="small" x="{across(tick):.1f}" y="{H - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    out.append(f'<line class="axis" x1="{LEFT}" x2="{W - RIGHT}" y1="{H - BOTTOM}" y2="{H - BOTTOM}"/>'
               f'<text class="small" x="{(LEFT + W - RIGHT) / 2}" y="{H - 10}" text-anchor="middle">'
               f'recall@{result["k"]}</text>')
    for name, points in curves:
        places = " ".join(f"{across(recall):.1f},{up(qps):.1f}" for recall, qps in points)
        out.append(f'<polyline {styles[name]} points="{places}"><title>{html.escape(name)}</title></polyline>')
    return "".join(out)


def front(points):
    """(recall, queries per second) of the points that no other beats in both, within the picture."""
    timed = sorted(((p["recall"], p["median_qps"]) for p in points if p.get("median_qps")), reverse=True)
    best, kept = 0, []
    for recall, qps in timed:
        if qps > best:
            best = qps
            if LOWEST <= recall <= HIGHEST:
                kept.append((recall, qps))
    return kept[::-1]


def _speeds(document):
    """By variant, the fastest point of any set at a recall of 0.95 or more."""
    speeds = {}
    for result in document["sets"]:
        for row in result["results"]:
            fast = [qps for recall, qps in front(row.get("points", [])) if recall >= 0.95]
            if fast and row["variant"] not in ALIKE:
                speeds[row["variant"]] = max(speeds.get(row["variant"], 0), max(fast))
    return speeds


def _styles(names):
    """One colour a graph of ours, however it is asked, and one a peer."""
    ours = sorted({_graph(name) for name in names if name.split()[0] == "tonari"}, key=[_graph(name) for name in names].index)
    styles = {}
    for name in names:
        library, *more = name.split()
        if library == "tonari":
            colour, kind = OURS[ours.index(_graph(name)) % len(OURS)], "curve alone" if "alone" in more else "curve ours"
        else:
            colour, kind = PEERS.get(library.lower(), "#777b84"), "curve huge" if "+huge" in more else "curve"
        styles[name] = f'class="{kind}" style="stroke:{colour}"'
    return styles


def _graph(name):
    return name.removesuffix(" alone")


def _title(result):
    return f"{result['dataset']}: {result['n']:,} × {result['dim']}, {result['metric']}"


def _ticks(low, high):
    ticks = [factor * 10.0**power for power in range(0, 8) for factor in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def _short(value):
    return f"{value / 1000:g}k" if value >= 1000 else figure(value)
