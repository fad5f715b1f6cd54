"""Recall from the returned ids, and speed at a given recall. Never trusts a library's own distances."""
import math

import numpy as np

TIE = 1e-6  # relative: two rows this near to each other in distance are both right answers


def tolerance(distance):
    return TIE * np.abs(distance) + 1e-12


def distances(base, queries, ids, metric):
    """float64 distances of queries[i] to base[ids[i, j]], from the definition; inf where the id is no row."""
    out = np.full(ids.shape, np.inf)
    for i, query in enumerate(queries):
        valid = (ids[i] >= 0) & (ids[i] < len(base))
        out[i, valid] = distances_to_all(base[ids[i, valid]], query, metric)
    return out


def distances_to_all(rows, query, metric):
    rows, query = np.asarray(rows, dtype=np.float64), np.asarray(query, dtype=np.float64)
    if metric == "l2":
        return np.square(rows - query).sum(axis=1)
    product = rows @ query
    if metric == "ip":
        return -product
    return 1.0 - product / np.maximum(np.linalg.norm(rows, axis=1) * np.linalg.norm(query), 1e-300)


def recall(base, queries, ids, truth, k, metric):
    """Mean share of the k answers that are among the k nearest.

    An id counts once however often it is returned, and counts when it is no farther than the true k-th neighbour
    (within a relative 1e-6), so that any choice among equal distances is right.
    """
    exact = distances(base, queries, ids, metric)
    right = exact <= (truth + tolerance(truth))[:, None]
    hits = [min(k, len(np.unique(row[mask]))) for row, mask in zip(ids, right)]
    return float(np.mean(hits)) / k


def exact_neighbours(base, queries, k, metric, progress=None):
    """ids of the k nearest rows: candidates from blocked float32 products, the last word in float64."""
    queries64 = np.asarray(queries, dtype=np.float64)
    wide = min(len(base), 2 * k + 10)
    best_ids = np.zeros((len(queries), 0), dtype=np.int64)
    best = np.zeros((len(queries), 0), dtype=np.float32)
    block = 20000
    for start in range(0, len(base), block):
        rows = np.asarray(base[start:start + block], dtype=np.float32)
        found = _approximate(rows, np.asarray(queries, dtype=np.float32), metric)
        best = np.concatenate([best, found], axis=1)
        best_ids = np.concatenate([best_ids, np.broadcast_to(np.arange(start, start + len(rows)), found.shape)], axis=1)
        keep = np.argpartition(best, min(wide, best.shape[1]) - 1, axis=1)[:, :wide]
        best, best_ids = np.take_along_axis(best, keep, 1), np.take_along_axis(best_ids, keep, 1)
        if progress:
            progress((start + len(rows)) / len(base))
    exact = distances(base, queries64, best_ids, metric)
    order = np.argsort(exact, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(best_ids, order, 1)


def _approximate(rows, queries, metric):
    product = queries @ rows.T
    if metric == "ip":
        return -product
    squares = np.square(rows).sum(axis=1)
    if metric == "l2":
        return squares - 2 * product
    return -product / np.sqrt(np.maximum(squares, 1e-30))


def at_recall(points, target):
    """(queries per second at the target recall, floor?) or (None, False) where the recall was not reached.

    Interpolates log QPS over -log(1 - recall) on the Pareto front. Where even the smallest knob exceeds the
    target, its speed is what the library can do there, and the answer is marked as a floor.
    """
    front = pareto(points)
    if not front or front[-1][0] < target:
        return None, False
    if front[0][0] >= target:
        return front[0][1], min(point[0] for point in points) >= target
    for (low, fast), (high, slow) in zip(front, front[1:]):
        if low < target <= high:
            share = (_stretch(target) - _stretch(low)) / (_stretch(high) - _stretch(low))
            return math.exp(math.log(fast) + share * (math.log(slow) - math.log(fast))), False
    return None, False


def pareto(points):
    """(recall, qps) pairs that no other pair beats in both, by rising recall."""
    front = []
    for point in sorted(points, key=lambda pair: (-pair[0], -pair[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front[::-1]


def _stretch(value):
    return -math.log(max(1.0 - value, 1e-6))
