#include "train/lloyd.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari::train {
namespace {

constexpr std::size_t inertia_piece = 1024;          // rows that are summed together, whoever does it
constexpr std::size_t sampled_rows = 256;            // whose distances say what all are like
constexpr std::size_t slice = std::size_t{1} << 14;  // rows between two words of progress
constexpr std::size_t fewest_batches = 256;          // of rows, between which the prices of cells change
constexpr std::size_t least_batch = 64;
constexpr std::size_t fewest_near_clusters = 128;  // of fewer all are quickly compared
constexpr std::size_t most_near = 128;
constexpr std::size_t rows_a_cluster = 8;
constexpr std::size_t tries = 8;  // rows that are looked at for one that differs from its centroid

constexpr std::uint64_t heap_entry(std::size_t rows, std::size_t cell) noexcept {
    return std::uint64_t{rows} << 32 | (0xFFFFFFFFU - static_cast<std::uint32_t>(cell));
}
constexpr std::size_t heap_rows(std::uint64_t entry) noexcept { return entry >> 32; }
constexpr std::size_t heap_cell(std::uint64_t entry) noexcept {
    return 0xFFFFFFFFU - static_cast<std::uint32_t>(entry);
}

/// Four rows at a time, since the sums' way to memory and back costs more than the additions. Rows lie far from
/// each other: the next four are asked for early.
void add_rows(const FloatRows& rows, std::span<const RowId> picked, std::span<double> sums) noexcept {
    constexpr std::size_t together = 4;
    const std::size_t bytes = row_bytes(Element::float32, rows.dim());
    std::size_t i = 0;
    for (; i + together <= picked.size(); i += together) {
        const float* a = rows.floats(picked[i]);
        const float* b = rows.floats(picked[i + 1]);
        const float* c = rows.floats(picked[i + 2]);
        const float* d = rows.floats(picked[i + 3]);
        for (std::size_t next = i + together; next < std::min(i + 2 * together, picked.size()); ++next) {
            simd::prefetch(rows.floats(picked[next]), bytes);
        }
        for (std::size_t j = 0; j < sums.size(); ++j) {
            sums[j] += (double{a[j]} + double{b[j]}) + (double{c[j]} + double{d[j]});
        }
    }
    for (; i < picked.size(); ++i) {
        const float* row = rows.floats(picked[i]);
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += row[j];
    }
}

}  // namespace

bool normalize(std::span<float> row) noexcept {
    double square = 0;
    for (const float value : row) square += double{value} * value;
    if (!(square > 0)) return false;
    const double inverse = 1 / std::sqrt(square);
    for (float& value : row) value = static_cast<float>(value * inverse);
    return true;
}

Result<Lloyd> Lloyd::create(Dim dim, bool spherical, float balance, std::size_t most_rows, std::size_t most_clusters,
                            const Threads& threads) {
    // Between centroids of length 1 the larger product and the smaller distance are one thing. Prices go with distances.
    const bool products = spherical && !(balance > 0);
    auto nearest = NearestCentroids::create(products ? MetricKind::inner_product : MetricKind::l2, dim, most_clusters,
                                            threads, most_near);
    if (!nearest) return std::move(nearest).error();
    Lloyd made(dim, spherical, balance, threads, *std::move(nearest));
    if (balance > 0) {
        made.prices_.reserve(most_clusters);
        made.mean_prices_.reserve(most_clusters);
        made.sizes_.reserve(most_clusters);
    }
    made.nearest_.resize(most_rows);
    made.order_.resize(most_rows);
    made.starts_.reserve(most_clusters + 1);
    made.largest_.reserve(most_clusters);
    made.sums_.resize(std::size_t{resolve_threads(threads)} * dim);
    made.partial_.reserve((most_rows + inertia_piece - 1) / inertia_piece);
    return made;
}

void Lloyd::run(const FloatRows& rows, std::span<float> centroids, unsigned iterations, std::uint64_t seed,
                const ProgressFunction& progress, Course course) {
    const bool may_look_near = looks_near(rows.size(), centroids.size() / dim_);
    near_.clear();
    bool look_at_all = false;
    if (balance_ > 0) prices_.assign(centroids.size() / dim_, 0);
    const std::size_t total = rows.size() * iterations;  // looking for cells is nearly all that takes time
    for (unsigned i = 0; i < iterations; ++i) {
        const ProgressFunction found = progress_between(progress, total, static_cast<double>(i) / iterations,
                                                        static_cast<double>(i + 1) / iterations);
        const bool far = look_at_all || (i == 0 && !course.placed) || (i == 1 && !course.begun) ||
                         (i + 1 == iterations && course.ends);
        const bool near = may_look_near && !far;
        const bool changed = balance_ > 0 ? find_balanced_cells(rows, centroids, i == 0, found)
                             : near       ? find_near_cells(rows, centroids, found)
                                          : find_cells(rows, centroids, found);
        if (i > 0 && !changed && !near) break;
        look_at_all = near && !changed;  // whether the others say so, too
        move_to_means(rows, centroids);
        if (fill_empty(rows, centroids, hash(seed, i))) near_.clear();  // some are elsewhere now
    }
    if (progress) progress(total, total);
}

void Lloyd::sort(const FloatRows& rows, std::span<const float> centroids) { find_cells(rows, centroids, {}); }

bool Lloyd::looks_near(std::size_t rows, std::size_t clusters) const noexcept {
    const bool worth =
        clusters >= fewest_near_clusters && rows >= rows_a_cluster * clusters;  // clusters are compared, too
    return balance_ == 0 && worth && find_.finds_among();
}
std::size_t Lloyd::near_clusters(std::size_t clusters) noexcept {
    return std::clamp<std::size_t>(clusters / 4, 64, most_near);
}

void Lloyd::place(std::span<const std::uint32_t> cells, std::size_t clusters) {
    std::copy(cells.begin(), cells.end(), nearest_.begin());
    order_by_cell(clusters, std::span(nearest_).first(cells.size()));
}

/// The same as `find_cells`, where cells have prices: some rows at a time, between which prices become those of the sizes that cells
/// have come to.
bool Lloyd::find_balanced_cells(const FloatRows& rows, std::span<const float> centroids, bool first,
                                const ProgressFunction& progress) {
    const std::size_t clusters = centroids.size() / dim_;
    const std::span<std::uint32_t> nearest = std::span(nearest_).first(rows.size());
    const double square = first ? nearest_square(rows, centroids) : inertia(rows, centroids);
    const double of_a_row = balance_ * square * static_cast<double>(clusters) / static_cast<double>(rows.size());
    if (first) sizes_.assign(clusters, 0);
    mean_prices_.assign(clusters, 0);
    bool changed = false;
    std::size_t batches = 0;
    // The more a row counts, the fewer may go by the same prices: or they all go to the same cells.
    const double wanted = std::max(1.0, 4.0 * balance_) * static_cast<double>(fewest_batches);
    const std::size_t batch =
        std::max(least_batch, static_cast<std::size_t>(static_cast<double>(rows.size()) / wanted));
    for (std::size_t from = 0; from < rows.size(); from += batch) {
        const std::span<std::uint32_t> some = nearest.subspan(from, std::min(batch, rows.size() - from));
        for (std::size_t c = 0; c < clusters; ++c) {
            prices_[c] = static_cast<float>(of_a_row * static_cast<double>(sizes_[c]));
            mean_prices_[c] += double{prices_[c]};
        }
        ++batches;
        find_.set(centroids, prices_);
        if (!first) {
            for (const std::uint32_t c : some) --sizes_[c];
        }
        changed = find_.find(rows, from, some) || changed;
        for (const std::uint32_t c : some) ++sizes_[c];
        if (progress) progress(from + some.size(), rows.size());
    }
    for (std::size_t c = 0; c < clusters; ++c) {
        prices_[c] = static_cast<float>(mean_prices_[c] / static_cast<double>(batches));
    }
    order_by_cell(clusters, nearest);
    return changed;
}

/// The mean squared distance to the nearest centroid of some rows.
double Lloyd::nearest_square(const FloatRows& rows, std::span<const float> centroids) {
    const std::size_t count = std::min(sampled_rows, rows.size());
    const std::size_t clusters = centroids.size() / dim_;
    const auto distance = simd::kernels().of(MetricKind::l2, Element::float32).scan;
    std::array<double, sampled_rows> squares{};
    parallel_for(threads_, count, 8, [&](std::size_t first, std::size_t last, unsigned) {
        std::array<float, 64> some;  // NOLINT(cppcoreguidelines-pro-type-member-init): the kernel writes it
        for (std::size_t i = first; i < last; ++i) {
            float least = std::numeric_limits<float>::infinity();
            for (std::size_t c = 0; c < clusters; c += some.size()) {
                const std::size_t block = std::min(some.size(), clusters - c);
                distance(rows.floats(i * rows.size() / count),
                         reinterpret_cast<const std::byte*>(centroids.data() + c * dim_),
                         row_bytes(Element::float32, dim_), block, dim_, some.data());
                least = std::min(least, *std::min_element(some.begin(), some.begin() + block));
            }
            squares[i] = least;
        }
    });
    return std::accumulate(squares.begin(), squares.end(), 0.0) / static_cast<double>(count);
}

/// True if any row has another cell than it had.
bool Lloyd::find_cells(const FloatRows& rows, std::span<const float> centroids, const ProgressFunction& progress) {
    find_.set(centroids, prices_);
    const std::span<std::uint32_t> nearest = std::span(nearest_).first(rows.size());
    bool changed = false;
    for (std::size_t from = 0; from < rows.size(); from += slice) {
        const std::size_t count = std::min(slice, rows.size() - from);
        changed = find_.find(rows, from, nearest.subspan(from, count)) || changed;
        if (progress) progress(from + count, rows.size());
    }
    order_by_cell(centroids.size() / dim_, nearest);
    return changed;
}

/// The same, but a row is compared with the cells that are nearest to its own: it seldom goes farther (cluster closures: Wang, Wang,
/// Ke, Zeng and Li 2012). With 256 clusters that is a quarter of all, and inertia ends 0.05 % higher where the last iteration looks at all.
bool Lloyd::find_near_cells(const FloatRows& rows, std::span<const float> centroids, const ProgressFunction& progress) {
    const std::size_t clusters = centroids.size() / dim_;
    const std::size_t count = near_clusters(clusters);
    if (near_.empty()) find_near(centroids, dim_, count, threads_, near_);  // they move little in a run
    find_.set(centroids);
    const std::span<std::uint32_t> nearest = std::span(nearest_).first(rows.size());
    std::atomic<bool> changed{false};
    const std::size_t some = std::max<std::size_t>((clusters + 15) / 16, 64);  // cells between two words of progress
    for (std::size_t from = 0; from < clusters; from += some) {
        const std::size_t cells = std::min(some, clusters - from);
        parallel_for(threads_, cells, 4, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t c = from + first; c < from + last; ++c) {
                const auto among = std::span<const std::uint32_t>(near_).subspan(c * count, count);
                if (find_.find_among(worker, rows, cell(c), among, nearest)) {
                    changed.store(true, std::memory_order_relaxed);
                }
            }
        });
        if (progress) progress(starts_[from + cells], rows.size());
    }
    order_by_cell(clusters, nearest);
    return changed.load();
}

void Lloyd::order_by_cell(std::size_t clusters, std::span<const std::uint32_t> nearest) {
    placed_ = nearest.size();
    starts_.assign(clusters + 1, 0);
    for (const std::uint32_t c : nearest) ++starts_[c];
    std::exclusive_scan(starts_.begin(), starts_.end(), starts_.begin(), std::size_t{0});
    for (std::size_t i = 0; i < nearest.size(); ++i) order_[starts_[nearest[i]]++] = static_cast<RowId>(i);
    std::copy_backward(starts_.begin(), starts_.end() - 1, starts_.end());  // each had come to the next one's start
    starts_.front() = 0;
}

void Lloyd::move_to_means(const FloatRows& rows, std::span<float> centroids) {
    parallel_for(threads_, centroids.size() / dim_, 8, [&](std::size_t first, std::size_t last, unsigned worker) {
        double* sums = sums_.data() + std::size_t{worker} * dim_;
        for (std::size_t c = first; c < last; ++c) {
            if (cell(c).empty()) continue;
            std::fill_n(sums, dim_, 0.0);
            add_rows(rows, cell(c), std::span(sums, dim_));
            double scale = 1 / static_cast<double>(cell(c).size());
            if (spherical_) {
                const double square = std::inner_product(sums, sums + dim_, sums, 0.0);
                if (!(square > 0)) continue;
                scale = 1 / std::sqrt(square);
            }
            float* centroid = centroids.data() + c * dim_;
            for (std::size_t d = 0; d < dim_; ++d) centroid[d] = static_cast<float>(sums[d] * scale);
        }
    });
}

/// Sets the centroid of every empty cell on a row of what is then the largest. False if none is empty.
bool Lloyd::fill_empty(const FloatRows& rows, std::span<float> centroids, std::uint64_t seed) {
    const std::size_t clusters = centroids.size() / dim_;
    largest_.clear();
    for (std::size_t c = 0; c < clusters; ++c) largest_.push_back(heap_entry(cell(c).size(), c));
    if (std::all_of(largest_.begin(), largest_.end(), [](std::uint64_t e) { return heap_rows(e) > 0; })) return false;
    std::make_heap(largest_.begin(), largest_.end());
    for (std::size_t empty = 0; empty < clusters; ++empty) {
        if (!cell(empty).empty()) continue;
        while (heap_rows(largest_.front()) > 1) {
            std::pop_heap(largest_.begin(), largest_.end());
            const std::size_t from = heap_cell(largest_.back());
            const bool set = set_apart(rows, centroids.subspan(from * dim_, dim_), cell(from), hash(seed, empty),
                                       centroids.subspan(empty * dim_, dim_));
            // Of a cell whose rows are equal nothing can be had. Else the two are taken to share its rows evenly.
            largest_.back() = heap_entry(set ? heap_rows(largest_.back()) / 2 : 0, from);
            std::push_heap(largest_.begin(), largest_.end());
            if (set) break;
        }
        if (heap_rows(largest_.front()) <= 1) break;
    }
    return true;
}

/// A row of the cell that is not its centroid, drawn at random.
bool Lloyd::set_apart(const FloatRows& rows, std::span<const float> centroid, std::span<const RowId> cell,
                      std::uint64_t seed, std::span<float> out) const noexcept {
    for (std::size_t attempt = 0; attempt < std::min(tries, cell.size()); ++attempt) {
        const RowId row = cell[(seed + attempt) % cell.size()];
        std::copy_n(rows.floats(row), dim_, out.data());
        if (spherical_ && !normalize(out)) continue;
        if (!std::equal(out.begin(), out.end(), centroid.begin())) return true;
    }
    std::copy(centroid.begin(), centroid.end(), out.begin());
    return false;
}

double Lloyd::inertia(const FloatRows& rows, std::span<const float> centroids) {
    partial_.assign((rows.size() + inertia_piece - 1) / inertia_piece, 0.0);
    const auto distance = simd::kernels().of(MetricKind::l2, Element::float32).gather;
    parallel_for(threads_, rows.size(), inertia_piece, [&](std::size_t first, std::size_t last, unsigned) {
        double sum = 0;
        for (std::size_t i = first; i < last; ++i) {
            const auto* centroid =
                reinterpret_cast<const std::byte*>(centroids.data() + std::size_t{nearest_[i]} * dim_);
            float square = 0;
            distance(rows.floats(i), &centroid, 1, dim_, &square);
            sum += square;
        }
        partial_[first / inertia_piece] = sum;
    });
    return std::accumulate(partial_.begin(), partial_.end(), 0.0) / static_cast<double>(rows.size());
}

}  // namespace tonari::train
