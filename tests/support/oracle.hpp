// What the right answer is: every row compared in float64 from the metric's definition, sorted by (distance, id).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <tonari/core/neighbor.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/metric/metric.hpp>

#include "support/rows.hpp"

namespace tonari::test {

using Distance = std::function<float(std::span<const float>, std::span<const float>)>;

inline Distance definition_of(MetricKind metric) {
    switch (metric) {
        case MetricKind::l2: return [](auto a, auto b) { return L2{}.distance(a, b); };
        case MetricKind::inner_product: return [](auto a, auto b) { return InnerProduct{}.distance(a, b); };
        case MetricKind::cosine: return [](auto a, auto b) { return Cosine{}.distance(a, b); };
        case MetricKind::l1: return [](auto a, auto b) { return L1{}.distance(a, b); };
        case MetricKind::hamming: return [](auto a, auto b) { return Hamming{}.distance(a, b); };
        case MetricKind::user: break;
    }
    return {};
}

/// All rows that pass, nearest first. No ids: 0, 1, 2, ...
inline std::vector<Neighbor> all_sorted(const Distance& distance, const Rows& rows, std::span<const Id> ids,
                                        std::span<const float> query, const std::function<bool(Id)>& passes = {}) {
    std::vector<Neighbor> all;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Id id = ids.empty() ? static_cast<Id>(i) : ids[i];
        if (!passes || passes(id)) all.push_back({id, distance(query, rows.values(i)) + 0.0F});
    }
    std::sort(all.begin(), all.end(), [](const Neighbor& a, const Neighbor& b) { return nearer(a, b); });
    return all;
}

/// Ordered by (distance, id), no id twice.
inline bool well_formed(std::span<const Neighbor> answer) {
    for (std::size_t i = 1; i < answer.size(); ++i) {
        if (!nearer(answer[i - 1], answer[i])) return false;
    }
    std::vector<Id> ids;
    for (const Neighbor& neighbor : answer) ids.push_back(neighbor.id);
    std::sort(ids.begin(), ids.end());
    return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

/// Is `answer` the first `k` of `truth`? With a tolerance of 0: the same ids and the same distances. Otherwise each
/// distance may be off by the tolerance, and rows that close to each other may stand in for one another.
inline bool same_as_oracle(std::span<const Neighbor> answer, std::span<const Neighbor> truth, std::size_t k,
                           float tolerance) {
    k = std::min(k, truth.size());
    if (answer.size() != k || !well_formed(answer)) return false;
    for (std::size_t i = 0; i < k; ++i) {
        if (tolerance == 0) {
            if (answer[i].id != truth[i].id || answer[i].distance != truth[i].distance) return false;
            continue;
        }
        if (!(std::abs(answer[i].distance - truth[i].distance) <= tolerance)) return false;
        const auto own =
            std::find_if(truth.begin(), truth.end(), [&](const Neighbor& t) { return t.id == answer[i].id; });
        if (own == truth.end() || !(std::abs(own->distance - answer[i].distance) <= tolerance)) return false;
    }
    return true;
}

/// Of the first k of `truth`, how many places `answer` fills with rows that are as near (ties count).
inline double recall(std::span<const Neighbor> answer, std::span<const Neighbor> truth, std::size_t k,
                     float tolerance = 0) {
    k = std::min(k, truth.size());
    if (k == 0) return 1;
    const float limit = truth[k - 1].distance + tolerance;
    const auto found =
        std::count_if(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(std::min(k, answer.size())),
                      [&](const Neighbor& neighbor) { return neighbor.distance <= limit; });
    return static_cast<double>(found) / static_cast<double>(k);
}

inline std::vector<Neighbor> answer_of(const Answers& answers, std::size_t query) {
    std::vector<Neighbor> out;
    for (std::size_t i = 0; i < answers.counts[query]; ++i)
        out.push_back({answers.ids_of(query)[i], answers.distances_of(query)[i]});
    return out;
}
inline std::vector<Neighbor> answer_of(const RangeAnswers& answers, std::size_t query) {
    std::vector<Neighbor> out;
    for (std::size_t i = answers.offsets[query]; i < answers.offsets[query + 1]; ++i)
        out.push_back({answers.ids[i], answers.distances[i]});
    return out;
}
/// Bit for bit.
inline bool identical(std::span<const Neighbor> a, std::span<const Neighbor> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Neighbor& x, const Neighbor& y) { return x.id == y.id && x.distance == y.distance; });
}

}  // namespace tonari::test
