// Rows with their codes as given, for what works on codes alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/ordered_key.hpp>

#include "support/rows.hpp"

namespace tonari::test {

struct Coded {
    Coded(Rows of, MetricKind metric)
        : rows(std::move(of)),
          codec(Flat<AnyMetric>::create(rows.element(), rows.dim(), AnyMetric(metric)).value()),
          codes(rows.size() * codec.code_size()) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            codec.encode(rows.row(i), {}, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
        }
    }
    [[nodiscard]] const std::byte* code(RowId row) const { return codes.data() + row * codec.code_size(); }
    /// Of `others`, but for the row itself, in the order of answers.
    [[nodiscard]] std::vector<OrderedKey> keys(RowId row, std::span<const RowId> others) const {
        auto scorer = codec.scorer();
        std::vector<std::byte> buffer(codec.query_size());
        scorer.set_query(codec.as_query(code(row), buffer.data()));
        std::vector<OrderedKey> keys;
        for (const RowId other : others) {
            if (other == row) continue;
            const std::byte* const at = code(other);
            float distance = 0;
            scorer.distances({&at, 1}, &distance);
            keys.push_back(make_key(distance, other));
        }
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    [[nodiscard]] std::vector<RowId> nearest(RowId row, std::size_t count) const {
        std::vector<RowId> all(rows.size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<RowId>(i);
        const auto sorted = keys(row, all);
        std::vector<RowId> first;
        for (std::size_t i = 0; i < std::min(count, sorted.size()); ++i) first.push_back(row_of(sorted[i]));
        return first;
    }

    Rows rows;
    Flat<AnyMetric> codec;
    std::vector<std::byte> codes;
};

}  // namespace tonari::test
