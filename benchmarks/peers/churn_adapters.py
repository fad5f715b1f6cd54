"""The libraries that add and remove rows, behind the same verbs: empty(), add(), remove(), beside those of a search.

What each is asked, in its own documentation's way:

    hnswlib  init_index(allow_replace_deleted=True) with room for the most rows that will be alive; mark_deleted, one
             label per call, since there is no other; add_items(replace_deleted=True), which gives a deleted row's
             place to the new one. Where fewer than k rows are found, knn_query throws: that batch is then asked query
             by query, each with the largest k that answers.
    usearch  Index.add(keys, rows), Index.remove(keys), which keeps the removed entry's links and gives its slot to a
             later row; compact=True relinks all and is documented as expensive: it is not used.
    tonari   tonari.build(spec, growing=True, ...).add(rows, ids) and .remove(ids). tidy() is not called.

faiss has no remove for its HNSW graphs, and stays out.

Every row that is added has an id that was never used before, for all alike: hnswlib 0.8.0 loses the label of a live
row when a removed label is added again and lands in another place than its old one.
"""
import numpy as np

import adapters


class Growing:
    """Mixed into an adapter of adapters.py: its build() grows an index in one call."""

    def build(self, rows, m, ef_construction, threads):
        self.empty(rows.shape[1], len(rows), m, ef_construction)
        self.add(rows, np.arange(len(rows)), threads)

    def unreachable(self):
        """Live rows that no search can meet, None where the library cannot say."""
        return None


class HnswlibGrowing(Growing, adapters.Hnswlib):
    def empty(self, dim, capacity, m, ef_construction):
        import hnswlib
        self.index = hnswlib.Index(space=self.spaces[self.metric], dim=dim)
        self.index.init_index(max_elements=capacity, M=m, ef_construction=ef_construction, random_seed=100,
                              allow_replace_deleted=True)

    def add(self, rows, ids, threads):
        self.index.add_items(rows, ids, num_threads=threads, replace_deleted=True)

    def remove(self, ids):
        for label in ids.tolist():
            self.index.mark_deleted(label)

    def search(self, queries, k):
        try:
            return self.index.knn_query(queries, k=k, num_threads=1)
        except RuntimeError:  # fewer than k were found for one of them
            return (np.stack([self._as_many(query, k) for query in queries]), None)

    def _as_many(self, query, k):
        for fewer in range(k, 0, -1):
            try:
                found = self.index.knn_query(query[None, :], k=fewer, num_threads=1)[0][0]
                return np.concatenate([found.astype(np.int64), np.full(k - fewer, -1)])
            except RuntimeError:
                pass
        return np.full(k, -1)


class UsearchGrowing(Growing, adapters.Usearch):
    def empty(self, dim, capacity, m, ef_construction):
        self.index = self._empty(dim, m, ef_construction)

    def add(self, rows, ids, threads):
        self.index.add(ids.astype(np.uint64), rows, threads=threads)

    def remove(self, ids):
        self.index.remove(ids.astype(np.uint64), threads=1)


class TonariGrowing(Growing, adapters.Tonari):
    def empty(self, dim, capacity, m, ef_construction):
        import tonari
        self.index = tonari.build(self.spec.format(m=m), growing=True, dim=dim, metric=self.metric,
                                  ef_construction=ef_construction)

    def add(self, rows, ids, threads):
        self.index.add(rows, ids, threads=threads)

    def remove(self, ids):
        self.index.remove(ids)

    def unreachable(self):
        return int(self.index.health()["unreachable"])


ADAPTERS = {cls.__name__: cls for cls in (HnswlibGrowing, UsearchGrowing, TonariGrowing)}
