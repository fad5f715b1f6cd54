// k-means: the centroids of an inverted file's lists, and of a product quantizer's codebooks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>

namespace tonari::train {

struct KMeansOptions {
    std::size_t clusters = 0;  ///< 1 to the number of rows
    /// Of Lloyd's algorithm, at most: it ends when no row changes its cell. Where rows are many the first ones look at a part of
    /// them, and the last three tenths, two at least, at all. From 128 clusters on, those between the first and the last compare a
    /// row with the 64 to 128 clusters near to its own, where rows are 8 a cluster or more; not with `balance`.
    unsigned iterations = 10;
    /// Rows that are looked at, for each cluster: of more, so many are drawn at random.
    std::size_t sample_per_cluster = 256;
    std::uint64_t seed = 1;
    /// Centroids at length 1, each row to the one of the largest inner product (Dhillon and Modha 2001): for cosine and
    /// inner product.
    bool spherical = false;
    /// From so many clusters on, training has two levels: sqrt(clusters) cells first, then within each cell its share of
    /// the clusters, `iterations` each, then `final_iterations` over all rows and clusters; where iterations look near, as above, thrice
    /// as many that begin from the cells of below. Of 1,000,000 generated rows of 128 dimensions and 4096 clusters that takes a
    /// quarter of the CPU seconds of one level and ends with 0.1 % more inertia
    /// (`bench_kmeans --train`, and with `--one-level`).
    std::size_t two_levels_from = 1024;
    unsigned final_iterations = 4;
    /// How much it counts against a cell that it has many rows: to the squared distance of a row to its centroid is added
    /// `balance` times the mean squared distance, for as many rows as a cell has on average. 0: nothing, 0.05 to 0.2 are of use.
    /// Spherical: rows are taken at length 1.
    float balance = 0;
    Threads threads{};            ///< any number gives the same centroids, bit for bit
    ProgressFunction progress{};  ///< called with (done, total), both in parts of the work
};

struct Centroids {
    AlignedBuffer values;  ///< clusters x dim float32, without gaps
    std::size_t clusters = 0;
    Dim dim = 0;
    /// The mean squared distance of the sample's rows to the centroids of their cells, and how many rows each cell has.
    /// The cells are those of the last iteration, of which the centroids are the means (spherical: their
    /// directions); with two levels a row may be nearer to a centroid that is not near to that of its cell. A centroid that was set anew since, because its cell was empty, stands at 0.
    double inertia = 0;
    std::vector<std::uint32_t> sizes;
    /// With `balance`, what is to be added to squared distances when other rows are assigned (`AssignOptions::prices`):
    /// one for each cluster, not negative. Else empty.
    std::vector<float> prices;

    [[nodiscard]] MatrixView view() const noexcept { return {values.data(), clusters, dim, Element::float32}; }
};

/// Lloyd's algorithm (1982) from distinct rows, drawn at random. Cells are compared as `assign` compares them; sums are in
/// double, in a fixed order.
///
/// A cell that runs empty is set on a row of the largest one. Where rows have fewer distinct values than there are
/// clusters, some centroids are equal and all but the first of them have no rows: the answer has `clusters` centroids
/// always, as code that has sized its lists expects. Rows of zeros have no direction: a `spherical` centroid
/// with nothing else in its cell stays where it was, or at (1, 0, 0, ...).
///
/// With `balance` a cell has a price, which grows with its rows: what is made small is the sum of squared distances and of the
/// squares of sizes (a soft limit on sizes, as in SPANN: Chen and others 2021). Prices change between batches of rows, 256 of them
/// or more an iteration, where de Maeyer, Sieranoja and Franti 2023 change them after each row: so threads decide nothing, and rows
/// do not all run to where it was cheap. The prices that are answered are the mean over the last iteration.
///
/// `rows`: float32, float16, bfloat16, int8 or uint8. Memory: the sample as float32 (none if `rows` are float32 and all are
/// looked at), 16 bytes for each of its rows, the centroids twice, and up to 512 bytes a cluster for those near to it.
/// Time: O(sample * clusters * dim) an iteration; with two levels O(sample * sqrt(clusters) * dim), and some times
/// O(clusters^2 * dim) for what is near.
///
/// Errors: options outside their range, more clusters than rows, bits, no rows or dimensions; NaN, infinities and values
/// whose squares overflow, where the sample meets them; memory.
TONARI_API Result<Centroids> kmeans(MatrixView rows, const KMeansOptions& options);

}  // namespace tonari::train
