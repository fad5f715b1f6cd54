"""Bad input: one line that says what was expected and what was got, the right exit status, nothing half-written."""

import subprocess
import unittest

from command import COMMAND, CommandTest, write_fbin


class Errors(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().run_command("generate", "data", "--rows", 1000, "--dim", 12, "--queries", 20)
        cls().run_command("build", "data", "-i", "HNSW8", "-o", "graph.tnr")

    def runTest(self):  # lets setUpClass borrow run_command
        pass

    def test_no_such_file(self):
        self.refused("bench", "nowhere", "-i", "Flat", status=1, says=["nowhere", "expected"])
        self.refused("build", "nowhere.fbin", "-i", "Flat", "-o", "x.tnr", status=1, says=["nowhere.fbin"])
        self.refused("info", "nowhere.tnr", status=1, says=["nowhere.tnr"])
        self.refused("verify", "nowhere.tnr", status=1, says=["nowhere.tnr"])
        self.refused("search", "nowhere.tnr", "-q", "data/query.fbin", status=1, says=["nowhere.tnr"])
        self.refused("search", "graph.tnr", "-q", "nowhere.fbin", status=1, says=["nowhere.fbin"])
        self.refused("convert", "nowhere.fbin", "x.npy", status=1, says=["nowhere.fbin"])
        self.assertFalse((self.folder / "x.tnr").exists())

    def test_wrong_dimension(self):
        write_fbin(self.folder / "wide.fbin", [[1.0] * 13])
        self.refused("search", "graph.tnr", "-q", "wide.fbin", status=2, says=["12", "13"])
        self.refused("bench", "data", "-q", "wide.fbin", "-i", "Flat", status=2, says=["expected 12", "got 13"])

    def test_k_of_nothing(self):
        self.refused("bench", "data", "-i", "Flat", "--k", 0, status=2, says=["--k", "got 0"])
        self.refused("search", "graph.tnr", "-q", "data/query.fbin", "--k", 0, status=2, says=["--k", "got 0"])
        self.refused("search", "graph.tnr", "-q", "data/query.fbin", "--k", -3, status=2, says=["--k", "got -3"])
        self.refused("search", "graph.tnr", "-q", "data/query.fbin", "--ef", "many", status=2, says=["--ef", "got many"])

    def test_numbers_that_are_other_numbers(self):
        long = str(2**64)  # was taken for 2^64 - 1
        self.refused("build", "data", "-i", "HNSW8", "--seed", long, "-o", "x.tnr", status=2, says=["--seed", "2^64", long])
        self.refused("bench", "data", "-i", "Flat", "--ef", f"10,{long}", status=2, says=["--ef", "2^64", long])
        self.refused("search", "graph.tnr", "-q", "data/query.fbin", "--k", "0x10", status=2, says=["--k", "got 0x10"])
        lines = self.run_command("search", "graph.tnr", "-q", "data/query.fbin", "--k", "010").stdout.splitlines()
        self.assertEqual(len(lines), 1 + 10 * 10)  # not octal

    def test_more_neighbours_than_rows(self):
        self.run_command("build", "data", "-i", "Flat", "--rows", 5, "-o", "few.tnr")
        lines = self.run_command("search", "few.tnr", "-q", "data/query.fbin", "-k", 50).stdout.splitlines()
        self.assertEqual(len(lines), 1 + 10 * 5)

    def test_unknown_words(self):
        self.refused("build", "data", "-i", "HNWS32", "-o", "x.tnr", status=2, says=["HNWS32"])
        self.refused("build", "data", "-i", "HNSW32,SQ5", "-o", "x.tnr", status=2, says=["SQ5", "SQ8", "SQ4"])
        self.refused("build", "data", "-i", "Flat", "-m", "euclid", "-o", "x.tnr", status=2, says=["euclid", "l2"])
        self.refused("build", "data", "-i", "Flat", "-m", "hamming", "-o", "x.tnr", status=2, says=["hamming"])
        self.refused("bench", "generated:n=10,color=3", "-i", "Flat", status=2, says=["color"])
        self.refused("bench", "generated:n=many", "-i", "Flat", status=2, says=["many"])
        self.refused("convert", "data/base.fbin", "x.jpeg", status=2, says=["jpeg"])
        self.assertFalse((self.folder / "x.tnr").exists())

    def test_arguments_missing_or_unknown(self):
        self.refused("bench", "data", status=2, says=["--index", "tonari bench --help"])
        self.refused("bench", "data", "-i", "Flat", "--colour", status=2, says=["--colour"])
        self.refused("frobnicate", status=2, says=["one of bench, build", "got 'frobnicate'", "tonari --help"])
        self.refused(status=2, says=["tonari --help"])
        self.refused("bench", "data", "-i", "Flat", "--threads", 0, status=2, says=["--threads", "got 0"])
        self.refused("bench", "data", "-i", "Flat", "--residency", "cloud", status=2, says=["cloud"])
        asking = ("search", "graph.tnr", "-q", "data/query.fbin", "--cache")
        self.refused(*asking, "1MiB", status=2, says=["a cache: expected residency 'disk', got 'map'"])
        self.refused(*asking, "1MiB", "--residency", "disk", status=2, says=["expected inverted lists that are scanned", "HNSW"])
        self.refused(*asking, "much", "--residency", "disk", status=2, says=["--cache", "much"])
        self.refused("generate", status=2, says=["OUT_DIR"])
        self.refused("generate", "x", "--rows", 0, status=2, says=["got 0"])

    def test_cut_and_foreign_files(self):
        whole = (self.folder / "graph.tnr").read_bytes()
        for length in (0, 50, 4096, len(whole) - 1):
            (self.folder / "cut.tnr").write_bytes(whole[:length])
            for arguments in (("info", "cut.tnr"), ("verify", "cut.tnr"), ("search", "cut.tnr", "-q", "data/query.fbin")):
                self.refused(*arguments, status=1, says=["cut.tnr"])
        (self.folder / "text.tnr").write_text("this is no segment\n" * 100)
        self.refused("info", "text.tnr", status=1, says=["text.tnr"])
        data = (self.folder / "data/base.fbin").read_bytes()
        (self.folder / "cut.fbin").write_bytes(data[:-4])
        self.refused("build", "cut.fbin", "-i", "Flat", "-o", "x.tnr", status=1, says=["cut.fbin", "48008", "got 48004"])

    def test_values_that_are_no_numbers(self):
        write_fbin(self.folder / "nan.fbin", [[1.0, 2.0], [3.0, float("nan")]])
        self.refused("build", "nan.fbin", "-i", "Flat", "-o", "x.tnr", status=2, says=["row 1"])

    def test_ground_truth_of_other_data(self):
        self.run_command("generate", "other", "--rows", 2000, "--dim", 12, "--queries", 20)
        self.refused("bench", "data", "-i", "Flat", "--ground-truth", "other/gt.ibin", status=2, says=["1000 rows"])

    def test_outputs_that_cannot_be_written(self):
        self.refused("build", "data", "-i", "Flat", "-o", "no/such/folder/x.tnr", status=1,
                     says=["cannot write 'no/such/folder/x.tnr'", "expected its folder to be there"])
        self.refused("bench", "data", "-i", "Flat", "--json", "no/folder/x.json", status=1, says=["no/folder"])

    def test_unknown_simd_level(self):
        done = subprocess.run(
            [COMMAND, "info"], env={"TONARI_SIMD": "mmx"}, capture_output=True, text=True, timeout=60
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("mmx", done.stderr)

    def test_help_and_version(self):
        self.assertRegex(self.run_command("--version").stdout, r"^tonari \d+\.\d+\.\d+\n$")
        for command in ("bench", "build", "search", "info", "verify", "convert", "generate"):
            self.assertIn(command, self.run_command("--help").stdout)
            self.assertIn("Usage", self.run_command(command, "--help").stdout)


if __name__ == "__main__":
    unittest.main()
