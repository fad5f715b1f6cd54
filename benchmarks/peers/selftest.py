"""Checks the harness's own arithmetic: `python -m unittest selftest` in this folder, and ctest."""
import contextlib
import io
import os
import tempfile
import types
import unittest
import unittest.mock
import xml.etree.ElementTree

import numpy as np

import bars
import blas
import churn_picture
import front_picture
import live
import measure
import more_adapters
import options
import report
import runbook
import scoring
import sweep
import variants


class Recall(unittest.TestCase):
    base = np.array([[0.0], [1.0], [1.0], [5.0]], dtype=np.float32)
    query = np.array([[0.0]], dtype=np.float32)
    truth = np.array([1.0])  # the two nearest: row 0, and row 1 or 2

    def score(self, *ids):
        return scoring.recall(self.base, self.query, np.array([ids]), self.truth, 2, "l2")

    def test_either_of_two_tied_rows_is_right(self):
        self.assertEqual(self.score(0, 1), 1.0)
        self.assertEqual(self.score(0, 2), 1.0)

    def test_an_id_counts_once(self):
        self.assertEqual(self.score(0, 0), 0.5)

    def test_a_far_row_and_no_row_do_not_count(self):
        self.assertEqual(self.score(0, 3), 0.5)
        self.assertEqual(self.score(-1, 99), 0.0)

    def test_recall_never_exceeds_one(self):
        self.assertEqual(self.score(0, 1, 2), 1.0)


class Truth(unittest.TestCase):
    def test_blocked_search_agrees_with_the_definition(self):
        random = np.random.default_rng(1)
        base = random.standard_normal((500, 16)).astype(np.float32)
        queries = random.standard_normal((7, 16)).astype(np.float32)
        for metric in ("l2", "ip", "cosine"):
            found = scoring.exact_neighbours(base, queries, 10, metric)
            for query, ids in zip(queries, found):
                expected = np.argsort(scoring.distances_to_all(base, query, metric), kind="stable")[:10]
                self.assertEqual(set(ids), set(expected))


class Interpolation(unittest.TestCase):
    def test_between_two_points(self):
        qps, floor = scoring.at_recall([(0.9, 1000.0), (0.99, 100.0)], 0.95)
        self.assertFalse(floor)
        self.assertTrue(100 < qps < 1000)
        self.assertAlmostEqual(scoring.at_recall([(0.9, 1000.0), (0.99, 100.0)], 0.99)[0], 100.0)

    def test_floor_and_out_of_reach(self):
        self.assertEqual(scoring.at_recall([(0.97, 10.0), (0.99, 5.0)], 0.95), (10.0, True))
        self.assertEqual(scoring.at_recall([(0.5, 10.0)], 0.9), (None, False))

    def test_noise_at_the_smallest_knob_makes_no_floor(self):
        self.assertEqual(scoring.at_recall([(0.89, 90.0), (0.92, 100.0), (0.96, 80.0)], 0.9), (100.0, False))

    def test_a_dominated_point_is_ignored(self):
        points = [(0.9, 100.0), (0.92, 50.0), (0.96, 80.0)]
        self.assertEqual(scoring.pareto(points), [(0.9, 100.0), (0.96, 80.0)])


class Sweeping(unittest.TestCase):
    recalls = {10: 0.8, 12: 0.93, 14: 0.97, 16: 0.996}

    def row(self):
        row = {"variant": "x"}
        sweep.calibrate(row, lambda ef: self.recalls[ef], lambda share: None)
        return row

    def test_a_sweep_ends_where_the_recall_is_enough(self):
        self.assertEqual([point["ef"] for point in self.row()["points"]], [10, 12, 14, 16])

    def test_rounds_alternate_and_speeds_are_interpolated_within_one(self):
        rows = {"a": self.row(), "b": self.row()}
        self.assertEqual([name for name, _ in sweep.turns(rows, 0, lambda share: None)], ["a", "b"] * 4)
        for number in range(2):
            order = []
            for name, point in sweep.turns(rows, number, lambda share: None):
                order.append(name)
                point["qps"].append((2000 if name == "a" else 1000) / point["ef"] * (number + 1))
                point["wall_qps"].append(1.0)
            self.assertEqual(order[0], "ab"[number])
        for row in rows.values():
            sweep.summarise(row)
        rows["b"]["variant"] = "y"
        sweep.ratios(list(rows.values()))
        at = rows["a"]["at_recall"]["0.95"]
        self.assertTrue(1.5 * 2000 / 14 < at["qps"] < 1.5 * 2000 / 12)
        self.assertAlmostEqual(at["ratio"]["y"], 2.0)


class ChurnBars(unittest.TestCase):
    """What is promised of indexes that change, held against figures made up for it."""

    @staticmethod
    def state(recall, rest=100, unreachable=0):
        return {"recall": {"10": recall, "20": recall + 0.05}, "resting_bytes": rest, "unreachable": unreachable}

    def judged(self, row, writing=None, n=60000):
        result = {"n": n, "efs": [10, 20], "results": [dict(row, variant="tonari")], "writing": writing}
        return {bar["what"]: (round(bar["got"], 3), bar["reached"]) for bar in bars.judge_churn(result)}

    def test_turnovers_are_held_against_the_fresh_index(self):
        turns = [self.state(0.8), self.state(0.793), self.state(0.797, rest=105)]
        self.assertEqual(self.judged({"turnover": turns}), {
            "recall after 2 turnovers, points over fresh, lowest": (-0.3, True),
            "recall after any turnover, points over fresh, lowest": (-0.7, False),
            "fresh memory / memory after turnovers": (0.952, True)})

    def test_half_of_the_rows_and_what_cannot_be_reached(self):
        half = {"removed": self.state(0.8, unreachable=3), "fresh": self.state(0.801)}
        self.assertEqual(self.judged({"half": half}), {
            "half removed: recall, points over fresh, lowest": (-0.1, True),
            "half removed: unreachable rows, negative": (-3, False)})

    def test_a_row_out_of_reach_at_any_search_of_a_stream_is_a_miss(self):
        points = [self.state(0.9), self.state(0.9, unreachable=2), self.state(0.9)]
        self.assertEqual(self.judged({"stream": {"sliding": points, "clustered": []}}),
                         {"stream, sliding: unreachable rows, most at a search, negative": (-2, False)})

    def test_small_sets_decide_nothing_and_what_was_not_measured_is_left_out(self):
        self.assertEqual(self.judged({}, {"tonari": {"p99_ratio": 3.0}}, n=100),
                         {"idle p99 / p99 beside a writer": (0.333, None)})
        self.assertEqual(self.judged({}), {})


class Sq8Bars(unittest.TestCase):
    """The 8-bit walk and the peers that fit in 1.25 times hnswlib's memory, held against figures made up for it."""

    @staticmethod
    def row(name, qps, memory, **facts):
        at = {target: {"qps": qps, "floor": False, "ratio": {}} for target in bars.TARGETS}
        row = {"variant": name, "at_recall": at, "resting_bytes": memory, "points": [], "build_cpu_s": 10.0}
        return dict(row, **facts)

    def judged(self, *rows, n=60000, dim=128):
        for row in rows:
            for target, entry in row["at_recall"].items():
                entry["ratio"] = {other["variant"]: entry["qps"] / other["at_recall"][target]["qps"]
                                  for other in rows if target in other["at_recall"]}
        result = {"n": n, "dim": dim, "results": list(rows), "exact": []}
        return {bar["what"]: (round(bar["got"], 3), bar["reached"]) for bar in bars.judge(result)}

    def test_every_bar_is_judged_and_a_missed_one_stays(self):
        found = self.judged(self.row("hnswlib", 1000, 100, build_cpu_s=30.0), self.row("svs", 2600, 120),
                            self.row("vsag", 9000, 126), self.row("tonari SQ8", 3000, 125, p50_us=100.0, p99_us=200.0),
                            self.row("tonari fused R16", 3000, 125))
        self.assertEqual(found, {
            "2.2 x p50 / p99 at recall 0.95, tonari SQ8": (1.1, True),
            **{f"speed bar: QPS at recall {target}, tonari fused R16 x hnswlib": (3.0, True) for target in bars.TARGETS},
            "build CPU seconds, hnswlib / tonari SQ8": (3.0, False),
            "speed bar: 1.8 x hnswlib's memory / tonari fused R16's": (1.44, True),
            "light bar: 1.25 x hnswlib's memory / tonari SQ8's": (1.0, True),
            **{f"light bar: QPS at recall {target}, tonari SQ8 x svs": (1.154, True) for target in bars.TARGETS}})

    def test_more_dimensions_ask_for_more_and_between_them_nothing_is_decided(self):
        for dim, reached in ((784, False), (256, None)):
            found = self.judged(self.row("hnswlib", 1000, 100), self.row("tonari fused", 3000, 125), dim=dim)
            self.assertEqual(found["speed bar: QPS at recall 0.95, tonari fused x hnswlib"], (3.0, reached))

    def test_beside_symphonyqg_it_alone_decides_the_speed(self):
        found = self.judged(self.row("hnswlib", 1000, 100), self.row("symphonyqg", 3000, 200),
                            self.row("tonari fused", 3300, 170), dim=784)
        self.assertEqual(found["speed bar: QPS at recall 0.9, tonari fused x symphonyqg"], (1.1, False))
        self.assertEqual(found["speed bar: QPS at recall 0.9, tonari fused x hnswlib"], (3.3, None))

    def test_one_query_at_a_time_decides_where_it_was_measured(self):
        found = self.judged(self.row("hnswlib", 1000, 100), self.row("symphonyqg", 2000, 200), self.row("tonari SQ8", 2900, 100),
                            self.row("tonari SQ8 alone", 2600, 100), self.row("tonari fused R16", 3000, 170),
                            self.row("tonari fused R16 alone", 2300, 170), dim=128)
        self.assertEqual(found["speed bar: QPS at recall 0.9, tonari fused R16 x symphonyqg"], (1.5, None))
        self.assertEqual(found["speed bar: QPS at recall 0.9, tonari fused R16 alone x symphonyqg"], (1.15, False))
        self.assertEqual(found["batch: QPS at recall 0.9, tonari fused R16 x alone"], (1.304, True))
        self.assertEqual(found["batch: QPS at recall 0.9, tonari SQ8 x alone"], (1.115, False))
        self.assertEqual(found["light bar: QPS at recall 0.9, tonari SQ8 alone x hnswlib"], (2.6, True))
        self.assertNotIn("speed bar: 1.8 x hnswlib's memory / tonari fused R16 alone's", found)

    def test_the_walk_by_directions_answers_for_its_speed_its_tail_and_its_build(self):
        found = self.judged(self.row("hnswlib", 1000, 100, build_cpu_s=30.0),
                            self.row("tonari PCA", 4200, 90, build_cpu_s=6.0, p50_us=50.0, p99_us=120.0), dim=784)
        self.assertEqual(found["speed bar: QPS at recall 0.9, tonari PCA x hnswlib"], (4.2, True))
        self.assertEqual(found["2.2 x p50 / p99 at recall 0.95, tonari PCA"], (0.917, False))
        self.assertEqual(found["build CPU seconds, hnswlib / tonari PCA"], (5.0, True))

    def test_what_does_not_fit_cannot_win_and_a_recall_out_of_reach_is_a_miss(self):
        found = self.judged(self.row("hnswlib", 1000, 100), self.row("tonari SQ8", 3000, 150))
        self.assertEqual(found["light bar: 1.25 x hnswlib's memory / tonari SQ8's"], (0.833, False))
        self.assertEqual(found["light bar: QPS at recall 0.99, tonari (none) x hnswlib"], (0.0, False))

    def test_exact_search_over_integers_promises_more_where_there_are_tiles(self):
        for level, bar, reached in (("avx512_amx", 8.0, False), ("avx512_spr", 2.5, True), ("avx2", 2.0, True)):
            rows = [{"variant": "tonari Flat", "x_faiss_flat": 1.1, "simd": level},
                    {"variant": "tonari Flat int", "x_faiss_flat": 4.0, "simd": level}]
            found = {each["what"]: (each["bar"], each["reached"])
                     for each in bars.judge({"n": 60000, "dim": 784, "results": [], "exact": rows})}
            self.assertEqual(found["exact search, tonari Flat int, x faiss Flat"], (bar, reached))
            self.assertEqual(found["exact search, tonari Flat, x faiss Flat"], (1.0, True))

    def test_small_sets_decide_nothing(self):
        found = self.judged(self.row("hnswlib", 1000, 100), self.row("tonari SQ8", 3000, 125), n=20000)
        self.assertEqual({reached for _, reached in found.values()}, {None})


class AllPeers(unittest.TestCase):
    """What --all-peers adds, and what becomes of a peer that is not there."""

    @staticmethod
    def options(*argv):
        return options.arguments(["--folder", "x", *argv])

    def test_it_is_asked_for_and_installed_only_then(self):
        more = {variant.name for variant in variants.ALL_PEERS}
        without, with_all = ({each.name for each in variants.graphs(self.options(*argv))}
                             for argv in ((), ("--all-peers",)))
        self.assertFalse(more & without)
        self.assertEqual(with_all - without, more)
        self.assertIn("all-peers", options.needs(self.options("--all-peers")))
        self.assertNotIn("all-peers", options.needs(self.options()))
        for other in (("--lists", "64"), ("--churn",)):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                self.options("--all-peers", *other)

    def test_every_variant_has_an_adapter_a_note_and_a_pinned_package(self):
        import adapters
        with open(os.path.join(os.path.dirname(variants.__file__), "requirements-all.txt")) as file:
            pinned = {line.split("==")[0] for line in file if line.strip() and line[0] != "#"}
        known = {**adapters.ADAPTERS, **more_adapters.MORE_ADAPTERS}
        names = [variant.name
                 for variant in variants.GRAPHS + variants.HALF_PEERS + variants.ALL_PEERS + variants.SOURCE_PEERS]
        self.assertEqual(len(names), len(set(names)))
        for variant in variants.GRAPHS + variants.ALL_PEERS + variants.SOURCE_PEERS:
            self.assertTrue(variant.note and variant.file)
            self.assertIn(variant.adapter, known)
        used = {variant.package for variant in variants.ALL_PEERS}
        self.assertEqual(used - {"tonari", "faiss", "usearch"}, pinned)

    def test_one_call_a_query_is_said(self):
        for variant in variants.ALL_PEERS:
            if issubclass(more_adapters.MORE_ADAPTERS.get(variant.adapter, object), more_adapters.Vsag):
                self.assertTrue("one query a call" in variant.note or variant.huge, variant.name)

    def test_metrics_and_dimensions_that_a_variant_is_not_for(self):
        rows = types.SimpleNamespace(metric="l2", dim=128)
        by_name = {variant.name: variant for variant in variants.ALL_PEERS}
        self.assertEqual(by_name["usearch i8"].refuses(rows), "only for cosine")
        self.assertEqual(by_name["svs LeanVec"].refuses(rows), "only for 256 dimensions or more")
        self.assertIsNone(by_name["svs"].refuses(rows))

    def test_packages_that_were_not_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(variants.not_installed(folder), {})
            for name, line in (("not-installed.tsv", "voyager\tnot installed: no wheel\n"),
                               ("not-built.tsv", "rabitqlib\tnot built: no compiler\n")):
                with open(os.path.join(folder, name), "w") as file:
                    file.write(line)
            self.assertEqual(variants.not_installed(folder), {"voyager": "not installed: no wheel",
                                                              "rabitqlib": "not built: no compiler"})

    def test_peers_from_source_stand_beside_graphs_where_a_folder_of_them_is_named(self):
        with unittest.mock.patch.dict(os.environ, TONARI_PEERS="x"):
            asked, lists = self.options(), self.options("--lists", "64")
        names = {each.name for each in variants.SOURCE_PEERS}
        self.assertLessEqual(names, {each.name for each in variants.graphs(asked)})
        self.assertIn("sources", options.needs(asked))
        self.assertNotIn("sources", options.needs(lists))
        with unittest.mock.patch.dict(os.environ):
            os.environ.pop("TONARI_PEERS", None)
            asked = self.options()
        self.assertFalse(names & {each.name for each in variants.graphs(asked)})
        self.assertNotIn("sources", options.needs(asked))

    def test_a_peer_that_cannot_be_imported_drops_out_and_is_named(self):
        asked = self.options("--all-peers", "--only", "voyager", "--no-exact")
        dataset = types.SimpleNamespace(metric="l2", dim=16, rows=64, base="", name="x", label="x", fingerprint="f",
                                        integers=False, queries=[])
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            asked.cache = folder
            with open(os.path.join(folder, "voyager.py"), "w") as file:
                file.write("raise ImportError('of another machine')")
            run = measure.Run(dataset, asked, unittest.mock.Mock())
            with unittest.mock.patch.dict(os.environ, PYTHONPATH=folder):
                run.build_all()
            run.search_all()
        result = run.result()
        self.assertEqual(result["results"], [])
        lines = report.left_out(result)
        self.assertIn("not measured: voyager, ImportError: of another machine", lines)
        self.assertIn("not measured: voyager Float8, ImportError: of another machine", lines)
        self.assertTrue(any(line.startswith("not measured: glass, ") for line in lines))


class Blas(unittest.TestCase):
    def test_the_core_that_is_faster_by_more_than_a_tenth(self):
        def fastest(own, skylake, haswell):
            took = dict(zip(blas.CORES, (own, skylake, haswell)))
            blas.fastest_core.cache_clear()
            with unittest.mock.patch.object(blas.platform, "machine", lambda: "x86_64"):
                return blas.fastest_core(took.get)

        infinite = float("inf")
        self.assertEqual(fastest(8.0, 1.2, 1.5), "SKYLAKEX")
        self.assertEqual(fastest(1.0, 0.95, 1.5), "")
        self.assertEqual(fastest(1.0, infinite, 0.5), "HASWELL")
        self.assertEqual(fastest(infinite, infinite, infinite), "")  # no faiss, or it does not run
        blas.fastest_core.cache_clear()

    def test_what_the_caller_has_set_stays(self):
        with unittest.mock.patch.dict(os.environ, {blas.VARIABLE: "ZEN"}):
            self.assertEqual(blas.environment(), {blas.VARIABLE: "ZEN"})

    def test_a_core_that_does_not_run(self):
        self.assertEqual(blas.seconds_of("", "raise SystemExit(1)"), float("inf"))
        self.assertEqual(blas.seconds_of("SKYLAKEX", "import os; print(int(os.environ['OPENBLAS_CORETYPE'] == 'SKYLAKEX'))"), 1)


class Alive(unittest.TestCase):
    def test_an_id_is_never_used_again_and_the_dead_are_no_answers(self):
        state = live.Live(6)
        first = state.add(np.array([4, 0, 2]))
        gone = state.remove(np.array([0]))
        again = state.add(np.array([0, 5]))
        self.assertEqual((first.tolist(), gone.tolist(), again.tolist()), ([0, 1, 2], [1], [3, 4]))
        self.assertEqual(state.rows().tolist(), [0, 2, 4, 5])
        self.assertEqual(state.rows_of(np.array([[0, 1, 3], [-1, 4, 99]])).tolist(), [[4, -1, 0], [-1, 5, -1]])

    def test_truth_among_some_rows(self):
        random = np.random.default_rng(2)
        base = random.standard_normal((300, 8)).astype(np.float32)
        queries = random.standard_normal((5, 8)).astype(np.float32)
        some = np.sort(random.permutation(300)[:120])
        ids = scoring.exact_neighbours(live.Rows(base, some), queries, 3, "l2")
        for query, found in zip(queries, ids):
            expected = some[np.argsort(scoring.distances_to_all(base[some], query, "l2"))[:3]]
            self.assertEqual(some[found].tolist(), expected.tolist())


class RunBook(unittest.TestCase):
    """Nobody is inserted twice, and nobody deleted who is not there."""

    def alive_at_searches(self, steps):
        alive, ever, sizes = set(), set(), []
        for what, rows in steps:
            if what == runbook.INSERT:
                self.assertFalse(ever & set(rows.tolist()))
                alive |= set(rows.tolist())
                ever |= alive
            elif what == runbook.DELETE:
                self.assertTrue(set(rows.tolist()) <= alive)
                alive -= set(rows.tolist())
            else:
                sizes.append(len(alive))
        self.assertLessEqual(max(sizes), runbook.most_alive(steps))
        return sizes, alive, ever

    def test_the_window_slides_over_all_rows_and_keeps_its_size(self):
        for n, rounds in ((1000, 20), (1001, 7), (10, 20)):
            sizes, alive, ever = self.alive_at_searches(runbook.sliding(n, rounds))
            self.assertEqual(set(sizes), {n // 2})
            self.assertEqual(len(sizes), 1 + min(rounds, n - n // 2))
            self.assertEqual(ever, set(range(n)))
            if n % 2 == 0:
                self.assertEqual(alive, set(range(n // 2, n)))

    def test_clusters_come_and_go(self):
        labels = np.random.default_rng(3).integers(0, 64, 20000)
        steps = runbook.clustered(labels, 1)
        sizes, alive, ever = self.alive_at_searches(steps)
        self.assertEqual(len(sizes), 5 * 2 * 8)
        self.assertEqual(ever, set(range(20000)))
        self.assertTrue(0.1 * 20000 < len(alive) < 0.5 * 20000)
        for what, rows in steps:
            if rows is not None:
                self.assertEqual(len(set(labels[rows])), 1)

    def test_clusters_are_found(self):
        random = np.random.default_rng(4)
        centres = 100 * random.standard_normal((3, 5))
        true = random.integers(0, 3, 500)
        labels = runbook.clusters((centres[true] + random.standard_normal((500, 5))).astype(np.float32), 3, 0)
        for label in np.unique(labels):
            self.assertEqual(len(set(true[labels == label])), 1)


class Picture(unittest.TestCase):
    def test_ticks_lie_within_the_axis(self):
        for values, log in (([0.91, 0.99], False), ([5.0], False), ([0, 10], False), ([900.0, 90000.0], True)):
            place, ticks = churn_picture._axis(values, log)
            for value in (*values, *ticks):
                self.assertTrue(0 <= place(value) <= 1, (values, value))

    def test_a_front_has_no_point_that_another_beats(self):
        points = [{"recall": r, "median_qps": q} for r, q in
                  ((0.5, 9e4), (0.9, 900), (0.95, 1000), (0.93, 1200), (0.99, 400), (0.98, 300), (0.999, None))]
        self.assertEqual(front_picture.front(points), [(0.93, 1200), (0.95, 1000), (0.99, 400)])

    def test_a_picture_is_whole_whatever_was_measured(self):
        def row(name, *points):
            return {"variant": name, "points": [{"recall": r, "median_qps": q} for r, q in points]}

        rows = [row("tonari SQ8", (0.9, 5e4), (0.99, 2e4)), row("hnswlib +huge", (0.91, 1e4), (0.98, 5e3)),
                row("faiss", (0.3, 1e4)), {"variant": "vsag", "failed": "no <wheel>"}]
        about = {"k": 10, "n": 1000, "dim": 8, "metric": "l2"}
        document = {"sets": [{"dataset": "<a>", "results": rows, **about}, {"dataset": "b", "results": [], **about}],
                    "versions": {"faiss": "1"}, "m": 16, "ef_construction": 200, "machine": {"cpu": "a & b"},
                    "date": "today"}
        tree = xml.etree.ElementTree.fromstring(front_picture.page(document))
        lines = tree.findall(".//{http://www.w3.org/2000/svg}polyline")
        self.assertEqual([line.find("{*}title").text for line in lines], ["tonari SQ8", "hnswlib +huge"])


if __name__ == "__main__":
    unittest.main()
