// Looking up sections. The frame was checked, so offsets and sizes are inside the file.
#include <tonari/io/section_reader.hpp>

#include <algorithm>

#include "text.hpp"

namespace tonari {

const SectionInfo* SectionReader::find(std::string_view name) const noexcept {
    const std::vector<SectionInfo>& all = frame_->sections;
    const auto found = std::ranges::find_if(all, [&](const SectionInfo& s) {  // a few dozen at most
        return s.name.size() == prefix_.size() + name.size() && s.name.compare(0, prefix_.size(), prefix_) == 0 &&
               s.name.compare(prefix_.size(), name.size(), name) == 0;
    });
    return found == all.end() ? nullptr : &*found;
}

bool SectionReader::has_within(std::string_view prefix) const noexcept {
    const std::size_t levels = prefix_.size() + prefix.size();
    return std::ranges::any_of(frame_->sections, [&](const SectionInfo& s) {
        return s.name.size() > levels + 1 && s.name.compare(0, prefix_.size(), prefix_) == 0 &&
               s.name.compare(prefix_.size(), prefix.size(), prefix) == 0 && s.name[levels] == '/';
    });
}

Result<std::uint32_t> SectionReader::version(std::string_view name) const {
    const SectionInfo* info = find(name);
    if (info == nullptr) return Error{ErrorCode::not_found, say(describe(name), ": the file has none")};
    return info->version;
}

Result<Bytes> SectionReader::section(std::string_view name, std::uint32_t oldest, std::uint32_t newest) const {
    const SectionInfo* info = find(name);
    if (info == nullptr) return corrupt(name, "expected, but the file has none");
    if (info->version < oldest || info->version > newest) {
        const std::string readable =
            oldest == newest ? say("version ", newest) : say("versions ", oldest, " to ", newest);
        return Error{ErrorCode::unsupported,
                     say(describe(name), " has version ", info->version, "; this library reads ", readable, ": ",
                         info->version > newest ? "update the library" : "rebuild the file")};
    }
    return file_.slice(static_cast<std::size_t>(info->offset), static_cast<std::size_t>(info->size));
}

Result<Bytes> SectionReader::sized(std::string_view name, std::uint64_t count, std::size_t size_of_one,
                                   std::uint32_t oldest, std::uint32_t newest) const {
    Result<Bytes> bytes = section(name, oldest, newest);
    if (!bytes) return bytes;
    // Divided, not multiplied: `count` comes from a file.
    if (bytes->size() % size_of_one != 0 || bytes->size() / size_of_one != count) {
        return corrupt(name,
                       say("expected ", count, " values of ", size_of_one, " bytes, got ", bytes->size(), " bytes"));
    }
    return bytes;
}

SectionReader SectionReader::within(std::string_view prefix) const {
    return {frame_, file_, verified_, say(prefix_, prefix, '/'), cache_bytes_};
}

std::string SectionReader::describe(std::string_view name) const { return say("section '", prefix_, name, "'"); }

Error SectionReader::corrupt(std::string_view name, std::string_view what) const {
    return {ErrorCode::corrupt, say(describe(name), ": ", what)};
}

}  // namespace tonari
