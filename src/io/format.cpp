// The frame, believed only as far as it was proved. Everything here works on the first bytes of the file and on its
// size; sums are written so that they cannot overflow.
#include <tonari/io/format.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <unordered_set>

#include <tonari/io/checksum.hpp>

#include "text.hpp"

namespace tonari {
namespace {

using format::Header;
using format::SectionRow;

Error corrupt(std::string message) { return {ErrorCode::corrupt, std::move(message)}; }

template <class T>
T read_at(std::span<const std::byte> bytes, std::size_t offset) noexcept {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

/// The header, if it is one, is whole and is meant for us.
Result<Header> check_header(std::span<const std::byte> head, std::uint64_t file_size) {
    if (head.size() >= 6 && std::memcmp(head.data(), "TONARI", 6) == 0) {
        if (const std::uint64_t got = std::min<std::uint64_t>(head.size(), file_size); got < sizeof(Header)) {
            return corrupt(say("file is cut: expected a header of ", sizeof(Header), " bytes, got ", got));
        }
        if (std::memcmp(head.data(), format::magic.data(), format::magic.size()) != 0) {
            return corrupt(
                "bytes 6 to 11 of the header are damaged in the way that a text-mode copy does it: copy the file as "
                "binary");
        }
    } else if (std::ranges::all_of(head, [](std::byte b) { return b == std::byte{0}; })) {
        return corrupt(head.empty() ? "file is empty"
                                    : "file starts with zeros: it was never finished, or lost its first bytes");
    } else {
        return corrupt(say("not a tonari file: it is ", describe_content(head)));
    }

    const auto header = read_at<Header>(head, 0);
    // The version comes before the checksum: a later format may keep its checksum elsewhere.
    if (header.oldest_reader > format_version) {
        return Error{
            ErrorCode::unsupported,
            say("file has format version ", header.version, " and asks for a reader of version ", header.oldest_reader,
                " or later; this library reads ", format_oldest, " to ", format_version, ": update the library")};
    }
    const std::uint64_t expected = checksum(head.first(offsetof(Header, header_checksum)));
    if (header.header_checksum != expected) return corrupt("header is damaged: its checksum does not match");
    if (header.version < format_oldest) {
        return Error{ErrorCode::unsupported, say("file has format version ", header.version, "; this library reads ",
                                                 format_oldest, " to ", format_version, ": rebuild the file")};
    }
    if (header.flags != 0) {
        return Error{ErrorCode::unsupported, say("file uses features that this library does not know (flags ",
                                                 header.flags, "): update the library")};
    }
    if (header.file_size != file_size) {
        return corrupt(say("file is ", file_size < header.file_size ? "cut" : "longer than it was written",
                           ": expected ", header.file_size, " bytes, got ", file_size));
    }
    if (header.section_count > format::max_sections) {
        return corrupt(
            say("header names ", header.section_count, " sections; at most ", format::max_sections, " are possible"));
    }
    const std::uint64_t table_size = std::uint64_t{header.section_count} * sizeof(SectionRow);
    if (header.table_offset != sizeof(Header) || table_size > file_size - sizeof(Header)) {
        return corrupt(say("section table (", header.section_count, " rows at ", header.table_offset,
                           ") does not lie behind the header and inside the file of ", file_size, " bytes"));
    }
    return header;
}

Result<std::string> check_name(const std::array<char, format::name_size>& field, std::size_t row) {
    const auto* end = std::ranges::find(field, '\0');
    const std::string name(field.begin(), end);
    if (end == field.end() || !std::all_of(end, field.end(), [](char c) { return c == '\0'; }) ||
        !check_section_name(name)) {
        return corrupt(say("row ", row, " of the section table has no proper name"));
    }
    return name;
}

/// One row; `behind` is where the section before it ends.
Result<SectionInfo> check_row(const SectionRow& row, std::size_t index, std::uint64_t behind, std::uint64_t file_size) {
    Result<std::string> name = check_name(row.name, index);
    if (!name) return std::move(name).error();
    const auto bad = [&](auto... what) { return corrupt(say("section '", *name, "': ", what...)); };

    if (!std::has_single_bit(row.alignment) || row.alignment < section_alignment ||
        row.alignment > section_alignment_max) {
        return bad("alignment is ", row.alignment, ", expected a power of two from ", section_alignment, " to ",
                   section_alignment_max);
    }
    if (row.offset % row.alignment != 0)
        return bad("offset ", row.offset, " is not a multiple of its alignment ", row.alignment);
    if (row.offset < behind)
        return bad("starts at ", row.offset, ", before the end of what stands before it (", behind, ")");
    if (row.offset > file_size || row.size > file_size - row.offset) {
        return bad("expected ", row.size, " bytes at ", row.offset, ", got a file of ", file_size);
    }
    return SectionInfo{.name = *std::move(name),
                       .version = row.version,
                       .alignment = row.alignment,
                       .offset = row.offset,
                       .size = row.size,
                       .checksum = row.checksum};
}

}  // namespace

Result<std::size_t> frame_bytes(std::span<const std::byte> head, std::uint64_t file_size) {
    Result<Header> header = check_header(head, file_size);
    if (!header) return std::move(header).error();
    return sizeof(Header) + header->section_count * sizeof(SectionRow);
}

Result<Frame> check_frame(std::span<const std::byte> head, std::uint64_t file_size) {
    Result<Header> header = check_header(head, file_size);
    if (!header) return std::move(header).error();
    const std::size_t table_size = header->section_count * sizeof(SectionRow);
    if (head.size() < sizeof(Header) + table_size) {
        return corrupt(
            say("file is cut: expected a frame of ", sizeof(Header) + table_size, " bytes, got ", head.size()));
    }
    if (checksum(head.subspan(sizeof(Header), table_size)) != header->table_checksum) {
        return corrupt("section table is damaged: its checksum does not match");
    }

    Frame frame;
    frame.version = header->version;
    frame.file_size = file_size;
    frame.table_end = sizeof(Header) + table_size;
    frame.sections.reserve(header->section_count);
    std::unordered_set<std::string_view> names;
    std::uint64_t behind = frame.table_end;
    for (std::size_t i = 0; i < header->section_count; ++i) {
        Result<SectionInfo> info =
            check_row(read_at<SectionRow>(head, sizeof(Header) + i * sizeof(SectionRow)), i, behind, file_size);
        if (!info) return std::move(info).error();
        behind = info->offset + info->size;
        frame.sections.push_back(*std::move(info));
        if (!names.insert(frame.sections.back().name).second) {  // reserved above: the names stay where they are
            return corrupt(say("section '", frame.sections.back().name, "' stands twice in the table"));
        }
    }
    if (const std::uint64_t end = frame.sections.empty() ? file_size : behind; end != file_size) {
        return corrupt(say("last section ends at ", end, ", expected the end of the file, ", file_size));
    }
    return frame;
}

Status check_section_name(std::string_view name) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";
    if (!name.empty() && name.size() < format::name_size && name.find_first_not_of(letters) == std::string_view::npos)
        return {};
    return Error{ErrorCode::invalid_argument, say("section name '", name, "': expected 1 to ", format::name_size - 1,
                                                  " characters of a-z A-Z 0-9 _ . - /, got ", name.size())};
}

}  // namespace tonari
