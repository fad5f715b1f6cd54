// build: from a spec and rows, or none yet, to an Index or a GrowingIndex.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <pybind11/pybind11.h>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "pooled_growing_index.hpp"
#include "pooled_index.hpp"
#include "progress.hpp"

namespace tonari::python {
namespace {

constexpr const char* build_doc =
    R"doc(build(spec, rows=None, ids=None, metric='l2', threads=0, ef_construction=200, seed=42, progress=None, *, element=None, growing=False, dim=None, dtype=None, balance=0.0)
--

Build the index that `spec` names over `rows`.

spec
    "auto" is what `advise` says. Else words separated by commas: "Flat" is exact search, "HNSW32" a graph with M = 32,
    "IVF1024,Flat" 1,024 inverted lists ("IVF65536_HNSW32,Flat": with a graph over their centroids; "IVF1024_SOAR,Flat": each
    row in two of them, and also "IVF65536_HNSW32_SOAR,..."). Behind them, or alone,
    what rows are stored as: "FP16" or "BF16" (half precision), "SQ8" (rounded to 8 bits a value, and queries too), "SQ4" (4 bits); and, but
    for graphs, "RaBitQ", "RaBitQ2" to "RaBitQ8" (so many bits a value), "PQ32x4fs" (4 bits for each of 32 parts). "PQ32" (8
    bits) goes with graphs, too, and "HNSW32,RaBitQ,RFlat" is a graph with codes of neighbours beside its links. Behind codes, what ranks the rows that they find: "RFlat" (as given), "R(FP16)", "R(BF16)",
    "R(SQ8)", as in "HNSW32,SQ8,RFlat" or "IVF1024,RaBitQ,RFlat". Before all of it a map: "PCA64", "PCAR64", "OPQ32", "OPQ32_64", "RR",
    "RR64". An error names the words that would fit.
rows
    An array of shape (n, dim), float32, float16, bfloat16 (ml_dtypes), int8 or uint8. It is read in place: each row's
    values lie side by side, rows may lie apart. Nothing is converted: float64 is refused, not rounded.
    With metric="hamming", uint8 rows are packed bits, np.packbits(bits, axis=1, bitorder="little"), and dim is eight
    times the number of columns. None: no rows yet, for a growing index that is told `dim`.
ids
    One whole number per row, not negative, unique. None: 0 ... n - 1.
metric
    "l2" (squared), "ip" (the negated inner product), "cosine" (1 - cos), "l1" or "hamming". Smaller is nearer, always.
threads
    0: as many as the machine or the container has. Any number gives the same index.
ef_construction, seed
    For graphs: candidates kept while looking for a row's neighbours; which rows stand on the upper layers. A growing
    graph keeps both for the rows that come later.
balance
    For lists, with metric "l2", "ip" or "cosine": how much it counts against one that it is longer than others. 0.0: nothing,
    each row goes to the nearest; 0.05 to 0.2 are of use. Lists that are more alike make searches more alike in time.
progress
    Called now and then with (rows done, rows in all). An exception in it is raised when the build has ended.
element
    What the values are, where the dtype cannot say: "bfloat16" for uint16 bit patterns, "bits" for uint8.
growing
    True: a GrowingIndex, to which rows are added and from which they are removed. "HNSW32" and "IVF1024,Flat" grow, also
    with "FP16", "BF16" and "SQ8"; "Flat", other codes, refinements and maps do not. Lists, and SQ8 but for
    metric="cosine", are trained on the rows that they begin with, and keep that.
dim, dtype
    Where there are no rows: how many dimensions they will have (for bits: of bits), and what they will be made of,
    "float32" unless said otherwise ("bits" with metric="hamming"). Where there are rows, they must agree.

The interpreter lock is released while building.)doc";

struct Asked {
    std::string spec;
    MetricKind metric = MetricKind::l2;
    std::optional<std::uint64_t> dim;
    std::optional<Element> dtype;
    bool growing = false;
    BuildOptions options;
};

Dim dim_of(std::uint64_t dim, Element element) {
    if (dim == 0 || dim > max_dim) {
        invalid("dim: expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(dim));
    }
    if (element == Element::bits && dim % 8 != 0) {
        invalid("dim: expected a multiple of eight, since bits come eight a byte, got " + std::to_string(dim));
    }
    return static_cast<Dim>(dim);
}

GrowingIndex grow_unlocked(const Asked& asked, Element element, Dim dim) {
    const py::gil_scoped_release unlock;
    return grow(asked.spec, asked.metric, element, dim, asked.options).value();
}

py::object grow_from_nothing(const Asked& asked, py::handle ids, py::handle element) {
    if (!asked.growing) {
        wrong_type(
            "rows: expected a numpy array, got NoneType; mend: growing=True and dim=... for an index that begins "
            "without rows");
    }
    if (!asked.dim) {
        invalid(
            "dim: expected the dimensions of the rows that will come, since there are none, got None; mend: "
            "dim=...");
    }
    if (!ids.is_none()) invalid("ids: expected None where there are no rows, got " + type_name(ids));
    if (!element.is_none()) {
        invalid("element: expected None where there are no rows, got " + std::string(py::repr(element)) +
                "; mend: dtype=" + std::string(py::repr(element)));
    }
    const Element usual = asked.metric == MetricKind::hamming ? Element::bits : Element::float32;
    const Element made_of = asked.dtype.value_or(usual);
    return py::cast(std::make_unique<PooledGrowingIndex>(grow_unlocked(asked, made_of, dim_of(*asked.dim, made_of))));
}

void check_agreement(const Asked& asked, const Rows& table) {
    if (asked.dim && *asked.dim != table.view.dim()) {
        invalid("dim: expected " + std::to_string(table.view.dim()) + ", as the rows have, or None, got " +
                std::to_string(*asked.dim));
    }
    if (asked.dtype && *asked.dtype != table.view.element()) {
        invalid("dtype: expected \"" + std::string(name(table.view.element())) +
                "\", as the rows are made of, or None, got \"" + std::string(name(*asked.dtype)) + "\"");
    }
}

py::object build_from(const Asked& asked, const Rows& table, const IdArray& names, const Progress& reported) {
    if (!asked.growing) {
        auto built = [&] {
            const py::gil_scoped_release unlock;
            return build(asked.spec, asked.metric, table.view, names.span(), asked.options);
        }();
        reported.rethrow();
        return py::cast(std::make_unique<PooledIndex>(std::move(built).value()));
    }
    if (table.view.rows() == 0) {  // an array of no rows says all that is to be known of those to come
        return py::cast(std::make_unique<PooledGrowingIndex>(
            grow_unlocked(asked, table.view.element(), dim_of(table.view.dim(), table.view.element()))));
    }
    auto grown = [&] {
        const py::gil_scoped_release unlock;
        return grow(asked.spec, asked.metric, table.view, names.span(), asked.options);
    }();
    reported.rethrow();
    return py::cast(std::make_unique<PooledGrowingIndex>(std::move(grown).value()));
}

py::object build_index(py::handle spec, py::handle rows, py::handle ids, py::handle metric_name,
                       py::handle thread_count, py::handle ef_construction, py::handle seed, py::object progress,
                       py::handle element, py::handle growing, py::handle dim, py::handle dtype, py::handle balance) {
    Asked asked;
    asked.spec = text(spec, "spec");
    asked.metric = metric(metric_name);
    asked.options.threads = threads(thread_count);
    asked.options.ef_construction = whole_number(ef_construction, "ef_construction");
    asked.options.seed = whole_number(seed, "seed");
    asked.options.balance = static_cast<float>(real_number(balance, "balance"));
    asked.growing = flag(growing, "growing");
    if (!dim.is_none()) asked.dim = whole_number(dim, "dim");
    asked.dtype = element_of(dtype, "dtype");
    Progress reported(std::move(progress));
    if (rows.is_none()) return grow_from_nothing(asked, ids, element);

    const Rows table = rows_of(rows, {.argument = "rows",
                                      .stated = element_of(element),
                                      .packed_bits = asked.metric == MetricKind::hamming,
                                      .mend = Element::float32,
                                      .single_allowed = false});
    check_agreement(asked, table);
    const IdArray names = ids.is_none() ? IdArray{py::array_t<Id>(0)} : ids_of(ids, "ids");
    if (!ids.is_none()) check_one_per_row(names, table);  // an empty list of ids is not the library's "no ids"
    asked.options.progress = reported.function();
    return build_from(asked, table, names, reported);
}

}  // namespace

void bind_build(py::module_& module) {
    module.def("build", &build_index, py::arg("spec"), py::arg("rows") = py::none(), py::arg("ids") = py::none(),
               py::arg("metric") = "l2", py::arg("threads") = 0, py::arg("ef_construction") = 200, py::arg("seed") = 42,
               py::arg("progress") = py::none(), py::kw_only(), py::arg("element") = py::none(),
               py::arg("growing") = false, py::arg("dim") = py::none(), py::arg("dtype") = py::none(),
               py::arg("balance") = 0.0, build_doc);
}

}  // namespace tonari::python
