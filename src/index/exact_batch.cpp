// Exact search in blocks: rows x queries.
//
//     for each group of panels (one thread's):      its packed queries stay in the L2 cache
//       for each block of rows:                     read from memory once per group
//         for each panel of 32 queries:             block kernel -> estimates
//           for each estimate below a query's limit: exact distance -> that query's k nearest
#include <tonari/index/exact_batch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include <tonari/codec/scaled_scorer.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {
namespace {

constexpr std::size_t panel_width = simd::block_queries;
constexpr std::size_t panels_per_group = 32;
/// Half precision is widened to float32 block by block.
Element block_element(Element stored) noexcept {
    return stored == Element::float16 || stored == Element::bfloat16 ? Element::float32 : stored;
}
bool has_block(const ExactRows& rows) noexcept {
    return simd::kernels().of(rows.metric, block_element(rows.element)).block != nullptr;
}

constexpr std::size_t block_bytes = std::size_t{512} << 10;  // of rows: a quarter of a common L2 cache
/// Rows whose estimates meet the same limits, before those that entered lower them.
constexpr std::size_t refined_rows = 64;

/// One thread's share: up to `panels_per_group` panels of queries against all rows.
class Group {
public:
    Group(const ExactRows& rows, MatrixView queries, const std::function<void(RowView, std::byte*)>& prepare,
          std::size_t k)
        : rows_(rows),
          exact_(simd::kernels().of(rows.metric, rows.element)),
          queries_(queries),
          widen_(block_element(rows.element) != rows.element),
          block_(simd::kernels().of(rows.metric, block_element(rows.element))),
          prepared_(queries.rows() * query_stride()),
          nearest_(queries.rows()) {
        for (std::size_t q = 0; q < queries.rows(); ++q) {
            prepare(queries.row(q), query(q));
            nearest_[q].reset(k);
        }
        block_rows_ = std::clamp<std::size_t>(block_bytes / row_stride(), 16, 512);
    }

    Status allocate() {
        panel_stride_ = (block_.panel_bytes(rows_.dim) + 63) / 64 * 64;
        const std::size_t panels = (queries_.rows() + panel_width - 1) / panel_width;
        auto panel = AlignedBuffer::allocate(panels * panel_stride_);
        if (!panel) return std::move(panel).error();
        panels_ = *std::move(panel);
        if (widen_) {
            auto wide = AlignedBuffer::allocate(block_rows_ * row_stride());
            if (!wide) return std::move(wide).error();
            wide_ = *std::move(wide);
        }
        for (std::size_t p = 0; p < panels; ++p) {
            const std::size_t first = p * panel_width;
            block_.pack(query(first), query_stride(), std::min(panel_width, queries_.rows() - first), rows_.dim,
                        panels_.data() + p * panel_stride_);
        }
        if (bounded()) {
            for (std::size_t q = 0; q < queries_.rows(); ++q) query_norms_.push_back(squared_norm(query(q)));
        }
        if (rows_.factor_at > 0) {
            factors_.resize(queries_.rows());
            for (std::size_t q = 0; q < queries_.rows(); ++q)
                std::memcpy(&factors_[q], query(q) + rows_.factor_at, sizeof(float));
        }
        return {};
    }

    /// False when the deadline passed first.
    bool run(const Deadline& deadline) {
        for (std::size_t first = 0; first < rows_.rows; first += block_rows_) {
            compare(first, std::min(block_rows_, rows_.rows - first));
            if (deadline.expired()) return false;
        }
        return true;
    }

    void write(std::size_t first_query, const IdMap& ids, bool complete, Answers& out) {
        for (std::size_t q = 0; q < queries_.rows(); ++q) {
            const auto keys = nearest_[q].sort();
            const std::size_t at = (first_query + q) * out.k;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                out.ids[at + i] = ids.id(row_of(keys[i]));
                out.distances[at + i] = distance_of(keys[i]);
            }
            out.counts[first_query + q] = static_cast<std::uint32_t>(keys.size());
            Outcome& outcome = out.outcomes[first_query + q];
            outcome.complete = complete;
            outcome.exact = complete;
            outcome.distances = static_cast<std::uint32_t>(rows_.rows);
        }
    }

private:
    [[nodiscard]] std::size_t query_stride() const noexcept { return (rows_.query_size + 63) / 64 * 64; }
    [[nodiscard]] std::byte* query(std::size_t q) noexcept { return prepared_.data() + q * query_stride(); }
    /// Bytes of a row as the block kernel sees it.
    [[nodiscard]] std::size_t row_stride() const noexcept { return widen_ ? rows_.query_size : rows_.code_size; }
    /// Integer products are exact; float32 ones carry an error.
    [[nodiscard]] bool bounded() const noexcept { return widen_ || rows_.element == Element::float32; }
    [[nodiscard]] float squared_norm(const std::byte* row) const noexcept {
        return simd::kernels().squared_norm[0](row, rows_.dim);
    }

    void compare(std::size_t first, std::size_t count) {
        const std::byte* block = widen_ ? widened(first, count) : rows_.codes + first * rows_.code_size;
        float largest_norm = 0;
        if (bounded()) {
            for (std::size_t i = 0; i < count; ++i) {
                row_norms_[i] = squared_norm(block + i * row_stride());
                largest_norm = std::max(largest_norm, row_norms_[i]);
            }
        }
        for (std::size_t q = 0; q < queries_.rows(); q += panel_width) {
            block_.block(panels_.data() + q / panel_width * panel_stride_, block, row_stride(), count, rows_.dim,
                         row_norms_.data(), estimates_.data());
            refine(first, count, q, std::min(panel_width, queries_.rows() - q), largest_norm);
        }
    }

    /// Looks again at the rows whose estimate may be among a query's nearest.
    void refine(std::size_t first, std::size_t count, std::size_t first_query, std::size_t panel, float largest_norm) {
        std::array<float, panel_width> limits;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        limits.fill(-std::numeric_limits<float>::infinity());
        for (std::size_t q = 0; q < panel; ++q) limits[q] = limit(first_query + q, largest_norm);
        for (std::size_t i = 0; i < count; i += refined_rows) {
            const float* estimates = estimates_.data() + i * panel_width;
            const std::size_t found =
                simd::kernels().block_below(estimates, std::min(refined_rows, count - i), limits.data(), hits_.data());
            for (const std::uint32_t hit : std::span(hits_).first(found)) {
                const std::size_t q = hit % panel_width;
                if (estimates[hit] >= limits[q]) continue;  // a row of this piece came between
                const std::size_t at = first + i + hit / panel_width;
                const std::byte* row = rows_.codes + at * rows_.code_size;
                float distance = 0;
                exact_.gather(query(first_query + q), &row, 1, rows_.dim, &distance);
                if (rows_.factor_at > 0) distance = ScaledScorer::scaled(distance, factors_[first_query + q]);
                nearest_[first_query + q].offer(distance, static_cast<RowId>(at));
                limits[q] = limit(first_query + q, largest_norm);
            }
        }
    }

    /// Only an estimate below it can belong to one of the k nearest: of equal distances, the rows that came first stay.
    [[nodiscard]] float limit(std::size_t q, float largest_norm) const noexcept {
        const float bound = nearest_[q].bound();
        if (rows_.factor_at > 0) return unscaled(bound, factors_[q]);
        if (!bounded()) return bound;
        const float scale = rows_.metric == MetricKind::cosine ? 1.0F : query_norms_[q] + largest_norm;
        return bound + simd::block_slack(Element::float32, rows_.dim) * scale;
    }

    /// No estimate from it on scales to less than `bound`: both roundings on the way are made good. Where products underflow,
    /// any may.
    static float unscaled(float bound, float factor) noexcept {
        if (factor < std::numeric_limits<float>::min()) return std::numeric_limits<float>::infinity();
        const float estimate = bound / factor;
        return std::isfinite(estimate) ? estimate + std::abs(estimate) * 0x1.0p-22F : estimate;
    }

    /// Half-precision rows as float32, with their inverse norms where they have them.
    const std::byte* widened(std::size_t first, std::size_t count) {
        const std::size_t values = std::size_t{rows_.dim} * sizeof(float);
        for (std::size_t i = 0; i < count; ++i) {
            const std::byte* row = rows_.codes + (first + i) * rows_.code_size;
            std::byte* out = wide_.data() + i * row_stride();
            simd::kernels().to_float32[static_cast<std::size_t>(rows_.element) - 1](row, reinterpret_cast<float*>(out),
                                                                                    rows_.dim);
            if (row_stride() > values) std::copy_n(row + rows_.code_size - sizeof(float), sizeof(float), out + values);
        }
        return wide_.data();
    }

    const ExactRows& rows_;
    const simd::DistanceKernels& exact_;
    MatrixView queries_;
    bool widen_;
    const simd::DistanceKernels& block_;
    std::vector<std::byte> prepared_;
    std::vector<TopK> nearest_;
    std::size_t block_rows_ = 0;
    std::size_t panel_stride_ = 0;
    AlignedBuffer panels_;
    AlignedBuffer wide_;
    std::vector<float> query_norms_;
    std::vector<float> factors_;  // of rounded rows
    std::array<float, 512> row_norms_{};
    alignas(64) std::array<float, 512 * panel_width> estimates_{};
    std::array<std::uint32_t, refined_rows * panel_width> hits_{};
};

}  // namespace

Result<bool> exact_batch(const ExactRows& rows, const IdMap& ids, MatrixView queries,
                         const std::function<void(RowView, std::byte*)>& prepare, const SearchOptions& options,
                         Answers& out) {
    constexpr std::size_t worth_packing = 4;
    if (queries.rows() < worth_packing || options.filter != nullptr || !has_block(rows)) return false;
    const std::size_t k = std::min(options.k, rows.rows);
    const std::size_t panels = (queries.rows() + panel_width - 1) / panel_width;
    const std::size_t share = (panels + resolve_threads(options.threads) - 1) / resolve_threads(options.threads);
    const std::size_t grain = std::clamp<std::size_t>(share, 1, panels_per_group);
    std::vector<Status> failed((panels + grain - 1) / grain);
    std::atomic<bool> no_memory{false};
    parallel_for(options.threads, failed.size(), 1, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t g = from; g < to; ++g) {
            const std::size_t first = g * grain * panel_width;
            const std::size_t count = std::min(grain * panel_width, queries.rows() - first);
            try {  // out of a thread no exception finds its way
                auto group = std::make_unique<Group>(rows, queries.slice(first, count), prepare, k);
                failed[g] = group->allocate();
                if (failed[g]) group->write(first, ids, group->run(options.deadline), out);
            } catch (const std::bad_alloc&) {
                no_memory = true;
            }
        }
    });
    for (const Status& status : failed) {
        if (!status) return status;
    }
    if (no_memory) throw std::bad_alloc();  // on the calling thread, for the door to say
    return true;
}

}  // namespace tonari
