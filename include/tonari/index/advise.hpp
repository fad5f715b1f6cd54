// Which index, for how many rows of what kind and in how much memory: the README's advice as a function. `build("auto", ...)`
// follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/io/residency.hpp>
#include <tonari/metric/metric.hpp>

namespace tonari {

/// What an index is wanted for.
struct IndexNeed {
    std::size_t rows = 0;
    Dim dim = 0;
    Element element = Element::float32;
    MetricKind metric = MetricKind::l2;
    std::size_t memory = 0;  ///< bytes that a search may take, rows included; 0: whatever it needs
    Dim directions = 0;      ///< what `telling_directions` says of the rows; 0: nobody has looked, or there are none
};

struct IndexAdvice {
    std::string spec;
    std::string why;            ///< a sentence for people
    std::size_t bytes = 0;      ///< of the index, about
    std::size_t in_memory = 0;  ///< of it, what a search holds in memory, about
    /// How a file of it is best opened: `disk` where its rows do not fit `memory`.
    Residency residency = Residency::load;
};

/// The fastest index at high recall that fits. O(1). Errors: invalid_argument (no rows, no dimensions), out_of_range (more
/// rows than an index holds), unsupported (metric and element that do not go together), out_of_memory (not even codes fit:
/// how much would).
TONARI_API Result<IndexAdvice> advise(const IndexNeed& need);

/// The same of rows that are there, of which it looks at some (`telling_directions`) where a graph may be the answer: over 10,000,
/// fewer than 20 million. Errors: as above, out_of_memory.
TONARI_API Result<IndexAdvice> advise(MatrixView rows, MetricKind metric, std::size_t memory = 0,
                                      const Threads& threads = {});

/// So few directions, a multiple of 64 and at most a sixth of the dimensions, tell which rows are near: of the 10 nearest to a row
/// 0.99 are among its 40 nearest by the directions along which rows differ most, as a search goes through them that looks at 40
/// candidates and ranks these by the rows. Tried on some 20,000 rows, 400 of them asked; any number of threads says the same.
/// 0 if none do, or if finding them does not pay: fewer than 384 dimensions, fewer rows than dim^2 / 25, whole numbers or bits,
/// metrics other than l2 and cosine (under ip questions are not like rows). O(20,000 dim (400 + dim) + dim^3), half a second
/// at 784 dimensions. Errors: out_of_memory. Throws bad_alloc.
TONARI_API Result<Dim> telling_directions(MatrixView rows, MetricKind metric, const Threads& threads = {});

/// Bytes of an index of that spec over such rows, all different, with ids 0 ... n-1: within a tenth for 10,000 rows or more.
TONARI_API std::size_t estimated_bytes(const Spec& spec, const IndexNeed& need) noexcept;

}  // namespace tonari
