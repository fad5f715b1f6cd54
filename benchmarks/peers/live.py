"""Which rows are alive, under which ids, and what the right answers are among them."""
import hashlib
import os

import numpy as np

import scoring


class Live:
    """A row that is added gets an id that was never used before; the same for every library."""

    def __init__(self, n):
        self.id_of = np.full(n, -1, dtype=np.int64)
        self.row_of = np.zeros(0, dtype=np.int64)

    def add(self, rows):
        ids = np.arange(len(self.row_of), len(self.row_of) + len(rows))
        self.id_of[rows] = ids
        self.row_of = np.concatenate([self.row_of, rows])
        return ids

    def remove(self, rows):
        ids = self.id_of[rows]
        self.id_of[rows] = -1
        self.row_of[ids] = -1
        return ids

    def rows(self):
        return np.flatnonzero(self.id_of >= 0)

    def rows_of(self, ids):
        """-1 where an id is none, or no longer alive: such an answer never counts."""
        known = (ids >= 0) & (ids < len(self.row_of))
        return np.where(known, self.row_of[np.where(known, ids, 0)], -1)


class Rows:
    """Some rows of a matrix, as a matrix: a search over them copies no more than a block."""

    def __init__(self, base, rows):
        self.base, self.rows = base, rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        return self.base[self.rows[key]]


def truth(dataset, rows, k, cache, progress=None):
    """The distance of each query's k-th nearest of these rows; kept in the cache under the rows' fingerprint."""
    if len(rows) == dataset.rows:
        return dataset.truth
    mark = hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()[:12]
    kept = os.path.join(cache, f"truth-{dataset.name}-{dataset.fingerprint}-k{k}-live-{mark}.npy".replace("/", "_"))
    if os.path.exists(kept):
        found = np.load(kept)
        if found.shape == (len(dataset.queries),):
            return found
    base = Rows(dataset.vectors(), rows)
    ids = scoring.exact_neighbours(base, dataset.queries, k, dataset.metric, progress)
    found = scoring.distances(base, dataset.queries, ids, dataset.metric).max(axis=1)
    os.makedirs(cache, exist_ok=True)
    np.save(kept, found)
    return found
