"""SQ8: rows and queries rounded to 8 bits, against the same rounding in NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import FLOAT_METRICS, check_exact, recall, table

SPECS = ["SQ8", "HNSW16,SQ8", "IVF8,SQ8", "IVF8_HNSW4,SQ8"]
DIM = 24


def whole(values: Any) -> Any:
    """Rounded and clipped to -127 ... 127; halves go away from zero."""
    return np.clip(np.trunc(values + np.copysign(0.5, values)), -127, 127)


def rounded(metric: str, trained_on: Any, rows: Any, queries: Any) -> tuple[Any, Any]:
    """What SQ8 leaves of rows and queries, in float64. Normal values: none lie beyond 8 standard deviations."""

    def by_own_scale(values: Any) -> Any:
        scale = 127 / np.abs(values).max(axis=1, keepdims=True)
        return whole(values * scale) / scale

    if metric == "cosine":
        return by_own_scale(rows), by_own_scale(queries)
    middle = trained_on.mean(axis=0, dtype=np.float64) if metric != "ip" else np.zeros(rows.shape[1])
    scale = 127 / np.abs(trained_on - middle).max()
    stored = whole((rows - middle) * scale) / scale + middle
    asked = by_own_scale(queries) if metric == "ip" else whole((queries - middle) * scale) / scale + middle
    return stored, asked


@pytest.mark.parametrize("metric", FLOAT_METRICS)
@pytest.mark.parametrize("spec", SPECS)
def test_answers_are_those_of_rounded_rows(spec: str, metric: Any) -> None:
    rows, queries = table("float32", 300, DIM, seed=1), table("float32", 10, DIM, seed=2)
    index = tonari.build(spec, rows.array, metric=metric)
    assert (index.spec, index.dtype, index.metric) == (spec, "float32", metric)
    stored, asked = rounded(metric, rows.values, rows.values, queries.values)
    # A value within float32's error of a half may be rounded the other way: a step of one value.
    check_exact(index.search(queries.array, k=300, nprobe=8), metric, stored, asked, relative=1e-3)


@pytest.mark.parametrize("metric", FLOAT_METRICS)
def test_it_finds_nearly_what_float32_finds_in_a_quarter_of_the_memory(metric: Any) -> None:
    rows, queries = table("float32", 2000, 64, seed=3), table("float32", 50, 64, seed=4)
    plain = tonari.build("HNSW16", rows.array, metric=metric)
    index = tonari.build("HNSW16,SQ8", rows.array, metric=metric)
    ids, _ = index.search(queries.array, k=10, ef=300)
    assert recall(ids, metric, rows.values, queries.values) >= 0.93
    assert index.parts["rows"] <= plain.parts["rows"] / 4 + 2000 * 4
    assert index.parts["links"] == plain.parts["links"]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("element", ["float16", "bfloat16"])
def test_half_precision_rows_and_queries(spec: str, element: str) -> None:
    narrow, queries = table(element, 200, DIM, seed=5), table(element, 8, DIM, seed=6)
    wide = narrow.values.astype(np.float32)
    index = tonari.build(spec, narrow.array, **narrow.keywords)
    same = tonari.build(spec, wide)
    ids, far = index.search(queries.array, k=5, **queries.keywords)
    again, also = same.search(queries.values.astype(np.float32), k=5)
    np.testing.assert_array_equal(ids, again)
    np.testing.assert_array_equal(far, also)


@pytest.mark.parametrize("spec", SPECS)
def test_saved_and_opened(spec: str, rows: Any, queries: Any, tmp_path: Path) -> None:
    index = tonari.build(spec, rows, ids=np.arange(500) * 3, threads=1)
    index.save(tmp_path / "one.tnr")
    tonari.build(spec, rows, ids=np.arange(500) * 3, threads=2).save(tmp_path / "two.tnr")
    assert (tmp_path / "one.tnr").read_bytes() == (tmp_path / "two.tnr").read_bytes()
    tonari.verify(tmp_path / "one.tnr")
    opened = tonari.open(tmp_path / "one.tnr")
    assert (opened.spec, len(opened), opened.nbytes) == (spec, 500, index.nbytes)
    for a, b in zip(opened.search(queries, k=7), index.search(queries, k=7)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("metric", FLOAT_METRICS)
def test_a_growing_life(metric: Any, rows: Any, queries: Any, tmp_path: Path) -> None:
    index = tonari.build("HNSW8,SQ8", rows[:200], metric=metric, growing=True, dim=DIM)
    assert isinstance(index, tonari.GrowingIndex)
    assert (index.spec, index.dtype, len(index)) == ("HNSW8,SQ8", "float32", 200)
    assert index.add(rows[200:]).tolist() == list(range(200, 500))

    def check(some: Any, first: int) -> None:
        stored, asked = rounded(metric, rows[:200].astype(np.float64), rows[first:].astype(np.float64), queries.astype(np.float64))
        ids, far = some.search(queries, k=500 - first)
        check_exact((ids - first, far), metric, stored, asked, relative=1e-3)

    check(index, 0)
    index.remove(range(300))
    assert index.compact()
    check(index, 300)
    frozen = index.freeze()
    assert (frozen.spec, len(frozen)) == ("HNSW8,SQ8", 200)
    check(frozen, 300)
    index.save(tmp_path / "grown.tnr")
    again = tonari.open(tmp_path / "grown.tnr", growing=True)
    again.add(rows[:300], ids=range(300))
    check(again, 0)
    assert len(list(again.cursor(queries[0]))) == 500
    even = again.search(queries, k=500, filter=np.arange(0, 500, 2))[0]
    assert (np.sort(even[:, :250], axis=1) == np.arange(0, 500, 2)).all() and (even[:, 250:] == -1).all()


def test_growing_from_nothing(rows: Any, queries: Any) -> None:
    index = tonari.build("HNSW8,SQ8", growing=True, dim=DIM, metric="cosine")
    index.add(rows)
    stored, asked = rounded("cosine", rows, rows.astype(np.float64), queries.astype(np.float64))
    check_exact(index.search(queries, k=500), "cosine", stored, asked, relative=1e-3)
    for metric in ("l2", "ip", "l1"):
        with pytest.raises(tonari.Unsupported, match="HNSW8,SQ8.*train.*pass the first rows"):
            tonari.build("HNSW8,SQ8", growing=True, dim=DIM, metric=metric)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_rows_that_have_8_bits_already(dtype: Any) -> None:
    for spec, instead in (("SQ8", "'Flat' fits"), ("HNSW8,SQ8", "'HNSW8' fits"), ("IVF2,SQ8", "'IVF2,Flat' fits")):
        with pytest.raises(tonari.Unsupported, match=instead):
            tonari.build(spec, np.ones((9, 4), dtype=dtype))
    with pytest.raises(tonari.Unsupported, match="SQ8.*bits"):
        tonari.build("SQ8", np.ones((9, 4), dtype=np.uint8), metric="hamming")


@pytest.mark.parametrize("metric", FLOAT_METRICS)
@pytest.mark.parametrize("values", [0.0, 3.5, -1e18, 1e-30])
def test_equal_rows(metric: Any, values: float) -> None:
    if metric == "cosine" and values == 1e-30:
        pytest.skip("refused: no direction")
    rows = np.full((40, 6), values, dtype=np.float32)
    for spec in ("SQ8", "HNSW8,SQ8"):
        ids, far = tonari.build(spec, rows, metric=metric).search(rows[:1], k=40)
        assert sorted(ids[0].tolist()) == list(range(40))
        assert np.isfinite(far).all() and (far == far[0, 0]).all()
        if metric in ("l2", "l1"):
            assert far[0, 0] == 0


REFINED = ["SQ8,RFlat", "HNSW16,SQ8,RFlat", "IVF8,SQ8,RFlat", "IVF8_HNSW4,SQ8,RFlat"]


@pytest.mark.parametrize("metric", FLOAT_METRICS)
@pytest.mark.parametrize("spec", REFINED)
def test_refined_by_the_rows_as_given_answers_are_exact(spec: str, metric: Any) -> None:
    rows, queries = table("float32", 1000, 64, seed=11), table("float32", 30, 64, seed=12)
    index = tonari.build(spec, rows.array, metric=metric)
    assert (index.spec, index.dtype, index.metric) == (spec, "float32", metric)
    found = index.search(queries.array, k=10, nprobe=8, ef=1000, with_outcomes=True)
    check_exact(found[:2], metric, rows.values, queries.values)
    assert found[2]["refined"].mean() < 100  # 3 deviations: some rows beside the 10, of 1,000


def test_a_graph_with_its_rows_finds_what_the_graph_of_the_rows_finds() -> None:
    rows, queries = table("float32", 3000, 48, seed=13), table("float32", 200, 48, seed=14)
    by_rows = tonari.build("HNSW16", rows.array)
    by_codes = tonari.build("HNSW16,SQ8,RFlat", rows.array)
    assert by_codes.parts["links"] == by_rows.parts["links"]
    assert by_codes.parts["fine rows"] == by_rows.parts["rows"]
    for ef in (10, 40):
        found = [recall(index.search(queries.array, k=10, ef=ef)[0], "l2", rows.values, queries.values) for index in (by_rows, by_codes)]
        assert abs(found[0] - found[1]) < 0.01


def test_a_refined_graph_does_not_grow() -> None:
    with pytest.raises(tonari.Unsupported, match="'HNSW8,SQ8' does"):
        tonari.build("HNSW8,SQ8,RFlat", growing=True, dim=DIM, metric="cosine")
