// What a codec of several bits a value is made of, what a query makes of its codes, and its sections of a file.
#include <tonari/codec/rabitq.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <tonari/simd/prefetch.hpp>

#include "codec/fast_scan_layout.hpp"
#include "codec/rabitq_layout.hpp"

namespace tonari {

using detail::plane_bytes;
using detail::tail_bytes;

Status RaBitQ::check(Dim dim, const RaBitQParams& params) {
    if (params.bits < least_bits || params.bits > most_bits) {
        return Error{ErrorCode::invalid_argument,
                     "expected RaBitQ of 2 to 8 bits a value, got " + std::to_string(params.bits)};
    }
    return FastScan::check(dim, {params.metric, 0, params.seed, params.threads});
}

Result<RaBitQ> RaBitQ::train(MatrixView sample, const RaBitQParams& params) {
    if (Status s = check(sample.dim(), params); !s) return s;
    auto signs = FastScan::train(sample, {params.metric, 0, params.seed, params.threads});
    if (!signs) return std::move(signs).error();
    return RaBitQ(*std::move(signs), params.bits);
}

std::size_t RaBitQ::block_size() const noexcept {
    return signs_.block_size() + block_rows * tail_bytes(signs_.rotated_size(), bits_);
}

// --- A query --------------------------------------------------------------------------------------------------------

void RaBitQScorer::set_query(const std::byte* query) noexcept {
    signs_.set_query(query);
    constexpr float rounds = 0x1p-21F;  // of a sum of products, each at most half the codes' range times a value
    const auto dim = static_cast<Dim>(values_);
    const float largest_sum = std::sqrt(static_cast<float>(values_)) *
                              std::sqrt(detail::squared_length(signs_.rotated(), dim)) *
                              static_cast<float>(1U << (bits_ - 1));
    slack_ = rounds * largest_sum;
}

void RaBitQScorer::scan(const std::byte* blocks, std::size_t stride, std::size_t begin, std::size_t end, float bound,
                        Survivors& out) const noexcept {
    const std::size_t first = out.count;
    signs_.scan(blocks, stride, begin, end, bound, out);
    const std::size_t last = out.count;
    const std::size_t planes = plane_bytes(values_, bits_);
    const std::size_t tail = tail_bytes(values_, bits_);
    const auto block_of = [&](std::size_t i) { return blocks + (begin + out.index[i]) / RaBitQ::block_rows * stride; };
    const auto place_of = [&](std::size_t i) { return (begin + out.index[i]) % RaBitQ::block_rows; };
    const auto ask_for = [&](std::size_t i) {
        if (i < last) simd::prefetch(block_of(i) + head_ + place_of(i) * tail, tail, 16);
    };
    constexpr std::size_t ahead = 8;
    for (std::size_t i = first; i < first + ahead; ++i) ask_for(i);

    const auto product_of = simd::kernels().planes_product;
    const simd::NibbleQuery& query = signs_.compared_with();
    const float rounding = signs_.rounding();
    constexpr float largest = std::numeric_limits<float>::max();
    const float least = metric_ == MetricKind::l2 ? 0 : -largest;
    out.count = first;
    for (std::size_t i = first; i < last; ++i) {
        ask_for(i + ahead);
        const std::byte* const row = block_of(i) + head_ + place_of(i) * tail;
        float factors[3];  // add, scale, error
        std::memcpy(factors, row + planes, sizeof factors);
        const float product = product_of(signs_.rotated(), values_, block_of(i), place_of(i), row, bits_);
        const float estimate = std::clamp(factors[0] + query.add + factors[1] * product, -largest, largest);
        const float lower = estimate - (factors[2] * query.error + std::abs(factors[1]) * slack_) - rounding;
        if (!(lower < bound)) continue;
        out.index[out.count] = out.index[i];
        out.estimate[out.count] = std::max(estimate, least);
        out.lower[out.count++] = lower;
    }
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct RaBitQ::Record {
    std::uint8_t bits;
    std::uint8_t reserved[7];
};

Status RaBitQ::save(SectionWriter& writer) const {
    const Record record{static_cast<std::uint8_t>(bits_), {}};
    if (Status s = writer.add_record("rabitq", 1, record); !s) return s;
    SectionWriter signs = writer.within("signs");
    return signs_.save(signs);
}

Result<RaBitQ> RaBitQ::open(const SectionReader& reader) {
    auto record = reader.record<Record>("rabitq", 1);
    if (!record) return std::move(record).error();
    if (record->bits < least_bits || record->bits > most_bits) {
        return reader.corrupt("rabitq", "expected 2 to 8 bits a value, got " + std::to_string(record->bits));
    }
    const SectionReader within = reader.within("signs");
    auto signs = FastScan::open(within);
    if (!signs) return std::move(signs).error();
    if (signs->parts() != 0) {
        return within.corrupt("fast_scan", "expected signs below a code of several bits, got PQ of " +
                                               std::to_string(signs->parts()) + " parts");
    }
    return RaBitQ(*std::move(signs), record->bits);
}

}  // namespace tonari
