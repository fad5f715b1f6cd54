// bits: Hamming distance, whole bytes at a time. Bits of the last byte beyond the dimension do not count: they are
// counted with the rest and taken off again, by an operation of its own, so that dimensions in whole bytes (nearly all
// there are) carry nothing of it.
#pragma once

#include <bit>

#include "simd/body_rows.hpp"
#include "simd/four.hpp"
#include "simd/layout.hpp"
#include "simd/unroll.hpp"

namespace tonari::simd {
namespace {

template <class Machine, bool WholeBytes>
class HammingOp {
public:
    using Acc = typename Machine::I;
    using Left = typename Machine::B;
    using Sum = unsigned;
    static constexpr std::size_t step = Machine::byte_lanes;
    static constexpr std::size_t depth = 1;
    static constexpr std::size_t group = 8;

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
    static TONARI_INLINE FourSums sum4(Acc a, Acc b, Acc c, Acc d) noexcept { return Machine::sum4(a, b, c, d); }
    TONARI_INLINE float finish(unsigned sum, [[maybe_unused]] const std::byte* row,
                               [[maybe_unused]] Dim dim) const noexcept {
        if constexpr (!WholeBytes) {
            const std::size_t last = dim / 8;
            const auto beyond = static_cast<unsigned>(query_[last] ^ row[last]) >> (dim % 8);
            sum -= static_cast<unsigned>(__builtin_popcount(beyond));
        }
        return to_float(sum);
    }
    TONARI_INLINE void finish4(FourSums sums, [[maybe_unused]] const std::byte* const* rows, [[maybe_unused]] Dim dim,
                               float* out) const noexcept {
        if constexpr (WholeBytes) return store(out, unsigned_to_floats(sums));
        unsigned each[4];
        store(each, sums);
        for (std::size_t r = 0; r < 4; ++r) out[r] = finish(each[r], rows[r], dim);
    }

private:
    const std::byte* query_;
};

/// Rows of 16 or 32 bytes, four at a time, on machines that have a way of their own for them.
template <class Machine, std::size_t Bytes, class RowAt>
TONARI_INLINE void measure_small(const void* query, std::size_t count, float* out, const RowAt& row_at) noexcept {
    const auto left = Machine::template repeat_query<Bytes>(static_cast<const std::byte*>(query));
    const std::byte* rows[4];
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        unroll<4>([&](auto r) __attribute__((always_inline)) { rows[r.value] = row_at(i + r.value); });
        store(out + i, unsigned_to_floats(Machine::template different_bits_of_four<Bytes>(left, rows)));
    }
    if (i == count) return;
    // Of the last one to three the first stands in for those that are missing.
    for (std::size_t r = 0; r < 4; ++r) rows[r] = row_at(i + r < count ? i + r : i);
    float last[4];
    store(last, unsigned_to_floats(Machine::template different_bits_of_four<Bytes>(left, rows)));
    for (std::size_t r = 0; i + r < count; ++r) out[i + r] = last[r];
}

template <class Machine>
inline constexpr bool has_small_rows = requires { &Machine::template repeat_query<16>; };

template <class Machine>
void gather_bits(const void* query, const std::byte* const* rows, std::size_t count, Dim dim, float* out) noexcept {
    if constexpr (has_small_rows<Machine>) {
        const auto row_at = [&](std::size_t i) __attribute__((always_inline)) { return rows[i]; };
        if (dim == 128) return measure_small<Machine, 16>(query, count, out, row_at);
        if (dim == 256) return measure_small<Machine, 32>(query, count, out, row_at);
    }
    if (dim % 8 == 0) return gather<HammingOp<Machine, true>>(query, rows, count, dim, out);
    return gather<HammingOp<Machine, false>>(query, rows, count, dim, out);
}

template <class Machine>
void scan_bits(const void* query, const std::byte* rows, std::size_t stride, std::size_t count, Dim dim,
               float* out) noexcept {
    if constexpr (has_small_rows<Machine>) {
        const auto row_at = [&](std::size_t i) __attribute__((always_inline)) { return rows + i * stride; };
        if (dim == 128) return measure_small<Machine, 16>(query, count, out, row_at);
        if (dim == 256) return measure_small<Machine, 32>(query, count, out, row_at);
    }
    if (dim % 8 == 0) return scan<HammingOp<Machine, true>>(query, rows, stride, count, dim, out);
    return scan<HammingOp<Machine, false>>(query, rows, stride, count, dim, out);
}

}  // namespace
}  // namespace tonari::simd
