// What a transform makes of rows and queries: an oracle over them knows every dimension that was dropped.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <tonari/index/row_map.hpp>

#include "support/oracle.hpp"

namespace tonari::test {

/// "PCA12,..." over rows of fewer dimensions: as many as they have.
inline std::string spec_within(std::string spec, Dim dim) {
    if (!spec.starts_with("PCA") && !spec.starts_with("RR")) return spec;
    const std::size_t comma = spec.find(',');
    const std::size_t digits = spec.find_first_of("0123456789");
    if (digits >= comma || std::stoul(spec.substr(digits)) <= dim) return spec;
    return spec.substr(0, digits) + std::to_string(dim) + spec.substr(comma);
}

/// The map of an index that such a spec builds over the rows.
inline RowMap map_for(const std::string& spec, MetricKind metric, const Rows& rows) {
    const TransformSpec transform = parse_spec(spec_within(spec, rows.dim()))->transform.value();
    return RowMap::train(transform, metric, rows.view(), 256, {}).value();
}

/// The metric's definition between what is left of a query and of a row: under cosine, of two of length 1.
inline Distance mapped_distance(const RowMap& map) {
    return [map](std::span<const float> query, std::span<const float> row) {
        std::vector<float> of_query(map.room());
        std::vector<float> of_row(map.room());
        map.map_query(RowView(query), of_query.data());
        map.map_query(RowView(row), of_row.data());
        return map.lift() + definition_of(map.mapped_metric())(std::span(of_query).subspan(map.dim()),
                                                               std::span(of_row).subspan(map.dim()));
    };
}

}  // namespace tonari::test
