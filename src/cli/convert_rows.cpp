#include "cli/convert_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/simd/kernels.hpp>

#include "cli/failure.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

std::size_t position(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }

/// One value at a time, so that what does not fit can be named. NaN comes out as 0, which shows as a change.
template <class T>
void to_integers(const float* in, std::byte* out, std::size_t count) noexcept {
    constexpr auto low = static_cast<float>(std::numeric_limits<T>::min());
    constexpr auto high = static_cast<float>(std::numeric_limits<T>::max());
    for (std::size_t i = 0; i < count; ++i) {
        const float value = std::isnan(in[i]) ? 0.0F : std::clamp(std::nearbyint(in[i]), low, high);
        out[i] = static_cast<std::byte>(static_cast<T>(value));
    }
}

/// Through float32, which holds every value of every element type but bits.
class Converter {
public:
    Converter(Element from, Element to, Dim dim) : from_(from), to_(to), dim_(dim), wide_(dim), back_(dim) {}

    void convert(const std::byte* in, std::byte* out) {
        widen(from_, in, wide_.data());
        if (to_ == Element::uint8) {
            to_integers<std::uint8_t>(wide_.data(), out, dim_);
        } else if (to_ == Element::int8) {
            to_integers<std::int8_t>(wide_.data(), out, dim_);
        } else {
            simd::kernels().from_float32[position(to_)](wide_.data(), out, dim_);
        }
    }
    /// The first column whose value changed, or dim.
    std::size_t changed(const std::byte* out) {
        widen(to_, out, back_.data());
        for (std::size_t i = 0; i < dim_; ++i) {
            if (wide_[i] != back_[i]) return i;
        }
        return dim_;
    }
    [[nodiscard]] float before(std::size_t column) const { return wide_[column]; }
    [[nodiscard]] float after(std::size_t column) const { return back_[column]; }

private:
    void widen(Element element, const std::byte* in, float* out) const {
        simd::kernels().to_float32[position(element)](in, out, dim_);
    }
    Element from_;
    Element to_;
    std::size_t dim_;
    std::vector<float> wide_;
    std::vector<float> back_;
};

Matrix renamed(Matrix rows, Element to, Dim dim) {
    rows.element = to;
    rows.dim = dim;
    return rows;
}

}  // namespace

Matrix convert_rows(const Matrix& rows, Element to, bool lossy, const std::string& what) {
    if (rows.element == to) return rows;
    if (rows.element == Element::uint8 && to == Element::bits) return renamed(rows, to, rows.dim * 8);
    if (rows.element == Element::bits && to == Element::uint8) return renamed(rows, to, (rows.dim + 7) / 8);
    if (rows.element == Element::bits || to == Element::bits) {
        fail_arguments(what + ": expected bits to become uint8 or uint8 bits, got " + std::string(name(rows.element)) +
                       " to " + std::string(name(to)) + "; no other conversion keeps their meaning");
    }
    Matrix out;
    out.rows = rows.rows;
    out.dim = rows.dim;
    out.element = to;
    out.stride = row_bytes(to, rows.dim);
    AlignedBuffer bytes = require(AlignedBuffer::allocate(out.rows * out.stride));
    Converter converter(rows.element, to, rows.dim);
    const MatrixView in = rows.view();
    for (std::size_t row = 0; row < rows.rows; ++row) {
        std::byte* into = bytes.data() + row * out.stride;
        converter.convert(in.row_data(row), into);
        if (lossy) continue;
        const std::size_t column = converter.changed(into);
        if (column < rows.dim) {
            fail_arguments(what + ": expected values that " + std::string(name(to)) + " holds, got " +
                           std::to_string(converter.before(column)) + " at row " + std::to_string(row) + ", column " +
                           std::to_string(column) + ", which would become " + std::to_string(converter.after(column)) +
                           "; --lossy rounds");
        }
    }
    out.bytes = std::move(bytes).freeze();
    return out;
}

}  // namespace tonari::cli
