// |x|^2 of a row, added up as the distance kernels do.
#pragma once

#include "simd/body_bits.hpp"
#include "simd/body_float.hpp"
#include "simd/body_int8.hpp"
#include "simd/body_rows.hpp"

namespace tonari::simd {
namespace {

/// Float rows without a query: each value meets itself.
template <class Machine, Element E>
class NormOp : public FloatOp<Machine, MetricKind::inner_product, E> {
    using Base = FloatOp<Machine, MetricKind::inner_product, E>;
    struct Nothing {};

public:
    using Acc = typename Base::Acc;

    NormOp() noexcept : Base(nullptr, 0) {}
    TONARI_INLINE Nothing left(std::size_t) const noexcept { return {}; }
    TONARI_INLINE Nothing left_part(std::size_t, std::size_t) const noexcept { return {}; }
    TONARI_INLINE void add(Acc& acc, Nothing, const std::byte* row, std::size_t i) const noexcept {
        Acc values;
        Machine::template row<E>(row + i * row_bytes(E, 1), values.part);
        Base::add_values(acc, values, values);
    }
    TONARI_INLINE void add_part(Acc& acc, Nothing, const std::byte* row, std::size_t i, std::size_t n) const noexcept {
        Acc values;
        Machine::template row_part<E>(row + i * row_bytes(E, 1), n, values.part);
        Base::add_values(acc, values, values);
    }
};

template <class Machine, Element E>
float squared_norm(const void* row, Dim dim) noexcept {
    const auto* at = static_cast<const std::byte*>(row);
    if constexpr (is_float(E)) {
        return add_up_one(NormOp<Machine, E>(), at, dim);
    } else if constexpr (E == Element::bits) {
        unsigned ones = 0;
        for (std::size_t i = 0; i < dim / 8; ++i) ones += static_cast<unsigned>(__builtin_popcount(unsigned(at[i])));
        if (dim % 8 != 0) {
            const unsigned last = static_cast<unsigned>(at[dim / 8]) & ((1U << dim % 8) - 1);
            ones += static_cast<unsigned>(__builtin_popcount(last));
        }
        return to_float(ones);
    } else {
        return to_float(add_up_one(WideningOp<Machine, MetricKind::inner_product, E>(row, dim), at, dim));
    }
}

}  // namespace
}  // namespace tonari::simd
