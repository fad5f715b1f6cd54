"""A process per library, all in the same state: the same rows, the same ids, the same calls in the same order."""
import os
import tempfile

import numpy as np

import live
import scoring
from remote import Remote

CALL = 1000  # rows in a call
EFS = (10, 20, 40, 80, 160)
WIDE = 160   # of the searches of rows for themselves


class Herd:
    """A process per library, all in the same state. They take turns, and who begins alternates."""

    def __init__(self, run, capacity, cores=None, threads=1):
        self.run, self.threads, self.turn = run, threads, 0
        self.live = live.Live(run.dataset.rows)
        self.folder = tempfile.TemporaryDirectory()
        self.workers = {}
        for variant in run.variants:
            if run._alive(variant):
                run._guard(variant, lambda v: self._start(v, capacity, cores))

    def _start(self, variant, capacity, cores):
        worker = Remote(variant, self.run.dataset.metric, self.run.options, cores, "churn_worker.py")
        self.workers[variant.name] = worker
        self.run._note_version(worker.facts)
        worker.ask("read_queries", path=self.run.dataset.query)
        worker.ask("empty", base=self.run.dataset.base, capacity=int(capacity))

    def each(self, action):
        """{name: action(its worker)}."""
        self.turn += 1
        answers = {}
        for variant in self.run.variants[::-1 if self.turn % 2 else 1]:
            if variant.name in self.workers and self.run._alive(variant):
                self.run._guard(variant, lambda v: answers.update({v.name: action(self.workers[v.name])}))
        return answers

    def add(self, rows, call=CALL):
        files = self._files(rows, self.live.add(rows))
        return self.each(lambda worker: worker.ask("add", call=call, threads=self.threads, **files))

    def remove(self, rows, call=CALL):
        files = self._files(None, self.live.remove(rows))
        return self.each(lambda worker: worker.ask("remove", call=call, **files))

    def find_themselves(self, rows):
        files = self._files(rows, self.live.id_of[rows])
        return self.each(lambda worker: worker.ask("find_themselves", ef=WIDE, k=self.run.options.k, **files))

    def _files(self, rows, ids):
        arrays = {"ids": ids} if rows is None else {"rows": rows, "ids": ids}
        paths = {name: os.path.join(self.folder.name, name + ".npy") for name in arrays}
        for name, path in paths.items():
            np.save(path, arrays[name])
        return paths

    def recall(self, efs, progress=None):
        """{name: {"recall": {ef: recall}, "short": queries with fewer than k answers, "stale": dead answers}}."""
        dataset, options = self.run.dataset, self.run.options
        truth = live.truth(dataset, self.live.rows(), options.k, options.cache, progress)
        return self.each(lambda worker: self.recall_of(worker, efs, truth))

    def recall_of(self, worker, efs, truth):
        dataset, k = self.run.dataset, self.run.options.k
        out = {"recall": {}, "short": 0, "stale": 0}
        for ef in efs:
            ids = worker.answers(ef, k)
            rows = self.live.rows_of(ids)
            out["recall"][str(ef)] = scoring.recall(dataset.vectors(), dataset.queries, rows, truth, k, dataset.metric)
            out["short"] += int((ids < 0).any(axis=1).sum())
            out["stale"] += int(((ids >= 0) & (rows < 0)).sum())
        return out

    def speed(self, ef):
        options = self.run.options
        answers = self.each(lambda worker: worker.ask("search", ef=ef, k=options.k, seconds=options.seconds))
        self.run.lost += [answer["lost"] for answer in answers.values()]
        return {name: {"qps": answer["qps"], "wall_qps": answer["wall_qps"]} for name, answer in answers.items()}

    def state(self, efs=EFS):
        """Recall, then what the index holds."""
        recalls, rests = self.recall(efs), self.each(lambda worker: worker.ask("rest"))
        return {name: dict(recalls[name], **rests[name]) for name in rests}

    def close(self):
        for worker in self.workers.values():
            worker.close()
        self.folder.cleanup()
