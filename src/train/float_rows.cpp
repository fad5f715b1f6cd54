#include "train/float_rows.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tonari/simd/kernels.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari::train {
namespace {

constexpr std::size_t index(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }

/// As index/row_check.cpp has it: two such rows are less than the largest float apart.
constexpr float largest_square = std::numeric_limits<float>::max() / 4 * 0.99F;

/// From here on a product's rounding is worth more than 1e-5 of the spread.
constexpr double far_away = 64;
constexpr std::size_t looked_at = 4096;

}  // namespace

void FloatRows::read(std::size_t i, float* out) const noexcept {
    const RowView source = row(i);
    simd::kernels().to_float32[index(source.element())](source.data(), out, dim());
    if (shift_ == nullptr) return;
    for (std::size_t d = 0; d < dim(); ++d) out[d] -= shift_[d];
}

FloatRows::Block FloatRows::block(std::size_t first, std::size_t count, float* scratch) const noexcept {
    if (rows_.element() == Element::float32 && picked_.empty() && shift_ == nullptr) {
        return {rows_.row_data(first), rows_.stride()};
    }
    constexpr std::size_t ahead = 4;
    for (std::size_t i = 0; i < count; ++i) {
        if (!picked_.empty() && i + ahead < count) simd::prefetch(row(first + i + ahead).data(), row(0).bytes());
        read(first + i, scratch + i * dim());
    }
    return {scratch, row_bytes(Element::float32, dim())};
}

bool is_usable(RowView row) noexcept {
    // Of NaN and infinity the square is neither: one comparison finds all three.
    return simd::kernels().squared_norm[index(row.element())](row.data(), row.dim()) <= largest_square;
}

std::size_t first_unusable(const FloatRows& rows, std::size_t first, std::size_t count, const Threads& threads) {
    std::atomic<std::size_t> bad{first + count};
    parallel_for(threads, count, 256, [&](std::size_t from, std::size_t to, unsigned) {
        for (std::size_t i = first + from; i < first + to; ++i) {
            if (is_usable(rows.row(i))) continue;
            std::size_t known = bad.load();
            while (i < known && !bad.compare_exchange_weak(known, i)) {
            }
            return;
        }
    });
    return bad;
}

Error describe_unusable(RowView row, std::string_view what, std::size_t number) {
    std::vector<float> values(row.dim());
    simd::kernels().to_float32[index(row.element())](row.data(), values.data(), row.dim());
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    const std::string expected = "expected finite values in " + std::string(what) + ", got ";
    const std::string where = " at row " + std::to_string(number);
    if (bad == values.end()) {
        return {ErrorCode::invalid_argument,
                expected + "values so large" + where + " that their squares overflow float32; scale the rows down"};
    }
    return {ErrorCode::invalid_argument,
            expected + std::to_string(*bad) + where + ", column " + std::to_string(bad - values.begin())};
}

Status check_rows(MatrixView rows, std::string_view what) {
    if (rows.element() < Element::float32 || rows.element() > Element::uint8) {
        return Error{ErrorCode::unsupported, "expected " + std::string(what) + " of numbers, which have a mean, got " +
                                                 std::string(name(rows.element()))};
    }
    if (rows.rows() == 0 || rows.dim() == 0) {
        return Error{ErrorCode::invalid_argument, "expected at least one row and one dimension in " +
                                                      std::string(what) + ", got " + std::to_string(rows.rows()) +
                                                      " rows of " + std::to_string(rows.dim()) + " dimensions"};
    }
    if (rows.rows() > max_rows || rows.dim() > max_dim) {
        return Error{ErrorCode::out_of_range, "expected at most " + std::to_string(max_rows) + " rows of " +
                                                  std::to_string(max_dim) + " dimensions in " + std::string(what) +
                                                  ", got " + std::to_string(rows.rows()) + " of " +
                                                  std::to_string(rows.dim())};
    }
    return {};
}

bool find_shift(const FloatRows& rows, std::span<float> shift) noexcept {
    constexpr std::size_t piece = 256;  // dimensions that are summed at once, without memory of their own
    const std::size_t step = (rows.size() + looked_at - 1) / looked_at;
    const std::size_t summed = (rows.size() + step - 1) / step;
    const auto count = static_cast<double>(summed);
    double middle_square = 0;
    double square = 0;
    for (std::size_t first = 0; first < rows.dim(); first += piece) {
        const std::size_t width = std::min(piece, rows.dim() - first);
        std::array<double, piece> sums{};
        for (std::size_t i = 0; i < rows.size(); i += step) {
            const float* row = rows.floats(i) + first;
            for (std::size_t d = 0; d < width; ++d) {
                sums[d] += row[d];
                square += double{row[d]} * row[d];
            }
        }
        for (std::size_t d = 0; d < width; ++d) {
            const double middle = sums[d] / count;
            middle_square += middle * middle;
            shift[first + d] = static_cast<float>(middle);
        }
    }
    return middle_square > far_away * (square / count - middle_square);
}

}  // namespace tonari::train
