// A small tonari file with a section of each sort, and tools to damage it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/io/checksum.hpp>
#include <tonari/io/file_reader.hpp>
#include <tonari/io/file_writer.hpp>

#include "crash/simulated_disk.hpp"

namespace tonari::test {

struct SampleRecord {
    std::uint32_t rows;
    float radius;
    std::uint64_t seed;
};
static_assert(sizeof(SampleRecord) == 16);

inline std::vector<float> sample_rows() {
    std::vector<float> rows(20'000);  // 80 kB: starts a page
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i) / 2;
    return rows;
}

inline std::vector<std::byte> sample_image() {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("sample.tnr", {}, disk).value();
    SectionWriter& sections = writer.sections();
    sections.add_record("record", 3, SampleRecord{20'000, 1.5F, 77}).value();
    const std::vector<std::uint16_t> odd = {1, 2, 3};
    sections.within("coarse").add_array<std::uint16_t>("odd", 1, odd).value();
    const std::vector<float> rows = sample_rows();
    sections.add_array<float>("rows", 1, rows).value();
    sections.begin("stream", 1, 64).value();
    for (std::uint32_t i = 0; i < 1000; ++i) sections.append(std::as_bytes(std::span(&i, 1))).value();
    sections.end().value();
    sections.add("empty", 1, {}).value();
    writer.finish().value();
    return disk.content("sample.tnr");
}

/// The image as a reader takes it, in memory of exactly its size.
inline Result<FileReader> open_image(std::span<const std::byte> image, Check check = Check::frame) {
    AlignedBuffer buffer = AlignedBuffer::allocate(image.size()).value();
    std::copy(image.begin(), image.end(), buffer.data());
    return FileReader::from_bytes(std::move(buffer).freeze(), check);
}

/// Makes header and table consistent again after `image` was changed: what a liar would do.
inline void seal(std::vector<std::byte>& image) {
    format::Header header = {};
    std::memcpy(&header, image.data(), sizeof(header));
    const std::size_t table =
        std::min<std::size_t>(header.section_count * sizeof(format::SectionRow), image.size() - sizeof(header));
    header.table_checksum = checksum(std::span(image).subspan(sizeof(header), table));
    header.header_checksum =
        checksum(std::as_bytes(std::span(&header, 1)).first(offsetof(format::Header, header_checksum)));
    std::memcpy(image.data(), &header, sizeof(header));
}

inline format::Header header_of(const std::vector<std::byte>& image) {
    format::Header header = {};
    std::memcpy(&header, image.data(), sizeof(header));
    return header;
}
inline void set_header(std::vector<std::byte>& image, const format::Header& header) {
    std::memcpy(image.data(), &header, sizeof(header));
    seal(image);
}
inline format::SectionRow row_of(const std::vector<std::byte>& image, std::size_t i) {
    format::SectionRow row = {};
    std::memcpy(&row, image.data() + sizeof(format::Header) + i * sizeof(row), sizeof(row));
    return row;
}
inline void set_row(std::vector<std::byte>& image, std::size_t i, const format::SectionRow& row) {
    std::memcpy(image.data() + sizeof(format::Header) + i * sizeof(row), &row, sizeof(row));
    seal(image);
}

}  // namespace tonari::test
