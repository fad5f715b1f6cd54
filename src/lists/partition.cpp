// A partition in a file: "lists" (a record) and "offsets".
#include <tonari/lists/partition.hpp>

#include <algorithm>
#include <string>

#include <tonari/core/aligned.hpp>

namespace tonari {
namespace {

struct PartitionRecord {
    std::uint32_t lists;
    std::uint32_t rows;
};

}  // namespace

Result<Partition> Partition::create(std::span<const std::size_t> sizes) {
    auto offsets = AlignedBuffer::allocate((sizes.size() + 1) * sizeof(std::uint32_t));
    if (!offsets) return std::move(offsets).error();
    std::size_t sum = 0;
    for (std::size_t list = 0; list < sizes.size(); ++list) {
        offsets->as<std::uint32_t>()[list] = static_cast<std::uint32_t>(sum);
        sum += sizes[list];
    }
    if (sum > max_rows) {
        return Error{ErrorCode::out_of_range,
                     "expected at most " + std::to_string(max_rows) + " rows in all lists, got " + std::to_string(sum)};
    }
    offsets->as<std::uint32_t>()[sizes.size()] = static_cast<std::uint32_t>(sum);
    Partition partition;
    partition.lists_ = sizes.size();
    partition.rows_ = sum;
    partition.offsets_ = std::move(*offsets).freeze();
    return partition;
}

Status Partition::save(SectionWriter& writer) const {
    PartitionRecord record{};
    record.lists = static_cast<std::uint32_t>(lists_);
    record.rows = static_cast<std::uint32_t>(rows_);
    if (Status s = writer.add_record("lists", 1, record); !s) return s;
    return writer.add("offsets", 1, offsets_.span());
}

Result<Partition> Partition::open(const SectionReader& reader) {
    auto record = reader.record<PartitionRecord>("lists", 1);
    if (!record) return std::move(record).error();
    if (record->lists == 0 || record->lists > max_rows || record->rows > max_rows) {
        return reader.corrupt("lists", "expected 1 to " + std::to_string(max_rows) +
                                           " lists of as many rows at most, got " + std::to_string(record->lists) +
                                           " lists of " + std::to_string(record->rows) + " rows");
    }
    auto offsets = reader.array<std::uint32_t>("offsets", std::uint64_t{record->lists} + 1);
    if (!offsets) return std::move(offsets).error();
    const auto numbers = offsets->as<std::uint32_t>();
    if (numbers.front() != 0 || numbers.back() != record->rows || !std::is_sorted(numbers.begin(), numbers.end())) {
        return reader.corrupt("offsets", "expected lists one behind another from row 0 to row " +
                                             std::to_string(record->rows) + ", got " + std::to_string(numbers.front()) +
                                             " to " + std::to_string(numbers.back()));
    }
    Partition partition;
    partition.lists_ = record->lists;
    partition.rows_ = record->rows;
    partition.offsets_ = *std::move(offsets);
    return partition;
}

}  // namespace tonari
