// Where the bytes of an opened file live.
#pragma once

#include <cstdint>

namespace tonari {

enum class Residency : std::uint8_t {
    load,  ///< read into memory, in huge pages: the fastest search, at the cost of reading everything first
    map,   ///< mapped: opens at once, shared between processes, pages come in as they are touched.
           ///< A disk that fails under a mapped read ends the process (SIGBUS), as does cutting the file from outside.
};

}  // namespace tonari
