// What a prepared query and an origin make of codes.
#include <tonari/codec/row_code_scorer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "codec/relative.hpp"

namespace tonari {

using detail::head_bytes;
using detail::RelativeHead;

void RowCodeScorer::set_query(const void* query) noexcept {
    prepared_ = static_cast<const std::byte*>(query);
    RelativeHead head;
    std::memcpy(&head, prepared_, sizeof head);
    query_.table = reinterpret_cast<const std::uint8_t*>(prepared_ + head_bytes);
    query_.base = head.base;
    query_.step = head.step;
    enter({});
}

void RowCodeScorer::enter(Origin origin) noexcept {
    RelativeHead head;
    std::memcpy(&head, prepared_, sizeof head);
    const auto* const values = reinterpret_cast<const float*>(prepared_ + head_bytes + way_.table_bytes);
    const detail::OriginTerms terms = detail::origin_terms(metric_, dim_, head, values, origin, deviations_);
    query_.add = terms.add;
    query_.error = terms.error;
    query_.slack = terms.slack;
    rounding_ = terms.rounding;
}

float RowCodeScorer::least() const noexcept {
    return metric_ == MetricKind::l2 ? 0 : std::numeric_limits<float>::lowest();
}

namespace {

constexpr std::size_t at_once = 64;  // what a kernel takes in one go
constexpr float everything = std::numeric_limits<float>::infinity();

/// Room for what nobody asks for.
struct Unasked {
    std::array<std::uint32_t, at_once> index;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by kernels
    std::array<float, at_once> lower;          // NOLINT(cppcoreguidelines-pro-type-member-init)
    Unasked() noexcept {}                      // NOLINT(modernize-use-equals-default): `= default` would zero it
};

}  // namespace

void RowCodeScorer::distances(std::span<const std::byte* const> codes, float* out) const noexcept {
    Unasked room;
    for (std::size_t first = 0; first < codes.size(); first += at_once) {
        const std::size_t count = std::min(at_once, codes.size() - first);
        way_.gather(query_, codes.data() + first, count, everything, room.index.data(), out + first, room.lower.data());
    }
    for (std::size_t i = 0; i < codes.size(); ++i) out[i] = std::max(out[i], least());
}
void RowCodeScorer::distances(const CodeBlock& block, float* out) const noexcept {
    Unasked room;
    for (std::size_t first = 0; first < block.count; first += at_once) {
        const std::size_t count = std::min(at_once, block.count - first);
        way_.scan(query_, block.first + first * block.stride, block.stride, count, everything, room.index.data(),
                  out + first, room.lower.data());
    }
    for (std::size_t i = 0; i < block.count; ++i) out[i] = std::max(out[i], least());
}

void RowCodeScorer::gather(std::span<const std::byte* const> codes, float bound, Survivors& out) const noexcept {
    const std::size_t first = out.count;
    out.count += way_.gather(query_, codes.data(), codes.size(), bound + rounding_, out.index.data() + first,
                             out.estimate.data() + first, out.lower.data() + first);
    settle(first, out);
}
void RowCodeScorer::scan(const CodeBlock& block, float bound, Survivors& out) const noexcept {
    const std::size_t first = out.count;
    out.count += way_.scan(query_, block.first, block.stride, block.count, bound + rounding_, out.index.data() + first,
                           out.estimate.data() + first, out.lower.data() + first);
    settle(first, out);
}

void RowCodeScorer::settle(std::size_t first, Survivors& out) const noexcept {
    for (std::size_t i = first; i < out.count; ++i) {
        out.lower[i] -= rounding_;
        out.estimate[i] = std::max(out.estimate[i], least());
    }
}

}  // namespace tonari
