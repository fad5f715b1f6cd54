"""GrowingIndex: filters, ranges, batches and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari
from oracle import distances
from test_threads import lets_others_run, no_forced_switches  # noqa: F401 (a fixture)

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
