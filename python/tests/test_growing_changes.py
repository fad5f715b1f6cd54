"""GrowingIndex: rows come, go and change, against NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from growing import CASES, DIM, GOOD, Living, nan_at, probe
from oracle import table
from test_threads import lets_others_run, no_forced_switches  # noqa: F401 (a fixture)


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
        distinct = len(np.unique(values, axis=0))
        assert health["ids"] == len(held)
        assert distinct <= health["vertices"] <= 2 * distinct  # two threads may add a new row at the same time
        assert health["unreachable"] == 0


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
