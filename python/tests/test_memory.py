"""Nothing is left behind by builds, searches, files and errors."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_resident_memory_is_stable(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).standard_normal((2000, 64)).astype(np.float32)  # 512 kB
    broken = rows.copy()
    broken[1999, 63] = np.nan
    path = tmp_path / "a.tnr"

    def turn() -> None:
        index = tonari.build("Flat", rows, ids=range(2000), threads=2)
        index.save(path)
        for residency in ("map", "load"):
            tonari.open(path, residency=residency).search(rows[:50], k=100)
        index.range_search(rows[:50], 1e9, filter=index.prepare(lambda id: id % 2 == 0))
        for wrong in (lambda: tonari.build("Flat", broken), lambda: index.search(rows, filter=lambda id: 1 // 0)):
            with pytest.raises((tonari.InvalidArgument, ZeroDivisionError)):
                wrong()

    for _ in range(20):
        turn()
    gc.collect()
    before = resident_bytes()
    for _ in range(100):
        turn()
    gc.collect()
    # One forgotten index or answer a turn would be 40 MB or more.
    assert resident_bytes() - before < 16 * 1024 * 1024


def test_arguments_are_let_go(rows: Any) -> None:
    class Watched(np.ndarray):
        """Unlike a plain array, it can be watched."""

    def watched() -> Any:
        return rows.copy().view(Watched)

    index = tonari.build("Flat", rows)
    for use in (
        lambda a: tonari.build("HNSW8", a),
        lambda a: index.search(a),
        lambda a: index.range_search(a, 1.0),
    ):
        array = watched()
        alive = weakref.ref(array)
        kept = use(array)
        del array
        assert alive() is None
        del kept

    def callback(*_: int) -> bool:
        return True

    before = sys.getrefcount(callback)
    tonari.build("HNSW8", rows, progress=callback)
    index.search(rows[0], filter=callback)
    index.prepare(callback)
    assert sys.getrefcount(callback) == before
