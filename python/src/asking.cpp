#include "asking.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "answers.hpp"
#include "arguments.hpp"
#include "errors.hpp"

namespace tonari::python {

// The docstrings begin with the signature in the form that `inspect.signature` reads.

const char* const search_doc =
    R"(search(self, queries, k=10, ef=64, threads=1, filter=None, timeout=None, with_outcomes=False, *, nprobe=16, refine=3.0, patience=0.0, element=None)
--

The k nearest rows of each query: (ids, distances), int64 and float32 of shape (queries, k), nearest first.

A 1-D array is one query and gives 1-D answers. Where fewer than k rows may be answered, the rest is id -1 at distance
inf. Smaller distances are nearer: squared for "l2", negated for "ip", 1 - cos for "cosine".

ef
    For graphs: candidates kept while walking; more finds more and takes longer. Raised to k. Flat is exact without it.
nprobe
    For IVF: lists looked at; more finds more and takes longer.
refine
    For codes that are refined ("...,RFlat"): a row is looked at again unless it would have to be so many standard deviations
    of its code's error nearer than it seems to be among the k nearest.
patience
    For IVF: a search ends before nprobe lists once about so many in a row held none of the nearest rows, the fewer, the farther
    away the next one is. As many rows are found by comparing fewer. Give it with an nprobe that is some times as large; 0: never.
threads
    For several queries at once; 0: all. A single query runs on the calling thread.
filter
    Which ids may be answered: an array of ids, a boolean mask (id i where mask[i]), a callable(id) -> bool that is asked
    once for every id, or a RowFilter from `prepare`.
timeout
    Seconds, after which what was found so far is answered. Inverted lists go through a batch up to 1,024 queries at a time (4,096
    over rows as given or of 8 bits): these end together, and those that were not begun with have no answer.
with_outcomes
    Also return an array with the fields complete, truncated, exact, hops, distances and refined, one record a query. Without it
    an answer that the timeout cut short comes with an IncompleteWarning.
element
    As in `build`.

The interpreter lock is released while searching; any number of threads may search one index.)";

const char* const range_search_doc =
    R"(range_search(self, queries, radius, cap=10000, ef=64, threads=1, filter=None, timeout=None, with_outcomes=False, *, nprobe=16, refine=3.0, element=None)
--

All rows within `radius` of each query: (offsets, ids, distances).

Query q's answers are ids[offsets[q]:offsets[q + 1]], nearest first. `radius` is a distance as `search` returns it (for
"l2": squared). At most `cap` rows are answered for a query, the nearest of them; where there were more, `truncated` is
set in the outcomes, or there is an IncompleteWarning when the outcomes were not asked for. The other arguments are
those of `search`.)";

const char* const prepare_doc = R"(prepare(self, filter)
--

Translate a filter (ids, a boolean mask, or a callable(id) -> bool) for this index once, for any number of searches.

Where the index grows: ids that are listed pass whenever they come. A mask and a callable speak of the ids that are there
now; none that comes later passes.)";

namespace {

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

}  // namespace

Rows rows_that_fit(const Index& index, const char* argument, py::handle rows, py::handle element) {
    Rows table = rows_of(rows, {.argument = argument,
                                .stated = element_of(element),
                                .packed_bits = index.element() == Element::bits,
                                .mend = index.accepts(Element::float32) ? Element::float32 : index.element(),
                                .single_allowed = true});
    if (!index.accepts(table.view.element())) {
        wrong_type(std::string(argument) + ": expected " + std::string(name(index.element())) +
                   ", as the index takes, got " + std::string(name(table.view.element())));
    }
    return table;
}

py::tuple search(const PooledIndex& self, py::handle queries, py::handle k, py::handle ef, py::handle thread_count,
                 py::handle filter, py::handle timeout, bool with_outcomes, py::handle nprobe, py::handle refine,
                 py::handle patience, py::handle element) {
    const Index& index = self.index();
    SearchOptions options;
    options.deadline = deadline(timeout);
    options.k = whole_number(k, "k");
    options.ef = whole_number(ef, "ef");
    options.nprobe = whole_number(nprobe, "nprobe");
    options.refine = static_cast<float>(real_number(refine, "refine"));
    options.patience = static_cast<float>(real_number(patience, "patience"));
    options.threads = threads(thread_count);
    const Rows rows = rows_that_fit(index, "queries", queries, element);
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
                       py::handle nprobe, py::handle refine, py::handle element) {
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
    options.nprobe = whole_number(nprobe, "nprobe");
    options.refine = static_cast<float>(real_number(refine, "refine"));
    options.threads = threads(thread_count);
    const Rows rows = rows_that_fit(index, "queries", queries, element);
    std::shared_ptr<const PreparedFilter> keep;
    options.filter = filter_of(index, filter, keep);
    auto answers = [&] {
        const py::gil_scoped_release unlock;
        return index.range_search(rows.view, options);
    }();
    return tuple_of(std::move(answers).value(), with_outcomes);
}

py::dict parts(const Index& index) {
    py::dict all;
    for (const IndexPart& part : index.parts()) all[py::str(part.name)] = part.bytes;
    return all;
}

std::string representation(const char* type, const Index& index) {
    return "<tonari." + std::string(type) + " \"" + index.spec() + "\": " + std::to_string(index.size()) + " rows x " +
           std::to_string(index.dim()) + " " + std::string(name(index.element())) + ", metric " +
           std::string(name(index.metric())) + ", " + std::to_string(index.bytes()) + " bytes>";
}

}  // namespace tonari::python
