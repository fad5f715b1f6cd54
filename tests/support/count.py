#!/usr/bin/env python3
"""Adds up test reports (JUnit XML of ctest and tests/fuzz/run.sh) and prints the one line that counts.

    count.py REPORT.xml...

Failed tests are named above it. A test that ctest could not start is a failure, although its report says "skipped".
Exit status 1 if anything failed or nothing ran.
"""

import pathlib
import sys
import xml.etree.ElementTree


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is not None or case.get("status") == "notrun":
        could_not_start = ("Unable to find executable", "Not Run", "Missing Configuration", "Required Files Missing",
                           "Fixture Dependency Failed", "RESOURCE")  # fmt: skip
        message = "" if skipped is None else skipped.get("message") or ""
        return "failed" if message.startswith(could_not_start) else "skipped"
    return "failed" if case.get("status") == "fail" else "passed"


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for report in sys.argv[1:]:
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            result = outcome(case)
            counts[result] += 1
            if result != "passed":
                print(f"{result}: {pathlib.Path(report).stem}: {case.get('name')}")
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    if counts["skipped"]:
        line += f", {counts['skipped']} skipped"
    print(line)
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
