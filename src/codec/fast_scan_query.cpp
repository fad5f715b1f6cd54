// A query's table, and what it and a list make of the codes in a block.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <tonari/codec/fast_scan.hpp>

#include "codec/fast_scan_layout.hpp"

namespace tonari {

using detail::head_bytes;
using detail::points_a_part;
using detail::squared_length;
using Head = detail::FastScanHead;

namespace {

/// Between float32 values, smaller is nearer.
float distance(MetricKind metric, const float* a, const float* b, Dim dim) noexcept {
    float out = 0;
    const auto* const row = reinterpret_cast<const std::byte*>(b);
    simd::kernels().of(metric, Element::float32).gather(a, &row, 1, dim, &out);
    return out;
}

/// Rounds entries, each less its part's smallest, to the bytes of a table.
class TableWriter {
public:
    TableWriter(Head& head, std::uint8_t* table, std::size_t quads, float widest) noexcept
        : table_(table), lift_(widest < 0x1p-100F ? 0x1p100F : 1), inverse_(widest > 0 ? 255 / (widest * lift_) : 0) {
        head.step = widest / 255;
        head.slack = head.step * std::sqrt(static_cast<float>(4 * quads) / 12);
    }
    void set(std::size_t part, unsigned code, float above_smallest) noexcept {
        table_[16 * part + code] =
            static_cast<std::uint8_t>(std::min(above_smallest * lift_ * inverse_ + 0.5F, 255.0F));
    }

private:
    std::uint8_t* table_;
    float lift_;  ///< tiny entries times this have an inverse
    float inverse_;
};

}  // namespace

std::size_t FastScan::query_size() const noexcept {
    // The query and what it is rotated in lie behind the table.
    const std::size_t room = parts_ == 0 ? 2 * rotation_.size() : 0;
    return head_bytes + quads() * 64 + (dim_ + room) * sizeof(float);
}

void FastScan::prepare(RowView query, std::byte* out) const noexcept {
    auto* const table = reinterpret_cast<std::uint8_t*>(out + head_bytes);
    auto* const values = reinterpret_cast<float*>(out + head_bytes + quads() * 64);
    relative(query, metric_, {}, values);
    Head head = parts_ == 0 ? prepare_signs(values, values + dim_, table) : prepare_parts(values, table);
    head.square = squared_length(values, dim_);
    const float apart = distance(MetricKind::l2, values, middle_.data(), dim_);
    head.away = std::sqrt(apart);
    if (metric_ == MetricKind::l2) {
        head.add = apart;
    } else {
        head.add = distance(MetricKind::inner_product, values, middle_.data(), dim_) +
                   (metric_ == MetricKind::cosine ? 1.0F : 0.0F);
    }
    std::memcpy(out, &head, sizeof head);
}

/// Code c of a part counts the sum of its four values, each with the sign that c has at its place.
detail::FastScanHead FastScan::prepare_signs(const float* query, float* rotated, std::uint8_t* out) const noexcept {
    Head head;
    rotation_.apply(query, rotated, rotated + rotation_.size());
    const std::size_t parts = rotation_.size() / 4;
    float widest = 0;
    double base = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        float absolute = 0;
        for (std::size_t i = 0; i < 4; ++i) absolute += std::abs(rotated[4 * part + i]);
        widest = std::max(widest, 2 * absolute);
        base -= static_cast<double>(absolute);
    }
    head.base = static_cast<float>(base);
    TableWriter table(head, out, quads(), widest);
    for (std::size_t part = 0; part < parts; ++part) {
        const float* const four = rotated + 4 * part;
        std::array<float, points_a_part> sums{};
        float smallest = 0;
        for (std::size_t i = 0; i < 4; ++i) {  // with bit i unset -four[i], set +four[i]
            const std::size_t half = std::size_t{1} << i;
            smallest -= std::abs(four[i]);
            for (std::size_t c = half; c-- > 0;) {
                sums[c + half] = sums[c] + four[i];
                sums[c] -= four[i];
            }
        }
        for (unsigned c = 0; c < points_a_part; ++c) table.set(part, c, sums[c] - smallest);
    }
    return head;
}

detail::FastScanHead FastScan::prepare_parts(const float* query, std::uint8_t* out) const noexcept {
    Head head;
    const std::size_t width = part_dim();
    const auto entries_of = [&](std::size_t part) {
        std::array<float, points_a_part> entries{};
        const float* const points = points_.data() + part * width * points_a_part;
        for (std::size_t j = 0; j < width; ++j) {
            const float value = query[part * width + j];
            for (std::size_t c = 0; c < points_a_part; ++c) entries[c] += value * points[j * points_a_part + c];
        }
        return entries;
    };
    float widest = 0;
    double base = 0;
    for (std::size_t part = 0; part < parts_; ++part) {
        const auto entries = entries_of(part);
        const auto [least, most] = std::minmax_element(entries.begin(), entries.end());
        widest = std::max(widest, *most - *least);
        base += static_cast<double>(*least);
    }
    head.base = static_cast<float>(base);
    TableWriter table(head, out, quads(), widest);
    for (std::size_t part = 0; part < parts_; ++part) {
        const auto entries = entries_of(part);
        const float least = *std::min_element(entries.begin(), entries.end());
        for (unsigned c = 0; c < points_a_part; ++c) table.set(part, c, entries[c] - least);
    }
    std::memset(out + 16 * parts_, 0, quads() * 64 - 16 * parts_);  // parts that a quad lacks
    return head;
}

void FastScanScorer::set_query(const std::byte* query) noexcept {
    prepared_ = query;
    Head head;
    std::memcpy(&head, query, sizeof head);
    query_.table = reinterpret_cast<const std::uint8_t*>(query + head_bytes);
    query_.base = head.base;
    query_.step = head.step;
    enter({});
}

void FastScanScorer::enter(Origin origin) noexcept {
    Head head;
    std::memcpy(&head, prepared_, sizeof head);
    query_.add = head.add;
    float away = head.away;
    if (origin.centroid != nullptr || origin.distance) {
        const auto* const values = reinterpret_cast<const float*>(prepared_ + head_bytes + query_.quads * 64);
        if (metric_ == MetricKind::l2) {
            query_.add = origin.distance ? *origin.distance : distance(metric_, values, origin.centroid, dim_);
            away = std::sqrt(std::max(query_.add, 0.0F));
        } else {
            const bool cosine = metric_ == MetricKind::cosine;
            const float product = origin.distance ? *origin.distance - (cosine ? 1.0F : 0.0F)
                                                  : distance(MetricKind::inner_product, values, origin.centroid, dim_);
            const float square = origin.distance ? 1.0F : squared_length(origin.centroid, dim_);
            query_.add = origin.length * product + (cosine ? 1.0F : 0.0F);
            away = std::sqrt(std::max(head.square + origin.length * (origin.length * square + 2 * product), 0.0F));
        }
    }
    constexpr float rounds = 0x1p-21F;  // float32 sums of a few numbers, each of which was rounded
    // As much as float32 holds: infinitely much of nothing would be no number, and its row would be missing.
    constexpr float largest = std::numeric_limits<float>::max();
    query_.error = std::min(deviations_ * away, largest);
    query_.slack = std::min(deviations_ * head.slack + rounds * std::abs(head.base), largest);
    rounding_ = rounds * std::abs(query_.add) + (metric_ == MetricKind::cosine ? rounds : 0.0F);
}

void FastScanScorer::scan(const std::byte* blocks, std::size_t stride, std::size_t begin, std::size_t end, float bound,
                          Survivors& out) const noexcept {
    const std::size_t first = out.count;
    out.count +=
        simd::kernels().nibbles_below(query_, blocks, stride, begin, end, bound + rounding_, out.index.data() + first,
                                      out.estimate.data() + first, out.lower.data() + first);
    const float least = metric_ == MetricKind::l2 ? 0 : std::numeric_limits<float>::lowest();
    for (std::size_t i = first; i < out.count; ++i) {
        out.lower[i] -= rounding_;
        out.estimate[i] = std::max(out.estimate[i], least);
    }
}

}  // namespace tonari
