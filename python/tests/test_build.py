"""Specs, ids and options of a build, and what an index says of itself."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tonari


def test_what_an_index_says_of_itself(rows: Any) -> None:
    index = tonari.build("HNSW16", rows)
    assert len(index) == 500
    assert (index.dim, index.metric, index.dtype, index.spec) == (24, "l2", "float32", "HNSW16")
    assert index.nbytes == sum(index.parts.values()) >= rows.nbytes
    assert all(isinstance(name, str) for name in index.parts)
    assert repr(index) == f'<tonari.Index "HNSW16": 500 rows x 24 float32, metric l2, {index.nbytes} bytes>'
    assert tonari.Index.__module__ == "tonari"


def test_version_and_level() -> None:
    assert tonari.__version__.count(".") == 2
    assert tonari.simd_level() in {"reference", "baseline", "avx2", "avx512", "avx512_spr", "avx512_amx", "neon"}


@pytest.mark.parametrize("spec", ["Flat", "HNSW16"])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint64, np.uint8])
def test_ids_of_every_integer_type(spec: str, dtype: Any, rows: Any) -> None:
    ids = np.arange(200, dtype=dtype)[::-1]
    index = tonari.build(spec, rows[:200], ids=ids)
    found, _ = index.search(rows[:200], k=1, ef=200)
    np.testing.assert_array_equal(found[:, 0], ids.astype(np.int64))


def test_ids_as_lists_and_large_ids(rows: Any) -> None:
    index = tonari.build("Flat", rows[:3], ids=[2**62, 5, 0])
    assert index.search(rows[:3], k=1)[0][:, 0].tolist() == [2**62, 5, 0]
    assert tonari.build("Flat", rows[:3], ids=range(3)).search(rows[2], k=1)[0].tolist() == [2]


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([1, 2, 1], tonari.Error, "1"),
        ([1, 2, -3], tonari.Error, "-3"),
        ([1, 2], tonari.InvalidArgument, "expected one per row, 3, got 2"),
        ([], tonari.InvalidArgument, "expected one per row, 3, got 0"),
        ([1.0, 2.0, 3.0], tonari.WrongType, "expected whole numbers, got float64"),
        ([True, False, True], tonari.WrongType, "got bool"),
        (["a", "b", "c"], tonari.WrongType, "expected whole numbers"),
        ({1, 2, 3}, tonari.WrongType, "np.asarray(list(ids), dtype=np.int64)"),
        ([[1], [2], [3]], tonari.WrongType, "got 2-D"),
        (np.array([1, 2, 2**63], dtype=np.uint64), tonari.InvalidArgument, "got 9223372036854775808"),
    ],
)
def test_ids_that_are_refused(ids: Any, error: type[Exception], message: str, rows: Any) -> None:
    with pytest.raises(error) as caught:
        tonari.build("Flat", rows[:3], ids=ids)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("spec", ["Flat", "HNSW8"])
def test_what_is_not_finite_is_refused_by_row(spec: str, dtype: Any, value: float) -> None:
    rows = np.zeros((60, 5), dtype=dtype)
    rows[37, 4] = value
    with pytest.raises(tonari.InvalidArgument, match="37"):
        tonari.build(spec, rows)
    with pytest.raises(tonari.InvalidArgument, match="37"):
        tonari.build(spec, np.ones_like(rows)).search(rows)


@pytest.mark.parametrize(
    "spec", ["Flatt", "", "HNSW1", "HNSW1000", "HNSW32,Nonsense", "HNSW0", "IVF16", "HNSW32,,FP16", "hnsw-32"]
)
def test_specs_that_do_not_exist(spec: str, rows: Any) -> None:
    with pytest.raises((tonari.InvalidArgument, tonari.Unsupported)) as caught:
        tonari.build(spec, rows)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"metric": "euclid"}, tonari.InvalidArgument, 'expected one of "l2", "ip", "cosine", "l1", "hamming", got "euclid"'),
        ({"metric": 2}, tonari.WrongType, "metric: expected a str, got int"),
        ({"threads": -1}, tonari.InvalidArgument, "threads: expected a whole number"),
        ({"threads": 1.5}, tonari.WrongType, "threads: expected a whole number, got float"),
        ({"ef_construction": "many"}, tonari.WrongType, "ef_construction: expected a whole number, got str"),
        ({"seed": 2**70}, tonari.InvalidArgument, "seed"),
        ({"balance": "much"}, tonari.WrongType, "balance: expected a number, got str"),
        ({"balance": -1.0}, tonari.InvalidArgument, "expected balance of at least 0"),
        ({"balance": float("nan")}, tonari.InvalidArgument, "balance: expected a finite number"),
        ({"progress": 5}, tonari.WrongType, "progress: expected a callable"),
        ({"recall": 0.9}, TypeError, "recall"),
    ],
)
def test_options_that_are_refused(keywords: dict[str, Any], error: type[Exception], message: str, rows: Any) -> None:
    with pytest.raises(error) as caught:
        tonari.build("HNSW16", rows, **keywords)
    assert message in str(caught.value)


def test_a_spec_is_a_text(rows: Any) -> None:
    with pytest.raises(tonari.WrongType, match="spec: expected a str, got bytes"):
        tonari.build(b"Flat", rows)  # type: ignore[arg-type]


def test_progress_is_called(rows: Any) -> None:
    seen: list[tuple[int, int]] = []
    tonari.build("HNSW16", rows, progress=lambda done, total: seen.append((done, total)))
    assert seen and seen[-1] == (500, 500)
    assert seen == sorted(seen)


def test_an_error_in_progress_comes_out(rows: Any) -> None:
    calls = 0

    def stop(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        tonari.build("HNSW16", rows, progress=stop)
    assert calls == 1


def test_one_row_and_equal_rows() -> None:
    one = tonari.build("HNSW16", np.ones((1, 3), dtype=np.float32))
    assert one.search(np.ones(3, dtype=np.float32), k=2)[0].tolist() == [0, -1]
    equal = tonari.build("HNSW16", np.ones((3000, 3), dtype=np.float32))
    ids, distances = equal.search(np.ones(3, dtype=np.float32), k=100)
    assert len(set(ids.tolist())) == 100 and (ids >= 0).all() and (distances == 0).all()


def test_copies_are_the_index_and_pickles_are_refused(rows: Any) -> None:
    index = tonari.build("Flat", rows)
    assert copy.copy(index) is index
    assert copy.deepcopy([index])[0] is index
    with pytest.raises(tonari.WrongType, match=r"cannot be pickled; mend: index\.save\(path\) here, tonari\.open"):
        pickle.dumps(index)


def test_an_index_is_only_built() -> None:
    with pytest.raises(TypeError):
        tonari.Index()
    with pytest.raises(TypeError):
        tonari.RowFilter()
    for kind in (tonari.Index, tonari.RowFilter):
        with pytest.raises(TypeError):  # it would have no index inside
            len(kind.__new__(kind))


def test_auto_looks_at_rows() -> None:
    random = np.random.default_rng(1)
    along = random.standard_normal((24, 448), dtype=np.float32)
    rows = random.standard_normal((10_500, 24), dtype=np.float32) @ along
    advice = tonari.advise(rows, metric="cosine")
    assert advice.spec == "PCAR64,HNSW32,SQ8,RFlat" and "few directions" in advice.why
    assert tonari.advise(rows.astype(np.float16)).spec == advice.spec
    assert tonari.advise(*rows.shape).spec == tonari.advise(rows, metric="ip").spec == "HNSW32,SQ8,RFlat"
    assert tonari.build("auto", rows, metric="cosine", ef_construction=40).spec == advice.spec


def test_auto_takes_the_advice() -> None:
    rows = np.random.default_rng(1).standard_normal((11_000, 8), dtype=np.float32)
    advice = tonari.advise(*rows.shape)
    index = tonari.build("auto", rows)
    assert index.spec == advice.spec == "HNSW32,SQ8,RFlat"
    assert abs(index.nbytes - advice.bytes) < 0.1 * index.nbytes
    assert advice.residency == "load" and advice.in_memory == advice.bytes and advice.spec in repr(advice)
    assert tonari.build("auto", rows[:500]).spec == "Flat"
    assert tonari.advise(rows).spec == advice.spec and tonari.advise(rows, 8).bytes == advice.bytes
    with pytest.raises(tonari.InvalidArgument, match="expected 8, as the rows have"):
        tonari.advise(rows, 9)
    with pytest.raises(tonari.InvalidArgument, match="dim: expected the dimensions"):
        tonari.advise(11_000)
    small = tonari.advise(10_000_000, 96, memory=1 << 30)
    assert (small.residency, small.in_memory < 1 << 30 < small.bytes) == ("disk", True) and "disk" in small.why
    with pytest.raises(tonari.OutOfMemory, match="expected about .* of memory"):
        tonari.advise(10_000_000, 96, memory=1 << 20)
    with pytest.raises(tonari.InvalidArgument, match="memory"):
        tonari.advise(10, 96, memory=0)
    with pytest.raises(tonari.Unsupported):
        tonari.advise(10, 96, metric="hamming", dtype="float32")
