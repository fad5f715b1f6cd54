"""The tables of --churn: for a terminal, and the same as Markdown."""
import report
import writing
from report import aligned, figure, mega, notes, piped, ratios, speed, title

METHOD = (
    "All libraries hold the same rows under the same ids and get the same calls in the same order, one process each, "
    "pinned to the same core, in turns of some calls; who begins alternates. An id is never used twice. Nothing is "
    "tidied, compacted or rebuilt, for any.",
    "Rows per second: calls of 1,000 rows; of CPU time of the whole process, and of wall time. 2 threads: on two "
    "cores. p50 / p99 of an add: the last rows, one a call from Python, 1 thread.",
    "Recall@k counts unique ids that are alive, ties in distance accepted, distances recomputed in float64; truth is "
    "exact over the rows alive. QPS as for the frozen indexes: all queries in one call, of CPU time, the fastest call; "
    "at a recall interpolated (log) on the sweep of ef, ^ marks that the smallest ef already exceeds it.",
    "rest: resident memory that the process has more than before the index, trimmed. In brackets: recall less that of "
    "a fresh index of the same rows in the same library (turnover 0 is one).",
    "short: queries that found fewer than k rows. stale: answers that were no longer alive. unreachable: what the "
    "library says of itself. not themselves: live rows that a search for their own vector at ef 160 does not find.",
    "Stream: sliding, half of the rows, then the window moves over the rest; clustered, 64 clusters whose rows come "
    "and go one cluster after another (runbook.py). The shapes of NeurIPS 2023's streaming track, not its data.",
)

GROW = ("library", "rows/CPU s", "rows/s", "2 threads: rows/CPU s", "rows/s", "x 1 thread", "add p50 / p99 us",
        "rest MB", "B/vector", "QPS@.95", "QPS@.99", "x hnswlib", "x usearch")
STREAM = ("library", "recall: first", "lowest", "last", "QPS: first", "lowest", "last", "insert CPU s", "delete CPU s",
          "rest MB", "unreachable", "short", "stale")
WRITING = ("library", "idle p50 us", "idle p99", "beside a writer p50", "p99", "x p99", "changes/s")


def heading(document):
    lines = report.heading(document)
    return lines[:2] + [f"all graphs: M = {document['m']}, efConstruction = {document['ef_construction']}, float32 "
                        f"rows; k = {document['k']}, {document['rounds']} round(s) of the sweep"]


def terminal(document, result):
    lines = ["", f"== {title(result)}"]
    for head, heads, rows in tables(result):
        lines += ["", head, *aligned(heads, rows)]
    if result["bars"]:
        lines += ["", *aligned(report.BAR_HEADS, [report.bar_row(bar) for bar in result["bars"]])]
    return "\n".join(lines)


def markdown(document):
    lines = ["<!-- made by benchmarks/peers.sh " + document["command"] + " -->", ""]
    lines += [line + "  " for line in heading(document)] + [""]
    for result in document["sets"]:
        lines += [f"**{title(result)}**", ""]
        for head, heads, rows in tables(result):
            lines += [head, "", *piped(heads, rows), ""]
        if result["bars"]:
            lines += [*piped(report.BAR_HEADS, [report.bar_row(bar) for bar in result["bars"]]), ""]
    lines += ["- " + line for line in METHOD] + ["", "Libraries:", ""]
    return "\n".join(lines + [f"- {name}: {note}" for name, note in notes(document)]) + "\n"


def tables(result):
    """(title, heads, rows) of what was measured."""
    made = [_grow(result), _grow_recall(result), _turnover(result), _half(result),
            *(_stream(result, shape) for shape in ("sliding", "clustered")), _writing(result)]
    return [table for table in made if table and table[2]]


def _each(result, track, rows_of):
    """The rows of all libraries that have something of this track; a failure is one row."""
    rows = []
    for row in result["results"]:
        if row.get(track) and "failed" not in row:
            rows += rows_of(row)
        elif "failed" in row:
            rows.append([row["variant"], "failed: " + row["failed"].splitlines()[0][:90]])
    return rows if any(row.get(track) for row in result["results"]) else []


def _grow(result):
    def cells(row):
        grown, at = row["grow"], row.get("at_recall", {})
        one, two, rest = grown["threads_1"], grown.get("threads_2"), grown["state"]["resting_bytes"]
        return [[row["variant"], figure(one["rows_per_cpu_s"]), figure(one["rows_per_wall_s"]),
                 figure(two and two["rows_per_cpu_s"]), figure(two and two["rows_per_wall_s"]),
                 f"{two['rows_per_wall_s'] / one['rows_per_wall_s']:.2f}" if two else "-",
                 f"{grown['single']['p50_us']:.0f} / {grown['single']['p99_us']:.0f}", mega(rest),
                 f"{rest / result['n']:.0f}", speed(at.get("0.95")), speed(at.get("0.99")),
                 ratios(at, "hnswlib"), ratios(at, "usearch")]]
    return "Growing from nothing (x: QPS at recall .90 / .95 / .99)", GROW, _each(result, "grow", cells)


def _grow_recall(result):
    def cells(row):
        grown = row["grow"]
        by = (("1 thread", grown["state"]["recall"]), ("2 threads", grown.get("recall_2_threads")))
        return [[row["variant"], word, *(f"{recall[str(ef)]:.4f}" for ef in result["efs"])]
                for word, recall in by if recall]
    return "Recall at equal ef, grown", ("library", "grown by", *_efs(result)), _each(result, "grow", cells)


def _turnover(result):
    def cells(row):
        fresh = row["turnover"][0]
        return [[row["variant"], str(number), _cpu(turn["remove"]), _cpu(turn["add"]), mega(turn["resting_bytes"]),
                 *_recalls(turn, fresh, result), *_oddities(turn)] for number, turn in enumerate(row["turnover"])]
    heads = ("library", "turnovers", "remove CPU s", "add CPU s", "rest MB", *_efs(result), "unreachable", "short",
             "stale")
    return "Turnover: all rows removed and added again, 5 % at a time", heads, _each(result, "turnover", cells)


def _half(result):
    def cells(row):
        fresh = row["half"].get("fresh")
        out = []
        for word in ("removed", "fresh"):
            state = row["half"].get(word)
            if state:
                missed = state["selves"]
                out.append([row["variant"], {"removed": "half removed", "fresh": "fresh, of the rest"}[word],
                            _cpu(state["remove"]), *_recalls(state, fresh, result), figure(state["qps"]),
                            mega(state["resting_bytes"]), f"{missed['missed']} of {missed['asked']}" if missed else "-",
                            *_oddities(state)])
        return out
    heads = ("library", "state", "remove CPU s", *_efs(result), f"QPS, ef {result['ef']}", "rest MB", "not themselves",
             "unreachable", "short", "stale")
    return "Half of the rows removed", heads, _each(result, "half", cells)


def _stream(result, shape):
    def cells(row):
        points = row["stream"].get(shape)
        if not points:
            return []
        recalls, speeds = [p["recall"] for p in points], [p["qps"] for p in points]
        spent = [sum(p[what]["cpu_s"] for p in points if p[what]) for what in ("insert", "delete")]
        odd = [max((p[key] or 0 for p in points)) if points[-1][key] is not None else None
               for key in ("unreachable", "short", "stale")]
        return [[row["variant"], *(f"{value:.4f}" for value in (recalls[0], min(recalls), recalls[-1])),
                 *(figure(value) for value in (speeds[0], min(speeds), speeds[-1])),
                 *(f"{value:.1f}" for value in spent),
                 mega(points[-1]["resting_bytes"]), *("-" if value is None else str(value) for value in odd)]]
    rows = _each(result, "stream", cells)
    searches = max((len(row.get("stream", {}).get(shape, [])) for row in result["results"]), default=0)
    return f"Stream, {shape}, ef {result['ef']}, {searches} searches", STREAM, rows if searches else []


def _writing(result):
    if not result["writing"]:
        return None
    got = result["writing"]["tonari"]
    if "failed" in got:
        row = ["tonari", "failed: " + got["failed"]]
    else:
        row = ["tonari", *(f"{got[key]:.1f}" for key in ("idle_p50_us", "idle_p99_us", "writing_p50_us",
                                                        "writing_p99_us")),
               f"{got['p99_ratio']:.2f}", figure(got["changes_per_s"])]
    return (f"Searching on one core while another removes and adds, C++, one query a call, ef {result['ef']}", WRITING,
            [row, *(list(each) for each in writing.LEFT_OUT)])


def _efs(result):
    return tuple(f"ef {ef}" for ef in result["efs"])


def _recalls(state, fresh, result):
    for ef in map(str, result["efs"]):
        value = state["recall"][ef]
        differs = fresh and fresh is not state
        yield f"{value:.4f} ({value - fresh['recall'][ef]:+.4f})" if differs else f"{value:.4f}"


def _cpu(took):
    return f"{took['cpu_s']:.2f}" if took else "-"


def _oddities(state):
    return ["-" if state[key] is None else str(state[key]) for key in ("unreachable", "short", "stale")]
