"""Every example runs in an empty folder, says something, and fits one screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tonari

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "python").glob("*.py"))


def test_there_are_examples() -> None:
    assert {path.name for path in EXAMPLES} >= {"first.py", "filters.py", "save_and_open.py"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(tonari.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and not done.stderr
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 45
