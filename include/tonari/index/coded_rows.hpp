// Codes and whose they are: the part that every index has, however the codes lie.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/ordered_key.hpp>
#include <tonari/index/answer_ids.hpp>
#include <tonari/index/id_map.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/io/mapped_file.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>
#include <tonari/lists/hot_cache.hpp>
#include <tonari/lists/partition.hpp>

namespace tonari {

/// Bytes that a scan asks the disk for at once.
inline constexpr std::size_t fetched_at_once = std::size_t{1} << 20;

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

    /// Are codes to be asked for before they are read? See `fetch` of the rows.
    [[nodiscard]] bool on_disk() const noexcept { return codes_.on_disk(); }
    /// Those of the lists that are asked for most, if these are kept in memory.
    [[nodiscard]] const std::shared_ptr<HotCache>& cache() const noexcept { return cache_; }
    /// At the end of a search that asked for rows, and of each list that a batch asks for.
    void tend_cache() const noexcept {
        if (cache_) cache_->tend();
    }

protected:
    /// The codes in a file. Where finer rows stand behind them and stay on disk, these are read into memory: every search looks
    /// at many of them, and at few rows.
    static Result<Bytes> open_codes(const SectionReader& reader, std::uint64_t bytes) {
        auto codes = reader.array<std::byte>("codes", bytes);
        if (!codes || !codes->on_disk() || !reader.has_within("fine")) return codes;
        return in_memory(*codes);
    }
    /// Codes that stay on disk: list l of them in bytes [begins[l], begins[l + 1]).
    Status keep_hot(std::vector<std::uint64_t> begins, std::size_t budget) {
        auto cache = HotCache::create(codes_, std::move(begins), budget);
        if (!cache) return std::move(cache).error();
        cache_ = *std::move(cache);
        return {};
    }
    /// Asks the disk for `size` bytes of codes, unless they are kept in memory.
    void fetch_bytes(std::size_t begin, std::size_t size) const noexcept {
        if (size == 0 || !on_disk() || (cache_ && cache_->ask(begin, size))) return;
        tonari::fetch(codes_.span().subspan(begin, size));
    }

    CodedRows(C codec, Bytes codes, IdMap ids) noexcept
        : codec_(std::move(codec)), codes_(std::move(codes)), ids_(std::move(ids)) {}

    C codec_;
    Bytes codes_;
    IdMap ids_;
    std::shared_ptr<HotCache> cache_;
};

/// Ids in the order of rows: row i is that of `order[i]`.
inline Result<IdMap> ids_in_order(std::span<const RowId> order, std::span<const Id> ids) {
    std::vector<Id> slots(order.size());
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = ids.empty() ? static_cast<Id>(order[i]) : ids[order[i]];
    return IdMap::create(slots, {});
}

}  // namespace tonari
