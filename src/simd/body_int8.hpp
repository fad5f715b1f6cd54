// int8 and uint8 rows, exactly: bytes are widened to 16 bits and multiplied in pairs into 32-bit sums; l1 takes the
// machine's sum of absolute byte differences. (With VNNI there is a shorter way: body_vnni.hpp.)
//
// Sums are taken modulo 2^32 and read at the end as what they must be: the true value always fits 32 bits, signed for
// the inner product of int8, unsigned for everything else (65536 * 255^2 = 4 261 478 400).
#pragma once

#include "simd/body_float.hpp"
#include "simd/layout.hpp"

namespace tonari::simd {
namespace {

/// What both ways share: how a sum becomes a distance.
template <class Machine, MetricKind M, Element E>
class ByteOp {
public:
    using I = typename Machine::I;
    using Sum = unsigned;
    static std::size_t length(Dim dim) noexcept { return dim; }

    static TONARI_INLINE float finish_sum(unsigned sum, float inverse_query, const std::byte* row, Dim dim) noexcept {
        float value;
        if constexpr (E == Element::int8 && (M == MetricKind::inner_product || M == MetricKind::cosine)) {
            value = to_float(static_cast<int>(sum));
        } else {
            value = to_float(sum);
        }
        if constexpr (M == MetricKind::inner_product) return -value;
        if constexpr (M == MetricKind::cosine) {
            return cosine_distance(value, inverse_query, load_float(row + trailer_offset(E, dim)));
        }
        return value;
    }
    static TONARI_INLINE void finish_sums(FourSums sums, float inverse_query, const std::byte* const* rows, Dim dim,
                                          float* out) noexcept {
        constexpr bool is_signed = E == Element::int8 && (M == MetricKind::inner_product || M == MetricKind::cosine);
        FourFloats values = is_signed ? signed_to_floats(sums) : unsigned_to_floats(sums);
        if constexpr (M == MetricKind::inner_product) values = negative(values);
        if constexpr (M == MetricKind::cosine) {
            float inverse_rows[4];
            load_trailers(rows, trailer_offset(E, dim), inverse_rows);
            values = cosine_distances(values, inverse_query, inverse_rows);
        }
        store(out, values);
    }
};

template <class Machine, MetricKind M, Element E>
class WideningOp : public ByteOp<Machine, M, E> {
    static constexpr bool is_signed = E == Element::int8;

public:
    using I = typename Machine::I;
    using Acc = I;
    using Left = typename Machine::W;
    static constexpr std::size_t step = Machine::wide_lanes;
    static constexpr std::size_t depth = 1;
    static constexpr std::size_t group = 4;

    WideningOp(const void* query, Dim dim) noexcept : query_(static_cast<const std::byte*>(query)) {
        if constexpr (M == MetricKind::cosine) inverse_ = load_float(query_ + query_trailer_offset(E, dim));
    }

    static TONARI_INLINE Acc zero() noexcept { return Machine::zero(); }
    TONARI_INLINE Left left(std::size_t i) const noexcept { return Machine::template widen<is_signed>(query_ + i); }
    TONARI_INLINE Left left_part(std::size_t i, std::size_t n) const noexcept {
        return Machine::template widen_part<is_signed>(query_ + i, n);
    }
    TONARI_INLINE void add(Acc& acc, Left left, const std::byte* row, std::size_t i) const noexcept {
        add_wide(acc, left, Machine::template widen<is_signed>(row + i));
    }
    TONARI_INLINE void add_part(Acc& acc, Left left, const std::byte* row, std::size_t i,
                                std::size_t n) const noexcept {
        add_wide(acc, left, Machine::template widen_part<is_signed>(row + i, n));
    }
    static TONARI_INLINE Acc merge(Acc a, Acc b) noexcept { return Machine::add(a, b); }
    static TONARI_INLINE unsigned sum(Acc a) noexcept { return Machine::sum(a); }
    static TONARI_INLINE FourSums sum4(Acc a, Acc b, Acc c, Acc d) noexcept { return Machine::sum4(a, b, c, d); }
    TONARI_INLINE float finish(unsigned sum, const std::byte* row, Dim dim) const noexcept {
        return WideningOp::finish_sum(sum, inverse_, row, dim);
    }
    TONARI_INLINE void finish4(FourSums sums, const std::byte* const* rows, Dim dim, float* out) const noexcept {
        WideningOp::finish_sums(sums, inverse_, rows, dim, out);
    }

private:
    static TONARI_INLINE void add_wide(Acc& acc, Left q, Left x) noexcept {
        if constexpr (M == MetricKind::l2) {
            const Left apart = Machine::subtract(q, x);
            acc = Machine::multiply_pairs(acc, apart, apart);
        } else {
            acc = Machine::multiply_pairs(acc, q, x);
        }
    }

    const std::byte* query_;
    float inverse_ = 0.0F;
};

/// The operation that a machine's table takes; body_vnni.hpp has others.
template <class Machine, MetricKind M, Element E>
struct BestByteOp {
    using Op = WideningOp<Machine, M, E>;
};

/// l1: int8 is moved to 0..255 first, which keeps differences.
template <class Machine, Element E>
class AbsoluteOp : public ByteOp<Machine, MetricKind::l1, E> {
public:
    using I = typename Machine::I;
    using Acc = I;
    using Left = typename Machine::B;
    static constexpr std::size_t step = Machine::byte_lanes;
    static constexpr std::size_t depth = 1;
    static constexpr std::size_t group = 8;

    AbsoluteOp(const void* query, Dim) noexcept : query_(static_cast<const std::byte*>(query)) {}

    static TONARI_INLINE Acc zero() noexcept { return Machine::zero(); }
    TONARI_INLINE Left left(std::size_t i) const noexcept { return shifted(Machine::bytes(query_ + i)); }
    TONARI_INLINE Left left_part(std::size_t i, std::size_t n) const noexcept {
        return shifted(Machine::bytes_part(query_ + i, n));
    }
    TONARI_INLINE void add(Acc& acc, Left left, const std::byte* row, std::size_t i) const noexcept {
        acc = Machine::absolute_difference(acc, left, shifted(Machine::bytes(row + i)));
    }
    TONARI_INLINE void add_part(Acc& acc, Left left, const std::byte* row, std::size_t i,
                                std::size_t n) const noexcept {
        acc = Machine::absolute_difference(acc, left, shifted(Machine::bytes_part(row + i, n)));
    }
    static TONARI_INLINE Acc merge(Acc a, Acc b) noexcept { return Machine::add(a, b); }
    static TONARI_INLINE unsigned sum(Acc a) noexcept { return Machine::sum(a); }
    static TONARI_INLINE FourSums sum4(Acc a, Acc b, Acc c, Acc d) noexcept { return Machine::sum4(a, b, c, d); }
    TONARI_INLINE float finish(unsigned sum, const std::byte* row, Dim dim) const noexcept {
        return AbsoluteOp::finish_sum(sum, 0.0F, row, dim);
    }
    TONARI_INLINE void finish4(FourSums sums, const std::byte* const* rows, Dim dim, float* out) const noexcept {
        AbsoluteOp::finish_sums(sums, 0.0F, rows, dim, out);
    }

private:
    static TONARI_INLINE Left shifted(Left bytes) noexcept {
        return E == Element::int8 ? Machine::flip_sign(bytes) : bytes;
    }
    const std::byte* query_;
};

}  // namespace
}  // namespace tonari::simd
