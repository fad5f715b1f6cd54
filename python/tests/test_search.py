"""The batch call and the single query: shapes, options, outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari
from oracle import check_exact


def test_shapes_and_types(index: tonari.Index, queries: Any) -> None:
    ids, distances = index.search(queries, k=7)
    assert ids.shape == distances.shape == (20, 7)
    assert ids.dtype == np.int64 and distances.dtype == np.float32


def test_one_query_gives_one_answer(index: tonari.Index, queries: Any) -> None:
    ids, distances = index.search(queries, k=5)
    for query, want_ids, want_distances in zip(queries, ids, distances):
        got_ids, got_distances = index.search(query, k=5)
        assert got_ids.shape == (5,)
        np.testing.assert_array_equal(got_ids, want_ids)
        np.testing.assert_allclose(got_distances, want_distances, rtol=1e-5)


def test_no_queries(index: tonari.Index) -> None:
    ids, distances = index.search(np.zeros((0, 24), dtype=np.float32), k=5)
    assert ids.shape == distances.shape == (0, 5)
    offsets, ids, distances = index.range_search(np.zeros((0, 24), dtype=np.float32), 1.0)
    assert offsets.tolist() == [0] and ids.size == distances.size == 0


def test_more_than_there_are(index: tonari.Index, rows: Any, queries: Any) -> None:
    ids, distances = index.search(queries, k=600)
    for found in ids:
        assert set(found[:500].tolist()) == set(range(500))
    assert (ids[:, 500:] == -1).all()
    assert np.isposinf(distances[:, 500:]).all()
    check_exact((ids[:, :500], distances[:, :500]), "l2", rows.astype(np.float64), queries.astype(np.float64))


def test_wide_walks_are_exact(index: tonari.Index, rows: Any, queries: Any) -> None:
    check_exact(index.search(queries, k=10, ef=500), "l2", rows.astype(np.float64), queries.astype(np.float64))


@pytest.mark.parametrize("threads", [0, 2, 5])
def test_threads_change_nothing(index: tonari.Index, queries: Any, threads: int) -> None:
    many = np.tile(queries, (10, 1))
    want = index.search(many, k=10)
    got = index.search(many, k=10, threads=threads)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"k": 0}, tonari.InvalidArgument, "k of at least 1, got 0"),
        ({"k": -1}, tonari.InvalidArgument, "k: expected a whole number from 0 to 2^63 - 1, got -1"),
        ({"k": 2.0}, tonari.WrongType, "k: expected a whole number, got float"),
        ({"k": 2**60}, tonari.OutOfMemory, ""),
        ({"ef": 0}, tonari.InvalidArgument, "ef of at least 1, got 0"),
        ({"ef": None}, tonari.WrongType, "ef: expected a whole number, got NoneType"),
        ({"threads": -2}, tonari.InvalidArgument, "threads"),
        ({"timeout": -1}, tonari.InvalidArgument, "timeout: expected seconds, 0 or more, got -1"),
        ({"timeout": float("nan")}, tonari.InvalidArgument, "timeout: expected a finite number, got nan"),
        ({"timeout": "1s"}, tonari.WrongType, "timeout: expected a number, got str"),
        ({"recall": 0.9}, TypeError, "recall"),
    ],
)
def test_options_that_are_refused(
    index: tonari.Index, queries: Any, keywords: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        index.search(queries, **keywords)
    assert message in str(caught.value)


def test_one_query_is_held_to_the_same(index: tonari.Index, queries: Any) -> None:
    broken = queries[0].copy()
    broken[3] = np.nan
    refused: list[tuple[Any, dict[str, Any]]] = [
        (queries[0], {"k": 0}),
        (queries[0], {"ef": 0}),
        (queries[0], {"k": 2**60}),
        (queries[0][:-1], {}),
        (queries[0][::2], {}),
        (broken, {}),
    ]
    for query, keywords in refused:
        with pytest.raises((tonari.InvalidArgument, tonari.OutOfMemory)):
            index.search(query, **keywords)


def test_numpy_numbers_are_numbers(index: tonari.Index, queries: Any) -> None:
    ids, _ = index.search(queries, k=np.int32(3), ef=np.uint8(50), timeout=np.float32(60))
    assert ids.shape == (20, 3)


def test_outcomes(index: tonari.Index, queries: Any) -> None:
    ids, _, outcomes = index.search(queries, k=3, with_outcomes=True)
    assert len(outcomes) == len(ids) == 20
    assert outcomes.dtype.names == ("complete", "truncated", "exact", "hops", "distances", "refined")
    assert outcomes["complete"].all() and not outcomes["truncated"].any()
    assert (outcomes["distances"] > 0).all()
    if index.spec == "Flat":
        assert outcomes["exact"].all() and (outcomes["distances"] == 500).all()
    else:
        assert (outcomes["hops"] > 0).all()
    _, _, outcome = index.search(queries[0], k=3, with_outcomes=True)
    assert outcome.shape == () and bool(outcome["complete"])


def test_a_timeout_that_has_passed_is_told() -> None:
    rows = np.random.default_rng(1).standard_normal((20_000, 64)).astype(np.float32)
    index = tonari.build("Flat", rows)
    _, _, outcomes = index.search(rows[:50], timeout=0, with_outcomes=True)
    assert not outcomes["complete"].all()
    with pytest.warns(tonari.IncompleteWarning, match="of 50 queries had been answered in full; with_outcomes=True"):
        index.search(rows[:50], timeout=0)
    _, _, outcomes = index.search(rows[:50], timeout=1e12, with_outcomes=True)
    assert outcomes["complete"].all()


def test_numbers_in_the_answers_are_the_callers(index: tonari.Index, queries: Any) -> None:
    ids, distances = index.search(queries, k=4)
    ids += 1
    distances *= 2
    again, _ = index.search(queries, k=4)
    np.testing.assert_array_equal(again, ids - 1)


def test_lists_are_looked_at_as_far_as_nprobe_says(rows: Any, queries: Any) -> None:
    index = tonari.build("IVF20,Flat", rows)
    assert index.spec == "IVF20,Flat"
    truth, _ = tonari.build("Flat", rows).search(queries, k=10)
    found = []
    for nprobe in (1, 5, 20):
        ids, distances = index.search(queries, k=10, nprobe=nprobe)
        assert (np.diff(distances, axis=1) >= 0).all() and (ids >= 0).all()
        found.append(np.mean([len(set(a) & set(b)) for a, b in zip(ids.tolist(), truth.tolist())]))
    assert found[0] < found[1] <= found[2] == 10
    one, _ = index.search(queries[0], k=10, nprobe=20)
    np.testing.assert_array_equal(one, truth[0])
    assert sorted(id for id, _ in index.cursor(queries[0], nprobe=2)) == list(range(500))
    offsets, ids, _ = index.range_search(queries, radius=1e9, nprobe=1)
    assert offsets[-1] == len(ids) == 500 * len(queries)
    for ask in (index.search, index.cursor):
        with pytest.raises(tonari.InvalidArgument, match="nprobe of at least 1"):
            ask(queries[0], nprobe=0)
    with pytest.raises(tonari.InvalidArgument, match="expected at least 501 rows"):
        tonari.build("IVF501,Flat", rows)


def test_lists_that_are_graphs_are_walked_as_far_as_nprobe_and_ef_say(rows: Any, queries: Any, tmp_path: Any) -> None:
    index = tonari.build("IVF2,HNSW2", rows)
    assert index.spec == "IVF2,HNSW2"
    truth, _ = tonari.build("Flat", rows).search(queries, k=10)
    distances_of = {}
    for nprobe, ef in ((1, 10), (2, 10), (2, 500)):
        ids, distances, outcomes = index.search(queries, k=10, nprobe=nprobe, ef=ef, with_outcomes=True)
        assert (np.diff(distances, axis=1) >= 0).all() and (ids >= 0).all()
        distances_of[nprobe, ef] = outcomes["distances"].sum()
    np.testing.assert_array_equal(ids, truth)  # all of both is everything
    assert distances_of[1, 10] < distances_of[2, 10] < distances_of[2, 500]
    assert sorted(id for id, _ in index.cursor(queries[0], ef=5, nprobe=1)) == list(range(500))
    offsets, ids, _ = index.range_search(queries, radius=1e9, nprobe=1)
    assert offsets[-1] == len(ids) == 500 * len(queries)
    ids, _ = index.search(queries, k=500, nprobe=1, ef=1, filter=np.arange(0, 500, 3))
    assert ((ids >= 0).sum(axis=1) == 167).all() and (ids[ids >= 0] % 3 == 0).all()
    index.save(tmp_path / "cells.tnr")
    again, _ = tonari.open(tmp_path / "cells.tnr").search(queries, k=10)
    np.testing.assert_array_equal(again, index.search(queries, k=10)[0])
    for wrong in ({"nprobe": 0}, {"ef": 0}):
        with pytest.raises(tonari.InvalidArgument, match="of at least 1"):
            index.search(queries[0], **wrong)
    with pytest.raises(tonari.InvalidArgument, match="'RaBitQ' goes with IVF<lists> alone"):
        tonari.build("IVF20,HNSW8,RaBitQ", rows)
