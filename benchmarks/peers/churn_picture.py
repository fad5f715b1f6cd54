"""The curves of --churn as one page of HTML: drawn here as SVG, it loads nothing and runs nothing."""
import html
import math

from report import figure, title

STYLE = """:root { --page: #fbfbfa; --card: #fff; --ink: #1c1e21; --soft: #62676f; --line: #e4e4e0; --grid: #eeeeea;
  --c0: #2463d6; --c1: #d9580d; --c2: #0b8a76; --c3: #a730b8; }
@media (prefers-color-scheme: dark) { :root { --page: #131518; --card: #1a1d21; --ink: #e9eaec; --soft: #9aa1ab;
  --line: #30343a; --grid: #262a2f; --c0: #6ea0ff; --c1: #ff9a5c; --c2: #45cdb5; --c3: #df8bee; } }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 36px 28px 56px; }
h1 { font-size: 24px; font-weight: 650; margin: 28px 0 6px; } h2 { font-size: 15px; font-weight: 620; margin: 0; }
p { margin: 0; color: var(--soft); font-size: 13px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 18px;
  margin-top: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px 10px; }
svg { display: block; width: 100%; height: auto; margin-top: 6px; overflow: visible; }
text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); } .axis { stroke: var(--line); } .fresh { stroke-dasharray: 3 5; opacity: .75; }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.key { display: inline-block; width: 22px; height: 3px; border-radius: 2px; margin: 0 7px 4px 0; }
.keys span + span { margin-left: 18px; }"""
COLOURS = {"tonari": "--c0", "hnswlib": "--c1", "usearch": "--c2"}
W, H, LEFT, RIGHT, TOP, BOTTOM = 600, 300, 66, 18, 14, 48


def page(document):
    body = []
    for result in document["sets"]:
        keys = "".join(f'<span><i class="key" style="background:var({_colour(row["variant"])})"></i>'
                       f'{html.escape(row["variant"])}</span>' for row in result["results"])
        body.append(f'<h1>{html.escape(title(result))}</h1>\n<p class="keys">{keys}</p>\n'
                    f'<div class="plots">{"".join(_panels(result))}</div>')
    versions = ", ".join(f"{name} {version}" for name, version in sorted(document["versions"].items()))
    foot = (f"M = {document['m']}, efConstruction = {document['ef_construction']}, k = {document['k']}; {versions}; "
            f"{document['machine']['cpu']}; {document['date']}. benchmarks/peers.sh {document['command']}")
    return ('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta name="color-scheme" content="light dark">\n<title>Indexes that change - tonari</title>\n'
            f'<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n' + "\n".join(body) +
            f'\n<p style="margin-top:36px">{html.escape(foot)}</p>\n</main>\n</body>\n</html>\n')


def _panels(result):
    """Cards of what was measured; dashed lines are fresh indexes of the same rows."""
    def lines(track, points):
        return [(row["variant"], points(row[track])) for row in result["results"] if row.get(track)]

    swept = [(row["variant"], [(p["recall"], p["median_qps"]) for p in row["points"] if p.get("median_qps")])
             for row in result["results"] if row.get("points")]
    yield _card("Grown: speed at a recall", "Queries per CPU second against recall; up and to the right is better.",
                swept, "recall", log=True)
    for ef in ("10", "40"):
        curves = lines("turnover", lambda turns: [(i, turn["recall"][ef]) for i, turn in enumerate(turns)])
        yield _card(f"Turnover: recall at ef {ef}",
                    "After every row was removed and added again so often; dashed: fresh.", curves, "turnovers",
                    fresh=True)
    yield _card("Turnover: resting memory", "MB of the process that holds only this index.",
                lines("turnover", lambda turns: [(i, turn["resting_bytes"] / 1e6) for i, turn in enumerate(turns)]),
                "turnovers")
    yield _card("Turnover: CPU seconds", "Removes and adds of one turnover.",
                lines("turnover", lambda turns: [(i, turn["remove"]["cpu_s"] + turn["add"]["cpu_s"])
                                                 for i, turn in enumerate(turns) if turn["add"]]), "turnovers")
    for shape in ("sliding", "clustered"):
        for key, what in (("recall", "recall"), ("qps", "queries per CPU second")):
            curves = lines("stream", lambda stream: [(p["search"], p[key]) for p in stream.get(shape, [])])
            yield _card(f"Stream, {shape}: {what}", f"At ef {result['ef']}, over the searches of the run-book.",
                        curves, "search")


def _card(head, note, curves, x_label, log=False, fresh=False):
    curves = [(name, points) for name, points in curves if points]
    if not curves:
        return ""
    xs = _axis([x for _, points in curves for x, _ in points])
    ys = _axis([y for _, points in curves for _, y in points], log)
    def at(x, y):
        return (LEFT + xs[0](x) * (W - LEFT - RIGHT), H - BOTTOM - ys[0](y) * (H - TOP - BOTTOM))

    out = []
    for tick in ys[1]:
        y = at(xs[1][0], tick)[1]
        out.append(f'<line class="grid" x1="{LEFT}" x2="{W - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                   f'<text x="{LEFT - 9}" y="{y + 4:.1f}" text-anchor="end">{_text(tick)}</text>')
    for tick in xs[1]:
        x = at(tick, ys[1][0])[0]
        out.append(f'<text x="{x:.1f}" y="{H - BOTTOM + 19}" text-anchor="middle">{_text(tick)}</text>')
    out.append(f'<line class="axis" x1="{LEFT}" x2="{W - RIGHT}" y1="{H - BOTTOM}" y2="{H - BOTTOM}"/>'
               f'<text x="{(LEFT + W - RIGHT) / 2}" y="{H - 8}" text-anchor="middle">{x_label}</text>')
    for name, points in curves:
        stroke = f'style="stroke:var({_colour(name)})"'
        if fresh:
            (x1, y), (x2, _) = at(points[0][0], points[0][1]), at(points[-1][0], points[0][1])
            out.append(f'<line class="curve fresh" {stroke} x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        out.append(f'<polyline class="curve" {stroke} points="{places}"/>')
        for (px, py), (x, y) in zip(points, (at(*point) for point in points)):
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" style="fill:var({_colour(name)})">'
                       f'<title>{html.escape(name)}, {x_label} {_text(px)}: {_text(py)}</title></circle>')
    return (f'<div class="card"><h2>{html.escape(head)}</h2><p>{html.escape(note)}</p>'
            f'<svg viewBox="0 0 {W} {H}" role="img" aria-label="{html.escape(head)}">{"".join(out)}</svg></div>\n')


def _axis(values, log=False):
    """(value to 0..1, ticks); ticks are round numbers within the axis."""
    low, high = min(values), max(values)
    if log:
        low, high = low / 1.1, high * 1.1
        spans = [(low * (high / low) ** (i / 5)) for i in range(6)]
        return (lambda v: math.log(v / low) / math.log(high / low)), [float(f"{v:.2g}") for v in spans][1:-1] or [low]
    pad = (high - low) * 0.05 or max(abs(high) * 0.05, 1e-9)
    low, high = low - pad, high + pad
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    if all(isinstance(value, int) for value in values):
        step = max(1, step)  # nothing lies between two turnovers
    first = math.ceil(low / step)
    ticks = [round((first + i) * step, 10) for i in range(int((high - first * step) / step) + 1)]
    return (lambda v: (v - low) / (high - low)), ticks or [low]


def _text(value):
    return figure(value) if abs(value) >= 100 else f"{value:.4g}"


def _colour(name):
    return COLOURS.get(name, "--c3")
