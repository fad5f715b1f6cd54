#!/usr/bin/env python3
"""faiss beside `bench_kmeans`, one thread: CPU seconds and inertia of its k-means, rows a second of its assignment.

    bench_kmeans                                  # rows a second of assign()
    OMP_NUM_THREADS=1 taskset -c 0 python kmeans_vs_faiss.py

    bench_kmeans --train --rows 1000000 --dim 128 --clusters 4096 --save rows.f32
    OMP_NUM_THREADS=1 taskset -c 0 python kmeans_vs_faiss.py rows.f32 --dim 128 --clusters 4096

Needs faiss and NumPy (benchmarks/peers/requirements.txt). faiss trains as its IVF index does, on 256 rows for each cluster,
and then finds the nearest centroid of every row.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import blas  # noqa: E402

os.environ.update(blas.environment())  # read by OpenBLAS when it is loaded
import faiss  # noqa: E402
import numpy  # noqa: E402


def time_assign():
    print(f"{'dim':>6} {'centroids':>10} {'rows/s':>12}")
    random = numpy.random.default_rng(1)
    for dim in (8, 96, 128, 768):
        for clusters in (256, 1024, 4096):
            count = min(max(20_000_000_000 // (clusters * dim), 4096), 200_000)
            rows = random.random((count, dim), dtype=numpy.float32)
            index = faiss.IndexFlatL2(dim)
            index.add(random.random((clusters, dim), dtype=numpy.float32))
            best = float("inf")
            for _ in range(3):
                start = time.process_time()
                index.search(rows, 1)
                best = min(best, time.process_time() - start)
            print(f"{dim:6} {clusters:10} {count / best:12.0f}")


def time_training(given):
    rows = numpy.fromfile(given.rows, dtype=numpy.float32).reshape(-1, given.dim)
    start = time.process_time()
    training = faiss.Kmeans(
        given.dim, given.clusters, niter=given.iterations, max_points_per_centroid=given.sample, seed=1
    )
    training.train(rows)
    middle = time.process_time()
    distances, _ = training.index.search(rows, 1)
    end = time.process_time()
    print(
        f"faiss {faiss.__version__}: train {middle - start:.2f} s  assign {end - middle:.2f} s"
        f"  inertia {distances.mean(dtype=numpy.float64):.6f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--clusters", type=int, default=4096)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--sample", type=int, default=256, help="rows looked at for each cluster")
    given = parser.parse_args()
    faiss.omp_set_num_threads(1)
    if given.rows:
        time_training(given)
    else:
        time_assign()


if __name__ == "__main__":
    main()
