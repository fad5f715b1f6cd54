"""Other Python threads run while the library works, and many may search one index."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari


@pytest.fixture
def no_forced_switches() -> Iterator[None]:
    """The interpreter lock changes hands only where it is given up, not because time has passed."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(100_000.0)
    yield
    sys.setswitchinterval(before)


def lets_others_run(work: Callable[[], object]) -> bool:
    """Does another thread come to run during one of many calls of `work`? Nothing else here gives up the lock."""
    go, ran = threading.Event(), threading.Event()

    def wait_and_tell() -> None:
        go.wait()
        ran.set()

    other = threading.Thread(target=wait_and_tell)
    other.start()
    go.set()
    for _ in range(2000):
        work()
        if ran.is_set():
            break
    released = ran.is_set()
    other.join()
    return released


def test_the_check_itself(no_forced_switches: None) -> None:
    assert not lets_others_run(lambda: sum(range(1000)))


def test_the_interpreter_lock_is_released(no_forced_switches: None, tmp_path: Path) -> None:
    rows = np.random.default_rng(1).standard_normal((2000, 32)).astype(np.float32)
    index = tonari.build("HNSW16", rows)
    path = tmp_path / "a.tnr"
    index.save(path)
    calls: dict[str, Callable[[], object]] = {
        "build": lambda: tonari.build("HNSW16", rows, threads=1),
        "search": lambda: index.search(rows),
        "single": lambda: index.search(rows[0], k=1000),
        "range_search": lambda: index.range_search(rows, 1.0),
        "prepare": lambda: index.prepare(range(2000)),
        "save": lambda: index.save(path),
        "open": lambda: tonari.open(path, residency="load"),
        "verify": lambda: tonari.verify(path),
    }
    held = [name for name, call in calls.items() if not lets_others_run(call)]
    assert held == []


def test_many_threads_search_one_index(index: tonari.Index, rows: Any) -> None:
    want = index.search(rows, k=10)
    prepared = index.prepare(range(0, 500, 3))
    filtered = index.search(rows, k=10, filter=prepared)

    def work(turn: int) -> None:
        for q in range(turn, 500, 8):
            np.testing.assert_array_equal(index.search(rows[q], k=10)[0], want[0][q])
        for got, expected in zip(index.search(rows, k=10, threads=2), want):
            np.testing.assert_array_equal(got, expected)
        for got, expected in zip(index.search(rows, k=10, filter=prepared), filtered):
            np.testing.assert_array_equal(got, expected)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, turn) for turn in range(8)]:
            done.result()


def test_many_threads_build_at_once(rows: Any, queries: Any) -> None:
    want = tonari.build("HNSW16", rows).search(queries)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: tonari.build("HNSW16", rows, threads=2).search(queries), range(4)))
    for got in made:
        np.testing.assert_array_equal(got[0], want[0])
