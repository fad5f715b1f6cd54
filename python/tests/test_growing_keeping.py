"""GrowingIndex: saved, opened, frozen, in order."""

from __future__ import annotations

import copy
import gc
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from growing import DIM, Living, probe
from test_threads import lets_others_run, no_forced_switches  # noqa: F401 (a fixture)


@pytest.mark.parametrize("residency", ["map", "load", "disk"])
def test_what_is_saved_comes_back(
    grown: tonari.GrowingIndex, rows: Any, queries: Any, residency: Any, tmp_path: Path
) -> None:
    path = tmp_path / "living.tnr"
    grown.remove(range(0, 500, 5))
    living = Living(range(500), rows)
    living.drop(range(0, 500, 5))
    grown.save(path)
    tonari.verify(path)
    frozen = tonari.open(path, residency=residency)
    assert isinstance(frozen, tonari.Index)
    living.check(frozen, probe())
    for got, want in zip(frozen.search(queries), grown.freeze().search(queries)):
        np.testing.assert_array_equal(got, want)

    again = tonari.open(path, residency, growing=True)
    assert isinstance(again, tonari.GrowingIndex)
    assert (again.spec, again.dim, again.metric, again.dtype) == (grown.spec, DIM, "l2", "float32")
    living.check(again, probe())
    path.unlink()
    assert again.add(queries).tolist() == list(range(500, 520))
    again.remove(range(1, 500, 5))
    living.put(range(500, 520), queries)
    living.drop(range(1, 500, 5))
    living.check(again, probe())
    assert len(grown) == 400 and len(frozen) == 400


def test_a_built_graph_opens_growing(rows: Any, tmp_path: Path) -> None:
    ids = np.arange(500) * 2
    tonari.build("HNSW16,FP16", rows, ids=ids, metric="cosine").save(tmp_path / "a.tnr")
    index = tonari.open(tmp_path / "a.tnr", growing=True, ef_construction=50, seed=7)
    assert (index.spec, index.metric, index.dtype, len(index)) == ("HNSW16,FP16", "cosine", "float16", 500)
    assert index.add(rows[:2] + 1).tolist() == [999, 1000]
    assert index.search(rows[3], k=1)[0].tolist() == [6]


def test_options_for_later_rows_are_kept(rows: Any, tmp_path: Path) -> None:
    tonari.build("HNSW4", rows[:50]).save(tmp_path / "a.tnr")

    def links(**keywords: Any) -> Any:
        index = tonari.open(tmp_path / "a.tnr", growing=True, **keywords)
        index.add(rows[50:])
        return index.search(rows, k=20, ef=20, with_outcomes=True)[2]["distances"]

    usual = links()
    np.testing.assert_array_equal(links(ef_construction=200, seed=42), usual)
    assert (links(ef_construction=4) != usual).any()
    assert (links(seed=43) != usual).any()


def test_files_that_do_not_grow(rows: Any, tmp_path: Path) -> None:
    tonari.build("Flat", rows).save(tmp_path / "flat.tnr")
    with pytest.raises(tonari.Unsupported, match="expected one that grows"):
        tonari.open(tmp_path / "flat.tnr", growing=True)
    with pytest.raises(tonari.Error, match="none.tnr"):
        tonari.open(tmp_path / "none.tnr", growing=True)
    tonari.build("HNSW8", rows).save(tmp_path / "graph.tnr")
    for keywords, error, message in (
        ({"growing": 1}, tonari.WrongType, "growing: expected True or False, got int"),
        ({"ef_construction": 5}, tonari.InvalidArgument, "ef_construction: expected None.*mend: growing=True"),
        ({"seed": 5}, tonari.InvalidArgument, "seed: expected None.*got 5; mend: growing=True"),
        ({"growing": True, "ef_construction": 0}, tonari.InvalidArgument, "ef_construction of at least 1, got 0"),
        ({"growing": True, "seed": -1}, tonari.InvalidArgument, "seed: expected a whole number"),
        ({"growing": True, "residency": "tape"}, tonari.InvalidArgument, "residency"),
    ):
        with pytest.raises(error, match=message):
            tonari.open(tmp_path / "graph.tnr", **keywords)  # type: ignore[call-overload]


@pytest.mark.parametrize("spec", ["HNSW8", "IVF6,Flat", "IVF6_HNSW4,SQ8"])
def test_flipped_files_are_harmless(spec: str, rows: Any, queries: Any, tmp_path: Path) -> None:
    path = tmp_path / "whole.tnr"
    tonari.build(spec, rows[:200]).save(path)
    whole = path.read_bytes()
    flipped = tmp_path / "flipped.tnr"
    opened = 0
    for place in [*range(0, 512, 16), *range(512, len(whole), len(whole) // 150)]:
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        flipped.write_bytes(damaged)
        try:
            index = tonari.open(flipped, growing=True)
            index.search(queries)
            index.add(rows[200:220])
            index.remove(range(0, 50))
            index.tidy()
            index.search(queries)
            index.freeze().search(queries)
            opened += 1
        except tonari.Error:
            pass
    assert opened > 0
    for length in (0, 64, len(whole) // 2, len(whole) - 1):
        flipped.write_bytes(whole[:length])
        with pytest.raises(tonari.Corrupt):
            tonari.open(flipped, growing=True)


def test_what_is_empty_is_not_saved(empty: tonari.GrowingIndex, tmp_path: Path) -> None:
    with pytest.raises(tonari.NotFound, match="expected at least one row"):
        empty.freeze()
    with pytest.raises(tonari.NotFound, match="expected at least one row"):
        empty.save(tmp_path / "a.tnr")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(tonari.WrongType, match="path: expected str, bytes or os.PathLike, got "):
        empty.save(3)  # type: ignore[arg-type]


def test_a_frozen_index_stays_as_it_was(grown: tonari.GrowingIndex, rows: Any, queries: Any) -> None:
    frozen = grown.freeze()
    want = frozen.search(queries)
    grown.remove(range(400))
    grown.update(rows[:100], range(400, 500))
    Living(range(500), rows).check(frozen, probe())
    for got, expected in zip(frozen.search(queries), want):
        np.testing.assert_array_equal(got, expected)
    del grown
    gc.collect()
    assert len(frozen) == 500 and frozen.spec in ("HNSW8", "IVF12,Flat")


def test_health_and_tidiness(grown: tonari.GrowingIndex, rows: Any) -> None:
    keys = {"ids", "vertices", "waiting", "free", "unreachable", "mean_degree", "lists", "empty_lists", "largest_list"}
    health = grown.health()
    assert set(health) == keys
    assert (health["ids"], health["vertices"], health["waiting"]) == (500, 500, 0)
    if grown.spec == "HNSW8":
        assert health["free"] == health["unreachable"] == health["lists"] == 0 and 0 < health["mean_degree"] <= 16
    else:
        assert (health["lists"], health["empty_lists"]) == (12, 0) and 500 / 12 < health["largest_list"] < 500
        assert (health["ids"] + health["free"]) % 32 == 0
    free = health["free"]
    grown.remove(range(200))
    assert grown.tidy() is True
    health = grown.health()
    assert (health["ids"], health["vertices"], health["waiting"]) == (300, 300, 0)
    if grown.spec == "HNSW8":
        assert (health["free"], health["unreachable"]) == (200, 0)
    grown.add(rows[:200])
    assert grown.health()["free"] == free


def test_copies_and_pickles_are_refused(grown: tonari.GrowingIndex) -> None:
    for make in (copy.copy, copy.deepcopy):
        with pytest.raises(tonari.WrongType, match=r"cannot be copied; mend: index\.freeze\(\) .*growing=True"):
            make(grown)
    with pytest.raises(tonari.WrongType, match=r"cannot be pickled; mend: index\.save\(path\) here, .*growing=True"):
        pickle.dumps(grown)
