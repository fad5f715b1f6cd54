// build and Index. The docstrings begin with the signature in the form that `inspect.signature` reads.
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <pybind11/pybind11.h>

#include <tonari/index/build.hpp>
#include <tonari/index/index.hpp>

#include "answers.hpp"
#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "filters.hpp"
#include "pooled_index.hpp"
#include "progress.hpp"

namespace tonari::python {
namespace {

constexpr const char* build_doc =
    R"(build(spec, rows, ids=None, metric='l2', threads=0, ef_construction=200, seed=42, progress=None, *, element=None)
--

Build the index that `spec` names over `rows`.

spec
    Words separated by commas: "Flat" is exact search, "HNSW32" a graph with M = 32; "FP16" or "BF16" stores the rows
    in half precision ("HNSW32,FP16").
rows
    An array of shape (n, dim), float32, float16, bfloat16 (ml_dtypes), int8 or uint8. It is read in place: each row's
    values lie side by side, rows may lie apart. Nothing is converted: float64 is refused, not rounded.
    With metric="hamming", uint8 rows are packed bits, np.packbits(bits, axis=1, bitorder="little"), and dim is eight
    times the number of columns.
ids
    One whole number per row, not negative, unique. None: 0 ... n - 1.
metric
    "l2" (squared), "ip" (the negated inner product), "cosine" (1 - cos), "l1" or "hamming". Smaller is nearer, always.
threads
    0: as many as the machine or the container has. Any number gives the same index.
ef_construction, seed
    For graphs: candidates kept while looking for a row's neighbours; which rows stand on the upper layers.
progress
    Called now and then with (rows done, rows in all). An exception in it is raised when the build has ended.
element
    What the values are, where the dtype cannot say: "bfloat16" for uint16 bit patterns, "bits" for uint8.

The interpreter lock is released while building.)";

constexpr const char* search_doc =
    R"(search(self, queries, k=10, ef=64, threads=1, filter=None, timeout=None, with_outcomes=False, *, element=None)
--

The k nearest rows of each query: (ids, distances), int64 and float32 of shape (queries, k), nearest first.

A 1-D array is one query and gives 1-D answers. Where fewer than k rows may be answered, the rest is id -1 at distance
inf. Smaller distances are nearer: squared for "l2", negated for "ip", 1 - cos for "cosine".

ef
    For graphs: candidates kept while walking; more finds more and takes longer. Raised to k. Flat is exact without it.
threads
    For several queries at once; 0: all. A single query runs on the calling thread.
filter
    Which ids may be answered: an array of ids, a boolean mask (id i where mask[i]), a callable(id) -> bool that is asked
    once for every id, or a RowFilter from `prepare`.
timeout
    Seconds, after which what was found so far is answered.
with_outcomes
    Also return an array with the fields complete, truncated, exact, hops and distances, one record a query. Without it
    an answer that the timeout cut short comes with an IncompleteWarning.
element
    As in `build`.

The interpreter lock is released while searching; any number of threads may search one index.)";

constexpr const char* range_search_doc =
    R"(range_search(self, queries, radius, cap=10000, ef=64, threads=1, filter=None, timeout=None, with_outcomes=False, *, element=None)
--

All rows within `radius` of each query: (offsets, ids, distances).

Query q's answers are ids[offsets[q]:offsets[q + 1]], nearest first. `radius` is a distance as `search` returns it (for
"l2": squared). At most `cap` rows are answered for a query, the nearest of them; where there were more, `truncated` is
set in the outcomes, or there is an IncompleteWarning when the outcomes were not asked for. The other arguments are
those of `search`.)";

constexpr const char* prepare_doc = R"(prepare(self, filter)
--

Translate a filter (ids, a boolean mask, or a callable(id) -> bool) for this index once, for any number of searches.)";

Rows queries_of(const Index& index, py::handle queries, py::handle element) {
    Rows rows = rows_of(queries, {.argument = "queries",
                                  .stated = element_of(element),
                                  .packed_bits = index.element() == Element::bits,
                                  .mend = index.accepts(Element::float32) ? Element::float32 : index.element(),
                                  .single_allowed = true});
    if (!index.accepts(rows.view.element())) {
        wrong_type("queries: expected " + std::string(name(index.element())) + ", as the index stores, got " +
                   std::string(name(rows.view.element())));
    }
    return rows;
}

// A single query does without the batch's scratch, and copies its k answers while it has the searcher.
Result<Answers> search_one(const PooledIndex& self, RowView query, const SearchOptions& options) {
    if (options.k > max_rows) {
        return self.index().search(MatrixView(query.data(), 1, query.dim(), query.element()), options);
    }
    return self.with_searcher([&](Searcher& searcher) -> Result<Answers> {
        const Result<Nearest> nearest = searcher(query, options);
        if (!nearest) return nearest.error();
        Answers answers;
        answers.queries = 1;
        answers.k = options.k;
        answers.ids.assign(options.k, no_id);
        answers.distances.assign(options.k, std::numeric_limits<float>::infinity());
        answers.counts = {static_cast<std::uint32_t>(nearest->size())};
        answers.outcomes = {nearest->outcome};
        for (std::size_t i = 0; i < nearest->size(); ++i) {
            answers.ids[i] = (*nearest)[i].id;
            answers.distances[i] = (*nearest)[i].distance;
        }
        return answers;
    });
}

py::tuple search(const PooledIndex& self, py::handle queries, py::handle k, py::handle ef, py::handle thread_count,
                 py::handle filter, py::handle timeout, bool with_outcomes, py::handle element) {
    const Index& index = self.index();
    SearchOptions options;
    options.deadline = deadline(timeout);
    options.k = whole_number(k, "k");
    options.ef = whole_number(ef, "ef");
    options.threads = threads(thread_count);
    const Rows rows = queries_of(index, queries, element);
    std::shared_ptr<const PreparedFilter> keep;
    options.filter = filter_of(index, filter, keep);
    auto answers = [&] {
        const py::gil_scoped_release unlock;
        return rows.single ? search_one(self, rows.view.row(0), options) : index.search(rows.view, options);
    }();
    return tuple_of(std::move(answers).value(), rows.single, with_outcomes);
}

py::tuple range_search(const PooledIndex& self, py::handle queries, py::handle radius, py::handle cap, py::handle ef,
                       py::handle thread_count, py::handle filter, py::handle timeout, bool with_outcomes,
                       py::handle element) {
    const Index& index = self.index();
    RangeOptions options;
    options.deadline = deadline(timeout);
    const double distance = real_number(radius, "radius");
    if (std::abs(distance) > double{std::numeric_limits<float>::max()}) {
        invalid("radius: expected a number that float32 holds, got " + std::string(py::str(radius)));
    }
    options.radius = static_cast<float>(distance);
    options.cap = whole_number(cap, "cap");
    options.ef = whole_number(ef, "ef");
    options.threads = threads(thread_count);
    const Rows rows = queries_of(index, queries, element);
    std::shared_ptr<const PreparedFilter> keep;
    options.filter = filter_of(index, filter, keep);
    auto answers = [&] {
        const py::gil_scoped_release unlock;
        return index.range_search(rows.view, options);
    }();
    return tuple_of(std::move(answers).value(), with_outcomes);
}

std::unique_ptr<PooledIndex> build_index(py::handle spec, py::handle rows, py::handle ids, py::handle metric_name,
                                         py::handle thread_count, py::handle ef_construction, py::handle seed,
                                         py::object progress, py::handle element) {
    const std::string words = text(spec, "spec");
    const MetricKind kind = metric(metric_name);
    BuildOptions options;
    options.threads = threads(thread_count);
    options.ef_construction = whole_number(ef_construction, "ef_construction");
    options.seed = whole_number(seed, "seed");
    Progress reported(std::move(progress));
    options.progress = reported.function();
    const Rows table = rows_of(rows, {.argument = "rows",
                                      .stated = element_of(element),
                                      .packed_bits = kind == MetricKind::hamming,
                                      .mend = Element::float32,
                                      .single_allowed = false});
    const IdArray names = ids.is_none() ? IdArray{py::array_t<Id>(0)} : ids_of(ids, "ids");
    // An empty list of ids is not the library's "no ids".
    if (!ids.is_none() && names.array.size() != static_cast<py::ssize_t>(table.view.rows())) {
        invalid("ids: expected one per row, " + std::to_string(table.view.rows()) + ", got " +
                std::to_string(names.array.size()));
    }
    auto built = [&] {
        const py::gil_scoped_release unlock;
        return build(words, kind, table.view, names.span(), options);
    }();
    reported.rethrow();
    return std::make_unique<PooledIndex>(std::move(built).value());
}

py::dict parts(const Index& index) {
    py::dict all;
    for (const IndexPart& part : index.parts()) all[py::str(part.name)] = part.bytes;
    return all;
}

std::string representation(const Index& index) {
    return "<tonari.Index \"" + index.spec() + "\": " + std::to_string(index.size()) + " rows x " +
           std::to_string(index.dim()) + " " + std::string(name(index.element())) + ", metric " +
           std::string(name(index.metric())) + ", " + std::to_string(index.bytes()) + " bytes>";
}

}  // namespace

void bind_index(py::module_& module) {
    register_outcome();
    py::class_<PooledIndex> index(module, "Index", py::is_final(),
                                  R"(An immutable index: `build` makes it from rows, `open` from a file.

Any number of threads may use one. It cannot be pickled: save it and open the file, which other processes share.)");
    index.def("search", &search, py::arg("queries"), py::arg("k") = 10, py::arg("ef") = 64, py::arg("threads") = 1,
              py::arg("filter") = py::none(), py::arg("timeout") = py::none(), py::arg("with_outcomes") = false,
              py::kw_only(), py::arg("element") = py::none(), search_doc);
    index.def("range_search", &range_search, py::arg("queries"), py::arg("radius"), py::arg("cap") = 10'000,
              py::arg("ef") = 64, py::arg("threads") = 1, py::arg("filter") = py::none(),
              py::arg("timeout") = py::none(), py::arg("with_outcomes") = false, py::kw_only(),
              py::arg("element") = py::none(), range_search_doc);
    index.def(
        "prepare", [](const PooledIndex& self, py::handle filter) { return prepare(self.index(), filter); },
        py::arg("filter"), prepare_doc);

    index.def("__len__", [](const PooledIndex& self) { return self.index().size(); }, "__len__(self)\n--\n\nIds held.");
    index.def(
        "__repr__", [](const PooledIndex& self) { return representation(self.index()); }, "__repr__(self)\n--\n\n");
    const auto property = [&](const char* called, auto read, const char* doc) {
        index.def_property_readonly(called, [read](const PooledIndex& self) { return read(self.index()); }, doc);
    };
    property("dim", [](const Index& self) { return self.dim(); }, "Dimensions of a row (for bits: of bits).");
    property(
        "metric", [](const Index& self) { return std::string(name(self.metric())); },
        R"("l2", "ip", "cosine", "l1" or "hamming".)");
    property(
        "dtype", [](const Index& self) { return std::string(name(self.element())); },
        R"(What rows are stored as: "float32", "float16", "bfloat16", "int8", "uint8" or "bits".)");
    property("spec", [](const Index& self) { return self.spec(); }, "The spec that would build it again.");
    property(
        "nbytes", [](const Index& self) { return self.bytes(); },
        "Bytes it takes, in memory or mapped: the sum of `parts`.");
    property("parts", [](const Index& self) { return parts(self); }, "Bytes of each part, by name.");

    // An index never changes, so that a copy is the index itself.
    index.def("__copy__", [](py::object self) { return self; }, "__copy__(self)\n--\n\n");
    index.def(
        "__deepcopy__", [](py::object self, py::handle) { return self; }, py::arg("memo"),
        "__deepcopy__(self, memo)\n--\n\n");
    index.def(
        "__reduce__",
        [](const PooledIndex&) -> py::object {
            wrong_type("a tonari.Index cannot be pickled; mend: index.save(path) here, tonari.open(path) there");
        },
        "__reduce__(self)\n--\n\n");

    module.def("build", &build_index, py::arg("spec"), py::arg("rows"), py::arg("ids") = py::none(),
               py::arg("metric") = "l2", py::arg("threads") = 0, py::arg("ef_construction") = 200, py::arg("seed") = 42,
               py::arg("progress") = py::none(), py::kw_only(), py::arg("element") = py::none(), build_doc);
}

}  // namespace tonari::python
