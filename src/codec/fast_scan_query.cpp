// A query's table, and what it and a list make of the codes in a block.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include <tonari/codec/fast_scan.hpp>

#include "codec/fast_scan_layout.hpp"

namespace tonari {

using detail::head_bytes;
using detail::points_a_part;
using Head = detail::RelativeHead;

namespace {

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

std::size_t FastScan::prepared_size() const noexcept {
    const std::size_t rotated = parts_ == 0 ? rotation_.size() : 0;
    return head_bytes + quads() * 64 + (dim_ + rotated) * sizeof(float);
}

std::size_t FastScan::query_size() const noexcept {
    const std::size_t room = points_a_part * (parts_ == 0 ? rotation_.size() / 4 : parts_);
    return prepared_size() + room * sizeof(float);
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
    const Head head = detail::relative_head(metric_, dim_, made, 4 * quads(), values, middle_.data());
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
    const auto* const values = reinterpret_cast<const float*>(prepared_ + head_bytes + query_.quads * 64);
    const detail::OriginTerms terms = detail::origin_terms(metric_, dim_, head, values, origin, deviations_);
    query_.add = terms.add;
    query_.error = terms.error;
    query_.slack = terms.slack;
    rounding_ = terms.rounding;
}

void FastScanScorer::scan(const std::byte* blocks, std::size_t stride, std::size_t begin, std::size_t end, float bound,
                          Survivors& out) const noexcept {
    const std::size_t first = out.count;
    out.count +=
        simd::kernels().nibbles_below(query_, blocks, stride, begin, end, bound + rounding_, out.index.data() + first,
                                      out.estimate.data() + first, out.lower.data() + first);
    complete(first, out);
}

void FastScanScorer::scan_together(std::span<const FastScanScorer* const> scorers, const std::byte* blocks,
                                   std::size_t stride, std::size_t begin, std::size_t end,
                                   std::span<const float> bounds, std::span<Survivors> out) noexcept {
    std::array<const simd::NibbleQuery*, most_together> queries{};
    std::array<float, most_together> below{};
    std::array<simd::NibblesFound, most_together> found{};
    for (std::size_t i = 0; i < scorers.size(); ++i) {
        queries[i] = &scorers[i]->query_;
        below[i] = bounds[i] + scorers[i]->rounding_;
        found[i] = {out[i].index.data(), out[i].estimate.data(), out[i].lower.data(), out[i].count};
    }
    simd::kernels().nibbles_below_each(queries.data(), scorers.size(), blocks, stride, begin, end, below.data(),
                                       found.data());
    for (std::size_t i = 0; i < scorers.size(); ++i) {
        const std::size_t first = std::exchange(out[i].count, found[i].count);
        scorers[i]->complete(first, out[i]);
    }
}

/// Of what the kernel has found from `first` on.
void FastScanScorer::complete(std::size_t first, Survivors& out) const noexcept {
    const float least = metric_ == MetricKind::l2 ? 0 : std::numeric_limits<float>::lowest();
    for (std::size_t i = first; i < out.count; ++i) {
        out.lower[i] -= rounding_;
        out.estimate[i] = std::max(out.estimate[i], least);
    }
}

}  // namespace tonari
