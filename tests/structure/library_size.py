#!/usr/bin/env python3
"""Prints the size of the library file and fails above 25 MB (CONTRIBUTING.md, "Limits").

    library_size.py LIBRARY

Debug information counts for nothing here: a static library that carries it is measured after `strip --strip-debug`.
"""

import os
import shutil
import subprocess
import sys
import tempfile

LIMIT = 25_000_000


def main():
    path = os.path.realpath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, os.path.basename(path))
        subprocess.run([shutil.which("strip") or "strip", "--strip-debug", "-o", stripped, path], check=True)
        size = os.path.getsize(stripped)
    print(f"{os.path.basename(path)}: {size / 1e6:.1f} MB without debug information"
          f" ({os.path.getsize(path) / 1e6:.1f} MB as built), limit {LIMIT / 1e6:.0f} MB")
    return 0 if size <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
