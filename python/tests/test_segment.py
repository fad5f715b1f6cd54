"""Files: what is saved comes back, and what is damaged is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from oracle import ELEMENTS, table


@pytest.mark.parametrize("residency", ["map", "load", "disk"])
@pytest.mark.parametrize("spec", ["Flat", "HNSW16", "HNSW16,FP16"])
def test_what_is_saved_comes_back(spec: str, residency: Any, rows: Any, queries: Any, tmp_path: Path) -> None:
    index = tonari.build(spec, rows, ids=np.arange(500) * 3)
    index.save(tmp_path / "books.tnr")
    books = tonari.open(tmp_path / "books.tnr", residency=residency)
    assert (books.spec, books.dim, books.metric, books.dtype, len(books)) == (spec, 24, "l2", index.dtype, 500)
    assert books.parts == index.parts
    for got, want in zip(books.search(queries, k=10), index.search(queries, k=10)):
        np.testing.assert_array_equal(got, want)
    for got, want in zip(books.range_search(queries, 30.0), index.range_search(queries, 30.0)):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("spec", ["IVF16,Flat", "IVF16,RaBitQ", "IVF16,RaBitQ,RFlat"])
def test_lists_asked_for_most_are_kept(spec: str, rows: Any, queries: Any, tmp_path: Path) -> None:
    tonari.build(spec, rows).save(tmp_path / "books.tnr")
    plain = tonari.open(tmp_path / "books.tnr", residency="disk")
    assert plain.cache_stats() is None
    books = tonari.open(tmp_path / "books.tnr", residency="disk", cache=1 << 20)
    for _ in range(3):
        for got, want in zip(books.search(queries, k=10, threads=2), plain.search(queries, k=10)):
            np.testing.assert_array_equal(got, want)
    stats = books.cache_stats()
    assert stats is not None
    assert stats["hits"] > stats["misses"] > 0 and stats["bytes_read"] > 0
    assert 0 < stats["lists"] <= 16 and 0 < stats["bytes"] <= stats["budget"] == 1 << 20
    assert stats["evictions"] == 0 and isinstance(stats["locked"], bool) and stats["refused"] is False


def test_a_cache_is_honoured_or_refused(flat: tonari.Index, tmp_path: Path) -> None:
    flat.save(tmp_path / "flat.tnr")
    with pytest.raises(tonari.Unsupported, match="a cache of lists: expected inverted lists that are scanned"):
        tonari.open(tmp_path / "flat.tnr", residency="disk", cache=1 << 20)
    with pytest.raises(tonari.InvalidArgument, match="a cache: expected residency 'disk', got 'map'"):
        tonari.open(tmp_path / "flat.tnr", cache=1 << 20)
    with pytest.raises(tonari.InvalidArgument, match="cache: expected 0, since a growing index is in memory"):
        tonari.open(tmp_path / "flat.tnr", residency="disk", growing=True, cache=1)  # type: ignore[call-overload]
    with pytest.raises(tonari.InvalidArgument, match="cache"):
        tonari.open(tmp_path / "flat.tnr", residency="disk", cache=-1)
    tonari.build("IVF4,Flat", np.eye(8, dtype=np.float32)).save(tmp_path / "lists.tnr")
    with pytest.raises(tonari.InvalidArgument, match="a cache of lists: expected at least a page, .* got 5"):
        tonari.open(tmp_path / "lists.tnr", residency="disk", cache=5)


@pytest.mark.parametrize("element", [*ELEMENTS, "bits"])
def test_every_element_type(element: str, tmp_path: Path) -> None:
    metric: Any = "hamming" if element == "bits" else "cosine"
    rows = table(element, 100, 40)
    index = tonari.build("HNSW8", rows.array, metric=metric, **rows.keywords)
    index.save(tmp_path / "e.tnr")
    tonari.verify(tmp_path / "e.tnr")
    again = tonari.open(tmp_path / "e.tnr")
    assert (again.dtype, again.metric) == (element, metric)
    want = index.search(rows.array, k=3, **rows.keywords)
    for got, expected in zip(again.search(rows.array, k=3, **rows.keywords), want):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("spec", ["Flat", "HNSW16"])
def test_the_same_bytes_for_any_number_of_threads(spec: str, rows: Any, tmp_path: Path) -> None:
    files = []
    for threads in (1, 2, 5):
        path = tmp_path / f"{threads}.tnr"
        tonari.build(spec, rows, threads=threads).save(path)
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]


def test_another_seed_is_another_graph(rows: Any, tmp_path: Path) -> None:
    for seed in (1, 2):
        tonari.build("HNSW16", rows, seed=seed).save(tmp_path / f"{seed}.tnr")
    assert (tmp_path / "1.tnr").read_bytes() != (tmp_path / "2.tnr").read_bytes()


def test_paths_of_every_kind(flat: tonari.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths: list[Any] = ["plain.tnr", b"bytes.tnr", tmp_path / "p.tnr", "隣 und ä.tnr", str(tmp_path / "full.tnr")]
    for path in paths:
        flat.save(path)
        tonari.verify(path)
        assert len(tonari.open(path)) == 500
    for wrong in (None, 3, ["a"]):
        with pytest.raises(tonari.WrongType, match="path: expected str, bytes or os.PathLike, got "):
            tonari.open(wrong)  # type: ignore[arg-type]


def test_a_file_is_replaced_while_it_is_open(rows: Any, tmp_path: Path) -> None:
    path = tmp_path / "books.tnr"
    tonari.build("Flat", rows[:100]).save(path)
    old = tonari.open(path)
    tonari.build("Flat", rows).save(path)
    assert len(old) == 100 and len(tonari.open(path)) == 500
    assert old.search(rows[5], k=1)[0].tolist() == [5]
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tnr"] == ["books.tnr"]


def test_files_that_are_not_there(flat: tonari.Index, tmp_path: Path) -> None:
    with pytest.raises(tonari.Error) as caught:
        tonari.open(tmp_path / "none.tnr")
    assert isinstance(caught.value, OSError) and "none.tnr" in str(caught.value)
    with pytest.raises(tonari.Error):
        tonari.verify(tmp_path / "none.tnr")
    with pytest.raises(tonari.Error) as caught:
        flat.save(tmp_path / "no" / "folder.tnr")
    assert isinstance(caught.value, OSError)
    with pytest.raises(tonari.Error):
        tonari.open(tmp_path)
    with pytest.raises(tonari.InvalidArgument, match='residency: expected "map", "load" or "disk", got "tape"'):
        tonari.open(tmp_path, residency="tape")  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(flat: tonari.Index, tmp_path: Path) -> None:
    flat.save(tmp_path / "a.tnr")
    (tmp_path / "a.tnr").chmod(0)
    with pytest.raises(tonari.IoError):
        tonari.open(tmp_path / "a.tnr")


@pytest.mark.parametrize("spec", ["Flat", "HNSW16"])
def test_cut_files_are_refused(spec: str, rows: Any, tmp_path: Path) -> None:
    path = tmp_path / "whole.tnr"
    tonari.build(spec, rows).save(path)
    whole = path.read_bytes()
    cut = tmp_path / "cut.tnr"
    for length in sorted({0, 1, 7, 64, 100, 4096, len(whole) // 2, len(whole) - 1}):
        cut.write_bytes(whole[:length])
        for residency in ("map", "load", "disk"):
            with pytest.raises(tonari.Corrupt) as caught:
                tonari.open(cut, residency=residency)
            assert "cut.tnr" in str(caught.value)


@pytest.mark.parametrize("spec", ["Flat", "HNSW16"])
def test_flipped_files_are_found_out_and_harmless(spec: str, rows: Any, queries: Any, tmp_path: Path) -> None:
    path = tmp_path / "whole.tnr"
    tonari.build(spec, rows).save(path)
    whole = path.read_bytes()
    flipped = tmp_path / "flipped.tnr"
    places = [*range(0, 512, 16), *range(512, len(whole), len(whole) // 64)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        flipped.write_bytes(damaged)
        with pytest.raises((tonari.Corrupt, tonari.Unsupported)):  # a flipped version is a newer one
            tonari.verify(flipped)
        try:
            tonari.open(flipped).search(queries)
        except tonari.Error:
            pass


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, np.zeros((100, 100)))
    with pytest.raises(tonari.Corrupt):
        tonari.open(path)


def test_verify_tells_how_far_it_is(flat: tonari.Index, tmp_path: Path) -> None:
    path = tmp_path / "a.tnr"
    flat.save(path)
    seen: list[tuple[int, int]] = []
    tonari.verify(path, progress=lambda done, total: seen.append((done, total)))
    assert seen and seen[-1][0] == seen[-1][1] and seen == sorted(seen)

    def stop(done: int, total: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        tonari.verify(path, progress=stop)


def test_files_pass_between_processes(rows: Any, queries: Any, tmp_path: Path) -> None:
    tonari.build("HNSW16", rows).save(tmp_path / "ours.tnr")
    np.save(tmp_path / "queries.npy", queries)
    program = (
        "import numpy as np, tonari\n"
        "queries = np.load('queries.npy')\n"
        "ids, _ = tonari.open('ours.tnr').search(queries)\n"
        "np.save('ids.npy', ids)\n"
        "tonari.build('Flat', queries, metric='cosine').save('theirs.tnr')\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "ids.npy"), tonari.open(tmp_path / "ours.tnr").search(queries)[0])
    theirs = tonari.open(tmp_path / "theirs.tnr")
    assert (len(theirs), theirs.metric) == (20, "cosine")
