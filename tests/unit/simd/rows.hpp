// Rows and queries for the kernel tests, laid out as the kernels want them, ending where memory ends.
#pragma once

#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>

#include "simd/half.hpp"
#include "simd/layout.hpp"

namespace tonari::simd::test {

inline constexpr std::array all_metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine, MetricKind::l1,
                                        MetricKind::hamming};
inline constexpr std::array all_elements{Element::float32, Element::float16, Element::bfloat16,
                                         Element::int8,    Element::uint8,   Element::bits};

/// Memory whose last byte is followed by a page that must not be touched.
class GuardedBytes {
public:
    explicit GuardedBytes(std::size_t bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t usable = (bytes + page - 1) / page * page;
        mapped_ = usable + page;
        void* start = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED) throw std::runtime_error("mmap");
        start_ = static_cast<std::byte*>(start);
        mprotect(start_ + usable, page, PROT_NONE);
        data_ = start_ + usable - bytes;
    }
    GuardedBytes(GuardedBytes&& other) noexcept
        : start_(std::exchange(other.start_, nullptr)), data_(other.data_), mapped_(other.mapped_) {}
    GuardedBytes& operator=(GuardedBytes&&) = delete;
    ~GuardedBytes() {
        if (start_ != nullptr) munmap(start_, mapped_);
    }
    [[nodiscard]] std::byte* data() const noexcept { return data_; }

private:
    std::byte* start_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t mapped_ = 0;
};

/// Bytes of a row (or query) with its trailer.
inline std::size_t stored_bytes(MetricKind metric, Element element, Dim dim) {
    return metric == MetricKind::cosine ? trailer_offset(element, dim) + 4 : row_bytes(element, dim);
}
inline std::size_t query_bytes(MetricKind metric, Element element, Dim dim) {
    return stored_bytes(metric, is_half(element) ? Element::float32 : element, dim);
}

/// How the values are chosen.
enum class Fill { ordinary, lowest, highest };

/// Writes `dim` values and, for cosine, what follows them.
inline void fill_row(std::byte* at, MetricKind metric, Element element, Dim dim, Random& random,
                     Fill fill = Fill::ordinary) {
    const std::size_t bytes = stored_bytes(metric, element, dim);
    std::memset(at, 0, bytes);
    double norm = 0;
    for (std::size_t i = 0; i < dim; ++i) {
        auto value = static_cast<float>(unit(random()) * 2 - 1);
        switch (element) {
            case Element::float32: std::memcpy(at + i * 4, &value, 4); break;
            case Element::float16:
            case Element::bfloat16: {
                if (fill != Fill::ordinary) value = fill == Fill::lowest ? -65504.0F : 65504.0F;
                const std::uint16_t half = element == Element::float16 ? float_to_half(value) : float_to_bfloat(value);
                std::memcpy(at + i * 2, &half, 2);
                value = element == Element::float16 ? half_to_float(half) : bfloat_to_float(half);
                break;
            }
            case Element::int8: {
                int number = static_cast<int>(random.below(256)) - 128;
                if (fill != Fill::ordinary) number = fill == Fill::lowest ? -128 : 127;
                at[i] = static_cast<std::byte>(number);
                value = static_cast<float>(number);
                break;
            }
            case Element::uint8: {
                auto number = static_cast<unsigned>(random.below(256));
                if (fill != Fill::ordinary) number = fill == Fill::lowest ? 0 : 255;
                at[i] = static_cast<std::byte>(number);
                value = static_cast<float>(number);
                break;
            }
            case Element::bits: {
                bool set = random.below(2) != 0;
                if (fill != Fill::ordinary) set = fill == Fill::highest;
                if (set) at[i / 8] |= std::byte{1} << (i % 8);
                break;
            }
        }
        norm += static_cast<double>(value) * static_cast<double>(value);
    }
    if (metric == MetricKind::cosine) {
        const float inverse = norm > 0 ? static_cast<float>(1.0 / std::sqrt(norm)) : 0.0F;
        std::memcpy(at + trailer_offset(element, dim), &inverse, 4);
    }
}

inline void fill_query(std::byte* at, MetricKind metric, Element element, Dim dim, Random& random,
                       Fill fill = Fill::ordinary) {
    if (!is_half(element)) return fill_row(at, metric, element, dim, random, fill);
    fill_row(at, metric, Element::float32, dim, random);
    if (fill == Fill::ordinary) return;
    const float extreme = fill == Fill::lowest ? -65504.0F : 65504.0F;
    for (std::size_t i = 0; i < dim; ++i) std::memcpy(at + i * 4, &extreme, 4);
    const auto inverse = static_cast<float>(1.0 / (65504.0 * std::sqrt(static_cast<double>(dim))));
    if (metric == MetricKind::cosine) std::memcpy(at + trailer_offset(Element::float32, dim), &inverse, 4);
}

/// A query and rows; each of the rows ends where its memory ends.
struct Case {
    MetricKind metric;
    Element element;
    Dim dim;
    GuardedBytes query;
    std::vector<GuardedBytes> owned;
    std::vector<const std::byte*> rows;

    Case(MetricKind m, Element e, Dim d, std::size_t count, std::uint64_t seed, Fill of_query = Fill::ordinary,
         Fill of_rows = Fill::ordinary)
        : metric(m), element(e), dim(d), query(query_bytes(m, e, d)) {
        Random random(seed);
        fill_query(query.data(), m, e, d, random, of_query);
        for (std::size_t i = 0; i < count; ++i) {
            owned.emplace_back(stored_bytes(m, e, d));
            fill_row(owned.back().data(), m, e, d, random, of_rows);
            rows.push_back(owned.back().data());
        }
    }
    [[nodiscard]] std::vector<float> gather(const Kernels& table) const {
        std::vector<float> out(rows.size());
        table.of(metric, element).gather(query.data(), rows.data(), rows.size(), dim, out.data());
        return out;
    }
};

inline void reference_values(Element element, const std::byte* row, std::vector<float>& out) {
    kernels(Level::reference)->to_float32[static_cast<std::size_t>(element) - 1](row, out.data(), out.size());
}

/// How far a float sum may be from the exact one: every term rounded once, every addition once, in any order.
inline double tolerance(const Case& of, const std::byte* row) {
    if (!is_float(of.element)) return of.metric == MetricKind::cosine ? 0x1.0p-21 : 0.0;
    std::vector<float> q(of.dim);
    std::vector<float> x(of.dim);
    std::memcpy(q.data(), of.query.data(), of.dim * sizeof(float));
    reference_values(of.element, row, x);
    double terms = 0;
    for (std::size_t i = 0; i < of.dim; ++i) {
        const auto a = static_cast<double>(q[i]);
        const auto b = static_cast<double>(x[i]);
        if (of.metric == MetricKind::l2)
            terms += (a - b) * (a - b);
        else if (of.metric == MetricKind::l1)
            terms += std::abs(a - b);
        else
            terms += std::abs(a * b);
    }
    if (of.metric == MetricKind::cosine) {
        terms *= static_cast<double>(load_float(of.query.data() + query_trailer_offset(of.element, of.dim))) *
                 static_cast<double>(load_float(row + trailer_offset(of.element, of.dim)));
        terms += 1;
    }
    return (static_cast<double>(of.dim) / 8 + 8) * 0x1.0p-24 * terms;
}

}  // namespace tonari::simd::test
