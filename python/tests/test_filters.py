"""Ids, masks, callables and prepared filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari
from oracle import distances

ALLOWED = np.arange(0, 500, 7)


def mask() -> Any:
    allowed = np.zeros(500, dtype=bool)
    allowed[ALLOWED] = True
    return allowed


FORMS: list[Any] = [
    ALLOWED,
    ALLOWED.astype(np.int32)[::-1],
    ALLOWED.astype(np.uint64),
    ALLOWED.tolist(),
    np.concatenate([ALLOWED, ALLOWED, [-5, 10**12]]),
    mask(),
    np.stack([mask(), ~mask()], axis=1)[:, 0],
    mask().tolist(),
    mask()[:498],
    lambda id: id % 7 == 0,
    lambda id: [1] if id % 7 == 0 else [],
]


@pytest.mark.parametrize("filter", FORMS)
def test_every_form_allows_the_same(index: tonari.Index, rows: Any, queries: Any, filter: Any) -> None:
    ids, found = index.search(queries, k=10, ef=500, filter=filter)
    truth = distances("l2", rows[ALLOWED].astype(np.float64), queries.astype(np.float64))
    np.testing.assert_allclose(found, np.sort(truth, axis=1)[:, :10], rtol=1e-5)
    assert np.isin(ids, ALLOWED).all()


@pytest.mark.parametrize("values", [np.arange(500), np.ones(500, dtype=bool)])
def test_a_masked_array_is_refused(index: tonari.Index, rows: Any, queries: Any, values: Any) -> None:
    hidden = np.ma.masked_array(values, mask=np.arange(500) % 2 == 0)
    for ask in (index.prepare, lambda filter: index.search(queries, filter=filter)):
        with pytest.raises(tonari.WrongType, match=r"filter: expected a plain numpy array, got a masked one"):
            ask(hidden)
    with pytest.raises(tonari.WrongType, match=r"ids: expected a plain numpy array, got a masked one"):
        tonari.build("Flat", rows, ids=hidden)


def test_a_prepared_filter_is_used_again(index: tonari.Index, queries: Any) -> None:
    prepared = index.prepare(ALLOWED)
    assert len(prepared) == len(ALLOWED)
    assert repr(prepared) == f"<tonari.RowFilter: {len(ALLOWED)} of 500 ids>"
    want = index.search(queries, filter=ALLOWED)
    for _ in range(2):
        got = index.search(queries, filter=prepared)
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])


def test_a_prepared_filter_keeps_its_index_alive(rows: Any) -> None:
    index = tonari.build("Flat", rows)
    prepared = index.prepare([1, 2])
    del index
    assert len(prepared) == 2


def test_a_filter_of_another_index_is_refused(index: tonari.Index, rows: Any, queries: Any) -> None:
    other = tonari.build("Flat", rows)
    with pytest.raises(tonari.InvalidArgument, match="expected a RowFilter of this index"):
        index.search(queries, filter=other.prepare(ALLOWED))


@pytest.mark.parametrize("passing", [0, 1, 3])
def test_few_that_pass_are_all_found(index: tonari.Index, queries: Any, passing: int) -> None:
    ids, found = index.search(queries, k=5, filter=np.arange(passing) * 100)
    for row, near in zip(ids, found):
        assert set(row[:passing].tolist()) == {i * 100 for i in range(passing)}
        assert (row[passing:] == -1).all() and np.isposinf(near[passing:]).all()


def test_filters_speak_of_ids_not_rows(rows: Any) -> None:
    index = tonari.build("Flat", rows[:10], ids=np.arange(10) * 1000)
    assert set(index.search(rows[0], k=3, filter=[3000, 4])[0].tolist()) == {3000, -1}
    wide = np.zeros(9001, dtype=bool)
    wide[9000] = True
    assert index.search(rows[0], k=1, filter=wide)[0].tolist() == [9000]


def test_a_callable_is_asked_once_for_every_id(index: tonari.Index, queries: Any) -> None:
    asked: list[int] = []

    def allow(id: int) -> bool:
        asked.append(id)
        return True

    index.search(queries, filter=allow)
    assert sorted(asked) == list(range(500))


def test_an_error_in_a_callable_comes_out(index: tonari.Index, queries: Any) -> None:
    calls = 0

    def fail(id: int) -> bool:
        nonlocal calls
        calls += 1
        raise KeyError(id)

    with pytest.raises(KeyError):
        index.search(queries, filter=fail)
    assert calls == 1


def test_a_callable_without_truth(index: tonari.Index, queries: Any) -> None:
    with pytest.raises(ValueError, match="truth value"):
        index.search(queries, filter=lambda id: np.zeros(2))


@pytest.mark.parametrize(
    ("filter", "error", "message"),
    [
        (np.array([1.0, 2.0]), tonari.WrongType, "filter: expected whole numbers, got float64"),
        (mask().reshape(2, 250), tonari.InvalidArgument, "filter: expected a 1-D boolean mask"),
        ({1, 2}, tonari.WrongType, "filter: expected a 1-D array of whole numbers, got 0-D (set)"),
        (7, tonari.WrongType, "filter: expected a 1-D array of whole numbers, got 0-D (int)"),
        ("all", tonari.WrongType, "filter: expected"),
    ],
)
def test_filters_that_are_refused(
    index: tonari.Index, queries: Any, filter: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        index.search(queries, filter=filter)
    assert message in str(caught.value)
