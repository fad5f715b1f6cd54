#!/bin/sh
# Runs every fuzzer of a build (preset fuzz) for a while and writes a JUnit report.
#
#     tests/fuzz/run.sh BUILD SECONDS JOBS REPORT.xml
#
# New inputs stay in BUILD/corpus/<name>; one that crashes is left in BUILD/crashes/<name>-*.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1 seconds=$2 jobs=$3 report=$4

mkdir -p "$build/crashes"
echo '<testsuite name="fuzz">' >"$report"
for fuzzer in "$build"/tests/fuzz/fuzz_*; do
    if ! [ -f "$fuzzer" ] || ! [ -x "$fuzzer" ]; then continue; fi
    name=$(basename "$fuzzer" | sed 's/^fuzz_//')
    found=$build/corpus/$name
    mkdir -p "$found"
    set -- "$found"
    if [ -d "$here/corpus/$name" ]; then set -- "$found" "$here/corpus/$name"; fi

    echo "--- fuzz_$name, $seconds s"
    verdict="<failure message=\"see $build/crashes\"/>"
    if "$fuzzer" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 -fork="$jobs" \
        -artifact_prefix="$build/crashes/$name-" "$@" >"$build/fuzz_$name.log" 2>&1; then
        if [ -z "$(find "$build/crashes" -name "$name-*" -print -quit)" ]; then verdict=; fi
    fi
    tail -n 5 "$build/fuzz_$name.log"
    echo "  <testcase name=\"fuzz_$name\">$verdict</testcase>" >>"$report"
done
echo '</testsuite>' >>"$report"
