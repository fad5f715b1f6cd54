// Rows to try an index on when no data set is at hand: clusters that overlap, as those of real embeddings do.
//
// A row is   x = c + B z + noise   where
//
//     c      its cluster's centre, a point of a space of 24 random directions that all clusters share, with
//            deviations that fall like 1 / sqrt(j); no coordinate is special;
//     B z    its place along 14 to 22 directions of its cluster's own (mixtures of the shared ones), deviations
//            falling alike;
//     noise  a little in every coordinate.
//
// Clusters have unequal sizes. Centres lie so close to each other that clusters overlap: at least a fifth of a
// query's true neighbours are rows of other clusters, and the local intrinsic dimension is 12 to 32 (`describe.hpp`
// measures both). Well separated clusters are a common mistake of made-up data: they flatter inverted lists, because
// one list then holds the whole answer.
//
// Every machine makes the same bytes: all sums are of integers small enough to be exact in a double, so neither the
// order of additions nor a fused multiply-add can change a bit, and of the mathematical library only the square root
// is used, which IEEE 754 rounds correctly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari::tune {

struct GenerateOptions {
    std::size_t rows = 100'000;
    Dim dim = 128;
    std::size_t queries = 1000;  ///< drawn like the rows, from numbers of their own: none is a row
    std::uint64_t seed = 1;
    bool unit_norm = false;    ///< scale every row to length 1 (for inner product and cosine)
    std::size_t clusters = 0;  ///< 0: one per 250 rows, from 20 to 4000
    Threads threads{};         ///< any number gives the same bytes
    /// Called now and then with (rows done, rows in all), queries included, from the calling thread.
    std::function<void(std::size_t done, std::size_t total)> progress{};
};

/// float32 rows, and the cluster that each was drawn from.
struct GeneratedRows {
    Bytes base_bytes;
    Bytes query_bytes;
    std::size_t rows = 0;
    std::size_t queries = 0;
    Dim dim = 0;
    std::vector<std::uint32_t> base_cluster;
    std::vector<std::uint32_t> query_cluster;

    [[nodiscard]] MatrixView base() const noexcept { return {base_bytes.data(), rows, dim, Element::float32}; }
    [[nodiscard]] MatrixView query() const noexcept { return {query_bytes.data(), queries, dim, Element::float32}; }
    /// XXH3-64 of the rows' bytes, then the queries': equal hashes, equal data.
    [[nodiscard]] TONARI_API std::uint64_t hash() const;
};

/// O(rows * dim * 20). Errors: no rows, no dimensions or more than `max_dim`, more rows than an index holds, memory.
TONARI_API Result<GeneratedRows> generate(const GenerateOptions& options);

}  // namespace tonari::tune
