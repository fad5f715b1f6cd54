"""GrowingIndex: memory that comes back, and many threads at once, against what was there when it was asked."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from growing import DIM, Living, probe
from test_memory import resident_bytes
from test_threads import lets_others_run, no_forced_switches  # noqa: F401 (a fixture)


def test_churn_leaves_nothing_behind() -> None:
    random = np.random.default_rng(1)
    index = tonari.build("HNSW8", growing=True, dim=64)
    index.add(random.standard_normal((1500, 64)).astype(np.float32), ids=np.arange(1500))
    held = np.arange(1500)
    sizes, resident = [], []
    for turn in range(40):
        gone = random.choice(1500, 300, replace=False)
        index.remove(held[gone])
        held[gone] = index.add(random.standard_normal((300, 64)).astype(np.float32))
        index.update(random.standard_normal((50, 64)).astype(np.float32), held[:50])
        index.search(random.standard_normal((20, 64)).astype(np.float32), k=20)
        if turn % 4 == 3:
            assert index.tidy()
            sizes.append(index.nbytes)
            resident.append(resident_bytes() if sys.platform.startswith("linux") else 0)
    assert len(index) == 1500
    assert all(id in index for id in held.tolist())
    assert max(sizes) <= 1.1 * min(sizes)
    # 40 turns of 300 rows, their links and entries would be more than twice that.
    assert resident[-1] - resident[1] < 4 * 1024 * 1024
    health = index.health()
    assert (health["ids"], health["waiting"], health["unreachable"]) == (1500, 0, 0)


def test_arguments_are_let_go(rows: Any) -> None:
    class Watched(np.ndarray):
        """Unlike a plain array, it can be watched."""

    index = tonari.build("HNSW8", rows, growing=True)
    numbers = np.arange(500)
    broken = rows.copy()
    broken[7, 7] = np.nan

    def refused(call: Callable[[], object]) -> None:
        with pytest.raises(tonari.Error):
            call()

    uses: list[tuple[Any, Callable[[Any], object]]] = [
        (rows, lambda a: tonari.build("HNSW8", a, growing=True)),
        (rows, lambda a: index.add(a)),
        (rows, lambda a: index.add(a, numbers, replace=True)),
        (rows, lambda a: index.update(a, numbers)),
        (rows, lambda a: index.search(a)),
        (numbers, lambda a: index.add(rows, a + 10_000)),
        (numbers + 20_000, lambda a: index.add(rows, a)),
        (numbers, lambda a: index.update(rows, a)),
        (numbers + 20_000, lambda a: index.remove(a)),
        (numbers, lambda a: index.prepare(a)),
        (broken, lambda a: refused(lambda: index.add(a))),
        (numbers, lambda a: refused(lambda: index.add(rows, a))),
        (numbers + 90_000, lambda a: refused(lambda: index.remove(a))),
    ]
    for array, use in uses:
        given = array.copy().view(Watched)
        alive = weakref.ref(given)
        kept = use(given)
        del given
        assert alive() is None
        del kept

    def callback(*_: int) -> bool:
        return True

    before = sys.getrefcount(callback)
    counts = sys.getrefcount(rows), sys.getrefcount(numbers)
    tonari.build("HNSW8", rows, growing=True, progress=callback)
    index.add(rows, progress=callback)
    index.update(rows, numbers, progress=callback)
    index.search(rows[0], filter=callback)
    assert sys.getrefcount(callback) == before
    assert (sys.getrefcount(rows), sys.getrefcount(numbers)) == counts


def test_the_interpreter_lock_is_released(no_forced_switches: None, tmp_path: Path) -> None:  # noqa: F811
    rows = np.random.default_rng(1).standard_normal((1000, 32)).astype(np.float32)
    index = tonari.build("HNSW16", rows, growing=True)
    path = tmp_path / "a.tnr"
    index.save(path)
    absent = np.arange(100_000, 200_000)[::-1]

    def remove() -> None:
        with pytest.raises(tonari.NotFound):  # one that is there takes so little time that nobody might come to run
            index.remove(absent)

    calls: dict[str, Callable[[], object]] = {
        "build": lambda: tonari.build("HNSW16", rows, growing=True, threads=1),
        "add": lambda: index.add(rows[:100], ids=range(100), replace=True),
        "add one": lambda: index.add(rows[5], ids=5, replace=True),
        "add numbered": lambda: index.add(rows[:1]),
        "update": lambda: index.update(rows[:10], range(10)),
        "remove": remove,
        "search": lambda: index.search(rows),
        "search one": lambda: index.search(rows[0], k=1000),
        "range_search": lambda: index.range_search(rows, 1.0),
        "prepare": lambda: index.prepare(range(2000)),
        "save": lambda: index.save(path),
        "open": lambda: tonari.open(path, growing=True),
        "freeze": lambda: index.freeze(),
        "health": lambda: index.health(),
    }
    held = [name for name, call in calls.items() if not lets_others_run(call)]
    assert held == []


class Watch:
    """Which ids may be answered: those whose adding has begun, and whose removal had not ended before the call."""

    def __init__(self, ids: int) -> None:
        self.begun = np.zeros(ids, dtype=bool)
        self.gone = np.zeros(ids, dtype=bool)

    def check(self, found: Any, far: Any, gone_before: Any) -> None:
        assert (np.diff(far[np.isfinite(far)]) >= 0).all()
        ids = found[found >= 0]
        assert (found[: len(ids)] == ids).all() and np.isposinf(far[len(ids) :]).all()
        assert len(set(ids.tolist())) == len(ids), "an id twice"
        assert self.begun[ids].all(), "an id that never was there"
        assert not gone_before[ids].any(), "an id that had gone"


def test_many_threads_change_and_ask_at_once(tmp_path: Path) -> None:
    rounds, batch, base = 40, 20, 400
    writers, total = 3, 400 + 3 * 40 * 20
    random = np.random.default_rng(1)
    rows = random.standard_normal((total, DIM)).astype(np.float32)
    other = random.standard_normal((100, DIM)).astype(np.float32)  # the second row of ids 0 ... 99
    queries = random.standard_normal((rounds, 5, DIM)).astype(np.float32)
    index = tonari.build("HNSW8", rows[:base], growing=True)
    watch = Watch(total)
    watch.begun[:base] = True
    prepared = index.prepare(np.arange(0, total, 2))
    stop = threading.Event()

    def write(writer: int) -> None:
        before: Any = []
        for turn in range(rounds):
            first = base + (writer * rounds + turn) * batch
            ids = np.arange(first, first + batch)
            watch.begun[ids] = True
            assert index.add(rows[ids], ids, threads=1 + turn % 2).tolist() == ids.tolist()
            assert ids[0] in index
            nearest, _ = index.search(rows[first], k=1, ef=100)
            assert nearest[0] == first, "a row that was added is found"
            if len(before):
                index.remove(before)
                assert before[0] not in index
                watch.gone[before] = True
            before = ids[: batch // 2]

    def update() -> None:
        for turn in range(rounds):
            index.update((other if turn % 2 == 0 else rows)[:100:4], range(0, 100, 4))

    def check_distances(query: Any, ids: Any, far: Any) -> None:
        """Each id at the distance of a row that it has had."""
        places = ids[ids >= 0]
        want = ((query[None] - rows[places]) ** 2).sum(axis=1)
        second = ((query[None] - other[np.minimum(places, 99)]) ** 2).sum(axis=1)
        near = far[: len(places)]
        assert (np.isclose(near, want, rtol=1e-4) | ((places < 100) & np.isclose(near, second, rtol=1e-4))).all()

    def ask(seed: int) -> None:
        turn = 0
        while not stop.is_set() or turn < rounds:
            batch_of = queries[(seed + turn) % rounds]
            gone = watch.gone.copy()
            ids, far = index.search(batch_of, k=30, threads=1 + turn % 2)
            for query, found, near in zip(batch_of, ids, far):
                watch.check(found, near, gone)
                assert (found >= 0).all(), "as many as were asked for"
                check_distances(query, found, near)
            gone = watch.gone.copy()
            found, near = index.search(batch_of[0], k=30, filter=prepared)
            watch.check(found, near, gone)
            assert (found % 2 == 0).all()
            gone = watch.gone.copy()
            offsets, found, near = index.range_search(batch_of, 20.0)
            for q in range(len(batch_of)):
                part = slice(offsets[q], offsets[q + 1])
                watch.check(found[part], near[part], gone)
                assert (near[part] <= 20.0).all()
            turn += 1

    def keep() -> None:
        turn = 0
        while not stop.is_set() or turn < 5:
            gone = watch.gone.copy()
            frozen = index.freeze()
            ids, far = frozen.search(queries[0][0], k=len(frozen))
            watch.check(ids, far, gone)
            assert (ids >= 0).all()
            index.save(tmp_path / "now.tnr")
            tonari.verify(tmp_path / "now.tnr")
            assert len(tonari.open(tmp_path / "now.tnr", growing=True)) >= base
            index.tidy()
            assert index.health()["ids"] >= base
            assert index.nbytes > 0 and len(index) >= base and repr(index)
            turn += 1

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask, seed) for seed in range(3)] + [pool.submit(keep)]
        changing = [pool.submit(write, writer) for writer in range(writers)] + [pool.submit(update)]
        try:
            for done in changing:
                done.result()
        finally:
            stop.set()
        for done in asking:
            done.result()

    assert index.tidy()
    alive = np.flatnonzero(watch.begun & ~watch.gone)
    assert len(index) == len(alive)
    values = rows.astype(np.float64)
    values[:100:4] = (other if rounds % 2 == 1 else rows)[:100:4]
    Living(alive, values[alive]).check(index, probe())
    assert index.health()["unreachable"] == 0


@pytest.mark.parametrize("seed", range(30))
def test_threads_that_share_equal_rows(seed: int) -> None:
    """Rows of few values: ids of several threads stand on one row, which comes and goes under them."""
    dim, threads = 4, 4
    index = tonari.build("HNSW4", growing=True, dim=dim, ef_construction=20)

    def live(thread: int) -> dict[int, Any]:
        random = np.random.default_rng([seed, thread])

        def rows(count: int) -> Any:
            return random.integers(0, 2, (count, dim), endpoint=True).astype(np.float32)

        mine: dict[int, Any] = {}
        for _ in range(50):
            change = random.integers(0, 3)
            held = random.permutation(np.array(list(mine), dtype=np.int64))
            if change == 0 or len(held) < 5:
                new = rows(10)
                ids = np.setdiff1d(random.integers(0, 100, 10) * threads + thread, held)
                index.add(new[: len(ids)], ids)
                mine.update(zip(ids.tolist(), new))
            elif change == 1:
                new = rows(5)
                index.update(new, held[:5])
                mine.update(zip(held[:5].tolist(), new))
            else:
                gone = held[: random.integers(1, len(held) + 1)]
                index.remove(gone)
                for id in gone.tolist():
                    del mine[id]
            own = np.array(sorted(mine), dtype=np.int64)
            query = rows(1)[0]
            for filter in (None, own):
                ids, far = index.search(query, k=threads * 100, ef=threads * 100, filter=filter)
                assert len(set(ids[ids >= 0].tolist())) == (ids >= 0).sum(), "an id twice"
                kept = (ids >= 0) & (ids % threads == thread)
                assert sorted(ids[kept].tolist()) == own.tolist()
                want = ((np.array([mine[id] for id in ids[kept].tolist()]).reshape(-1, dim) - query) ** 2).sum(axis=1)
                np.testing.assert_allclose(far[kept], want, rtol=1e-5)
        return mine

    with ThreadPoolExecutor(threads) as pool:
        alive = {id: row for mine in pool.map(live, range(threads)) for id, row in mine.items()}
    tidied = threading.Event()
    threading.Thread(target=lambda: index.tidy() and tidied.set(), daemon=True).start()  # should it never end
    assert tidied.wait(60)
    health = index.health()
    assert (health["ids"], health["waiting"], health["unreachable"]) == (len(alive), 0, 0)
    assert len(index) == len(alive)


def test_one_thread_of_many_adds_an_id(empty: tonari.GrowingIndex, rows: Any) -> None:
    """Of those who add or remove the same id at once, one does and the others are told."""

    def attempt(call: Callable[[], object], error: type[Exception]) -> bool:
        try:
            call()
        except error:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        for id in range(40):
            added = [
                pool.submit(attempt, lambda i=i: empty.add(rows[i], id), tonari.AlreadyExists)  # type: ignore[misc]
                for i in range(8)
            ]
            assert sum(done.result() for done in added) == 1
            if id % 2:
                removed = [pool.submit(attempt, lambda: empty.remove(id), tonari.NotFound) for _ in range(8)]
                assert sum(done.result() for done in removed) == 1
    assert len(empty) == 20
    assert set(empty.search(rows[0], k=40)[0].tolist()) == {*range(0, 40, 2), -1}


def test_numbers_are_given_once(empty: tonari.GrowingIndex, rows: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda i: empty.add(rows[i * 10 : i * 10 + 10]), range(50)))
    assert sorted(np.concatenate(added).tolist()) == list(range(500))
    values = np.empty((500, DIM))
    for i, ids in enumerate(added):
        assert (np.diff(ids) == 1).all()
        values[ids] = rows[i * 10 : i * 10 + 10]
    Living(range(500), values).check(empty, probe())


def test_compact_gives_memory_back(rows: Any) -> None:
    many = np.random.default_rng(30).standard_normal((4000, 24)).astype(np.float32)
    index = tonari.build("HNSW8", many, growing=True)
    index.remove(np.arange(0, 4000, 2))
    cursor = index.cursor(many[1])
    assert index.compact() is False  # somebody looks on
    del cursor
    before = index.parts
    calls: list[tuple[int, int]] = []
    assert index.compact(progress=lambda done, total: calls.append((done, total))) is True
    assert calls and calls[-1][0] == calls[-1][1] and all(0 < done <= total for done, total in calls)
    assert index.parts["rows"] == before["rows"] // 2 and index.parts["links"] < 0.6 * before["links"]
    assert len(index) == 2000 and index.health()["free"] == 0 and index.health()["unreachable"] == 0
    ids, found = index.search(many[1::2], k=1, ef=100)
    assert (ids[:, 0] == np.arange(1, 4000, 2)).mean() > 0.99

    index.remove(np.arange(1, 2000, 2))

    def fail(done: int, total: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        index.compact(progress=fail)
    assert len(index) == 1000 and index.compact() is True
    with pytest.raises(tonari.Busy, match="from outside"):
        index.remove(np.arange(2001, 2101, 2))
        index.compact(progress=lambda done, total: index.compact())
    with pytest.raises(tonari.WrongType, match="progress"):
        index.compact(progress=3)  # type: ignore[arg-type]
