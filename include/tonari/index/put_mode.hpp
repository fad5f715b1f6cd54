// What an id that is there already means for a row that comes.
#pragma once

#include <cstdint>

namespace tonari {

enum class PutMode : std::uint8_t {
    add,      ///< already_exists
    update,   ///< its row changes; not_found if it is not there
    replace,  ///< either
};

}  // namespace tonari
