"""What stands beside what. Every row of a table is a Variant; its note is printed, so that nobody has to guess."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    adapter: str
    note: str
    file: str = ""       # variants with the same word search the same saved index
    huge: bool = False   # every large allocation of the process on huge pages

    @property
    def library(self):
        return self.name.split()[0]


HUGE = "the same index file with huge pages: glibc.malloc.hugetlb=1, and every anonymous mapping gathered into them"

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
    Variant("tonari SQ8", "TonariRounded", "HNSW<M>,SQ8,RFlat: walked by 8-bit codes, ranked by the float32 rows", "tonari-sq8"),
)

HALF_PEERS = (
    Variant("faiss FP16", "FaissHalf", "faiss.IndexHNSWSQ, QT_fp16", "faiss-fp16"),
    Variant("usearch FP16", "UsearchHalf", "usearch Index, dtype f16", "usearch-fp16"),
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
    Variant("tonari IVF_RaBitQ r3", "TonariBitsWide", "the same, refine=3", "tonari-ivf-rabitq"),
    Variant("tonari IVF_PQ4", "TonariCodes", "IVF<N>,PQ<d/4>x4fs,RFlat, refine=2", "tonari-ivf-pq4"),
    Variant("tonari IVF_PQ4 r3", "TonariCodesWide", "the same, refine=3", "tonari-ivf-pq4"),
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
    return chosen(GRAPHS + (HALF_PEERS if options.half_peers else ()), options)


def chosen(variants, options):
    """Drops the libraries and variants that were asked away."""
    return [variant for variant in variants
            if variant.library not in options.without and not (variant.huge and options.no_huge)
            and (not options.only or variant.name in options.only or variant.library in options.only)]
