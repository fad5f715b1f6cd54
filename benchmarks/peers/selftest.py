"""Checks the harness's own arithmetic: `python -m unittest selftest` in this folder, and ctest."""
import unittest

import numpy as np

import bars
import churn_picture
import live
import runbook
import scoring
import sweep


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


if __name__ == "__main__":
    unittest.main()
