#!/usr/bin/env python3
"""Checks that a level asks of the CPU what its kernels use, and nothing more.

    simd_flags.py COMPILER ROOT INCLUDES LEVEL BELOW FLAGS

What src/simd/dispatch.cpp asks for at run time must be what the compiler is given (FLAGS, a list of CMake), and without
any of the flags that the level BELOW lacks the kernels must not compile: a CPU would be turned away for nothing. (GCC takes
tiles without their flags, so target_avx512_amx.cpp refuses itself: there this asks that both flags are given.)
"""

import pathlib
import re
import subprocess
import sys


def asked(dispatch, level):
    body = re.search(rf"bool runs_{level}\(\) noexcept {{(.*?)}}", dispatch, re.S).group(1)
    names = set(re.findall(r'__builtin_cpu_supports\("(\w+)"\)|has_(\w+)\(', body))
    names = {name for pair in names for name in pair if name}
    for below in re.findall(r"runs_(\w+)\(", body):
        names |= asked(dispatch, below)
    return names


def option(name):
    return "-m" + name.replace("amx_", "amx-")


def main():
    compiler, root, includes, level, below, flags = sys.argv[1:]
    root = pathlib.Path(root)
    dispatch = (root / "src/simd/dispatch.cpp").read_text()
    given = {flag.removeprefix("-m").replace("-", "_") for flag in flags.split(";") if flag.startswith("-m")}
    failures = [f"the compiler alone is told of {name}" for name in given - asked(dispatch, level)]
    failures += [f"the CPU alone is asked for {name}" for name in asked(dispatch, level) - given]

    folders = [word for path in includes.split(";") if path for word in ("-idirafter", path)]
    for name in given - asked(dispatch, below):
        done = subprocess.run([compiler, "-std=c++20", *folders, "-I", root / "include", "-I", root / "src",
                               *(option(other) for other in given - {name}), "-S", "-o", "/dev/null",
                               root / f"src/simd/target_{level}.cpp"], capture_output=True, text=True)
        if done.returncode == 0:
            failures.append(f"the kernels need no {name}")
        elif option(name).removeprefix("-m") not in done.stderr:
            failures.append(f"without {name}, the compiler stops at something else: {done.stderr}")
    for failure in failures:
        print(f"{level}: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
