"""The parent's end of a worker process."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SINGLE = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class WorkerError(RuntimeError):
    """A worker refused a command; the message is the library's own."""


class Remote:
    """Starts a worker and speaks with it; only one worker is ever asked at a time."""

    def __init__(self, variant, metric, options):
        environment = dict(os.environ, **SINGLE)
        if variant.huge:
            environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        self.variant = variant
        self.noise = tempfile.TemporaryFile("w+")  # what the library prints; shown when it fails
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "worker.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.noise, env=environment, text=True)
        setup = {"adapter": variant.adapter, "metric": metric, "cores": [options.core], "m": options.m,
                 "ef_construction": options.ef_construction}
        try:
            self.facts = self._ask(setup)
        except WorkerError:
            self.close()
            raise

    def ask(self, do, **arguments):
        return self._ask(dict(arguments, do=do))

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
