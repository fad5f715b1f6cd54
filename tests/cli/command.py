"""What the tests of the command share: running it, and small files of vectors."""

import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

COMMAND = os.environ.get("TONARI_COMMAND", "tonari")


class CommandTest(unittest.TestCase):
    """Each class works in a folder of its own, which is gone afterwards. The cache is inside it."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def run_command(self, *arguments, status=0):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.folder / "cache"))
        done = subprocess.run(
            [COMMAND, *map(str, arguments)], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300
        )
        self.assertEqual(done.returncode, status, f"tonari {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done

    def refused(self, *arguments, status, says):
        """The command fails with one line on stderr that names all of `says`."""
        done = self.run_command(*arguments, status=status)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("tonari: "), lines[0])
        for word in says:
            self.assertIn(word, lines[0])


def write_fbin(path, rows):
    """fbin: uint32 rows, uint32 dimensions, float32 values."""
    with open(path, "wb") as file:
        file.write(struct.pack("<II", len(rows), len(rows[0])))
        for row in rows:
            file.write(struct.pack(f"<{len(row)}f", *row))


def write_u8bin(path, rows):
    with open(path, "wb") as file:
        file.write(struct.pack("<II", len(rows), len(rows[0])))
        for row in rows:
            file.write(bytes(row))


def read_bin(path, kind):
    """(rows, columns, values) of fbin ("f"), ibin ("i"), u8bin ("B"), i8bin ("b")."""
    data = pathlib.Path(path).read_bytes()
    rows, columns = struct.unpack_from("<II", data)
    return rows, columns, struct.unpack_from(f"<{rows * columns}{kind}", data, 8)
