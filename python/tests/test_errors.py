"""The exceptions: one family, each also what Python calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tonari

TWINS = {
    tonari.InvalidArgument: ValueError,
    tonari.Unsupported: NotImplementedError,
    tonari.NotFound: FileNotFoundError,
    tonari.AlreadyExists: FileExistsError,
    tonari.Corrupt: Exception,
    tonari.IoError: OSError,
    tonari.OutOfMemory: MemoryError,
    tonari.OutOfRange: ValueError,
    tonari.Busy: BlockingIOError,
    tonari.WrongType: TypeError,
}


@pytest.mark.parametrize(("error", "twin"), TWINS.items())
def test_each_is_an_error_and_its_twin(error: type[Exception], twin: type[Exception]) -> None:
    assert issubclass(error, tonari.Error) and issubclass(error, twin)
    assert error.__module__ == "tonari" and error.__doc__
    assert getattr(tonari, error.__name__) is error
    assert str(error("expected this, got that")) == "expected this, got that"


def test_the_family_is_complete() -> None:
    family = {value for value in vars(tonari).values() if isinstance(value, type) and issubclass(value, tonari.Error)}
    assert family == {*TWINS, tonari.Error}
    assert issubclass(tonari.IncompleteWarning, RuntimeWarning)


def test_a_level_that_the_cpu_lacks_is_refused() -> None:
    program = "import numpy as np, tonari\ntonari.build('Flat', np.ones((1, 1), dtype=np.float32))"
    environment = {**os.environ, "TONARI_SIMD": "avx9000"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "avx9000" in done.stderr and "tonari." in done.stderr


def test_the_process_lives_after_errors() -> None:
    for _ in range(3):
        with pytest.raises(tonari.Error):
            tonari.build("Nonsense", np.ones((1, 1), dtype=np.float32))
    assert len(tonari.build("Flat", np.ones((1, 1), dtype=np.float32))) == 1


def test_messages_say_what_is_no_utf8(tmp_path: Path) -> None:
    missing = tmp_path / "b\udcffooks.tnr"  # os.fsdecode(b"b\xffooks.tnr")
    with pytest.raises(tonari.NotFound, match="b\udcffooks"):
        tonari.open(missing)
    with pytest.raises(tonari.InvalidArgument, match="Flat\0x.*expected"):
        tonari.build("Flat\0x", np.ones((1, 1), dtype=np.float32))
    with pytest.raises(tonari.InvalidArgument, match="spec: expected text that UTF-8 can write"):
        tonari.build("Flat\ud800", np.ones((1, 1), dtype=np.float32))
