"""What stands beside what. Every row of a table is a Variant; its note is printed, so that nobody has to guess."""
import dataclasses
import os
import sys


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    adapter: str
    note: str
    file: str = ""       # variants with the same word search the same saved index
    huge: bool = False   # every large allocation of the process on huge pages
    optional: bool = False  # left out, and named, where it cannot be installed, imported or built
    metrics: tuple = ("l2", "ip", "cosine")
    least_dim: int = 0

    @property
    def library(self):
        return self.name.split()[0]

    @property
    def package(self):
        """As pip calls it."""
        names = {"svs": "scalable-vs", "vsag": "pyvsag", "diskann": "diskannpy", "symphonyqg": "rabitqlib"}
        return names.get(self.library, self.library)

    def refuses(self, dataset):
        """Why this variant is not for these rows, None where it is."""
        if dataset.metric not in self.metrics:
            return f"only for {', '.join(self.metrics)}"
        return f"only for {self.least_dim} dimensions or more" if dataset.dim < self.least_dim else None


HUGE = "the same index file with huge pages: glibc.malloc.hugetlb=1, and every anonymous mapping gathered into them"

ALONE = "the same index, 8 queries a call: they go one after the other, where in a larger batch two walks take turns"

GRAPHS = (
    Variant("hnswlib", "Hnswlib", "hnswlib.Index, compiled with -march=native, as the library comes", "hnswlib"),
    Variant("hnswlib +huge", "Hnswlib", HUGE, "hnswlib", huge=True),
    Variant("faiss", "Faiss", "faiss.IndexHNSWFlat; cosine: unit rows and inner product", "faiss"),
    Variant("faiss +huge", "Faiss", HUGE, "faiss", huge=True),
    Variant("usearch", "Usearch", "usearch Index, dtype f32", "usearch"),
    Variant("usearch +huge", "Usearch", HUGE, "usearch", huge=True),
    Variant("tonari", "Tonari", "frozen HNSW, float32 rows, loaded (it asks for huge pages itself)", "tonari"),
    Variant("tonari mapped", "TonariMapped", 'the same file mapped: residency="map", warm', "tonari"),
    Variant("tonari FP16", "TonariHalf", "float16 rows, loaded", "tonari-fp16"),
    Variant("tonari SQ8", "TonariSq8", "HNSW<M>,SQ8,RFlat: walked by 8-bit codes, ranked by the float32 rows",
            "tonari-sq8"),
    Variant("tonari SQ8 R16", "TonariSq8Half", "HNSW<M>,SQ8,R(FP16): the same, ranked by float16 rows",
            "tonari-sq8-r16"),
    Variant("tonari PCA", "TonariPca", "PCAR<d/6>,HNSW<M>,SQ8,RFlat: d/6 directions as 8-bit codes walked, ranked by the float32 rows",
            "tonari-pca", least_dim=256),
    Variant("tonari PCA R16", "TonariPcaHalf", "PCAR<d/6>,HNSW<M>,SQ8,R(FP16): the same, ranked by float16 rows",
            "tonari-pca-r16", least_dim=256),
    Variant("tonari fused", "TonariFused", "HNSW<M>,RaBitQ,RFlat: row, 1-bit codes of neighbours and links in one record",
            "tonari-fused"),
    Variant("tonari fused R16", "TonariFusedHalf", "HNSW<M>,RaBitQ,R(FP16): the same with float16 rows",
            "tonari-fused-r16"),
    Variant("tonari SQ8 alone", "TonariSq8Alone", ALONE, "tonari-sq8"),
    Variant("tonari PCA alone", "TonariPcaAlone", ALONE, "tonari-pca", least_dim=256),
    Variant("tonari fused alone", "TonariFusedAlone", ALONE, "tonari-fused"),
    Variant("tonari fused R16 alone", "TonariFusedHalfAlone", ALONE, "tonari-fused-r16"),
)

HALF_PEERS = (
    Variant("faiss FP16", "FaissHalf", "faiss.IndexHNSWSQ, QT_fp16", "faiss-fp16"),
    Variant("usearch FP16", "UsearchHalf", "usearch Index, dtype f16", "usearch-fp16"),
)


def more(name, adapter, note, file, **facts):
    return Variant(name, adapter, note, file, optional=True, **facts)


# --all-peers: 2M links a row in each, else what its own documentation advises.
ALL_PEERS = (
    more("tonari SQ8 M32", "TonariSq8Wide", "HNSW32,SQ8,RFlat: twice the links of the others", "tonari-sq8-m32"),
    more("svs", "Svs", "svs.Vamana, float32 rows, window 200, alpha 1.2", "svs"),
    more("svs LVQ8", "SvsLvq8", "the same over LVQ8 codes (closed source), nothing finer kept", "svs-lvq8"),
    more("svs LVQ8 +huge", "SvsLvq8", HUGE + "; SVS itself asks for hugetlbfs pages and takes small ones without",
         "svs-lvq8", huge=True),
    more("svs LVQ4x8", "SvsLvq4x8", "LVQ of 4 bits walked, 8 more for the ranking (Turbo layout)", "svs-lvq4x8"),
    more("svs LVQ8x8", "SvsLvq8x8", "LVQ of 8 bits walked, 8 more for the ranking", "svs-lvq8x8"),
    more("svs LeanVec", "SvsLeanVec", "LeanVec: d/4 dimensions as LVQ8 walked, all as LVQ8 for the ranking",
         "svs-leanvec", least_dim=256),
    more("vsag", "Vsag", "VSAG HGraph, sq8_uniform codes, float32 reordering, efConstruction 400; one query a call, its "
                         "Python module has no batch; its stores grow by steps of up to 128 MiB, which few rows pay for",
         "vsag"),
    more("vsag +huge", "Vsag", HUGE, "vsag", huge=True),
    more("vsag SQ8", "VsagSq8", "the same with sq8 codes, a range a dimension; one query a call", "vsag-sq8"),
    more("vsag ODescent", "VsagOdescent", "sq8_uniform codes, float32 reordering, graph by ODescent; one query a call",
         "vsag-odescent", metrics=("l2", "cosine")),
    more("ngt ONNG", "Onng", "ngtpy.Index, ONNG of 10 outgoing and 120 incoming edges, ANNG of 100; the knob is epsilon, "
                             "-0.1 at ef 10, +0.2 a decade; its wheel is built for older CPUs and says so",
         "ngt-onng", metrics=("l2", "cosine")),
    more("voyager", "Voyager", "voyager.Index, Float32", "voyager"),
    more("voyager Float8", "VoyagerFloat8", "the same, Float8, rows scaled to -1 .. 1; nothing finer kept",
         "voyager-float8"),
    more("diskann", "Diskann", "diskannpy.StaticMemoryIndex, L = 125, alpha 1.2", "diskann"),
    more("faiss SQ8 x1", "FaissSq8", "faiss.IndexHNSWSQ, QT_8bit, in IndexRefineFlat, k_factor 1", "faiss-sq8"),
    more("faiss SQ8 x2", "FaissSq8x2", "the same, k_factor 2", "faiss-sq8"),
    more("faiss SQ8 x4", "FaissSq8x4", "the same, k_factor 4", "faiss-sq8"),
    more("usearch i8", "UsearchBytes", "usearch Index, dtype i8, nothing finer kept", "usearch-i8",
         metrics=("cosine",)),
)

# TONARI_PEERS: from checkouts of their sources, which peers.sh builds.
SOURCE_PEERS = (
    more("symphonyqg", "SymphonyQg", "SymphonyQG of the RaBitQ library, 32 links a row, ef 400 while building, float32 rows in the "
                                     "records; compiled with -march=native, as it comes", "symphonyqg"),
    more("symphonyqg +huge", "SymphonyQg", HUGE, "symphonyqg", huge=True),
)

# Asked for as peers, and why they cannot be had from PyPI.
NEVER = (
    ("glass", "zilliztech/pyglass has no wheel: glassppy has none for this machine, PyPI's glass is another project"),
    ("ngt QG, QBG", "the wheel opens such indexes but holds neither calls nor programs (qbg) that build one"),
)

# --lists N: the knob is nprobe.
LISTS = (
    Variant("faiss IVF", "FaissLists", "faiss IndexIVFFlat, flat quantizer; cosine: unit rows and inner product",
            "faiss-ivf"),
    Variant("faiss IVF_HNSW", "FaissListsGraph", "the same with IVF<N>_HNSW32, efSearch of the quantizer as tonari's",
            "faiss-ivf-hnsw"),
    Variant("tonari IVF", "TonariLists", "IVF<N>,Flat, float32 rows, loaded", "tonari-ivf"),
    Variant("tonari IVF_HNSW", "TonariListsGraph", "IVF<N>_HNSW32,Flat", "tonari-ivf-hnsw"),
)

# --lists N --codes: the knob is nprobe; how many rows are refined is a variant. All have a bit a dimension in the lists (PQ: 4 bits
# for 4 dimensions, for 2 where 4 do not divide them) and the rows as float32 beside them.
CODES = (
    Variant("faiss IVF_PQ4 x4", "FaissCodes4", "faiss IVF<N>,PQ<d/4>x4fs in IndexRefineFlat, k_factor 4", "faiss-ivf-pq4"),
    Variant("faiss IVF_PQ4 x6", "FaissCodes6", "the same, k_factor 6", "faiss-ivf-pq4"),
    Variant("faiss IVF_PQ4 x10", "FaissCodes", "the same, k_factor 10", "faiss-ivf-pq4"),
    Variant("faiss IVF_PQ4 x20", "FaissCodes20", "the same, k_factor 20", "faiss-ivf-pq4"),
    Variant("faiss IVF_PQ4 x40", "FaissCodes40", "the same, k_factor 40", "faiss-ivf-pq4"),
    Variant("faiss IVF_RaBitQ x5", "FaissBits", "faiss RR,IVF<N>,RaBitQfs in IndexRefineFlat, k_factor 5",
            "faiss-ivf-rabitq"),
    Variant("faiss IVF_RaBitQ x10", "FaissBits10", "the same, k_factor 10", "faiss-ivf-rabitq"),
    Variant("faiss IVF_RaBitQ x20", "FaissBits20", "the same, k_factor 20", "faiss-ivf-rabitq"),
    Variant("tonari IVF_RaBitQ", "TonariBits", "IVF<N>,RaBitQ,RFlat, refine=2", "tonari-ivf-rabitq"),
    Variant("tonari IVF_RaBitQ r1", "TonariBitsNarrow", "the same, refine=1", "tonari-ivf-rabitq"),
    Variant("tonari IVF_PQ4", "TonariCodes", "IVF<N>,PQ<d/4>x4fs,RFlat, refine=2", "tonari-ivf-pq4"),
    Variant("tonari IVF_PQ4 r1", "TonariCodesNarrow", "the same, refine=1", "tonari-ivf-pq4"),
)

EXACT = (
    Variant("faiss Flat", "FaissFlat", "faiss.IndexFlat, the whole batch in one call (blocked product)"),
    Variant("hnswlib Flat", "HnswlibFlat", "hnswlib.BFIndex"),
    Variant("usearch Flat", "UsearchFlat", "usearch.index.search(exact=True)"),
    Variant("tonari Flat", "TonariFlat", "Flat, float32 rows"),
    Variant("tonari Flat int", "TonariFlatIntegers", "Flat, the rows as stored: 8-bit integers"),
)

GROWING = (
    Variant("hnswlib", "HnswlibGrowing", "hnswlib.Index, allow_replace_deleted=True: mark_deleted, one label a call, "
                                         "and add_items(replace_deleted=True); compiled with -march=native"),
    Variant("usearch", "UsearchGrowing", "usearch Index, dtype f32: add and remove (compact=False, as it comes)"),
    Variant("tonari", "TonariGrowing", "growing HNSW, float32 rows: add and remove; tidy() is not called"),
)

KNOBS = (10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 120, 160, 200, 240, 320, 400, 480, 640, 800, 1000,
         1200)
PROBES = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024)
TARGETS = (0.90, 0.95, 0.99)
ENOUGH = 0.995  # a sweep stops at the first knob that reaches this recall


def graphs(options):
    """What is built, swept and compared: graphs, or with --lists inverted lists."""
    if options.lists:
        return chosen(CODES if options.codes else LISTS, options)
    more_peers = ((HALF_PEERS if options.half_peers else ()) + (ALL_PEERS if options.all_peers else ()) +
                  (SOURCE_PEERS if options.sources else ()))
    return chosen(GRAPHS + more_peers, options)


def not_installed(folder=sys.prefix):
    """{package: why} of the peers that peers.sh could not install or build; empty where all could, or nobody asked."""
    found = {}
    for path in (os.path.join(folder, name) for name in ("not-installed.tsv", "not-built.tsv")):
        if os.path.exists(path):
            with open(path) as file:
                found.update(line.rstrip("\n").split("\t", 1) for line in file if "\t" in line)
    return found


def chosen(variants, options):
    """Drops the libraries and variants that were asked away."""
    return [variant for variant in variants
            if variant.library not in options.without and not (variant.huge and options.no_huge)
            and (not options.only or variant.name in options.only or variant.library in options.only)]
