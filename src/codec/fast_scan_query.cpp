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

/// The 16 ways of giving four values signs: code c adds the value whose bit is set and subtracts the others.
constexpr std::array<float, 4 * points_a_part> make_signs() noexcept {
    std::array<float, 4 * points_a_part> signs{};
    for (std::size_t j = 0; j < 4; ++j) {
        for (std::size_t c = 0; c < points_a_part; ++c)
            signs[j * points_a_part + c] = (c >> j & 1U) != 0 ? 1.0F : -1.0F;
    }
    return signs;
}
alignas(64) constexpr std::array<float, 4 * points_a_part> all_signs = make_signs();

}  // namespace

std::size_t FastScan::query_size() const noexcept {
    const std::size_t rotated = parts_ == 0 ? rotation_.size() : 0;
    const std::size_t room = points_a_part * (parts_ == 0 ? rotation_.size() / 4 : parts_);
    return head_bytes + quads() * 64 + (dim_ + rotated + room) * sizeof(float);
}

void FastScan::prepare(RowView query, std::byte* out) const noexcept {
    auto* const table = reinterpret_cast<std::uint8_t*>(out + head_bytes);
    auto* const values = reinterpret_cast<float*>(out + head_bytes + quads() * 64);
    relative(query, metric_, {}, values);
    const auto write_table = simd::kernels().nibble_table;
    simd::NibbleTable made;
    if (parts_ == 0) {
        const std::size_t size = rotation_.size();
        float* const rotated = values + dim_;
        rotation_.apply(values, rotated);
        made = write_table(rotated, all_signs.data(), 0, size / 4, 4, rotated + size, table);
    } else {
        const std::size_t width = part_dim();
        made = write_table(values, points_.data(), width * points_a_part, parts_, width, values + dim_, table);
        std::memset(table + 16 * parts_, 0, quads() * 64 - 16 * parts_);  // parts that a quad lacks
    }
    Head head;
    head.base = made.base;
    head.step = made.step;
    head.slack = made.step * std::sqrt(static_cast<float>(4 * quads()) / 12);
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

void FastScanScorer::set_query(const std::byte* query) noexcept {
    prepared_ = query;
    Head head;
    std::memcpy(&head, query, sizeof head);
    query_.table = reinterpret_cast<const std::uint8_t*>(query + head_bytes);
    query_.base = head.base;
    query_.step = head.step;
    enter({});
}

const float* FastScanScorer::rotated() const noexcept {
    return reinterpret_cast<const float*>(prepared_ + head_bytes + query_.quads * 64) + dim_;
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
