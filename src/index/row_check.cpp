// Looks at every value of the rows that come in: once, in parallel, so that kernels never have to.
#include <tonari/index/row_check.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <tonari/codec/narrowed.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {
namespace {

constexpr std::size_t piece = 256;  // values that are converted at once, without memory of their own

/// Rows and queries below it are less than the largest float apart: |q - x|^2 <= 2 (|q|^2 + |x|^2). A hundredth less, for
/// sums of up to 65,536 values round: an infinite distance is below no bound, and its row would be missing in an answer.
constexpr float largest_square = std::numeric_limits<float>::max() / 4 * 0.99F;

constexpr std::size_t index(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }

bool good(RowView row) noexcept {
    const std::size_t at = index(row.element());
    const simd::Kernels& kernels = simd::kernels();
    if (kernels.all_finite[at] == nullptr) return true;  // integers and bits
    return kernels.all_finite[at](row.data(), row.dim()) &&
           kernels.squared_norm[at](row.data(), row.dim()) <= largest_square;
}

/// The first row that is not `fine`; rows.rows() if there is none.
template <class Fine>
std::size_t first_bad_row(MatrixView rows, const Threads& threads, const Fine& fine) {
    std::atomic<std::size_t> first_bad{rows.rows()};
    parallel_for(threads, rows.rows(), 256, [&](std::size_t first, std::size_t last, unsigned) {
        for (std::size_t i = first; i < last; ++i) {
            if (fine(rows.row(i))) continue;
            std::size_t known = first_bad.load();
            while (i < known && !first_bad.compare_exchange_weak(known, i)) {
            }
            return;
        }
    });
    return first_bad.load();
}

Error describe(RowView row, std::string_view what, const std::string& where) {
    std::vector<float> values(row.dim());
    simd::kernels().to_float32[index(row.element())](row.data(), values.data(), row.dim());
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    const std::string expected = "expected finite values in " + std::string(what) + ", got ";
    if (bad == values.end()) {
        return {ErrorCode::invalid_argument,
                expected + "values so large" + where + " that their squares overflow float32; scale the rows down"};
    }
    return {ErrorCode::invalid_argument,
            expected + std::to_string(*bad) + where + ", column " + std::to_string(bad - values.begin())};
}

/// |row|^2 of what `store` keeps of it, as the kernels add it up.
float stored_square(RowView row, Element store) noexcept {
    if (row.element() == store || row.element() != Element::float32) {  // kept as it is
        return simd::kernels().squared_norm[index(row.element())](row.data(), row.dim());
    }
    const auto squared_norm = simd::kernels().squared_norm[index(store)];
    float square = 0;
    look_narrowed({static_cast<const float*>(row.data()), row.dim()}, store,
                  [&](std::size_t /*first*/, std::span<const std::uint16_t> halves) {
                      square += squared_norm(halves.data(), static_cast<Dim>(halves.size()));
                      return true;
                  });
    return square;
}

/// |row| in double, where no square is too small.
double exact_norm(RowView row) noexcept {
    std::array<float, piece> values;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
    double square = 0;
    for (Dim i = 0; i < row.dim(); i += piece) {
        const Dim count = std::min<Dim>(piece, row.dim() - i);
        const auto* at = static_cast<const std::byte*>(row.data()) + row_bytes(row.element(), i);
        simd::kernels().to_float32[index(row.element())](at, values.data(), count);
        for (const float value : std::span(values).first(count)) square += double{value} * value;
    }
    return std::sqrt(square);
}

/// From the smallest normal float32 on, what underflows in a product of two rows is less than what rounding costs.
bool has_direction(RowView row, Element store) noexcept {
    return stored_square(row, store) >= std::numeric_limits<float>::min() || exact_norm(row) == 0;
}

Error no_direction(RowView row, Element store, std::string_view what, const std::string& where) {
    std::ostringstream message;
    message << "expected values in " << what << " that leave a direction in " << name(store)
            << " (cosine needs one), got a norm of " << exact_norm(row) << where << "; scale the rows up";
    return {ErrorCode::invalid_argument, message.str()};
}

}  // namespace

Status check_finite(MatrixView rows, std::string_view what, const Threads& threads) {
    const std::size_t bad = first_bad_row(rows, threads, good);
    if (bad == rows.rows()) return {};
    return describe(rows.row(bad), what, " at row " + std::to_string(bad));
}

Status check_finite(RowView row, std::string_view what) {
    if (good(row)) return {};
    return describe(row, what, "");
}

Status check_direction(MatrixView rows, Element store, std::string_view what, const Threads& threads) {
    const std::size_t bad = first_bad_row(rows, threads, [store](RowView row) { return has_direction(row, store); });
    if (bad == rows.rows()) return {};
    return no_direction(rows.row(bad), store, what, " at row " + std::to_string(bad));
}

Status check_direction(RowView row, std::string_view what) {
    if (has_direction(row, row.element())) return {};
    return no_direction(row, row.element(), what, "");
}

Status check_storable(MatrixView rows, Element store, const Threads& threads) {
    if (store == rows.element() || rows.element() != Element::float32) return {};
    const auto fits = [store](std::span<const float> values) {
        const auto all_finite = simd::kernels().all_finite[index(store)];
        return look_narrowed(values, store, [&](std::size_t /*first*/, std::span<const std::uint16_t> halves) {
            return all_finite(halves.data(), halves.size());
        });
    };
    const std::size_t bad = first_bad_row(
        rows, threads, [&](RowView row) { return fits({static_cast<const float*>(row.data()), row.dim()}); });
    if (bad == rows.rows()) return {};
    const std::span values(static_cast<const float*>(rows.row(bad).data()), rows.dim());
    const auto value = std::find_if(values.begin(), values.end(), [&](const float& v) { return !fits({&v, 1}); });
    return Error{ErrorCode::invalid_argument, "expected values that " + std::string(name(store)) + " can hold, got " +
                                                  std::to_string(*value) + " at row " + std::to_string(bad) +
                                                  ", column " + std::to_string(value - values.begin()) +
                                                  "; scale the rows down or store float32"};
}

}  // namespace tonari
