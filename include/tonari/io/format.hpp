// The frame of a tonari file: header and section table. What lies inside a section belongs to the class that wrote
// it. src/io/FORMAT.md draws the file from top to bottom.
//
//     0        128                        4096 * frame pages                       file_size
//     +--------+----------------+---------+-----------+-----+-----------+----------+
//     | Header | SectionRow ... | zero    | section   | pad | section   | ...      |
//     +--------+----------------+---------+-----------+-----+-----------+----------+
//
// Invariants that `check_frame` proves before anything else is believed:
//   1. magic, version, flags, and the checksums of header and table hold;
//   2. file_size is the file's size;
//   3. rows stand in the order of the file; no two sections overlap, none touches the table or leaves the file;
//   4. every offset is a multiple of its row's alignment, a power of two from 64 to 2 MiB;
//   5. names are printable, unique, and end in NUL.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>

namespace tonari {

static_assert(std::endian::native == std::endian::little, "tonari files are little-endian, and read as they lie");

inline constexpr std::uint32_t format_version = 1;  ///< what this library writes
inline constexpr std::uint32_t format_oldest = 1;   ///< the oldest that it still reads
inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t section_alignment = 64;                     ///< of every section
inline constexpr std::size_t section_page_from = std::size_t{64} << 10;  ///< sections from this size on start a page
inline constexpr std::size_t section_alignment_max = std::size_t{2} << 20;

namespace format {

/// "TONARI", then bytes that do not survive a text-mode transfer: the high bit, CR LF, the DOS end of file, LF, NUL.
inline constexpr std::array<unsigned char, 12> magic = {'T', 'O', 'N', 'A', 'R', 'I', 0x89, '\r', '\n', 0x1a, '\n', 0};

struct Header {
    std::array<unsigned char, 12> magic;
    std::uint32_t version;        ///< of the format, as written
    std::uint32_t oldest_reader;  ///< the oldest format version whose readers understand this file
    std::uint32_t section_count;
    std::uint64_t flags;  ///< a bit that the reader does not know: it must refuse. None yet
    std::uint64_t file_size;
    std::uint64_t table_offset;
    std::uint64_t table_checksum;            ///< of the rows
    std::array<unsigned char, 64> reserved;  ///< zero
    std::uint64_t header_checksum;           ///< of the 120 bytes before it
};
static_assert(sizeof(Header) == 128 && std::is_trivially_copyable_v<Header>);

inline constexpr std::size_t name_size = 32;  ///< with the NUL that ends it

struct SectionRow {
    std::array<char, name_size> name;  ///< padded with NUL
    std::uint32_t version;             ///< of the class that owns the section
    std::uint32_t alignment;
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t checksum;
};
static_assert(sizeof(SectionRow) == 64 && std::is_trivially_copyable_v<SectionRow>);

/// What fits into the first page.
inline constexpr std::size_t sections_per_frame_page = (page_size - sizeof(Header)) / sizeof(SectionRow);  // 62
/// More than any index has; keeps a lying header from asking for memory.
inline constexpr std::size_t max_sections = 65536;

}  // namespace format

/// One row of the table, checked.
struct SectionInfo {
    std::string name;
    std::uint32_t version = 0;
    std::uint32_t alignment = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t checksum = 0;
};

/// The checked frame.
struct Frame {
    std::uint32_t version = 0;
    std::uint64_t file_size = 0;
    std::uint64_t table_end = 0;
    std::vector<SectionInfo> sections;  ///< in the order of the file
};

/// How many bytes from the start of the file the frame takes, from its first 128. Refuses what is not a tonari file,
/// and says what it looks like.
TONARI_API Result<std::size_t> frame_bytes(std::span<const std::byte> head, std::uint64_t file_size);

/// Proves the invariants above. `head` is the start of the file, at least `frame_bytes` of it.
TONARI_API Result<Frame> check_frame(std::span<const std::byte> head, std::uint64_t file_size);

/// A section name: 1 to 31 characters of a-z A-Z 0-9 _ . - and / between the levels.
TONARI_API Status check_section_name(std::string_view name);

/// What a file with these first bytes may be: "a faiss index (IxF2)", "a Git LFS pointer ..."; else its first bytes.
TONARI_API std::string describe_content(std::span<const std::byte> head);

}  // namespace tonari
