#!/usr/bin/env python3
"""tonari beside hnswlib, faiss and usearch: the same rows, queries, parameters and core, taking turns.

Run through benchmarks/peers.sh, which makes the environment. Prints one table per set; --json and --markdown write
the same to files. Beside this file:

    options    what can be asked                    remote     the parent's end of a worker
    variants   what stands beside what              worker     one process, one library, one index
    datasets   sets and their ground truth          adapters   the libraries, behind the same few verbs
    generated  the sets that tonari generates       scoring    recall, and speed at a recall
    measure    the order of things for one set      bars       what tonari promises
    machine    cores and memory                     report     the tables
    sweep      speed at a recall, in turns          guarded    a library that fails drops out
    more_adapters  the peers of --all-peers       front_picture  recall against speed, as SVG

With --churn, indexes that change:

    churn      the five tracks                      herd       a process per library, all in the same state
    runbook    the streams' steps                   live       which rows are alive, and the truth among them
    writing    search latency beside a writer       churn_worker, churn_adapters, churn_report, churn_picture
"""
import json
import os
import shlex
import sys

import bars
import blas
import churn
import churn_picture
import churn_report
import datasets
import front_picture
import generated
import machine
import measure
import report
from options import BUILD, arguments
from progress import Progress


def find_sets(options):
    found = []
    for item in options.folder:
        folder, _, metric = item.partition(":")
        found += [datasets.describe(folder, each, options.rows)
                  for each in ([metric] if metric else datasets.metrics_of(folder))]
    if options.data:
        if options.set or not options.folder:
            found += datasets.find(options.data, options.set, options.rows, options.small,
                                   os.path.join(BUILD, "peers-data"))
    elif options.set:
        raise SystemExit("--set: expected --data DIR or TONARI_DATA to find it in")
    if options.generated or not found:
        if not options.generated:
            print("no data was named (--data, --folder or TONARI_DATA): using generated rows", file=sys.stderr)
        found += generated.sets(options, os.path.join(BUILD, "peers-data"))
    return found


def run_set(dataset, options, document):
    """Measures one set and prints its table."""
    measure.enough_memory(dataset, options)
    with Progress(dataset.label, measure.Run.steps(options)) as bar:
        bar.step("reading the rows and the truth")
        datasets.load(dataset, options.k, options.cache, bar.part)
        run = measure.Run(dataset, options, bar)
        run.build_all()
        run.search_all()
        run.exact_all()
        run.build_scaling()
    result = run.result()
    result["bars"] = bars.judge(result)
    document["versions"].update(run.versions)
    document["blas"] = blas.environment() if "faiss" in run.versions else {}
    document["sets"].append(result)
    return result


def run_churn(dataset, options, document):
    """The same for indexes that change."""
    churn.enough_memory(dataset, options)
    with Progress(dataset.label, churn.Churn.steps(options)) as bar:
        bar.step("reading the rows and the truth")
        datasets.load(dataset, options.k, options.cache, bar.part)
        run = churn.Churn(dataset, options, bar)
        run.measure()
    document["versions"].update(run.versions)
    result = run.result()
    result["bars"] = bars.judge_churn(result)
    document["sets"].append(result)
    return result


def write(document, options, tables):
    """After every set, so that a run that is stopped leaves what it has."""
    if options.json:
        with open(options.json, "w") as file:
            json.dump(document, file, indent=1)
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write(tables.markdown(document))
    if options.picture:
        with open(options.picture, "w") as file:
            file.write((churn_picture if options.churn else front_picture).page(document))


def repeatable(argv):
    """The command for others to run: without this machine's folders and without the files written."""
    words, skip = [], False
    for word in argv:
        name = word.split("=")[0]
        if skip or name in ("--json", "--markdown", "--picture", "--cache", "--data"):
            skip = not skip and "=" not in word
        else:
            words.append(word)
    return shlex.join(words)


def main(argv):
    options = arguments(argv)
    document = {"date": report.today(), "command": repeatable(argv), "machine": machine.describe(),
                "m": options.m, "ef_construction": options.ef_construction, "lists": options.lists, "k": options.k,
                "rounds": options.rounds, "versions": {}, "sets": []}
    run, tables = (run_churn, churn_report) if options.churn else (run_set, report)
    for dataset in find_sets(options):
        result = run(dataset, options, document)
        if len(document["sets"]) == 1:
            print("\n".join(tables.heading(document)))
        print(tables.terminal(document, result), flush=True)
        write(document, options, tables)
    print("\n" + "\n".join(tables.METHOD))
    print("\n" + "\n".join(f"{name}: {note}" for name, note in tables.notes(document)))
    judged = [bar for result in document["sets"] for bar in result["bars"] if bar["reached"] is not None]
    if judged:
        print(f"\nbars: {sum(bar['reached'] for bar in judged)} of {len(judged)} reached")
    failed = [row for result in document["sets"] for row in result["results"] + result["exact"] if "failed" in row]
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
