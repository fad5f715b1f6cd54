"""Indexes that change: tonari's growing index beside hnswlib and usearch, five tracks.

    grow      all rows added in calls of 1,000, with 1 thread on one core and with 2 on two; the last rows one a call,
              for the latency of an add. Then the searches: the sweep of ef of the frozen indexes.
    turnover  every row removed and added again, in random order and slices of 5 %: a slice is removed, then added.
              After each turnover recall at five ef, resting memory, CPU seconds. The grown index is the fresh one that
              they are compared with: it holds the same rows.
    half      a random half removed. Recall and speed beside a fresh index of the other half; rows that the library
              says no search can meet, and rows that do not find themselves.
    stream    run-books of the shapes of NeurIPS 2023's streaming track (runbook.py), recall and speed at one ef.
    writing   searches on one core while another changes the index (writing.py).

All libraries have the same M and efConstruction, hold the same rows under the same ids, get the same calls in the same
order (churn_adapters.py says which), each in a process of its own, on the same core, in turns of some calls; who
begins alternates. Nothing is tidied, compacted or rebuilt, for any. Truth is exact, over the rows that are alive.
"""
import statistics

import numpy as np

import live
import machine
import runbook
import sweep
import writing
from guarded import Guarded
from herd import CALL, EFS, Herd
from variants import GROWING, chosen

SLICES = 20          # of a turnover: 5 % each
SINGLES = 2000       # rows that are added one a call
SELVES = 20000       # rows at most that look for themselves
CLUSTERS = 64        # of the stream's clustered shape, as there
SEED = 7


class Churn(Guarded):
    """All tracks of one set; result() is what goes into the JSON."""

    def __init__(self, dataset, options, bar):
        self.dataset, self.options, self.bar = dataset, options, bar
        self.variants = chosen(GROWING, options)
        self.rows = {variant.name: {"variant": variant.name, "note": variant.note} for variant in self.variants}
        self.versions, self.lost, self.writing = {}, [], None
        self.grown = None  # a herd that holds every row and has not changed since

    @staticmethod
    def steps(options):
        """An estimate for the bar."""
        stream = {"sliding": options.stream_rounds + 1, "clustered": 80}
        each = {"grow": 12 + options.rounds, "turnover": options.turnovers + 12, "half": 24,
                "stream": sum(stream[shape] for shape in options.shape), "writing": 1}
        return sum(each[track] for track in options.track) + 1

    def measure(self):
        try:
            for track in ("grow", "turnover", "half", "stream", "writing"):
                if track in self.options.track and (self.variants or track == "writing"):
                    getattr(self, "_" + track)()
        finally:
            self._drop()

    # ---- grow -------------------------------------------------------------------------------------------------

    def _grow(self):
        n, options = self.dataset.rows, self.options
        singles = min(SINGLES, n // 10)
        herds = {1: Herd(self, n)}
        if len(options.cores_allowed) > 1 and not options.no_scaling:
            other = next(core for core in options.cores_allowed if core != options.core)
            herds[2] = Herd(self, n, [options.core, other], threads=2)
        try:
            bulk = self._fill(herds, np.arange(n - singles), "growing")
            for number, herd in herds.items():
                self._put(lambda name: {f"threads_{number}": _rates(bulk[number][name])}, "grow", bulk[number])
            self._add_singly(herds[1], np.arange(n - singles, n))
            if 2 in herds:
                herds[2].add(np.arange(n - singles, n))
                recalls = herds[2].recall(EFS)
                self._put(lambda name: {"recall_2_threads": recalls[name]["recall"]}, "grow", recalls)
            states = herds[1].state()
            self._put(lambda name: {"state": states[name]}, "grow", states)
        finally:
            if 2 in herds:
                herds[2].close()
        self.grown = herds[1]
        self._sweep(self.grown)

    def _add_singly(self, herd, rows):
        self.bar.step("growing, one row a call")
        pieces = [herd.add(part, call=1) for part in np.array_split(rows, 10) if len(part)]
        names = [name for name in herd.workers if all(name in piece for piece in pieces)]
        self._put(lambda name: {"single": {key: statistics.median(piece[name][key] for piece in pieces)
                                           for key in ("p50_us", "p99_us")}}, "grow", names)

    def _sweep(self, herd):
        """Speed at a recall, as for the frozen indexes."""
        self.bar.step("recall of the grown indexes")
        rows = herd.live.rows()
        truth = live.truth(self.dataset, rows, self.options.k, self.options.cache)
        herd.each(lambda worker: sweep.calibrate(
            self.rows[worker.variant.name],
            lambda ef: herd.recall_of(worker, [ef], truth)["recall"][str(ef)], self.bar.part))
        by_name = {variant.name: variant for variant in self.variants}
        for number in range(self.options.rounds):
            self.bar.step(f"searching the grown indexes, round {number + 1} of {self.options.rounds}")
            swept = {name: row for name, row in self.rows.items() if "timed" in row and "failed" not in row}
            for name, point in sweep.turns(swept, number, self.bar.part):
                if self._alive(by_name[name]):
                    self._guard(by_name[name], lambda v: self.lost.append(
                        sweep.time_point(herd.workers[v.name], point, self.options)))
        swept = [row for row in self.rows.values() if "timed" in row and "failed" not in row]
        for row in swept:
            sweep.summarise(row)
        sweep.ratios(swept)

    # ---- turnover ---------------------------------------------------------------------------------------------

    def _turnover(self):
        herd, self.grown = self._full(), None
        random = np.random.default_rng(SEED)
        try:
            turns = [self._of_turn(herd.state(), {}, {})]
            for number in range(self.options.turnovers):
                self.bar.step(f"turnover {number + 1} of {self.options.turnovers}")
                removed, added = {}, {}
                parts = np.array_split(random.permutation(self.dataset.rows), SLICES)
                for i, part in enumerate(parts):
                    self.bar.part(i / SLICES)
                    _sum(removed, herd.remove(part))
                    _sum(added, herd.add(part))
                turns.append(self._of_turn(herd.state(), removed, added))
        finally:
            herd.close()
        for name, row in self.rows.items():
            row["turnover"] = [turn[name] for turn in turns if name in turn]

    @staticmethod
    def _of_turn(states, removed, added):
        return {name: dict(state, remove=removed.get(name), add=added.get(name)) for name, state in states.items()}

    # ---- half -------------------------------------------------------------------------------------------------

    def _half(self):
        random = np.random.default_rng(SEED + 1)
        gone, rest = np.array_split(random.permutation(self.dataset.rows), 2)
        rest = np.sort(rest)
        herd, self.grown = self._full(), None
        try:
            self.bar.step("half: removing")
            removed = herd.remove(gone)
            self._half_state("removed", herd, rest, removed)
        finally:
            herd.close()
        herd = Herd(self, len(rest))
        try:
            self._fill({1: herd}, rest, "half: a fresh index of the rest")
            self._half_state("fresh", herd, rest, {})
        finally:
            herd.close()

    def _half_state(self, word, herd, rest, removed):
        self.bar.step(f"half: searching, {word}")
        states, speeds = herd.state(), herd.speed(self.options.ef)
        selves = {}
        if self.dataset.metric != "ip":  # a row need not be its own best inner product
            step = max(1, len(rest) // SELVES)
            selves = herd.find_themselves(rest[::step])
        self._put(lambda name: {word: dict(states[name], **speeds[name], selves=selves.get(name),
                                           remove=removed.get(name))}, "half", speeds)

    # ---- stream -----------------------------------------------------------------------------------------------

    def _stream(self):
        for shape in self.options.shape:
            if shape == "sliding":
                steps = runbook.sliding(self.dataset.rows, self.options.stream_rounds)
            else:
                labels = runbook.clusters(self.dataset.vectors(), min(CLUSTERS, self.dataset.rows // 20), SEED)
                steps = runbook.clustered(labels, SEED)
            self._stream_shape(shape, steps)

    def _stream_shape(self, shape, steps):
        herd = Herd(self, runbook.most_alive(steps))
        searches = sum(what == runbook.SEARCH for what, _ in steps)
        done, cpu = 0, {runbook.INSERT: {}, runbook.DELETE: {}}
        for row in self.rows.values():
            row.setdefault("stream", {})[shape] = []
        try:
            for what, rows in steps:
                if what == runbook.SEARCH:
                    done += 1
                    tenth = 10 * (done - 1) // searches
                    self.bar.step(f"stream, {shape}, {10 * tenth} %: search {done} of {searches}")
                    self._stream_search(shape, herd, done, cpu)
                    cpu = {runbook.INSERT: {}, runbook.DELETE: {}}
                else:
                    _sum(cpu[what], (herd.add if what == runbook.INSERT else herd.remove)(rows))
        finally:
            herd.close()

    def _stream_search(self, shape, herd, number, cpu):
        alive = len(herd.live.rows())
        if alive < self.options.k:
            return
        ef = self.options.ef
        states, speeds = herd.state([ef]), herd.speed(ef)
        for name, speed in speeds.items():
            point = dict(states[name], **speed, search=number, alive=alive, recall=states[name]["recall"][str(ef)],
                         insert=cpu[runbook.INSERT].get(name), delete=cpu[runbook.DELETE].get(name))
            self.rows[name]["stream"][shape].append(point)

    # ---- writing ----------------------------------------------------------------------------------------------

    def _writing(self):
        self.bar.step("searching while another core writes")
        self.writing = writing.measure(self.dataset, self.options)

    # ---- small things -----------------------------------------------------------------------------------------

    def _full(self):
        """A herd that holds every row, grown now unless one is at hand."""
        if self.grown is None:
            herd = Herd(self, self.dataset.rows)
            self._fill({1: herd}, np.arange(self.dataset.rows), "growing")
            return herd
        return self.grown

    def _fill(self, herds, rows, what):
        """Adds the rows in calls of CALL; herds and libraries take turns every ten calls or so. The sums, per herd."""
        sums = {number: {} for number in herds}
        chunk = CALL * max(1, min(10, len(rows) // (20 * CALL)))
        tenth = -1
        for start in range(0, len(rows), chunk):
            if 10 * start // len(rows) > tenth:
                tenth = 10 * start // len(rows)
                self.bar.step(f"{what}, {10 * tenth} %")
            for number, herd in herds.items():
                _sum(sums[number], herd.add(rows[start:start + chunk]))
        return sums

    def _put(self, value, track, names):
        for name in names:
            self.rows[name].setdefault(track, {}).update(value(name))

    def _drop(self):
        if self.grown is not None:
            self.grown.close()
            self.grown = None

    def result(self):
        for row in self.rows.values():
            row.pop("timed", None)
        return {"dataset": self.dataset.name, "metric": self.dataset.metric, "n": self.dataset.rows,
                "dim": self.dataset.dim, "k": self.options.k, "queries": len(self.dataset.queries),
                "ef": self.options.ef, "efs": list(EFS),
                "share_of_wall_time_lost_to_others": statistics.mean(self.lost) if self.lost else None,
                "results": list(self.rows.values()), "writing": self.writing, "exact": [], "bars": []}


def enough_memory(dataset, options):
    """Every library is in memory at once, in `grow` twice: refuses before the machine swaps or kills."""
    one = dataset.rows * (4 * dataset.dim + 8 * options.m + 150)
    need = one * len(chosen(GROWING, options)) * (2 if "grow" in options.track and not options.no_scaling else 1)
    have = machine.available_memory()
    if have and need > 0.9 * have:
        raise SystemExit(f"{dataset.label}: expected about {need >> 20} MiB of free memory for all libraries at once, "
                         f"got {have >> 20} MiB; choose fewer with --without, or --rows or --no-scaling")


def _sum(total, answers):
    for name, answer in answers.items():
        kept = total.setdefault(name, {"rows": 0, "cpu_s": 0.0, "wall_s": 0.0})
        for key in kept:
            kept[key] += answer[key]


def _rates(took):
    return dict(took, rows_per_cpu_s=took["rows"] / took["cpu_s"], rows_per_wall_s=took["rows"] / took["wall_s"])
