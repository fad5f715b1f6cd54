// What a product quantizer is trained to, and its sections of a file.
#include <tonari/codec/pq.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include <tonari/core/random.hpp>
#include <tonari/train/kmeans.hpp>

#include "codec/direction.hpp"
#include "codec/relative.hpp"

namespace tonari {
Status Pq::check(std::size_t rows, Dim dim, const PqParams& params) {
    const std::string word = "PQ" + std::to_string(params.parts);
    if (!detail::has_relative_codes(params.metric)) {
        return Error{ErrorCode::unsupported, "expected metric l2, ip or cosine for PQ, got " +
                                                 std::string(name(params.metric)) +
                                                 "; store rows as Flat, FP16 or BF16 under it"};
    }
    if (params.parts == 0 || dim % params.parts != 0) {
        return Error{ErrorCode::invalid_argument,
                     "expected parts that divide " + std::to_string(dim) + " dimensions, got " + word};
    }
    if (dim / params.parts > max_part_dim) {
        return Error{ErrorCode::invalid_argument, "expected at most " + std::to_string(max_part_dim) +
                                                      " dimensions to a part, got " + word + " over " +
                                                      std::to_string(dim) + " dimensions: take more parts"};
    }
    if (rows < points_a_part) {
        return Error{ErrorCode::invalid_argument,
                     "expected at least 256 rows to train PQ with 256 points a part, got " + std::to_string(rows) +
                         "; " + word + "x4fs wants 16, RaBitQ needs no training"};
    }
    return {};
}

Result<Pq> Pq::train(MatrixView sample, const PqParams& params) {
    if (Status s = detail::check_sample(sample); !s) return s;
    if (Status s = check(sample.rows(), sample.dim(), params); !s) return s;
    try {
        Pq codec(params.metric, sample.dim(), params.parts);
        codec.middle_ = detail::mean_of(sample);
        if (Status s = codec.train_points(sample, params); !s) return s;
        codec.measure_squares();
        codec.measure_share(sample);
        return codec;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to train codes on " + std::to_string(sample.rows()) +
                                                   " rows of " + std::to_string(sample.dim()) + " dimensions"};
    }
}

Status Pq::train_points(MatrixView sample, const PqParams& params) {
    const std::size_t width = part_dim();
    points_.resize(std::size_t{dim_} * points_a_part);
    // A row less its centroid less the mean of those may be four times as long as any row: too long for k-means.
    constexpr float shrink = 0.25F;
    const std::size_t rows = std::min(sample.rows(), training_rows);
    std::vector<std::vector<float>> rooms(resolve_threads(params.threads), std::vector<float>(rows * width));
    std::vector<Status> trained(parts_);
    // One thread a part: many short trainings, whose threads would wait for each other most of the time.
    parallel_for(params.threads, parts_, 1, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::vector<float>& part = rooms[worker];
        for (std::size_t p = first; p < last; ++p) {
            for (std::size_t i = 0; i < rows; ++i) {
                const auto* const row = static_cast<const float*>(sample.row(i).data()) + p * width;
                for (std::size_t j = 0; j < width; ++j) {
                    part[i * width + j] = shrink * (row[j] - middle_[p * width + j]);
                }
            }
            train::KMeansOptions options;
            options.clusters = points_a_part;
            options.seed = hash(params.seed, p);
            auto centroids = train::kmeans(MatrixView(part.data(), rows, static_cast<Dim>(width)), options);
            if (!centroids) {
                trained[p] = std::move(centroids).error();
                continue;
            }
            const auto* const values = reinterpret_cast<const float*>(centroids->values.data());
            for (std::size_t c = 0; c < points_a_part; ++c) {
                for (std::size_t j = 0; j < width; ++j) {
                    points_[(p * width + j) * points_a_part + c] = values[c * width + j] / shrink;
                }
            }
        }
    });
    for (Status& status : trained) {
        if (!status) return std::move(status);
    }
    return {};
}

void Pq::measure_squares() {
    squares_.assign(parts_ * points_a_part, 0);
    for (std::size_t d = 0; d < dim_; ++d) {
        for (std::size_t c = 0; c < points_a_part; ++c) {
            const float value = points_[d * points_a_part + c];
            squares_[d / part_dim() * points_a_part + c] += value * value;
        }
    }
}

/// What is left over has no direction of its own, but rows and queries have: so it is measured along some of them.
void Pq::measure_share(MatrixView sample) {
    constexpr std::size_t enough = 4096;
    const std::size_t rows = std::min(sample.rows(), enough);
    const auto relative_to_middle = [&](std::size_t i, std::vector<float>& out) {
        const auto* const row = static_cast<const float*>(sample.row(i).data());
        for (Dim d = 0; d < dim_; ++d) out[d] = row[d] - middle_[d];
    };
    std::vector<float> row(dim_);
    std::vector<float> stands_for(dim_);
    std::vector<float> other(dim_);
    std::vector<std::byte> code(parts_);
    detail::ShareMeter meter;
    for (std::size_t i = 0; i < rows; ++i) {
        relative_to_middle(i, row);
        relative_to_middle((i + 1 + rows / 2) % rows, other);
        simd::kernels().byte_points(row.data(), points_.data(), parts_, part_dim(), code.data());
        detail::Direction direction;
        add_direction(row.data(), 0, parts_, code.data(), direction);
        turn_codes(row.data(), 0, parts_, code.data(), direction);
        for (std::size_t d = 0; d < dim_; ++d) stands_for[d] = point(d, code[d / part_dim()]);
        meter.add(row, stands_for, other);
    }
    share_ = meter.share(dim_);
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct Pq::Record {
    std::uint32_t dim;
    std::uint32_t parts;
    float share;
    std::uint8_t metric;
    std::uint8_t reserved[3];
};

Status Pq::save(SectionWriter& writer) const {
    Record record{};
    record.dim = dim_;
    record.parts = static_cast<std::uint32_t>(parts_);
    record.share = share_;
    record.metric = static_cast<std::uint8_t>(metric_);
    if (Status s = writer.add_record("pq", 1, record); !s) return s;
    if (Status s = writer.add_array<float>("pq/middle", 1, middle_); !s) return s;
    return writer.add_array<float>("pq/points", 1, points_);
}

Result<Pq> Pq::open(const SectionReader& reader) {
    auto record = reader.record<Record>("pq", 1);
    if (!record) return std::move(record).error();
    const auto metric = static_cast<MetricKind>(record->metric);
    const auto corrupt = [&](const std::string& what) { return reader.corrupt("pq", what); };
    if (!detail::has_relative_codes(metric))
        return corrupt("expected metric 1, 2 or 3, got " + std::to_string(record->metric));
    if (record->dim == 0 || record->dim > max_dim)
        return corrupt("expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(record->dim));
    if (record->parts == 0 || record->dim % record->parts != 0 || record->dim / record->parts > max_part_dim) {
        return corrupt("expected parts that divide " + std::to_string(record->dim) + " dimensions, at most " +
                       std::to_string(max_part_dim) + " to a part, got " + std::to_string(record->parts));
    }
    if (!(record->share >= 0 && record->share <= 1))
        return corrupt("expected a share from 0 to 1, got " + std::to_string(record->share));
    Pq codec(metric, record->dim, record->parts);
    codec.share_ = record->share;
    if (Status s = detail::read_finite(reader, "pq/middle", record->dim, codec.middle_); !s) return s;
    if (Status s = detail::read_finite(reader, "pq/points", std::uint64_t{record->dim} * points_a_part, codec.points_);
        !s)
        return s;
    codec.measure_squares();
    return codec;
}

}  // namespace tonari
