// An index as the bytes of its file, without a disk.
#pragma once

#include <cstddef>
#include <vector>

#include <tonari/index/registry.hpp>

#include "unit/io/sample_file.hpp"

namespace tonari::test {

inline std::vector<std::byte> image_of(const Index& index) {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("index.tnr", {}, disk).value();
    save_index(writer.sections(), index).value();
    writer.finish().value();
    return disk.content("index.tnr");
}

inline Result<Index> index_of(std::span<const std::byte> image) {
    auto file = open_image(image);
    if (!file) return std::move(file).error();
    return open_index(file->sections());
}

}  // namespace tonari::test
