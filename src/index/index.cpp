// Index and Searcher: the door. What is asked is checked here once; behind it nothing is.
#include <tonari/index/index.hpp>

#include <algorithm>
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
                                                      " queries, as the index takes, got " +
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
    const std::string others = filter->index == nullptr ? "" : " (" + std::to_string(filter->index->size()) + " ids)";
    return Error{ErrorCode::invalid_argument, "expected a filter that this index (" + std::to_string(model.size()) +
                                                  " ids) prepared, got another's" + others +
                                                  "; call prepare of the index that is searched"};
}

Status check_positive(std::size_t value, const char* what) {
    if (value > 0) return {};
    return Error{ErrorCode::invalid_argument, std::string("expected ") + what + " of at least 1, got 0"};
}

Status check_refine(float refine) {
    if (refine >= 0 && refine <= std::numeric_limits<float>::max()) return {};
    return Error{ErrorCode::invalid_argument,
                 "expected refine of 0 or more standard deviations, got " + std::to_string(refine)};
}

Status check(const IndexModel& model, const SearchOptions& options) {
    if (Status s = check_positive(options.k, "k"); !s) return s;
    if (Status s = check_positive(options.ef, "ef"); !s) return s;
    if (Status s = check_positive(options.nprobe, "nprobe"); !s) return s;
    if (Status s = check_refine(options.refine); !s) return s;
    if (!(options.patience >= 0 && options.patience <= std::numeric_limits<float>::max())) {
        return Error{ErrorCode::invalid_argument,
                     "expected patience of 0 or more lists, got " + std::to_string(options.patience)};
    }
    return check_filter(model, options.filter);
}

Status check(const IndexModel& model, const RangeOptions& options) {
    if (Status s = check_positive(options.cap, "cap"); !s) return s;
    if (Status s = check_positive(options.ef, "ef"); !s) return s;
    if (Status s = check_positive(options.nprobe, "nprobe"); !s) return s;
    if (Status s = check_refine(options.refine); !s) return s;
    if (options.radius != options.radius) return Error{ErrorCode::invalid_argument, "expected a radius, got NaN"};
    return check_filter(model, options.filter);
}

Error no_memory(const char* what) {
    return {ErrorCode::out_of_memory,
            std::string("no memory for ") + what + ": ask for fewer neighbours or fewer queries at once"};
}

/// One thread's part of a batch, one query at a time. After the first error the others are passed over.
class Lane {
public:
    explicit Lane(const IndexModel& model) : model_(&model) {}
    [[nodiscard]] const Status& status() const noexcept { return status_; }

    void search(RowView query, std::size_t q, const SearchOptions& options, Answers& out) noexcept {
        const Outcome* outcome = ask([&] { return model_->search(query, options, scratch_); });
        if (outcome == nullptr) return;
        out.outcomes[q] = *outcome;
        out.counts[q] = static_cast<std::uint32_t>(scratch_.neighbors.size());
        for (std::size_t i = 0; i < scratch_.neighbors.size(); ++i) {
            out.ids[q * out.k + i] = scratch_.neighbors[i].id;
            out.distances[q * out.k + i] = scratch_.neighbors[i].distance;
        }
    }
    void range(RowView query, const RangeOptions& options, Outcome& outcome, std::vector<Neighbor>& out) noexcept {
        const Outcome* found = ask([&] {
            auto answer = model_->range_search(query, options, scratch_);
            if (answer) out = scratch_.neighbors;
            return answer;
        });
        if (found != nullptr) outcome = *found;
    }

private:
    template <class Question>
    const Outcome* ask(const Question& question) noexcept {
        if (!status_) return nullptr;
        try {
            auto answer = question();
            if (answer) return &(outcome_ = *answer);
            status_ = std::move(answer).error();
        } catch (const std::bad_alloc&) {
            status_ = no_memory("the answers");
        }
        return nullptr;
    }

    const IndexModel* model_;
    SearchScratch scratch_;
    Outcome outcome_;
    Status status_;
};

std::vector<Lane> lanes_for(const IndexModel& model, const Threads& threads) {
    std::vector<Lane> lanes;
    lanes.reserve(resolve_threads(threads));
    for (unsigned i = 0; i < resolve_threads(threads); ++i) lanes.emplace_back(model);
    return lanes;
}

/// The first error of any lane.
Status status_of(const std::vector<Lane>& lanes) {
    for (const Lane& lane : lanes) {
        if (!lane.status()) return lane.status();
    }
    return {};
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
CursorModel::~CursorModel() = default;

Cursor::Cursor(std::shared_ptr<const IndexModel> index, std::unique_ptr<CursorModel> model) noexcept
    : index_(std::move(index)), model_(std::move(model)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&& other) noexcept {
    model_ = std::move(other.model_);  // before its index goes
    index_ = std::move(other.index_);
    answer_ = std::move(other.answer_);
    return *this;
}
Cursor::~Cursor() = default;

Result<Nearest> Cursor::next(std::size_t n, const Deadline& deadline) & {
    if (Status s = check_positive(n, "n"); !s) return s;
    if (model_ == nullptr) return Error{ErrorCode::invalid_argument, "expected a cursor, got one that was moved from"};
    try {
        const Outcome outcome = model_->next(n, deadline, answer_);
        return Nearest{answer_, outcome};
    } catch (const std::bad_alloc&) {
        return no_memory("the cursor");
    }
}
bool Cursor::done() const noexcept { return model_ == nullptr || model_->done(); }
std::size_t Cursor::late() const noexcept { return model_ == nullptr ? 0 : model_->late(); }

Result<Nearest> Searcher::operator()(RowView query, const SearchOptions& options) & {
    if (Status s = check_shape(*index_, query.element(), query.dim()); !s) return s;
    if (Status s = check(*index_, options); !s) return s;
    if (Status s = check_values(*index_, query); !s) return s;
    try {
        auto outcome = index_->search(query, options, scratch_);
        if (!outcome) return std::move(outcome).error();
        return Nearest{scratch_.neighbors, *outcome};
    } catch (const std::bad_alloc&) {
        return no_memory("the search");
    }
}

Result<Nearest> Searcher::range(RowView query, const RangeOptions& options) & {
    if (Status s = check_shape(*index_, query.element(), query.dim()); !s) return s;
    if (Status s = check(*index_, options); !s) return s;
    if (Status s = check_values(*index_, query); !s) return s;
    try {
        auto outcome = index_->range_search(query, options, scratch_);
        if (!outcome) return std::move(outcome).error();
        return Nearest{scratch_.neighbors, *outcome};
    } catch (const std::bad_alloc&) {
        return no_memory("the range search");
    }
}

std::size_t Index::size() const noexcept { return model_->size(); }
Dim Index::dim() const noexcept { return model_->dim(); }
Element Index::element() const noexcept { return model_->element(); }
MetricKind Index::metric() const noexcept { return model_->metric(); }
std::string Index::spec() const { return to_string(model_->spec()); }
std::vector<IndexPart> Index::parts() const { return model_->parts(); }
bool Index::accepts(Element query) const noexcept { return model_->accepts(query); }
std::optional<GraphSummary> Index::graph() const { return model_->graph(); }
std::optional<ListSummary> Index::lists() const { return model_->lists(); }
std::optional<HotCacheStats> Index::cache_stats() const { return model_->cache_stats(); }

std::size_t Index::bytes() const {
    std::size_t sum = 0;
    for (const IndexPart& part : parts()) sum += part.bytes;
    return sum;
}

Result<Cursor> Index::cursor(RowView query, const CursorOptions& options) const {
    if (Status s = check_shape(*model_, query.element(), query.dim()); !s) return s;
    if (Status s = check_positive(options.ef, "ef"); !s) return s;
    if (Status s = check_positive(options.nprobe, "nprobe"); !s) return s;
    if (Status s = check_filter(*model_, options.filter); !s) return s;
    if (Status s = check_values(*model_, query); !s) return s;
    try {
        auto cursor = model_->cursor(query, options);
        if (!cursor) return std::move(cursor).error();
        return Cursor(model_, *std::move(cursor));
    } catch (const std::bad_alloc&) {
        return no_memory("the cursor");
    }
}

Result<RowFilter> Index::prepare(const Filter& filter) const {
    if (!filter.usable()) return Error{ErrorCode::invalid_argument, "filter: expected a predicate, got an empty one"};
    try {
        auto rows = model_->translate(filter);
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
        std::vector<Lane> lanes = lanes_for(*model_, threads);
        parallel_for(threads, queries.rows(), queries_per_piece,
                     [&](std::size_t first, std::size_t last, unsigned worker) {
                         for (std::size_t q = first; q < last; ++q)
                             lanes[worker].search(queries.row(q), q, within, out);
                     });
        if (Status s = status_of(lanes); !s) return s;
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
        std::vector<Lane> lanes = lanes_for(*model_, threads);
        std::vector<std::vector<Neighbor>> found(queries.rows());
        RangeAnswers out;
        out.outcomes.assign(queries.rows(), {});
        parallel_for(threads, queries.rows(), queries_per_piece,
                     [&](std::size_t first, std::size_t last, unsigned worker) {
                         for (std::size_t q = first; q < last; ++q)
                             lanes[worker].range(queries.row(q), within, out.outcomes[q], found[q]);
                     });
        if (Status s = status_of(lanes); !s) return s;
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
