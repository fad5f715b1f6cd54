"""Every metric on every element type, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tonari
from oracle import ELEMENTS, FLOAT_METRICS, check_exact, recall, table

CASES = [(metric, element) for metric in FLOAT_METRICS for element in ELEMENTS] + [("hamming", "bits")]


@pytest.mark.parametrize(("metric", "element"), CASES)
@pytest.mark.parametrize("dim", [8, 40, 136])
def test_flat_is_exact(metric: Any, element: str, dim: int) -> None:
    rows, queries = table(element, 150, dim, seed=1), table(element, 10, dim, seed=2)
    index = tonari.build("Flat", rows.array, metric=metric, **rows.keywords)
    assert (index.metric, index.dtype, index.dim, len(index)) == (metric, element, dim, 150)
    check_exact(index.search(queries.array, k=7, **queries.keywords), metric, rows.values, queries.values)


@pytest.mark.parametrize(("metric", "element"), CASES)
def test_graph_finds_nearly_all(metric: Any, element: str) -> None:
    rows, queries = table(element, 600, 64, seed=3), table(element, 30, 64, seed=4)
    index = tonari.build("HNSW16", rows.array, metric=metric, **rows.keywords)
    ids, _ = index.search(queries.array, k=10, ef=200, **queries.keywords)
    assert recall(ids, metric, rows.values, queries.values) >= 0.97


@pytest.mark.parametrize("dim", [1, 3, 17, 100])
@pytest.mark.parametrize("metric", FLOAT_METRICS)
def test_odd_dimensions(metric: Any, dim: int) -> None:
    rows, queries = table("float32", 60, dim, seed=5), table("float32", 6, dim, seed=6)
    index = tonari.build("Flat", rows.array, metric=metric)
    check_exact(index.search(queries.array, k=5), metric, rows.values, queries.values)


@pytest.mark.parametrize(("word", "element", "relative"), [("FP16", "float16", 2e-3), ("BF16", "bfloat16", 2e-2)])
def test_stored_in_half_precision(word: str, element: str, relative: float) -> None:
    rows, queries = table("float32", 200, 32, seed=1), table("float32", 10, 32, seed=2)
    index = tonari.build(f"Flat,{word}", rows.array)
    assert index.dtype == element
    _, got = index.search(queries.array, k=5)
    _, want = tonari.build("Flat", rows.array).search(queries.array, k=5)
    np.testing.assert_allclose(got, want, rtol=relative * 4)
    assert index.nbytes < tonari.build("Flat", rows.array).nbytes


def test_bfloat16_of_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rows, queries = table("bfloat16", 100, 16, seed=1), table("bfloat16", 5, 16, seed=2)
    index = tonari.build("Flat", rows.array.view(ml_dtypes.bfloat16))
    assert index.dtype == "bfloat16"
    check_exact(index.search(queries.array.view(ml_dtypes.bfloat16), k=4), "l2", rows.values, queries.values)


def test_a_row_of_zeros_is_at_cosine_distance_one() -> None:
    rows = np.array([[0, 0], [1, 0]], dtype=np.float32)
    ids, distances = tonari.build("Flat", rows, metric="cosine").search(np.array([2, 0], dtype=np.float32), k=2)
    assert ids.tolist() == [1, 0]
    np.testing.assert_allclose(distances, [0, 1], atol=1e-6)


def test_packed_bits() -> None:
    bits = np.eye(16, dtype=bool)
    index = tonari.build("Flat", np.packbits(bits, axis=1, bitorder="little"), metric="hamming")
    assert index.dim == 16
    query = np.packbits(bits[3] | bits[5], bitorder="little")
    ids, distances = index.search(query, k=3)
    assert set(ids[:2].tolist()) == {3, 5}
    assert distances.tolist() == [1, 1, 3]
