// How a level is chosen: inside the library, and for its tests.
#pragma once

#include <string_view>

#include <tonari/simd/kernels.hpp>

namespace tonari::simd {

struct Choice {
    const Kernels* table = nullptr;  ///< never null
    Status status;                   ///< what was wrong with the word; the best level is then in `table`
};

/// The table that `word` (the value of TONARI_SIMD, any case) names; the best one for an empty word.
TONARI_API Choice choose(std::string_view word);

}  // namespace tonari::simd
