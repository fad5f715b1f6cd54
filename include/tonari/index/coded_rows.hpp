// Codes and whose they are: the part that every index has, however the codes lie.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/index/answer_ids.hpp>
#include <tonari/index/id_map.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

/// The base of StoredRows and BlockRows.
template <class C>
class CodedRows {
public:
    using Scorer = typename C::Scorer;

    [[nodiscard]] const C& codec() const noexcept { return codec_; }
    [[nodiscard]] const IdMap& ids() const noexcept { return ids_; }
    [[nodiscard]] const Bytes& codes() const noexcept { return codes_; }
    [[nodiscard]] std::size_t rows() const noexcept { return ids_.rows(); }

    /// The scorer of `query`, prepared in `scratch`.
    [[nodiscard]] Scorer scorer(RowView query, SearchScratch& scratch) const noexcept {
        codec_.prepare(query, scratch.query());
        Scorer scorer = codec_.scorer();
        scorer.set_query(scratch.query());
        return scorer;
    }

    /// As `answer_ids` and `visit_ids` (index/answer_ids.hpp).
    bool answer(std::span<const OrderedKey> rows, std::size_t k, const RowFilter* filter,
                std::vector<Neighbor>& out) const noexcept {
        return answer_ids(ids_, rows, k, filter, out);
    }
    template <class Visit>
    void for_each_id(RowId row, const RowFilter* filter, Visit&& visit) const noexcept {
        visit_ids(ids_, row, filter, visit);
    }

    Status save(SectionWriter& writer) const {
        if (Status s = codec_.save(writer); !s) return s;
        if (Status s = ids_.save(writer); !s) return s;
        return writer.add("codes", 1, codes_.span());
    }

protected:
    CodedRows(C codec, Bytes codes, IdMap ids) noexcept
        : codec_(std::move(codec)), codes_(std::move(codes)), ids_(std::move(ids)) {}

    C codec_;
    Bytes codes_;
    IdMap ids_;
};

/// Ids in the order of rows: row i is that of `order[i]`.
inline Result<IdMap> ids_in_order(std::span<const RowId> order, std::span<const Id> ids) {
    std::vector<Id> slots(order.size());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = ids.empty() ? static_cast<Id>(order[i]) : ids[order[i]];
    return IdMap::create(slots, {});
}

}  // namespace tonari
