// Range answers as big-ann-benchmarks keeps them, all numbers of 32 bits:
//
//     queries  answers in all  answers of query 0, 1, ...  ids  distances (float32)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tonari/core/types.hpp>
#include <tonari/index/search_options.hpp>

namespace tonari::cli {

/// What stands before the ids; `offsets` are those of RangeAnswers. Ends the command where a count needs more bits.
std::vector<std::int32_t> range_head(std::span<const std::size_t> offsets);
/// Ends the command where an id needs more bits.
std::vector<std::int32_t> range_ids(std::span<const Id> ids);

/// Whole or not at all.
void write_range(const std::string& path, const RangeAnswers& answers);

}  // namespace tonari::cli
