// What the files of one graph and of many have alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tonari::detail {

struct LayersRecord {
    std::uint32_t height;
    std::uint32_t degree0;  // places a vertex on layer 0
    std::uint32_t degree;   // and on the layers above
    std::uint32_t reserved;
};
inline constexpr std::size_t max_height = 40;
inline constexpr std::size_t max_degree = 512;

inline std::string table_name(std::size_t layer) { return "links/" + std::to_string(layer); }

}  // namespace tonari::detail
