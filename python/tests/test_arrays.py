"""What arrays are taken in place, and which are refused with a way to mend them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import check_exact

GOOD = np.arange(12, dtype=np.float32).reshape(3, 4)


def masked() -> Any:
    return np.ma.masked_less(GOOD, 3)


def unaligned() -> Any:
    return np.frombuffer(bytes(GOOD.nbytes + 1), dtype=np.float32, offset=1).reshape(3, 4)


WRONG_TYPES = [
    (GOOD.astype(np.float64), "got float64; mend: np.ascontiguousarray(rows, dtype=np.float32)"),
    (GOOD.astype(np.int64), "got int64; mend: np.ascontiguousarray(rows, dtype=np.float32)"),
    (GOOD.astype(np.int32), "got int32"),
    (GOOD.astype(np.complex64), "got complex64"),
    (GOOD.astype(object), "got object"),
    (GOOD.astype(bool), "got bool"),
    (GOOD.astype(">f4"), "byte order, got >f4"),
    (GOOD.astype(np.uint16), 'element="bfloat16"'),
    (GOOD.tolist(), "expected a numpy array, got list; mend: np.asarray(rows, dtype=np.float32)"),
    (None, "got NoneType"),
    (masked(), "got a masked one"),
]

WRONG_VALUES = [
    (GOOD[0], "got 1-D, shape (4,); mend: rows.reshape(1, -1)"),
    (GOOD.reshape(3, 2, 2), "got 3-D, shape (3, 2, 2)"),
    (GOOD[:, ::2], "got a stride of 8 bytes for 4-byte values; mend: np.ascontiguousarray(rows)"),
    (np.asfortranarray(GOOD), "got a stride of 12 bytes for 4-byte values"),
    (GOOD[::-1], "got a stride of -16 bytes between rows; mend: np.ascontiguousarray(rows)"),
    (np.broadcast_to(GOOD[0], (3, 4)), "got a stride of 0 bytes between rows"),
    (unaligned(), "unaligned"),
    (np.zeros((0, 4), dtype=np.float32), ""),
    (np.zeros((3, 0), dtype=np.float32), ""),
    (np.zeros((1, 70_000), dtype=np.float32), "expected at most 65536 dimensions, got 70000"),
]


@pytest.mark.parametrize(("rows", "message"), WRONG_TYPES)
def test_wrong_types(rows: Any, message: str) -> None:
    with pytest.raises(tonari.WrongType) as caught:
        tonari.build("Flat", rows)
    assert message in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(("rows", "message"), WRONG_VALUES)
def test_wrong_shapes_and_layouts(rows: Any, message: str) -> None:
    with pytest.raises(tonari.InvalidArgument) as caught:
        tonari.build("Flat", rows)
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_the_mend_mends() -> None:
    for rows, _ in WRONG_TYPES[:3]:
        assert len(tonari.build("Flat", np.ascontiguousarray(rows, dtype=np.float32))) == 3
    for rows in (GOOD[:, ::2], np.asfortranarray(GOOD), GOOD[::-1], np.broadcast_to(GOOD[0], (3, 4))):
        assert len(tonari.build("Flat", np.ascontiguousarray(rows))) == 3
    assert len(tonari.build("Flat", GOOD.astype(">f4").astype(np.dtype(">f4").newbyteorder("=")))) == 3


def test_queries_are_held_to_the_same() -> None:
    index = tonari.build("Flat", GOOD)
    with pytest.raises(tonari.WrongType, match=r"queries: expected .* got float64; mend: .*queries, dtype=np.float32"):
        index.search(GOOD.astype(np.float64))
    with pytest.raises(tonari.InvalidArgument, match="1-D .* or 2-D .* got 3-D"):
        index.search(GOOD.reshape(3, 2, 2))
    with pytest.raises(tonari.InvalidArgument, match="stride"):
        index.search(np.asfortranarray(GOOD))
    with pytest.raises(tonari.Error, match="4.*3|3.*4"):
        index.search(np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(tonari.WrongType, match="queries: expected float32, as the index takes, got int8"):
        index.search(GOOD.astype(np.int8))
    with pytest.raises(tonari.WrongType, match="got float64; mend: .*queries, dtype=np.float32"):
        tonari.build("Flat,FP16", GOOD).search(GOOD.astype(np.float64))
    with pytest.raises(tonari.WrongType, match="got float64; mend: .*queries, dtype=np.int8"):
        tonari.build("Flat", GOOD.astype(np.int8)).search(GOOD.astype(np.float64))


def test_bits_want_bytes() -> None:
    with pytest.raises(tonari.WrongType, match=r"np\.packbits\(rows > 0, axis=-1, bitorder=\"little\"\)"):
        tonari.build("Flat", GOOD, metric="hamming")
    with pytest.raises(tonari.WrongType, match="got bool"):
        tonari.build("Flat", GOOD.astype(bool), metric="hamming")
    with pytest.raises(tonari.Error, match="(?i)bits|hamming"):
        tonari.build("Flat", GOOD.astype(np.uint8), element="bits", metric="l2")
    index = tonari.build("Flat", GOOD.astype(np.uint8), metric="hamming")
    with pytest.raises(tonari.WrongType, match=r"packbits\(queries"):
        index.search(GOOD)


def test_element_must_fit_the_dtype() -> None:
    with pytest.raises(tonari.WrongType, match='element="bfloat16" expects an array of uint16'):
        tonari.build("Flat", GOOD, element="bfloat16")
    with pytest.raises(tonari.InvalidArgument, match='"bits" or None, got "float"'):
        tonari.build("Flat", GOOD, element="float")  # type: ignore[arg-type]
    assert tonari.build("Flat", GOOD, element="float32").dtype == "float32"


@pytest.mark.parametrize("spec", ["Flat", "HNSW8"])
def test_rows_that_lie_apart(spec: str) -> None:
    wide = np.random.default_rng(1).standard_normal((200, 48)).astype(np.float32)
    for rows in (wide[:, 8:24], wide[::2], wide[10:, :16]):
        index = tonari.build(spec, rows)
        assert index.dim == rows.shape[1]
        values = rows.astype(np.float64)
        check_exact(index.search(rows[::3], k=4, ef=200), "l2", values, values[::3])


def test_read_only_arrays_are_fine() -> None:
    rows = GOOD.copy()
    rows.flags.writeable = False
    ids, _ = tonari.build("Flat", rows).search(rows, k=1)
    assert ids[:, 0].tolist() == [0, 1, 2]


def test_the_index_keeps_its_own_rows() -> None:
    rows = GOOD.copy()
    index = tonari.build("Flat", rows)
    before = index.search(GOOD, k=3)
    rows[:] = 0
    after = index.search(GOOD, k=3)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8])
@pytest.mark.parametrize("step", [1, 2])
def test_nothing_is_copied_on_the_way_in_or_out(dtype: Any, step: int) -> None:
    # NumPy reports its memory to tracemalloc, the library's own is not seen: a conversion would show.
    rows = np.ones((20_000, 64), dtype=dtype)[::step]
    rows[:, 0] = np.arange(len(rows)) % 100
    queries = rows[:200]
    tracemalloc.start()
    try:
        index = tonari.build("Flat", rows)
        ids, distances = index.search(queries, k=1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024
    assert ids.flags.writeable and distances.flags.c_contiguous
    del index
    assert ids.shape == (200, 1000) and (ids >= 0).all()
