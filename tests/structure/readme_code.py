#!/usr/bin/env python3
"""Checks that the programs printed in the documentation are the files that the tests build and run.

    readme_code.py [project folder]

In README.md and CONTRIBUTING.md a fenced block that follows the comment `<!-- file: PATH -->` must be that file,
to the byte.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"<!-- file: (\S+) -->\s*\n```[^\n]*\n(.*?)^```$", re.S | re.M)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    failures = blocks = 0
    for page in ("README.md", "CONTRIBUTING.md"):
        if not (root / page).exists():
            continue
        for match in BLOCK.finditer((root / page).read_text(encoding="utf-8")):
            blocks += 1
            path = root / match.group(1)
            if not path.is_file():
                print(f"{page}: there is no {match.group(1)}")
                failures += 1
            elif path.read_text(encoding="utf-8") != match.group(2):
                print(f"{page}: the block of {match.group(1)} is not what the file says")
                failures += 1
    print(f"readme_code: {blocks} blocks, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
