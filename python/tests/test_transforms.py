"""Linear maps before an index: RR, PCA and OPQ are words of a spec like others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import check_exact, distances, table

METRICS = ["l2", "ip", "cosine"]
DIM = 48


def fading(count: int, seed: int) -> np.ndarray:
    """Rows whose directions count for less and less, turned so that no dimension shows it."""
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((DIM, DIM)))
    rows = np.random.default_rng(seed).standard_normal((count, DIM)) / np.sqrt(1 + np.arange(DIM))
    return np.ascontiguousarray(rows @ turn, dtype=np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spec", ["RR,Flat", "RR,SQ8", "PCA20,Flat", "PCA20,HNSW16,SQ8", "PCA20,IVF8,Flat",
                                  "PCA20,IVF8_HNSW4,RaBitQ,R(FP16)", "OPQ12,IVF8,PQ12x4fs,RFlat", "OPQ10_20,PQ10x4fs",
                                  "PCAR20,HNSW16,SQ8,RFlat", "OPQ12,HNSW16,PQ12,RFlat"])
def test_built_saved_and_opened(spec: str, metric: Any, tmp_path: Path) -> None:
    rows, queries = fading(900, 1), fading(20, 2)
    ids = np.arange(900)[::-1] * 3
    index = tonari.build(spec, rows, ids=ids, metric=metric, threads=1)
    assert (index.spec, index.metric, index.dim, len(index)) == (spec, metric, DIM, 900)
    assert index.parts["transform"] >= 20 * DIM * 4
    index.save(tmp_path / "one.tnr")
    tonari.build(spec, rows, ids=ids, metric=metric, threads=2).save(tmp_path / "two.tnr")
    assert (tmp_path / "one.tnr").read_bytes() == (tmp_path / "two.tnr").read_bytes()
    opened = tonari.open(tmp_path / "one.tnr")
    for a, b in zip(index.search(queries, k=7, nprobe=4), opened.search(queries, k=7, nprobe=4)):
        assert (a == b).all()
    assert set(opened.search(queries, k=900, nprobe=8)[0][0]) == set(ids)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spec", ["RR,RaBitQ,RFlat", "PCA20,IVF8,RaBitQ,RFlat", "OPQ10_20,IVF8_HNSW4,PQ10x4fs,RFlat",
                                  "PCAR20,HNSW16,SQ8,RFlat"])
def test_refined_answers_are_those_of_rows_as_given(spec: str, metric: Any) -> None:
    rows, queries = fading(2000, 3), fading(50, 4)
    index = tonari.build(spec, rows, metric=metric)
    check_exact(index.search(queries, k=10, nprobe=8, ef=2000, refine=1e6), metric, rows, queries)
    ids, _ = index.search(queries, k=10, nprobe=8)
    truth = np.argsort(distances(metric, rows, queries), axis=1, kind="stable")[:, :10]
    assert np.mean([len(set(a) & set(b)) for a, b in zip(ids, truth)]) / 10 >= 0.97


def test_pca_is_numpys() -> None:
    rows, queries = fading(700, 5), fading(10, 6)
    centred = rows - rows.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    kept = directions[:, -12:]
    found, far = tonari.build("PCA12,Flat", rows).search(queries, k=700)
    expected = distances("l2", rows @ kept, queries @ kept)
    np.testing.assert_allclose(far, np.take_along_axis(expected, found, axis=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("element", ["float16", "bfloat16", "int8", "uint8"])
def test_rows_of_other_elements(element: str) -> None:
    rows, queries = table(element, 600, DIM, seed=7), table(element, 10, DIM, seed=8)
    index = tonari.build("OPQ8,IVF4,PQ8x4fs,RFlat", rows.array, **rows.keywords)
    found = index.search(queries.array, k=5, nprobe=4, refine=1e6, **queries.keywords)
    check_exact(found, "l2", rows.values, queries.values)


def test_what_does_not_fit_says_why() -> None:
    rows = fading(100, 9)
    for spec, metric, words in [("PCA49,Flat", "l2", "48 dimensions"), ("OPQ5,Flat", "l2", "divide 48"),
                                ("PCA64", "l2", "'PCA64,Flat'"), ("RR,Flat", "l1", "'Flat' fits"),
                                ("PCA8,RR,Flat", "l2", "got 'RR'"), ("PCA9,PQ2x4fs", "l2", "divide 9")]:
        with pytest.raises(tonari.Error, match=words):
            tonari.build(spec, rows, metric=metric)
