"""Searches of a segment file whose pages are not in memory: latency, and bytes that the disk gave, per query.

    tonari generate big --rows 10000000 --dim 96
    tonari build big --index IVF16384_HNSW32,RaBitQ,RFlat -o big.tnr
    python benchmarks/from_disk.py big.tnr big --nprobe 64 96 --memory 1000
    python benchmarks/from_disk.py big.tnr big --nprobe 128 --refine 1 --residency disk --memory 1000
    python benchmarks/from_disk.py big.tnr big --nprobe 128 --refine 1 --residency disk --memory 1000 --cache 0 400 --skew 1
    python benchmarks/from_disk.py big.tnr big --nprobe 128 --refine 1 --residency disk --memory 1000 --batch 1000

and of a graph, whose codes and links are in memory:

    tonari generate small --rows 300000 --dim 768
    tonari build small --index HNSW16,PQ192,RFlat -o graph.tnr
    python benchmarks/from_disk.py graph.tnr small --ef 64 --refine 1 --residency disk --memory 238

The file's pages are dropped from the page cache before each line, so that the first queries find nothing there. With
`--memory`, in MiB, each line runs in a control group that may not use more, page cache included (root, cgroup v1 or v2).
One query at a time, or with `--batch` so many in a call, whose time is divided by them; one thread. The bytes are those that the
system counts for the process (/proc/self/io).

With `--cache`, in MiB, the lists asked for most are kept in memory within so much. With `--skew s` some questions are asked more
than others: each query belongs to the nearest of a hundred of them, the r-th of these groups is asked r^s times less than the first,
and each time the row asked for is another, a query and a little noise, so that no answer is in memory because it was given before.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

import tonari


groups = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"))  # v1, v2


def matrix(path, dtype):
    rows, dim = np.fromfile(path, np.uint32, 2)
    return np.fromfile(path, dtype, offset=8).reshape(rows, dim)


def drop_pages(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def device_bytes():
    for line in pathlib.Path("/proc/self/io").read_text().splitlines():
        name, value = line.split(": ")
        if name == "read_bytes":
            return int(value)
    raise SystemExit("/proc/self/io: expected a line 'read_bytes'")


def group_of(root, process):
    return pathlib.Path(root, f"tonari-{process}")


def leave_group(process):
    """Takes the group of a process that has ended away."""
    for root, _ in groups:
        if group_of(root, process).exists():
            group_of(root, process).rmdir()


def enter_group(mebibytes):
    """Limits this process and its page cache."""
    limit = str(mebibytes << 20)
    for root, file in groups:
        group = group_of(root, os.getpid())
        if not pathlib.Path(root, "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
            (group / file).write_text(limit)
            (group / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            if group.exists():
                group.rmdir()
            continue
        return group
    raise SystemExit("--memory: expected to be allowed to make a control group for memory; run as root, or leave it out")


def skewed(queries, count, skew, seed=1):
    """Queries drawn so that some regions are asked for more, and which each was drawn from."""
    random = np.random.default_rng(seed)
    middles = queries[:100]
    group = np.argmin((middles**2).sum(1) - 2 * queries @ middles.T, 1)
    weights = 1.0 / (random.permutation(len(middles))[group] + 1.0) ** skew
    drawn = random.choice(len(queries), count, p=weights / weights.sum())
    noise = 0.05 * queries.std(0) * random.standard_normal((count, queries.shape[1]), dtype=np.float32)
    return (queries[drawn] + noise).astype(np.float32), drawn


def measure(options):
    queries = matrix(options.data / "query.fbin", np.float32)
    truth = matrix(options.data / "gt.ibin", np.int32)[:, : options.k]
    if options.skew:
        queries, drawn = skewed(queries, options.queries, options.skew)
        truth = truth[drawn]  # of the query without its noise: recall is a little low, and alike for all
    queries, truth = queries[: options.queries], truth[: options.queries]
    if options.memory:
        enter_group(options.memory)
    drop_pages(options.file)
    index = tonari.open(options.file, residency=options.residency, cache=options.cache << 20)
    asking = {"k": options.k, "nprobe": options.nprobe, "ef": options.ef, "refine": options.refine, "threads": 1}
    before = device_bytes()
    times = []
    found = 0
    for first in range(0, len(queries), options.batch):
        some = queries[first : first + options.batch]
        start = time.perf_counter()
        ids, _ = index.search(some if options.batch > 1 else some[0], **asking)
        times.append((time.perf_counter() - start) / len(some))
        found += sum(len(np.intersect1d(a, b)) for a, b in zip(np.atleast_2d(ids), truth[first:]))
    half = len(times) // 2
    stats = index.cache_stats() or {"hits": 0, "misses": 0}
    print(json.dumps({
        "residency": options.residency, "nprobe": options.nprobe, "recall": found / truth.size,
        "p50_ms": np.percentile(times, 50) * 1e3, "p99_ms": np.percentile(times, 99) * 1e3,
        "second_half_p50_ms": np.percentile(times[half:], 50) * 1e3,
        "second_half_p99_ms": np.percentile(times[half:], 99) * 1e3,
        "device_kib_per_query": (device_bytes() - before) / len(queries) / 1024,
        "hit_ratio": stats["hits"] / max(1, stats["hits"] + stats["misses"]),
    }))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path, help="a folder with query.fbin and gt.ibin, as `tonari generate` makes")
    parser.add_argument("--nprobe", type=int, nargs="+", default=[16])
    parser.add_argument("--ef", type=int, default=64, help="of graphs")
    parser.add_argument("--refine", type=float, default=2)
    parser.add_argument("--residency", nargs="+", default=["map", "disk"])
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--memory", type=int, help="MiB")
    parser.add_argument("--cache", type=int, nargs="+", default=[0], help="MiB, of the residency disk")
    parser.add_argument("--skew", type=float, default=0)
    parser.add_argument("--batch", type=int, default=1, help="queries in a call")
    parser.add_argument("--line", action="store_true", help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.line:
        options.nprobe, options.residency, options.cache = options.nprobe[0], options.residency[0], options.cache[0]
        return measure(options)
    print(f"{'residency':9} {'nprobe':>6} {'cache MiB':>9} {'recall':>7} {'p50 ms':>8} {'p99 ms':>8} {'warm p50':>8} {'warm p99':>8} "
          f"{'KiB/query':>9} {'hits':>6}")
    lines = [(nprobe, residency, cache) for nprobe in options.nprobe for residency in options.residency
             for cache in (options.cache if residency == "disk" else [0])]
    for nprobe, residency, cache in lines:
        command = [sys.executable, __file__, "--line", str(options.file), str(options.data), "--nprobe", str(nprobe),
                   "--ef", str(options.ef), "--refine", str(options.refine), "--residency", residency, "--queries", str(options.queries),
                   "-k", str(options.k), "--cache", str(cache), "--skew", str(options.skew), "--batch", str(options.batch)]
        if options.memory:
            command += ["--memory", str(options.memory)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            out, _ = process.communicate()
        leave_group(process.pid)
        if process.returncode != 0:
            raise SystemExit(process.returncode)
        line = json.loads(out)
        print(f"{residency:9} {nprobe:6} {cache:9} {line['recall']:7.4f} {line['p50_ms']:8.3f} {line['p99_ms']:8.3f} "
              f"{line['second_half_p50_ms']:8.3f} {line['second_half_p99_ms']:8.3f} {line['device_kib_per_query']:9.0f} "
              f"{line['hit_ratio']:6.3f}", flush=True)
    return None


if __name__ == "__main__":
    main()
