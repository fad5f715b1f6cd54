"""Range search: everything within a radius, cut at a cap that says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari
from oracle import distances


def test_everything_within_the_radius(flat: tonari.Index, rows: Any, queries: Any) -> None:
    truth = distances("l2", rows.astype(np.float64), queries.astype(np.float64))
    radius = float(np.median(truth))
    offsets, ids, found = flat.range_search(queries, radius)
    assert offsets.dtype == ids.dtype == np.int64 and found.dtype == np.float32
    assert offsets.shape == (21,) and offsets[-1] == ids.size == found.size
    for q, row in enumerate(truth):
        got = ids[offsets[q] : offsets[q + 1]]
        assert set(got.tolist()) == set(np.flatnonzero(row <= radius).tolist())
        np.testing.assert_allclose(found[offsets[q] : offsets[q + 1]], np.sort(row[row <= radius]), rtol=1e-5)


def test_the_graph_finds_nearly_all(rows: Any, queries: Any) -> None:
    truth = distances("l2", rows.astype(np.float64), queries.astype(np.float64))
    radius = float(np.quantile(truth, 0.05))
    offsets, ids, found = tonari.build("HNSW16", rows).range_search(queries, radius, ef=200)
    assert (found <= np.float32(radius)).all()
    assert offsets[-1] >= 0.95 * (truth <= radius).sum()


def test_a_cap_cuts_and_says_so(flat: tonari.Index, queries: Any) -> None:
    with pytest.warns(tonari.IncompleteWarning, match="20 of 20 queries had more rows within the radius than `cap`"):
        offsets, ids, found = flat.range_search(queries, 1e9, cap=6)
    nearest, near = flat.search(queries, k=6)
    np.testing.assert_array_equal(offsets, np.arange(21) * 6)
    np.testing.assert_array_equal(ids.reshape(20, 6), nearest)
    _, _, _, outcomes = flat.range_search(queries, 1e9, cap=6, with_outcomes=True)
    assert outcomes["truncated"].all() and outcomes["complete"].all()
    _, _, _, outcomes = flat.range_search(queries, 1e9, with_outcomes=True)
    assert not outcomes["truncated"].any()


def test_nothing_near(index: tonari.Index, queries: Any) -> None:
    offsets, ids, found = index.range_search(queries, 0.0)
    assert (offsets == 0).all() and ids.size == 0 and found.size == 0


def test_one_query_and_a_filter(flat: tonari.Index, rows: Any) -> None:
    offsets, ids, found = flat.range_search(rows[7], 1e9, filter=[7, 9, 11])
    assert offsets.tolist() == [0, 3] and ids[0] == 7 and set(ids.tolist()) == {7, 9, 11}


def test_negative_radius_of_an_inner_product(rows: Any, queries: Any) -> None:
    index = tonari.build("Flat", rows, metric="ip")
    truth = distances("ip", rows.astype(np.float64), queries.astype(np.float64))
    offsets, _, found = index.range_search(queries, -8.0)
    assert offsets[-1] == (truth <= -8.0).sum() and (found <= -8.0).all()


@pytest.mark.parametrize("threads", [0, 3])
def test_threads_change_nothing(index: tonari.Index, queries: Any, threads: int) -> None:
    want = index.range_search(queries, 30.0)
    got = index.range_search(queries, 30.0, threads=threads)
    for a, b in zip(got, want):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"radius": float("nan")}, tonari.InvalidArgument, "radius: expected a finite number, got nan"),
        ({"radius": 1e300}, tonari.InvalidArgument, "radius: expected a number that float32 holds"),
        ({"radius": "near"}, tonari.WrongType, "radius: expected a number, got str"),
        ({"radius": 1.0, "cap": 0}, tonari.InvalidArgument, "cap of at least 1, got 0"),
        ({"radius": 1.0, "cap": -1}, tonari.InvalidArgument, "cap: expected a whole number"),
        ({}, TypeError, ""),
    ],
)
def test_options_that_are_refused(
    index: tonari.Index, queries: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        index.range_search(queries, **arguments)
    assert message in str(caught.value)
