// Names are put together and checked here, so that a sink sees whole names only.
#include <tonari/io/section_writer.hpp>

#include "text.hpp"

namespace tonari {

SectionSink::~SectionSink() = default;

Status SectionWriter::add(std::string_view name, std::uint32_t version, std::span<const std::byte> bytes) {
    if (Status s = begin(name, version, bytes.size() >= section_page_from ? page_size : section_alignment); !s)
        return s;
    if (Status s = append(bytes); !s) return s;
    return end();
}

Status SectionWriter::begin(std::string_view name, std::uint32_t version, std::size_t alignment) {
    return sink_->begin(prefix_ + std::string(name), version, alignment);
}

SectionWriter SectionWriter::within(std::string_view prefix) const {
    return SectionWriter(*sink_, say(prefix_, prefix, '/'));
}

}  // namespace tonari
