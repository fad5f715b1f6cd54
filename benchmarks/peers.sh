#!/bin/sh
# tonari beside hnswlib, faiss and usearch on this machine, from nothing: packages, an environment of its own with the
# pinned peers and tonari built from this checkout, then the measurements, interleaved and pinned to one core.
#
#     benchmarks/peers.sh [OPTIONS]          --help lists them; the usual ones:
#
#   --data DIR             sets of vectors, packed or not (default: TONARI_DATA; without any, generated rows)
#   --set NAME[:METRIC]    only this set, repeatable
#   --folder DIR[:METRIC]  a folder with base.fbin and query.fbin
#   --generated            also 1M x 128 and 300k x 768 from `tonari generate`
#   --quick                a few minutes: 20,000 rows, one round
#   --lists N              inverted lists instead of graphs, beside faiss's
#   --all-peers            also SVS, VSAG, NGT, Voyager, DiskANN and the 8-bit graphs of faiss and usearch
#   --churn                indexes that change: tonari's growing index beside hnswlib and usearch (peers/churn.py)
#   --picture F            recall against speed as an SVG; with --churn its curves as a page
#   --json F  --markdown F the figures as files
#
#   TONARI_PEERS=DIR       also peers that are built from source, of which checkouts stand in DIR: RaBitQ-Library (SymphonyQG)
#   TONARI_FETCH=ON        no packages are installed: dependencies are fetched, cmake and ninja come from pip;
#                          a C++ compiler and the headers of Python must be there
set -eu
from=$PWD
if [ -n "${TONARI_PEERS:-}" ]; then
    TONARI_PEERS=$(cd "$TONARI_PEERS" && pwd) || exit 1
    export TONARI_PEERS
fi
cd "$(dirname "$0")/.."
root=$PWD
here=benchmarks/peers
venv=$root/build/peers-venv

say() { printf '\n=== %s\n' "$*" >&2; }
give_up() {
    echo "peers.sh: $*" >&2
    exit 1
}

# --- Packages ---------------------------------------------------------------------------------------------------

# install PACKAGE...: those that are missing.
install() {
    command -v dpkg-query >/dev/null 2>&1 || { echo "no Debian: $* are left to you" >&2; return 0; }
    missing=
    for package in "$@"; do
        state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        [ "$state" = "install ok installed" ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || give_up "missing packages:$missing; neither root nor a sudo without password"
        as_root="sudo -n"
    fi
    echo "Packages to install:$missing" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 update >&2
    # shellcheck disable=SC2086  # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 install -y \
        --no-install-recommends $missing >&2
}

if [ "${TONARI_FETCH:-OFF}" != ON ]; then
    say "Packages"
    if grep -q -e '--peers)' cmake/install_dependencies.sh 2>/dev/null; then
        cmake/install_dependencies.sh --peers >&2 || give_up "the packages could not be installed"
    else
        install ca-certificates g++ cmake ninja-build python3 python3-venv python3-dev libxsimd-dev libboost-dev \
            libxxhash-dev libeigen3-dev libcli11-dev nlohmann-json3-dev libhdf5-dev
    fi
fi
python=/usr/bin/python3
[ -x $python ] || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || give_up "expected Python 3.9 or newer"

# --- What is asked ----------------------------------------------------------------------------------------------

for option in "$@"; do
    case $option in
        -h | --help) exec "$python" $here/options.py --help ;;
    esac
done
needs=$("$python" $here/options.py "$@") || exit 2

# --- The peers --------------------------------------------------------------------------------------------------

say "Peers, pinned in $here/requirements.txt"
"$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv "$venv" || give_up "no virtual environment"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@" >&2; }
if ! cmp -s $here/requirements.txt "$venv/installed.txt"; then
    # hnswlib is compiled here, never taken from a wheel of another machine: that is its best legal build.
    pip install --no-binary hnswlib -r $here/requirements.txt || give_up "the peers could not be installed"
    cp $here/requirements.txt "$venv/installed.txt"
else
    echo "all there" >&2
fi

# One by one, without dependencies: each line names what its peer needs, and what fails is named in the report.
case " $needs " in
    *" all-peers "*)
        say "More peers, pinned in $here/requirements-all.txt"
        failed=$venv/not-installed.tsv
        if cmp -s $here/requirements-all.txt "$venv/installed-all.txt" && [ ! -s "$failed" ]; then
            echo "all there" >&2
        else
            : >"$failed"
            grep -v -e '^#' -e '^$' $here/requirements-all.txt | while read -r line; do
                # shellcheck disable=SC2086  # a list of words
                pip install -q --no-deps --only-binary :all: $line 2>"$venv/pip.txt" </dev/null || {
                    cat "$venv/pip.txt" >&2
                    why=$(grep ERROR "$venv/pip.txt" | tail -n 1 | tr '\t' ' ')
                    printf '%s\tnot installed: %s\n' "${line%%=*}" "${why:-pip failed}" >>"$failed"
                }
            done
            cp $here/requirements-all.txt "$venv/installed-all.txt"
        fi
        ;;
esac

# What is built from a checkout counts as it comes: with the flags of its own build.
case " $needs " in
    *" sources "*)
        say "Peers from source, in $TONARI_PEERS"
        found=
        for checkout in "$TONARI_PEERS" "$TONARI_PEERS"/*/; do
            if [ -f "$checkout/include/rabitqlib/index/symqg/qg.hpp" ] && [ -d "$checkout/python_bindings" ]; then found=$checkout; fi
        done
        [ -n "$found" ] || give_up "TONARI_PEERS=$TONARI_PEERS: expected a checkout of RaBitQ-Library (with python_bindings) in it, found none"
        state=$(cd "$found" && find . -name .git -prune -o -type f ! -path './build/*' -exec cksum {} + | sort | cksum)
        if [ "$state" = "$(cat "$venv/rabitqlib.txt" 2>/dev/null)" ]; then
            echo "up to date" >&2
        else
            rm -f "$venv/rabitqlib.txt"  # what is installed may be another checkout's
            : >"$venv/not-built.tsv"
            if pip install --force-reinstall --no-deps "$found" 2>"$venv/pip.txt"; then
                echo "$state" >"$venv/rabitqlib.txt"
            else
                cat "$venv/pip.txt" >&2
                why=$(grep -i error "$venv/pip.txt" | tail -n 1 | tr '\t' ' ')
                printf 'rabitqlib\tnot built: %s\n' "${why:-pip failed}" >"$venv/not-built.tsv"
            fi
        fi
        ;;
esac

# --- tonari from this checkout ----------------------------------------------------------------------------------

if [ -x cmake/jobs.sh ]; then
    CMAKE_BUILD_PARALLEL_LEVEL=$(cmake/jobs.sh)
    export CMAKE_BUILD_PARALLEL_LEVEL
fi
sources() {
    find CMakeLists.txt pyproject.toml cmake include src python -type f ! -name '*.pyc' -exec cksum {} + | sort | cksum
}
case " $needs " in
    *" tonari "*)
        say "tonari, the Python package of this checkout"
        state=$(sources)
        if [ "$state" = "$(cat "$venv/tonari.txt" 2>/dev/null)" ]; then
            echo "up to date" >&2
        else
            if [ "${TONARI_FETCH:-OFF}" = ON ]; then export CMAKE_ARGS="${CMAKE_ARGS:-} -DTONARI_FETCH=ON"; fi
            # A build folder of its own: the next install compiles only what changed.
            pip install --force-reinstall --no-deps --config-settings=build-dir=build/peers-wheel . ||
                give_up "tonari could not be installed (--without tonari measures the peers alone)"
            echo "$state" >"$venv/tonari.txt"
        fi
        ;;
esac
case " $needs " in
    *" generate "*)
        if [ -z "${TONARI_CLI:-}" ]; then
            say "tonari generate: the command, Release"
            command -v cmake >/dev/null 2>&1 && command -v ninja >/dev/null 2>&1 ||
                { pip install -q cmake ninja && PATH=$venv/bin:$PATH; }
            cmake --preset release -DTONARI_FETCH="${TONARI_FETCH:-OFF}" >&2
            cmake --build build/release --target tonari_cli >&2 || give_up "the command could not be built"
            export TONARI_CLI="$root/build/release/tonari"
        fi
        ;;
esac

case " $needs " in
    *" latency "*)
        if [ -z "${TONARI_CHURN_LATENCY:-}" ]; then
            say "Search latency beside a writer: bench_churn_latency, Release"
            command -v cmake >/dev/null 2>&1 && command -v ninja >/dev/null 2>&1 ||
                { pip install -q cmake ninja && PATH=$venv/bin:$PATH; }
            # Without it the other tracks still have their figures; the table says what is missing.
            if cmake --preset bench -DTONARI_FETCH="${TONARI_FETCH:-OFF}" >&2 &&
                cmake --build build/bench --target bench_churn_latency >&2; then
                export TONARI_CHURN_LATENCY="$root/build/bench/benchmarks/bench_churn_latency"
            else
                echo "bench_churn_latency could not be built" >&2
            fi
        fi
        ;;
esac

# --- Side by side -----------------------------------------------------------------------------------------------

say "Side by side"
cd "$from"  # paths in the arguments are the caller's
exec "$venv/bin/python" "$root/$here/peers.py" "$@"
