#include "codec/relative.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace tonari::detail {
namespace {

/// As much as float32 holds.
constexpr float largest = std::numeric_limits<float>::max();

/// Between float32 values, smaller is nearer.
float distance(MetricKind metric, const float* a, const float* b, Dim dim) noexcept {
    float out = 0;
    const auto* const row = reinterpret_cast<const std::byte*>(b);
    simd::kernels().of(metric, Element::float32).gather(a, &row, 1, dim, &out);
    return out;
}

float to_factor(double value) noexcept {
    constexpr double limit = largest;
    return static_cast<float>(std::clamp(value, -limit, limit));
}

double product(const std::vector<float>& a, const std::vector<float>& b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

}  // namespace

bool has_relative_codes(MetricKind metric) noexcept {
    return metric == MetricKind::l2 || metric == MetricKind::inner_product || metric == MetricKind::cosine;
}

Status check_sample(MatrixView sample) {
    if (sample.element() == Element::float32 && sample.rows() > 0 && sample.dim() > 0 && sample.dim() <= max_dim) {
        return {};
    }
    return Error{ErrorCode::invalid_argument,
                 "expected float32 rows to train on, got " + std::to_string(sample.rows()) + " " +
                     std::string(name(sample.element())) + " rows of " + std::to_string(sample.dim()) + " dimensions"};
}

std::vector<float> mean_of(MatrixView sample) {
    std::vector<double> sums(sample.dim());
    for (std::size_t i = 0; i < sample.rows(); ++i) {
        const auto* const row = static_cast<const float*>(sample.row(i).data());
        for (Dim d = 0; d < sample.dim(); ++d) sums[d] += static_cast<double>(row[d]);
    }
    std::vector<float> mean(sample.dim());
    for (Dim d = 0; d < sample.dim(); ++d) mean[d] = static_cast<float>(sums[d] / static_cast<double>(sample.rows()));
    return mean;
}

Status read_finite(const SectionReader& reader, std::string_view section, std::uint64_t count,
                   std::vector<float>& out) {
    auto bytes = reader.array<float>(section, count);
    if (!bytes) return std::move(bytes).error();
    const auto values = bytes->as<float>();
    if (!simd::kernels().all_finite[float32_kernels](values.data(), values.size())) {
        return reader.corrupt(section, "expected finite values, got others");
    }
    out.assign(values.begin(), values.end());
    return {};
}

void relative_row(RowView row, MetricKind metric, Origin origin, float* out) noexcept {
    simd::kernels().to_float32[static_cast<std::size_t>(row.element()) - 1](row.data(), out, row.dim());
    if (metric == MetricKind::cosine) {
        const float square = squared_length(out, row.dim());
        const auto inverse = square > 0 ? static_cast<float>(1 / std::sqrt(static_cast<double>(square))) : 0.0F;
        for (Dim d = 0; d < row.dim(); ++d) out[d] *= inverse;
    }
    if (origin.centroid == nullptr) return;
    for (Dim d = 0; d < row.dim(); ++d) out[d] -= origin.length * origin.centroid[d];
}

RelativeHead relative_head(MetricKind metric, Dim dim, const simd::NibbleTable& table, std::size_t entries,
                           const float* values, const float* middle) noexcept {
    RelativeHead head;
    head.base = table.base;
    head.step = table.step;
    head.slack = table.step * std::sqrt(static_cast<float>(entries) / 12);
    head.square = squared_length(values, dim);
    const float apart = distance(MetricKind::l2, values, middle, dim);
    head.away = std::sqrt(apart);
    if (metric == MetricKind::l2) {
        head.add = apart;
    } else {
        head.add =
            distance(MetricKind::inner_product, values, middle, dim) + (metric == MetricKind::cosine ? 1.0F : 0.0F);
    }
    return head;
}

OriginTerms origin_terms(MetricKind metric, Dim dim, const RelativeHead& head, const float* values, Origin origin,
                         float deviations) noexcept {
    OriginTerms terms;
    terms.add = head.add;
    float away = head.away;
    if (origin.centroid != nullptr || origin.distance) {
        if (metric == MetricKind::l2) {
            terms.add = origin.distance ? *origin.distance : distance(metric, values, origin.centroid, dim);
            away = std::sqrt(std::max(terms.add, 0.0F));
        } else {
            const bool cosine = metric == MetricKind::cosine;
            const float along = origin.distance ? *origin.distance - (cosine ? 1.0F : 0.0F)
                                                : distance(MetricKind::inner_product, values, origin.centroid, dim);
            const float square = origin.distance ? 1.0F : squared_length(origin.centroid, dim);
            terms.add = origin.length * along + (cosine ? 1.0F : 0.0F);
            away = std::sqrt(std::max(head.square + origin.length * (origin.length * square + 2 * along), 0.0F));
        }
    }
    constexpr float rounds = 0x1p-21F;  // float32 sums of a few numbers, each of which was rounded
    // Infinitely much of nothing would be no number, and its row would be missing.
    terms.error = std::min(deviations * away, largest);
    terms.slack = std::min(deviations * head.slack + rounds * std::abs(head.base), largest);
    terms.rounding = rounds * std::abs(terms.add) + (metric == MetricKind::cosine ? rounds : 0.0F);
    return terms;
}

RowFactors row_factors(MetricKind metric, const CodeSums& sums, float share) noexcept {
    const double scale = sums.along > 0 ? sums.square / sums.along : 0;
    const double left_over = std::sqrt(std::abs(scale * scale * sums.length - sums.square));
    const double times = metric == MetricKind::l2 ? 2 : 1;
    const double add = metric == MetricKind::l2 ? sums.square : -sums.origin;
    return {to_factor(add + times * scale * sums.by_origin), to_factor(-times * scale),
            to_factor(times * static_cast<double>(share) * left_over)};
}

void ShareMeter::add(const std::vector<float>& row, const std::vector<float>& code, const std::vector<float>& other) {
    const double along = product(code, row);
    const double square = product(row, row);
    const double length = product(other, other);
    if (along <= 0 || length <= 0) return;
    const double scale = square / along;
    const double left_over = scale * scale * product(code, code) - square;
    const double moved = scale * product(code, other) - product(row, other);
    if (left_over > 1e-9 * square) shares_.push_back(moved * moved / (left_over * length));
}

float ShareMeter::share(Dim dim) {
    double share = 1 / static_cast<double>(dim);
    if (!shares_.empty()) {
        const auto count = static_cast<double>(shares_.size());
        share = std::max(share, std::accumulate(shares_.begin(), shares_.end(), 0.0) / count);
        // Where a few parts hold most of what is left over, it lies along few directions, far along some: three
        // deviations are to cover as many rows as they do where it lies anywhere.
        const auto most = shares_.begin() + static_cast<std::ptrdiff_t>(0.9973 * count);
        std::nth_element(shares_.begin(), most, shares_.end());
        share = std::max(share, *most / 9);
    }
    return static_cast<float>(std::sqrt(std::min(share, 1.0)));
}

}  // namespace tonari::detail
