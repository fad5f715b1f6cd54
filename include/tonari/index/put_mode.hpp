// What an id that is there already means for a row that comes, and what a row may be refused for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

enum class PutMode : std::uint8_t {
    add,      ///< already_exists
    update,   ///< its row changes; not_found if it is not there
    replace,  ///< either
};

inline Error id_not_there(Id id) {
    return {ErrorCode::not_found, "expected an id that the index holds, got " + std::to_string(id)};
}
inline Error id_there_already(Id id) {
    return {ErrorCode::already_exists, "expected an id that the index does not hold, got " + std::to_string(id) +
                                           "; update it, or ask to replace"};
}
/// May a row come for `id`, which is there or not?
inline Status check_put(bool there, Id id, PutMode mode) {
    if (there && mode == PutMode::add) return id_there_already(id);
    if (!there && mode == PutMode::update) return id_not_there(id);
    return {};
}
inline Error no_memory_for_row(Dim dim, std::size_t rows) {
    return {ErrorCode::out_of_memory, "no memory for one more row of " + std::to_string(dim) +
                                          " dimensions; the index holds " + std::to_string(rows) +
                                          " rows and stays as it was"};
}

}  // namespace tonari
