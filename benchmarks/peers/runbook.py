"""Run-books: what is inserted, deleted and searched, step by step. Shapes of the streaming track of NeurIPS 2023.

A step is ("insert", rows), ("delete", rows) or ("search", None); rows are row numbers of the set. The shapes are those
of big-ann-benchmarks, neurips23/streaming/runbooks, with fewer and so larger steps:

    sliding    as msturing-10M_slidingwindow_runbook.yaml: half of the rows are inserted in the file's order, then
               rounds of delete the oldest, insert the next, search, until the window has moved over all the rest.
               There 100 rounds of 1 % of the window, here `rounds` (20: 5 %).
    clustered  as final_runbook.yaml: the rows are in 64 clusters (k-means), each in an order of its own. In each of
               five rounds every cluster in turn gets its next rows, a random share, then every cluster loses 50 to 90 %
               of what it just got. What stays of earlier rounds stays. There a search follows each of the 128 changes
               of a round; here one follows every eight.

Clusters that come and go one after another are the hard part: the rows that are alive never look like the rows that
the graph was built from.
"""
import numpy as np

INSERT, DELETE, SEARCH = "insert", "delete", "search"


def sliding(n, rounds):
    window = n // 2
    steps = [(INSERT, np.arange(window)), (SEARCH, None)]
    edges = np.linspace(0, n - window, rounds + 1).astype(np.int64)
    for first, last in zip(edges, edges[1:]):
        if last > first:
            steps += [(DELETE, np.arange(first, last)), (INSERT, np.arange(window + first, window + last)),
                      (SEARCH, None)]
    return steps


def clustered(labels, seed, rounds=5, search_every=8):
    """`labels` are the clusters of the rows."""
    random = np.random.default_rng(seed)
    members = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    # A cluster's shares of the rounds are uneven, as there, where the first gives a cluster 0.5 to 72 % of its rows.
    cuts = [np.sort(random.random(rounds - 1)) * len(rows) for rows in members]
    edges = [np.concatenate([[0], cut, [len(rows)]]).astype(np.int64) for cut, rows in zip(cuts, members)]
    steps = []
    for number in range(rounds):
        inserted = [rows[edge[number]:edge[number + 1]] for rows, edge in zip(members, edges)]
        deleted = [rows[:int(len(rows) * random.uniform(0.5, 0.9))] for rows in inserted]
        for what, groups in ((INSERT, inserted), (DELETE, deleted)):
            for i, rows in enumerate(groups):
                if len(rows):
                    steps.append((what, rows))
                if (i + 1) % search_every == 0 or i + 1 == len(groups):
                    steps.append((SEARCH, None))
    return steps


def most_alive(steps):
    """The rows that are alive at most: an index needs room for these."""
    alive = most = 0
    for what, rows in steps:
        alive += {INSERT: 1, DELETE: -1, SEARCH: 0}[what] * (0 if rows is None else len(rows))
        most = max(most, alive)
    return most


def clusters(base, count, seed, sample=20000, turns=10, block=50000):
    """k-means (begun as k-means++) of a sample, and each row's nearest centre by l2; as many labels as rows."""
    random = np.random.default_rng(seed)
    some = np.asarray(base[np.sort(random.permutation(len(base))[:sample])], dtype=np.float32)
    centres = _apart(some, count, random)
    for _ in range(turns):
        labels = _nearest(some, centres)
        for i in range(len(centres)):
            if (labels == i).any():
                centres[i] = some[labels == i].mean(axis=0)
    return np.concatenate([_nearest(np.asarray(base[start:start + block], dtype=np.float32), centres)
                           for start in range(0, len(base), block)])


def _apart(rows, count, random):
    """Some of the rows, each drawn with the square of its distance to those before as its weight."""
    chosen = [rows[random.integers(len(rows))]]
    far = np.full(len(rows), np.inf)
    while len(chosen) < count:
        far = np.minimum(far, np.square(rows - chosen[-1]).sum(axis=1, dtype=np.float64))
        weights = far / far.sum() if far.sum() else None
        chosen.append(rows[random.choice(len(rows), p=weights)])
    return np.array(chosen)


def _nearest(rows, centres):
    return np.argmin(np.square(centres).sum(axis=1) - 2 * rows @ centres.T, axis=1)
