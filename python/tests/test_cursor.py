"""Cursors: batches, iteration, filters, threads, and a growing index's moment."""

from __future__ import annotations

import gc
import itertools
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import distances


def test_batches_are_what_a_search_answers(index: tonari.Index, rows: Any, queries: Any) -> None:
    for query in queries[:5]:
        ids, found = index.search(query, k=30, ef=64)
        cursor = index.cursor(query, ef=64)
        first_ids, first = cursor.next(30)
        assert first_ids.dtype == np.int64 and first.dtype == np.float32
        np.testing.assert_array_equal(first_ids, ids)
        np.testing.assert_array_equal(first, found)
        rest_ids, _ = cursor.next(1000)
        assert cursor.done
        assert sorted(np.concatenate([first_ids, rest_ids])) == list(range(500))
        assert [len(part) for part in cursor.next(5)] == [0, 0]


def test_iteration_gives_pairs_and_goes_on_where_next_was(flat: tonari.Index, rows: Any, queries: Any) -> None:
    order = np.argsort(distances("l2", rows.astype(np.float64), queries[:1].astype(np.float64))[0], kind="stable")
    cursor = flat.cursor(queries[0])
    begun = [id for id, _ in itertools.islice(cursor, 5)]
    batch, _ = cursor.next(40)  # some of which iteration had fetched ahead
    rest = list(cursor)
    assert begun + batch.tolist() + [id for id, _ in rest] == order.tolist()
    assert all(type(id) is int and type(distance) is float for id, distance in rest)
    assert cursor.late == 0 and cursor.done
    assert list(cursor) == []


def test_until_the_caller_has_enough(index: tonari.Index, queries: Any) -> None:
    wanted = list(itertools.islice((id for id, _ in index.cursor(queries[1]) if id % 50 == 3), 4))
    assert len(wanted) == 4 and all(id % 50 == 3 for id in wanted)


def test_strict_batches_never_fall_back(queries: Any) -> None:
    rows = np.random.default_rng(9).standard_normal((3000, 24)).astype(np.float32)
    graph = tonari.build("HNSW4", rows)
    late = 0
    for query in queries:
        cursor = graph.cursor(query, ef=1, strict=True)
        found = [distance for _, distance in cursor]
        assert found == sorted(found)
        assert len(found) + cursor.late == 3000
        late += cursor.late
        loose = graph.cursor(query, ef=1)
        assert len(list(loose)) == 3000
    assert late > 0


@pytest.mark.parametrize(
    "filter", [np.arange(0, 500, 2), [3, 4, 5], lambda id: id < 100, np.arange(500) % 3 == 0, np.zeros(500, dtype=bool)]
)
def test_filters(index: tonari.Index, queries: Any, filter: Any) -> None:
    prepared = index.prepare(filter)
    answers = [sorted(id for id, _ in index.cursor(queries[0], filter=form)) for form in (filter, prepared)]
    every, _ = index.search(queries[0], k=500, filter=filter)
    assert answers[0] == answers[1] == sorted(id for id in every if id >= 0)


def test_it_keeps_what_it_needs_alive(rows: Any, queries: Any) -> None:
    index = tonari.build("HNSW16", rows)
    filter = index.prepare(lambda id: id % 2 == 0)
    cursor = index.cursor(queries[0], filter=filter)
    del index, filter
    gc.collect()
    assert sorted(id for id, _ in cursor) == list(range(0, 500, 2))


def test_a_growing_index_is_seen_as_it_was(rows: Any, queries: Any) -> None:
    index = tonari.build("HNSW16", rows, growing=True)
    cursor = index.cursor(queries[0])
    seen = [id for id, _ in itertools.islice(cursor, 20)]
    index.remove(np.arange(400))
    index.add(rows[:50], ids=np.arange(1000, 1050))
    assert not index.tidy()
    assert sorted(seen + [id for id, _ in cursor]) == list(range(500))
    del cursor
    assert index.tidy()
    assert sorted(id for id, _ in index.cursor(queries[0])) == [*range(400, 500), *range(1000, 1050)]


def test_a_timeout_ends_the_batch_and_says_so(rows: Any) -> None:
    many = np.random.default_rng(10).standard_normal((20_000, 24)).astype(np.float32)
    cursor = tonari.build("Flat", many).cursor(rows[0])
    with pytest.warns(tonari.IncompleteWarning, match="the next call goes on"):
        ids, _ = cursor.next(20_000, timeout=0)
    rest, _ = cursor.next(20_000)
    assert sorted([*ids.tolist(), *rest.tolist()]) == list(range(20_000))


def test_a_warning_that_is_an_error_loses_nothing(rows: Any) -> None:
    many = np.random.default_rng(11).standard_normal((20_000, 24)).astype(np.float32)
    cursor = tonari.build("Flat", many).cursor(rows[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", tonari.IncompleteWarning)
        with pytest.raises(tonari.IncompleteWarning):
            cursor.next(20_000, timeout=0)
    assert sorted(id for id, _ in cursor) == list(range(20_000))


def test_threads_take_turns(index: tonari.Index, queries: Any) -> None:
    cursor = index.cursor(queries[0])
    found: list[int] = []

    def take() -> None:
        while True:
            ids, _ = cursor.next(7)
            if len(ids) == 0:
                return
            found.extend(ids.tolist())

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(500))


def test_what_is_refused(index: tonari.Index, rows: Any, queries: Any) -> None:
    with pytest.raises(tonari.InvalidArgument, match="query: expected one query, a 1-D array"):
        index.cursor(queries)
    with pytest.raises(tonari.InvalidArgument, match="expected queries of 24 dimensions, as the index has, got 8"):
        index.cursor(queries[0, :8])
    with pytest.raises(tonari.InvalidArgument, match="ef of at least 1"):
        index.cursor(queries[0], ef=0)
    with pytest.raises(tonari.WrongType, match="strict"):
        index.cursor(queries[0], strict="yes")  # type: ignore[arg-type]
    with pytest.raises(tonari.InvalidArgument, match="n of at least 1"):
        index.cursor(queries[0]).next(0)
    with pytest.raises(tonari.InvalidArgument, match="filter"):
        index.cursor(queries[0], filter=tonari.build("Flat", rows).prepare([1]))
    with pytest.raises(TypeError):
        tonari.Cursor()  # type: ignore[call-arg]


def test_it_goes_when_nobody_holds_it(rows: Any) -> None:
    index = tonari.build("HNSW16", rows, growing=True)
    index.remove(np.arange(10))
    for _ in index.cursor(rows[0]):
        break
    gc.collect()
    assert index.tidy()
