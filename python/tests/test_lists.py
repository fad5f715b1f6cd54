"""Inverted lists whose rows stand in two of them, and lists that are balanced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import distances, table

DIM = 24


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("spec", ["IVF40_SOAR,Flat", "IVF40_HNSW8_SOAR,SQ8", "IVF40_SOAR,RaBitQ,RFlat", "IVF40_SOAR,PQ8"])
def test_rows_in_two_lists_are_answered_once(spec: str, metric: Any, tmp_path: Path) -> None:
    rows, queries = table("float32", 900, DIM, seed=1), table("float32", 10, DIM, seed=2)
    index = tonari.build(spec, rows.array, metric=metric)
    assert (index.spec, len(index)) == (spec, 900)
    for nprobe in (1, 5, 40):
        ids, _ = index.search(queries.array, k=900, nprobe=nprobe)
        assert (np.sort(ids, axis=1) == np.arange(900)).all()
        ids, _ = index.search(queries.array, k=50, nprobe=nprobe, filter=np.arange(0, 900, 3))
        assert (ids % 3 == 0).all() and all(len(set(found)) == 50 for found in ids.tolist())
    come = [id for id, _ in index.cursor(queries.array[0])]
    assert sorted(come) == list(range(900))
    index.save(tmp_path / "a.tnr")
    again = tonari.open(tmp_path / "a.tnr")
    np.testing.assert_array_equal(again.search(queries.array, k=9)[0], index.search(queries.array, k=9)[0])


def test_rows_in_two_lists_are_found_in_fewer() -> None:
    rows, queries = table("float32", 4000, DIM, seed=3), table("float32", 100, DIM, seed=4)
    nearest = np.argmin(distances("l2", rows.values, queries.values), axis=1)

    def found(spec: str) -> float:
        ids, _ = tonari.build(spec, rows.array).search(queries.array, k=1, nprobe=2)
        return float((ids[:, 0] == nearest).mean())

    assert found("IVF64_SOAR,Flat") > found("IVF64,Flat")


def test_two_lists_are_refused_where_they_do_not_fit() -> None:
    rows = table("float32", 100, DIM, seed=5).array
    with pytest.raises(tonari.Unsupported, match="'IVF4,Flat' fits"):
        tonari.build("IVF4_SOAR,Flat", rows, metric="l1")
    with pytest.raises(tonari.Unsupported, match="'IVF4,Flat' does"):
        tonari.build("IVF4_SOAR,Flat", rows, growing=True)
    with pytest.raises(tonari.InvalidArgument, match="leave out _SOAR"):
        tonari.build("IVF4_SOAR,HNSW8", rows)


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_balance_is_another_index_of_the_same_rows(metric: Any) -> None:
    rows, queries = table("float32", 2000, DIM, seed=6), table("float32", 20, DIM, seed=7)
    plain = tonari.build("IVF50,Flat", rows.array, metric=metric)
    even = tonari.build("IVF50,Flat", rows.array, metric=metric, balance=1.0)
    _, _, usual = plain.search(queries.array, k=5, nprobe=5, with_outcomes=True)
    _, _, other = even.search(queries.array, k=5, nprobe=5, with_outcomes=True)
    assert (usual["distances"] != other["distances"]).any()
    for index in (plain, even):
        ids, _ = index.search(queries.array, k=2000, nprobe=50)
        assert (np.sort(ids, axis=1) == np.arange(2000)).all()
    grown = tonari.build("IVF50,Flat", rows.array, metric=metric, growing=True, balance=1.0)
    np.testing.assert_array_equal(
        grown.search(queries.array, k=5, nprobe=5)[0], even.search(queries.array, k=5, nprobe=5)[0]
    )


def test_balance_is_refused_where_lists_have_other_metrics() -> None:
    with pytest.raises(tonari.Unsupported, match="leave balance at 0"):
        tonari.build("IVF4,Flat", table("float32", 100, DIM, seed=8).array, metric="l1", balance=0.5)
