// The numbers that everything else is written in: rows, ids, dimensions, and what a row is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace tonari {

/// A row's position inside one index or segment. 32 bits keep links and candidate queues small.
using RowId = std::uint32_t;
inline constexpr RowId no_row = std::numeric_limits<RowId>::max();
/// The most rows one index holds: candidate queues keep a mark in the 32nd bit.
inline constexpr std::size_t max_rows = (std::size_t{1} << 31) - 16;

/// The name an application gives a row. Not negative; `no_id` fills answers that are shorter than k.
using Id = std::int64_t;
inline constexpr Id no_id = -1;

/// Number of dimensions of a row (for `Element::bits`: of bits).
using Dim = std::uint32_t;
inline constexpr Dim max_dim = 1U << 16;

/// What a row is made of. The values stand in files: never renumber.
enum class Element : std::uint8_t { float32 = 1, float16 = 2, bfloat16 = 3, int8 = 4, uint8 = 5, bits = 6 };

/// How far two rows are apart. The values stand in files: never renumber.
enum class MetricKind : std::uint8_t { l2 = 1, inner_product = 2, cosine = 3, l1 = 4, hamming = 5, user = 255 };

/// IEEE 754 binary16 and bfloat16 as they lie in memory; arithmetic lives in the kernels.
struct Float16 {
    std::uint16_t bits = 0;
};
struct BFloat16 {
    std::uint16_t bits = 0;
};
/// Eight dimensions a byte, lowest bit first.
struct Bits8 {
    std::uint8_t bits = 0;
};

/// Bytes that a row of `dim` dimensions takes.
constexpr std::size_t row_bytes(Element element, Dim dim) noexcept {
    switch (element) {
        case Element::float32: return std::size_t{dim} * 4;
        case Element::float16:
        case Element::bfloat16: return std::size_t{dim} * 2;
        case Element::int8:
        case Element::uint8: return dim;
        case Element::bits: return (std::size_t{dim} + 7) / 8;
    }
    return 0;
}

constexpr std::string_view name(Element element) noexcept {
    switch (element) {
        case Element::float32: return "float32";
        case Element::float16: return "float16";
        case Element::bfloat16: return "bfloat16";
        case Element::int8: return "int8";
        case Element::uint8: return "uint8";
        case Element::bits: return "bits";
    }
    return "unknown";
}

constexpr std::string_view name(MetricKind metric) noexcept {
    switch (metric) {
        case MetricKind::l2: return "l2";
        case MetricKind::inner_product: return "ip";
        case MetricKind::cosine: return "cosine";
        case MetricKind::l1: return "l1";
        case MetricKind::hamming: return "hamming";
        case MetricKind::user: return "user";
    }
    return "unknown";
}

template <class T>
struct ElementOf;
template <>
struct ElementOf<float> {
    static constexpr Element value = Element::float32;
};
template <>
struct ElementOf<Float16> {
    static constexpr Element value = Element::float16;
};
template <>
struct ElementOf<BFloat16> {
    static constexpr Element value = Element::bfloat16;
};
template <>
struct ElementOf<std::int8_t> {
    static constexpr Element value = Element::int8;
};
template <>
struct ElementOf<std::uint8_t> {
    static constexpr Element value = Element::uint8;
};
template <>
struct ElementOf<Bits8> {
    static constexpr Element value = Element::bits;
};

}  // namespace tonari
