// int8 and uint8 rows by VNNI, exactly. Its instruction multiplies unsigned bytes by signed ones, so one side is moved
// by 128, which turns a byte's sign bit over:
//
//     name          int8 row or query        uint8 row or query
//     s (signed)    the byte                 byte ^ 0x80 = byte - 128
//     u = s + 128   byte ^ 0x80              the byte
//
//     int8  <q,x> = sum u_x s_q - 128 sum s_q                     products, then one number of the query
//     uint8 <q,x> = sum u_q s_x + 128 sum u_q
//     |q - x|^2   = sum u_x s_x + sum 128 s_x - 2 sum u_q s_x + sum s_q^2
//
// The last line is (s_x - s_q)^2 multiplied out, with s_x^2 = u_x s_x - 128 s_x. It needs three products where
// widening to 16 bits needs two shuffles, two subtractions and two products. All of it is modulo 2^32.
#pragma once

#include "simd/body_int8.hpp"
#include "simd/machine_avx512_spr.hpp"

namespace tonari::simd {
namespace {

/// The two ways to see 64 bytes. A part is filled so that `s` is zero beyond it.
template <class Machine, Element E>
struct SignedBytes {
    typename Machine::B s;
    typename Machine::B u;

    static TONARI_INLINE SignedBytes load(const std::byte* at) noexcept { return split(Machine::bytes(at)); }
    static TONARI_INLINE SignedBytes load_part(const std::byte* at, std::size_t n) noexcept {
        if constexpr (E == Element::int8) return split(Machine::bytes_part(at, n));
        return split(Machine::bytes_part_or(at, n, Machine::every_byte(-128)));
    }
    static TONARI_INLINE SignedBytes split(typename Machine::B bytes) noexcept {
        const auto flipped = Machine::flip_sign(bytes);
        if constexpr (E == Element::int8) return {bytes, flipped};
        return {flipped, bytes};
    }
    /// body(SignedBytes) for each 64 bytes of `dim`.
    template <class Body>
    static TONARI_INLINE void each(const std::byte* at, Dim dim, Body&& body) noexcept {
        std::size_t i = 0;
        for (; i + Machine::byte_lanes <= dim; i += Machine::byte_lanes) body(load(at + i));
        if (i < dim) body(load_part(at + i, dim - i));
    }
};

/// <q,x>, for the inner product and cosine.
template <class Machine, MetricKind M, Element E>
class VnniProductOp : public ByteOp<Machine, M, E> {
    using Bytes = SignedBytes<Machine, E>;

public:
    using I = typename Machine::I;
    using Acc = I;
    using Left = typename Machine::B;
    static constexpr std::size_t step = Machine::byte_lanes;
    static constexpr std::size_t depth = 1;
    static constexpr std::size_t group = 8;

    VnniProductOp(const void* query, Dim dim) noexcept : query_(static_cast<const std::byte*>(query)) {
        if constexpr (M == MetricKind::cosine) inverse_ = load_float(query_ + query_trailer_offset(E, dim));
        // Of int8, sum 128 s_q is taken off; of uint8, sum 128 s_q and the 128 * 128 per dimension that turn it
        // into 128 u_q are added.
        I sum = Machine::zero();
        Bytes::each(query_, dim, [&](const Bytes& q) __attribute__((always_inline)) {
            sum = Machine::multiply_bytes(sum, Machine::every_byte(-128), q.s);
        });
        const unsigned moved = Machine::sum(sum);
        offset_ = E == Element::int8 ? 0U - moved : moved + 128U * 128U * dim;
    }
    static TONARI_INLINE Acc zero() noexcept { return Machine::zero(); }
    TONARI_INLINE Left left(std::size_t i) const noexcept { return Machine::bytes(query_ + i); }
    TONARI_INLINE Left left_part(std::size_t i, std::size_t n) const noexcept {
        return Machine::bytes_part(query_ + i, n);
    }
    TONARI_INLINE void add(Acc& acc, Left left, const std::byte* row, std::size_t i) const noexcept {
        add_bytes(acc, left, Machine::bytes(row + i));
    }
    TONARI_INLINE void add_part(Acc& acc, Left left, const std::byte* row, std::size_t i,
                                std::size_t n) const noexcept {
        add_bytes(acc, left, Machine::bytes_part(row + i, n));  // the query is zero beyond n, whatever the row is
    }
    static TONARI_INLINE Acc merge(Acc a, Acc b) noexcept { return Machine::add(a, b); }
    static TONARI_INLINE unsigned sum(Acc a) noexcept { return Machine::sum(a); }
    static TONARI_INLINE FourSums sum4(Acc a, Acc b, Acc c, Acc d) noexcept { return Machine::sum4(a, b, c, d); }
    TONARI_INLINE float finish(unsigned sum, const std::byte* row, Dim dim) const noexcept {
        return VnniProductOp::finish_sum(sum + offset_, inverse_, row, dim);
    }
    TONARI_INLINE void finish4(FourSums sums, const std::byte* const* rows, Dim dim, float* out) const noexcept {
        VnniProductOp::finish_sums(add_to_each(sums, offset_), inverse_, rows, dim, out);
    }

private:
    static TONARI_INLINE void add_bytes(Acc& acc, Left q, Left x) noexcept {
        if constexpr (E == Element::int8) {
            acc = Machine::multiply_bytes(acc, Machine::flip_sign(x), q);
        } else {
            acc = Machine::multiply_bytes(acc, q, Machine::flip_sign(x));
        }
    }
    const std::byte* query_;
    float inverse_ = 0.0F;
    unsigned offset_ = 0;
};

/// |q - x|^2.
template <class Machine, Element E>
class VnniSquareOp : public ByteOp<Machine, MetricKind::l2, E> {
    using Bytes = SignedBytes<Machine, E>;

public:
    using I = typename Machine::I;
    /// Three sums, so that no product waits for another: sum u_x s_x, sum 128 s_x, sum u_q s_x.
    struct Acc {
        I own;
        I moved;
        I with_query;
    };
    using Left = typename Machine::B;
    static constexpr std::size_t step = Machine::byte_lanes;
    static constexpr std::size_t depth = 1;
    static constexpr std::size_t group = 4;

    VnniSquareOp(const void* query, Dim dim) noexcept : query_(static_cast<const std::byte*>(query)) {
        I squares = Machine::zero();
        I moved = Machine::zero();
        Bytes::each(query_, dim, [&](const Bytes& q) __attribute__((always_inline)) {
            squares = Machine::multiply_bytes(squares, q.u, q.s);
            moved = Machine::multiply_bytes(moved, Machine::every_byte(-128), q.s);
        });
        offset_ = Machine::sum(Machine::subtract_sums(squares, moved));
    }
    static TONARI_INLINE Acc zero() noexcept { return {Machine::zero(), Machine::zero(), Machine::zero()}; }
    TONARI_INLINE Left left(std::size_t i) const noexcept { return Bytes::load(query_ + i).u; }
    TONARI_INLINE Left left_part(std::size_t i, std::size_t n) const noexcept {
        return Bytes::load_part(query_ + i, n).u;
    }
    TONARI_INLINE void add(Acc& acc, Left left, const std::byte* row, std::size_t i) const noexcept {
        add_bytes(acc, left, Bytes::load(row + i));
    }
    TONARI_INLINE void add_part(Acc& acc, Left left, const std::byte* row, std::size_t i,
                                std::size_t n) const noexcept {
        add_bytes(acc, left, Bytes::load_part(row + i, n));
    }
    static TONARI_INLINE Acc merge(const Acc& a, const Acc& b) noexcept {
        return {Machine::add(a.own, b.own), Machine::add(a.moved, b.moved), Machine::add(a.with_query, b.with_query)};
    }
    static TONARI_INLINE unsigned sum(const Acc& a) noexcept { return Machine::sum(fold(a)); }
    static TONARI_INLINE FourSums sum4(const Acc& a, const Acc& b, const Acc& c, const Acc& d) noexcept {
        return Machine::sum4(fold(a), fold(b), fold(c), fold(d));
    }
    TONARI_INLINE float finish(unsigned sum, const std::byte*, Dim) const noexcept { return to_float(sum + offset_); }
    TONARI_INLINE void finish4(FourSums sums, const std::byte* const*, Dim, float* out) const noexcept {
        store(out, unsigned_to_floats(add_to_each(sums, offset_)));
    }

private:
    static TONARI_INLINE void add_bytes(Acc& acc, Left q, const Bytes& x) noexcept {
        acc.own = Machine::multiply_bytes(acc.own, x.u, x.s);
        acc.moved = Machine::multiply_bytes(acc.moved, Machine::every_byte(-128), x.s);
        acc.with_query = Machine::multiply_bytes(acc.with_query, q, x.s);
    }
    static TONARI_INLINE I fold(const Acc& a) noexcept {
        return Machine::subtract_sums(Machine::add(a.own, a.moved), Machine::doubled(a.with_query));
    }
    const std::byte* query_;
    unsigned offset_ = 0;
};

template <MetricKind M, Element E>
struct BestByteOp<Avx512Spr, M, E> {
    using Op = VnniProductOp<Avx512Spr, M, E>;
};
template <Element E>
struct BestByteOp<Avx512Spr, MetricKind::l2, E> {
    using Op = VnniSquareOp<Avx512Spr, E>;
};

}  // namespace
}  // namespace tonari::simd
