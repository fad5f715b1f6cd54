// Exact search over many queries: groups of them, each one thread's, against all rows.
//
//     for each block of rows:                     read from memory once per group of queries
//       for each panel of 32 queries:             rows below a query's limit -> that query's k nearest, and a new limit
//
// A group's packed queries stay in the L2 cache, and so does a block.
#include <tonari/index/exact_batch.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <tonari/core/cache_line.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/answer_ids.hpp>

namespace tonari {
namespace {

constexpr std::size_t width = QueryPanels::width;
constexpr std::size_t panels_per_group = 32;
constexpr std::size_t block_bytes = std::size_t{512} << 10;  // of rows: a quarter of a common L2 cache
constexpr std::size_t most_rows = 512;                       // of a block

/// Prepares a query of the batch.
using PrepareQuery = std::function<void(RowView query, std::byte* prepared)>;

/// All of some rows, or a few of them.
struct ComparedRows : ExactRows {
    /// `some`: these alone, ascending.
    ComparedRows(const ExactRows& all, const std::vector<RowId>* some) noexcept : ExactRows(all), some_(some) {}

    [[nodiscard]] bool all() const noexcept { return some_ == nullptr; }
    [[nodiscard]] std::size_t count() const noexcept { return all() ? rows : some_->size(); }
    [[nodiscard]] RowId row(std::size_t i) const noexcept { return all() ? static_cast<RowId>(i) : (*some_)[i]; }
    [[nodiscard]] const std::byte* code(std::size_t i) const noexcept {
        return codes + std::size_t{row(i)} * kind.code_size;
    }

private:
    const std::vector<RowId>* some_;
};

/// Some queries of the batch, and the nearest rows of each.
class Group {
public:
    Group(const ComparedRows& rows, MatrixView queries, const PrepareQuery& prepare, std::size_t k)
        : rows_(rows), queries_(queries.rows()), prepared_(queries_ * query_stride()), nearest_(queries_) {
        for (std::size_t q = 0; q < queries_; ++q) {
            prepare(queries.row(q), query(q));
            nearest_[q].reset(k);
            if (rows_.factor_at == 0) continue;
            factors_.resize(queries_);
            std::memcpy(&factors_[q], query(q) + rows_.factor_at, sizeof(float));
        }
    }

    Status allocate() {
        const std::size_t fit = block_bytes / rows_.kind.code_size / simd::tile_rows * simd::tile_rows;
        const std::size_t block = std::clamp(fit, simd::tile_rows, most_rows);
        auto panels = QueryPanels::create(rows_.kind, (queries_ + width - 1) / width, block, rows_.all() ? 0 : block);
        if (!panels) return std::move(panels).error();
        panels_ = *std::move(panels);
        std::vector<const std::byte*> some;
        for (std::size_t first = 0; first < queries_; first += width) {
            some.clear();
            for (std::size_t q = first; q < std::min(first + width, queries_); ++q) some.push_back(query(q));
            panels_.pack(first / width, some);
        }
        if (!rows_.all()) codes_.reserve(block);
        return {};
    }

    /// False when the deadline passed first.
    bool run(const Deadline& deadline) {
        for (std::size_t first = 0; first < rows_.count(); first += panels_.most_rows()) {
            take(first, std::min(panels_.most_rows(), rows_.count() - first));
            for (std::size_t p = 0; p < panels_.panels(); ++p) compare(p, first);
            if (deadline.expired()) return false;
        }
        return true;
    }

    void write(std::size_t first_query, const IdMap& ids, bool complete, Answers& out) {
        std::vector<Neighbor> neighbors;
        neighbors.reserve(std::min(out.k, rows_.count()));
        for (std::size_t q = 0; q < queries_; ++q) {
            answer_ids(ids, nearest_[q].sort(), out.k, nullptr, neighbors);
            const std::size_t at = (first_query + q) * out.k;
            for (std::size_t i = 0; i < neighbors.size(); ++i) {
                out.ids[at + i] = neighbors[i].id;
                out.distances[at + i] = neighbors[i].distance;
            }
            out.counts[first_query + q] = static_cast<std::uint32_t>(neighbors.size());
            Outcome& outcome = out.outcomes[first_query + q];
            outcome.complete = complete;
            outcome.exact = complete;
            outcome.distances = static_cast<std::uint32_t>(rows_.count());
        }
    }

private:
    [[nodiscard]] std::size_t query_stride() const noexcept { return whole_lines(rows_.kind.query_size); }
    [[nodiscard]] std::byte* query(std::size_t q) noexcept { return prepared_.data() + q * query_stride(); }

    void take(std::size_t first, std::size_t count) {
        if (rows_.all()) return panels_.take(CodeBlock{rows_.code(first), rows_.kind.code_size, count});
        codes_.clear();
        for (std::size_t i = first; i < first + count; ++i) codes_.push_back(rows_.code(i));
        panels_.take(codes_);
    }
    /// The rows that were taken, of which the first is row `first`.
    void compare(std::size_t p, std::size_t first) noexcept {
        QueryPanels::Limits limits;
        limits.fill(-std::numeric_limits<float>::infinity());
        for (std::size_t q = p * width; q < std::min((p + 1) * width, queries_); ++q) limits[q % width] = limit(q);
        panels_.compare(p, limits, [&](std::size_t q, std::size_t i, float distance) {
            q += p * width;
            if (rows_.factor_at > 0) distance = ScaledScorer::scaled(distance, factors_[q]);
            nearest_[q].offer(distance, rows_.row(first + i));
            return limit(q);
        });
    }
    /// Only a kernel's distance below it can belong to one of the k nearest: of equal distances, the rows that came first stay.
    [[nodiscard]] float limit(std::size_t q) const noexcept {
        const float bound = nearest_[q].bound();
        return rows_.factor_at > 0 ? ScaledScorer::unscaled(bound, factors_[q]) : bound;
    }

    const ComparedRows& rows_;
    std::size_t queries_;
    std::vector<std::byte> prepared_;
    std::vector<TopK> nearest_;
    std::vector<float> factors_;  // of rounded rows
    QueryPanels panels_;
    std::vector<const std::byte*> codes_;  // of scattered rows
};

}  // namespace

bool suits_exact_batch(const ExactRows& rows, std::size_t queries) noexcept {
    constexpr std::size_t worth_packing = 4;
    return queries >= worth_packing && QueryPanels::suits(rows.kind);
}

Result<bool> exact_batch(const ExactRows& rows, const IdMap& ids, MatrixView queries, const PrepareQuery& prepare,
                         const SearchOptions& options, Answers& out) {
    if (!suits_exact_batch(rows, queries.rows())) return false;
    std::vector<RowId> passing;
    if (options.filter != nullptr) {
        passing.reserve(options.filter->passing);
        options.filter->rows.for_each([&](RowId row) { passing.push_back(row); });
    }
    const ComparedRows compared(rows, options.filter == nullptr ? nullptr : &passing);
    const std::size_t k = std::min(options.k, rows.rows);
    const std::size_t panels = (queries.rows() + width - 1) / width;
    const std::size_t share = (panels + resolve_threads(options.threads) - 1) / resolve_threads(options.threads);
    const std::size_t grain = std::clamp<std::size_t>(share, 1, panels_per_group);
    std::vector<Status> failed((panels + grain - 1) / grain);
    std::atomic<bool> no_memory{false};
    parallel_for(options.threads, failed.size(), 1, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t g = from; g < to; ++g) {
            const std::size_t first = g * grain * width;
            const std::size_t count = std::min(grain * width, queries.rows() - first);
            try {  // out of a thread no exception finds its way
                Group group(compared, queries.slice(first, count), prepare, k);
                failed[g] = group.allocate();
                if (failed[g]) group.write(first, ids, group.run(options.deadline), out);
            } catch (const std::bad_alloc&) {
                no_memory = true;
            }
        }
    });
    for (Status& status : failed) {
        if (!status) return std::move(status).error();
    }
    if (no_memory) throw std::bad_alloc();  // on the calling thread, for the door to say
    return true;
}

}  // namespace tonari
