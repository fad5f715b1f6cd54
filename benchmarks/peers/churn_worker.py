"""A worker (see worker.py) whose index changes: rows come and go while it lives.

Which rows and which ids is read from .npy files that the parent writes, the same files for every library. The rows
are read from the set's file before the clock runs, and forgotten after, so that the process holds only the index.
"""
import time

import worker


class ChurnWorker(worker.Worker):
    @staticmethod
    def adapters():
        from churn_adapters import ADAPTERS
        return ADAPTERS

    def empty(self, base, capacity):
        """An index without rows, and the memory that the process has before it."""
        import datasets
        self.base = base
        dim = datasets.map_matrix(base).shape[1]
        self.before = self.machine.resting_memory()["rss"]
        self.adapter.empty(dim, capacity, self.setup["m"], self.setup["ef_construction"])
        return {}

    def add(self, rows, ids, call, threads=1):
        """Adds rows in calls of `call`; CPU seconds are of the whole process, the calls' wall times are kept."""
        vectors, ids = self._vectors(self.numpy.load(rows)), self.numpy.load(ids)
        return self._clocked(lambda part: self.adapter.add(vectors[part], ids[part], threads), len(ids), call)

    def remove(self, ids, call):
        ids = self.numpy.load(ids)
        return self._clocked(lambda part: self.adapter.remove(ids[part]), len(ids), call)

    def _clocked(self, action, count, call):
        parts = [slice(start, min(start + call, count)) for start in range(0, count, call)]
        taken = self.numpy.empty(len(parts))
        cpu = time.process_time()
        for i, part in enumerate(parts):
            start = time.perf_counter()
            action(part)
            taken[i] = time.perf_counter() - start
        cpu = time.process_time() - cpu
        p50, p99 = self.numpy.percentile(taken, [50, 99]) * 1e6
        return {"rows": count, "cpu_s": cpu, "wall_s": float(taken.sum()), "p50_us": float(p50), "p99_us": float(p99)}

    def rest(self):
        """What the index holds: resident memory beyond that before it, trimmed, and the library's own word."""
        return {"resting_bytes": self.machine.resting_memory()["rss"] - self.before,
                "index_bytes": self.adapter.index_bytes(), "unreachable": self.adapter.unreachable()}

    def find_themselves(self, rows, ids, ef, k):
        """How many of these live rows a search for their own vector does not find."""
        vectors, ids = self._vectors(self.numpy.load(rows)), self.numpy.load(ids)
        self.adapter.set_ef(ef)
        found = self.adapter.ids(self.adapter.search(vectors, k))
        return {"asked": len(ids), "missed": int((found != ids[:, None]).all(axis=1).sum())}

    def _vectors(self, rows):
        import datasets
        matrix = datasets.map_matrix(self.base)
        return self.adapter.prepare(self.numpy.ascontiguousarray(matrix[rows], dtype=self.numpy.float32))


if __name__ == "__main__":
    worker.main(ChurnWorker)
