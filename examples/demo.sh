#!/bin/sh
# The main job from nothing, on a bare Debian 12: packages, a Release build, real data, and recall against latency of
# several indexes: a table here, bench.json, and bench.html to look at.
#
#     examples/demo.sh [DATA]
#
# DATA is a folder that holds base.* and query.* (.fbin, .u8bin, .i8bin), or an .hdf5 of ann-benchmarks.com. Without it:
#
#   1. TONARI_DATA, when set: such a folder or file, or a folder of packed sets (with an unpack.py)
#   2. Fashion-MNIST from its own address
#   3. without a network, clustered rows made by `tonari generate`
#
#   TONARI_FETCH=ON   no packages are installed: dependencies are fetched, cmake and ninja come from pip
set -eu
[ $# -le 1 ] || { echo "usage: examples/demo.sh [DATA]" >&2; exit 2; }
if [ $# -eq 1 ]; then
    [ -e "$1" ] || { echo "demo.sh: $1 does not exist" >&2; exit 2; }
    data=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
else
    data=
fi
if [ -n "${TONARI_DATA:-}" ] && [ -e "$TONARI_DATA" ]; then
    TONARI_DATA=$(cd "$(dirname "$TONARI_DATA")" && pwd)/$(basename "$TONARI_DATA")
fi
cd "$(dirname "$0")/.."
root=$PWD

say() { printf '\n=== %s\n' "$*"; }

# has_rows FOLDER: can `tonari bench` read it?
has_rows() {
    for file in "$1"/base.*; do
        if [ -f "$file" ]; then return 0; fi
    done
    return 1
}

# --- Packages ---------------------------------------------------------------------------------------------------

say "Packages"
if [ "${TONARI_FETCH:-OFF}" = ON ]; then
    if ! command -v cmake >/dev/null 2>&1 || ! command -v ninja >/dev/null 2>&1; then
        [ -x build/tools/bin/ninja ] || { python3 -m venv build/tools && build/tools/bin/pip install -q cmake ninja; }
        PATH=$root/build/tools/bin:$PATH
    fi
else
    cmake/install_dependencies.sh --demo
fi
python=/usr/bin/python3
[ -x $python ] || python=python3

# --- The command ------------------------------------------------------------------------------------------------

jobs=$(cmake/jobs.sh)
say "Build: the tonari command, Release, $jobs at a time"
cmake --preset release -DTONARI_FETCH="${TONARI_FETCH:-OFF}"
cmake --build build/release --target tonari_cli --parallel "$jobs"
tonari=$root/build/release/tonari

# --- Data -------------------------------------------------------------------------------------------------------

say "Data"
if [ -n "$data" ]; then
    echo "$data, as asked"
elif [ -n "${TONARI_DATA:-}" ]; then
    if [ ! -e "$TONARI_DATA" ]; then
        echo "demo.sh: TONARI_DATA=$TONARI_DATA does not exist" >&2
        exit 2
    elif [ -f "$TONARI_DATA" ] || has_rows "$TONARI_DATA"; then
        data=$TONARI_DATA
    elif [ -f "$TONARI_DATA/unpack.py" ]; then
        "$python" "$TONARI_DATA/unpack.py" build/data fashion-784
        data=$root/build/data/fashion-784
    elif [ -d "$TONARI_DATA/fashion-784" ] && has_rows "$TONARI_DATA/fashion-784"; then
        data=$TONARI_DATA/fashion-784
    else
        echo "demo.sh: TONARI_DATA=$TONARI_DATA holds neither base.* nor unpack.py nor fashion-784/" >&2
        exit 2
    fi
    echo "$data, from TONARI_DATA"
elif has_rows build/demo/fashion-mnist || "$python" examples/fashion_mnist.py build/demo/fashion-mnist; then
    data=$root/build/demo/fashion-mnist
    echo "$data: Fashion-MNIST from its own address"
else
    data=$root/build/demo/generated
    has_rows "$data" || "$tonari" generate "$data" --rows 60000 --queries 1000 --dim 128 --seed 1
    echo "$data: Fashion-MNIST is out of reach; clustered rows made by tonari generate"
fi

# --- Recall against latency -------------------------------------------------------------------------------------

say "Recall and latency"
"$tonari" bench "$data" \
    --index "Flat" --index "HNSW16" --index "HNSW32" \
    --metric l2 --k 10 --threads 1 --json bench.json --html bench.html

printf '\nFigures: %s/bench.json\nThe plot: %s/bench.html\n' "$root" "$root"
