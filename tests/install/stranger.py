#!/usr/bin/env python3
"""Builds and runs the first program of the README as somebody who has just met tonari.

    stranger.py --way find_package|add_subdirectory --kind static|shared --source TONARI --work FOLDER ...

find_package: the library is built alone, installed, its folder is renamed (a package must not remember where it
was made), and the program finds it there. add_subdirectory: the program's project contains tonari's sources, and must
get the library and nothing else: no tests, no command, no install rules.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys


def run(*command, **options):
    print("+", " ".join(str(part) for part in command), flush=True)
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{done.stderr}\nfailed with {done.returncode}")
    return done.stdout


def expect(condition, text):
    if not condition:
        sys.exit(f"expected: {text}")


class Stranger:
    def __init__(self, arguments):
        self.cmake = arguments.cmake
        self.source = pathlib.Path(arguments.source)
        self.work = pathlib.Path(arguments.work)
        self.shared = arguments.kind == "shared"
        # ccache, where it is there, saves most of the compiling: a static library is compiled as the one under test was.
        self.environment = dict(os.environ, CCACHE_NOHASHDIR="1")
        if shutil.which("ccache"):
            self.environment["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
        self.common = [
            "-G", arguments.generator,
            f"-DCMAKE_CXX_COMPILER={arguments.compiler}",
            f"-DBUILD_SHARED_LIBS={'ON' if self.shared else 'OFF'}",
            f"-DCMAKE_PROJECT_tonari_INCLUDE={self.source / 'tests' / 'install' / 'library_options.cmake'}",
            f"-DTONARI_QUICKLY={'ON' if self.shared else 'OFF'}",
            *(f"-D{option}" for option in arguments.option),
        ]  # fmt: skip

    def configure(self, source, build, *options):
        run(self.cmake, "-S", source, "-B", build, *self.common, *options, env=self.environment)

    def build(self, build):
        run(self.cmake, "--build", build, "--parallel", len(os.sched_getaffinity(0)), env=self.environment)

    def install(self):
        """The folder of an installed tonari that is no longer where it was installed."""
        build, first, prefix = self.work / "tonari-build", self.work / "installed", self.work / "moved"
        self.configure(
            self.source, build,
            "-DTONARI_BUILD_TESTS=OFF", "-DTONARI_BUILD_TOOLS=OFF",
            "-DTONARI_BUILD_BENCHMARKS=OFF", "-DTONARI_BUILD_EXAMPLES=OFF",
        )  # fmt: skip
        self.build(build)
        run(self.cmake, "--install", build, "--prefix", first)
        first.rename(prefix)
        for file in prefix.rglob("*.cmake"):
            text = file.read_text()
            for path in (self.work, self.source):
                expect(str(path) not in text, f"{file.name} free of {path}")
            for name in ("xsimd", "Eigen", "Boost", "boost", "xxhash"):
                expect(name not in text, f"{file.name} free of the private dependency {name}")
        if self.shared:
            self.check_exports(next(prefix.rglob("libtonari.so")))
        return prefix

    def check_exports(self, library):
        """Only tonari's own names leave the shared library."""
        if not shutil.which("nm"):
            return
        foreign = []
        for line in run("nm", "-DC", "--defined-only", library).splitlines():
            kind, name = line.split(maxsplit=2)[1:]
            if kind in "TDBR" and "tonari" not in name:
                foreign.append(name)
        expect(not foreign, f"no foreign exports, got {foreign[:10]}")

    def project(self, way):
        """A copy of the stranger's files: the CMakeLists.txt of this way, and the program."""
        project = self.work / "project"
        shutil.copytree(self.source / "tests" / "install" / way, project)
        shutil.copy(self.source / "examples" / "cpp" / "first.cpp", project)
        return project

    def program(self, project, *options):
        build = self.work / "build"
        self.configure(project, build, *options)
        self.build(build)
        output = run(build / "first", cwd=build)
        print(output)
        expect(re.search(r"\d", output), "a program that prints its neighbours")
        return build

    def find_package(self):
        prefix = self.install()
        self.program(self.project("find_package"), f"-DCMAKE_PREFIX_PATH={prefix}")

    def add_subdirectory(self):
        project = self.project("add_subdirectory")
        build = self.program(project, f"-Dtonari={self.source}", "-DTONARI_AS_UNDER_TEST=ON")
        extra = [path.name for path in (build / "tonari").rglob("*") if re.match(r"(test_|bench_|example_)", path.name)]
        expect(not extra, f"the library alone, got {extra[:10]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--generator", default="Ninja")
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--source", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--way", choices=("find_package", "add_subdirectory"), required=True)
    parser.add_argument("--kind", choices=("static", "shared"), required=True)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()

    shutil.rmtree(arguments.work, ignore_errors=True)
    pathlib.Path(arguments.work).mkdir(parents=True)
    getattr(Stranger(arguments), arguments.way)()
    print(f"{arguments.way}, {arguments.kind}: works")


if __name__ == "__main__":
    main()
