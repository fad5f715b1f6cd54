"""Checks the harness's own arithmetic: `python -m unittest selftest` in this folder."""
import unittest

import numpy as np

import scoring


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


if __name__ == "__main__":
    unittest.main()
