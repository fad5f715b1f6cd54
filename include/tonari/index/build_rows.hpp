// The rows as the builder of a graph compares them, which need not be as the index keeps them.
//
// A build compares rows some thousand times each and keeps none of those distances. So it looks at
//   - float rows in 8 bits a value, where a sample shows that these still tell near from far: a quarter of the bytes
//     to fetch, and integer products;
//   - long rows first in fewer values, the directions along which they differ most, to find those that may be near, where a sample
//     allows that (src/index/condensed.hpp): 784 dimensions in 128 values;
//   - rows under cosine at length 1, where L2 orders as cosine does;
//   - rows under inner product made equally long by further values, zeros in a query: on that sphere L2 orders rows by
//     their product with the query (Bachrach et al. 2014, "Speeding up the Xbox recommender system using a Euclidean
//     transformation for inner-product spaces"). Linked by the product itself, nearly all rows point at the few
//     longest, and most cannot be reached.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/view.hpp>
#include <tonari/graph/batch_builder.hpp>

namespace tonari {

/// Shorter codes of the same rows, which find candidates that the others rank (`BatchBuilder::walk_by`).
struct WalkRows {
    Flat<AnyMetric> codec;
    AlignedBuffer codes;
};

struct BuildRows {
    Flat<AnyMetric> codec;
    AlignedBuffer codes;  ///< in vertex order
    bool as_stored;       ///< they are the codes of the index itself
    /// The standard deviation that rounding adds to a distance of the stored rows from a vertex; empty if nothing was
    /// rounded, or if a row is not its own nearest (inner product).
    VertexError error;
    std::optional<WalkRows> walk;  ///< none where rows are not long, or say too little in few values
};

/// Whether `build_rows` would give the codes of rows that are stored so as they are.
TONARI_API bool builds_as_stored(const Flat<AnyMetric>& stored) noexcept;

/// Code i is made of row `source[i]`; `source` comes in random order, so that its first part is a fair sample.
/// `sample` are vertices that codes are tried on, each as likely as it has ids. `candidates` is how many the build looks at for a
/// row: shorter codes are for those that look at 40 or more, among which they were tried. The same codes for any number of threads.
/// `progress` is told sampled vertices. O(rows x dim x sample), and where rows are long dim^3.
TONARI_API Result<BuildRows> build_rows(const Flat<AnyMetric>& stored, MatrixView rows, std::span<const RowId> source,
                                        std::span<const RowId> sample, std::size_t candidates, const Threads& threads,
                                        const ProgressFunction& progress = {});

}  // namespace tonari
