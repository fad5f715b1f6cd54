// Points by fewer values: what a graph's build looks at where rows are long.
//
// Rows of hundreds of dimensions mostly differ along some tens of directions (train/linear_map.hpp). A build that looks for
// candidates by those alone, in 8 bits each, fetches a fraction of the bytes and finds nearly the same rows. Whether it does is
// tried on a sample (build_rows.cpp). What is left out of a point is known: where that is far more than of others, the point is
// looked for once more at the end (`BatchBuilder::confirm`).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

struct CondensedPoints {
    Flat<AnyMetric> codec;  ///< int8 under l2
    AlignedBuffer codes;
    std::vector<float> left_out;  ///< of each point the squared length of what no value tells
};

/// Whether it may pay: points are long, and so many that finding the directions, O(dim^3), is little beside a build.
[[nodiscard]] bool may_condense(std::size_t count, Dim dim) noexcept;

/// So many values, whole cache lines, that nine tenths of how points differ is kept, turned at random so that all differ alike;
/// none if that takes more than a third of the values. `write(i, out)` writes point i as float32; the first ones are a fair sample.
/// Any number of threads gives the same codes. Throws bad_alloc. O(count x dim x values + dim^3).
Result<std::optional<CondensedPoints>> condense(std::size_t count, Dim dim, const Threads& threads,
                                                const std::function<void(std::size_t point, float* out)>& write);

}  // namespace tonari
