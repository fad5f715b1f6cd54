"""Which of OpenBLAS's cores suits faiss on this machine.

faiss multiplies matrices by the OpenBLAS of its wheel: exact search, training, the choice of lists of a batch. The core that OpenBLAS takes
by itself may be several times slower than another (on an Emerald Rapids its core for Sapphire Rapids: a quarter to a seventh of the
speed of the one for Skylake-X), and a peer is measured at its best."""
import functools
import os
import platform
import subprocess
import sys

VARIABLE = "OPENBLAS_CORETYPE"
CORES = ("", "SKYLAKEX", "HASWELL")  # "": its own choice
SINGLE = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
EXACT_SEARCH = """
import time, numpy, faiss
random = numpy.random.default_rng(1)
index = faiss.IndexFlatL2(256)
index.add(random.random((20000, 256), dtype=numpy.float32))
queries, best = random.random((1000, 256), dtype=numpy.float32), float("inf")
for _ in range(3):
    start = time.process_time()
    index.search(queries, 10)
    best = min(best, time.process_time() - start)
print(best)
"""


def seconds_of(core, script=EXACT_SEARCH):
    """CPU seconds of an exact search by that core; infinite where it does not run."""
    environment = dict(os.environ, **SINGLE)
    if core:
        environment[VARIABLE] = core
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else float("inf")


@functools.lru_cache(maxsize=None)
def fastest_core(seconds=seconds_of):
    """"" where OpenBLAS's own choice is the fastest, within a tenth, or nothing can be told."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ""
    took = {core: seconds(core) for core in CORES}
    best = min(took, key=took.get)
    return best if took[best] < 0.9 * took[""] else ""


def environment():
    """What a worker of faiss gets. What the caller has set stays."""
    core = os.environ.get(VARIABLE) or fastest_core()
    return {VARIABLE: core} if core else {}
