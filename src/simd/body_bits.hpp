// bits: Hamming distance, whole bytes at a time. Bits of the last byte beyond the dimension do not count.
#pragma once

#include <bit>

#include "simd/layout.hpp"
#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

template <class Machine>
class HammingOp {
public:
    using Acc = typename Machine::I;
    using Left = typename Machine::B;
    using Sum = unsigned;
    static constexpr std::size_t step = Machine::byte_lanes;
    static constexpr std::size_t depth = 1;

    HammingOp(const void* query, Dim) noexcept : query_(static_cast<const std::byte*>(query)) {}

    static std::size_t length(Dim dim) noexcept { return row_bytes(Element::bits, dim); }
    static TONARI_INLINE Acc zero() noexcept { return Machine::zero(); }
    TONARI_INLINE Left left(std::size_t i) const noexcept { return Machine::bytes(query_ + i); }
    TONARI_INLINE Left left_part(std::size_t i, std::size_t n) const noexcept {
        return Machine::bytes_part(query_ + i, n);
    }
    TONARI_INLINE void add(Acc& acc, Left left, const std::byte* row, std::size_t i) const noexcept {
        acc = Machine::different_bits(acc, left, Machine::bytes(row + i));
    }
    TONARI_INLINE void add_part(Acc& acc, Left left, const std::byte* row, std::size_t i,
                                std::size_t n) const noexcept {
        acc = Machine::different_bits(acc, left, Machine::bytes_part(row + i, n));
    }
    static TONARI_INLINE Acc merge(Acc a, Acc b) noexcept { return Machine::add(a, b); }
    static TONARI_INLINE unsigned sum(Acc a) noexcept { return Machine::sum(a); }
    static TONARI_INLINE void sum4(Acc a, Acc b, Acc c, Acc d, unsigned* out) noexcept {
        Machine::sum4(a, b, c, d, out);
    }
    TONARI_INLINE float finish(unsigned sum, const std::byte* row, Dim dim) const noexcept {
        if (dim % 8 != 0) {
            const std::size_t last = dim / 8;
            const auto beyond = static_cast<unsigned>(query_[last] ^ row[last]) >> (dim % 8);
            sum -= static_cast<unsigned>(__builtin_popcount(beyond));
        }
        return to_float(sum);
    }

private:
    const std::byte* query_;
};

}  // namespace
}  // namespace tonari::simd
