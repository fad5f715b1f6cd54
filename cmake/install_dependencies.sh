#!/bin/sh
# Installs what tonari is built from, on Debian and Ubuntu. Says what it installs, skips what is there, asks nothing.
#
#     cmake/install_dependencies.sh [--python] [--tests] [--demo] [--long] [--format]
#
#   (always)   compiler, CMake, Ninja and the headers of the library's private dependencies
#   --python   what `pip install .` needs beside: a virtual environment, and Python's headers
#   --demo     what the tonari command links, and Python for the download of its data
#   --tests    --demo, and Catch2, Google Benchmark, Python, the aarch64 compiler and QEMU
#   --long     --tests, and clang with its fuzzer and sanitizers
#   --format   clang-format 19 and clang-tidy 19
#
# Needs root, or sudo that asks no password. Without either, see TONARI_FETCH in the README.
set -eu

PATH=$PATH:/usr/sbin:/sbin

packages="ca-certificates g++ cmake make ninja-build ccache libxsimd-dev libboost-dev libxxhash-dev libeigen3-dev"
python="python3 python3-venv python3-dev"
demo="libcli11-dev nlohmann-json3-dev libhdf5-dev python3"
tests="catch2 libbenchmark-dev binutils git python3-venv python3-dev pybind11-dev qemu-user-static g++-aarch64-linux-gnu"
long="clang libclang-rt-14-dev libomp-14-dev llvm"
format="clang-format-19 clang-tidy-19"

for option in "$@"; do
    case $option in
        --python) packages="$packages $python" ;;
        --demo) packages="$packages $demo" ;;
        --tests) packages="$packages $demo $tests" ;;
        --long) packages="$packages $demo $tests $long" ;;
        --format) packages="$packages $format" ;;
        *) echo "install_dependencies.sh: unknown option $option (know --python --tests --demo --long --format)" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "This is no Debian: packages are left to you. On Debian they would be: $packages"
    exit 0
fi

missing=
for package in $packages; do
    case " $missing " in *" $package "*) continue ;; esac
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "Packages: all there"
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Missing packages:$missing" >&2
    echo "Neither root nor a sudo without password. Install them, or set TONARI_FETCH=ON (README, \"Without root\")." >&2
    exit 1
fi

echo "Packages to install:$missing"
apt() {
    # Waits for another apt; tries a shaky mirror again.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}
apt update
# shellcheck disable=SC2086  # a list of words
apt install -y --no-install-recommends $missing
