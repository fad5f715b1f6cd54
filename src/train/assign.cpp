#include <tonari/train/assign.hpp>

#include <algorithm>
#include <new>
#include <string>
#include <vector>

#include <tonari/simd/kernels.hpp>

#include "train/float_rows.hpp"
#include "train/nearest.hpp"

namespace tonari::train {
namespace {

constexpr std::size_t slice = std::size_t{1} << 16;  // rows between two words of progress
constexpr std::size_t piece = 256;

Error expected(const std::string& what, const std::string& got) {
    return {ErrorCode::invalid_argument, "expected " + what + ", got " + got};
}

Status check(MatrixView rows, MatrixView centroids, MetricKind metric, std::size_t nearest, std::size_t distances,
             std::span<const float> prices) {
    if (Status s = check_rows(rows, "rows"); !s) return s;
    if (Status s = check_rows(centroids, "centroids"); !s) return s;
    if (metric != MetricKind::l2 && metric != MetricKind::inner_product) {
        return Error{ErrorCode::unsupported,
                     "expected l2 or ip to assign rows to centroids, got " + std::string(name(metric))};
    }
    if (centroids.element() != Element::float32) {
        return expected("float32 centroids", std::string(name(centroids.element())));
    }
    if (centroids.dim() != rows.dim()) {
        return expected("centroids of " + std::to_string(rows.dim()) + " dimensions, as rows have",
                        std::to_string(centroids.dim()));
    }
    if (nearest != rows.rows()) {
        return expected("room for " + std::to_string(rows.rows()) + " centroid numbers", std::to_string(nearest));
    }
    if (distances != 0 && distances != rows.rows()) {
        return expected("room for " + std::to_string(rows.rows()) + " distances, or none", std::to_string(distances));
    }
    if (!prices.empty() && metric != MetricKind::l2) return expected("l2 with prices", std::string(name(metric)));
    if (!prices.empty() && prices.size() != centroids.rows()) {
        return expected("a price for each of " + std::to_string(centroids.rows()) + " centroids, or none",
                        std::to_string(prices.size()));
    }
    for (std::size_t c = 0; c < centroids.rows(); ++c) {
        if (!is_usable(centroids.row(c))) return describe_unusable(centroids.row(c), "centroids", c);
    }
    return {};
}

/// The centroids without gaps, and what was taken off them.
struct Centred {
    std::vector<float> values;
    std::vector<float> shift;  // empty: nothing
};

Centred centre(MatrixView centroids, MetricKind metric) {
    const std::size_t dim = centroids.dim();
    Centred out{std::vector<float>(centroids.rows() * dim), std::vector<float>(dim)};
    if (metric != MetricKind::l2 || !find_shift(FloatRows(centroids), out.shift)) out.shift.clear();
    const FloatRows shifted(centroids, {}, out.shift.empty() ? nullptr : out.shift.data());
    for (std::size_t c = 0; c < centroids.rows(); ++c) shifted.read(c, out.values.data() + c * dim);
    return out;
}

/// The distances to centroids that were found, from differences.
void write_distances(const FloatRows& rows, std::size_t first, MatrixView centroids, MetricKind metric,
                     std::span<const std::uint32_t> nearest, std::span<float> out, std::span<float> scratch,
                     const Threads& threads) {
    const auto distance = simd::kernels().of(metric, Element::float32).gather;
    parallel_for(threads, nearest.size(), piece, [&](std::size_t from, std::size_t to, unsigned worker) {
        float* row = scratch.data() + std::size_t{worker} * rows.dim();
        for (std::size_t i = from; i < to; ++i) {
            const std::byte* centroid = centroids.row_data(nearest[i]);
            rows.read(first + i, row);
            distance(row, &centroid, 1, rows.dim(), &out[i]);
        }
    });
}

}  // namespace

Status assign(MatrixView rows, MatrixView centroids, MetricKind metric, std::span<std::uint32_t> nearest,
              std::span<float> distances, const AssignOptions& options) {
    try {
        if (Status s = check(rows, centroids, metric, nearest.size(), distances.size(), options.prices); !s) return s;
        const Centred centred = centre(centroids, metric);
        auto find = NearestCentroids::create(metric, rows.dim(), centroids.rows(), options.threads, 0);
        if (!find) return std::move(find).error();
        find->set(centred.values, options.prices);
        const FloatRows shifted(rows, {}, centred.shift.empty() ? nullptr : centred.shift.data());
        std::vector<float> scratch(distances.empty() ? 0 : resolve_threads(options.threads) * std::size_t{rows.dim()});
        for (std::size_t first = 0; first < rows.rows(); first += slice) {
            const std::size_t count = std::min(slice, rows.rows() - first);
            const std::size_t bad = first_unusable(FloatRows(rows), first, count, options.threads);
            if (bad < first + count) return describe_unusable(rows.row(bad), "rows", bad);
            find->find(shifted, first, nearest.subspan(first, count));
            if (!distances.empty()) {
                write_distances(FloatRows(rows), first, centroids, metric, nearest.subspan(first, count),
                                distances.subspan(first, count), scratch, options.threads);
            }
            if (options.progress) options.progress(first + count, rows.rows());
        }
        return {};
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to assign rows to " + std::to_string(centroids.rows()) +
                                                   " centroids of " + std::to_string(centroids.dim()) + " dimensions"};
    }
}

}  // namespace tonari::train
