"""The order of things for one set: build, load, find the knobs, then rounds of all variants in turn."""
import glob
import json
import os
import statistics
import time

import machine
import scoring
import sweep
from guarded import Guarded
from remote import Remote
from sweep import median, median_ratio
from variants import EXACT, KNOBS, NEVER, PROBES, chosen, graphs, not_installed


class Run(Guarded):
    """All measurements of one set; result() is what goes into the JSON."""

    def __init__(self, dataset, options, bar):
        self.dataset, self.options, self.bar = dataset, options, bar
        self.graphs, self.not_measured = [], []
        for variant in graphs(options):
            why = variant.refuses(dataset)
            if why:
                self.not_measured.append({"variant": variant.name, "why": why})
            else:
                self.graphs.append(variant)
        self.missing = not_installed()
        self.not_measured += [{"variant": name, "why": why} for name, why in NEVER] if options.all_peers else []
        self.knobs = PROBES if options.lists else KNOBS
        self.exact = [] if options.no_exact else [
            variant for variant in chosen(EXACT, options) if dataset.integers or "int" not in variant.name.split()]
        self.rows = {variant.name: {"variant": variant.name, "note": variant.note}
                     for variant in self.graphs + self.exact}
        self.versions = {}
        self.lost = []  # share of each timed point's wall time that other jobs had

    @staticmethod
    def steps(options):
        """An estimate for the bar: builds, loads, one calibration and the rounds of every variant."""
        built = len(graphs(options))
        exact = 0 if options.no_exact else len(chosen(EXACT, options))
        return built * (1 + options.loads + 1 + options.rounds) + exact * (1 + options.rounds) + 2

    # ---- building ---------------------------------------------------------------------------------------------

    def build_all(self):
        """Builds what no cached file offers; variants of one file share it and its build figures."""
        for variant in self.graphs:
            if variant.package in self.missing:
                self.rows[variant.name]["failed"] = self.missing[variant.package]
            if self._alive(variant):
                self._guard(variant, self._build_or_reuse)
        self._leave_out()

    def _leave_out(self):
        """A peer of --all-peers without an index (not installed, not to be imported, not built) is named, not shown."""
        for variant in [each for each in self.graphs if each.optional and not self._alive(each)]:
            self.graphs.remove(variant)
            why = self.rows.pop(variant.name)["failed"].splitlines()[0]
            self.not_measured.append({"variant": variant.name, "why": why})

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
        name = f"{variant.file}-{facts['identity']}-{self._settings()}"
        folder = os.path.join(options.cache, f"{self.dataset.name}-{self.dataset.fingerprint}")
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, name.replace("/", "_"))

    def _settings(self):
        options = self.options
        return f"lists{options.lists}" if options.lists else f"m{options.m}-efc{options.ef_construction}"

    def _drop_stale(self, variant, path):
        """Files of other builds of a library would fill the disk: its code changes with every checkout."""
        pattern = os.path.join(os.path.dirname(path), f"{variant.file}-[0-9]*-{self._settings()}*")
        for old in glob.glob(pattern):
            machine.remove(old)

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
        sweep.ratios([self.rows[v.name] for v in self.graphs if self._alive(v)])

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
        self.bar.step(f"recall: {variant.name}")
        sweep.calibrate(self.rows[variant.name], lambda ef: self._recall(worker, ef), self.bar.part, self.knobs)

    def _recall(self, worker, ef):
        return scoring.recall(self.dataset.vectors(), self.dataset.queries, worker.answers(ef, self.options.k),
                              self.dataset.truth, self.options.k, self.dataset.metric)

    def _round(self, workers, number):
        turn = {variant.name: variant for variant in self.graphs if variant.name in workers and self._alive(variant)}
        self.bar.step(f"round {number + 1} of {self.options.rounds}", weight=len(self.graphs))
        for name, point in sweep.turns({name: self.rows[name] for name in turn}, number, self.bar.part):
            if self._alive(turn[name]):
                self._guard(turn[name], lambda v: self.lost.append(
                    sweep.time_point(workers[v.name], point, self.options)))
        for variant in list(turn.values())[::-1 if number % 2 else 1]:
            if not self.options.no_latency and self._alive(variant):
                self._guard(variant, lambda v: self._time_single_queries(self.rows[v.name], workers[v.name]))

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
        self.rows[variant.name].update(simd=worker.facts["simd"], recall=self._recall(worker, 0), qps=[], wall_qps=[])

    def _exact_turn(self, variant, worker):
        answer = worker.ask("search", ef=0, k=self.options.k, seconds=self.options.seconds)
        self.rows[variant.name]["qps"].append(answer["qps"])
        self.rows[variant.name]["wall_qps"].append(answer["wall_qps"])

    def _exact_ratios(self):
        reference = self.rows.get("faiss Flat", {}).get("qps", [])
        for variant in self.exact:
            row = self.rows[variant.name]
            if self._alive(variant):
                row["x_faiss_flat"] = median_ratio(row["qps"], reference)
                row["median_qps"], row["median_wall_qps"] = median(row["qps"]), median(row["wall_qps"])

    # ---- figures ----------------------------------------------------------------------------------------------

    def _summarise(self, row):
        sweep.summarise(row)
        for key in ("open_ms", "load_ms"):
            row[key] = median([load[key] for load in row["loads"]])
        for key in ("resting_bytes", "resting_anonymous_bytes", "index_bytes", "huge_bytes"):
            row[key] = row["loads"][-1].get(key)
        for key in ("p50_us", "p99_us"):
            row[key] = median([entry[key] for entry in row.get("latencies", [])])

    def result(self):
        alive = [self.rows[variant.name] for variant in self.graphs]
        for row in self.rows.values():
            row.pop("timed", None)
            row.pop("file", None)
        return {"dataset": self.dataset.name, "metric": self.dataset.metric, "n": self.dataset.rows,
                "dim": self.dataset.dim, "k": self.options.k, "queries": len(self.dataset.queries),
                "share_of_wall_time_lost_to_others": statistics.mean(self.lost) if self.lost else None,
                "results": alive, "not_measured": self.not_measured,
                "exact": [self.rows[variant.name] for variant in self.exact]}


def enough_memory(dataset, options):
    """All graph variants are in memory at once: refuses before the machine swaps or kills."""
    one = dataset.rows * (4 * dataset.dim + 8 * options.m + 100)
    need = one * (len(graphs(options)) + 1)
    have = machine.available_memory()
    if have and need > 0.9 * have:
        raise SystemExit(f"{dataset.label}: expected about {need >> 20} MiB of free memory for all variants at once, "
                         f"got {have >> 20} MiB; choose fewer with --only, --without or --no-huge")
