"""The figures as tables: for a terminal, and the same as Markdown for a README."""
import time

METHOD = (
    "All libraries get the same queries in one batch call with one thread, pinned to one core, one process each, in "
    "turns at every knob (A B C, in the next round C B A), after one untimed call.",
    "QPS is queries per second of process CPU time, all threads counted, in the fastest call of a point (as timeit "
    "does), since other jobs only ever add; wall-clock QPS is in the JSON.",
    "QPS at a recall is interpolated (log) on the sweep of ef (lists: nprobe); ^ marks that the smallest already exceeds "
    "it, - that none reached it.",
    "x columns: median over the rounds of the ratio within one round, at recall .90 / .95 / .99. Recall@k counts "
    "unique ids, ties in distance accepted, distances recomputed in float64 by the harness.",
    "p50 / p99: microseconds of one query per call from Python (call overhead included) at the first ef with recall "
    ">= .95. Build: CPU seconds, one thread, float32 input; c = build time kept from an earlier run.",
    "peak: resident memory added while building, input not counted. rest: resident memory added by loading the saved "
    "index in a fresh process and asking once (mapped: file pages, which other processes share; the anonymous part is "
    "in the JSON). load: open to first answer, file in the page cache, median of fresh processes.",
)

HEADS = ("variant", "QPS@.90", "QPS@.95", "QPS@.99", "x {}", "x {}", "p50 / p99 us", "build s", "peak MB", "rest MB",
         "B/vector", "load ms", "max recall")
EXACT_HEADS = ("exact search", "QPS (CPU)", "QPS (wall)", "x faiss Flat", "recall")
BAR_HEADS = ("bar", "at least", "got", "")
TARGETS = ("0.9", "0.95", "0.99")
BUSY = 0.2  # above this share of time lost, ratios of the same code were seen to differ by 0.1 and more


def heading(report):
    machine = report["machine"]
    lines = [f"{report['date']}; {machine['cpu']}, {machine['cores']} cores ({' '.join(machine['flags'])}), "
             f"{machine['memory_bytes'] / 2**30:.0f} GiB, kernel {machine['kernel']}, "
             f"transparent huge pages: {machine['transparent_huge_pages']}, "
             f"load average {machine['load_average'][0]:.1f} at the start",
             "versions: " + ", ".join(f"{name} {version}" for name, version in sorted(report["versions"].items())),
             (f"{report['lists']} lists" if report["lists"] else
              f"all graphs: M = {report['m']}, efConstruction = {report['ef_construction']}") +
             f", float32 rows unless the variant says otherwise; k = {report['k']}, {report['rounds']} round(s)"]
    if report.get("blas"):
        lines.append("faiss: " + " ".join(f"{name}={value}" for name, value in report["blas"].items()) +
                     ", by which its exact search is faster here than by what OpenBLAS takes itself")
    return lines


def terminal(report, result):
    """One set as aligned text."""
    lines = ["", f"== {title(result)}"]
    lines += aligned(heads(result), [_graph_row(row, result) for row in result["results"]])
    lines += [""] * bool(left_out(result)) + left_out(result)
    if result["exact"]:
        lines += [""] + aligned(EXACT_HEADS, [_exact_row(row) for row in result["exact"]])
    if result["bars"]:
        lines += [""] + aligned(BAR_HEADS, [bar_row(bar) for bar in result["bars"]])
    return "\n".join(lines)


def markdown(report):
    """All sets, ready to paste."""
    lines = ["<!-- made by benchmarks/peers.sh " + report["command"] + " -->", ""]
    lines += [line + "  " for line in heading(report)] + [""]
    for result in report["sets"]:
        lines += [f"**{title(result)}**", ""]
        lines += piped(heads(result), [_graph_row(row, result) for row in result["results"]]) + [""]
        if left_out(result):
            lines += ["- " + line for line in left_out(result)] + [""]
        if result["exact"]:
            lines += piped(EXACT_HEADS, [_exact_row(row) for row in result["exact"]]) + [""]
        if result["bars"]:
            lines += piped(BAR_HEADS, [bar_row(bar) for bar in result["bars"]]) + [""]
    lines += ["- " + line for line in METHOD] + [""]
    lines += ["Variants:", ""] + [f"- {name}: {note}" for name, note in notes(report)]
    return "\n".join(lines) + "\n"


def left_out(result):
    return [f"not measured: {row['variant']}, {row['why']}" for row in result.get("not_measured", [])]


def notes(report):
    seen = {}
    for result in report["sets"]:
        for row in result["results"] + result["exact"]:
            seen.setdefault(row["variant"], row["note"])
    return list(seen.items())


def title(result):
    lost = result["share_of_wall_time_lost_to_others"]
    busy = f"; other jobs took {100 * lost:.0f} % of the core while it was measured" if lost is not None else ""
    warning = ": BUSY MACHINE, measure again" if lost is not None and lost > BUSY else ""
    return (f"{result['dataset']}: {result['n']} x {result['dim']}, {result['metric']}, "
            f"{result['queries']} queries, k = {result['k']}{busy}{warning}")


def references(result):
    """The variants that the table gives ratios to."""
    if any(row["variant"].startswith("faiss IVF_PQ4") for row in result["results"]):
        return ("faiss IVF_PQ4 x10", "faiss IVF_RaBitQ x20")
    lists = any(row["variant"].split()[1:2] in (["IVF"], ["IVF_HNSW"]) for row in result["results"])
    return ("faiss IVF", "faiss IVF_HNSW") if lists else ("hnswlib", "hnswlib +huge")


def heads(result):
    names = iter(references(result))
    return tuple(head.format(next(names)) if "{}" in head else head for head in HEADS)


def _graph_row(row, result):
    if "failed" in row:
        return [row["variant"], "failed: " + row["failed"].splitlines()[0][:90]]
    at = row["at_recall"]
    rest = row["resting_bytes"]
    cached = "c" if row.get("build_cached") else ""
    return [row["variant"], *(speed(at.get(target)) for target in TARGETS),
            *(ratios(at, reference) for reference in references(result)),
            f"{row['p50_us']:.0f} / {row['p99_us']:.0f}" if row.get("p50_us") else "-",
            f"{row['build_cpu_s']:.1f}{cached}" if "build_cpu_s" in row else "",
            mega(row.get("build_peak_bytes")), mega(rest), f"{rest / result['n']:.0f}",
            f"{row['load_ms']:.1f}", f"{max(point['recall'] for point in row['points']):.4f}"]


def _exact_row(row):
    if "failed" in row:
        return [row["variant"], "failed: " + row["failed"].splitlines()[0][:90]]
    return [row["variant"], figure(row["median_qps"]), figure(row["median_wall_qps"]),
            f"{row['x_faiss_flat']:.2f}" if row.get("x_faiss_flat") else "-", f"{row['recall']:.4f}"]


def bar_row(bar):
    verdict = {True: "reached", False: "MISSED", None: "not decided by this set"}[bar["reached"]]
    return [bar["what"], f"{bar['bar']:g}", f"{bar['got']:.3f}" if abs(bar["got"]) < 0.1 else f"{bar['got']:.2f}",
            verdict]


def speed(entry):
    return "-" if entry is None else ("^" if entry["floor"] else "") + figure(entry["qps"])


def figure(value):
    """Three figures are all that a shared machine supports."""
    if value is None:
        return "-"
    return f"{float(f'{value:.3g}'):.0f}" if value >= 100 else f"{value:.3g}"


def ratios(at, reference):
    found = [at.get(target, {}).get("ratio", {}).get(reference) for target in TARGETS]
    if not any(found):
        return "-"
    return " / ".join(f"{ratio:.2f}" if ratio else "-" for ratio in found)


def mega(value):
    return "" if value is None else f"{value / 1e6:.0f}"


def aligned(heads, rows):
    """Pads columns; a row with fewer cells (a failure) runs on to the right."""
    full = [row for row in rows if len(row) == len(heads)]
    widths = [max([len(head)] + [len(row[i]) for row in full]) for i, head in enumerate(heads)]
    widths[0] = max([widths[0]] + [len(row[0]) for row in rows])
    return ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip() if len(row) == len(heads)
            else row[0].ljust(widths[0]) + "  " + "  ".join(row[1:]) for row in [list(heads), *rows]]


def piped(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(list(row) + [""] * (len(heads) - len(row))) + " |" for row in rows]


def today():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
