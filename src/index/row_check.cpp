// Looks at every value of the rows that come in: once, in parallel, so that kernels never have to.
#include <tonari/index/row_check.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tonari/simd/kernels.hpp>

namespace tonari {
namespace {

/// Rows and queries below it are less than the largest float apart: |q - x|^2 <= 2 (|q|^2 + |x|^2).
constexpr float largest_square = std::numeric_limits<float>::max() / 4;

bool good(RowView row) noexcept {
    const auto at = static_cast<std::size_t>(row.element()) - 1;
    const simd::Kernels& kernels = simd::kernels();
    if (kernels.all_finite[at] == nullptr) return true;  // integers and bits
    return kernels.all_finite[at](row.data(), row.dim()) && kernels.squared_norm[at](row.data(), row.dim()) <= largest_square;
}

Error describe(RowView row, std::string_view what, const std::string& where) {
    std::vector<float> values(row.dim());
    simd::kernels().to_float32[static_cast<std::size_t>(row.element()) - 1](row.data(), values.data(), row.dim());
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    const std::string expected = "expected finite values in " + std::string(what) + ", got ";
    if (bad == values.end()) {
        return {ErrorCode::invalid_argument, expected + "values so large" + where + " that their squares overflow float32; scale the rows down"};
    }
    return {ErrorCode::invalid_argument, expected + std::to_string(*bad) + where + ", column " + std::to_string(bad - values.begin())};
}

}  // namespace

Status check_finite(MatrixView rows, std::string_view what, const Threads& threads) {
    std::atomic<std::size_t> first_bad{rows.rows()};
    parallel_for(threads, rows.rows(), 256, [&](std::size_t first, std::size_t last, unsigned) {
        for (std::size_t i = first; i < last; ++i) {
            if (good(rows.row(i))) continue;
            std::size_t known = first_bad.load();
            while (i < known && !first_bad.compare_exchange_weak(known, i)) {}
            return;
        }
    });
    const std::size_t bad = first_bad.load();
    if (bad == rows.rows()) return {};
    return describe(rows.row(bad), what, " at row " + std::to_string(bad));
}

Status check_finite(RowView row, std::string_view what) {
    if (good(row)) return {};
    return describe(row, what, "");
}

}  // namespace tonari
