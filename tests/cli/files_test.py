"""generate, build, search, info, verify, convert: from nothing to answers and back."""

import json
import struct
import unittest

from command import CommandTest, read_bin, write_fbin, write_u8bin


class Files(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().run_command("generate", "data", "--rows", 2000, "--dim", 20, "--queries", 50, "--seed", 4, "-k", 20)
        cls().run_command("build", "data", "-i", "HNSW8", "-o", "graph.tnr", "-t", 2)
        cls().run_command("build", "data", "-i", "Flat", "-o", "flat.tnr")

    def runTest(self):  # lets setUpClass borrow run_command
        pass

    def test_generate_writes_a_whole_data_set(self):
        self.assertEqual(read_bin(self.folder / "data/base.fbin", "f")[:2], (2000, 20))
        self.assertEqual(read_bin(self.folder / "data/query.fbin", "f")[:2], (50, 20))
        rows, columns, ids = read_bin(self.folder / "data/gt.ibin", "i")
        self.assertEqual((rows, columns), (50, 20))
        self.assertTrue(all(0 <= i < 2000 for i in ids))
        self.assertEqual(read_bin(self.folder / "data/gt_dist.fbin", "f")[:2], (50, 20))
        facts = json.loads((self.folder / "data/facts.json").read_text())
        self.assertEqual((facts["n"], facts["d"], facts["dtype"], facts["seed"]), (2000, 20, "float32", 4))
        self.assertIn("l2", facts["metrics"])

    def test_generate_is_repeatable_and_describes(self):
        one = self.run_command("generate", "--rows", 3000, "--dim", 16, "--queries", 20, "--threads", 1, "--describe").stdout
        two = self.run_command("generate", "--rows", 3000, "--dim", 16, "--queries", 20, "--threads", 2, "--describe").stdout
        self.assertEqual(one, two)
        self.assertRegex(one, r"hash [0-9a-f]{16}")
        self.assertIn("local intrinsic dimension", one)
        self.assertIn("neighbours of other clusters", one)

    def test_exact_search_finds_the_ground_truth(self):
        self.run_command("search", "flat.tnr", "-q", "data/query.fbin", "-k", 20, "-o", "ids.ibin", "--distances", "d.fbin")
        self.assertEqual(read_bin(self.folder / "ids.ibin", "i"), read_bin(self.folder / "data/gt.ibin", "i"))
        distances = read_bin(self.folder / "d.fbin", "f")[2]
        for got, true in zip(distances, read_bin(self.folder / "data/gt_dist.fbin", "f")[2]):
            self.assertAlmostEqual(got, true, delta=1e-4 * max(1, true))

    def test_graph_search_mapped_and_loaded_agree(self):
        answers = []
        for residency in ("map", "load"):
            for threads in (1, 2):
                out = f"{residency}{threads}.ibin"
                self.run_command(
                    "search", "graph.tnr", "-q", "data/query.fbin", "-k", 10, "--ef", 200, "--residency", residency, "-t", threads, "-o", out
                )
                answers.append((self.folder / out).read_bytes())
        self.assertEqual(len(set(answers)), 1)
        found = read_bin(self.folder / "map1.ibin", "i")[2]
        true = read_bin(self.folder / "data/gt.ibin", "i")[2]
        hits = sum(len(set(found[q * 10 : q * 10 + 10]) & set(true[q * 20 : q * 20 + 10])) for q in range(50))
        self.assertGreater(hits / 500, 0.95)

    def test_info_explains_a_graph(self):
        graph = json.loads(self.run_command("info", "graph.tnr", "--graph", "--json").stdout)["graph"]
        self.assertEqual(graph["unreachable"], 0)
        self.assertGreater(len(graph["layers"]), 1)
        vertices = [layer["vertices"] for layer in graph["layers"]]
        self.assertEqual(vertices, sorted(vertices, reverse=True))
        for layer in graph["layers"]:
            self.assertTrue(0 < layer["fewest_links"] <= layer["mean_links"] <= layer["most_links"] <= layer["room"])
        told = self.run_command("info", "graph.tnr", "--graph").stdout
        self.assertIn("every one can be reached", told)
        self.assertNotIn("reached", self.run_command("info", "graph.tnr").stdout)
        self.refused("info", "flat.tnr", "--graph", status=2, says=["--graph", "HNSW<M>", "Flat"])
        self.refused("info", "--graph", status=2, says=["--graph", "expected a file"])

    def test_lists_kept_in_memory_answer_alike(self):
        self.run_command("build", "data", "-i", "IVF16,Flat", "-o", "lists.tnr")
        asking = ("search", "lists.tnr", "-q", "data/query.fbin", "--residency", "disk", "-o")
        self.assertNotIn("cache", self.run_command(*asking, "plain.ibin").stderr)
        told = self.run_command(*asking, "kept.ibin", "--cache", "1MiB").stderr
        self.assertRegex(told, r"cache: [\d,]+ hits, [\d,]+ misses of .*; \d+ lists in .* of 1\.0+ MiB")
        self.assertEqual((self.folder / "plain.ibin").read_bytes(), (self.folder / "kept.ibin").read_bytes())

    def test_search_prints(self):
        lines = self.run_command("search", "flat.tnr", "-q", "data/query.fbin", "-k", 3).stdout.splitlines()
        self.assertEqual(lines[0].split("\t"), ["query", "rank", "id", "distance"])
        self.assertEqual(len(lines), 1 + 10 * 3)

    def test_range_search(self):
        true = read_bin(self.folder / "data/gt_dist.fbin", "f")[2]
        radius = true[4] * 1.0001  # the fifth neighbour of the first query
        self.run_command("search", "flat.tnr", "-q", "data/query.fbin", "--radius", repr(radius), "-o", "range.bin")
        data = (self.folder / "range.bin").read_bytes()
        queries, total = struct.unpack_from("<ii", data)
        counts = struct.unpack_from(f"<{queries}i", data, 8)
        self.assertEqual(queries, 50)
        self.assertEqual(sum(counts), total)
        self.assertEqual(counts[0], 5)
        distances = struct.unpack_from(f"<{total}f", data, 8 + 4 * queries + 4 * total)
        self.assertTrue(all(d <= radius for d in distances))

    def test_range_search_refuses_ids_that_its_file_cannot_keep(self):
        large = 2**31
        header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2000, 1), }"
        header += " " * (-(10 + len(header) + 1) % 64) + "\n"
        with open(self.folder / "large.npy", "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
            file.write(struct.pack("<2000q", *range(large, large + 2000)))
        self.run_command("build", "data", "-i", "Flat", "-o", "large.tnr", "--ids", "large.npy")
        search = ("search", "large.tnr", "-q", "data/query.fbin", "--radius", 1e30)
        self.refused(*search, "-o", "large.bin", status=2, says=["-o", "2,147,483,647", "32 bits"])
        self.assertFalse((self.folder / "large.bin").exists())
        lines = self.run_command(*search).stdout.splitlines()
        self.assertTrue(all(int(line.split("\t")[2]) >= large for line in lines[1:]), lines)
        self.run_command("search", "large.tnr", "-q", "data/query.fbin", "-k", 1, "-o", "large_ids.npy")

    def test_own_ids(self):
        with open(self.folder / "names.ibin", "wb") as file:
            file.write(struct.pack("<II", 2000, 1) + struct.pack("<2000i", *range(5000, 7000)))
        self.run_command("build", "data", "-i", "Flat", "-o", "named.tnr", "--ids", "names.ibin")
        self.run_command("search", "named.tnr", "-q", "data/query.fbin", "-k", 20, "-o", "named.ibin")
        true = read_bin(self.folder / "data/gt.ibin", "i")[2]
        self.assertEqual(read_bin(self.folder / "named.ibin", "i")[2], tuple(i + 5000 for i in true))

    def test_info(self):
        text = self.run_command("info", "graph.tnr").stdout
        for word in ("HNSW8", "l2", "2,000 x 20 float32", "section"):
            self.assertIn(word, text)
        facts = json.loads(self.run_command("info", "graph.tnr", "--json").stdout)
        self.assertEqual((facts["spec"], facts["metric"], facts["element"], facts["n"], facts["dim"]), ("HNSW8", "l2", "float32", 2000, 20))
        self.assertEqual(facts["bytes"], sum(part["bytes"] for part in facts["parts"]))
        self.assertEqual(facts["file_bytes"], (self.folder / "graph.tnr").stat().st_size)
        self.assertTrue(facts["sections"])

    def test_auto(self):
        told = self.run_command("build", "data", "-i", "auto", "-o", "auto.tnr").stdout
        self.assertIn("auto: Flat, since ", told)
        self.assertEqual(json.loads(self.run_command("info", "auto.tnr", "--json").stdout)["spec"], "Flat")

    def test_rounded_rows(self):
        self.run_command("build", "data", "-i", "HNSW8,SQ8", "-o", "rounded.tnr")
        facts = json.loads(self.run_command("info", "rounded.tnr", "--json").stdout)
        self.assertEqual((facts["spec"], facts["element"]), ("HNSW8,SQ8", "float32"))
        self.assertEqual({part["name"]: part["bytes"] for part in facts["parts"]}["rows"], 2000 * 20)
        self.assertIn("sq8/middle", [section["name"] for section in facts["sections"]])
        self.assertIn("HNSW8,SQ8", self.run_command("info", "rounded.tnr").stdout)
        self.run_command("verify", "rounded.tnr")
        self.run_command("search", "rounded.tnr", "-q", "data/query.fbin", "-k", 10, "--ef", 200, "-o", "rounded.ibin")
        found = read_bin(self.folder / "rounded.ibin", "i")[2]
        true = read_bin(self.folder / "data/gt.ibin", "i")[2]
        hits = sum(len(set(found[q * 10 : q * 10 + 10]) & set(true[q * 20 : q * 20 + 10])) for q in range(50))
        self.assertGreater(hits / 500, 0.9)

    def test_lists_that_are_graphs(self):
        self.run_command("build", "data", "-i", "IVF9,HNSW8", "-o", "cells.tnr")
        facts = json.loads(self.run_command("info", "cells.tnr", "--json").stdout)
        self.assertEqual(facts["spec"], "IVF9,HNSW8")
        parts = {part["name"]: part["bytes"] for part in facts["parts"]}
        self.assertEqual(sorted(parts), ["coarse", "ids", "links", "lists", "rows"])
        self.assertGreater(parts["links"], 2000 * 16 * 4)
        self.assertIn("links", self.run_command("info", "cells.tnr").stdout)
        self.run_command("verify", "cells.tnr")
        found = {}
        for nprobe, ef in ((1, 10), (9, 200)):
            self.run_command("search", "cells.tnr", "-q", "data/query.fbin", "-k", 10, "--nprobe", nprobe, "--ef", ef, "-o", "cells.ibin")
            ids = read_bin(self.folder / "cells.ibin", "i")[2]
            true = read_bin(self.folder / "data/gt.ibin", "i")[2]
            found[nprobe] = sum(len(set(ids[q * 10 : q * 10 + 10]) & set(true[q * 20 : q * 20 + 10])) for q in range(50))
        self.assertGreater(found[9], 495)
        self.assertLess(found[1], found[9])

    def test_rows_in_two_lists(self):
        self.run_command("build", "data", "-i", "IVF16,Flat", "-o", "once.tnr")
        self.run_command("build", "data", "-i", "IVF16_SOAR,Flat", "-o", "twice.tnr")
        once, twice = (json.loads(self.run_command("info", name, "--json").stdout) for name in ("once.tnr", "twice.tnr"))
        self.assertEqual(twice["spec"], "IVF16_SOAR,Flat")
        self.assertEqual((twice["n"], twice["lists"]["rows"]), (once["n"], 2 * once["n"]))
        self.assertEqual(once["lists"]["rows"], once["n"])
        self.assertIn("spill/rows", [section["name"] for section in twice["sections"]])
        self.assertRegex(self.run_command("info", "twice.tnr").stdout, r"lists     16 of [\d,]+ to [\d,]+ rows, imbalance [\d.]+\n")
        self.run_command("verify", "twice.tnr")
        asking = ("-q", "data/query.fbin", "-k", 10, "--nprobe", 5, "-o")
        self.run_command("search", "twice.tnr", *asking, "a.ibin")
        self.run_command("search", "twice.tnr", "--residency", "disk", "--cache", "1MiB", *asking, "b.ibin")
        ids = read_bin(self.folder / "a.ibin", "i")[2]
        self.assertTrue(all(len(set(ids[q * 10 : q * 10 + 10])) == 10 for q in range(50)))
        self.assertEqual((self.folder / "a.ibin").read_bytes(), (self.folder / "b.ibin").read_bytes())

    def test_balanced_lists(self):
        uneven = []
        for balance in ("0", "2"):
            self.run_command("build", "data", "-i", "IVF16,Flat", "--balance", balance, "-o", "lists.tnr")
            lists = json.loads(self.run_command("info", "lists.tnr", "--json").stdout)["lists"]
            self.assertEqual((lists["lists"], lists["rows"]), (16, 2000))
            self.assertTrue(lists["fewest"] <= 125 <= lists["most"])
            uneven.append(lists["imbalance"])
        self.assertTrue(1 <= uneven[1] < uneven[0], uneven)
        self.assertNotIn("lists", json.loads(self.run_command("info", "flat.tnr", "--json").stdout))
        self.refused("build", "data", "-i", "IVF16,Flat", "--balance", "-1", "-o", "x.tnr", status=2, says=["balance", "-1"])
        self.refused("build", "data", "-i", "IVF16,Flat", "-m", "l1", "--balance", "1", "-o", "x.tnr", status=2, says=["got l1", "balance at 0"])

    def test_mapped_rows(self):
        self.run_command("build", "data", "-i", "PCA12,IVF9,RaBitQ,RFlat", "-o", "mapped.tnr")
        facts = json.loads(self.run_command("info", "mapped.tnr", "--json").stdout)
        self.assertEqual((facts["spec"], facts["dim"]), ("PCA12,IVF9,RaBitQ,RFlat", 20))
        self.assertIn("transform", self.run_command("info", "mapped.tnr").stdout)
        self.run_command("verify", "mapped.tnr")

    def test_info_of_the_machine(self):
        self.assertIn("SIMD", self.run_command("info").stdout)
        facts = json.loads(self.run_command("info", "--json").stdout)
        self.assertIn(facts["simd"], facts["simd_available"])

    def test_verify(self):
        self.assertIn("ok", self.run_command("verify", "graph.tnr").stdout)
        damaged = bytearray((self.folder / "graph.tnr").read_bytes())
        largest = max(json.loads(self.run_command("info", "graph.tnr", "--json").stdout)["sections"], key=lambda s: s["bytes"])
        damaged[largest["offset"] + largest["bytes"] // 2] ^= 1
        (self.folder / "damaged.tnr").write_bytes(damaged)
        self.refused("verify", "damaged.tnr", status=1, says=["damaged.tnr", largest["name"]])

    def test_build_is_the_same_for_any_threads(self):
        self.run_command("build", "data", "-i", "HNSW8", "-o", "again.tnr", "-t", 1)
        self.assertEqual((self.folder / "again.tnr").read_bytes(), (self.folder / "graph.tnr").read_bytes())

    def test_build_over_a_file_replaces_it(self):
        self.run_command("build", "data", "-i", "Flat", "-o", "twice.tnr", "--rows", 100)
        self.run_command("build", "data", "-i", "Flat", "-o", "twice.tnr", "--rows", 200)
        self.assertEqual(json.loads(self.run_command("info", "twice.tnr", "--json").stdout)["n"], 200)

    def test_convert_there_and_back(self):
        for middle in ("x.fvecs", "x.npy"):
            self.run_command("convert", "data/base.fbin", middle)
            self.run_command("convert", middle, "back.fbin")
            self.assertEqual((self.folder / "back.fbin").read_bytes(), (self.folder / "data/base.fbin").read_bytes())
        self.run_command("convert", "data/gt.ibin", "gt.ivecs")
        self.run_command("convert", "gt.ivecs", "gt_back.ibin")
        self.assertEqual(read_bin(self.folder / "gt_back.ibin", "i"), read_bin(self.folder / "data/gt.ibin", "i"))

    def test_convert_elements(self):
        write_fbin(self.folder / "whole.fbin", [[0, 1, 255], [7, 128, 3]])
        self.run_command("convert", "whole.fbin", "whole.u8bin")
        self.assertEqual(read_bin(self.folder / "whole.u8bin", "B"), (2, 3, (0, 1, 255, 7, 128, 3)))
        self.run_command("convert", "whole.fbin", "whole.f16bin")
        self.run_command("convert", "whole.f16bin", "whole2.fbin")
        self.assertEqual((self.folder / "whole2.fbin").read_bytes(), (self.folder / "whole.fbin").read_bytes())
        self.refused("convert", "whole.fbin", "whole.i8bin", status=2, says=["int8", "255", "row 0, column 2", "--lossy"])
        self.run_command("convert", "whole.fbin", "whole.i8bin", "--lossy")
        self.assertEqual(read_bin(self.folder / "whole.i8bin", "b"), (2, 3, (0, 1, 127, 7, 127, 3)))
        self.refused("convert", "data/base.fbin", "rounded.f16bin", status=2, says=["float16", "--lossy"])
        self.run_command("convert", "data/base.fbin", "rounded.f16bin", "--lossy")

    def test_bits(self):
        write_u8bin(self.folder / "bits.u8bin", [[i, 255 - i, i ^ 85, 3] for i in range(200)])
        self.run_command("convert", "bits.u8bin", "bits.b1bin")
        self.run_command("build", "bits.b1bin", "-i", "Flat", "-o", "bits.tnr")
        facts = json.loads(self.run_command("info", "bits.tnr", "--json").stdout)
        self.assertEqual((facts["metric"], facts["element"], facts["dim"]), ("hamming", "bits", 32))
        self.run_command("build", "bits.u8bin", "-i", "Flat", "-m", "hamming", "-o", "bits2.tnr")
        self.assertEqual((self.folder / "bits.tnr").read_bytes(), (self.folder / "bits2.tnr").read_bytes())
        first = self.run_command("search", "bits.tnr", "-q", "bits.u8bin", "-k", 1).stdout.splitlines()[1]
        self.assertEqual(first.split("\t"), ["0", "0", "0", "0"])


if __name__ == "__main__":
    unittest.main()
