"""The order of things for one set: build, load, find the knobs, then rounds of all variants in turn."""
import glob
import json
import os
import statistics
import sys
import tempfile
import time

import numpy as np

import machine
import scoring
from remote import Remote, WorkerError
from variants import ENOUGH, EXACT, GRAPHS, HALF_PEERS, KNOBS, TARGETS, chosen


class Run:
    """All measurements of one set; result() is what goes into the JSON."""

    def __init__(self, dataset, options, bar):
        self.dataset, self.options, self.bar = dataset, options, bar
        self.graphs = chosen(GRAPHS + (HALF_PEERS if options.half_peers else ()), options)
        self.exact = [] if options.no_exact else [
            variant for variant in chosen(EXACT, options) if dataset.integers or "int" not in variant.name.split()]
        self.rows = {variant.name: {"variant": variant.name, "note": variant.note}
                     for variant in self.graphs + self.exact}
        self.versions = {}
        self.lost = []  # share of each timed point's wall time that other jobs had

    @staticmethod
    def steps(options):
        """An estimate for the bar: builds, loads, one calibration and the rounds of every variant."""
        graphs = len(chosen(GRAPHS + (HALF_PEERS if options.half_peers else ()), options))
        exact = 0 if options.no_exact else len(chosen(EXACT, options))
        return graphs * (1 + options.loads + 1 + options.rounds) + exact * (1 + options.rounds) + 2

    # ---- building ---------------------------------------------------------------------------------------------

    def build_all(self):
        """Builds what no cached file offers; variants of one file share it and its build figures."""
        for variant in self.graphs:
            if self._alive(variant):
                self._guard(variant, self._build_or_reuse)

    def _build_or_reuse(self, variant):
        same = [other for other in self.graphs if other.file == variant.file and "file" in self.rows[other.name]]
        if same:
            kept = self.rows[same[0].name]
            self.rows[variant.name].update(file=kept["file"], file_bytes=kept.get("file_bytes"))
            return
        with Remote(variant, self.dataset.metric, self.options) as worker:
            path = self._cache_path(variant, worker.facts)
            self._note_version(worker.facts)
            if self.options.rebuild or not (os.path.exists(path) and os.path.exists(path + ".json")):
                self.bar.step(f"building {variant.name}, 1 thread")
                self._drop_stale(variant, path)
                facts = worker.ask("build", base=self.dataset.base, rows=self.dataset.rows, out=path)
                facts["built"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
                with open(path + ".json", "w") as file:
                    json.dump(facts, file)
                facts = dict(facts, build_cached=False)
            else:
                with open(path + ".json") as file:
                    facts = dict(json.load(file), build_cached=True)
        self.rows[variant.name].update(facts, file=path)

    def _cache_path(self, variant, facts):
        options = self.options
        name = f"{variant.file}-{facts['identity']}-m{options.m}-efc{options.ef_construction}"
        folder = os.path.join(options.cache, f"{self.dataset.name}-{self.dataset.fingerprint}")
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, name.replace("/", "_"))

    def _drop_stale(self, variant, path):
        """Files of other builds of a library would fill the disk: its code changes with every checkout."""
        pattern = os.path.join(os.path.dirname(path), f"{variant.file}-[0-9]*-m{self.options.m}"
                                                      f"-efc{self.options.ef_construction}*")
        for old in glob.glob(pattern):
            os.remove(old)

    def build_scaling(self):
        """tonari once with one thread and once with two, one after the other, by the clock on the wall."""
        variant = next((v for v in self.graphs if v.name == "tonari" and self._alive(v)), None)
        cores = self.options.cores_allowed
        if not variant or self.options.no_scaling or len(cores) < 2:
            return
        pair = [self.options.core, next(core for core in cores if core != self.options.core)]
        self._guard(variant, lambda _: self._scale(variant, pair))

    def _scale(self, variant, pair):
        walls = {}
        for threads in (1, 2):
            self.bar.step(f"building tonari, {threads} thread(s), for the scaling")
            with Remote(variant, self.dataset.metric, self.options) as worker:
                facts = worker.ask("build", base=self.dataset.base, rows=self.dataset.rows, threads=threads, cores=pair)
            walls[threads] = facts["build_wall_s"]
        self.rows[variant.name].update(build_wall_s_1_thread=walls[1], build_wall_s_2_threads=walls[2],
                                       build_scaling=walls[1] / walls[2])

    # ---- graph search -----------------------------------------------------------------------------------------

    def search_all(self):
        """Loads every variant in a process of its own, then lets them take turns."""
        workers = {}
        try:
            for _ in range(self.options.loads):
                for variant in self.graphs:
                    if self._alive(variant):
                        self._guard(variant, lambda v: self._load(v, workers))
            for variant in self.graphs:
                if variant.name in workers and self._alive(variant):
                    self._guard(variant, lambda v: self._calibrate(v, workers[v.name]))
            for number in range(self.options.rounds):
                self._round(workers, number)
        finally:
            for worker in workers.values():
                worker.close()
        for variant in self.graphs:
            if self._alive(variant):
                self._summarise(self.rows[variant.name])
        self._ratios([self.rows[v.name] for v in self.graphs if self._alive(v)])

    def _load(self, variant, workers):
        """A fresh process each time; the last one stays for the searches."""
        row = self.rows[variant.name]
        self.bar.step(f"loading: {variant.name}")
        if variant.name in workers:
            workers.pop(variant.name).close()
        worker = Remote(variant, self.dataset.metric, self.options)
        workers[variant.name] = worker
        worker.ask("read_queries", path=self.dataset.query)
        facts = worker.ask("load", path=row["file"], dim=self.dataset.dim)
        if variant.huge:
            facts["huge_bytes"] = worker.ask("gather_huge_pages")["huge"]
        row.setdefault("loads", []).append(facts)

    def _calibrate(self, variant, worker):
        """One call per knob, not timed, for the recall; stops where the recall is enough."""
        points = []
        self.bar.step(f"recall: {variant.name}")
        for ef in KNOBS:
            self.bar.part(len(points) / len(KNOBS))
            points.append({"ef": ef, "recall": self._recall(worker, ef), "qps": [], "wall_qps": []})
            if points[-1]["recall"] >= ENOUGH:
                break
        self.rows[variant.name]["points"] = points
        self.rows[variant.name]["timed"] = _worth_timing([point["recall"] for point in points])

    def _recall(self, worker, ef):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ids.npy")
            worker.ask("search", ef=ef, k=self.options.k, seconds=0, ids_to=path)
            ids = np.load(path)
        return scoring.recall(self.dataset.vectors(), self.dataset.queries, ids, self.dataset.truth, self.options.k,
                              self.dataset.metric)

    def _round(self, workers, number):
        """Knob by knob, A B C ... at each, and in the next round ... C B A.

        So what is compared was measured within the same second or two, whatever else the machine does, and no
        variant always follows the same neighbour.
        """
        turn = [variant for variant in self.graphs if variant.name in workers and self._alive(variant)]
        turn = turn[::-1] if number % 2 else turn
        self.bar.step(f"round {number + 1} of {self.options.rounds}", weight=len(self.graphs))
        timed = {variant.name: self._timed(self.rows[variant.name]) for variant in turn}
        most = max((len(points) for points in timed.values()), default=0)
        for i in range(most):
            self.bar.part(i / (most + 1))
            for variant in turn:
                if i < len(timed[variant.name]) and self._alive(variant):
                    self._guard(variant, lambda v: self._time_point(workers[v.name], timed[v.name][i]))
        for variant in turn:
            if not self.options.no_latency and self._alive(variant):
                self._guard(variant, lambda v: self._time_single_queries(self.rows[v.name], workers[v.name]))

    @staticmethod
    def _timed(row):
        return row["points"][slice(*row["timed"])]

    def _time_point(self, worker, point):
        answer = worker.ask("search", ef=point["ef"], k=self.options.k, seconds=self.options.seconds)
        point["qps"].append(answer["qps"])
        point["wall_qps"].append(answer["wall_qps"])
        self.lost.append(answer["lost"])

    def _time_single_queries(self, row, worker):
        reached = [point["ef"] for point in row["points"] if point["recall"] >= 0.95]
        if reached:
            answer = worker.ask("latency", ef=reached[0], k=self.options.k)
            row.setdefault("latencies", []).append(dict(answer, ef=reached[0]))

    # ---- exact search -----------------------------------------------------------------------------------------

    def exact_all(self):
        """All queries in one call over all rows; two or three processes would do no harm, but they take turns."""
        workers = {}
        try:
            for variant in self.exact:
                self.bar.step(f"exact: {variant.name}")
                self._guard(variant, lambda v: self._open_exact(v, workers))
            for number in range(self.options.rounds):
                for variant in (self.exact if number % 2 == 0 else self.exact[::-1]):
                    if variant.name in workers and self._alive(variant):
                        self.bar.step(f"exact, round {number + 1}: {variant.name}")
                        self._guard(variant, lambda v: self._exact_turn(v, workers[v.name]))
        finally:
            for worker in workers.values():
                worker.close()
        self._exact_ratios()

    def _open_exact(self, variant, workers):
        worker = Remote(variant, self.dataset.metric, self.options)
        workers[variant.name] = worker
        self._note_version(worker.facts)
        worker.ask("build", base=self.dataset.base, rows=self.dataset.rows)
        worker.ask("read_queries", path=self.dataset.query)
        self.rows[variant.name].update(recall=self._recall(worker, 0), qps=[], wall_qps=[])

    def _exact_turn(self, variant, worker):
        answer = worker.ask("search", ef=0, k=self.options.k, seconds=self.options.seconds)
        self.rows[variant.name]["qps"].append(answer["qps"])
        self.rows[variant.name]["wall_qps"].append(answer["wall_qps"])

    def _exact_ratios(self):
        reference = self.rows.get("faiss Flat", {}).get("qps", [])
        for variant in self.exact:
            row = self.rows[variant.name]
            if self._alive(variant):
                row["x_faiss_flat"] = _median_ratio(row["qps"], reference)
                row["median_qps"], row["median_wall_qps"] = _median(row["qps"]), _median(row["wall_qps"])

    # ---- figures ----------------------------------------------------------------------------------------------

    def _summarise(self, row):
        """Medians over the rounds; a round's speed at a recall is interpolated within that round."""
        timed = self._timed(row)
        rounds = min((len(point["qps"]) for point in timed), default=0)
        row["rounds"] = [{str(t): scoring.at_recall([(p["recall"], p["qps"][i]) for p in timed], t) for t in TARGETS}
                         for i in range(rounds)]
        row["at_recall"] = {}
        for target in TARGETS:
            speeds = [speed[str(target)][0] for speed in row["rounds"] if speed[str(target)][0]]
            if speeds:
                row["at_recall"][str(target)] = {"qps": _median(speeds), "floor": row["rounds"][0][str(target)][1]}
        for point in row["points"]:
            point["median_qps"], point["median_wall_qps"] = _median(point["qps"]), _median(point["wall_qps"])
        for key in ("open_ms", "load_ms"):
            row[key] = _median([load[key] for load in row["loads"]])
        for key in ("resting_bytes", "resting_anonymous_bytes", "index_bytes", "huge_bytes"):
            row[key] = row["loads"][-1].get(key)
        for key in ("p50_us", "p99_us"):
            row[key] = _median([entry[key] for entry in row.get("latencies", [])])

    def _ratios(self, rows):
        """Ratio at equal recall, to every other variant: the median of the ratios within each round."""
        for row in rows:
            for target, entry in row["at_recall"].items():
                entry["ratio"] = {}
                for other in rows:
                    if target in other["at_recall"]:
                        mine, theirs = ([r[target][0] for r in x["rounds"]] for x in (row, other))
                        entry["ratio"][other["variant"]] = _median_ratio(mine, theirs)

    def result(self):
        alive = [self.rows[variant.name] for variant in self.graphs]
        for row in self.rows.values():
            row.pop("timed", None)
            row.pop("file", None)
        return {"dataset": self.dataset.name, "metric": self.dataset.metric, "n": self.dataset.rows,
                "dim": self.dataset.dim, "k": self.options.k, "queries": len(self.dataset.queries),
                "share_of_wall_time_lost_to_others": statistics.mean(self.lost) if self.lost else None,
                "results": alive, "exact": [self.rows[variant.name] for variant in self.exact]}

    # ---- small things -----------------------------------------------------------------------------------------

    def _alive(self, variant):
        return "failed" not in self.rows[variant.name]

    def _guard(self, variant, action):
        """A variant that fails drops out with its message; the others go on, and the run ends with status 1."""
        try:
            action(variant)
        except WorkerError as error:
            self.rows[variant.name]["failed"] = str(error)
            print(f"\n{self.dataset.label}: {variant.name} failed: {error}", file=sys.stderr)

    def _note_version(self, facts):
        self.versions[facts["library"]] = f"{facts['version']} ({facts['simd']})" if facts["simd"] else facts["version"]


def enough_memory(dataset, options):
    """All graph variants are in memory at once: refuses before the machine swaps or kills."""
    one = dataset.rows * (4 * dataset.dim + 8 * options.m + 100)
    need = one * (len(chosen(GRAPHS, options)) + 1)
    have = machine.available_memory()
    if have and need > 0.9 * have:
        raise SystemExit(f"{dataset.label}: expected about {need >> 20} MiB of free memory for all variants at once, "
                         f"got {have >> 20} MiB; choose fewer with --only, --without or --no-huge")


def _worth_timing(recalls):
    """The stretch of knobs to time: from the last one below every target to the first one past the last target.

    Where a target is out of reach, no more than two knobs past the last reached one: speed there answers nothing.
    """
    start = max([i for i, value in enumerate(recalls) if value < TARGETS[0]], default=0)
    reached = [target for target in TARGETS if max(recalls) >= target]
    if len(reached) == len(TARGETS):
        return start, len(recalls)
    last = next((i for i, value in enumerate(recalls) if reached and value >= reached[-1]), start)
    return start, last + 3


def _median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def _median_ratio(mine, theirs):
    return _median([a / b for a, b in zip(mine, theirs) if a and b])
