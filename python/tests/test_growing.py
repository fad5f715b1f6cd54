"""GrowingIndex: how one begins, and what it says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari
from growing import DIM, Living, probe
from test_threads import lets_others_run, no_forced_switches  # noqa: F401 (a fixture)


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
    assert len(grown) == 500 and grown.spec in ("HNSW8", "IVF12,Flat")
    assert grown.nbytes == sum(grown.parts.values()) >= 500 * DIM * 4
    assert repr(grown) == (
        f'<tonari.GrowingIndex "{grown.spec}": 500 rows x {DIM} float32, metric l2, {grown.nbytes} bytes>'
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
        ({"dim": 8, "spec": "IVF8,Flat"}, tonari.Unsupported, "rows to train the lists on, got none; pass the first rows"),
        ({"dim": 8, "spec": "IVF8,RaBitQ"}, tonari.Unsupported, "'IVF8,SQ4' does"),
        ({"dim": 8, "spec": "IVF8,PQ4,RFlat"}, tonari.Unsupported, "rows to train the lists on, got none"),
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
