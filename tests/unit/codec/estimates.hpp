// What codes say of distances, held against the distances.
#pragma once

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/scorer.hpp>

#include "support/oracle.hpp"
#include "support/rows.hpp"

namespace tonari::test {

inline float product_of(std::span<const float> a, std::span<const float> b) {
    float sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

template <RelativeCodec C>
std::vector<float> relative_rows(const Rows& rows, MetricKind metric, Origin origin) {
    std::vector<float> all(rows.size() * rows.dim());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        C::relative(rows.row(i), metric, origin, all.data() + i * rows.dim());
    }
    return all;
}

/// What is off, of many queries and rows.
struct Off {
    double bias = 0;          ///< mean error
    double deviation = 0;     ///< root of the mean squared error
    double normed = 0;        ///< the same of errors divided by the deviations that the code claims
    double above = 0;         ///< share of rows whose bound lies above their distance
    double of_distances = 0;  ///< standard deviation of the distances themselves
};
/// `coded` are the codes of `rows`, with `ask(query, deviations, out)`. A bound is above a distance from `tolerance` times that
/// on: what float32 rounds.
template <class Coded>
Off measure(const Coded& coded, const Rows& rows, const Rows& queries, MetricKind metric, double tolerance = 0) {
    const Distance distance = definition_of(metric);
    const auto survivors = std::make_unique<Survivors>();
    Off off;
    double mean = 0;
    double square = 0;
    double count = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        coded.ask(queries.row(q), 3, *survivors);
        for (std::size_t i = 0; i < rows.size(); ++i, ++count) {
            const double exact = distance(queries.values(q), rows.values(i));
            const auto estimate = static_cast<double>(survivors->estimate[i]);
            const auto lower = static_cast<double>(survivors->lower[i]);
            off.bias += estimate - exact;
            off.deviation += (estimate - exact) * (estimate - exact);
            off.normed += std::pow((estimate - exact) / ((estimate - lower) / 3), 2);
            off.above += lower > exact + tolerance * std::abs(exact) ? 1 : 0;
            mean += exact;
            square += exact * exact;
        }
    }
    return {off.bias / count, std::sqrt(off.deviation / count), std::sqrt(off.normed / count), off.above / count,
            std::sqrt(square / count - mean / count * mean / count)};
}

}  // namespace tonari::test
