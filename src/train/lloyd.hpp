// Lloyd's algorithm (1982): rows go to their nearest centroid, centroids to the mean of their rows, again and again.
//
// The same bits for any number of threads: rows are sorted by cell, and each cell is summed by one thread, in
// double and in the order of rows. That also takes no memory for sums, where a set per thread would take clusters x dim.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>

#include "train/float_rows.hpp"
#include "train/nearest.hpp"

namespace tonari::train {

/// Makes the row one of length 1; false if it has no direction, and then nothing is changed.
bool normalize(std::span<float> row) noexcept;

/// What comes before some iterations, and after them.
struct Course {
    bool begun = false;   ///< the centroids were trained, on other rows
    bool ends = true;     ///< nothing comes after
    bool placed = false;  ///< rows have cells already (`Lloyd::place`), in whose neighbourhood they stay
};

/// Scratch for one training after another.
class Lloyd {
public:
    /// With `balance` (as of KMeansOptions) spherical rows have length 1.
    static Result<Lloyd> create(Dim dim, bool spherical, float balance, std::size_t most_rows,
                                std::size_t most_clusters, const Threads& threads);

    /// `rows`: float32 without a shift. `centroids`: where to start, then what came of it. Fewer iterations when no row
    /// moves any more. Workers allocate nothing.
    void run(const FloatRows& rows, std::span<float> centroids, unsigned iterations, std::uint64_t seed,
             const ProgressFunction& progress, Course course = {});
    /// Puts rows into cells without moving centroids.
    void sort(const FloatRows& rows, std::span<const float> centroids);

    /// Whether rows are compared with the clusters near to their own alone, in iterations that allow for it.
    [[nodiscard]] bool looks_near(std::size_t rows, std::size_t clusters) const noexcept;
    /// How many these are.
    [[nodiscard]] static std::size_t near_clusters(std::size_t clusters) noexcept;
    /// Says which cells the rows of the next run are in, of so many.
    void place(std::span<const std::uint32_t> cells, std::size_t clusters);
    /// Which cell each row of the last run is in.
    [[nodiscard]] std::span<const std::uint32_t> cells() const noexcept { return std::span(nearest_).first(placed_); }

    /// The rows of a cell, ascending, as the last iteration (or `sort`) found them.
    [[nodiscard]] std::span<const RowId> cell(std::size_t c) const noexcept {
        return std::span(order_).subspan(starts_[c], starts_[c + 1] - starts_[c]);
    }
    /// What the cells of the last run cost beside distances; empty without `balance`.
    [[nodiscard]] std::span<const float> prices() const noexcept { return prices_; }
    /// The mean squared distance of the rows to the centroids of their cells.
    double inertia(const FloatRows& rows, std::span<const float> centroids);

private:
    Lloyd(Dim dim, bool spherical, float balance, const Threads& threads, NearestCentroids nearest)
        : dim_(dim), spherical_(spherical), balance_(balance), threads_(threads), find_(std::move(nearest)) {}
    bool find_balanced_cells(const FloatRows& rows, std::span<const float> centroids, bool first,
                             const ProgressFunction& progress);
    double nearest_square(const FloatRows& rows, std::span<const float> centroids);
    void order_by_cell(std::size_t clusters, std::span<const std::uint32_t> nearest);
    bool find_cells(const FloatRows& rows, std::span<const float> centroids, const ProgressFunction& progress);
    bool find_near_cells(const FloatRows& rows, std::span<const float> centroids, const ProgressFunction& progress);
    void move_to_means(const FloatRows& rows, std::span<float> centroids);
    bool fill_empty(const FloatRows& rows, std::span<float> centroids, std::uint64_t seed);
    bool set_apart(const FloatRows& rows, std::span<const float> centroid, std::span<const RowId> cell,
                   std::uint64_t seed, std::span<float> out) const noexcept;

    Dim dim_;
    bool spherical_;
    float balance_;
    Threads threads_;
    NearestCentroids find_;
    std::vector<std::uint32_t> nearest_;  // of each row
    std::size_t placed_ = 0;              // rows that have one
    std::vector<RowId> order_;            // rows by cell, ascending in each
    std::vector<std::uint32_t> near_;     // of each cell the cells that are nearest to it, ascending
    std::vector<std::size_t> starts_;     // of each cell in `order_`, and the end of the last
    std::vector<std::uint64_t>
        largest_;                // heap of cells: rows, then (so that ties are decided) the complement of the number
    std::vector<double> sums_;   // one row for each thread
    std::vector<float> prices_;  // of cells, if they are balanced
    std::vector<double> mean_prices_;
    std::vector<std::size_t> sizes_;  // of cells, as they are balanced
    std::vector<double> partial_;     // one sum for each piece of rows
};

}  // namespace tonari::train
