"""One small class per library: the same five verbs over hnswlib, faiss, usearch and tonari.

Each is used the way its own documentation says, with one batch call for many queries and one thread. What a metric
needs from the caller (faiss has no cosine: unit rows and inner product) is done in prepare(), outside the clock.
"""
import glob
import hashlib
import os

import numpy as np


class Adapter:
    """A graph index: build(), save(), load(), set_ef(), search(). `rows` are float32, ids are row numbers."""
    library = ""
    ending = "idx"
    integers = False  # takes uint8 / int8 rows as they are stored

    def __init__(self, metric, options):
        self.metric, self.options, self.index = metric, options, None

    def prepare(self, vectors):
        """Rows or queries as this library wants them."""
        return vectors

    def identity(self):
        """Names the code that ran, so that a cached index of other code is not reused."""
        return self.version()

    def simd(self):
        return ""

    def index_bytes(self):
        """The library's own word on its size, None where it has none."""
        return None

    def close(self):
        self.index = None


class Hnswlib(Adapter):
    library = "hnswlib"
    spaces = {"l2": "l2", "ip": "ip", "cosine": "cosine"}

    def version(self):
        from importlib.metadata import version
        return version("hnswlib")

    def simd(self):
        return "compiled here, -march=native"

    def build(self, rows, m, ef_construction, threads):
        import hnswlib
        self.index = hnswlib.Index(space=self.spaces[self.metric], dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), M=m, ef_construction=ef_construction, random_seed=100)
        self.index.add_items(rows, num_threads=threads)

    def save(self, path):
        self.index.save_index(path)

    def load(self, path, dim):
        import hnswlib
        self.index = hnswlib.Index(space=self.spaces[self.metric], dim=dim)
        self.index.load_index(path)

    def set_ef(self, ef):
        self.index.set_ef(ef)

    def search(self, queries, k):
        return self.index.knn_query(queries, k=k, num_threads=1)

    @staticmethod
    def ids(answer):
        return np.asarray(answer[0]).astype(np.int64)


class HnswlibFlat(Hnswlib):
    """BFIndex: one distance after another through a heap, hnswlib's own exact search."""

    def build(self, rows, m, ef_construction, threads):
        import hnswlib
        self.index = hnswlib.BFIndex(space=self.spaces[self.metric], dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows))
        self.index.add_items(rows)

    def set_ef(self, ef):
        pass


class Faiss(Adapter):
    library = "faiss"

    def version(self):
        import faiss
        return faiss.__version__

    def simd(self):
        import faiss
        try:
            return str(faiss.SIMDConfig.get_level_name())
        except AttributeError:
            return faiss.get_compile_options().strip()

    def prepare(self, vectors):
        if self.metric != "cosine":
            return vectors
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(vectors / np.maximum(norms, 1e-30), dtype=np.float32)

    def measure(self):
        import faiss
        return faiss.METRIC_L2 if self.metric == "l2" else faiss.METRIC_INNER_PRODUCT

    def empty(self, dim, m):
        import faiss
        return faiss.IndexHNSWFlat(dim, m, self.measure())

    def build(self, rows, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.index = self.empty(rows.shape[1], m)
        self.index.hnsw.efConstruction = ef_construction
        self.index.add(rows)

    def save(self, path):
        import faiss
        faiss.write_index(self.index, path)

    def load(self, path, dim):
        import faiss
        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)

    def set_ef(self, ef):
        self.index.hnsw.efSearch = ef

    def search(self, queries, k):
        return self.index.search(queries, k)

    @staticmethod
    def ids(answer):
        return answer[1].astype(np.int64)


class FaissHalf(Faiss):
    """IndexHNSWSQ with float16 codes: the peer of tonari's FP16 rows."""

    def empty(self, dim, m):
        import faiss
        return faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, m, self.measure())

    def build(self, rows, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.index = self.empty(rows.shape[1], m)
        self.index.hnsw.efConstruction = ef_construction
        self.index.train(rows)
        self.index.add(rows)


class FaissLists(Faiss):
    """IndexIVFFlat over a flat quantizer; trained as it comes: 10 iterations over at most 256 rows a list."""
    spec = "IVF{lists},Flat"

    def lists(self, rows):
        """As many as asked for; fewer for the few rows that wake the library."""
        return min(self.options["lists"], max(1, len(rows) // 39))

    def build(self, rows, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.index = faiss.index_factory(rows.shape[1], self.spec.format(lists=self.lists(rows)), self.measure())
        self.index.train(rows)
        self.index.add(rows)

    def set_ef(self, ef):
        import faiss
        faiss.extract_index_ivf(self.index).nprobe = ef


class FaissListsGraph(FaissLists):
    """The same with a graph over the centroids, searched as wide as tonari's."""
    spec = "IVF{lists}_HNSW32,Flat"

    def set_ef(self, ef):
        import faiss
        lists = faiss.extract_index_ivf(self.index)
        lists.nprobe = ef
        faiss.downcast_index(lists.quantizer).hnsw.efSearch = 64 if ef < 32 else 2 * ef


class FaissCodes(FaissLists):
    """PQ of 4 bits, a bit a dimension, in FastScan blocks, refined by the rows as they are: `k_factor` x k of them."""
    spec = "IVF{lists},PQ{parts}x4fs"
    k_factor = 10

    def build(self, rows, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        dim = rows.shape[1]
        spec = self.spec.format(lists=self.lists(rows), parts=dim // 4 if dim % 4 == 0 else dim // 2)
        self.index = faiss.IndexRefineFlat(faiss.index_factory(dim, spec, self.measure()))
        self.index.train(rows)
        self.index.add(rows)

    def set_ef(self, ef):
        import faiss
        self.index.k_factor = self.k_factor
        faiss.extract_index_ivf(faiss.downcast_index(self.index.base_index)).nprobe = ef


class FaissCodes4(FaissCodes):
    k_factor = 4


class FaissCodes6(FaissCodes):
    k_factor = 6


class FaissCodes20(FaissCodes):
    k_factor = 20


class FaissCodes40(FaissCodes):
    k_factor = 40


class FaissBits(FaissCodes):
    """RaBitQ of 1 bit in FastScan blocks behind a random rotation, which its paper asks for."""
    spec = "RR,IVF{lists},RaBitQfs"
    k_factor = 5


class FaissBits10(FaissBits):
    k_factor = 10


class FaissBits20(FaissBits):
    k_factor = 20


class FaissFlat(Faiss):
    def build(self, rows, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        self.index = faiss.IndexFlat(rows.shape[1], self.measure())
        self.index.add(rows)

    def set_ef(self, ef):
        pass


class Usearch(Adapter):
    library = "usearch"
    element = "f32"
    names = {"l2": "l2sq", "ip": "ip", "cosine": "cos"}

    def version(self):
        from importlib.metadata import version
        return version("usearch")

    def simd(self):
        return self._empty(8, 16, 200).hardware_acceleration

    def _empty(self, dim, m, ef_construction):
        from usearch.index import Index
        return Index(ndim=dim, metric=self.names[self.metric], dtype=self.element, connectivity=m,
                     expansion_add=ef_construction)

    def build(self, rows, m, ef_construction, threads):
        self.index = self._empty(rows.shape[1], m, ef_construction)
        self.index.add(np.arange(len(rows), dtype=np.uint64), rows, threads=threads)

    def save(self, path):
        self.index.save(path)

    def load(self, path, dim):
        self.index = self._empty(dim, self.options["m"], self.options["ef_construction"])
        self.index.load(path)

    def set_ef(self, ef):
        self.index.expansion_search = ef

    def search(self, queries, k):
        return self.index.search(queries, k, threads=1)

    @staticmethod
    def ids(answer):
        keys = np.asarray(answer.keys).astype(np.int64)
        if keys.ndim == 1:
            return keys[None, :]
        return np.where(np.arange(keys.shape[1]) < np.asarray(answer.counts)[:, None], keys, -1)


class UsearchHalf(Usearch):
    """float16 rows: the peer of tonari's FP16 rows."""
    element = "f16"


class UsearchFlat(Usearch):
    """usearch.index.search(exact=True) over the array itself."""

    def build(self, rows, m, ef_construction, threads):
        self.index = rows

    def set_ef(self, ef):
        pass

    def search(self, queries, k):
        from usearch.index import MetricKind, search
        kind = {"l2": MetricKind.L2sq, "ip": MetricKind.IP, "cosine": MetricKind.Cos}[self.metric]
        return search(self.index, queries, k, kind, exact=True, threads=1)


class Tonari(Adapter):
    library = "tonari"
    ending = "tnr"
    spec = "HNSW{m}"
    residency = "load"

    def version(self):
        import tonari
        return tonari.__version__

    def identity(self):
        """The version and the bytes of the extension: a checkout changes without changing its version."""
        import tonari
        digest = hashlib.sha256()
        for path in sorted(glob.glob(os.path.join(os.path.dirname(tonari.__file__), "**", "*.so"), recursive=True)):
            with open(path, "rb") as file:
                digest.update(file.read())
        return f"{tonari.__version__}-{digest.hexdigest()[:10]}"

    def simd(self):
        import tonari
        level = getattr(tonari, "simd_level", "")
        return str(level() if callable(level) else level)

    def build(self, rows, m, ef_construction, threads):
        import tonari
        self.index = tonari.build(self.spec.format(m=m), rows, metric=self.metric, threads=threads,
                                  ef_construction=ef_construction)

    def save(self, path):
        self.index.save(path)

    def load(self, path, dim):
        import tonari
        self.index = tonari.open(path, residency=self.residency)

    def set_ef(self, ef):
        self.ef = ef

    def search(self, queries, k):
        return self.index.search(queries, k=k, ef=self.ef, threads=1)

    @staticmethod
    def ids(answer):
        return np.asarray(answer[0]).astype(np.int64)

    def index_bytes(self):
        size = getattr(self.index, "nbytes", None)
        return size() if callable(size) else size


class TonariMapped(Tonari):
    residency = "map"


class TonariHalf(Tonari):
    spec = "HNSW{m},FP16"


class TonariSq8(Tonari):
    """Walked by 8-bit codes, ranked by the rows."""
    spec = "HNSW{m},SQ8,RFlat"


class TonariSq8Half(Tonari):
    spec = "HNSW{m},SQ8,R(FP16)"


class TonariPca(Tonari):
    """A sixth of the dimensions, whole cache lines of them, walked by 8-bit codes; ranked by the rows."""
    spec = "PCAR{kept},HNSW{m},SQ8,RFlat"

    def build(self, rows, m, ef_construction, threads):
        import tonari
        kept = min(max(64, rows.shape[1] // 6 // 64 * 64), rows.shape[1])
        self.index = tonari.build(self.spec.format(m=m, kept=kept), rows, metric=self.metric, threads=threads,
                                  ef_construction=ef_construction)


class TonariPcaHalf(TonariPca):
    spec = "PCAR{kept},HNSW{m},SQ8,R(FP16)"


class TonariFused(Tonari):
    """Row, codes of neighbours and links in one record a vertex."""
    spec = "HNSW{m},RaBitQ,RFlat"


class TonariFusedHalf(Tonari):
    spec = "HNSW{m},RaBitQ,R(FP16)"


class Alone:
    """A few queries a call, which are answered one after the other: of a larger batch two at a time take turns on a thread."""
    a_call = 8

    def search(self, queries, k):
        answers = [super(Alone, self).search(queries[i:i + self.a_call], k) for i in range(0, len(queries), self.a_call)]
        return [np.concatenate([answer[0] for answer in answers])]


class TonariSq8Alone(Alone, TonariSq8):
    pass


class TonariPcaAlone(Alone, TonariPca):
    pass


class TonariFusedAlone(Alone, TonariFused):
    pass


class TonariFusedHalfAlone(Alone, TonariFusedHalf):
    pass


class TonariSq8Wide(Tonari):
    """Twice the links: near the memory of peers that keep more beside the rows."""
    spec = "HNSW32,SQ8,RFlat"


class TonariLists(Tonari):
    """Inverted lists over rows as they are."""
    spec = "IVF{lists},Flat"

    def build(self, rows, m, ef_construction, threads):
        import tonari
        lists = min(self.options["lists"], max(1, len(rows) // 39))
        self.index = tonari.build(self.spec.format(lists=lists), rows, metric=self.metric, threads=threads)

    def search(self, queries, k):
        return self.index.search(queries, k=k, nprobe=self.ef, threads=1)


class TonariListsGraph(TonariLists):
    spec = "IVF{lists}_HNSW32,Flat"


class TonariBits(TonariLists):
    """RaBitQ of 1 bit a dimension, refined by the rows as they are."""
    spec = "IVF{lists},RaBitQ,RFlat"
    refine = 2.0

    def build(self, rows, m, ef_construction, threads):
        import tonari
        lists, dim = min(self.options["lists"], max(1, len(rows) // 39)), rows.shape[1]
        spec = self.spec.format(lists=lists, parts=dim // 4 if dim % 4 == 0 else dim // 2)
        self.index = tonari.build(spec, rows, metric=self.metric, threads=threads)

    def search(self, queries, k):
        return self.index.search(queries, k=k, nprobe=self.ef, refine=self.refine, threads=1)


class TonariBitsNarrow(TonariBits):
    refine = 1.0


class TonariCodes(TonariBits):
    """PQ of 4 bits with as many bits a row."""
    spec = "IVF{lists},PQ{parts}x4fs,RFlat"


class TonariCodesNarrow(TonariCodes):
    refine = 1.0


class TonariFlat(Tonari):
    spec = "Flat"

    def build(self, rows, m, ef_construction, threads):
        import tonari
        self.index = tonari.build(self.spec, rows, metric=self.metric, threads=threads)

    def search(self, queries, k):
        return self.index.search(queries, k=k, threads=1)


class TonariFlatIntegers(TonariFlat):
    """The rows as stored, uint8 or int8: the same values, a quarter of the bytes."""
    integers = True


ADAPTERS = {cls.__name__: cls for cls in
            (Hnswlib, HnswlibFlat, Faiss, FaissHalf, FaissLists, FaissListsGraph, FaissFlat,
             FaissCodes, FaissCodes4, FaissCodes6, FaissCodes20, FaissCodes40, FaissBits, FaissBits10, FaissBits20,
             Usearch, UsearchHalf, UsearchFlat,
             Tonari, TonariMapped, TonariHalf, TonariSq8, TonariSq8Half, TonariSq8Wide, TonariFused,
             TonariFusedHalf, TonariPca, TonariPcaHalf, TonariSq8Alone, TonariPcaAlone, TonariFusedAlone,
             TonariFusedHalfAlone, TonariLists, TonariListsGraph,
             TonariFlat, TonariFlatIntegers, TonariBits, TonariBitsNarrow, TonariCodes, TonariCodesNarrow)}
