// expects: constraint|trivially_copyable
// A record's bytes are the file's bytes: a member that points elsewhere would write an address.
#include <cstdint>
#include <string>

#include <tonari/io/section_writer.hpp>

struct Record {
#if defined(TONARI_MISTAKE)
    std::string name;
#else
    char name[8];
#endif
    std::uint64_t count;
};

tonari::Status caller(tonari::SectionWriter& writer, const Record& record) {
    return writer.add_record("record", 1, record);
}
