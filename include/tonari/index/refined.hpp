// An index over coarse codes, and finer codes of the same rows: a search finds rows by the first and ranks them by the second.
//
// How many rows are looked at again is not a number that somebody guesses: a coarse code says how near a row may be at least,
// and one that may be nearer than the k-th by fine codes so far is looked at. (As in Gao and Long 2024, section 4.)
//
// The coarse codes may be of mapped rows (index/row_map.hpp). Then queries are mapped for them; the finer codes are of
// rows as given.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tonari/core/collector.hpp>
#include <tonari/core/nearest_limit.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/index/ivf_batch.hpp>
#include <tonari/index/ivf_pieces.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/index/walk_batch.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

/// Keeps the nearest rows by their fine codes, of those whose coarse codes do not rule them out. `Fine` are StoredRows or what
/// has as much of them as is used here.
template <class Fine>
class RefiningCollector {
public:
    static constexpr bool by_bounds = true;  // of the rows that are offered some are never looked at

    RefiningCollector(const Fine& fine, typename Fine::Scorer& scorer, TopK& nearest) noexcept
        : fine_(&fine), code_size_(fine.codec().code_size()), scorer_(&scorer), nearest_(&nearest) {}

    /// What is to be added to lower bounds that are offered, for them to be of fine distances.
    void offset_bounds(float offset) noexcept { offset_ = offset; }

    [[nodiscard]] float bound() const noexcept { return nearest_->bound() - offset_; }
    [[nodiscard]] std::size_t size() const noexcept { return nearest_->size(); }
    [[nodiscard]] bool on_disk() const noexcept { return fine_->on_disk(); }
    [[nodiscard]] std::uint32_t looked_at() const noexcept { return looked_at_; }
    void offer(RowId row, float /*estimate*/, float lower) noexcept {
        if (lower > bound()) return;  // one at the bound may have the smaller id
        offered_[count_] = make_key(lower, row);
        if (++count_ == offered_.size()) settle();
    }
    /// A good time to look at what was offered since, if the rows lie in memory: the bound keeps others from being offered. Once there
    /// is one, some are waited for: of more rows at once, the nearest of which are looked at first, fewer need to be.
    /// From disk as many as possible at once are looked at.
    void flush() noexcept {
        if (!fine_->on_disk() && (nearest_->room() > 0 || count_ >= waited_for)) settle();
    }
    /// Looks at what was offered since. As long as there is no bound, first at the rows that seem nearest: their distances rule
    /// out most of the others.
    void settle() noexcept {
        const std::size_t room = nearest_->room();
        if (!fine_->on_disk() && room > 0 && room < count_) {
            const std::size_t first = put_nearest_first(room);
            look_at(0, first);
            look_at(first, count_);
        } else {
            if (room == 0 || fine_->on_disk()) {
                std::sort(offered_.begin(), offered_.begin() + static_cast<std::ptrdiff_t>(count_));
            }
            look_at(0, count_);
        }
        count_ = 0;
    }

    /// Of what was offered since only as many rows as the disk is asked for at once.
    void keep_nearest() noexcept {
        if (count_ <= at_once) return;
        const auto first = offered_.begin();
        std::nth_element(first, first + at_once, first + static_cast<std::ptrdiff_t>(count_));
        count_ = at_once;
    }
    /// What was offered and not looked at: at most so much, after a flush.
    static constexpr std::size_t most_waiting(const Fine& fine) noexcept {
        return fine.on_disk() ? max_batch : waited_for;
    }
    [[nodiscard]] std::span<const OrderedKey> waiting() const noexcept { return {offered_.data(), count_}; }
    /// Goes on where another collector of the same query left off.
    void resume(std::span<const OrderedKey> waiting) noexcept {
        std::copy(waiting.begin(), waiting.end(), offered_.begin());
        count_ = waiting.size();
    }

private:
    static constexpr std::size_t waited_for = 32;
    static constexpr std::size_t at_once = 16;   // from disk
    static constexpr std::size_t in_memory = 8;  // fewer: each may bring a bound for those behind it

    /// Of what was offered since at least the `wanted` nearest, which are not all, and few others: how many.
    std::size_t put_nearest_first(std::size_t wanted) noexcept {
        std::array<float, max_batch> lower;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        for (std::size_t i = 0; i < count_; ++i) lower[i] = distance_of(offered_[i]);
        const float limit = nearest_limit(std::span(lower).first(count_), wanted);
        const auto last = offered_.begin() + static_cast<std::ptrdiff_t>(count_);
        if (limit < std::numeric_limits<float>::infinity()) {
            const auto within = [=](OrderedKey key) { return distance_of(key) <= limit; };
            return static_cast<std::size_t>(std::partition(offered_.begin(), last, within) - offered_.begin());
        }
        std::nth_element(offered_.begin(), offered_.begin() + static_cast<std::ptrdiff_t>(wanted), last);
        return wanted;
    }
    /// Those of offers [first, last) that the bound has not ruled out meanwhile.
    void look_at(std::size_t first, std::size_t last) noexcept {
        std::array<const std::byte*, at_once> codes{};
        std::array<RowId, at_once> rows{};
        std::array<float, at_once> distances{};
        const std::size_t most = fine_->on_disk() ? at_once : in_memory;
        while (first < last) {
            std::size_t count = 0;
            for (; first < last && count < most; ++first) {
                if (distance_of(offered_[first]) > bound()) continue;
                rows[count] = row_of(offered_[first]);
                codes[count] = fine_->code(rows[count]);
                simd::prefetch(codes[count++], code_size_, 8);
            }
            if (fine_->on_disk()) {
                for (std::size_t i = 0; i < count; ++i) fine_->fetch(rows[i], rows[i] + std::size_t{1});
            }
            scorer_->distances({codes.data(), count}, distances.data());
            for (std::size_t i = 0; i < count; ++i) nearest_->offer(distances[i], rows[i]);
            looked_at_ += static_cast<std::uint32_t>(count);
        }
    }

    const Fine* fine_;
    std::size_t code_size_;
    typename Fine::Scorer* scorer_;
    TopK* nearest_;
    std::array<OrderedKey, max_batch> offered_;  // NOLINT(cppcoreguidelines-pro-type-member-init): lower bound, row
    std::size_t count_ = 0;
    float offset_ = 0;
    std::uint32_t looked_at_ = 0;
};

/// What the queries of a group keep (index/ivf_batch.hpp) where finer codes rank rows. `Index` is a Refined, or has as much of one as is
/// used here.
template <class Index>
class NearestByFine {
public:
    using Whole = Index;
    using Found = RefiningCollector<typename Whole::FineRows>;

    NearestByFine(const Whole& index, const SearchOptions& options) noexcept
        : index_(&index), options_(&options), k_(std::min(options.k, index.size())) {}

    [[nodiscard]] std::size_t query_bytes() const noexcept {
        return sizeof(Query) + (k_ + most_waiting()) * sizeof(OrderedKey) + query_stride(index_->codec());
    }
    Status reserve(std::size_t group, SearchScratch& scratch) {
        queries_.resize(group);
        offered_.resize(group * most_waiting());
        for (Query& query : queries_) query.nearest.reset(k_);
        prepared_ = PreparedQueries(index_->codec(), group);
        if constexpr (maps) {
            if (index_->map()) mapped_.resize(RoughCentroids::Panel::most * index_->map()->room());
        }
        return index_->reserve(*options_, scratch);
    }
    template <class Pieces>
    void begin(const Pieces& pieces) noexcept {
        k_ = pieces.most();
    }
    RowView enter(std::size_t q, RowView query) {
        Query& kept = queries_[q];
        kept.scorer = index_->codec().scorer();
        kept.scorer.set_query(prepared_.prepare(index_->codec(), q, query));
        kept.nearest.reset(k_);
        kept.offset = 0;
        kept.looked_at = 0;
        kept.waiting = 0;
        if constexpr (maps) {
            if (!index_->map()) return query;
            const RowMap& map = *index_->map();
            float* const room = mapped_.data() + q % RoughCentroids::Panel::most * map.room();
            const RowView mapped = map.map_query(query, room);
            kept.offset = map.bound_offset(query, room, options_->refine);
            return mapped;
        } else {
            return query;
        }
    }
    void open(std::size_t q, std::vector<Found>& to) noexcept {
        Query& kept = queries_[q];
        Found& found = to.emplace_back(index_->fine_rows(), kept.scorer, kept.nearest);
        found.offset_bounds(kept.offset);
        found.resume(waiting(q));
    }
    void close(std::size_t q, Found& found) noexcept {
        Query& kept = queries_[q];
        if (found.waiting().size() > most_waiting()) found.settle();  // never, after a flush
        const auto waiting = found.waiting();
        std::copy(waiting.begin(), waiting.end(), offered_.begin() + static_cast<std::ptrdiff_t>(q * most_waiting()));
        kept.waiting = static_cast<std::uint32_t>(waiting.size());
        kept.looked_at += found.looked_at();
    }
    std::size_t finish(std::size_t q, Outcome& outcome) noexcept {
        Query& kept = queries_[q];
        Found rest(index_->fine_rows(), kept.scorer, kept.nearest);
        rest.offset_bounds(kept.offset);
        rest.resume(waiting(q));
        if (!outcome.complete && rest.on_disk()) rest.keep_nearest();  // time is up
        rest.settle();
        index_->fine_rows().tend_cache();
        outcome.refined = kept.looked_at + rest.looked_at();
        outcome.exact = false;  // bounds hold nearly always
        return kept.nearest.size();
    }
    std::span<const OrderedKey> sorted(std::size_t q) noexcept { return queries_[q].nearest.sort(); }

private:
    static constexpr bool maps = requires(const Whole whole) { whole.map(); };

    /// Of each query: rows that were offered and not looked at.
    [[nodiscard]] std::size_t most_waiting() const noexcept { return Found::most_waiting(index_->fine_rows()); }
    [[nodiscard]] std::span<const OrderedKey> waiting(std::size_t q) const noexcept {
        return {offered_.data() + q * most_waiting(), queries_[q].waiting};
    }

    struct Query {
        typename Whole::FineCodec::Scorer scorer{};
        TopK nearest;
        float offset = 0;
        std::uint32_t looked_at = 0;
        std::uint32_t waiting = 0;
    };

    const Whole* index_;
    const SearchOptions* options_;
    std::size_t k_;
    std::vector<Query> queries_;
    std::vector<OrderedKey> offered_;  // `most_waiting()` of each, of which the first wait
    PreparedQueries prepared_;
    std::vector<float> mapped_;  // of a panel
};

/// A query as both codes see it. `Whole` is a Refined.
template <class Whole>
class FineQuery {
public:
    using Scorer = typename Whole::FineCodec::Scorer;

    void start(const Whole& index, RowView query, SearchScratch& scratch) noexcept {
        index.codec().prepare(query, scratch.fine_query());
        scorer_ = index.codec().scorer();
        scorer_.set_query(scratch.fine_query());
    }
    /// What it is to the coarse codes.
    template <class Options>
    RowView mapped(const Whole& index, RowView query, const Options& options, SearchScratch& scratch) noexcept {
        offset_ = 0;
        if (!index.map()) return query;
        const RowView mapped = index.map()->map_query(query, scratch.mapped.data());
        offset_ = index.map()->bound_offset(query, scratch.mapped.data(), options.refine);
        return mapped;
    }
    [[nodiscard]] Scorer& scorer() noexcept { return scorer_; }
    /// Ranks in `scratch.fine_nearest` what `find(found)` offers; what that says of it.
    template <class Find>
    Outcome rank(const Whole& index, SearchScratch& scratch, const Find& find) noexcept {
        RefiningCollector<typename Whole::FineRows> found(index.fine_rows(), scorer_, scratch.fine_nearest);
        found.offset_bounds(offset_);
        Outcome outcome = find(found);
        found.settle();
        index.fine_rows().tend_cache();
        outcome.refined = found.looked_at();
        outcome.exact = false;  // bounds hold nearly always
        return outcome;
    }

private:
    Scorer scorer_{};
    float offset_ = 0;  // see RowMap::bound_offset
};

/// A search of a graph by coarse codes (HnswWalk), whose rows are ranked by finer ones. `Index` is a Refined over it.
template <class Whole>
class RefinedWalk {
public:
    using Index = Whole;

    RefinedWalk(const Whole& index, const SearchOptions& options, SearchScratch& scratch) noexcept
        : index_(&index), options_(&options), scratch_(&scratch), walk_(index.inner(), options, scratch) {}

    void start(RowView query) noexcept {
        fine_.start(*index_, query, *scratch_);
        walk_.start(fine_.mapped(*index_, query, *options_, *scratch_));
    }
    bool step() noexcept { return walk_.step(); }
    bool begin_step() noexcept { return walk_.begin_step(); }
    void end_step() noexcept { walk_.end_step(); }
    [[nodiscard]] std::uint32_t hops() const noexcept { return walk_.hops(); }

    Outcome finish(bool complete) noexcept {
        const std::size_t k = std::min(options_->k, index_->size());
        scratch_->fine_nearest.reset(k);
        const auto outcome = fine_.rank(*index_, *scratch_, [&](auto& found) {
            walk_.offer(found);
            return walk_.outcome(complete);
        });
        answer_ids(index_->ids(), scratch_->fine_nearest.sort(), k, nullptr, scratch_->neighbors);
        return outcome;
    }

private:
    const Whole* index_;
    const SearchOptions* options_;
    SearchScratch* scratch_;
    FineQuery<Whole> fine_;
    typename Whole::Coarse::Walk walk_;
};

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
