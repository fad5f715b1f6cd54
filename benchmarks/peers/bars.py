"""What tonari promises beside its peers, held against one set's figures. A missed bar is printed, never hidden."""

GIB = 1 << 30
LARGE = 50000
LIGHT = 1.25  # times hnswlib's memory: what a light layout may take
TARGETS = ("0.9", "0.95", "0.99")
EXACT_INTEGERS = {"avx512_amx": 8.0, "avx512_spr": 2.5}  # times faiss IndexFlat over the same values as float32, by SIMD level


def judge(result):
    """A list of {what, bar, got, reached}; reached is None where this set cannot decide.

    Speed is decided by sets of 50,000 rows or more, memory by rows that fill a GiB.
    """
    large = result["n"] >= LARGE
    rows = {row["variant"]: row for row in result["results"] + result["exact"] if "failed" not in row}
    tonari = rows.get("tonari")
    out = []
    if tonari:
        _search(out, rows, tonari, result)
        _variants(out, rows, result)
        _build(out, rows, tonari, large)
        _memory(out, rows, tonari, result)
    _sq8(out, rows, result, large)
    _fastest(out, rows, result, large)
    _in_turn(out, rows, large)
    _light(out, rows, large)
    _lists(out, rows, result, large)
    _exact(out, rows, large)
    return out


def judge_churn(result):
    """The same for indexes that change (churn.py). Points of recall are hundredths; what may cost is listed as a negative gain."""
    large = result["n"] >= LARGE
    rows = {row["variant"]: row for row in result["results"] if "failed" not in row}
    out = []
    tonari = rows.get("tonari")
    if tonari:
        _grown(out, rows, tonari, large)
        _turned_over(out, tonari, result, large)
        _halved(out, tonari, result, large)
        for shape, points in (tonari.get("stream") or {}).items():
            if points:
                _add(out, f"stream, {shape}: unreachable rows, most at a search, negative", 0,
                     -max(point["unreachable"] for point in points), large)
    wrote = (result["writing"] or {}).get("tonari", {})
    if "p99_ratio" in wrote:
        _add(out, "idle p99 / p99 beside a writer", 2 / 3, 1 / wrote["p99_ratio"], large)
    return out


def _grown(out, rows, tonari, large):
    for target in ("0.95", "0.99"):
        ratio = tonari.get("at_recall", {}).get(target, {}).get("ratio", {}).get("hnswlib")
        _add(out, f"grown, QPS at recall {target}, x hnswlib", 1.1, ratio, large)
    ours, theirs = (row.get("grow", {}) for row in (tonari, rows.get("hnswlib", {})))
    for threads in ("threads_1", "threads_2"):
        if ours.get(threads) and theirs.get(threads):
            _add(out, f"rows per CPU second, {threads[-1]} thread(s), x hnswlib", 1.2,
                 ours[threads]["rows_per_cpu_s"] / theirs[threads]["rows_per_cpu_s"], large)


def _turned_over(out, tonari, result, large):
    fresh, *turns = tonari.get("turnover") or [None]
    if not turns:
        return
    gaps = [_points(turn, fresh, ef) for turn in turns for ef in map(str, result["efs"])]
    _add(out, f"recall after {len(turns)} turnovers, points over fresh, lowest", -0.5,
         min(gaps[-len(result["efs"]):]), large)
    _add(out, "recall after any turnover, points over fresh, lowest", -0.5, min(gaps), large)
    _add(out, "fresh memory / memory after turnovers", 1 / 1.1,
         fresh["resting_bytes"] / max(turn["resting_bytes"] for turn in turns), large)


def _halved(out, tonari, result, large):
    half = tonari.get("half") or {}
    if "removed" in half and "fresh" in half:
        _add(out, "half removed: recall, points over fresh, lowest", -0.5,
             min(_points(half["removed"], half["fresh"], ef) for ef in map(str, result["efs"])), large)
        _add(out, "half removed: unreachable rows, negative", 0, -half["removed"]["unreachable"], large)


def _points(state, fresh, ef):
    return 100 * (state["recall"][ef] - fresh["recall"][ef])


def _add(out, what, bar, got, decide=True):
    if got is not None:
        out.append({"what": what, "bar": bar, "got": got, "reached": (got >= bar) if decide else None})


def _search(out, rows, tonari, result):
    against_hnswlib = 1.25 if result["dim"] <= 128 else 1.1
    for target in ("0.95", "0.99"):
        ratios = tonari["at_recall"].get(target, {}).get("ratio", {})
        for peer in ("hnswlib", "hnswlib +huge", "faiss", "faiss +huge", "usearch", "usearch +huge"):
            bar = against_hnswlib if peer == "hnswlib" else 1.0
            floor = any(rows[name]["at_recall"].get(target, {}).get("floor")
                        for name in ("tonari", peer) if name in rows)
            _add(out, f"QPS at recall {target}, x {peer}{' ^' if floor else ''}", bar, ratios.get(peer),
                 result["n"] >= LARGE)


def _variants(out, rows, result):
    if "tonari FP16" in rows:
        for target in ("0.95", "0.99"):
            got = rows["tonari FP16"]["at_recall"].get(target, {}).get("ratio", {}).get("tonari")
            _add(out, f"FP16 rows, QPS at recall {target}, x float32", 1.1, got,
                 result["dim"] >= 384 and result["n"] >= LARGE)
    if "tonari mapped" in rows:
        for target in ("0.95", "0.99"):
            got = rows["tonari mapped"]["at_recall"].get(target, {}).get("ratio", {}).get("tonari")
            _add(out, f"warm mapped, QPS at recall {target}, x loaded", 0.75, got, result["n"] >= LARGE)


def _build(out, rows, tonari, large):
    peer = rows.get("hnswlib")
    if peer and peer.get("build_cpu_s") and tonari.get("build_cpu_s"):
        _add(out, "build CPU seconds, hnswlib / tonari", 1.5, peer["build_cpu_s"] / tonari["build_cpu_s"], large)
        theirs = {point["ef"]: point["recall"] for point in peer["points"]}
        gaps = [point["recall"] - theirs[point["ef"]] for point in tonari["points"] if point["ef"] in theirs]
        if gaps:
            _add(out, "recall at equal ef, tonari - hnswlib, lowest", -0.001, min(gaps), large)
    _add(out, "build with 2 threads, wall, x 1 thread", 1.8, tonari.get("build_scaling"), large)


def _sq8(out, rows, result, large):
    """The walks by 8-bit codes beside hnswlib: tails and build."""
    peer = rows.get("hnswlib")
    for name in ("tonari SQ8", "tonari PCA"):
        ours = rows.get(name)
        if not ours:
            continue
        if ours.get("p50_us") and ours.get("p99_us"):
            _add(out, f"2.2 x p50 / p99 at recall 0.95, {name}", 1.0, 2.2 * ours["p50_us"] / ours["p99_us"], large)
        if peer and ours.get("build_cpu_s") and peer.get("build_cpu_s"):
            _add(out, f"build CPU seconds, hnswlib / {name}", 4.0, peer["build_cpu_s"] / ours["build_cpu_s"], large)


def _fastest(out, rows, result, large):
    """The layouts made for searching beside SymphonyQG where it is there, else beside hnswlib: speed, and what it costs.

    Promised is the speed of queries one by one: where these were measured, too, a batch decides nothing.
    """
    peer, leader = rows.get("hnswlib"), rows.get("symphonyqg")
    bar = 4.1 if result["dim"] >= 512 else 2.9  # asked for at d = 128 and from d = 512 on
    layouts = ("tonari fused", "tonari fused R16", "tonari PCA", "tonari PCA R16")
    one_by_one = tuple(name + " alone" for name in layouts)
    for name in [each for each in ("tonari SQ8", "tonari SQ8 alone", *layouts, *one_by_one) if leader and each in rows]:
        for target in TARGETS:
            _add(out, f"speed bar: QPS at recall {target}, {name} x symphonyqg", 1.2, _ratio(rows[name], leader, target),
                 large and not _is_asked_alone(name, rows))
    for name in layouts + one_by_one:
        ours = rows.get(name)
        if not ours or not peer:
            continue
        for target in TARGETS:
            _add(out, f"speed bar: QPS at recall {target}, {name} x hnswlib", bar, _ratio(ours, peer, target),
                 large and not leader and not _is_asked_alone(name, rows) and (result["dim"] == 128 or result["dim"] >= 512))
        if name in layouts:
            _add(out, f"speed bar: 1.8 x hnswlib's memory / {name}'s", 1.0,
                 1.8 * peer["resting_bytes"] / ours["resting_bytes"], large)


def _is_asked_alone(name, rows):
    """Was the same index asked one query after the other, too?"""
    return name + " alone" in rows


def _in_turn(out, rows, large):
    """What a batch gains by walks that take turns."""
    for name, bar in (("tonari SQ8", 1.15), ("tonari PCA", 1.15), ("tonari fused R16", 1.05)):
        together, alone = rows.get(name), rows.get(name + " alone")
        if together and alone:
            for target in TARGETS:
                _add(out, f"batch: QPS at recall {target}, {name} x alone", bar, _ratio(together, alone, target), large)


def _light(out, rows, large):
    """The fastest of ours beside the fastest peer, among those that fit in 1.25 times hnswlib's memory."""
    peer = rows.get("hnswlib")
    if not peer or "tonari SQ8" not in rows:
        return
    fits = [row for row in rows.values()
            if row.get("at_recall") and row["resting_bytes"] <= LIGHT * peer["resting_bytes"]
            and not _is_asked_alone(row["variant"], rows)]
    ours, theirs = ([row for row in fits if (row["variant"].split()[0] == "tonari") == mine] for mine in (True, False))
    _add(out, "light bar: 1.25 x hnswlib's memory / tonari SQ8's", 1.0,
         LIGHT * peer["resting_bytes"] / rows["tonari SQ8"]["resting_bytes"], large)
    for target in TARGETS:
        best = [max((row for row in side if target in row["at_recall"]),
                    key=lambda row: row["at_recall"][target]["qps"], default=None) for side in (ours, theirs)]
        if best[1]:
            got = _ratio(*best, target) if best[0] else 0.0  # a recall that only a peer reaches is a miss
            name = best[0]["variant"] if best[0] else "tonari (none)"
            _add(out, f"light bar: QPS at recall {target}, {name} x {best[1]['variant']}", 1.0, got, large)


def _ratio(mine, theirs, target):
    return mine["at_recall"].get(target, {}).get("ratio", {}).get(theirs["variant"])


def _lists(out, rows, result, large):
    """The best of ours beside the best of faiss's: each with its better coarse layer or codes, in each round's own ratio."""
    codes = any(name.startswith("tonari IVF_PQ4") for name in rows)
    bar = 1.2 if not codes else 2.0 if result["dim"] >= 384 else 1.3
    ours, theirs = ([row for name, row in rows.items() if name.startswith(library + " IVF")]
                    for library in ("tonari", "faiss"))
    for target in TARGETS:
        best = [max((row for row in side if target in row["at_recall"]),
                    key=lambda row: row["at_recall"][target]["qps"], default=None) for side in (ours, theirs)]
        if all(best):
            got = best[0]["at_recall"][target]["ratio"].get(best[1]["variant"])
            _add(out, f"QPS at recall {target}, {best[0]['variant']} x {best[1]['variant']}", bar, got, large)
    for row in ours:
        peer = rows.get(row["variant"].replace("tonari", "faiss"))
        if peer and peer.get("build_cpu_s") and row.get("build_cpu_s"):
            _add(out, f"training and filling, CPU seconds, {peer['variant']} / {row['variant']}", 1.5,
                 peer["build_cpu_s"] / row["build_cpu_s"], large)


def _memory(out, rows, tonari, result):
    """Memory is decided only where the rows fill a GiB: below that, pools and pages blur the figure."""
    decide = 4 * result["n"] * result["dim"] >= GIB
    peer = rows.get("hnswlib")
    if peer:
        _add(out, "resting memory, hnswlib / tonari", 1.0, peer["resting_bytes"] / tonari["resting_bytes"], decide)
    if tonari.get("build_peak_bytes"):
        _add(out, "1.3 x index / peak while building", 1.0,
             1.3 * tonari["resting_bytes"] / tonari["build_peak_bytes"], decide)


def _exact(out, rows, large):
    level = rows.get("tonari Flat int", {}).get("simd")
    for name, bar in (("tonari Flat", 1.0), ("tonari Flat int", EXACT_INTEGERS.get(level, 2.0))):
        _add(out, f"exact search, {name}, x faiss Flat", bar, rows.get(name, {}).get("x_faiss_flat"), large)
