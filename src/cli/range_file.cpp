#include "cli/range_file.hpp"

#include <limits>

#include <tonari/io/atomic_file.hpp>

#include "cli/failure.hpp"
#include "cli/text.hpp"

namespace tonari::cli {
namespace {

constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();

std::int32_t narrow(std::size_t count, const std::string& of) {
    if (count > most) {
        fail_arguments("-o: expected at most " + grouped(most) + " " + of + ", which the file counts in 32 bits, got " +
                       grouped(count) +
                       "; search a part of the queries at a time, or with a smaller --radius or --cap");
    }
    return static_cast<std::int32_t>(count);
}

}  // namespace

std::vector<std::int32_t> range_head(std::span<const std::size_t> offsets) {
    const std::size_t queries = offsets.size() - 1;
    std::vector<std::int32_t> head = {narrow(queries, "queries"), narrow(offsets.back(), "answers")};
    head.reserve(queries + 2);
    for (std::size_t q = 0; q < queries; ++q) head.push_back(static_cast<std::int32_t>(offsets[q + 1] - offsets[q]));
    return head;
}

std::vector<std::int32_t> range_ids(std::span<const Id> ids) {
    std::vector<std::int32_t> narrow_ids;
    narrow_ids.reserve(ids.size());
    for (const Id id : ids) {
        if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
            fail_arguments("-o: expected ids of at most 2,147,483,647, which the file keeps in 32 bits, got " +
                           std::to_string(id) + "; such answers can only be printed");
        }
        narrow_ids.push_back(static_cast<std::int32_t>(id));
    }
    return narrow_ids;
}

void write_range(const std::string& path, const RangeAnswers& answers) {
    const std::vector<std::int32_t> head = range_head(answers.offsets);
    const std::vector<std::int32_t> ids = range_ids(answers.ids);
    AtomicFile file = require(AtomicFile::create(path), path);
    require(file.append(std::as_bytes(std::span(head))), path);
    require(file.append(std::as_bytes(std::span(ids))), path);
    require(file.append(std::as_bytes(std::span(answers.distances))), path);
    require(file.commit(), path);
}

}  // namespace tonari::cli
