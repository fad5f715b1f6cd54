#!/bin/sh
# Runs the tests from nothing: packages, a Python environment of its own, the dev build, ctest for C++ and Python.
#
#     tests/run.sh [--long]
#
# --long adds a wheel, one more installation, the sanitizers, fuzzing, soak and big runs. The last line counts: "N passed, N failed[, N skipped]".
#
#   TONARI_DATA=FOLDER      real data sets, packed or not; tests that need one are skipped without it
#   TONARI_WERROR=ON        warnings are errors
#   TONARI_FETCH=ON         no packages are installed: dependencies are fetched, cmake and ninja come from pip
#   TONARI_FUZZ_SECONDS=60  how long --long runs each fuzzer
set -eu
cd "$(dirname "$0")/.."
root=$PWD

long=no
for option in "$@"; do
    case $option in
        --long) long=yes ;;
        *) echo "tests/run.sh: unknown option $option (know --long)" >&2; exit 2 ;;
    esac
done

say() { printf '\n=== %s\n' "$*"; }
give_up() {
    echo "tests/run.sh: $*" >&2
    echo "0 passed, 1 failed"
    exit 1
}

# Debian's own Python, where it is (the packages may bring it); a python3 in PATH may be anybody's.
choose_python() { if [ -x /usr/bin/python3 ]; then python=/usr/bin/python3; else python=python3; fi; }
choose_python
reports=$root/build/reports
rm -rf "$reports"
mkdir -p "$reports"

# --- Packages ---------------------------------------------------------------------------------------------------

say "Packages"
if [ "${TONARI_FETCH:-OFF}" = ON ]; then
    if ! command -v cmake >/dev/null 2>&1 || ! command -v ninja >/dev/null 2>&1; then
        if ! [ -x build/tools/bin/ninja ]; then
            "$python" -m venv build/tools || give_up "no virtual environment"
            build/tools/bin/pip install -q cmake ninja || give_up "no cmake from pip"
        fi
        PATH=$root/build/tools/bin:$PATH
    fi
else
    group=--tests
    if [ $long = yes ]; then group=--long; fi
    cmake/install_dependencies.sh $group || give_up "the packages could not be installed"
fi
choose_python

jobs=$(cmake/jobs.sh)
export CMAKE_BUILD_PARALLEL_LEVEL="$jobs"

# --- Data -------------------------------------------------------------------------------------------------------

if [ -n "${TONARI_DATA:-}" ]; then
    [ -d "$TONARI_DATA" ] || give_up "TONARI_DATA=$TONARI_DATA is no folder"
    TONARI_DATA=$(cd "$TONARI_DATA" && pwd)
    if [ -f "$TONARI_DATA/unpack.py" ]; then
        say "Data"
        if ! cmp -s "$TONARI_DATA/MANIFEST.tsv" build/data/MANIFEST.tsv; then
            "$python" "$TONARI_DATA/unpack.py" build/data || give_up "the data could not be unpacked"
            cp "$TONARI_DATA/MANIFEST.tsv" build/data/
        fi
        TONARI_DATA=$root/build/data
    fi
    export TONARI_DATA
    echo "Data sets: $TONARI_DATA"
fi

# --- Python's own environment -----------------------------------------------------------------------------------

say "Python environment: build/venv"
if ! [ -x build/venv/bin/python ]; then
    "$python" -m venv build/venv || give_up "no virtual environment"
fi
build/venv/bin/python -m pip install -q --disable-pip-version-check pybind11 -r python/tests/requirements.txt ||
    give_up "what the Python tests need could not be installed"

# --- Build and test ---------------------------------------------------------------------------------------------

# build PRESET ARGUMENTS...: configures and builds it.
build() {
    preset=$1
    shift
    say "Build: $preset, $jobs at a time"
    cmake --preset "$preset" -DTONARI_WERROR="${TONARI_WERROR:-OFF}" -DTONARI_FETCH="${TONARI_FETCH:-OFF}" "$@" ||
        give_up "cmake --preset $preset failed"
    cmake --build "build/$preset" --parallel "$jobs" || give_up "the build of $preset failed"
}

# run_ctest PRESET ARGUMENTS...: failures are counted from the report, at the end.
run_ctest() {
    preset=$1
    shift
    say "Tests: $preset"
    # Programs that share cores sleep until there is work for their threads, in place of spinning.
    (cd "build/$preset" && OMP_WAIT_POLICY=passive ctest --parallel "$jobs" --output-on-failure --no-tests=error \
        --output-junit "$reports/ctest-$preset.xml" "$@") || true
    [ -s "$reports/ctest-$preset.xml" ] || give_up "ctest wrote no report for $preset"
}

build dev -DTONARI_BUILD_PYTHON=ON -DPython_EXECUTABLE="$root/build/venv/bin/python"
if [ $long = no ]; then
    run_ctest dev --label-exclude '^long$'
else
    export TONARI_LONG=1
    run_ctest dev
    for sanitizer in asan tsan; do
        build "$sanitizer"
        run_ctest "$sanitizer" --label-exclude '^(install|cross|structure|compile_fail)$'
    done
    build fuzz
    say "Fuzzing"
    tests/fuzz/run.sh build/fuzz "${TONARI_FUZZ_SECONDS:-60}" "$jobs" "$reports/fuzz.xml"
fi

# --- The count --------------------------------------------------------------------------------------------------

say "All tests"
exec "$python" tests/support/count.py "$reports"/*.xml
