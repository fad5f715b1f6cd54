// What a codec of 4 bits a part is trained to, and its sections of a file.
#include <tonari/codec/fast_scan.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <string>

#include <tonari/core/random.hpp>
#include <tonari/train/kmeans.hpp>

#include "codec/fast_scan_layout.hpp"

namespace tonari {

using detail::points_a_part;

Status FastScan::check(Dim dim, const FastScanParams& params) {
    if (!detail::has_relative_codes(params.metric)) {
        return Error{ErrorCode::unsupported, "expected metric l2, ip or cosine for codes of 4 bits a part, got " +
                                                 std::string(name(params.metric)) +
                                                 "; store rows as Flat, FP16 or BF16 under it"};
    }
    if (params.parts > 0 && dim % params.parts != 0) {
        return Error{ErrorCode::invalid_argument, "expected parts that divide " + std::to_string(dim) +
                                                      " dimensions, got PQ" + std::to_string(params.parts)};
    }
    return {};
}

Result<FastScan> FastScan::train(MatrixView sample, const FastScanParams& params) {
    if (Status s = check(sample.dim(), params); !s) return s;
    if (Status s = detail::check_sample(sample); !s) return s;
    if (params.parts > 0 && sample.rows() < points_a_part) {
        return Error{ErrorCode::invalid_argument, "expected at least 16 rows to train PQ with 16 points a part, got " +
                                                      std::to_string(sample.rows()) + "; RaBitQ needs no training"};
    }
    try {
        FastScan codec(params.metric, sample.dim(), params.parts, params.seed);
        codec.middle_ = detail::mean_of(sample);
        codec.share_ =
            static_cast<float>(1 / std::sqrt(std::max(static_cast<double>(codec.rotation_.size()) - 1, 1.0)));
        if (params.parts > 0) {
            if (Status s = codec.train_points(sample, params); !s) return s;
        }
        return codec;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to train codes on " + std::to_string(sample.rows()) +
                                                   " rows of " + std::to_string(sample.dim()) + " dimensions"};
    }
}

Status FastScan::train_points(MatrixView sample, const FastScanParams& params) {
    const std::size_t width = part_dim();
    points_.resize(parts_ * points_a_part * width);
    constexpr std::size_t enough = 256 * points_a_part;
    // A row less its centroid less the mean of those may be four times as long as any row: too long for k-means.
    constexpr float shrink = 0.25F;
    const std::size_t rows = std::min(sample.rows(), enough);
    std::vector<float> part(rows * width);
    for (std::size_t p = 0; p < parts_; ++p) {
        for (std::size_t i = 0; i < rows; ++i) {
            const auto* const row = static_cast<const float*>(sample.row(i).data()) + p * width;
            for (std::size_t j = 0; j < width; ++j) part[i * width + j] = shrink * (row[j] - middle_[p * width + j]);
        }
        train::KMeansOptions options;
        options.clusters = points_a_part;
        options.seed = hash(params.seed, p);
        options.threads = params.threads;
        auto centroids = train::kmeans(MatrixView(part.data(), rows, static_cast<Dim>(width)), options);
        if (!centroids) return std::move(centroids).error();
        const auto* const values = reinterpret_cast<const float*>(centroids->values.data());
        for (std::size_t c = 0; c < points_a_part; ++c) {  // a value of all 16 points side by side
            for (std::size_t j = 0; j < width; ++j) {
                points_[(p * width + j) * points_a_part + c] = values[c * width + j] / shrink;
            }
        }
    }
    measure_share(sample);
    return {};
}

/// Nearest of the 16 points of a part.
std::size_t FastScan::nearest_point(std::size_t part, const float* values) const noexcept {
    const std::size_t width = part_dim();
    const float* const points = points_.data() + part * width * points_a_part;
    std::array<float, points_a_part> away{};
    for (std::size_t j = 0; j < width; ++j) {
        for (std::size_t c = 0; c < points_a_part; ++c) {
            const float difference = values[j] - points[j * points_a_part + c];
            away[c] += difference * difference;
        }
    }
    return static_cast<std::size_t>(std::min_element(away.begin(), away.end()) - away.begin());
}

/// What is left over has no direction of its own, but rows and queries have: so it is measured along some of them.
void FastScan::measure_share(MatrixView sample) {
    constexpr std::size_t enough = 4096;
    const std::size_t width = part_dim();
    const std::size_t rows = std::min(sample.rows(), enough);
    const auto relative_to_middle = [&](std::size_t i, std::vector<float>& out) {
        const auto* const row = static_cast<const float*>(sample.row(i).data());
        for (Dim d = 0; d < dim_; ++d) out[d] = row[d] - middle_[d];
    };
    std::vector<float> row(dim_);
    std::vector<float> code(dim_);
    std::vector<float> other(dim_);
    detail::ShareMeter meter;
    Choice choice = room_to_choose();
    for (std::size_t i = 0; i < rows; ++i) {
        relative_to_middle(i, row);
        relative_to_middle((i + 1 + rows / 2) % rows, other);
        choose_points(row.data(), choice);
        for (std::size_t part = 0; part < parts_; ++part) {
            const std::size_t nearest = choice.codes[part];
            for (std::size_t j = 0; j < width; ++j) {
                code[part * width + j] = points_[(part * width + j) * points_a_part + nearest];
            }
        }
        meter.add(row, code, other);
    }
    share_ = meter.share(dim_);
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct FastScan::Record {
    std::uint32_t dim;
    std::uint32_t parts;
    std::uint64_t seed;
    float share;
    std::uint8_t metric;
    std::uint8_t rotation;  ///< of RaBitQ: `rotation_kind`; 0: none
    std::uint8_t reserved[2];
};
/// Codes are the signs of rows that were turned by the rotation of `train/rotation.hpp`: another would ask a new number.
constexpr std::uint8_t rotation_kind = 1;

Status FastScan::save(SectionWriter& writer) const {
    Record record{};
    record.dim = dim_;
    record.parts = static_cast<std::uint32_t>(parts_);
    record.seed = rotation_.seed();
    record.share = share_;
    record.metric = static_cast<std::uint8_t>(metric_);
    record.rotation = parts_ == 0 ? rotation_kind : 0;
    if (Status s = writer.add_record("fast_scan", 1, record); !s) return s;
    if (Status s = writer.add_array<float>("middle", 1, middle_); !s) return s;
    return parts_ == 0 ? Status{} : writer.add_array<float>("points", 1, points_);
}

Result<FastScan> FastScan::open(const SectionReader& reader) {
    auto record = reader.record<Record>("fast_scan", 1);
    if (!record) return std::move(record).error();
    const auto metric = static_cast<MetricKind>(record->metric);
    const auto corrupt = [&](const std::string& what) { return reader.corrupt("fast_scan", what); };
    if (!detail::has_relative_codes(metric)) {
        return corrupt("expected metric 1, 2 or 3, got " + std::to_string(record->metric));
    }
    if (record->dim == 0 || record->dim > max_dim)
        return corrupt("expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(record->dim));
    if (record->parts > 0 && record->dim % record->parts != 0) {
        return corrupt("expected parts that divide " + std::to_string(record->dim) + " dimensions, got " +
                       std::to_string(record->parts));
    }
    const std::uint8_t rotation = record->parts == 0 ? rotation_kind : 0;
    if (record->rotation != rotation) {
        return Error{ErrorCode::unsupported, "section 'fast_scan': expected rotation " + std::to_string(rotation) +
                                                 ", got " + std::to_string(record->rotation) +
                                                 "; build the index again, or take a newer version of the library"};
    }
    if (!(record->share >= 0 && record->share <= 1))
        return corrupt("expected a share from 0 to 1, got " + std::to_string(record->share));
    FastScan codec(metric, record->dim, record->parts, record->seed);
    codec.share_ = record->share;
    if (Status s = detail::read_finite(reader, "middle", record->dim, codec.middle_); !s) return s;
    if (record->parts > 0) {
        if (Status s = detail::read_finite(reader, "points", std::uint64_t{record->dim} * points_a_part, codec.points_);
            !s)
            return s;
    }
    return codec;
}

}  // namespace tonari
