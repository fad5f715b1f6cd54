// An index over coarse codes, and finer codes of the same rows: a search finds rows by the first and ranks them by the second
// (index/refining_collector.hpp).
//
// The coarse codes may be of mapped rows (index/row_map.hpp). Then queries are mapped for them; the finer codes are of
// rows as given.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tonari/index/answer_ids.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/index/ivf_batch.hpp>
#include <tonari/index/ivf_pieces.hpp>
#include <tonari/index/nearest_by_fine.hpp>
#include <tonari/index/refined_walk.hpp>
#include <tonari/index/refining_collector.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/index/walk_batch.hpp>

namespace tonari {

/// Lists of codes that a batch goes through list by list.
template <class Lists>
concept ListedTogether = requires(const Lists& lists) { lists.partition().rows_of(0); } && BatchIndex<Lists>;

/// A graph whose walks take turns in a batch.
template <class Graph>
concept WalkedTogether = BatchIndex<Graph> && requires { typename Graph::Walk; };

template <SearchIndex Inner, Codec Fine>
class Refined {
public:
    static constexpr IndexKind kind = IndexKind::refined;
    using Scratch = SearchScratch;
    using FineCodec = Fine;
    using FineRows = StoredRows<Fine>;
    using Coarse = Inner;

    /// `inner` was built over these ids and rows, or over what `map` makes of the rows. Errors: out_of_memory.
    static Result<Refined> build(Inner inner, Fine fine, MatrixView rows, std::span<const Id> ids,
                                 const BuildOptions& options, std::optional<RowMap> map = {}) {
        std::vector<RowId> order(inner.ids().rows());  // by place, which row stands there
        const std::vector<RowId> sorted = by_id(rows.rows(), ids);
        for (std::size_t place = 0; place < order.size(); ++place) {
            const Id id = inner.ids().id(inner.ids().slots(static_cast<RowId>(place)).first);
            order[place] = ids.empty() ? static_cast<RowId>(id)
                                       : *std::lower_bound(sorted.begin(), sorted.end(), id,
                                                           [&](RowId row, Id of) { return ids[row] < of; });
        }
        auto codes = StoredRows<Fine>::encode_codes(fine, rows, order, options.threads);
        if (!codes) return std::move(codes).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        StoredRows<Fine> stored(std::move(fine), *std::move(codes), inner.ids());
        return Refined(std::move(inner), std::move(stored), std::move(map));
    }
    /// `fine` are the rows of `inner`, in the same places.
    static Refined over(Inner inner, StoredRows<Fine> fine) noexcept {
        return Refined(std::move(inner), std::move(fine), std::nullopt);
    }

    [[nodiscard]] std::size_t size() const noexcept { return inner_.size(); }
    [[nodiscard]] Dim dim() const noexcept { return codec().dim(); }
    [[nodiscard]] const Inner& inner() const noexcept { return inner_; }
    /// The fine codec: it decides what queries may be made of.
    [[nodiscard]] const Fine& codec() const noexcept { return fine_.codec(); }
    [[nodiscard]] const StoredRows<Fine>& fine_rows() const noexcept { return fine_; }
    [[nodiscard]] const IdMap& ids() const noexcept { return inner_.ids(); }
    /// Of the rows that are on disk, those that are kept in memory, whole lists of them; null if none ever are.
    [[nodiscard]] const HotCache* cache() const noexcept { return fine_.cache().get(); }
    /// What makes rows those of `inner`, if they are not the same.
    [[nodiscard]] const std::optional<RowMap>& map() const noexcept { return map_; }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const {
        if (Status s = inner_.reserve(options, scratch); !s) return s;
        reserve_fine(std::min(options.k, size()), scratch);
        return {};
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t k = std::min(options.k, size());
        scratch.fine_nearest.reset(k);
        const Outcome outcome = find(query, options, scratch);
        answer_ids(ids(), scratch.fine_nearest.sort(), k, options.filter, scratch.neighbors);
        return outcome;
    }
    /// Whether so many queries are faster asked together.
    template <class Lists = Inner>  // a template: clang before 16 instantiates a constrained member with its class
        requires ListedTogether<Lists>
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept {
        return ranks_passing(options) ? ranks_together(queries) : inner_.has_batch(queries, options);
    }
    /// Many queries at once, where they go list by list. Queries were checked.
    template <class Lists = Inner>
        requires ListedTogether<Lists>
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
        static_assert(Lists::Scorer::bounded);  // or scans would not break off where bounds are asked again
        if (!has_batch(queries.rows(), options)) return false;
        if constexpr (has_exact_rows) {
            if (ranks_passing(options)) return exact_batch(fine_, queries, options, out);
        }
        return IvfBatch<IvfPieces<Inner>, NearestByFine<Refined>>(inner_, *this, queries, options, out).run();
    }
    /// Over a graph, where their walks take turns.
    template <class Graph = Inner>
        requires WalkedTogether<Graph>
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept {
        return inner_.has_batch(queries, options);
    }
    template <class Graph = Inner>
        requires WalkedTogether<Graph>
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
        if (!has_batch(queries.rows(), options)) return false;
        return WalkBatch<RefinedWalk<Refined>>(*this, queries, options, out).run();
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        if (Status s = inner_.reserve(options, scratch); !s) return s;
        reserve_fine(std::min(options.cap, size()), scratch);
        return {};
    }
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        scratch.fine_nearest.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome = find(query, options, scratch);
        outcome.truncated = answer_ids(ids(), scratch.fine_nearest.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }

    /// Over the fine codes alone: there is no k whose row could rule others out.
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        if constexpr (requires { inner_.cursor(fine_, query, options, query); }) {
            if (map_) {
                std::vector<float> room(map_->room());
                return inner_.cursor(fine_, query, options, map_->map_query(query, room.data()));
            }
        }
        return inner_.cursor(fine_, query, options);
    }

    Status save(SectionWriter& writer) const {
        SectionWriter fine = writer.within("fine");
        if (Status s = codec().save(fine); !s) return s;
        if (Status s = fine.add("codes", 1, fine_.codes().span()); !s) return s;
        if (map_) {
            if (Status s = map_->save(writer); !s) return s;
        }
        return inner_.save(writer);
    }
    static Result<Refined> open(const SectionReader& reader) {
        auto inner = Inner::open(reader);
        if (!inner) return std::move(inner).error();
        const SectionReader within = reader.within("fine");
        auto fine = Fine::open(within);
        if (!fine) return std::move(fine).error();
        std::optional<RowMap> map;
        if (reader.has("transform")) {
            auto stored_map = RowMap::open(reader);
            if (!stored_map) return std::move(stored_map).error();
            map = *std::move(stored_map);
        }
        const bool fits = inner->dim() == (map ? map->mapped_dim() : fine->dim()) &&
                          inner->codec().metric_kind() == (map ? map->mapped_metric() : fine->metric_kind());
        if (!fits || (map && (map->dim() != fine->dim() || map->metric() != fine->metric_kind()))) {
            return within.corrupt("codec", "expected fine codes of the index's dimensions and metric, got others");
        }
        const std::uint64_t bytes = std::uint64_t{inner->ids().rows()} * fine->code_size();
        auto codes = within.template array<std::byte>("codes", bytes);
        if (!codes) return std::move(codes).error();
        StoredRows<Fine> stored(*std::move(fine), *std::move(codes), inner->ids());
        if constexpr (requires { inner->partition(); }) {
            if (stored.on_disk() && reader.cache_bytes() > 0) {
                const Partition& lists = inner->partition();
                const auto first_of = [&](std::size_t list) { return lists.rows_of(list).first; };
                if (Status s = stored.cache_lists(lists.lists(), first_of, reader.cache_bytes()); !s) return s;
            }
        }
        return Refined(*std::move(inner), std::move(stored), std::move(map));
    }

private:
    Refined(Inner inner, StoredRows<Fine> fine, std::optional<RowMap> map) noexcept
        : inner_(std::move(inner)), fine_(std::move(fine)), map_(std::move(map)) {}

    /// To answer `most` rows.
    void reserve_fine(std::size_t most, SearchScratch& scratch) const {
        scratch.reserve_fine_query(codec().query_size());
        if (map_) scratch.mapped.resize(map_->room());
        scratch.fine_nearest.reset(most + 1);
        scratch.neighbors.reserve(most);
    }
    /// Are the rows that pass a filter ranked one and all? Codes that are relative to the centroids of lists would have all lists looked at
    /// where few pass: then what is wanted is compared with less, and exactly.
    template <class Options>
    [[nodiscard]] bool ranks_passing(const Options& options) const noexcept {
        if constexpr (ListedTogether<Inner> && RelativeCodec<std::remove_cvref_t<decltype(inner_.codec())>>) {
            return !fine_.on_disk() && inner_.looks_at_passing(options.filter, options.nprobe) &&
                   options.filter->passing * codec().code_size() <= inner_.rows().codes().size();
        } else {
            return false;
        }
    }
    static constexpr bool has_exact_rows = requires(const Fine codec) { codec.erased(); };
    [[nodiscard]] bool ranks_together(std::size_t queries) const noexcept {
        if constexpr (has_exact_rows) {
            return suits_exact_batch(exact_rows_of(fine_), queries);
        } else {
            return false;
        }
    }
    template <class Options>
    Outcome find(RowView query, const Options& options, SearchScratch& scratch) const noexcept {
        FineQuery<Refined> fine;
        fine.start(*this, query, scratch);
        if (ranks_passing(options)) {
            const auto place_of = [](RowId row) { return row; };
            return fine_.scan_passing(fine.scorer(), *options.filter, options.deadline, scratch.fine_nearest, scratch,
                                      place_of);
        }
        query = fine.mapped(*this, query, options, scratch);
        return fine.rank(*this, scratch, [&](auto& found) { return inner_.find(query, options, found, scratch); });
    }

    Inner inner_;
    StoredRows<Fine> fine_;  // in the places of `inner_`, whose ids they have
    std::optional<RowMap> map_;
};

}  // namespace tonari
