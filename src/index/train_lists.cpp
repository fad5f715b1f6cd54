// The centroids of inverted lists: a sample that k-means understands, and its answer as the coarse index wants it.
#include <tonari/index/train_lists.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include <tonari/simd/kernels.hpp>
#include <tonari/train/assign.hpp>
#include <tonari/train/kmeans.hpp>
#include <tonari/train/sample.hpp>

namespace tonari {
namespace {

constexpr std::size_t rows_per_list = 256;  // that k-means looks at, as in faiss

/// Some bit rows with a byte a bit, so that they can be averaged.
Result<AlignedBuffer> spread_bits(MatrixView rows, std::span<const RowId> some) {
    auto bytes = AlignedBuffer::allocate(some.size() * rows.dim());
    if (!bytes) return bytes;
    for (std::size_t i = 0; i < some.size(); ++i) {
        const auto* row = static_cast<const std::uint8_t*>(rows.row(some[i]).data());
        auto* out = bytes->data() + i * rows.dim();
        for (Dim d = 0; d < rows.dim(); ++d) out[d] = static_cast<std::byte>(row[d / 8] >> (d % 8) & 1U);
    }
    return bytes;
}

void scale_to_one(float* row, Dim dim) noexcept {
    const float square = simd::kernels().squared_norm[0](row, dim);
    const float scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (Dim d = 0; d < dim; ++d) row[d] *= scale;
}

/// A bit is what most of the list's rows have there.
Result<AlignedBuffer> round_to_bits(MatrixView centroids) {
    const std::size_t bytes = row_bytes(Element::bits, centroids.dim());
    auto bits = AlignedBuffer::allocate(centroids.rows() * bytes);  // zeroed
    if (!bits) return bits;
    for (std::size_t list = 0; list < centroids.rows(); ++list) {
        const auto* values = static_cast<const float*>(centroids.row(list).data());
        for (Dim d = 0; d < centroids.dim(); ++d) {
            if (values[d] > 0.5F) bits->data()[list * bytes + d / 8] |= static_cast<std::byte>(1U << d % 8);
        }
    }
    return bits;
}

/// Rows at length 1, to the centroids whose distance and price are least.
Status assign_directions(MatrixView rows, const TrainedLists& centroids, std::span<RowId> list_of,
                         const Threads& threads, const ProgressFunction& progress) {
    constexpr std::size_t slice = 16384;
    const std::size_t dim = rows.dim();
    std::vector<float> some(std::min(slice, rows.rows()) * dim);
    const auto convert = simd::kernels().to_float32[static_cast<std::size_t>(rows.element()) - 1];
    for (std::size_t start = 0; start < rows.rows(); start += slice) {
        const std::size_t count = std::min(slice, rows.rows() - start);
        parallel_for(threads, count, 256, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t i = first; i < last; ++i) {
                float* row = some.data() + i * dim;
                convert(rows.row(start + i).data(), row, rows.dim());
                scale_to_one(row, rows.dim());
            }
        });
        train::AssignOptions options;
        options.threads = threads;
        options.prices = centroids.prices;
        if (Status s = train::assign(MatrixView(some.data(), count, rows.dim()), centroids.view(), MetricKind::l2,
                                     list_of.subspan(start, count), {}, options);
            !s) {
            return s;
        }
        if (progress) progress(start + count, rows.rows());
    }
    return {};
}

}  // namespace

Result<TrainedLists> train_lists(MatrixView rows, MetricKind metric, std::size_t lists, const BuildOptions& options) {
    if (rows.rows() < lists) {
        return Error{ErrorCode::invalid_argument, "expected at least " + std::to_string(lists) +
                                                      " rows, one for each list, got " + std::to_string(rows.rows()) +
                                                      "; about 4 sqrt(rows) lists suit so many"};
    }
    const bool priced = metric == MetricKind::l2 || metric == MetricKind::inner_product || metric == MetricKind::cosine;
    if (options.balance > 0 && !priced) {
        return Error{ErrorCode::unsupported, "expected metric l2, ip or cosine to balance lists, got " +
                                                 std::string(name(metric)) + "; leave balance at 0"};
    }
    train::KMeansOptions training;
    training.clusters = lists;
    training.sample_per_cluster = rows_per_list;
    training.seed = options.seed;
    training.spherical = metric == MetricKind::cosine || metric == MetricKind::inner_product;
    training.threads = options.threads;
    training.balance = options.balance;
    training.progress = options.progress;

    TrainedLists trained;
    trained.lists = lists;
    trained.dim = rows.dim();
    if (rows.element() == Element::bits) {
        const std::vector<RowId> some = train::sample_rows(rows.rows(), lists * rows_per_list, options.seed);
        auto bytes = spread_bits(rows, some);
        if (!bytes) return std::move(bytes).error();
        auto centroids = train::kmeans(MatrixView(bytes->data(), some.size(), rows.dim(), Element::uint8), training);
        if (!centroids) return std::move(centroids).error();
        auto bits = round_to_bits(centroids->view());
        if (!bits) return std::move(bits).error();
        trained.values = *std::move(bits);
        trained.element = Element::bits;
        return trained;
    }
    auto centroids = train::kmeans(rows, training);
    if (!centroids) return std::move(centroids).error();
    trained.values = std::move(centroids->values);
    trained.prices = std::move(centroids->prices);
    return trained;
}

Result<bool> assign_by_products(MatrixView rows, MetricKind metric, const TrainedLists& centroids,
                                std::span<RowId> list_of, const Threads& threads, const ProgressFunction& progress) {
    if (rows.element() == Element::bits || metric == MetricKind::l1 || metric == MetricKind::user) return false;
    // Centroids under cosine have length 1: the largest product is the nearest direction, however long the row is.
    const MetricKind product = metric == MetricKind::l2 ? MetricKind::l2 : MetricKind::inner_product;
    if (!centroids.prices.empty() && metric != MetricKind::l2) {
        if (Status s = assign_directions(rows, centroids, list_of, threads, progress); !s) return std::move(s).error();
        return true;
    }
    train::AssignOptions options;
    options.threads = threads;
    options.progress = progress;
    options.prices = centroids.prices;
    if (Status s = train::assign(rows, centroids.view(), product, list_of, {}, options); !s)
        return std::move(s).error();
    return true;
}

}  // namespace tonari
