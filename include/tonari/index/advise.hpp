// Which index, for how many rows of what kind and in how much memory: the README's advice as a function. `build("auto", ...)`
// follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
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

/// Bytes of an index of that spec over such rows, all different, with ids 0 ... n-1: within a tenth for 10,000 rows or more.
TONARI_API std::size_t estimated_bytes(const Spec& spec, const IndexNeed& need) noexcept;

}  // namespace tonari
