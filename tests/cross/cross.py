#!/usr/bin/env python3
"""Kernels on machines that we do not have: other processors, in an emulator. Exit code 77 where a tool is missing.

    cross.py environment PROGRAM                      the level that TONARI_SIMD names, and what is said of a wrong one
    cross.py old_cpu PROGRAM                          an x86 program on processors without AVX-512, or without AVX2
    cross.py new_cpu PROGRAM                          an x86 program on a Sapphire Rapids (Intel SDE: sde64)
    cross.py neon ROOT WORK INCLUDE...                builds PROGRAM for AArch64 and runs it

PROGRAM is check_levels.cpp, compiled.
"""

import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            print(f"skipped: {tool} was not found")
            sys.exit(SKIPPED)


def run(command, simd=None):
    environment = {key: value for key, value in os.environ.items() if key != "TONARI_SIMD"}
    if simd is not None:
        environment["TONARI_SIMD"] = simd
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment)
    print(f"{simd or ''} {' '.join(str(word) for word in command)}\n{done.stdout}{done.stderr}", flush=True)
    return done


def expect(true, what):
    if not true:
        print(f"FAILED: {what}")
        sys.exit(1)


def environment(program):
    best = run([program, "--active"])
    expect(best.returncode == 0, "without TONARI_SIMD there is nothing to complain of")
    for word in ("reference", "Reference", "REFERENCE"):
        done = run([program, "--active"], word)
        expect(done.returncode == 0 and done.stdout.strip() == "reference", f"{word} names a level")
    done = run([program, "--active"], "bogus")
    expect(done.returncode == 1, "an unknown word is an error")
    expect(done.stdout == best.stdout, "the best level is used meanwhile")
    expect("invalid argument" in done.stderr and "'bogus'" in done.stderr and "reference" in done.stderr,
           "the message says what was expected and what was got")
    expect(run([program, "--active"], "").returncode == 0, "an empty word is no word")


def old_cpu(program):
    emulator = "qemu-x86_64-static" if shutil.which("qemu-x86_64-static") else "qemu-x86_64"
    need(emulator)
    for cpu, level in (("Nehalem", "baseline"), ("SandyBridge", "baseline"), ("Haswell", "avx2")):
        # An emulator older than 7.2 has no AVX2: it warns, and the baseline is then the right answer.
        done = run([emulator, "-cpu", cpu, program, "--active"])
        lacks = "doesn't support" in done.stderr and "avx2" in done.stderr.lower()
        expect(done.returncode == 0 and done.stdout.strip() == ("baseline" if lacks else level),
               f"{cpu} runs at level {level}")
        done = run([emulator, "-cpu", cpu, program, "--active"], "avx512")
        expect(done.returncode == 1 and "unsupported" in done.stderr and "'avx512'" in done.stderr,
               f"{cpu} refuses avx512")
    expect(run([emulator, "-cpu", "Nehalem", program]).returncode == 0, "every level is right on Nehalem")


def new_cpu(program):
    """Where this machine has AMX, no emulator is asked."""
    if run([program, "--active"], "avx512_amx").stdout.strip() == "avx512_amx":
        sapphire_rapids = []
    else:
        need("sde64")
        sapphire_rapids = ["sde64", "-spr", "--"]
        expect(run([*sapphire_rapids, program, "--active"], "avx512_amx").stdout.strip() == "avx512_amx",
               "it runs at level avx512_amx")
    expect(run([*sapphire_rapids, program, "--active"]).stdout.strip() == "avx512_spr", "no tiles are used unasked")
    done = run([*sapphire_rapids, program, "--active"], "avx512_spr")
    expect(done.returncode == 0 and done.stdout.strip() == "avx512_spr", "the level below can be asked for")
    for level in ("avx512", "avx512_spr", "avx512_amx"):
        expect(run([*sapphire_rapids, program, "--level", level], level).returncode == 0, f"{level} is right")


def neon(root, work, includes):
    compiler = "aarch64-linux-gnu-g++"
    emulator = "qemu-aarch64-static" if shutil.which("qemu-aarch64-static") else "qemu-aarch64"
    need(compiler, emulator)
    root, work = pathlib.Path(root), pathlib.Path(work)
    headers = work / "include"
    headers.mkdir(parents=True, exist_ok=True)
    # Only xsimd: the folder it lies in may be /usr/include, which is another machine's.
    for folder in includes:
        if (pathlib.Path(folder) / "xsimd" / "xsimd.hpp").exists() and not (headers / "xsimd").exists():
            (headers / "xsimd").symlink_to(pathlib.Path(folder).resolve() / "xsimd")
    flags = ["-std=c++20", "-DTONARI_HAVE_NEON=1", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
             "-isystem", headers, "-I", root / "include", "-I", root / "src", "-I", root / "tests"]
    launcher = ["ccache"] if shutil.which("ccache") else []
    objects = []
    for source, level in (("src/simd/target_neon.cpp", "-O3"), ("src/simd/reference.cpp", "-O2"),
                          ("src/simd/reference_codes.cpp", "-O2"), ("src/simd/dispatch.cpp", "-O2"), ("tests/cross/check_levels.cpp", "-O2")):
        objects.append(work / (pathlib.Path(source).stem + ".o"))
        done = run([*launcher, compiler, *flags, level, "-c", root / source, "-o", objects[-1]])
        expect(done.returncode == 0, f"{source} compiles for AArch64")
    program = work / "check_levels"
    expect(run([compiler, "-static", *objects, "-o", program]).returncode == 0, "it links")
    expect(run([emulator, program, "--active"]).stdout.strip() == "neon", "the level is neon")
    expect(run([emulator, program]).returncode == 0, "neon agrees with the reference")


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "environment":
        environment(arguments[0])
    elif what == "old_cpu":
        old_cpu(arguments[0])
    elif what == "new_cpu":
        new_cpu(arguments[0])
    elif what == "neon":
        neon(arguments[0], arguments[1], [path for path in arguments[2:] for path in path.split(";") if path])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
