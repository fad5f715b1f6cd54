// What SQ8 makes of rows and queries, read back as floats: an oracle over them knows every rounding.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <tonari/codec/sq8.hpp>

#include "support/oracle.hpp"

namespace tonari::test {

inline std::vector<float> rounded_row(const Sq8<>& codec, RowView row) {
    std::vector<std::byte> code(codec.code_size());
    std::vector<float> values(codec.dim());
    codec.encode(row, {}, code);
    codec.decode(code, {}, values);
    return values;
}

inline std::vector<float> rounded_query(const Sq8<>& codec, RowView query) {
    std::vector<float> prepared(codec.query_size() / sizeof(float));
    auto* const bytes = reinterpret_cast<std::byte*>(prepared.data());
    std::vector<float> values(codec.dim());
    codec.prepare(query, bytes);
    codec.decode({bytes, codec.code_size()}, {}, values);
    if (codec.metric_kind() == MetricKind::inner_product) {  // at its own scale: factor = 1 / (scale x own)
        for (float& value : values) value *= prepared.back() * codec.scale() * codec.scale();
    }
    return values;
}

/// The metric's definition between what is left of a query and of a row.
inline Distance rounded_distance(const Sq8<>& codec) {
    return [codec](std::span<const float> query, std::span<const float> row) {
        return definition_of(codec.metric_kind())(rounded_query(codec, query), rounded_row(codec, row));
    };
}

}  // namespace tonari::test
