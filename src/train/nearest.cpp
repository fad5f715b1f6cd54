#include "train/nearest.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>

#include <tonari/core/cache_line.hpp>
#include <tonari/core/ordered_key.hpp>

namespace tonari::train {
namespace {

constexpr std::size_t panel_width = simd::block_queries;
constexpr std::size_t group_bytes = std::size_t{512} << 10;  // of panels: a quarter of a common L2 cache
constexpr std::size_t most_panels = 32;
constexpr std::size_t block_bytes = std::size_t{256} << 10;  // of centroids, beside them
/// Of a block: its distances take 15 KB. A multiple of the rows that kernels take at once.
constexpr std::size_t most_block_rows = 120;
constexpr float infinity = std::numeric_limits<float>::infinity();

}  // namespace

Result<NearestCentroids> NearestCentroids::create(MetricKind metric, Dim dim, std::size_t most, const Threads& threads,
                                                  std::size_t most_among) {
    NearestCentroids made;
    made.kernels_ = simd::kernels().of(metric, Element::float32);
    made.threads_ = threads;
    made.metric_ = metric;
    made.dim_ = dim;
    made.norms_.resize(metric == MetricKind::l2 ? most : 0);
    const std::size_t row = row_bytes(Element::float32, dim);
    const bool blocked = made.kernels_.block != nullptr;
    made.panel_stride_ = blocked ? whole_lines(made.kernels_.panel_bytes(dim)) : panel_width * row;
    made.group_panels_ = std::clamp<std::size_t>(group_bytes / made.panel_stride_, 1, most_panels);
    made.block_rows_ = std::clamp<std::size_t>(block_bytes / row / 12 * 12, 12, most_block_rows);
    made.workers_.resize(resolve_threads(threads));
    for (Worker& worker : made.workers_) {
        if (blocked) {
            auto panels = AlignedBuffer::allocate(made.group_panels_ * made.panel_stride_);
            if (!panels) return std::move(panels).error();
            worker.panels = *std::move(panels);
        }
        worker.wide.resize(panel_width * dim);
        worker.best.resize(made.group_panels_ * panel_width);
        worker.which.resize(made.group_panels_ * panel_width);
        if (!blocked) continue;
        worker.among.resize(std::min(most, most_among) * dim);
        worker.among_norms.resize(made.norms_.empty() ? 0 : std::min(most, most_among));
    }
    return made;
}

void NearestCentroids::set(std::span<const float> centroids, std::span<const float> prices) noexcept {
    centroids_ = centroids;
    prices_ = prices;
    if (metric_ != MetricKind::l2) return;
    for (std::size_t c = 0; c < centroids.size() / dim_; ++c) {
        norms_[c] = simd::kernels().squared_norm[0](centroids.data() + c * dim_, dim_);
        if (!prices.empty()) norms_[c] += prices[c];
    }
}

bool NearestCentroids::find(const FloatRows& rows, std::size_t first, std::span<std::uint32_t> nearest) {
    std::atomic<bool> changed{false};
    // Groups shrink where there are more threads than full ones.
    const std::size_t share = (nearest.size() + workers_.size() - 1) / workers_.size();
    const std::size_t panels = std::clamp<std::size_t>((share + panel_width - 1) / panel_width, 1, group_panels_);
    parallel_for(threads_, nearest.size(), panels * panel_width, [&](std::size_t from, std::size_t to, unsigned at) {
        Worker& worker = workers_[at];
        start(worker);
        if (kernels_.block != nullptr) {
            pack(worker, rows, first + from, to - from);
            compare(worker, (to - from + panel_width - 1) / panel_width, centroids_, norms_);
        } else {
            compare_plainly(worker, rows, first + from, to - from);
        }
        const std::span<std::uint32_t> out = nearest.subspan(from, to - from);
        if (std::equal(out.begin(), out.end(), worker.which.begin())) return;
        std::copy_n(worker.which.begin(), out.size(), out.begin());
        changed.store(true, std::memory_order_relaxed);
    });
    return changed.load();
}

bool NearestCentroids::find_among(unsigned at, const FloatRows& rows, std::span<const RowId> some,
                                  std::span<const std::uint32_t> among, std::span<std::uint32_t> nearest) noexcept {
    Worker& worker = workers_[at];
    for (std::size_t c = 0; c < among.size(); ++c) {
        std::copy_n(centroids_.data() + std::size_t{among[c]} * dim_, dim_, worker.among.data() + c * dim_);
        if (!norms_.empty()) worker.among_norms[c] = norms_[among[c]];
    }
    const auto centroids = std::span<const float>(worker.among).first(among.size() * dim_);
    bool changed = false;
    for (std::size_t from = 0; from < some.size(); from += group_panels_ * panel_width) {
        const auto group = some.subspan(from, std::min(group_panels_ * panel_width, some.size() - from));
        start(worker);
        for (std::size_t i = 0; i < group.size(); i += panel_width) {
            const std::size_t width = std::min(panel_width, group.size() - i);
            for (std::size_t q = 0; q < width; ++q) rows.read(group[i + q], worker.wide.data() + q * dim_);
            kernels_.pack(worker.wide.data(), row_bytes(Element::float32, dim_), width, dim_,
                          worker.panels.data() + i / panel_width * panel_stride_);
        }
        compare(worker, (group.size() + panel_width - 1) / panel_width, centroids, worker.among_norms);
        for (std::size_t i = 0; i < group.size(); ++i) {
            const std::uint32_t found = among[worker.which[i]];
            changed = changed || nearest[group[i]] != found;
            nearest[group[i]] = found;
        }
    }
    return changed;
}

void NearestCentroids::start(Worker& worker) const noexcept {
    std::fill(worker.best.begin(), worker.best.end(), infinity);
    std::fill(worker.which.begin(), worker.which.end(), 0U);
}

void NearestCentroids::pack(Worker& worker, const FloatRows& rows, std::size_t first,
                            std::size_t count) const noexcept {
    for (std::size_t i = 0; i < count; i += panel_width) {
        const std::size_t width = std::min(panel_width, count - i);
        const FloatRows::Block block = rows.block(first + i, width, worker.wide.data());
        kernels_.pack(block.data, block.stride, width, dim_, worker.panels.data() + i / panel_width * panel_stride_);
    }
}

void NearestCentroids::compare(Worker& worker, std::size_t panels, std::span<const float> all,
                               std::span<const float> norms) const noexcept {
    alignas(64) std::array<float, most_block_rows * panel_width> distances;  // NOLINT: the kernel writes it
    const std::size_t centroids = all.size() / dim_;
    for (std::size_t c = 0; c < centroids; c += block_rows_) {
        const std::size_t count = std::min(block_rows_, centroids - c);
        const auto* block = reinterpret_cast<const std::byte*>(all.data() + c * dim_);
        for (std::size_t p = 0; p < panels; ++p) {
            kernels_.block(worker.panels.data() + p * panel_stride_, panel_width, block,
                           row_bytes(Element::float32, dim_), count, dim_, norms.empty() ? nullptr : norms.data() + c,
                           distances.data());
            simd::kernels().block_nearest(distances.data(), count, static_cast<std::uint32_t>(c),
                                          worker.best.data() + p * panel_width, worker.which.data() + p * panel_width);
        }
    }
}

void find_near(std::span<const float> centroids, Dim dim, std::size_t count, const Threads& threads,
               std::vector<std::uint32_t>& out) {
    const std::size_t clusters = centroids.size() / dim;
    const auto distances = simd::kernels().of(MetricKind::l2, Element::float32).scan;
    out.resize(clusters * count);
    std::vector<std::vector<OrderedKey>> scratch(resolve_threads(threads), std::vector<OrderedKey>(clusters));
    parallel_for(threads, clusters, 16, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::vector<OrderedKey>& ranked = scratch[worker];
        for (std::size_t c = first; c < last; ++c) {
            std::array<float, 64> some;  // NOLINT(cppcoreguidelines-pro-type-member-init): the kernel writes it
            for (std::size_t from = 0; from < clusters; from += some.size()) {
                const std::size_t block = std::min(some.size(), clusters - from);
                distances(centroids.data() + c * dim, reinterpret_cast<const std::byte*>(centroids.data() + from * dim),
                          row_bytes(Element::float32, dim), block, dim, some.data());
                for (std::size_t i = 0; i < block; ++i) {
                    ranked[from + i] = make_key(some[i], static_cast<RowId>(from + i));
                }
            }
            const auto nearest = ranked.begin() + static_cast<std::ptrdiff_t>(count);
            std::nth_element(ranked.begin(), nearest - 1, ranked.end());
            std::uint32_t* const to = out.data() + c * count;
            for (std::size_t i = 0; i < count; ++i) to[i] = row_of(ranked[i]);
            std::sort(to, to + count);
        }
    });
}

/// The level that has no block kernels.
void NearestCentroids::compare_plainly(Worker& worker, const FloatRows& rows, std::size_t first,
                                       std::size_t count) const noexcept {
    std::array<float, most_block_rows> distances;  // NOLINT: the kernel writes it
    const std::size_t centroids = centroids_.size() / dim_;
    for (std::size_t i = 0; i < count; ++i) {
        rows.read(first + i, worker.wide.data());
        for (std::size_t c = 0; c < centroids; c += block_rows_) {
            const std::size_t width = std::min(block_rows_, centroids - c);
            kernels_.scan(worker.wide.data(), reinterpret_cast<const std::byte*>(centroids_.data() + c * dim_),
                          row_bytes(Element::float32, dim_), width, dim_, distances.data());
            for (std::size_t j = 0; j < width; ++j) {
                if (!prices_.empty()) distances[j] += prices_[c + j];
                if (!(distances[j] < worker.best[i])) continue;
                worker.best[i] = distances[j];
                worker.which[i] = static_cast<std::uint32_t>(c + j);
            }
        }
    }
}

}  // namespace tonari::train
