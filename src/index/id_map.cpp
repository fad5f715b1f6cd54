// IdMap: packing, translation of filters, and its sections "id_map" (a record), "ids", "offsets".
#include <tonari/index/id_map.hpp>

#include <cstring>
#include <string>

#include <tonari/core/aligned.hpp>
#include <tonari/io/mapped_file.hpp>

namespace tonari {
namespace {

struct IdMapRecord {
    std::uint64_t rows;
    std::uint64_t size;
    std::uint8_t id_bytes;  // 0: ids are 0, 1, 2, ...; 4; 8
    std::uint8_t has_offsets;
    std::uint8_t reserved[6];
};

template <class To, class From>
Result<Bytes> packed(std::span<const From> values) {
    auto buffer = AlignedBuffer::allocate(values.size() * sizeof(To));
    if (!buffer) return std::move(buffer).error();
    std::transform(values.begin(), values.end(), buffer->template as<To>().begin(),
                   [](From v) { return static_cast<To>(v); });
    return std::move(*buffer).freeze();
}

bool counts_up(std::span<const Id> ids) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] != static_cast<Id>(i)) return false;
    }
    return true;
}

}  // namespace

Status check_ids(std::span<const Id> ids, std::size_t rows) {
    if (ids.empty()) return {};
    if (ids.size() != rows) {
        return Error{ErrorCode::invalid_argument,
                     "expected " + std::to_string(rows) + " ids, one per row, got " + std::to_string(ids.size())};
    }
    std::vector<Id> sorted(ids.begin(), ids.end());
    std::sort(sorted.begin(), sorted.end());
    if (sorted.front() < 0) {
        return Error{ErrorCode::invalid_argument, "expected ids of 0 or more, got " + std::to_string(sorted.front())};
    }
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
        return Error{ErrorCode::already_exists,
                     "expected unique ids, got id " + std::to_string(*twice) + " more than once"};
    }
    return {};
}

Result<IdMap> IdMap::create(std::span<const Id> ids, std::span<const std::uint32_t> offsets) {
    IdMap map;
    map.size_ = ids.size();
    map.rows_ = offsets.empty() ? ids.size() : offsets.size() - 1;
    if (!offsets.empty()) {
        auto bytes = packed<std::uint32_t>(offsets);
        if (!bytes) return std::move(bytes).error();
        map.offsets_ = *std::move(bytes);
    }
    if (!counts_up(ids)) {
        map.wide_ = std::any_of(ids.begin(), ids.end(), [](Id id) { return id > Id{0xffffffff}; });
        auto bytes = map.wide_ ? packed<std::int64_t>(ids) : packed<std::uint32_t>(ids);
        if (!bytes) return std::move(bytes).error();
        map.ids_ = *std::move(bytes);
    }
    return map;
}

Result<RowFilter> IdMap::translate(const Filter& filter) const {
    std::vector<Id> listed;
    if (filter.kind() == Filter::Kind::ids) {
        listed.assign(filter.listed().begin(), filter.listed().end());
        std::sort(listed.begin(), listed.end());
    }
    const auto allows = [&](Id id) {
        return filter.kind() == Filter::Kind::ids ? std::binary_search(listed.begin(), listed.end(), id)
                                                  : filter.allows(id);
    };
    RowFilter out;
    out.rows = RowBitmap(rows_);
    if (!one_each()) out.ids = RowBitmap(size_);
    std::size_t seen = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
        const auto [first, last] = slots(static_cast<RowId>(row));
        seen += last - first;
        if (seen > size_) {  // offsets from a file that lies: this loop would be rows x ids long
            return Error{ErrorCode::corrupt,
                         "section 'offsets': expected each of " + std::to_string(size_) + " ids to belong to one row"};
        }
        for (std::size_t slot = first; slot < last; ++slot) {
            if (!allows(id(slot))) continue;
            ++out.passing;
            out.rows.set(static_cast<RowId>(row));
            if (!one_each()) out.ids.set(static_cast<RowId>(slot));
        }
    }
    return out;
}

Result<IdMap> IdMap::in_memory() const {
    auto ids = tonari::in_memory(ids_);
    if (!ids) return std::move(ids).error();
    auto offsets = tonari::in_memory(offsets_);
    if (!offsets) return std::move(offsets).error();
    IdMap map = *this;
    map.ids_ = *std::move(ids);
    map.offsets_ = *std::move(offsets);
    return map;
}

Status IdMap::save(SectionWriter& writer) const {
    IdMapRecord record{};
    record.rows = rows_;
    record.size = size_;
    record.id_bytes = ids_.empty() ? 0 : wide_ ? 8 : 4;
    record.has_offsets = offsets_.empty() ? 0 : 1;
    if (Status s = writer.add_record("id_map", 1, record); !s) return s;
    if (!ids_.empty()) {
        if (Status s = writer.add("ids", 1, ids_.span()); !s) return s;
    }
    if (!offsets_.empty()) return writer.add("offsets", 1, offsets_.span());
    return {};
}

Result<IdMap> IdMap::open(const SectionReader& reader) {
    auto record = reader.record<IdMapRecord>("id_map", 1);
    if (!record) return std::move(record).error();
    if (record->rows > max_rows || record->size > max_rows || record->size < record->rows ||
        (record->has_offsets == 0 && record->size != record->rows)) {
        return reader.corrupt("id_map", "expected at most " + std::to_string(max_rows) +
                                            " rows and no fewer ids, got " + std::to_string(record->rows) + " and " +
                                            std::to_string(record->size));
    }
    IdMap map;
    map.rows_ = record->rows;
    map.size_ = record->size;
    map.wide_ = record->id_bytes == 8;
    if (record->id_bytes != 0) {
        if (record->id_bytes != 4 && record->id_bytes != 8) {
            return reader.corrupt("id_map", "expected ids of 4 or 8 bytes, got " + std::to_string(record->id_bytes));
        }
        auto ids =
            map.wide_ ? reader.array<std::int64_t>("ids", map.size_) : reader.array<std::uint32_t>("ids", map.size_);
        if (!ids) return std::move(ids).error();
        map.ids_ = *std::move(ids);
    }
    if (record->has_offsets != 0) {
        auto offsets = reader.array<std::uint32_t>("offsets", map.rows_ + 1);
        if (!offsets) return std::move(offsets).error();
        map.offsets_ = *std::move(offsets);
    }
    return map;
}

}  // namespace tonari
