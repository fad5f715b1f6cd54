"""TONARI_FETCH=ON: an archive is fetched once and its hash compared; without a network, the error says what to do.

    fetch.py CMAKE SOURCE WORK

Asks no network: archives come from file:// and from a port of this machine that nobody listens to.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

cmake, source, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
nowhere = "http://127.0.0.1:1"


def expect(condition, text, output=""):
    if not condition:
        sys.exit(f"{output}\nexpected: {text}")


def run(*command):
    environment = {**os.environ, "https_proxy": nowhere, "http_proxy": nowhere, "no_proxy": ""}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, timeout=300)
    return done.returncode, " ".join((done.stdout + done.stderr).split())  # CMake breaks lines where it likes


def fetch(url, sha256):
    """In a script of its own: tonari_fetch_archive alone."""
    script = work / "fetch.cmake"
    script.write_text(
        f"set(FETCHCONTENT_BASE_DIR {work}/deps)\n"
        f"include({source}/cmake/FetchArchive.cmake)\n"
        f"tonari_fetch_archive(thing {url} {sha256} archive)\n"
        "file(READ ${archive} text)\nmessage(STATUS \"got ${text}\")\n"
    )
    return run(cmake, "-P", script)


def says_what_to_do(code, output, name):
    expect(code != 0, "a failure", output)
    for words in (f"could not fetch {name}", "cmake/install_dependencies.sh", "put it at", "FETCHCONTENT_SOURCE_DIR_"):
        expect(words in output, repr(words), output)


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
archive = work / "thing.txt"
archive.write_text("one archive")
right = hashlib.sha256(archive.read_bytes()).hexdigest()

says_what_to_do(*fetch(archive.as_uri(), "0" * 64), "thing")
code, output = fetch(archive.as_uri(), right)
expect(code == 0 and "fetching thing" in output and "got one archive" in output, "the archive", output)
archive.unlink()
code, output = fetch(archive.as_uri(), right)
expect(code == 0 and "fetching" not in output and "got one archive" in output, "the archive that lies there", output)
shutil.rmtree(work / "deps")
says_what_to_do(*fetch(f"{nowhere}/thing.txt", right), "thing")

off = [f"-DTONARI_BUILD_{part}=OFF" for part in ("TESTS", "TOOLS", "BENCHMARKS", "EXAMPLES")]
says_what_to_do(*run(cmake, "-S", source, "-B", work / "build", "-DTONARI_FETCH=ON", *off), "tonari_xsimd")
print("fetching says what it lacks")
