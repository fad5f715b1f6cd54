"""Codes of 4 bits a value or a part and of a byte a part, refined and not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import check_exact, distances, table

METRICS = ["l2", "ip", "cosine"]
REFINED = ["RaBitQ,RFlat", "PQ16x4fs,RFlat", "IVF8,RaBitQ,RFlat", "IVF8_HNSW4,PQ8x4fs,RFlat", "PQ16,RFlat",
           "IVF8,PQ32,RFlat",
           "IVF8,RaBitQ4,RFlat", "SQ4,RFlat", "IVF8_HNSW4,SQ4,RFlat"]
DIM = 64


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spec", REFINED)
def test_refined_answers_are_exact_where_every_row_may_be_looked_at(spec: str, metric: Any) -> None:
    rows, queries = table("float32", 1000, DIM, seed=1), table("float32", 20, DIM, seed=2)
    index = tonari.build(spec, rows.array, metric=metric)
    assert (index.spec, index.dtype, index.metric) == (spec, "float32", metric)
    check_exact(index.search(queries.array, k=10, nprobe=8, refine=50), metric, rows.values, queries.values)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spec", REFINED)
def test_the_bound_leaves_few_rows_and_loses_next_to_none(spec: str, metric: Any) -> None:
    rows, queries = table("float32", 4000, DIM, seed=3), table("float32", 100, DIM, seed=4)
    index = tonari.build(spec, rows.array, metric=metric)
    ids, _, outcomes = index.search(queries.array, k=10, nprobe=8, with_outcomes=True)
    truth = np.argsort(distances(metric, rows.values, queries.values), axis=1, kind="stable")[:, :10]
    found = np.mean([len(set(a) & set(b)) for a, b in zip(ids, truth)]) / 10
    assert found >= 0.985
    assert outcomes["refined"].mean() < 3500  # rows without structure: the hardest there are
    ids, _, fewer = index.search(queries.array, k=10, nprobe=8, refine=1, with_outcomes=True)
    assert (fewer["refined"] <= outcomes["refined"]).all()
    assert fewer["refined"].mean() < 0.8 * outcomes["refined"].mean()


@pytest.mark.parametrize("metric", METRICS)
def test_unrefined_distances_are_estimates(metric: Any) -> None:
    rows, queries = table("float32", 500, DIM, seed=5), table("float32", 20, DIM, seed=6)
    index = tonari.build("RaBitQ", rows.array, metric=metric)
    ids, far = index.search(queries.array, k=500)
    assert (np.sort(ids, axis=1) == np.arange(500)).all()
    exact = np.take_along_axis(distances(metric, rows.values, queries.values), ids, axis=1)
    assert np.corrcoef(far.ravel(), exact.ravel())[0, 1] > 0.7
    assert abs(np.mean(far - exact)) < 0.05 * np.std(exact)
    assert index.nbytes < rows.array.nbytes / 4
    assert index.parts["codec"] == DIM * 4  # the mean


def test_pq_says_more_the_more_parts_it_has() -> None:
    rows, queries = table("float32", 2000, DIM, seed=14), table("float32", 20, DIM, seed=15)
    exact = distances("l2", rows.values, queries.values)
    off = []
    for parts in (8, 16, 32):
        index = tonari.build(f"IVF8,PQ{parts}x8", rows.array)
        assert index.spec == f"IVF8,PQ{parts}"
        assert index.parts["rows"] == 2000 * (parts + 12)
        ids, far = index.search(queries.array, k=100, nprobe=8)
        off.append(np.std(far - np.take_along_axis(exact, ids, axis=1)))
    assert off[0] > 1.2 * off[1] > 1.44 * off[2]


def test_sq4_takes_half_a_byte_a_value_and_says_more_than_half_as_many_bytes_of_pq() -> None:
    rows, queries = table("float32", 2000, DIM, seed=16), table("float32", 20, DIM, seed=17)
    exact = distances("l2", rows.values, queries.values)
    off = []
    for spec in ("IVF8,PQ16", "IVF8,SQ4"):
        index = tonari.build(spec, rows.array)
        ids, far = index.search(queries.array, k=100, nprobe=8)
        off.append(np.std(far - np.take_along_axis(exact, ids, axis=1)))
    assert index.parts["rows"] == 2000 * (DIM // 2 + 12)
    assert off[1] < 0.5 * off[0]
    with pytest.raises(tonari.Error, match="l2, ip or cosine for SQ4, got l1"):
        tonari.build("SQ4", rows.array, metric="l1")


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_a_fused_graph_answers_distances_of_its_rows(metric: str) -> None:
    rows, queries = table("float32", 1500, DIM, seed=18), table("float32", 30, DIM, seed=19)
    index = tonari.build("HNSW16,RaBitQ,RFlat", rows.array, metric=metric)
    assert index.spec == "HNSW16,RaBitQ,RFlat"
    assert set(index.parts) == {"rows", "ids", "codec", "codes", "links"}
    check_exact(index.search(queries.array, k=5, ef=1500), metric, rows.values, queries.values)
    passing = np.arange(0, 1500, 3)
    ids, _ = index.search(queries.array, k=5, ef=200, filter=passing)
    assert np.isin(ids, passing).all()


def test_each_bit_halves_the_error_of_estimates() -> None:
    rows, queries = table("float32", 500, DIM, seed=5), table("float32", 20, DIM, seed=6)
    exact = distances("l2", rows.values, queries.values)
    errors = []
    for bits in range(2, 9):
        ids, far = tonari.build(f"RaBitQ{bits}", rows.array).search(queries.array, k=500)
        errors.append(np.sqrt(np.mean((far - np.take_along_axis(exact, ids, axis=1)) ** 2)))
    ratios = np.array(errors[1:]) / errors[:-1]
    assert (0.4 < ratios).all() and (ratios < 0.62).all(), ratios


@pytest.mark.parametrize("element", ["float16", "bfloat16", "int8", "uint8"])
def test_rows_of_other_elements(element: str) -> None:
    rows, queries = table(element, 600, DIM, seed=7), table(element, 10, DIM, seed=8)
    index = tonari.build("IVF4,RaBitQ,RFlat", rows.array, **rows.keywords)
    found = index.search(queries.array, k=5, nprobe=4, refine=50, **queries.keywords)
    check_exact(found, "l2", rows.values, queries.values)


@pytest.mark.parametrize("spec", ["RaBitQ", "HNSW16,RaBitQ,RFlat", "IVF8,PQ16x4fs,R(SQ8)", "IVF8_HNSW4,RaBitQ,R(FP16)", "IVF8,PQ16", "PQ8,R(BF16)", "RaBitQ3", "SQ4",
                                  "HNSW8,SQ4,R(SQ8)",
                                  "IVF8,RaBitQ4"])
def test_saved_and_opened(spec: str, tmp_path: Path) -> None:
    rows, queries = table("float32", 700, DIM, seed=9).array, table("float32", 20, DIM, seed=10).array
    ids = np.arange(700)[::-1] * 5
    index = tonari.build(spec, rows, ids=ids, threads=1)
    index.save(tmp_path / "one.tnr")
    tonari.build(spec, rows, ids=ids, threads=2).save(tmp_path / "two.tnr")
    assert (tmp_path / "one.tnr").read_bytes() == (tmp_path / "two.tnr").read_bytes()
    tonari.verify(tmp_path / "one.tnr")
    for residency in ("map", "load", "disk"):
        opened = tonari.open(tmp_path / "one.tnr", residency=residency)
        assert (opened.spec, len(opened), opened.nbytes) == (spec, 700, index.nbytes)
        for a, b in zip(opened.search(queries, k=7), index.search(queries, k=7)):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("spec", REFINED)
def test_filter_range_and_cursor(spec: str) -> None:
    rows, queries = table("float32", 900, DIM, seed=11), table("float32", 5, DIM, seed=12)
    index = tonari.build(spec, rows.array)
    exact = distances("l2", rows.values, queries.values)
    few = np.array([3, 77, 500, 899])
    ids, far = index.search(queries.array, k=10, filter=few)
    assert (ids[:, 4:] == -1).all()
    np.testing.assert_allclose(far[:, :4], np.sort(exact[:, few], axis=1), rtol=1e-4)
    radius = float(np.sort(exact, axis=1)[:, 30].mean())
    offsets, ids, far = index.range_search(queries.array, radius, nprobe=8, refine=50)
    for q in range(5):
        expected = np.flatnonzero(exact[q] < radius * (1 - 1e-5))
        assert set(expected) <= set(ids[offsets[q]:offsets[q + 1]])
    for q in range(2):
        everyone = list(index.cursor(queries.array[q]))
        assert sorted(id for id, _ in everyone) == list(range(900))


def test_what_does_not_fit_is_refused() -> None:
    rows = table("float32", 100, DIM, seed=13).array
    for spec, metric, words in [("PQ5x4fs", "l2", "divide 64"), ("RaBitQ", "l1", "l2, ip or cosine"),
                                ("HNSW8,RaBitQ", "l2", "M a multiple of 16"), ("HNSW16,RaBitQ", "l2", r"R\(FP16\)"), ("RaBitQ9", "l2", "2 to 8 bits"), ("IVF4,Flat,RFlat", "l2", "nothing after")]:
        with pytest.raises(tonari.Error, match=words):
            tonari.build(spec, rows, metric=metric)
    with pytest.raises(tonari.Error, match="at least 256 rows"):
        tonari.build("PQ8", rows)
    with pytest.raises(tonari.Error, match="divide 64"):
        tonari.build("IVF4,PQ7,RFlat", rows)
    with pytest.raises(tonari.Error, match="16 rows"):
        tonari.build("PQ8x4fs", rows[:10])
    with pytest.raises(tonari.Error, match="rows of numbers"):
        tonari.build("RaBitQ", table("bits", 50, DIM).array, metric="hamming", element="bits")
    index = tonari.build("IVF4,RaBitQ,RFlat", rows)
    for patience in (-1, float("nan")):
        with pytest.raises((tonari.Error, ValueError), match="patience"):
            index.search(rows[:2], patience=patience)
    for refine in (-1, float("nan")):
        with pytest.raises((tonari.Error, ValueError), match="refine"):
            index.search(rows[:2], refine=refine)
