// Index and Searcher: the door. What is asked is checked here once; behind it nothing is.
#include <tonari/index/index.hpp>

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>
#include <stdexcept>

#include <tonari/index/index_model.hpp>
#include <tonari/index/row_check.hpp>

namespace tonari {
namespace {

Status check_shape(const IndexModel& model, Element element, Dim dim) {
    if (dim != model.dim()) {
        return Error{ErrorCode::invalid_argument, "expected queries of " + std::to_string(model.dim()) +
                                                      " dimensions, as the index has, got " + std::to_string(dim)};
    }
    if (!model.accepts(element)) {
        return Error{ErrorCode::invalid_argument, "expected " + std::string(name(model.element())) +
                                                      " queries, as the index stores, got " +
                                                      std::string(name(element))};
    }
    return {};
}

Status check_values(const IndexModel& model, RowView query) {
    Status finite = check_finite(query, "the query");
    if (!finite || model.metric() != MetricKind::cosine) return finite;
    return check_direction(query, "the query");
}
Status check_values(const IndexModel& model, MatrixView queries, const Threads& threads) {
    Status finite = check_finite(queries, "queries", threads);
    if (!finite || model.metric() != MetricKind::cosine) return finite;
    return check_direction(queries, queries.element(), "queries", threads);
}

Status check_filter(const IndexModel& model, const RowFilter* filter) {
    if (filter == nullptr || filter->index.get() == &model) return {};
    return Error{ErrorCode::invalid_argument, "expected a filter that this index (" +
                                                  std::to_string(model.ids().rows()) + " rows) prepared, got one for " +
                                                  std::to_string(filter->rows.rows()) +
                                                  " rows of another; call prepare of the index that is searched"};
}

Status check_positive(std::size_t value, const char* what) {
    if (value > 0) return {};
    return Error{ErrorCode::invalid_argument, std::string("expected ") + what + " of at least 1, got 0"};
}

Status check(const IndexModel& model, const SearchOptions& options) {
    if (Status s = check_positive(options.k, "k"); !s) return s;
    if (Status s = check_positive(options.ef, "ef"); !s) return s;
    return check_filter(model, options.filter);
}

Status check(const IndexModel& model, const RangeOptions& options) {
    if (Status s = check_positive(options.cap, "cap"); !s) return s;
    if (Status s = check_positive(options.ef, "ef"); !s) return s;
    if (options.radius != options.radius) return Error{ErrorCode::invalid_argument, "expected a radius, got NaN"};
    return check_filter(model, options.filter);
}

Error no_memory(const char* what) {
    return {ErrorCode::out_of_memory,
            std::string("no memory for ") + what + ": ask for fewer neighbours or fewer queries at once"};
}

/// One thread's part of a batch, one query at a time.
class Lane {
public:
    explicit Lane(const IndexModel& model) : model_(&model) {}
    template <class Options>
    Status reserve(const Options& options) {
        return model_->reserve(options, scratch_);
    }
    void search(RowView query, std::size_t q, const SearchOptions& options, Answers& out) noexcept {
        out.outcomes[q] = model_->search(query, options, scratch_);
        out.counts[q] = static_cast<std::uint32_t>(scratch_.neighbors.size());
        for (std::size_t i = 0; i < scratch_.neighbors.size(); ++i) {
            out.ids[q * out.k + i] = scratch_.neighbors[i].id;
            out.distances[q * out.k + i] = scratch_.neighbors[i].distance;
        }
    }
    /// False when there is no memory for a copy of the answer.
    bool range(RowView query, const RangeOptions& options, Outcome& outcome, std::vector<Neighbor>& out) noexcept try {
        outcome = model_->range_search(query, options, scratch_);
        out = scratch_.neighbors;
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }

private:
    const IndexModel* model_;
    SearchScratch scratch_;
};

template <class Options>
Result<std::vector<std::unique_ptr<Lane>>> lanes_for(const IndexModel& model, std::size_t queries,
                                                     const Options& options) {
    const std::size_t count =
        std::min<std::size_t>(resolve_threads(options.threads), std::max<std::size_t>(queries, 1));
    std::vector<std::unique_ptr<Lane>> lanes;
    for (std::size_t i = 0; i < count; ++i) {
        lanes.push_back(std::make_unique<Lane>(model));
        if (Status s = lanes.back()->reserve(options); !s) return s;
    }
    return lanes;
}

/// At most as many threads as there are queries.
Threads at_most(Threads threads, std::size_t queries) {
    threads.count =
        static_cast<unsigned>(std::min<std::size_t>(resolve_threads(threads), std::max<std::size_t>(queries, 1)));
    return threads;
}

constexpr std::size_t queries_per_piece = 8;

}  // namespace

IndexModel::~IndexModel() = default;

Result<Nearest> Searcher::operator()(RowView query, const SearchOptions& options) & {
    if (Status s = check_shape(*index_, query.element(), query.dim()); !s) return s;
    if (Status s = check(*index_, options); !s) return s;
    if (Status s = check_values(*index_, query); !s) return s;
    try {
        if (Status s = index_->reserve(options, scratch_); !s) return s;
    } catch (const std::bad_alloc&) {
        return no_memory("the search");
    }
    const Outcome outcome = index_->search(query, options, scratch_);
    return Nearest{scratch_.neighbors, outcome};
}

Result<Nearest> Searcher::range(RowView query, const RangeOptions& options) & {
    if (Status s = check_shape(*index_, query.element(), query.dim()); !s) return s;
    if (Status s = check(*index_, options); !s) return s;
    if (Status s = check_values(*index_, query); !s) return s;
    try {
        if (Status s = index_->reserve(options, scratch_); !s) return s;
    } catch (const std::bad_alloc&) {
        return no_memory("the range search");
    }
    const Outcome outcome = index_->range_search(query, options, scratch_);
    return Nearest{scratch_.neighbors, outcome};
}

std::size_t Index::size() const noexcept { return model_->ids().size(); }
Dim Index::dim() const noexcept { return model_->dim(); }
Element Index::element() const noexcept { return model_->element(); }
MetricKind Index::metric() const noexcept { return model_->metric(); }
std::string Index::spec() const { return to_string(model_->spec()); }
std::vector<IndexPart> Index::parts() const { return model_->parts(); }
bool Index::accepts(Element query) const noexcept { return model_->accepts(query); }

std::size_t Index::bytes() const {
    std::size_t sum = 0;
    for (const IndexPart& part : parts()) sum += part.bytes;
    return sum;
}

Result<RowFilter> Index::prepare(const Filter& filter) const {
    if (!filter.usable()) return Error{ErrorCode::invalid_argument, "filter: expected a predicate, got an empty one"};
    try {
        auto rows = model_->ids().translate(filter);
        if (rows) rows->index = model_;
        return rows;
    } catch (const std::bad_alloc&) {
        return no_memory("the filter");
    }
}

Result<Answers> Index::search(MatrixView queries, const SearchOptions& options) const {
    if (Status s = check_shape(*model_, queries.element(), queries.dim()); !s) return s;
    if (Status s = check(*model_, options); !s) return s;
    const Threads threads = at_most(options.threads, queries.rows());
    try {
        if (Status s = check_values(*model_, queries, threads); !s) return s;
        Answers out;
        out.queries = queries.rows();
        out.k = options.k;
        if (options.k >
            std::numeric_limits<std::size_t>::max() / sizeof(Id) / std::max<std::size_t>(queries.rows(), 1)) {
            return no_memory("the answers");
        }
        out.ids.assign(queries.rows() * options.k, no_id);
        out.distances.assign(queries.rows() * options.k, std::numeric_limits<float>::infinity());
        out.counts.assign(queries.rows(), 0);
        out.outcomes.assign(queries.rows(), {});
        SearchOptions within = options;
        within.threads = threads;
        auto answered = model_->search_batch(queries, within, out);
        if (!answered) return std::move(answered).error();
        if (*answered) return out;
        auto lanes = lanes_for(*model_, queries.rows(), within);
        if (!lanes) return std::move(lanes).error();
        parallel_for(threads, queries.rows(), queries_per_piece,
                     [&](std::size_t first, std::size_t last, unsigned worker) {
                         for (std::size_t q = first; q < last; ++q)
                             (*lanes)[worker]->search(queries.row(q), q, within, out);
                     });
        return out;
    } catch (const std::bad_alloc&) {
        return no_memory("the answers");
    } catch (const std::length_error&) {
        return no_memory("the answers");
    }
}

Result<RangeAnswers> Index::range_search(MatrixView queries, const RangeOptions& options) const {
    if (Status s = check_shape(*model_, queries.element(), queries.dim()); !s) return s;
    if (Status s = check(*model_, options); !s) return s;
    const Threads threads = at_most(options.threads, queries.rows());
    try {
        if (Status s = check_values(*model_, queries, threads); !s) return s;
        RangeOptions within = options;
        within.threads = threads;
        auto lanes = lanes_for(*model_, queries.rows(), within);
        if (!lanes) return std::move(lanes).error();
        std::vector<std::vector<Neighbor>> found(queries.rows());
        RangeAnswers out;
        out.outcomes.assign(queries.rows(), {});
        std::atomic<bool> failed{false};
        parallel_for(threads, queries.rows(), queries_per_piece,
                     [&](std::size_t first, std::size_t last, unsigned worker) {
                         for (std::size_t q = first; q < last; ++q) {
                             if (!(*lanes)[worker]->range(queries.row(q), within, out.outcomes[q], found[q]))
                                 failed = true;
                         }
                     });
        if (failed) return no_memory("the answers");
        out.offsets.push_back(0);
        for (const std::vector<Neighbor>& neighbors : found) {
            for (const Neighbor& neighbor : neighbors) {
                out.ids.push_back(neighbor.id);
                out.distances.push_back(neighbor.distance);
            }
            out.offsets.push_back(out.ids.size());
        }
        return out;
    } catch (const std::bad_alloc&) {
        return no_memory("the answers");
    }
}

Status Index::save(SectionWriter& writer) const { return model_->save(writer); }

}  // namespace tonari
