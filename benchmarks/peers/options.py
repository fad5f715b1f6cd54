"""The options of benchmarks/peers.sh. Standard library only: peers.sh asks it what to install before anything is.

`python3 options.py ARGUMENTS` checks the arguments and prints what they need: "tonari" (the Python package),
"generate" (the tonari command), "all-peers" (requirements-all.txt), "sources" (the checkouts in TONARI_PEERS) and "latency" (the program
bench_churn_latency).
"""
import argparse
import os
import sys

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
TRACKS = ("grow", "turnover", "half", "stream", "writing")
TEXT = """tonari beside hnswlib, faiss and usearch: the same rows, queries, parameters and core, taking turns.
Makes its own environment in build/peers-venv, prints one table per set, writes --json and --markdown.
TONARI_PEERS=DIR: also peers that are built from source, from a checkout of RaBitQ-Library (SymphonyQG) in DIR."""


def arguments(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/peers.sh", description=TEXT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", default=os.environ.get("TONARI_DATA"), metavar="DIR",
        help="collection of sets, packed (MANIFEST.tsv, unpack.py) or unpacked (default: $TONARI_DATA)")
    add("--set", action="append", default=[], metavar="NAME[:METRIC]",
        help="a set of the collection, repeatable (default: all l2, ip and cosine sets of 50,000 rows or more)")
    add("--small", action="store_true", help="without --set: the smaller sets, too")
    add("--folder", action="append", default=[], metavar="DIR[:METRIC]",
        help="a folder with base.fbin, query.fbin and, where there, gt.ibin (metric from facts.json, else l2)")
    add("--generated", action="store_true", help="also 1M x 128 (l2) and 300k x 768 (cosine) from `tonari generate`")
    add("--rows", type=int, metavar="N", help="only the first N rows of each set (truth is computed)")
    add("--quick", action="store_true", help="one round over the first 20,000 rows, to see that all works")
    add("--rounds", type=int, default=3, metavar="N")
    add("--seconds", type=float, default=0.2,
        help="CPU seconds per timed point and round, three calls at least (default 0.2)")
    add("--loads", type=int, default=3, help="fresh processes per load time (default 3)")
    add("--m", type=int, default=16)
    add("--ef-construction", type=int, default=200)
    add("--lists", type=int, default=0, metavar="N",
        help="inverted lists instead of graphs: IVF<N>,Flat beside faiss's, both also with a graph over the centroids")
    add("--codes", action="store_true",
        help="with --lists: codes of 4 bits a part in the lists, refined by the rows, PQ and RaBitQ of both libraries")
    add("--k", type=int, default=10)
    add("--core", type=int, help="the core to pin to (default: the last allowed one)")
    add("--without", action="append", default=[], metavar="LIB", help="leave a library out, repeatable")
    add("--only", action="append", default=[], metavar="NAME", help="only this library or variant, repeatable")
    add("--half-peers", action="store_true", help="also faiss and usearch with float16 rows")
    add("--all-peers", action="store_true",
        help="also SVS, VSAG, NGT, Voyager and DiskANN (requirements-all.txt), and the codes of faiss and usearch")
    add("--no-huge", action="store_true", help="no variants on huge pages")
    add("--no-exact", action="store_true", help="no exact search")
    add("--no-latency", action="store_true", help="no one-query-per-call pass")
    add("--no-scaling", action="store_true", help="no second tonari builds with 1 and 2 threads")
    add("--rebuild", action="store_true", help="build all indexes now, so that build times are of this run")
    add("--cache", default=os.path.join(BUILD, "peers-cache"), metavar="DIR", help="built indexes, kept between runs")
    add("--json", metavar="FILE")
    add("--markdown", metavar="FILE")
    add("--picture", metavar="FILE", help="recall against speed as SVG; with --churn, the curves as a page of HTML")
    churn = parser.add_argument_group("--churn: indexes that change, tonari's growing index beside hnswlib and usearch")
    add = churn.add_argument
    add("--churn", action="store_true", help="measure these instead of indexes that are only asked (see churn.py)")
    add("--track", action="append", choices=TRACKS, help="only this one, repeatable (default: all)")
    add("--turnovers", type=int, default=10, metavar="N",
        help="how often every row is removed and added again (default 10)")
    add("--shape", action="append", choices=("sliding", "clustered"), help="of the stream, repeatable (default: both)")
    add("--stream-rounds", type=int, default=20, metavar="N", help="rounds of the sliding window (default 20)")
    add("--ef", type=int, default=64, help="of the searches of half, stream and writing (default 64)")
    options = parser.parse_args(argv)
    if options.quick:
        options.rows, options.rounds, options.loads = options.rows or 20000, 1, 1
        options.turnovers, options.stream_rounds = min(2, options.turnovers), min(5, options.stream_rounds)
    if options.codes and not options.lists:
        parser.error("--codes: expected --lists N beside it, got none")
    if options.all_peers and (options.lists or options.churn):
        parser.error("--all-peers: expected graphs that are only asked, got --lists or --churn")
    options.sources = "" if options.lists or options.churn else os.environ.get("TONARI_PEERS", "")
    options.track = options.track or list(TRACKS)
    options.shape = options.shape or ["sliding", "clustered"]
    options.cores_allowed = machine.cores_allowed()
    options.core = options.cores_allowed[-1] if options.core is None else options.core
    if options.core not in options.cores_allowed:
        parser.error(f"--core {options.core}: expected one of {options.cores_allowed}")
    if options.rounds < 1 or options.loads < 1 or options.k < 1 or (options.rows or options.k) < options.k:
        parser.error("expected --rounds, --loads and --k of at least 1, and --rows not below k")
    if min(options.turnovers, options.stream_rounds, options.ef) < 1:
        parser.error("expected --turnovers, --stream-rounds and --ef of at least 1")
    return options


def needs(options):
    """What must be built from this checkout for these options."""
    wanted = []
    if "tonari" not in options.without and (not options.only or any(n.startswith("tonari") for n in options.only)):
        wanted.append("tonari")
        if options.churn and "writing" in options.track:
            wanted.append("latency")
    if options.all_peers:
        wanted.append("all-peers")
    if options.sources:
        wanted.append("sources")
    if options.generated or not (options.data or options.folder):
        wanted.append("generate")
    return wanted


if __name__ == "__main__":
    print(" ".join(needs(arguments(sys.argv[1:]))))
