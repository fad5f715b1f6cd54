#include <tonari/tune/exact_distance.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <tonari/simd/kernels.hpp>

namespace tonari::tune {
namespace {

/// Bits of the last byte beyond the dimension do not count, as in every search.
double differing_bits(RowView a, RowView b) noexcept {
    const auto* left = static_cast<const std::uint8_t*>(a.data());
    const auto* right = static_cast<const std::uint8_t*>(b.data());
    std::size_t sum = 0;
    for (std::size_t i = 0; i < a.bytes(); ++i) {
        sum += static_cast<std::size_t>(std::popcount(static_cast<unsigned>(left[i] ^ right[i])));
    }
    if (const unsigned used = a.dim() % 8; used != 0) {
        const std::size_t last = a.bytes() - 1;
        sum -= static_cast<std::size_t>(std::popcount(static_cast<unsigned>(left[last] ^ right[last]) >> used));
    }
    return static_cast<double>(sum);
}

}  // namespace

/// As float32, which every element but bits fits into without loss.
void ExactDistance::widen(RowView row, std::vector<float>& into) const {
    into.resize(row.dim());
    if (row.element() == Element::float32) {
        std::memcpy(into.data(), row.data(), row.bytes());
    } else {
        simd::kernels().to_float32[static_cast<std::size_t>(row.element()) - 1](row.data(), into.data(), row.dim());
    }
}

void ExactDistance::set_query(RowView query) {
    query_ = query;
    query_square_ = 0;
    largest_row_square_ = 0;
    if (query.element() == Element::bits) return;
    widen(query, query_values_);
    for (const float value : query_values_) query_square_ += double{value} * value;
}

double ExactDistance::operator()(RowView row) {
    if (query_.element() == Element::bits) return differing_bits(query_, row);
    const float* a = query_values_.data();
    widen(row, row_values_);
    const float* b = row_values_.data();
    const std::size_t dim = query_values_.size();
    double sum = 0;
    double square = 0;
    switch (metric_) {
        case MetricKind::l2:
            for (std::size_t i = 0; i < dim; ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
            return sum;
        case MetricKind::l1:
            for (std::size_t i = 0; i < dim; ++i) sum += std::abs(double{a[i]} - b[i]);
            return sum;
        case MetricKind::hamming:
            for (std::size_t i = 0; i < dim; ++i) sum += a[i] != b[i] ? 1 : 0;
            return sum;
        case MetricKind::inner_product:
        case MetricKind::cosine:
        case MetricKind::user: break;
    }
    for (std::size_t i = 0; i < dim; ++i) {
        sum += double{a[i]} * b[i];
        square += double{b[i]} * b[i];
    }
    if (metric_ != MetricKind::cosine) {
        largest_row_square_ = std::max(largest_row_square_, square);
        return -sum;
    }
    return query_square_ == 0 || square == 0 ? 1.0 : 1 - sum / std::sqrt(query_square_ * square);
}

double ExactDistance::tolerance(double distance) const noexcept {
    constexpr double relative = 1e-6;
    switch (metric_) {
        case MetricKind::l2:
        case MetricKind::l1: return relative * distance;
        case MetricKind::cosine: return relative;
        case MetricKind::inner_product: return relative * std::sqrt(query_square_ * largest_row_square_);
        case MetricKind::hamming:
        case MetricKind::user: break;
    }
    return 0;
}

}  // namespace tonari::tune
