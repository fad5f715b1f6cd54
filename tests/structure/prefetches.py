"""Compilers keep the calls of functions that do nothing but prefetch: prefetches.py COMPILER INCLUDE_FOLDER.

GCC 12 took such functions for ones without effects and dropped the calls, and nothing but the time of a search told.
"""
import os
import subprocess
import sys
import tempfile

SOURCE = r"""
#include <tonari/simd/prefetch.hpp>

namespace {
class Table {
public:
    Table(const unsigned* links, unsigned degree) : links_(links), degree_(degree) {}
    void ask(unsigned vertex) noexcept { tonari::simd::prefetch(links_ + vertex * degree_, degree_ * sizeof(unsigned)); }

private:
    const unsigned* links_;
    unsigned degree_;
};
class Places {
public:
    explicit Places(const char* first) : first_(first) {}
    void ask(unsigned place) noexcept { tonari::simd::prefetch(first_ + place); }

private:
    const char* first_;
};
}  // namespace

unsigned by_lines(const unsigned* links, unsigned degree, const unsigned* next, unsigned count) {
    Table table(links, degree);
    unsigned sum = 0;
    for (unsigned i = 0; i < count; ++i) {
        table.ask(next[i]);
        sum += next[i];
    }
    return sum;
}
unsigned one_line(const char* first, const unsigned* next, unsigned count) {
    Places places(first);
    unsigned sum = 0;
    for (unsigned i = 0; i < count; ++i) {
        places.ask(next[i]);
        sum += next[i];
    }
    return sum;
}
"""
NAMES = ("prefetch", "prfm", "pld")  # x86-64, 64-bit and 32-bit ARM


def functions(assembly):
    """{name: its lines}, of what the two are called."""
    found, at = {}, None
    for line in assembly.splitlines():
        label = line.split("#")[0].split("//")[0].rstrip()  # compilers comment on it
        at = next((name for name in ("by_lines", "one_line") if name in label and label.endswith(":")), at)
        if at:
            found.setdefault(at, []).append(line)
    return found


def main(compiler, include):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "asks.cpp")
        with open(source, "w") as file:
            file.write(SOURCE)
        wrong = []
        for level in ("-O2", "-O3"):
            command = [compiler, "-std=c++20", level, "-I", include, "-S", "-o", "-", source]
            made = functions(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for name in ("by_lines", "one_line"):
                if not any(word in line for line in made.get(name, []) for word in NAMES):
                    wrong.append(f"{name} at {level}: expected a prefetch in its code, got none")
    print("\n".join(wrong) or "every prefetch is there")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
