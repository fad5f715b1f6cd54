"""The installed command: `cmake --install BUILD --component command` installs it, and nothing else, and it runs there.

    command.py CMAKE BUILD WORK SHARED

Where the library is shared (SHARED is ON) all is installed, then moved, and the command must find its library there.
"""

import pathlib
import shutil
import subprocess
import sys

cmake, build, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
shared = sys.argv[4] == "ON"


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{done.stderr}\nfailed with {done.returncode}")
    return done.stdout


shutil.rmtree(work, ignore_errors=True)
run(cmake, "--install", build, "--prefix", work / "first", *([] if shared else ["--component", "command"]))
(work / "first").rename(work / "moved")
files = [path.relative_to(work / "moved").as_posix() for path in (work / "moved").rglob("*") if path.is_file()]
if not shared and files != ["bin/tonari"]:
    sys.exit(f"expected bin/tonari alone, got {files}")
version = run(work / "moved" / "bin" / "tonari", "--version")
if not version.startswith("tonari "):
    sys.exit(f"expected its version, got {version!r}")
print(version)
