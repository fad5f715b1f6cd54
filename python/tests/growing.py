"""What the tests of growing indexes share: what should be in one, and rows that should not."""

from __future__ import annotations

from typing import Any

import numpy as np

import tonari
from oracle import ELEMENTS, FLOAT_METRICS, Table, check_exact, table

CASES = [(metric, element) for metric in FLOAT_METRICS for element in ELEMENTS] + [("hamming", "bits")]
DIM = 24


class Living:
    """What should be in an index: id by id, the values of its row."""

    def __init__(self, ids: Any, values: Any) -> None:
        self.rows: dict[int, Any] = {}
        self.put(ids, values)

    def put(self, ids: Any, values: Any) -> None:
        self.rows.update(zip(np.asarray(ids).tolist(), np.asarray(values, dtype=np.float64)))

    def drop(self, ids: Any) -> None:
        for id in np.asarray(ids).tolist():
            del self.rows[id]

    def check(self, index: tonari.GrowingIndex | tonari.Index, queries: Table, k: int = 10) -> None:
        """A walk as wide as the index is exact, and so is a look at all lists."""
        assert len(index) == len(self.rows)
        ids = np.array(sorted(self.rows))
        values = np.stack([self.rows[id] for id in ids.tolist()])
        found, far = index.search(queries.array, k=k, ef=len(ids), nprobe=100, **queries.keywords)
        have = min(k, len(ids))
        assert (found[:, have:] == -1).all() and np.isposinf(far[:, have:]).all()
        assert np.isin(found[:, :have], ids).all()
        places = np.searchsorted(ids, found[:, :have])
        check_exact((places, far[:, :have]), index.metric, values, queries.values)


def probe(seed: int = 9) -> Table:
    return table("float32", 15, DIM, seed)


def nan_at(row: int) -> Any:
    rows = np.ones((4, DIM), dtype=np.float32)
    rows[row, 3] = np.nan
    return rows


GOOD = np.arange(4 * DIM, dtype=np.float32).reshape(4, DIM)
