// A query's table:
//
//     | head, filled up to 64 bytes | table: parts x 256 bytes | the query, float32 | room for entries, float32 |
#include <cstring>

#include <tonari/codec/pq.hpp>

#include "codec/relative.hpp"

namespace tonari {

using detail::head_bytes;
using detail::RelativeHead;

std::size_t Pq::prepared_size() const noexcept { return head_bytes + parts_ * points_a_part + dim_ * sizeof(float); }

std::size_t Pq::query_size() const noexcept { return prepared_size() + parts_ * points_a_part * sizeof(float); }

void Pq::prepare(RowView query, std::byte* out) const noexcept {
    const std::size_t entries = parts_ * points_a_part;
    auto* const table = reinterpret_cast<std::uint8_t*>(out + head_bytes);
    auto* const values = reinterpret_cast<float*>(out + head_bytes + entries);
    relative(query, metric_, {}, values);
    const simd::NibbleTable made =
        simd::kernels().byte_table(values, points_.data(), parts_, part_dim(), values + dim_, table);
    const RelativeHead head = detail::relative_head(metric_, dim_, made, parts_, values, middle_.data());
    std::memcpy(out, &head, sizeof head);
}

Pq::Scorer Pq::scorer() const noexcept {
    const simd::Kernels& kernels = simd::kernels();
    return {metric_, dim_, {kernels.byte_codes_gather, kernels.byte_codes_scan, parts_, parts_ * points_a_part}};
}

}  // namespace tonari
