#!/usr/bin/env python3
"""Compiles a snippet without and with its mistake.

    must_fail.py SNIPPET COMPILER FLAGS...

The snippet's first line is "// expects: REGULAR EXPRESSION", matched against what the compiler says of the mistake.
A snippet that fails for another reason (a renamed header, a typo) is a failure: its twin shows it.
"""

import os
import re
import subprocess
import sys


def compile_snippet(command):
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C")
    done = subprocess.run([*command, "-fsyntax-only"], capture_output=True, text=True, env=environment)
    return done.returncode == 0, done.stderr


def main():
    snippet, compiler = sys.argv[1], sys.argv[2:]
    with open(snippet, encoding="utf-8") as file:
        first = file.readline()
    expects = re.match(r"// expects: (.+)", first)
    if not expects:
        print(f"{snippet}: the first line must be '// expects: REGULAR EXPRESSION'")
        return 1

    passed, message = compile_snippet([*compiler, snippet])
    if not passed:
        print(f"{snippet}: does not compile without its mistake:\n{message}")
        return 1
    passed, message = compile_snippet([*compiler, "-DTONARI_MISTAKE", snippet])
    if passed:
        print(f"{snippet}: compiles in spite of its mistake")
        return 1
    if not re.search(expects.group(1), message):
        print(f"{snippet}: fails, but not for {expects.group(1)!r}:\n{message}")
        return 1
    print(f"{snippet}: fails as it should")
    return 0


if __name__ == "__main__":
    sys.exit(main())
