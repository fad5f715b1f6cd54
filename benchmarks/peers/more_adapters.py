"""The peers of --all-peers and of TONARI_PEERS behind the verbs of adapters.py: SVS, VSAG, NGT, Voyager, DiskANN, codes of faiss
and usearch; SymphonyQG.

Each has as many links a row as the other graphs, 2M, and else what its own documentation advises (named in the class).
Indexes that a library keeps as a folder are saved as one.
"""
import json
import math
import os
import shutil
import tempfile

import numpy as np

from adapters import Adapter, Faiss, Usearch


def unit(vectors):
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(norms, 1e-30), dtype=np.float32)


class Packaged(Adapter):
    """A library whose version the package of `package` states."""
    package = ""

    def version(self):
        from importlib.metadata import version
        return version(self.package)


class InFolder(Packaged):
    """A library that builds into a folder and opens it; the folder of build() lives until save() or close()."""
    folder = None

    def make_folder(self):
        self.close()
        self.folder = tempfile.mkdtemp(prefix="tonari-peers-")
        return self.folder

    def save(self, path):
        shutil.move(self.folder, path)
        self.folder = None

    def load(self, path, dim):
        self.index = self.open(path)

    def set_ef(self, ef):
        self.ef = ef
        if self.index is None:
            self.index = self.open(self.folder)

    def close(self):
        self.index = None
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


class Svs(Packaged):
    """Vamana over float32 rows; window 200 and alpha 1.2 (0.95 for products) are its documented defaults."""
    library, package = "svs", "scalable-vs"
    bits = None  # of the two LVQ levels

    def prepare(self, vectors):
        return unit(vectors) if self.metric == "cosine" else vectors

    def measure(self):
        import svs
        return svs.DistanceType.L2 if self.metric == "l2" else svs.DistanceType.MIP

    def codes(self, source, dim):
        """The loader that compresses the rows in a file of vectors."""
        import svs
        return svs.LVQLoader(source, primary=self.bits[0], residual=self.bits[1])

    def stored(self, path):
        import svs
        if self.bits:
            return svs.LVQLoader(path)
        return svs.VectorDataLoader(path, svs.DataType.float32)

    def build(self, rows, m, ef_construction, threads):
        import svs
        parameters = svs.VamanaBuildParameters(alpha=1.2 if self.metric == "l2" else 0.95, graph_max_degree=2 * m,
                                               window_size=200)
        with tempfile.TemporaryDirectory() as folder:
            source = rows
            if self.bits:  # compressed rows come from files only
                path = os.path.join(folder, "rows.fvecs")
                svs.write_vecs(rows, path)
                source = self.codes(svs.VectorDataLoader(path, svs.DataType.float32, dims=rows.shape[1]), rows.shape[1])
            self.index = svs.Vamana.build(parameters, source, self.measure(), num_threads=threads)
        self.index.num_threads = 1

    def save(self, path):
        os.mkdir(path)
        self.index.save(*(os.path.join(path, part) for part in ("config", "graph", "data")))

    def load(self, path, dim):
        import svs
        config, graph, data = (os.path.join(path, part) for part in ("config", "graph", "data"))
        self.index = svs.Vamana(config, svs.GraphLoader(graph), self.stored(data), self.measure(), num_threads=1)

    def set_ef(self, ef):
        self.index.search_window_size = ef

    def search(self, queries, k):
        return self.index.search(queries, k)

    @staticmethod
    def ids(answer):
        return np.asarray(answer[0]).astype(np.int64)


class SvsLvq8(Svs):
    bits = (8, 0)


class SvsLvq4x8(Svs):
    bits = (4, 8)


class SvsLvq8x8(Svs):
    bits = (8, 8)


class SvsLeanVec(Svs):
    """Walked in a quarter of the dimensions, ranked by all of them, both as 8-bit LVQ."""
    bits = (8, 8)

    def codes(self, source, dim):
        import svs
        return svs.LeanVecLoader(source, max(8, dim // 4), primary_kind=svs.LeanVecKind.lvq8,
                                 secondary_kind=svs.LeanVecKind.lvq8)

    def stored(self, path):
        import svs
        return svs.LeanVecLoader(path)


class Vsag(Packaged):
    """HGraph, ranked by float32 rows (use_reorder); efConstruction 400 as in its own benchmark of SIFT at recall 0.99.

    Its stores grow by steps, the power of two below 128 MiB of float32 rows (HGraph::init_resize_bit_and_reorder),
    which Python cannot change: few rows pay for many.
    """
    library, package = "vsag", "pyvsag"
    codes = "sq8_uniform"
    graph = {"ef_construction": 400}

    def _empty(self, dim, m, threads):
        import pyvsag
        pyvsag.set_logger_off()
        parameters = dict(self.graph, base_quantization_type=self.codes, max_degree=2 * m, build_thread_count=threads,
                          use_reorder=True, precise_quantization_type="fp32")
        return pyvsag.Index("hgraph", json.dumps({"dtype": "float32", "metric_type": self.metric, "dim": dim,
                                                  "index_param": parameters}))

    def build(self, rows, m, ef_construction, threads):
        self.index = self._empty(rows.shape[1], m, threads)
        self.index.build(vectors=rows.reshape(-1), ids=np.arange(len(rows), dtype=np.int64), num_elements=len(rows),
                         dim=rows.shape[1])

    def save(self, path):
        self.index.save(path)

    def load(self, path, dim):
        self.index = self._empty(dim, self.options["m"], 1)
        self.index.load(path)

    def set_ef(self, ef):
        self.words = json.dumps({"hgraph": {"ef_search": ef}})

    def search(self, queries, k):
        """One query a call: the module has no batch."""
        search, words = self.index.knn_search, self.words
        return [search(query, k, words) for query in queries]

    @staticmethod
    def ids(answer):
        out = np.full((len(answer), max(len(found[0]) for found in answer)), -1, dtype=np.int64)
        for row, found in zip(out, answer):
            row[:len(found[0])] = found[0]
        return out


class VsagSq8(Vsag):
    codes = "sq8"


class VsagOdescent(Vsag):
    """The graph by ODescent, as in its own benchmark of SIFT at recall 0.90."""
    graph = {"graph_type": "odescent", "alpha": 1.2, "graph_iter_turn": 50, "neighbor_sample_rate": 0.2}


class Onng(InFolder):
    """ONNG from an ANNG of 100 edges, 10 outgoing and 120 incoming (its documentation, ann-benchmarks), dynamic edges.

    Its knob is epsilon: -0.1 at ef 10, 0.2 more a decade. The Optimizer's search for coefficients is left out: dynamic
    edges then use those that come with the library.
    """
    library, package = "ngt", "ngt"
    names = {"l2": "L2", "cosine": "Normalized Cosine"}

    def prepare(self, vectors):
        return unit(vectors) if self.metric == "cosine" else vectors

    def build(self, rows, m, ef_construction, threads):
        import ngtpy
        folder = self.make_folder()
        first, second = (os.path.join(folder, name) for name in ("anng", "onng"))
        ngtpy.create(first, rows.shape[1], edge_size_for_creation=min(100, len(rows) // 2), edge_size_for_search=40,
                     distance_type=self.names[self.metric])
        index = ngtpy.Index(first)
        index.batch_insert(rows, num_threads=threads)
        index.save()
        index.close()
        optimizer = ngtpy.Optimizer(num_of_outgoings=10, num_of_incomings=120, log_disabled=True)
        optimizer.set_processing_modes(search_parameter_optimization=False, accuracy_table_generation=False,
                                       prefetch_parameter_optimization=len(rows) > 1000)
        optimizer.execute(first, second)
        shutil.rmtree(first)

    def open(self, folder):
        import ngtpy
        return ngtpy.Index(os.path.join(folder, "onng"), read_only=True, log_disabled=True)

    def search(self, queries, k):
        import ngtpy
        found = ngtpy.BatchResults()
        self.index.set(epsilon=-0.1 + 0.2 * math.log10(self.ef / 10), edge_size=-2)
        self.index.batch_search(queries, found, k, False)
        return found, k

    @staticmethod
    def ids(answer):
        found, k = answer
        starts, flat = found.get_index(), np.asarray(found.get_indexed_ids())
        out = np.full((found.get_size(), k), -1, dtype=np.int64)
        for row, start, end in zip(out, starts, list(starts[1:]) + [len(flat)]):
            row[:min(k, end - start)] = flat[start:end][:k]
        return out


class Diskann(InFolder):
    """The static index in memory; L = 125 and alpha = 1.2 are ann-benchmarks' for 32 links."""
    library, package = "diskann", "diskannpy"
    names = {"l2": "l2", "ip": "mips", "cosine": "cosine"}

    def build(self, rows, m, ef_construction, threads):
        import diskannpy
        folder = self.make_folder()
        diskannpy.build_memory_index(rows, self.names[self.metric], folder, complexity=125, graph_degree=2 * m,
                                     num_threads=threads, alpha=1.2, use_pq_build=False, num_pq_bytes=0, use_opq=False)
        os.remove(os.path.join(folder, "ann_vectors.bin"))  # the copy that building reads

    def open(self, folder):
        import diskannpy
        return diskannpy.StaticMemoryIndex(folder, num_threads=1, initial_search_complexity=1200)

    def search(self, queries, k):
        return self.index.batch_search(queries, k, max(self.ef, k), 1)

    @staticmethod
    def ids(answer):
        return np.asarray(answer[0]).astype(np.int64)


class Voyager(Packaged):
    library, package = "voyager", "voyager"
    element = "Float32"
    names = {"l2": "Euclidean", "ip": "InnerProduct", "cosine": "Cosine"}

    def build(self, rows, m, ef_construction, threads):
        import voyager
        self.index = voyager.Index(getattr(voyager.Space, self.names[self.metric]), num_dimensions=rows.shape[1], M=m,
                                   ef_construction=ef_construction, max_elements=len(rows), random_seed=100,
                                   storage_data_type=getattr(voyager.StorageDataType, self.element))
        self.index.add_items(self.scaled(rows), num_threads=threads)

    def scaled(self, rows):
        return rows

    def save(self, path):
        self.index.save(path)

    def load(self, path, dim):
        import voyager
        self.index = voyager.Index.load(path)

    def set_ef(self, ef):
        self.ef = ef

    def search(self, queries, k):
        return self.index.query(queries, k=k, num_threads=1, query_ef=max(self.ef, k))

    @staticmethod
    def ids(answer):
        return np.asarray(answer[0]).astype(np.int64)


class VoyagerFloat8(Voyager):
    """Eight bits over -1 .. 1, which the caller has to scale the rows to; one factor keeps every order of distances."""
    element = "Float8"
    scale = None

    def scaled(self, rows):
        if self.metric == "cosine":
            return rows
        self.scale = np.float32(1 / np.abs(rows).max())
        return rows * self.scale

    def save(self, path):
        os.mkdir(path)
        self.index.save(os.path.join(path, "index"))
        if self.scale is not None:
            np.save(os.path.join(path, "scale.npy"), self.scale)

    def load(self, path, dim):
        super().load(os.path.join(path, "index"), dim)
        kept = os.path.join(path, "scale.npy")
        self.scale = np.load(kept) if os.path.exists(kept) else None

    def search(self, queries, k):
        return super().search(queries if self.scale is None else np.clip(queries * self.scale, -1, 1), k)


class FaissSq8(Faiss):
    """IndexHNSWSQ with 8 bits a dimension, refined by the rows as they are: `k_factor` x k of them."""
    k_factor = 1

    def build(self, rows, m, ef_construction, threads):
        import faiss
        faiss.omp_set_num_threads(threads)
        base = faiss.IndexHNSWSQ(rows.shape[1], faiss.ScalarQuantizer.QT_8bit, m, self.measure())
        base.hnsw.efConstruction = ef_construction
        self.index = faiss.IndexRefineFlat(base)
        self.index.own_fields, self.base = False, base
        self.index.train(rows)
        self.index.add(rows)

    def set_ef(self, ef):
        import faiss
        self.index.k_factor = self.k_factor
        faiss.downcast_index(self.index.base_index).hnsw.efSearch = ef


class FaissSq8x2(FaissSq8):
    k_factor = 2


class FaissSq8x4(FaissSq8):
    k_factor = 4


class UsearchBytes(Usearch):
    """int8 rows, for cosine alone: usearch divides every row by its length before it rounds."""
    element = "i8"


class SymphonyQg(Packaged):
    """The graph of the RaBitQ library, its float32 rows and one-bit codes of the neighbours in one record: 32 links a row, and
    ef 400 while it is built, as its own example has them. Its bindings know L2 and products, and no fewer than 64 dimensions: zeros
    make up for those."""
    library, package = "symphonyqg", "rabitqlib"
    degree, ef_construction, least_dim = 32, 400, 64

    def prepare(self, vectors):
        vectors = unit(vectors) if self.metric == "cosine" else vectors
        missing = max(0, self.least_dim - vectors.shape[1])
        return np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors

    def build(self, rows, m, ef_construction, threads):
        import rabitqlib
        self.index = rabitqlib.SymqgIndex(rows.shape[1], self.degree, "ip" if self.metric == "ip" else "l2")
        self.index.build(rows, self.ef_construction, threads)

    def save(self, path):
        self.index.save(path)

    def load(self, path, dim):
        import rabitqlib
        self.index = rabitqlib.SymqgIndex.load(path)

    def set_ef(self, ef):
        self.ef = ef

    def search(self, queries, k):
        return self.index.search(queries, k, max(self.ef, k), 1)

    @staticmethod
    def ids(answer):
        return answer[0].astype(np.int64)


MORE_ADAPTERS = {cls.__name__: cls for cls in
                 (Svs, SvsLvq8, SvsLvq4x8, SvsLvq8x8, SvsLeanVec, Vsag, VsagSq8, VsagOdescent, Onng, Diskann,
                  Voyager, VoyagerFloat8, FaissSq8, FaissSq8x2, FaissSq8x4, UsearchBytes, SymphonyQg)}
