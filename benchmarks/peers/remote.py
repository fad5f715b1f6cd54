"""The parent's end of a worker process."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import blas

HERE = os.path.dirname(os.path.abspath(__file__))


class WorkerError(RuntimeError):
    """A worker refused a command; the message is the library's own."""


class Remote:
    """Starts a worker and speaks with it; only one worker is ever asked at a time."""

    def __init__(self, variant, metric, options, cores=None, script="worker.py"):
        environment = dict(os.environ, **blas.SINGLE)
        if variant.library == "faiss":
            environment.update(blas.environment())
        if variant.huge:
            environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        self.variant = variant
        self.noise = tempfile.TemporaryFile("w+")  # what the library prints; shown when it fails
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, script)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.noise, env=environment, text=True)
        setup = {"adapter": variant.adapter, "metric": metric, "cores": cores or [options.core], "m": options.m,
                 "ef_construction": options.ef_construction, "lists": options.lists}
        try:
            self.facts = self._ask(setup)
        except WorkerError:
            self.close()
            raise

    def ask(self, do, **arguments):
        return self._ask(dict(arguments, do=do))

    def answers(self, ef, k):
        """The ids that one call over all queries finds; not timed."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ids.npy")
            self.ask("search", ef=ef, k=k, seconds=0, ids_to=path)
            return np.load(path)

    def _ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"the process ended with status {self.process.wait()}: {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _last_words(self):
        self.noise.seek(0)
        return self.noise.read().strip()[-400:]

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.process.stdout.close()
        self.noise.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
