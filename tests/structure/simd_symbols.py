#!/usr/bin/env python3
"""Checks that a SIMD object file leaks no code into the rest of the program.

    simd_symbols.py NM OBJECT...

A weak symbol in an object compiled with -mavx512f is a trap: the linker may take it for the whole program, which
then dies on a machine without AVX-512. So each object may export one thing, its `const Kernels`, and nothing weak.
"""

import subprocess
import sys

WEAK = "WwVvu"
# What a compiler leaves behind that is data or names no code of ours.
HARMLESS = ("DW.ref.", "__odr_asan", "_ZTI", "_ZTS")


def exported(nm, path):
    listing = subprocess.run([nm, "-C", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        parts = line.split(maxsplit=2)
        if len(parts) == 3 and parts[1] not in "ULNw-" and (parts[1].isupper() or parts[1] in WEAK):
            yield parts[1], parts[2]


def main():
    nm, objects = sys.argv[1], [path for argument in sys.argv[2:] for path in argument.split(";") if path]
    failures = 0
    for path in objects:
        symbols = [(kind, name) for kind, name in exported(nm, path) if not name.startswith(HARMLESS)]
        weak = [name for kind, name in symbols if kind in WEAK]
        strong = [name for kind, name in symbols if kind not in WEAK]
        short = path.rsplit("/", 1)[-1]
        for name in weak:
            print(f"{short}: weak symbol: {name}: give it internal linkage (anonymous namespace), or inline it")
        if len(strong) != 1 or "kernels" not in strong[0].lower():
            print(f"{short}: exports {strong or 'nothing'}: expected its one table of kernels")
        failures += len(weak) + (len(strong) != 1)
    print(f"simd_symbols: {len(objects)} objects, {failures} findings")
    return 1 if failures or not objects else 0


if __name__ == "__main__":
    sys.exit(main())
