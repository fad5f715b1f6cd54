// Where rows stand a second time: "lists" and "offsets" (a partition) and "rows".
#include <tonari/lists/spill.hpp>

#include <string>
#include <vector>

#include <tonari/core/aligned.hpp>

namespace tonari {

Result<Spill> Spill::create(const Partition& own, std::span<const RowId> second, std::span<const RowId> in_order) {
    std::vector<std::size_t> next(own.lists());
    for (const RowId list : second) ++next[list];
    auto partition = Partition::create(next);
    if (!partition) return std::move(partition).error();
    auto rows = AlignedBuffer::allocate(second.size() * sizeof(RowId));
    if (!rows) return std::move(rows).error();
    for (std::size_t list = 0; list < next.size(); ++list) next[list] = partition->rows_of(list).first;
    for (const RowId row : in_order) rows->as<RowId>()[next[second[row]]++] = row;
    Spill spill;
    spill.partition_ = *std::move(partition);
    spill.rows_ = std::move(*rows).freeze();
    return spill;
}

Status Spill::save(SectionWriter& writer) const {
    if (empty()) return {};
    if (Status s = partition_.save(writer); !s) return s;
    return writer.add("rows", 1, rows_.span());
}

Result<Spill> Spill::open(const SectionReader& reader, const Partition& own) {
    if (!reader.has("lists")) return Spill{};
    auto partition = Partition::open(reader);
    if (!partition) return std::move(partition).error();
    if (partition->lists() != own.lists() || partition->rows() != own.rows()) {
        return reader.corrupt("lists", "expected each of " + std::to_string(own.rows()) + " rows in a second one of " +
                                           std::to_string(own.lists()) + " lists, got " +
                                           std::to_string(partition->rows()) + " rows in " +
                                           std::to_string(partition->lists()) + " lists");
    }
    auto rows = reader.array<RowId>("rows", partition->rows());
    if (!rows) return std::move(rows).error();
    Spill spill;
    spill.partition_ = *std::move(partition);
    spill.rows_ = *std::move(rows);
    return spill;
}

}  // namespace tonari
