#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not know (CONTRIBUTING.md, "The rules").

    layering.py [project folder]

Read from the text of every file in include/ and src/:

  layers     a file includes its own folder and folders to its left, in include/ and src/ alike
  doors      public headers include the standard library and each other, nothing else
  cpu        intrinsics, xsimd and __AVX macros are in src/simd alone
  openmp     `#pragma omp` is in src/core/parallel_openmp.cpp alone
  guest      no printing, no abort, no exit, except in the command (src/cli)
  named      a private dependency is included in the folder it belongs to

One line per finding, "file:line: rule: what to do"; exit status 1 if there is any.
"""

import pathlib
import re
import sys

ORDER = ("core observe simd io metric train codec lists graph index tune attributes segment log shard fleet").split()

# Beside the order: headers at the top of include/tonari. These three stand left of everything ...
LEFT_OF_ALL = {"tonari/version.hpp", "tonari/fwd.hpp", "tonari/core/export.hpp"}
# ... and these folders, like tonari.hpp itself, right of everything.
RIGHT_OF_ALL = {"cli", "capi"}

# Which folder of src/ may include which other library.
HOMES = {
    "xsimd/": {"simd"},
    "boost/": {"io"},
    "xxhash.h": {"io"},
    "Eigen/": {"train"},
    "CLI/": {"cli"},
    "nlohmann/": {"cli"},
    "hdf5.h": {"cli"},
    "omp.h": {"core"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD = re.compile(r"^[a-z0-9_]+$")  # <vector>, <cstdint>: no folder, no ending
CPU = re.compile(r"\b(?:_mm\d*_\w+|__m(?:128|256|512)\w*|xsimd|immintrin|arm_neon|__AVX\w*|__SSE\w*|__ARM_NEON\w*)\b")
OPENMP = re.compile(r"^\s*#\s*pragma\s+omp\b|\bomp_(?:get|set)_\w+|_Pragma\s*\(\s*\"omp")
RUDE = re.compile(
    r"<iostream>|\bstd::c(?:out|err|log)\b|(?<![\w.>])(?:std::)?(?:printf|fprintf|vprintf|puts|putchar|perror)\s*\("
    r"|(?<![\w.>:])(?:std::)?(?:abort|exit|_Exit|quick_exit|terminate)\s*\(|(?<!:)\bstd::(?:abort|exit|terminate)\b"
)


def without_comments(text):
    """The text with comments and string literals blanked, line numbers unchanged."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    # Include lines keep their names; all other literals go, since a message may well say "exit".
    literal = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    out = []
    position = 0
    for match in literal.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        out.append(text[position : match.start()])
        is_include = text[line_start : match.start()].lstrip().startswith("#") and match.group(0).startswith('"')
        digit_separator = match.group(0).startswith("'") and re.search(r"[0-9a-fA-F]$", text[: match.start()][-1:])
        out.append(match.group(0) if is_include or digit_separator else blank(match))
        position = match.end()
    out.append(text[position:])
    return "".join(out)


def position_of(path):
    """The place of "tonari/<folder>/..." or "<folder>/..." in the order; None if it is not one of ours."""
    if path in LEFT_OF_ALL:
        return -1
    parts = path.split("/")
    if parts[0] == "tonari":
        parts = parts[1:]
    if len(parts) == 1 or parts[0] in RIGHT_OF_ALL:
        return len(ORDER)  # tonari.hpp and its like
    return ORDER.index(parts[0]) if parts[0] in ORDER else None


def check_file(root, path):
    relative = path.relative_to(root).as_posix()
    public = relative.startswith("include/")
    inner = relative.split("/", 1)[1]  # tonari/core/view.hpp or simd/dispatch.cpp
    parts = inner.removeprefix("tonari/").split("/")
    folder = parts[0] if len(parts) > 1 else ""
    own = position_of(inner)
    if own is None:
        yield 1, "layers", f"the folder {folder!r} is not in the order of tests/structure/layering.py"
        return

    for number, line in enumerate(without_comments(path.read_text(encoding="utf-8")).splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            bracket, name = include.groups()
            ours = name.startswith("tonari/") or (bracket == '"' and not public)
            if ours and bracket == '"' and "/" not in name:
                if not (path.parent / name).exists():
                    yield number, "layers", f'"{name}" is not in this folder (other folders: "folder/{name}")'
            elif ours:
                target = position_of(name)
                if target is None:
                    yield number, "layers", f"{name} is in no known folder"
                elif target > own:
                    yield number, "layers", f"{name} stands right of {folder or 'this file'}"
                if bracket == '"' and not (root / "src" / name).exists():
                    yield number, "layers", f'"{name}" is not in src/ (public headers are <tonari/...>)'
            elif public:
                if bracket == '"':
                    yield number, "doors", f"public headers are included as <tonari/...>, not \"{name}\""
                elif not STANDARD.match(name):
                    yield number, "doors", f"<{name}> is neither the standard library nor tonari"
            else:
                for prefix, homes in HOMES.items():
                    if name.startswith(prefix) and folder not in homes:
                        yield number, "named", f"<{name}> belongs to src/{'|'.join(sorted(homes))}"

        if not relative.startswith("src/simd/") and CPU.search(line):
            yield number, "cpu", f"{CPU.search(line).group(0)} belongs to src/simd"
        if relative != "src/core/parallel_openmp.cpp" and OPENMP.search(line):
            yield number, "openmp", "OpenMP belongs to src/core/parallel_openmp.cpp"
        if folder != "cli" and RUDE.search(line):
            yield number, "guest", f"{RUDE.search(line).group(0).strip()}: the library answers with Result or Status"


def check(root):
    findings = []
    for folder in ("include", "src"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".h"):
                for number, rule, text in check_file(root, path):
                    findings.append(f"{path.relative_to(root).as_posix()}:{number}: {rule}: {text}")
    return findings


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    findings = check(root)
    for finding in findings:
        print(finding)
    print(f"layering: {len(findings)} findings" if findings else "layering: every file keeps the rules")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
