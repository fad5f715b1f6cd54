// What 4 bits a value are trained to, and their sections of a file.
#include <tonari/codec/sq4.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <string>

#include <tonari/train/steps.hpp>

#include "codec/relative.hpp"
#include "codec/sq4_rounding.hpp"

namespace tonari {

Status Sq4::check(const Sq4Params& params) {
    if (detail::has_relative_codes(params.metric)) return {};
    return Error{ErrorCode::unsupported,
                 "expected metric l2, ip or cosine for SQ4, got " + std::string(name(params.metric)) +
                     (params.metric == MetricKind::l1 ? "; round rows to 8 bits under it, by SQ8"
                                                      : "; store rows as Flat under it")};
}

Result<Sq4> Sq4::train(MatrixView sample, const Sq4Params& params) {
    if (Status s = detail::check_sample(sample); !s) return s;
    if (Status s = check(params); !s) return s;
    try {
        Sq4 codec(params.metric, sample.dim());
        codec.train_middle_and_steps(sample, params);
        codec.measure_share(sample);
        return codec;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory, "no memory to train codes on " + std::to_string(sample.rows()) +
                                                   " rows of " + std::to_string(sample.dim()) + " dimensions"};
    }
}

/// The middle of a dimension is that of its range, and its steps are about rows that were all made as long as they are on
/// average: each row finds its own length again.
void Sq4::train_middle_and_steps(MatrixView sample, const Sq4Params& params) {
    const std::size_t rows = std::min(sample.rows(), training_rows);
    middle_.resize(dim_);
    steps_.resize(dim_);
    const auto value = [&](std::size_t i, std::size_t d) { return static_cast<const float*>(sample.row(i).data())[d]; };
    std::vector<std::vector<float>> rooms(resolve_threads(params.threads), std::vector<float>(rows));
    parallel_for(params.threads, dim_, 16, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::vector<float>& column = rooms[worker];
        for (std::size_t d = first; d < last; ++d) {
            for (std::size_t i = 0; i < rows; ++i) column[i] = value(i, d);
            middle_[d] = train::train_steps(column, levels, false).middle;
        }
    });
    std::vector<double> lengths(rows);
    double mean = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        double square = 0;
        for (std::size_t d = 0; d < dim_; ++d) {
            square += std::pow(static_cast<double>(value(i, d)) - static_cast<double>(middle_[d]), 2);
        }
        lengths[i] = std::sqrt(square);
        mean += lengths[i] / static_cast<double>(rows);
    }
    parallel_for(params.threads, dim_, 16, [&](std::size_t first, std::size_t last, unsigned worker) {
        std::vector<float>& column = rooms[worker];
        for (std::size_t d = first; d < last; ++d) {
            std::size_t count = 0;
            for (std::size_t i = 0; i < rows; ++i) {
                if (lengths[i] == 0) continue;
                const double away = static_cast<double>(value(i, d)) - static_cast<double>(middle_[d]);
                column[count++] = static_cast<float>(away * (mean / lengths[i]));
            }
            steps_[d] = train::train_steps(std::span(column).first(count), levels, true).step;
        }
    });
}

/// As Pq does: what is left over has no direction of its own, but rows and queries have.
void Sq4::measure_share(MatrixView sample) {
    constexpr std::size_t enough = 2048;
    const std::size_t rows = std::min(sample.rows(), enough);
    const auto relative_to_middle = [&](std::size_t i, std::vector<float>& out) {
        const auto* const row = static_cast<const float*>(sample.row(i).data());
        for (Dim d = 0; d < dim_; ++d) out[d] = row[d] - middle_[d];
    };
    std::vector<float> row(dim_);
    std::vector<float> stands_for(dim_);
    std::vector<float> other(dim_);
    detail::ShareMeter meter;
    for (std::size_t i = 0; i < rows; ++i) {
        relative_to_middle(i, row);
        relative_to_middle((i + 1 + rows / 2) % rows, other);
        const auto whole = [&](const auto& look) { look(std::size_t{0}, std::span<const float>(row)); };
        const float inverse = detail::inverse_length_for(whole, steps_.data());
        for (std::size_t d = 0; d < dim_; ++d) {
            const float level = detail::level_of(detail::in_steps(row[d], steps_[d]), inverse);
            stands_for[d] = steps_[d] * (level - (levels - 1) / 2.0F);
        }
        meter.add(row, stands_for, other);
    }
    share_ = meter.share(dim_);
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct Sq4::Record {
    std::uint32_t dim;
    float share;
    std::uint8_t metric;
    std::uint8_t reserved[3];
};

Status Sq4::save(SectionWriter& writer) const {
    Record record{};
    record.dim = dim_;
    record.share = share_;
    record.metric = static_cast<std::uint8_t>(metric_);
    if (Status s = writer.add_record("sq4", 1, record); !s) return s;
    if (Status s = writer.add_array<float>("sq4/middle", 1, middle_); !s) return s;
    return writer.add_array<float>("sq4/steps", 1, steps_);
}

Result<Sq4> Sq4::open(const SectionReader& reader) {
    auto record = reader.record<Record>("sq4", 1);
    if (!record) return std::move(record).error();
    const auto metric = static_cast<MetricKind>(record->metric);
    const auto corrupt = [&](const std::string& what) { return reader.corrupt("sq4", what); };
    if (!detail::has_relative_codes(metric))
        return corrupt("expected metric 1, 2 or 3, got " + std::to_string(record->metric));
    if (record->dim == 0 || record->dim > max_dim)
        return corrupt("expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(record->dim));
    if (!(record->share >= 0 && record->share <= 1))
        return corrupt("expected a share from 0 to 1, got " + std::to_string(record->share));
    Sq4 codec(metric, record->dim);
    codec.share_ = record->share;
    if (Status s = detail::read_finite(reader, "sq4/middle", record->dim, codec.middle_); !s) return s;
    if (Status s = detail::read_finite(reader, "sq4/steps", record->dim, codec.steps_); !s) return s;
    for (const float step : codec.steps_) {
        if (step < 0) return reader.corrupt("sq4/steps", "expected steps from 0 on, got " + std::to_string(step));
    }
    return codec;
}

}  // namespace tonari
