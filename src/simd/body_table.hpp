// A level's table, filled from its machine. Every level has the same pairs of metric and element.
#pragma once

#include <tonari/simd/kernels.hpp>

#include "simd/body_below.hpp"
#include "simd/body_bits.hpp"
#include "simd/body_block.hpp"
#include "simd/body_block_bytes.hpp"
#include "simd/body_byte_codes.hpp"
#include "simd/body_byte_table.hpp"
#include "simd/body_convert.hpp"
#include "simd/body_float.hpp"
#include "simd/body_int8.hpp"
#include "simd/body_nearest.hpp"
#include "simd/body_nibble_table.hpp"
#include "simd/body_nibbles.hpp"
#include "simd/body_norm.hpp"
#include "simd/body_planes.hpp"
#include "simd/body_rotate.hpp"
#include "simd/body_round.hpp"
#include "simd/body_rows.hpp"
#include "simd/body_signs.hpp"
#include "simd/body_value_nibbles.hpp"

namespace tonari::simd {
namespace {

constexpr std::size_t index(MetricKind metric) noexcept { return static_cast<std::size_t>(metric) - 1; }
constexpr std::size_t index(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }

template <class Op>
constexpr void set_pair(DistanceKernels& kernels) noexcept {
    kernels.gather = &gather<Op>;
    kernels.scan = &scan<Op>;
}

template <class Machine, MetricKind M>
void pack_floats_of(const void* queries, std::size_t stride, std::size_t count, Dim dim, void* panel) noexcept {
    pack_floats<M>(queries, stride, count, dim, panel, &squared_norm<Machine, Element::float32>);
}

template <class Machine, MetricKind M, Element E>
constexpr void set_bytes(DistanceKernels& kernels) noexcept {
    set_pair<typename BestByteOp<Machine, M, E>::Op>(kernels);
    if constexpr (Machine::has_byte_blocks) {
        kernels.panel_bytes = &byte_panel_bytes<Machine>;
        kernels.pack = &pack_bytes<Machine, M, E>;
        kernels.block = &block_bytes<Machine, M, E>;
    }
}

template <class Machine, MetricKind M>
constexpr void set_products(Kernels& table) noexcept {
    DistanceKernels* of = table.distance[index(M)];
    set_pair<FloatOp<Machine, M, Element::float32>>(of[index(Element::float32)]);
    set_pair<FloatOp<Machine, M, Element::float16>>(of[index(Element::float16)]);
    set_pair<FloatOp<Machine, M, Element::bfloat16>>(of[index(Element::bfloat16)]);
    set_bytes<Machine, M, Element::int8>(of[index(Element::int8)]);
    set_bytes<Machine, M, Element::uint8>(of[index(Element::uint8)]);

    DistanceKernels& floats = of[index(Element::float32)];
    floats.panel_bytes = &float_panel_bytes;
    floats.pack = &pack_floats_of<Machine, M>;
    floats.block = &block_floats<Machine, M>;
}

template <class Machine, Element E>
constexpr void set_norm(Kernels& table) noexcept {
    table.squared_norm[index(E)] = &squared_norm<Machine, E>;
}

template <class Machine>
constexpr Kernels make_table() noexcept {
    Kernels table{};
    table.level = Machine::level;
    set_products<Machine, MetricKind::l2>(table);
    set_products<Machine, MetricKind::inner_product>(table);
    set_products<Machine, MetricKind::cosine>(table);

    DistanceKernels* l1 = table.distance[index(MetricKind::l1)];
    set_pair<FloatOp<Machine, MetricKind::l1, Element::float32>>(l1[index(Element::float32)]);
    set_pair<FloatOp<Machine, MetricKind::l1, Element::float16>>(l1[index(Element::float16)]);
    set_pair<FloatOp<Machine, MetricKind::l1, Element::bfloat16>>(l1[index(Element::bfloat16)]);
    set_pair<AbsoluteOp<Machine, Element::int8>>(l1[index(Element::int8)]);
    set_pair<AbsoluteOp<Machine, Element::uint8>>(l1[index(Element::uint8)]);

    DistanceKernels& hamming = table.distance[index(MetricKind::hamming)][index(Element::bits)];
    hamming.gather = &gather_bits<Machine>;
    hamming.scan = &scan_bits<Machine>;

    set_norm<Machine, Element::float32>(table);
    set_norm<Machine, Element::float16>(table);
    set_norm<Machine, Element::bfloat16>(table);
    set_norm<Machine, Element::int8>(table);
    set_norm<Machine, Element::uint8>(table);
    set_norm<Machine, Element::bits>(table);

    table.from_float32[index(Element::float32)] = &float32_to_float32<Machine>;
    table.from_float32[index(Element::float16)] = &float32_to_float16<Machine>;
    table.from_float32[index(Element::bfloat16)] = &float32_to_bfloat16<Machine>;
    table.to_float32[index(Element::float32)] = &float32_from_float32<Machine>;
    table.to_float32[index(Element::float16)] = &float32_from_float16<Machine>;
    table.to_float32[index(Element::bfloat16)] = &float32_from_bfloat16<Machine>;
    table.to_float32[index(Element::int8)] = &float32_from_integers<Machine, std::int8_t>;
    table.to_float32[index(Element::uint8)] = &float32_from_integers<Machine, std::uint8_t>;
    table.all_finite[index(Element::float32)] = &exponents_finite<Machine, std::uint32_t, 0x7F800000U>;
    table.all_finite[index(Element::float16)] = &exponents_finite<Machine, std::uint16_t, 0x7C00U>;
    table.all_finite[index(Element::bfloat16)] = &exponents_finite<Machine, std::uint16_t, 0x7F80U>;
    table.block_width = Machine::block_vectors * Machine::float_lanes;
    table.block_below = &block_below<Machine>;
    table.block_nearest = &block_nearest<Machine>;
    table.nibbles_below = &nibbles_below<Machine>;
    table.nibbles_below_each = &nibbles_below_each<Machine>;
    table.nibble_table = &nibble_table<Machine>;
    table.byte_codes_gather = &byte_codes_gather<Machine>;
    table.byte_codes_scan = &byte_codes_scan<Machine>;
    table.value_nibbles_gather = &value_nibbles_gather<Machine>;
    table.value_nibbles_scan = &value_nibbles_scan<Machine>;
    table.byte_table = &byte_table<Machine>;
    table.byte_points = &byte_points<Machine>;
    table.put_signs = &put_signs<Machine>;
    table.planes_product = &planes_product<Machine>;
    table.round_int8 = &round_int8<Machine>;
    table.rounded_sums = &rounded_sums<Machine>;
    table.rotate = &rotate<Machine>;
    return table;
}

}  // namespace
}  // namespace tonari::simd
