"""tonari bench: its figures, its JSON and its page."""

import json
import re
import shutil
import unittest

from command import CommandTest, read_bin


class Bench(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls().run_command("generate", "data", "--rows", 3000, "--dim", 16, "--queries", 60, "--seed", 9)
        cls.text = cls().run_command(
            "bench", "data", "--index", "Flat", "--index", "HNSW8", "--json", "b.json", "--html", "b.html"
        ).stdout
        cls.json = json.loads((cls.folder / "b.json").read_text())

    def runTest(self):  # lets setUpClass borrow run_command
        pass

    def bench(self, *arguments):
        self.run_command("bench", *arguments, "--json", "x.json")
        return json.loads((self.folder / "x.json").read_text())

    def test_json_has_the_agreed_shape(self):
        for key, kind in {"dataset": str, "n": int, "dim": int, "metric": str, "k": int, "threads": int, "machine": str, "date": str}.items():
            self.assertIsInstance(self.json[key], kind, key)
        self.assertEqual((self.json["dataset"], self.json["n"], self.json["dim"], self.json["metric"]), ("data", 3000, 16, "l2"))
        self.assertEqual([r["index"] for r in self.json["results"]], ["Flat", "HNSW8"])
        for result in self.json["results"]:
            self.assertGreaterEqual(result["build_seconds"], 0)
            self.assertTrue(result["build_peak_bytes"] is None or result["build_peak_bytes"] >= 0)
            self.assertGreater(result["bytes"], 3000 * 16 * 4 - 1)
            self.assertTrue(result["points"])
            for point in result["points"]:
                self.assertEqual(set(point), {"params", "recall", "qps", "mean_us", "p50_us", "p99_us"})
                self.assertIsInstance(point["params"], dict)
                self.assertTrue(0 <= point["recall"] <= 1)
                self.assertGreater(point["qps"], 0)
                self.assertLessEqual(point["p50_us"], point["p99_us"])
            for recall, figures in result["at_recall"].items():
                self.assertIn(recall, ("0.90", "0.95", "0.99"))
                self.assertTrue({"qps", "p50_us", "p99_us"} <= set(figures))

    def test_when_and_how_busy(self):
        self.assertRegex(self.json["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn(self.json["date"], self.text)
        load = self.json["load_per_core"]
        if load != 0.3:  # which may be a little more, rounded
            self.assertEqual("busy" in self.json, load is not None and load > 0.3)
        self.assertEqual("the machine was busy" in self.text, "busy" in self.json)

    def test_figures_make_sense(self):
        flat, graph = self.json["results"]
        self.assertEqual([p["params"] for p in flat["points"]], [{}])
        self.assertEqual(flat["points"][0]["recall"], 1)
        widths = [p["params"]["ef"] for p in graph["points"]]
        self.assertEqual(widths, sorted(set(widths)))
        self.assertEqual(widths[0], 10)
        self.assertGreaterEqual(graph["points"][-1]["recall"], 0.995)
        self.assertEqual(set(flat["at_recall"]), {"0.90", "0.95", "0.99"})

    def test_refine_takes_what_the_help_says(self):
        (result,) = self.bench("data", "--index", "RaBitQ,RFlat", "--refine", "1.5,2")["results"]
        self.assertTrue({p["params"]["refine"] for p in result["points"]} <= {1.5, 2})
        (result,) = self.bench("data", "--index", "RaBitQ,RFlat", "--refine", "0")["results"]
        self.assertEqual([p["params"] for p in result["points"]], [{"refine": 0}])
        for wrong in (-1, "nan", "inf"):
            self.refused("bench", "data", "-i", "RaBitQ,RFlat", "--refine", wrong, status=2, says=["--refine", f"got {wrong}"])

    def test_a_fused_graph_has_one_knob(self):
        (result,) = self.bench("data", "--index", "HNSW16,RaBitQ,RFlat", "--ef", "10,40", "--refine", "2,3")["results"]
        self.assertEqual([p["params"] for p in result["points"]], [{"ef": 10}, {"ef": 40}])

    def test_patience_is_tried_with_every_width_of_lists(self):
        arguments = ("data", "--index", "IVF16,Flat", "--nprobe", "4,12", "--patience", "0,1,6")
        (result,) = self.bench(*arguments)["results"]
        params = [p["params"] for p in result["points"]]
        self.assertTrue({(p["nprobe"], p["patience"]) for p in params} <= {(n, a) for n in (4, 12) for a in (0, 1, 6)})
        self.assertEqual([p["recall"] for p in result["points"]], sorted(p["recall"] for p in result["points"]))
        (result,) = self.bench("data", "--index", "IVF16,Flat", "--nprobe", "12", "--patience", "1")["results"]
        patient = result["points"]
        (result,) = self.bench("data", "--index", "IVF16,Flat", "--nprobe", "12")["results"]
        self.assertEqual([p["params"] for p in patient + result["points"]], [{"nprobe": 12, "patience": 1}, {"nprobe": 12}])
        self.assertLess(patient[0]["recall"], result["points"][0]["recall"])
        for wrong in (-1, "nan", "inf"):
            self.refused("bench", "data", "-i", "IVF16,Flat", "--patience", wrong, status=2, says=["--patience", f"got {wrong}"])

    def test_lists_that_are_graphs_have_two_widths(self):
        arguments = ("data", "--index", "IVF16,HNSW8", "--nprobe", "2,16", "--ef", "10,60")
        (result,) = self.bench(*arguments)["results"]
        settings = [(p["params"]["nprobe"], p["params"]["ef"]) for p in result["points"]]
        self.assertTrue(set(settings) <= {(2, 10), (2, 60), (16, 10), (16, 60)})
        self.assertIn((16, 60), settings)  # finds most, so no other beats it
        recalls = [p["recall"] for p in result["points"]]
        self.assertEqual(recalls, sorted(recalls))  # settings needn't be: which of them are beaten, the clock says
        self.assertRegex(self.run_command("bench", *arguments).stdout, r"nprobe +ef +recall@10")

    def test_transforms(self):
        graph, lists = self.bench("data", "--index", "PCA12,HNSW8", "--index", "OPQ8,IVF16,PQ8x4fs,RFlat")["results"]
        self.assertEqual({tuple(p["params"]) for p in graph["points"]}, {("ef",)})
        self.assertGreater(graph["points"][-1]["recall"], 0.5)
        self.assertEqual({tuple(p["params"]) for p in lists["points"]}, {("nprobe", "refine")})
        self.assertGreater(lists["points"][-1]["recall"], 0.95)
        self.refused("bench", "data", "-i", "PCA17,Flat", status=2, says=["16 dimensions", "got 17"])

    def test_table(self):
        for word in ("data: 3,000 x 16 float32", "ground truth: gt.ibin", "recall@10", "p99 us", "QPS @ 0.95", "Flat", "HNSW8"):
            self.assertIn(word, self.text)

    def test_page_is_self_contained(self):
        page = (self.folder / "b.html").read_text()
        self.assertNotRegex(page, r"https?://|@import|url\(|src=|<link|<iframe|fetch\(|XMLHttpRequest")
        self.assertIn("<title>data", page)
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1)
        self.assertEqual(json.loads(data), self.json)

    def test_page_survives_hostile_names(self):
        name = "a<b></script><script>x"
        shutil.copytree(self.folder / "data", self.folder / name.replace("/", "\u2215"))
        self.run_command("bench", name.replace("/", "\u2215"), "-i", "Flat", "--html", "h.html", "--limit-queries", 5)
        page = (self.folder / "h.html").read_text()
        self.assertEqual(page.count("<script"), 2)

    def test_ground_truth_is_computed_and_cached(self):
        (self.folder / "bare").mkdir()
        for name in ("base.fbin", "query.fbin"):
            shutil.copy(self.folder / "data" / name, self.folder / "bare" / name)
        arguments = ("bare", "-i", "Flat", "-m", "l2")
        self.assertIn("computed in", self.bench(*arguments)["ground_truth"])
        cached = self.bench(*arguments)
        self.assertIn("cached", cached["ground_truth"])
        self.assertEqual(cached["results"][0]["points"][0]["recall"], 1)
        self.assertIn("computed in", self.bench(*arguments, "--no-cache")["ground_truth"])
        self.assertIn("computed in", self.bench("bare", "-i", "Flat", "-m", "ip")["ground_truth"])  # another metric
        self.assertIn("computed in", self.bench("bare", "-i", "Flat", "--rows", 500)["ground_truth"])  # other rows
        for file in (self.folder / "cache" / "tonari").iterdir():
            file.write_bytes(b"damaged")
        self.assertIn("computed in", self.bench(*arguments)["ground_truth"])
        self.assertIn("cached", self.bench(*arguments)["ground_truth"])  # mended

    def test_sources_of_data(self):
        self.assertEqual(self.bench("generated:n=1000,d=8,seed=2,queries=20", "-i", "Flat")["n"], 1000)
        held_out = self.run_command("bench", "data/base.fbin", "-i", "Flat").stdout
        self.assertIn("300 rows are held out", held_out)
        other = self.bench("data/base.fbin", "-q", "data/query.fbin", "--ground-truth", "data/gt.ibin", "-i", "Flat")
        self.assertEqual((other["n"], other["queries"], other["ground_truth"]), (3000, 60, "data/gt.ibin"))

    def test_options_are_honoured(self):
        result = self.bench("data", "-i", "HNSW8", "--ef", "15,30", "-k", 5, "--threads", 2, "--limit-queries", 40, "--residency", "map")
        self.assertEqual([p["params"]["ef"] for p in result["results"][0]["points"]], [15, 30])
        self.assertEqual((result["k"], result["threads"], result["queries"], result["residency"]), (5, 2, 40, "map"))
        self.assertEqual(self.bench("data", "-i", "Flat", "--rows", 700, "-m", "cosine")["metric"], "cosine")

    def test_truth_with_too_few_neighbours_is_computed_anew(self):
        self.assertEqual(read_bin(self.folder / "data/gt.ibin", "i")[1], 100)
        result = self.bench("data", "-i", "Flat", "-k", 150)
        self.assertIn("computed in", result["ground_truth"])
        self.assertEqual(result["results"][0]["points"][0]["recall"], 1)


if __name__ == "__main__":
    unittest.main()
