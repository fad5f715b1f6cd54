"""GrowingIndex: rows come, go and change, against NumPy in float64 and against what was there when it was asked."""

from __future__ import annotations

import copy
import gc
import pickle
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
from oracle import ELEMENTS, FLOAT_METRICS, Table, check_exact, distances, table
from test_memory import resident_bytes
from test_threads import lets_others_run, no_forced_switches  # noqa: F401 (a fixture)

CASES = [(metric, element) for metric in FLOAT_METRICS for element in ELEMENTS] + [("hamming", "bits")]
DIM = 24


@pytest.fixture
def empty() -> tonari.GrowingIndex:
    return tonari.build("HNSW8", growing=True, dim=DIM)


@pytest.fixture
def grown(rows: Any) -> tonari.GrowingIndex:
    return tonari.build("HNSW8", rows, growing=True)


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
        """A walk as wide as the index is exact."""
        assert len(index) == len(self.rows)
        ids = np.array(sorted(self.rows))
        values = np.stack([self.rows[id] for id in ids.tolist()])
        found, far = index.search(queries.array, k=k, ef=len(ids), **queries.keywords)
        have = min(k, len(ids))
        assert (found[:, have:] == -1).all() and np.isposinf(far[:, have:]).all()
        assert np.isin(found[:, :have], ids).all()
        places = np.searchsorted(ids, found[:, :have])
        check_exact((places, far[:, :have]), index.metric, values, queries.values)


def probe(seed: int = 9) -> Table:
    return table("float32", 15, DIM, seed)


# --- Beginning.


def test_from_nothing(empty: tonari.GrowingIndex, rows: Any) -> None:
    assert (len(empty), empty.dim, empty.metric, empty.dtype, empty.spec) == (0, DIM, "l2", "float32", "HNSW8")
    ids, far = empty.search(rows[:3], k=4)
    assert (ids == -1).all() and np.isposinf(far).all()
    assert empty.search(rows[0], k=4)[0].tolist() == [-1] * 4
    assert empty.range_search(rows[:3], 1e9)[0].tolist() == [0, 0, 0, 0]
    assert empty.add(rows).tolist() == list(range(500))
    Living(range(500), rows).check(empty, probe())


def test_from_rows(rows: Any) -> None:
    ids = np.arange(500)[::-1] * 3
    index = tonari.build("HNSW8", rows, ids=ids, growing=True, dim=DIM, dtype="float32", metric="cosine", threads=2)
    living = Living(ids, rows)
    living.check(index, probe())
    assert index.add(rows[:2] + 1).tolist() == [1498, 1499]


def test_from_an_array_without_rows() -> None:
    index = tonari.build("HNSW8", np.zeros((0, 16), dtype=np.int8), ids=[], growing=True)
    assert (len(index), index.dim, index.dtype) == (0, 16, "int8")
    with pytest.raises(tonari.InvalidArgument, match="dimensions, got 0"):
        tonari.build("HNSW8", np.zeros((0, 0), dtype=np.int8), growing=True)


def test_what_it_says_of_itself(grown: tonari.GrowingIndex) -> None:
    assert len(grown) == 500 and grown.spec == "HNSW8"
    assert grown.nbytes == sum(grown.parts.values()) >= 500 * DIM * 4
    assert repr(grown) == (
        f'<tonari.GrowingIndex "HNSW8": 500 rows x {DIM} float32, metric l2, {grown.nbytes} bytes>'
    )
    assert tonari.GrowingIndex.__module__ == "tonari"
    assert not isinstance(grown, tonari.Index)
    with pytest.raises(TypeError):
        tonari.GrowingIndex()


def test_what_rows_will_be_made_of() -> None:
    bits = tonari.build("HNSW8", growing=True, dim=16, metric="hamming")
    assert (bits.dtype, bits.dim) == ("bits", 16)
    half = tonari.build("HNSW8,FP16", growing=True, dim=16)
    assert (half.dtype, half.spec) == ("float16", "HNSW8,FP16")
    half.add(np.ones(16, dtype=np.float32))
    half.add(np.zeros(16, dtype=np.float16))
    assert half.search(np.ones(16, dtype=np.float32), k=2)[0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({}, tonari.InvalidArgument, "dim: expected the dimensions of the rows that will come"),
        ({"growing": False, "dim": 8}, tonari.WrongType, "rows: expected a numpy array, got NoneType; mend: growing=True"),
        ({"dim": 0}, tonari.InvalidArgument, "dim: expected 1 to 65536 dimensions, got 0"),
        ({"dim": 65537}, tonari.InvalidArgument, "got 65537"),
        ({"dim": 2**40}, tonari.InvalidArgument, "got 1099511627776"),
        ({"dim": -1}, tonari.InvalidArgument, "dim: expected a whole number"),
        ({"dim": 8.0}, tonari.WrongType, "dim: expected a whole number, got float"),
        ({"dim": 12, "metric": "hamming"}, tonari.InvalidArgument, "dim: expected a multiple of eight"),
        ({"dim": 8, "metric": "hamming", "dtype": "float32"}, tonari.Unsupported, "hamming"),
        ({"dim": 8, "dtype": "bits"}, tonari.Unsupported, "bits"),
        ({"dim": 8, "dtype": "float64"}, tonari.InvalidArgument, 'dtype: expected one of "float32", "float16"'),
        ({"dim": 8, "dtype": np.float32}, tonari.WrongType, "dtype: expected a str, got type"),
        ({"dim": 8, "element": "bits"}, tonari.InvalidArgument, "mend: dtype='bits'"),
        ({"dim": 8, "ids": [1]}, tonari.InvalidArgument, "ids: expected None where there are no rows, got list"),
        ({"dim": 8, "ef_construction": 0}, tonari.InvalidArgument, "ef_construction"),
        ({"dim": 8, "threads": -1}, tonari.InvalidArgument, "threads"),
        ({"dim": 8, "progress": 5}, tonari.WrongType, "progress: expected a callable"),
        ({"dim": 8, "growing": 1}, tonari.WrongType, "growing: expected True or False, got int"),
        ({"dim": 8, "growing": None}, tonari.WrongType, "growing: expected True or False, got NoneType"),
        ({"dim": 8, "spec": "Flat"}, tonari.Unsupported, "expected one that grows"),
        ({"dim": 8, "spec": "HNSW1"}, tonari.Error, "HNSW"),
        ({"dim": 8, "metric": "euclid"}, tonari.InvalidArgument, "metric: expected one of"),
    ],
)
def test_beginnings_that_are_refused(keywords: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        tonari.build(**{"spec": "HNSW8", "growing": True, **keywords})
    assert message in str(caught.value)


@pytest.mark.parametrize("growing", [True, False])
@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"dim": 23}, "dim: expected 24, as the rows have, or None, got 23"),
        ({"dtype": "float16"}, 'dtype: expected "float32", as the rows are made of, or None, got "float16"'),
        ({"ids": []}, "ids: expected one per row, 500, got 0"),
        ({"ids": range(499)}, "ids: expected one per row, 500, got 499"),
    ],
)
def test_what_does_not_agree_with_the_rows(growing: bool, keywords: dict[str, Any], message: str, rows: Any) -> None:
    with pytest.raises(tonari.InvalidArgument) as caught:
        tonari.build("HNSW8", rows, growing=growing, **keywords)  # type: ignore[call-overload]
    assert str(caught.value) == message
    assert len(tonari.build("HNSW8", rows[:5], growing=growing, dim=24, dtype="float32")) == 5  # type: ignore[call-overload]


def test_what_is_not_to_be_built_grows_neither(rows: Any) -> None:
    with pytest.raises(tonari.Unsupported, match="expected one that grows"):
        tonari.build("Flat", rows, growing=True)
    broken = rows.copy()
    broken[37, 3] = np.nan
    with pytest.raises(tonari.InvalidArgument, match="37"):
        tonari.build("HNSW8", broken, growing=True)


def test_options_of_the_graph_are_kept(rows: Any) -> None:
    """More candidates make another graph of the rows that come later, and so does another seed."""

    def links(**keywords: Any) -> Any:
        index = tonari.build("HNSW4", growing=True, dim=DIM, **keywords)
        index.add(rows)
        return index.search(rows, k=20, ef=20, with_outcomes=True)[2]["distances"]

    usual = links()
    np.testing.assert_array_equal(links(), usual)
    assert (links(ef_construction=4) != usual).any()
    assert (links(seed=43) != usual).any()


def test_progress_of_a_build(rows: Any) -> None:
    seen: list[tuple[int, int]] = []
    tonari.build("HNSW8", rows, growing=True, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (500, 500) and seen == sorted(seen)

    def stop(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        tonari.build("HNSW8", rows, growing=True, progress=stop)


# --- Changing.


@pytest.mark.parametrize(("metric", "element"), CASES)
def test_a_life_of_every_kind_of_row(metric: Any, element: str) -> None:
    dim = 40
    first, later, changed = (table(element, 200, dim, seed) for seed in (1, 2, 3))
    queries = table(element, 10, dim, seed=4)
    index = tonari.build("HNSW8", growing=True, dim=dim, dtype=element, metric=metric)  # type: ignore[call-overload]
    assert index.add(first.array, **first.keywords).tolist() == list(range(200))
    living = Living(range(200), first.values)
    living.check(index, queries)
    index.add(later.array, ids=np.arange(1000, 1200), threads=2, **later.keywords)
    living.put(range(1000, 1200), later.values)
    living.check(index, queries)
    index.remove(np.arange(0, 200, 2))
    living.drop(range(0, 200, 2))
    living.check(index, queries)
    index.update(changed.array[:50], range(1000, 1050), **changed.keywords)
    living.put(range(1000, 1050), changed.values[:50])
    living.check(index, queries)
    index.add(changed.array[100:], ids=np.arange(100), replace=True, **changed.keywords)
    living.put(range(100), changed.values[100:])
    living.check(index, queries)
    living.check(index.freeze(), queries)


@pytest.mark.parametrize("seed", range(8))
def test_a_random_life(seed: int, tmp_path: Path) -> None:
    """Rows of few values, so that many are equal; every id and every distance is looked at after every change."""
    random = np.random.default_rng(seed)
    dim, most = (3, 2) if seed % 2 else (6, 3)

    def rows(count: int) -> Any:
        return random.integers(0, most, (count, dim), endpoint=True).astype(np.float32)

    def some(share: float) -> Any:
        held = np.array(sorted(living.rows), dtype=np.int64)
        return random.permutation(held)[: int(share * len(held))]

    index = tonari.build("HNSW4", growing=True, dim=dim, ef_construction=20)
    living = Living([], [])
    for _ in range(60):
        change = random.choice(["add", "add", "number", "update", "replace", "remove", "remove", "file", "tidy"])
        new = rows(int(random.integers(1, 30)))
        if change == "add":
            ids = np.setdiff1d(random.integers(0, 400, len(new)), list(living.rows))
            index.add(new[: len(ids)], ids, threads=int(random.integers(1, 3)))
            living.put(ids, new)
        elif change == "number":
            living.put(index.add(new), new)
        elif change == "update":
            ids = some(0.3)
            new = rows(len(ids))
            index.update(new, ids)
            living.put(ids, new)
        elif change == "replace":
            ids = random.permutation(400)[: len(new)]
            index.add(new, ids, replace=True)
            living.put(ids, new)
        elif change == "remove":
            ids = some(random.choice([0.1, 0.5, 1.0], p=[0.5, 0.4, 0.1]))
            index.remove(ids)
            living.drop(ids)
        elif change == "file" and living.rows:
            index.save(tmp_path / "a.tnr")
            index = tonari.open(tmp_path / "a.tnr", growing=True)
        else:
            index.tidy()
        assert len(index) == len(living.rows)
        if not living.rows:
            continue
        held = np.array(sorted(living.rows))
        values = np.stack([living.rows[id] for id in held.tolist()])
        query = rows(1)[0]
        truth = ((values - query) ** 2).sum(axis=1)
        allowed = some(random.choice([0.05, 0.5, 1.0]))
        asked: list[tonari.GrowingIndex | tonari.Index] = [index, index.freeze()]
        for each in asked:
            ids, far = each.search(query, k=len(held) + 3, ef=20)
            assert sorted(ids.tolist()) == [-1] * 3 + held.tolist()
            np.testing.assert_allclose(far[:-3], truth[np.searchsorted(held, ids[:-3])], rtol=1e-5)
            ids, far = each.search(query, k=len(held), ef=20, filter=allowed)
            assert sorted(ids[ids >= 0].tolist()) == sorted(allowed.tolist())
            np.testing.assert_allclose(far[ids >= 0], truth[np.searchsorted(held, ids[ids >= 0])], rtol=1e-5)
            _, ids, far = each.range_search(query, 2.0, ef=400)
            assert sorted(ids.tolist()) == held[truth <= 2.0].tolist()
        health = index.health()
        assert (health["ids"], health["vertices"]) == (len(held), len(np.unique(values, axis=0)))
        assert index.heal()["unreachable"] == 0


def test_bfloat16_of_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rows, queries = table("bfloat16", 100, 16, seed=1), table("bfloat16", 5, 16, seed=2)
    index = tonari.build("HNSW8", growing=True, dim=16, dtype="bfloat16")
    index.add(rows.array.view(ml_dtypes.bfloat16))
    index.update(rows.array[::-1].copy().view(ml_dtypes.bfloat16), range(100))
    Living(range(100), rows.values[::-1]).check(index, queries)


def test_one_row_at_a_time(empty: tonari.GrowingIndex, rows: Any) -> None:
    for i, row in enumerate(rows[:50]):
        added = empty.add(row)
        assert added.dtype == np.int64 and added.tolist() == [i]
    living = Living(range(50), rows[:50])
    for id in (3, np.int32(7), [9], np.array([11], dtype=np.uint8)):
        empty.remove(id)
        living.drop(np.atleast_1d(id))
    empty.update(rows[60], 5)
    empty.update(rows[61], [6])
    empty.update(rows[62:63], [8])
    living.put([5, 6, 8], rows[60:63])
    assert empty.add(rows[3], 3).tolist() == [3]
    assert empty.add(rows[64], np.int64(5), True).tolist() == [5]
    living.put([3, 5], rows[[3, 64]])
    living.check(empty, probe())


def test_numbers_go_on_above_all_that_ever_were(empty: tonari.GrowingIndex, rows: Any) -> None:
    assert empty.add(rows[:3]).tolist() == [0, 1, 2]
    assert empty.add(rows[3:5], ids=[10, 7]).tolist() == [10, 7]
    assert empty.add(rows[5]).tolist() == [11]
    empty.remove([11, 10])
    assert empty.add(rows[6:8]).tolist() == [12, 13]
    assert empty.add(rows[:0]).tolist() == []
    assert empty.add(rows[:0], ids=[]).tolist() == []
    empty.add(rows[8], ids=2**63 - 1)
    assert 2**63 - 1 in empty
    with pytest.raises(tonari.OutOfRange, match="name the ids"):
        empty.add(rows[9:12])
    assert len(empty) == 7


def test_given_ids_come_back_as_a_copy(empty: tonari.GrowingIndex, rows: Any) -> None:
    ids = np.array([5, 3])
    added = empty.add(rows[:2], ids)
    ids[:] = 0
    assert added.tolist() == [5, 3]
    added[:] = 1
    assert 5 in empty and 3 in empty and 0 not in empty


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint64, np.uint8])
def test_ids_of_every_integer_type(empty: tonari.GrowingIndex, rows: Any, dtype: Any) -> None:
    ids = np.arange(200, dtype=dtype)[::-1]
    assert empty.add(rows[:200], ids).tolist() == ids.tolist()
    empty.update(rows[200:300], ids[:100])
    empty.remove(ids[100:])
    Living(ids[:100], rows[200:300]).check(empty, probe())


def test_in_is_about_ids(grown: tonari.GrowingIndex) -> None:
    assert 0 in grown and np.int64(499) in grown
    assert 500 not in grown and -1 not in grown and 2**70 not in grown and -(2**70) not in grown
    grown.remove(7)
    assert 7 not in grown
    for wrong in ("a", 1.0, None):
        with pytest.raises(tonari.WrongType, match="id: expected a whole number, got"):
            wrong in grown  # type: ignore[operator]


def test_equal_rows_are_there_for_each_id(empty: tonari.GrowingIndex) -> None:
    row = np.ones((100, DIM), dtype=np.float32)
    empty.add(row)
    assert empty.health()["vertices"] == 1 and len(empty) == 100
    empty.remove(range(0, 100, 2))
    ids, far = empty.search(row[0], k=100)
    assert set(ids[:50].tolist()) == set(range(1, 100, 2)) and (ids[50:] == -1).all()
    empty.update(row[0] * 2, 1)
    assert empty.search(row[0] * 2, k=1)[0].tolist() == [1]


def test_equal_rows_where_others_have_left(empty: tonari.GrowingIndex, tmp_path: Path) -> None:
    """The places of rows that left say nothing of the ids that came for a row that is there."""
    rows = np.arange(1, 5, dtype=np.float32)[:, None] * np.eye(4, DIM, dtype=np.float32)
    empty.add(rows)
    empty.remove([1, 2])
    assert empty.tidy()
    empty.add(rows[[0, 0]], ids=[10, 11])
    living = Living([0, 3, 10, 11], rows[[0, 3, 0, 0]])
    living.check(empty, probe())
    living.check(empty.freeze(), probe())
    ids, far = empty.search(rows[0], k=4, filter=[10, 11])
    assert sorted(ids.tolist()) == [-1, -1, 10, 11] and far[:2].tolist() == [0, 0]
    offsets, ids, _ = empty.range_search(rows[0], 1e9, filter=[10, 11])
    assert sorted(ids.tolist()) == [10, 11]
    assert (empty.health()["ids"], empty.health()["unreachable"]) == (4, 0)
    empty.save(tmp_path / "a.tnr")
    living.check(tonari.open(tmp_path / "a.tnr", growing=True), probe())


def test_all_that_is_removed_may_come_again(grown: tonari.GrowingIndex, rows: Any) -> None:
    for _ in range(3):
        grown.remove(range(500))
        assert len(grown) == 0
        assert (grown.search(rows[:5], k=3)[0] == -1).all()
        grown.add(rows, ids=range(500))
        Living(range(500), rows).check(grown, probe())


def test_what_is_not_there_is_not_found(grown: tonari.GrowingIndex, rows: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: grown.remove(1234),
        lambda: grown.remove([3, 1234]),
        lambda: grown.update(rows[0], 1234),
        lambda: grown.update(rows[:2], [3, 1234]),
    ]
    for call in calls:
        with pytest.raises(tonari.NotFound, match="1234"):
            call()
    Living(range(500), rows).check(grown, probe())


def test_what_is_there_already_is_refused(grown: tonari.GrowingIndex, rows: Any) -> None:
    for call in (lambda: grown.add(rows[0], 77), lambda: grown.add(rows[:2], ids=[1000, 77])):
        with pytest.raises(tonari.AlreadyExists, match="77.*replace"):
            call()
    for call in (
        lambda: grown.add(rows[:3], ids=[600, 601, 600]),
        lambda: grown.add(rows[:3], ids=[600, 601, 600], replace=True),
    ):
        with pytest.raises(tonari.AlreadyExists, match="600"):
            call()
    for again in (lambda: grown.update(rows[:3], [5, 6, 5]), lambda: grown.remove([5, 6, 5])):
        with pytest.raises(tonari.AlreadyExists, match="5 more than once"):
            again()
    Living(range(500), rows).check(grown, probe())


def nan_at(row: int) -> Any:
    rows = np.ones((4, DIM), dtype=np.float32)
    rows[row, 3] = np.nan
    return rows


GOOD = np.arange(4 * DIM, dtype=np.float32).reshape(4, DIM)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (GOOD[:, :23].copy(), tonari.InvalidArgument, "expected rows of 24 dimensions, as the index has, got 23"),
        (GOOD[0, :23].copy(), tonari.InvalidArgument, "got 23"),
        (GOOD.astype(np.float64), tonari.WrongType, "rows: expected float32, float16"),
        (GOOD.astype(np.int8), tonari.WrongType, "rows: expected float32, as the index takes, got int8"),
        (GOOD.astype(np.float16), tonari.WrongType, "rows: expected float32, as the index takes, got float16"),
        (GOOD.astype(np.uint16), tonari.WrongType, 'element="bfloat16"'),
        (GOOD.astype(">f4"), tonari.WrongType, "byte order"),
        (GOOD.tolist(), tonari.WrongType, "rows: expected a numpy array, got list"),
        (None, tonari.WrongType, "rows: expected a numpy array, got NoneType"),
        (np.ma.masked_less(GOOD, 3), tonari.WrongType, "masked"),
        (nan_at(2), tonari.InvalidArgument, "2"),
        (np.full((4, DIM), np.inf, dtype=np.float32), tonari.InvalidArgument, "inf"),
        (np.full(DIM, 3e38, dtype=np.float32), tonari.InvalidArgument, "overflow"),
        (np.zeros((4, 2 * DIM), dtype=np.float32)[:, ::2], tonari.InvalidArgument, "mend: np.ascontiguousarray(rows)"),
        (np.asfortranarray(GOOD), tonari.InvalidArgument, "mend: np.ascontiguousarray(rows)"),
        (GOOD[::-1], tonari.InvalidArgument, "mend: np.ascontiguousarray(rows)"),
        (GOOD.reshape(2, 2, DIM), tonari.InvalidArgument, "3-D"),
        (np.float32(1), tonari.WrongType, "rows: expected a numpy array"),
    ],
)
def test_rows_that_are_refused(
    grown: tonari.GrowingIndex, given: Any, error: type[Exception], message: str
) -> None:
    count = 4 if getattr(given, "ndim", 2) > 1 else 1
    for call in (
        lambda: grown.add(given),
        lambda: grown.add(given, ids=range(1000, 1000 + count)),
        lambda: grown.add(given, ids=range(count), replace=True),
        lambda: grown.update(given, range(count)),
    ):
        with pytest.raises(error) as caught:
            call()
        assert message in str(caught.value)
    assert len(grown) == 500


def test_rows_apart_are_taken_in_place(empty: tonari.GrowingIndex, rows: Any) -> None:
    wide = np.zeros((200, DIM + 8), dtype=np.float32)
    wide[:, :DIM] = rows[:200]
    empty.add(wide[:, :DIM])
    empty.add(rows[200:400:2])
    Living(range(300), np.concatenate([rows[:200], rows[200:400:2]])).check(empty, probe())


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([1000], tonari.InvalidArgument, "ids: expected one per row, 2, got 1"),
        ([], tonari.InvalidArgument, "ids: expected one per row, 2, got 0"),
        (range(1000, 1003), tonari.InvalidArgument, "ids: expected one per row, 2, got 3"),
        (1000, tonari.WrongType, "ids: expected a 1-D array of whole numbers, got 0-D (int)"),
        ([1000, -3], tonari.InvalidArgument, "-3"),
        ([1000.0, 1001.0], tonari.WrongType, "expected whole numbers, got float64"),
        ([True, False], tonari.WrongType, "got bool"),
        (["a", "b"], tonari.WrongType, "expected whole numbers"),
        ({1000, 1001}, tonari.WrongType, "np.asarray(list(ids), dtype=np.int64)"),
        (np.array([1000, 2**63], dtype=np.uint64), tonari.InvalidArgument, "got 9223372036854775808"),
    ],
)
def test_ids_that_are_refused(
    grown: tonari.GrowingIndex, rows: Any, ids: Any, error: type[Exception], message: str
) -> None:
    for call in (
        lambda: grown.add(rows[:2], ids),
        lambda: grown.add(rows[:2], ids, replace=True),
        lambda: grown.update(rows[:2], ids),
    ):
        with pytest.raises(error) as caught:
            call()
        assert message in str(caught.value)
    assert len(grown) == 500


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (-1, tonari.InvalidArgument, "ids: expected a whole number from 0 to 2^63 - 1, got -1"),
        (2**63, tonari.InvalidArgument, "got 9223372036854775808"),
        ([-1], tonari.InvalidArgument, "-1"),
        (1.0, tonari.WrongType, "0-D (float)"),
        (True, tonari.WrongType, "0-D (bool)"),
        (None, tonari.WrongType, "ids: expected"),
        ("7", tonari.WrongType, "ids: expected"),
        (np.array(7), tonari.WrongType, "0-D"),
        ([[7]], tonari.WrongType, "2-D"),
        ([7.0], tonari.WrongType, "float64"),
    ],
)
def test_one_id_that_is_refused(
    grown: tonari.GrowingIndex, rows: Any, ids: Any, error: type[Exception], message: str
) -> None:
    calls: list[Callable[[], object]] = [lambda: grown.remove(ids), lambda: grown.update(rows[0], ids)]
    if ids is not None:  # which asks for a number
        calls.append(lambda: grown.add(rows[0], ids))
    for call in calls:
        with pytest.raises(error) as caught:
            call()
        assert message in str(caught.value)
    assert len(grown) == 500


def test_nothing_to_do_is_nothing_done(grown: tonari.GrowingIndex, rows: Any) -> None:
    grown.remove([])
    grown.update(rows[:0], [])
    grown.add(rows[:0], ids=[], replace=True)
    for call in (lambda: grown.add(rows[:0], ids=[1, 2]), lambda: grown.update(rows[:0], [1])):
        with pytest.raises(tonari.InvalidArgument, match="ids: expected one per row, 0, got"):
            call()
    Living(range(500), rows).check(grown, probe())


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"threads": -1}, tonari.InvalidArgument, "threads: expected a whole number"),
        ({"threads": 1.5}, tonari.WrongType, "threads: expected a whole number, got float"),
        ({"progress": 5}, tonari.WrongType, "progress: expected a callable"),
        ({"element": "half"}, tonari.InvalidArgument, "element: expected one of"),
        ({"element": "bits"}, tonari.WrongType, 'element="bits" expects an array of uint8, got float32'),
        ({"recall": 0.9}, TypeError, "recall"),
    ],
)
def test_options_that_are_refused(
    grown: tonari.GrowingIndex, rows: Any, keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    for call in (
        lambda: grown.add(rows[:2], **keywords),
        lambda: grown.update(rows[:2], [1, 2], **keywords),
    ):
        with pytest.raises(error) as caught:
            call()
        assert message in str(caught.value)
    assert len(grown) == 500


def test_replacing_wants_ids_and_a_yes_or_no(grown: tonari.GrowingIndex, rows: Any) -> None:
    with pytest.raises(tonari.InvalidArgument, match="replace: expected ids, whose rows are replaced, got ids=None"):
        grown.add(rows[:2], replace=True)
    for wrong in (1, None, "yes", [1]):
        with pytest.raises(tonari.WrongType, match="replace: expected True or False, got"):
            grown.add(rows[:2], range(2), replace=wrong)  # type: ignore[arg-type]
    grown.add(rows[:2], range(2), replace=np.bool_(True))  # type: ignore[arg-type]


def test_progress_of_adding(empty: tonari.GrowingIndex, rows: Any) -> None:
    for call in (
        lambda report: empty.add(rows, progress=report),
        lambda report: empty.add(rows, ids=range(500), replace=True, progress=report),
        lambda report: empty.update(rows, range(500), progress=report),
    ):
        seen: list[tuple[int, int]] = []
        call(lambda done, total: seen.append((done, total)))
        assert seen and seen[-1] == (500, 500) and seen == sorted(seen)


def test_progress_of_many_threads(empty: tonari.GrowingIndex, rows: Any) -> None:
    seen: list[tuple[int, int]] = []
    empty.add(rows, threads=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen) and all(0 < done <= total == 500 for done, total in seen)


def test_an_error_in_progress_comes_out_when_all_is_in(empty: tonari.GrowingIndex, rows: Any) -> None:
    calls = 0

    def stop(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        empty.add(rows, progress=stop)
    assert calls == 1
    Living(range(500), rows).check(empty, probe())


def test_progress_may_change_the_index(empty: tonari.GrowingIndex, rows: Any) -> None:
    later = iter(range(10_000, 20_000))
    empty.add(rows[:100], progress=lambda done, total: empty.add(rows[done], next(later)))
    assert len(empty) == 100 + next(later) - 10_000


# --- Asking.


FORMS: list[Any] = [
    np.arange(0, 500, 7),
    np.arange(0, 500, 7).tolist(),
    np.arange(0, 500, 7, dtype=np.uint64)[::-1],
    np.concatenate([np.arange(0, 500, 7), [-5, 10**12]]),
    np.arange(500) % 7 == 0,
    (np.arange(500) % 7 == 0).tolist(),
    lambda id: id % 7 == 0,
]


@pytest.mark.parametrize("filter", FORMS)
def test_filters_of_every_form(grown: tonari.GrowingIndex, rows: Any, queries: Any, filter: Any) -> None:
    allowed = np.arange(0, 500, 7)
    truth = np.sort(distances("l2", rows[allowed].astype(np.float64), queries.astype(np.float64)), axis=1)
    for given in (filter, grown.prepare(filter)):
        ids, far = grown.search(queries, k=10, ef=500, filter=given)
        np.testing.assert_allclose(far, truth[:, :10], rtol=1e-5)
        assert np.isin(ids, allowed).all()
    grown.remove(allowed[::2])
    ids, far = grown.search(queries, k=100, ef=500, filter=filter)
    for found in ids:
        assert set(found.tolist()) == {*allowed[1::2].tolist(), -1}


def test_a_filter_prepared_before_an_add(empty: tonari.GrowingIndex, rows: Any) -> None:
    empty.add(rows[:100])
    listed = empty.prepare(np.arange(90, 110))
    masked = empty.prepare(np.ones(500, dtype=bool))
    asked = empty.prepare(lambda id: id >= 90)
    empty.add(rows[100:])

    def passing(filter: Any, query: Any = rows[0]) -> set[int]:
        return set(empty.search(query, k=500, ef=500, filter=filter)[0].tolist()) - {-1}

    assert passing(listed) == set(range(90, 110))  # those that are listed pass whenever they come
    assert passing(masked) == set(range(100))  # what was asked speaks of the ids of its moment
    assert passing(asked) == set(range(90, 100))
    empty.remove(range(95, 105))
    assert passing(listed) == {*range(90, 95), *range(105, 110)}
    assert passing(asked) == set(range(90, 95))
    empty.add(rows[95], 95)
    assert 95 in passing(listed) and 95 in passing(asked)
    offsets, ids, _ = empty.range_search(rows[0], 1e9, filter=listed)
    assert set(ids.tolist()) == passing(listed)


def test_a_filter_prepared_when_there_was_nothing(empty: tonari.GrowingIndex, rows: Any) -> None:
    listed, masked = empty.prepare([3, 5, 700]), empty.prepare(np.ones(10, dtype=bool))
    assert len(masked) == 0
    empty.add(rows)
    assert empty.search(rows[3], k=3, filter=listed)[0].tolist()[0] == 3
    assert set(empty.search(rows[3], k=3, filter=listed)[0].tolist()) == {3, 5, -1}
    assert empty.search(rows[3], k=3, filter=masked)[0].tolist() == [-1] * 3


def test_a_filter_of_another_index_is_refused(grown: tonari.GrowingIndex, rows: Any, queries: Any) -> None:
    frozen = grown.freeze()
    with pytest.raises(tonari.InvalidArgument, match="expected a RowFilter of this index"):
        frozen.search(queries, filter=grown.prepare([1]))
    with pytest.raises(tonari.InvalidArgument, match="expected a RowFilter of this index"):
        grown.search(queries, filter=frozen.prepare([1]))


def test_a_callable_may_change_what_it_is_asked_about(grown: tonari.GrowingIndex, queries: Any) -> None:
    asked: list[int] = []

    def allow(id: int) -> bool:
        asked.append(id)
        if id % 2:
            grown.remove(id)
        return True

    prepared = grown.prepare(allow)
    assert sorted(asked) == list(range(500))
    assert len(grown) == 250 and len(prepared) > 0
    ids, _ = grown.search(queries, k=300, ef=500, filter=prepared)
    for found in ids:
        assert set(found.tolist()) == {*range(0, 500, 2), -1}


def test_an_error_in_a_callable_comes_out(grown: tonari.GrowingIndex, queries: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        grown.search(queries, filter=lambda id: 1 // 0)
    grown.remove(range(100))
    assert grown.tidy()


def test_range_search(grown: tonari.GrowingIndex, rows: Any, queries: Any) -> None:
    grown.remove(range(0, 500, 3))
    kept = np.setdiff1d(np.arange(500), np.arange(0, 500, 3))
    truth = distances("l2", rows[kept].astype(np.float64), queries.astype(np.float64))
    radius = float(np.quantile(truth, 0.2))
    offsets, ids, far = grown.range_search(queries, radius, ef=500, threads=2)
    for q, row in enumerate(truth):
        assert set(ids[offsets[q] : offsets[q + 1]].tolist()) == set(kept[row <= radius].tolist())
        np.testing.assert_allclose(far[offsets[q] : offsets[q + 1]], np.sort(row[row <= radius]), rtol=1e-5)
    with pytest.warns(tonari.IncompleteWarning, match="more rows within the radius than `cap`"):
        offsets, ids, _ = grown.range_search(queries, 1e9, cap=5)
    assert np.diff(offsets).tolist() == [5] * len(queries)
    with pytest.raises(tonari.InvalidArgument, match="radius: expected a finite number"):
        grown.range_search(queries, float("nan"))


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"k": 0}, tonari.InvalidArgument, "k of at least 1, got 0"),
        ({"k": -1}, tonari.InvalidArgument, "k: expected a whole number"),
        ({"ef": 0}, tonari.InvalidArgument, "ef of at least 1, got 0"),
        ({"timeout": -1}, tonari.InvalidArgument, "timeout"),
        ({"filter": 7}, tonari.WrongType, "filter: expected"),
        ({"element": "bits"}, tonari.WrongType, "element"),
    ],
)
def test_searches_that_are_refused(
    grown: tonari.GrowingIndex, queries: Any, keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    for asked in (queries, queries[0]):
        with pytest.raises(error) as caught:
            grown.search(asked, **keywords)
        assert message in str(caught.value)


def test_queries_that_are_refused(grown: tonari.GrowingIndex, queries: Any) -> None:
    with pytest.raises(tonari.InvalidArgument, match="expected queries of 24 dimensions, as the index has, got 23"):
        grown.search(queries[:, :23].copy())
    with pytest.raises(tonari.WrongType, match="queries: expected float32, as the index takes, got int8"):
        grown.search(queries.astype(np.int8))
    with pytest.raises(tonari.InvalidArgument, match="finite"):
        grown.search(queries * np.float32(np.nan))


def test_batches_single_queries_and_outcomes_agree(grown: tonari.GrowingIndex, queries: Any) -> None:
    ids, far, outcomes = grown.search(queries, k=7, threads=3, with_outcomes=True)
    assert ids.shape == far.shape == (20, 7) and outcomes["complete"].all()
    for query, want, distance in zip(queries, ids, far):
        got = grown.search(query, k=7)
        np.testing.assert_array_equal(got[0], want)
        np.testing.assert_allclose(got[1], distance, rtol=1e-5)
    wide, _ = grown.search(queries[0], k=10**6)
    assert set(wide[:500].tolist()) == set(range(500)) and (wide[500:] == -1).all()


def test_no_more_is_answered_than_there_is_room_for(grown: tonari.GrowingIndex, queries: Any) -> None:
    for asked in (queries, queries[0]):
        with pytest.raises(tonari.OutOfMemory):
            grown.search(asked, k=2**62)


# --- Keeping.


@pytest.mark.parametrize("residency", ["map", "load"])
def test_what_is_saved_comes_back(
    grown: tonari.GrowingIndex, rows: Any, queries: Any, residency: Any, tmp_path: Path
) -> None:
    path = tmp_path / "living.tnr"
    grown.remove(range(0, 500, 5))
    living = Living(range(500), rows)
    living.drop(range(0, 500, 5))
    grown.save(path)
    tonari.verify(path)
    frozen = tonari.open(path, residency=residency)
    assert isinstance(frozen, tonari.Index)
    living.check(frozen, probe())
    for got, want in zip(frozen.search(queries), grown.freeze().search(queries)):
        np.testing.assert_array_equal(got, want)

    again = tonari.open(path, residency, growing=True)
    assert isinstance(again, tonari.GrowingIndex)
    assert (again.spec, again.dim, again.metric, again.dtype) == ("HNSW8", DIM, "l2", "float32")
    living.check(again, probe())
    path.unlink()
    assert again.add(queries).tolist() == list(range(500, 520))
    again.remove(range(1, 500, 5))
    living.put(range(500, 520), queries)
    living.drop(range(1, 500, 5))
    living.check(again, probe())
    assert len(grown) == 400 and len(frozen) == 400


def test_a_built_graph_opens_growing(rows: Any, tmp_path: Path) -> None:
    ids = np.arange(500) * 2
    tonari.build("HNSW16,FP16", rows, ids=ids, metric="cosine").save(tmp_path / "a.tnr")
    index = tonari.open(tmp_path / "a.tnr", growing=True, ef_construction=50, seed=7)
    assert (index.spec, index.metric, index.dtype, len(index)) == ("HNSW16,FP16", "cosine", "float16", 500)
    assert index.add(rows[:2] + 1).tolist() == [999, 1000]
    assert index.search(rows[3], k=1)[0].tolist() == [6]


def test_options_for_later_rows_are_kept(rows: Any, tmp_path: Path) -> None:
    tonari.build("HNSW4", rows[:50]).save(tmp_path / "a.tnr")

    def links(**keywords: Any) -> Any:
        index = tonari.open(tmp_path / "a.tnr", growing=True, **keywords)
        index.add(rows[50:])
        return index.search(rows, k=20, ef=20, with_outcomes=True)[2]["distances"]

    usual = links()
    np.testing.assert_array_equal(links(ef_construction=200, seed=42), usual)
    assert (links(ef_construction=4) != usual).any()
    assert (links(seed=43) != usual).any()


def test_files_that_do_not_grow(rows: Any, tmp_path: Path) -> None:
    tonari.build("Flat", rows).save(tmp_path / "flat.tnr")
    with pytest.raises(tonari.Unsupported, match="expected one that grows"):
        tonari.open(tmp_path / "flat.tnr", growing=True)
    with pytest.raises(tonari.Error, match="none.tnr"):
        tonari.open(tmp_path / "none.tnr", growing=True)
    tonari.build("HNSW8", rows).save(tmp_path / "graph.tnr")
    for keywords, error, message in (
        ({"growing": 1}, tonari.WrongType, "growing: expected True or False, got int"),
        ({"ef_construction": 5}, tonari.InvalidArgument, "ef_construction: expected None.*mend: growing=True"),
        ({"seed": 5}, tonari.InvalidArgument, "seed: expected None.*got 5; mend: growing=True"),
        ({"growing": True, "ef_construction": 0}, tonari.InvalidArgument, "ef_construction of at least 1, got 0"),
        ({"growing": True, "seed": -1}, tonari.InvalidArgument, "seed: expected a whole number"),
        ({"growing": True, "residency": "disk"}, tonari.InvalidArgument, "residency"),
    ):
        with pytest.raises(error, match=message):
            tonari.open(tmp_path / "graph.tnr", **keywords)  # type: ignore[call-overload]


def test_flipped_files_are_harmless(rows: Any, queries: Any, tmp_path: Path) -> None:
    path = tmp_path / "whole.tnr"
    tonari.build("HNSW8", rows[:200]).save(path)
    whole = path.read_bytes()
    flipped = tmp_path / "flipped.tnr"
    opened = 0
    for place in [*range(0, 512, 16), *range(512, len(whole), len(whole) // 150)]:
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        flipped.write_bytes(damaged)
        try:
            index = tonari.open(flipped, growing=True)
            index.search(queries)
            index.add(rows[200:220])
            index.remove(range(0, 50))
            index.tidy()
            index.search(queries)
            index.freeze().search(queries)
            opened += 1
        except tonari.Error:
            pass
    assert opened > 0
    for length in (0, 64, len(whole) // 2, len(whole) - 1):
        flipped.write_bytes(whole[:length])
        with pytest.raises(tonari.Corrupt):
            tonari.open(flipped, growing=True)


def test_what_is_empty_is_not_saved(empty: tonari.GrowingIndex, tmp_path: Path) -> None:
    with pytest.raises(tonari.NotFound, match="expected at least one row"):
        empty.freeze()
    with pytest.raises(tonari.NotFound, match="expected at least one row"):
        empty.save(tmp_path / "a.tnr")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(tonari.WrongType, match="path: expected str, bytes or os.PathLike, got "):
        empty.save(3)  # type: ignore[arg-type]


def test_a_frozen_index_stays_as_it_was(grown: tonari.GrowingIndex, rows: Any, queries: Any) -> None:
    frozen = grown.freeze()
    want = frozen.search(queries)
    grown.remove(range(400))
    grown.update(rows[:100], range(400, 500))
    Living(range(500), rows).check(frozen, probe())
    for got, expected in zip(frozen.search(queries), want):
        np.testing.assert_array_equal(got, expected)
    del grown
    gc.collect()
    assert len(frozen) == 500 and frozen.spec == "HNSW8"


def test_health_and_tidiness(grown: tonari.GrowingIndex, rows: Any) -> None:
    keys = {"ids", "vertices", "waiting", "free", "unreachable", "mean_degree"}
    health = grown.health()
    assert set(health) == keys
    assert (health["ids"], health["vertices"], health["waiting"], health["free"]) == (500, 500, 0, 0)
    assert health["unreachable"] == 0 and 0 < health["mean_degree"] <= 16
    grown.remove(range(200))
    assert grown.tidy() is True
    health = grown.health()
    assert (health["ids"], health["vertices"], health["waiting"], health["free"]) == (300, 300, 0, 200)
    assert set(grown.heal()) == keys
    assert grown.heal()["unreachable"] == 0
    grown.add(rows[:200])
    assert grown.health()["free"] == 0


def test_copies_and_pickles_are_refused(grown: tonari.GrowingIndex) -> None:
    for make in (copy.copy, copy.deepcopy):
        with pytest.raises(tonari.WrongType, match=r"cannot be copied; mend: index\.freeze\(\) .*growing=True"):
            make(grown)
    with pytest.raises(tonari.WrongType, match=r"cannot be pickled; mend: index\.save\(path\) here, .*growing=True"):
        pickle.dumps(grown)


# --- Memory.


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
    health = index.heal()
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


# --- Threads.


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
        "heal": lambda: index.heal(),
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
            index.heal()
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
    assert index.heal()["unreachable"] == 0


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
    health = index.heal()
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
