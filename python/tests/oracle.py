"""Exact answers in NumPy float64, and rows of every element type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FLOAT_METRICS = ["l2", "ip", "cosine", "l1"]
ELEMENTS = ["float32", "float16", "bfloat16", "int8", "uint8"]


@dataclass
class Table:
    """Rows or queries as they are handed over, and what they mean."""

    array: Any
    values: Any  # float64
    element: str

    @property
    def keywords(self) -> dict[str, Any]:
        """What the dtype alone cannot say."""
        return {"element": "bfloat16"} if self.array.dtype == np.uint16 else {}


def table(element: str, rows: int, dim: int, seed: int = 1) -> Table:
    random = np.random.default_rng(seed)
    if element == "bits":
        array = random.integers(0, 256, (rows, dim // 8), dtype=np.uint8)
        return Table(array, np.unpackbits(array, axis=1, bitorder="little").astype(np.float64), element)
    if element in ("int8", "uint8"):
        limits = np.iinfo(element)
        array = random.integers(limits.min, limits.max + 1, (rows, dim), dtype=element)
        return Table(array, array.astype(np.float64), element)
    normal = random.standard_normal((rows, dim)).astype(np.float32)
    if element == "bfloat16":
        patterns = (normal.view(np.uint32) >> 16).astype(np.uint16)
        return Table(patterns, (patterns.astype(np.uint32) << 16).view(np.float32).astype(np.float64), element)
    array = normal.astype(element)
    return Table(array, array.astype(np.float64), element)


def distances(metric: str, rows: Any, queries: Any) -> Any:
    """(queries, rows) in float64, as the documentation of the metrics says."""
    if metric == "l2":
        return ((queries[:, None, :] - rows[None, :, :]) ** 2).sum(axis=2)
    if metric == "l1":
        return np.abs(queries[:, None, :] - rows[None, :, :]).sum(axis=2)
    if metric == "hamming":
        return (queries[:, None, :] != rows[None, :, :]).sum(axis=2).astype(np.float64)
    products = queries @ rows.T
    if metric == "ip":
        return -products
    norms = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(rows, axis=1)[None, :]
    return np.where(norms == 0, 1.0, 1.0 - products / np.where(norms == 0, 1.0, norms))


def check_exact(found: Any, metric: str, rows: Any, queries: Any, relative: float = 1e-5) -> None:
    """`found` holds the k nearest, in order, each once, at their distances. Ties may come in any order."""
    ids, got = found
    assert ids.dtype == np.int64 and got.dtype == np.float32
    truth = distances(metric, rows, queries)
    nearest = np.sort(truth, axis=1)[:, : ids.shape[1]]
    scale = max(1.0, float(np.abs(truth).max()))
    np.testing.assert_allclose(got, nearest, rtol=relative, atol=relative * scale)
    np.testing.assert_allclose(got, np.take_along_axis(truth, ids, axis=1), rtol=relative, atol=relative * scale)
    assert all(len(set(row)) == len(row) for row in ids.tolist())
    assert (np.diff(got, axis=1) >= 0).all()


def recall(ids: Any, metric: str, rows: Any, queries: Any) -> float:
    """The share of answers that are as near as the true k-th nearest."""
    truth = distances(metric, rows, queries)
    k = ids.shape[1]
    bound = np.sort(truth, axis=1)[:, k - 1 : k]
    reached = np.take_along_axis(truth, ids, axis=1) <= bound * (1 + 1e-6 * np.sign(bound)) + 1e-9
    return float(reached.mean())
