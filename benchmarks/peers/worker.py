"""One process, one library, one index. Obeys JSON lines on stdin, answers on stdout; idle between commands.

The first line says which adapter, which core and which metric. Nothing is imported before the process is pinned,
so that a library which sizes its thread pool by the cores it sees finds one.
"""
import json
import os
import sys
import time
import traceback


def main(kind):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if worker is None:
                worker = kind(request)
                answer = worker.hello()
            else:
                answer = getattr(worker, request.pop("do"))(**request)
        except BaseException as error:  # noqa: B902 - the parent decides what a failure means
            answer = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Worker:
    """The commands a worker knows; each returns a dictionary."""

    def __init__(self, setup):
        os.sched_setaffinity(0, setup["cores"])
        import numpy
        import machine
        self.numpy, self.machine = numpy, machine
        self.adapter = self.adapters()[setup["adapter"]](setup["metric"], setup)
        self.setup = setup
        self.queries = None
        self._wake_library()

    @staticmethod
    def adapters():
        from adapters import ADAPTERS
        from more_adapters import MORE_ADAPTERS
        return {**ADAPTERS, **MORE_ADAPTERS}

    def hello(self):
        return {"library": self.adapter.library, "version": self.adapter.version(),
                "identity": self.adapter.identity(), "simd": self.adapter.simd()}

    def _wake_library(self):
        """Builds and searches a tiny index, so that imports and pools are not counted as the index's memory."""
        rows = self.numpy.random.default_rng(0).random((64, 16), dtype=self.numpy.float32)
        if self.adapter.integers:
            rows = (rows * 100).astype(self.numpy.uint8)
        rows = self.adapter.prepare(rows)
        self.adapter.build(rows, 16, 40, 1)
        self.adapter.set_ef(16)
        self.adapter.ids(self.adapter.search(rows[:4], 2))
        self.adapter.close()

    def read_queries(self, path):
        import datasets
        self.queries = self.adapter.prepare(datasets.read_rows(path, None, self.adapter.integers))
        return {"queries": len(self.queries)}

    def build(self, base, rows, out=None, threads=1, cores=None):
        """Builds from scratch. CPU seconds are of the whole process, so helper threads count."""
        import datasets
        self.machine.pin(cores or self.setup["cores"])
        vectors = self.adapter.prepare(datasets.read_rows(base, rows, self.adapter.integers))
        before = self.machine.resting_memory()["rss"]
        exact_peak = self.machine.reset_peak()
        cpu, wall = time.process_time(), time.perf_counter()
        self.adapter.build(vectors, self.setup["m"], self.setup["ef_construction"], threads)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = self.machine.peak_memory() - before
        answer = {"build_cpu_s": cpu, "build_wall_s": wall, "build_threads": threads, "rows": len(vectors),
                  "build_peak_bytes": peak if exact_peak else None, "index_bytes": self.adapter.index_bytes(),
                  "load_average": os.getloadavg()[0]}
        if out:
            for old in (out + ".part", out):
                self.machine.remove(old)
            self.adapter.save(out + ".part")
            os.replace(out + ".part", out)
            answer["file_bytes"] = sum(os.path.getsize(path) for path in self.machine.files_of(out))
        self.machine.pin(self.setup["cores"])
        return answer

    def load(self, path, dim):
        """Opens a saved index whose file is in the page cache: time to the first answer, and memory at rest."""
        for part in self.machine.files_of(path):
            self.machine.warm_file(part)
        first = self.queries[:1]
        before = self.machine.resting_memory()
        start = time.perf_counter()
        self.adapter.load(path, dim)
        opened = time.perf_counter()
        self.adapter.set_ef(64)
        self.adapter.search(first, 10)
        answered = time.perf_counter()
        after = self.machine.resting_memory()
        return {"open_ms": 1e3 * (opened - start), "load_ms": 1e3 * (answered - start),
                "resting_bytes": after["rss"] - before["rss"],
                "resting_anonymous_bytes": after["anonymous"] - before["anonymous"],
                "index_bytes": self.adapter.index_bytes()}

    def gather_huge_pages(self):
        self.machine.gather_huge_pages()
        return self.memory()

    def memory(self):
        return self.machine.resting_memory()

    def search(self, ef, k, seconds, ids_to=None):
        """All queries in one call, again and again for `seconds` of CPU time; with seconds = 0 once, for the ids.

        The fastest call counts, as in timeit: other jobs can only add time (their cache misses do so even to CPU
        time), for every library alike. The first call is not timed.
        """
        self.adapter.set_ef(ef)
        answer = self.adapter.search(self.queries, k)
        if ids_to:
            self.numpy.save(ids_to, self.adapter.ids(answer))
        cpus, walls = [], []
        while seconds and (len(cpus) < 3 or sum(cpus) < seconds):
            wall, cpu = time.perf_counter(), time.process_time()
            self.adapter.search(self.queries, k)
            cpus.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
        if not seconds:
            return {}
        count = len(self.queries)
        return {"qps": count / min(cpus), "wall_qps": count / min(walls), "calls": len(cpus),
                "lost": max(0.0, 1 - sum(cpus) / sum(walls))}

    def latency(self, ef, k):
        """One query per call, wall time, Python's call overhead included."""
        self.adapter.set_ef(ef)
        for i in range(min(200, len(self.queries))):
            self.adapter.search(self.queries[i:i + 1], k)
        taken = self.numpy.empty(len(self.queries))
        for i in range(len(taken)):
            start = time.perf_counter()
            self.adapter.search(self.queries[i:i + 1], k)
            taken[i] = time.perf_counter() - start
        p50, p99 = self.numpy.percentile(taken, [50, 99]) * 1e6
        return {"p50_us": float(p50), "p99_us": float(p99)}


if __name__ == "__main__":
    main(Worker)
