// Ground truth that was computed once is kept in ~/.cache/tonari, under the hash of everything it follows from.
#pragma once

#include <cstddef>

#include "cli/dataset.hpp"

namespace tonari::cli {

struct TruthOptions {
    std::size_t k = 10;  ///< neighbours needed; at least 100 are computed, so that another k finds them too
    unsigned threads = 0;
    bool cache = true;
};

/// Gives `data` ground truth if it has none with enough neighbours: from the cache, or computed with a bar.
/// A cache that cannot be read or written is passed over.
void ensure_truth(Dataset& data, const TruthOptions& options);

}  // namespace tonari::cli
