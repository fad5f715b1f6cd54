"""Search latency while another core changes the index: the program bench_churn_latency, since Python's own lock would
stand between the two threads. tonari alone: the table says why the others are not there."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEFT_OUT = (
    ("hnswlib", "left out: its README allows no add beside a search"),
    ("usearch", "left out: its Python module carries no headers to build such a program with"),
)


def measure(dataset, options):
    """{"tonari": figures or {"failed": why}}, None without tonari."""
    if "tonari" in options.without or (options.only and "tonari" not in options.only):
        return None
    if len(options.cores_allowed) < 2:
        return {"tonari": {"failed": "needs two cores"}}
    program = tool()
    if not program:
        return {"tonari": {"failed": "bench_churn_latency was not built (benchmarks/peers.sh builds it)"}}
    other = next(core for core in options.cores_allowed if core != options.core)
    command = [program, "--base", dataset.base, "--query", dataset.query, "--rows", dataset.rows,
               "--metric", dataset.metric, "--m", options.m, "--ef-construction", options.ef_construction,
               "--ef", options.ef, "--k", options.k, "--rounds", max(3, options.rounds), "--search-core", options.core,
               "--write-core", other, "--json"]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"bench_churn_latency ended with status {done.returncode}", file=sys.stderr)
        return {"tonari": {"failed": f"ended with status {done.returncode}"}}
    return {"tonari": json.loads(done.stdout)}


def tool():
    """$TONARI_CHURN_LATENCY, or the build folders of this checkout."""
    places = [os.environ.get("TONARI_CHURN_LATENCY", "")]
    places += [os.path.join(ROOT, "build", preset, "benchmarks", "bench_churn_latency") for preset in ("bench", "dev")]
    return next((place for place in places if place and os.access(place, os.X_OK)), None)
