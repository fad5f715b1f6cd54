#!/usr/bin/env python3
"""layering.py finds what it should, and only that: each rule is broken once in a small house."""

import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layering  # noqa: E402

CASES = [
    # file, text, rules expected
    ("include/tonari/core/a.hpp", "#include <vector>\n#include <tonari/core/b.hpp>\n", []),
    ("include/tonari/index/a.hpp", "#include <tonari/core/b.hpp>\n", []),
    ("include/tonari/core/a.hpp", "#include <tonari/index/b.hpp>\n", ["layers"]),
    ("include/tonari/core/a.hpp", "#include <tonari/tonari.hpp>\n", ["layers"]),
    ("include/tonari/tonari.hpp", "#include <tonari/fleet/b.hpp>\n", []),
    ("include/tonari/shed/a.hpp", "", ["layers"]),
    ("src/io/a.cpp", "#include <tonari/metric/b.hpp>\n", ["layers"]),
    ("src/io/a.cpp", '#include "neighbour.hpp"\n', ["layers"]),
    ("src/io/a.cpp", '#include "io/a.cpp"\n', []),
    ("src/cli/main.cpp", "#include <iostream>\n#include <tonari/tonari.hpp>\nint main() { exit(1); }\n", []),
    ("include/tonari/io/a.hpp", "#include <boost/interprocess/file_mapping.hpp>\n", ["doors"]),
    ("include/tonari/io/a.hpp", '#include "b.hpp"\n', ["doors"]),
    ("src/io/a.cpp", "#include <boost/interprocess/file_mapping.hpp>\n", []),
    ("src/core/a.cpp", "#include <Eigen/Core>\n", ["named"]),
    ("src/codec/a.cpp", "#include <immintrin.h>\n", ["cpu"]),
    ("src/codec/a.cpp", "auto v = _mm256_setzero_ps();\n", ["cpu"]),
    ("include/tonari/simd/a.hpp", "#if defined(__AVX2__)\n#endif\n", ["cpu"]),
    ("src/simd/a.cpp", "auto v = _mm256_setzero_ps();\n", []),
    ("include/tonari/simd/prefetch.hpp", "inline void f(const void* p) { __builtin_prefetch(p); }\n", []),
    ("src/index/a.cpp", "#pragma omp parallel for\n", ["openmp"]),
    ("src/core/parallel_openmp.cpp", "#pragma omp parallel for\n", []),
    ("src/core/a.cpp", "void f() { std::abort(); }\n", ["guest"]),
    ("src/core/a.cpp", "void f() { std::cerr << 1; }\n", ["guest"]),
    ("src/core/a.cpp", 'void f() { std::printf("x"); }\n', ["guest"]),
    ("src/core/a.cpp", "// printf( and abort() and <immintrin.h> in words\n/* exit( */ int at_exit(int);\n", []),
    ("src/core/a.cpp", 'const char* s = "exit(1) // printf(";\nint n = 1\'000\'000; void f() { walk.exit(2); }\n', []),
]


def main():
    failures = 0
    for name, text, expected in CASES:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "include").mkdir()
            (root / "src").mkdir()
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
            found = layering.check(root)
            rules = [finding.split(": ")[1] for finding in found]
            if rules != expected:
                failures += 1
                print(f"{name}: {text!r}: expected {expected}, found {found}")
    print(f"layering_test: {len(CASES)} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
