"""GrowingIndex of inverted lists: what they have beside what every growing index has."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tonari
from growing import CASES, DIM, Living, probe
from oracle import table


@pytest.mark.parametrize(("metric", "element"), CASES)
def test_a_life_of_every_kind_of_row(metric: Any, element: str) -> None:
    dim = 40
    first, later, changed = (table(element, 200, dim, seed) for seed in (1, 2, 3))
    queries = table(element, 10, dim, seed=4)
    index = tonari.build("IVF8,Flat", first.array, metric=metric, growing=True, **first.keywords)
    living = Living(range(200), first.values)
    living.check(index, queries)
    index.add(later.array, ids=np.arange(1000, 1200), threads=2, **later.keywords)
    living.put(range(1000, 1200), later.values)
    index.remove(np.arange(0, 200, 2))
    living.drop(range(0, 200, 2))
    living.check(index, queries)
    index.update(changed.array[:50], range(1000, 1050), **changed.keywords)
    living.put(range(1000, 1050), changed.values[:50])
    index.add(changed.array[100:], ids=np.arange(100), replace=True, **changed.keywords)
    living.put(range(100), changed.values[100:])
    living.check(index, queries)
    assert index.compact()
    living.check(index, queries)
    living.check(index.freeze(), queries)


@pytest.mark.parametrize(
    "spec",
    ["IVF12,Flat", "IVF12_HNSW4,Flat", "IVF12,SQ8", "IVF12_HNSW4,SQ8", "IVF12,FP16", "IVF12,SQ4", "IVF12_HNSW4,SQ4,RFlat"],
)
def test_frozen_they_are_what_a_build_makes(spec: str, rows: Any, tmp_path: Path) -> None:
    built = tonari.build(spec, rows, ids=np.arange(500)[::-1])
    index = tonari.build(spec, rows, ids=np.arange(500)[::-1], growing=True)
    assert index.spec == spec and {"rows", "ids", "lists", "coarse"} <= set(index.parts)
    extra = index.add(rows[:100])
    index.remove(extra)
    built.save(tmp_path / "built.tnr")
    index.save(tmp_path / "grown.tnr")
    assert (tmp_path / "built.tnr").read_bytes() == (tmp_path / "grown.tnr").read_bytes()
    again = tonari.open(tmp_path / "built.tnr", growing=True)
    assert again.spec == spec and again.add(rows[0]).tolist() == [500]
    again.remove(500)
    again.save(tmp_path / "again.tnr")
    assert (tmp_path / "built.tnr").read_bytes() == (tmp_path / "again.tnr").read_bytes()


def test_as_many_lists_are_looked_at_as_are_asked_for(rows: Any, queries: Any) -> None:
    index = tonari.build("IVF12,Flat", rows, growing=True)
    frozen = index.freeze()
    for nprobe in (1, 3, 12):
        for got, want in zip(index.search(queries, nprobe=nprobe), frozen.search(queries, nprobe=nprobe)):
            np.testing.assert_array_equal(got, want)
    few = index.search(queries, nprobe=1, with_outcomes=True)[2]["distances"]
    assert (few < index.search(queries, nprobe=12, with_outcomes=True)[2]["distances"]).all()
    assert (index.search(queries, k=500, nprobe=1)[0] >= 0).all()  # on to further lists


def test_fewer_rows_than_lists_are_refused(rows: Any) -> None:
    with pytest.raises(tonari.InvalidArgument, match="12"):
        tonari.build("IVF12,Flat", rows[:11], growing=True)
    with pytest.raises(tonari.Unsupported, match="pass the first rows"):
        tonari.build("IVF12,Flat", rows[:0], growing=True)


def test_a_cursor_sees_its_moment(rows: Any) -> None:
    index = tonari.build("IVF12,Flat", rows, growing=True)
    cursor = index.cursor(rows[0], nprobe=2)
    first = [next(cursor)[0] for _ in range(20)]
    index.remove(range(250))
    index.add(rows[:250], np.arange(1000, 1250))
    assert not index.tidy()
    assert sorted(first + [id for id, _ in cursor]) == list(range(500))
    del cursor
    assert index.tidy()


def test_threads_change_lists_while_others_ask(rows: Any) -> None:
    """Ids below 250 stay: each is found by every search that looks at all lists."""
    index = tonari.build("IVF12,Flat", rows, growing=True)
    wrong: list[Any] = []
    done = threading.Event()

    def change(low: int) -> None:
        for turn in range(20):
            index.remove(range(low, low + 125))
            index.add(rows[low : low + 125], np.arange(low, low + 125))
            index.update(rows[(low + turn) % 300 :][:50], np.arange(low, low + 50))
            if turn % 5 == 4:
                index.compact()

    def ask() -> None:
        while not done.is_set():
            ids = index.search(rows[:4], k=600)[0]
            for found in ids:
                held = found[found >= 0]
                if len(np.unique(held)) != len(held) or not np.isin(np.arange(250), held).all():
                    wrong.append(found)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    changers = [threading.Thread(target=change, args=(low,)) for low in (250, 375)]
    for thread in askers + changers:
        thread.start()
    for thread in changers:
        thread.join()
    done.set()
    for thread in askers:
        thread.join()
    assert not wrong
    assert len(index) == 500 and index.tidy()
    living = Living(range(500), rows)
    for low in (250, 375):
        living.put(range(low, low + 50), rows[(low + 19) % 300 :][:50])
    living.check(index, probe())
    assert index.dim == DIM
