"""The two generated sets, made once by `tonari generate` and kept."""
import os
import shutil
import subprocess
import sys

import datasets

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SETS = (("generated-128", 1000000, 128, "l2"), ("generated-768", 300000, 768, "cosine"))


def sets(options, out):
    """Describes both sets (with --churn the first), generating what is not there."""
    found = []
    for name, rows, dim, metric in SETS[:1] if options.churn else SETS:
        rows = min(rows, options.rows or rows)
        folder = os.path.join(out, f"{name}-{rows}")
        if not os.path.exists(os.path.join(folder, "complete")):
            generate(folder, rows, dim, metric)
        found.append(datasets.describe(folder, metric))
    return found


def generate(folder, rows, dim, metric):
    command = [tool(), "generate", folder, "--rows", str(rows), "--dim", str(dim), "--queries", "1000",
               "--metric", metric, "--seed", "1"] + (["--unit"] if metric == "cosine" else [])
    print("generating: " + " ".join(command[1:]), file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    subprocess.run(command, check=True, stdout=sys.stderr)
    open(os.path.join(folder, "complete"), "w").close()


def tool():
    """The `tonari` command: $TONARI_CLI, the build folders of this checkout, or the PATH."""
    places = [os.environ.get("TONARI_CLI", "")]
    places += [os.path.join(ROOT, "build", preset, place, "tonari")
               for preset in ("release", "bench", "dev", "") for place in ("", "bin", "src/cli")]
    for place in places:
        if place and os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    found = shutil.which("tonari")
    if found:
        return found
    raise SystemExit("generated sets need the `tonari` command: build it (cmake --preset release && cmake --build "
                     "--preset release) or name it in TONARI_CLI; or name data with --data or --folder")
