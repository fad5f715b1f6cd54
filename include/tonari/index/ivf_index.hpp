// Inverted lists (Sivic, Zisserman 2003; Jegou, Douze, Schmid 2011): rows stand in the list of the centroid that is nearest
// to them, and a search compares the rows of the few lists whose centroids are nearest to the query.
//
// Which are nearest an index over the centroids says (index/coarse_lists.hpp). The rows of a list lie one behind another, so
// that a list is one scan. They may stand in a second list, too (lists/spill.hpp): then a row is offered where it is met first.
//
// Cost of a search: a search among the centroids, then about nprobe / lists of all rows.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tonari/index/arranged_lists.hpp>
#include <tonari/index/block_rows.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/coarse_lists.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/index/flat_index.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/ivf_batch.hpp>
#include <tonari/index/ivf_pieces.hpp>
#include <tonari/index/ivf_source.hpp>
#include <tonari/index/patience.hpp>
#include <tonari/index/prepared_queries.hpp>
#include <tonari/index/train_lists.hpp>
#include <tonari/index/train_relative.hpp>
#include <tonari/lists/list_rounds.hpp>
#include <tonari/lists/partition.hpp>
#include <tonari/lists/spill.hpp>

namespace tonari {

/// The coarse index over the centroids of rows that are stored by `C`: every centroid is compared, or a graph is walked.
template <ScannedCodec C>
using FlatCoarse = FlatIndex<std::remove_cvref_t<decltype(*coarse_codec(std::declval<const C&>()))>>;
template <ScannedCodec C>
using GraphCoarse = HnswIndex<std::remove_cvref_t<decltype(*coarse_codec(std::declval<const C&>()))>>;

template <ScannedCodec C, SearchIndex Coarse>
class IvfIndex {
public:
    static constexpr IndexKind kind = IndexKind::ivf;
    using Scratch = SearchScratch;
    using Scorer = typename C::Scorer;

    /// Copies `rows`. Ids and rows were checked (`check_ids`, `check_finite`). The centroids are trained on a sample.
    /// Errors: invalid_argument where there are fewer rows than lists.
    template <std::same_as<C> Codes>  // a template: clang before 16 instantiates a constrained member with its class
        requires(Codec<Codes> && !RelativeCodec<Codes>)
    static Result<IvfIndex> build(Codes codec, MatrixView rows, std::span<const Id> ids, const IvfParams& params,
                                  const BuildOptions& options) {
        auto centroids = train_lists(rows, codec.metric_kind(), params.lists, with_part(options, rows, 0, trained));
        if (!centroids) return std::move(centroids).error();
        auto lists = ArrangedLists<Coarse>::arrange(codec, rows, ids, *centroids, params,
                                                    with_part(options, rows, trained, assigned));
        if (!lists) return std::move(lists).error();
        auto stored =
            StoredRows<C>::encode(std::move(codec), rows, lists->places(), lists->order, ids, options.threads);
        if (!stored) return std::move(stored).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return IvfIndex(*std::move(stored), std::move(lists->partition), std::move(lists->spill),
                        std::move(lists->coarse), {});
    }
    /// The same for codes that are relative to a list's centroid: these are trained on what rows are beside theirs.
    template <RelativeCodec Codes = C>
    static Result<IvfIndex> build(const typename Codes::Params& codes, MatrixView rows, std::span<const Id> ids,
                                  const IvfParams& params, const BuildOptions& options) {
        auto centroids = train_lists(rows, codes.metric, params.lists, with_part(options, rows, 0, trained));
        if (!centroids) return std::move(centroids).error();
        const AnyMetric metric(codes.metric);
        auto lists = ArrangedLists<Coarse>::arrange(ListedRows{rows.dim(), metric}, rows, ids, *centroids, params,
                                                    with_part(options, rows, trained, assigned));
        if (!lists) return std::move(lists).error();
        auto lengths = origin_lengths(rows, *lists, *centroids, metric.kind(), options.threads);
        if (!lengths) return std::move(lengths).error();
        const auto length_of = lengths->template as<float>();
        const auto origin_of = [&](std::size_t list) {
            return Origin{.centroid = static_cast<const float*>(centroids->view().row(list).data()),
                          .length = length_of.empty() ? 1.0F : length_of[list]};
        };
        auto codec = train_relative_codec<C>(rows, codes, [&](RowId row) { return origin_of(lists->list_of[row]); });
        if (!codec) return std::move(codec).error();
        auto stored = RowsOf<C>::encode(*std::move(codec), rows, lists->places(), lists->order, ids, options.threads,
                                        [&](std::size_t place) { return origin_of(lists->list_at(place)); });
        if (!stored) return std::move(stored).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return IvfIndex(*std::move(stored), std::move(lists->partition), std::move(lists->spill),
                        std::move(lists->coarse), *std::move(lengths));
    }

    /// Of parts that fit together: the rows of each list one behind another, centroids for as many lists, and `lengths()`.
    static IvfIndex over(RowsOf<C> rows, Partition partition, CoarseLists<Coarse> coarse, Bytes lengths = {}) noexcept {
        return IvfIndex(std::move(rows), std::move(partition), {}, std::move(coarse), std::move(lengths));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const RowsOf<C>& rows() const noexcept { return rows_; }
    /// Which rows have which list as their first; where none is spilled, rows are numbered as they stand.
    [[nodiscard]] const Partition& partition() const noexcept { return partition_; }
    /// Which rows stand in which list for the second time.
    [[nodiscard]] const Spill& spill() const noexcept { return spill_; }
    /// Where the codes of a list stand, those of rows that it is the second of among them.
    [[nodiscard]] ListPlaces places_of(std::size_t list) const noexcept { return spill_.places_of(list, partition_); }
    /// Of the lists that are on disk, those that are kept in memory; null if none ever are.
    [[nodiscard]] const HotCache* cache() const noexcept { return rows_.cache().get(); }
    [[nodiscard]] const Coarse& coarse() const noexcept { return coarse_.index(); }
    [[nodiscard]] const CoarseLists<Coarse>& coarse_lists() const noexcept { return coarse_; }
    /// By list, what its centroid is taken times to be the origin of its rows; empty: once.
    [[nodiscard]] const Bytes& lengths() const noexcept { return lengths_; }
    /// Bytes of these.
    [[nodiscard]] std::size_t length_bytes() const noexcept { return lengths_.size(); }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const {
        reserve(scratch);
        const std::size_t k = std::min(options.k, size());
        scratch.in_range.reset(k);
        reserve_answers(k, scratch);
        return {};
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
        TopK& found = scratch.in_range;  // `nearest` is the coarse search's
        const std::size_t k = std::min(options.k, size());
        found.reset(k);
        Outcome outcome = find(query, options, found, scratch);
        outcome.exact = outcome.exact && !C::Scorer::bounded;
        rows_.answer(found.sort(), k, options.filter, scratch.neighbors);
        return outcome;
    }
    /// Whether so many queries are faster asked list by list (index/ivf_batch.hpp).
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept {
        if (ranks_passing_together(queries, options)) return true;
        // Where a list holds few rows that pass, there is little to share; rows that are asked of the disk one by one are not shared.
        constexpr bool shares_few = BlockCodec<C> || !RelativeCodec<C>;
        return goes_list_by_list(queries, options) && spill_.empty() &&
               (!looks_at_passing(options.filter, options.nprobe) || (shares_few && !rows_.on_disk()));
    }
    /// Many queries at once, where they go list by list. Queries were checked.
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
        if (!has_batch(queries.rows(), options)) return false;
        if constexpr (has_exact_rows) {
            if (ranks_passing_together(queries.rows(), options)) return exact_batch(rows_, queries, options, out);
        }
        return IvfBatch<IvfPieces<IvfIndex>, NearestOfEach<IvfIndex>>(*this, *this, queries, options, out).run();
    }
    /// Are all rows that pass a filter looked at? Where among the rows of `nprobe` lists as many would be tested for passing.
    [[nodiscard]] bool looks_at_passing(const RowFilter* filter, std::size_t nprobe) const noexcept {
        return filter != nullptr &&
               static_cast<double>(filter->passing) * static_cast<double>(partition_.lists()) <=
                   static_cast<double>(nprobe) * static_cast<double>(partition_.rows() + spill_.rows());
    }
    /// The rows of a search, offered to any collector: of the nearest lists, and of further ones until as many as asked for
    /// have been kept.
    template <Collector Found>
    Outcome find(RowView query, const SearchOptions& options, Found& found, SearchScratch& scratch) const noexcept {
        const std::size_t k = std::min(options.k, size());
        const std::size_t wanted = options.filter == nullptr ? k : std::min(k, options.filter->passing);
        Outcome outcome = look(query, options, found, scratch);
        if (outcome.complete && !outcome.exact && found.size() < wanted) {
            look_further(query, options, found, scratch, outcome, [&] { return found.size() >= wanted; });
        }
        rows_.tend_cache();
        return outcome;
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        reserve(scratch);
        const std::size_t cap = std::min(options.cap, size());
        scratch.in_range.reset(cap + 1);
        reserve_answers(cap, scratch);
        return {};
    }
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        scratch.in_range.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome = find(query, options, scratch.in_range, scratch);
        outcome.exact = outcome.exact && !C::Scorer::bounded;
        outcome.truncated = rows_.answer(scratch.in_range.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }
    /// Looks at the `nprobe` nearest lists, and on from list to list until half as many have held no row within the radius.
    template <Collector Found>
    Outcome find(RowView query, const RangeOptions& options, Found& found, SearchScratch& scratch) const noexcept {
        Outcome outcome = look(query, options, found, scratch);
        rows_.tend_cache();
        if (!outcome.complete || outcome.exact || found.size() == 0) return outcome;
        const std::size_t patience = (options.nprobe + 1) / 2;
        std::size_t empty = 0;
        look_further(query, options, found, scratch, outcome, [&, before = found.size()]() mutable {
            empty = found.size() > before ? 0 : empty + 1;
            before = found.size();
            return empty >= patience;
        });
        return outcome;
    }

    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        if constexpr (!RelativeCodec<C>) {
            if (spill_.empty() && looks_at_passing(options.filter, options.nprobe)) {
                return scan_cursor(rows_, query, options);
            }
        }
        return cursor(rows_, query, options);
    }

    /// A cursor over `rows`, other codes of the rows in the same places. `of_lists` is the query as the lists are
    /// asked, where that is another.
    template <class Rows>
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(const Rows& rows, RowView query, const CursorOptions& options,
                                                      RowView of_lists) const {
        return std::make_unique<CursorOf<IvfSource<IvfIndex, Rows>>>(options, *this, rows, query, of_lists, options);
    }
    template <class Rows>
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(const Rows& rows, RowView query,
                                                      const CursorOptions& options) const {
        return cursor(rows, query, options, query);
    }

    /// What the rows of a list are relative to, for a query whose search among the centroids has found `list`.
    [[nodiscard]] Origin origin(const Neighbor& list) const noexcept {
        Origin origin{.distance = list.distance};
        const auto lengths = lengths_.as<float>();
        if (!lengths.empty()) origin.length = lengths[static_cast<std::size_t>(list.id)];
        return origin;
    }

    Status save(SectionWriter& writer) const {
        if (Status s = rows_.save(writer); !s) return s;
        if (Status s = partition_.save(writer); !s) return s;
        SectionWriter spill = writer.within("spill");
        if (Status s = spill_.save(spill); !s) return s;
        if (has_lengths(codec())) {
            if (Status s = writer.add("lengths", 1, lengths_.span()); !s) return s;
        }
        SectionWriter coarse = writer.within("coarse");
        return coarse_.save(coarse);
    }
    /// `codec` was opened from the same sections.
    static Result<IvfIndex> open(const SectionReader& reader, C codec) {
        const bool scaled = has_lengths(codec);
        auto partition = Partition::open(reader);
        if (!partition) return std::move(partition).error();
        auto coarse = CoarseLists<Coarse>::open(reader.within("coarse"), codec, partition->lists());
        if (!coarse) return std::move(coarse).error();
        auto spill = Spill::open(reader.within("spill"), *partition);
        if (!spill) return std::move(spill).error();
        auto rows = RowsOf<C>::open(reader, std::move(codec), spill->rows());
        if (!rows) return std::move(rows).error();
        if (!rows->ids().one_each() || partition->rows() != rows->rows()) {
            return reader.corrupt("lists", "expected " + std::to_string(rows->rows()) + " rows with an id each, got " +
                                               std::to_string(partition->rows()) + " rows and " +
                                               std::to_string(rows->ids().size()) + " ids");
        }
        Bytes lengths;
        if (scaled) {
            auto stored = reader.array<float>("lengths", partition->lists());
            if (!stored) return std::move(stored).error();
            lengths = *std::move(stored);
        }
        if (rows->on_disk() && reader.cache_bytes() > 0) {
            const auto first_of = [&](std::size_t list) { return spill->places_of(list, *partition).first; };
            if (Status s = rows->cache_lists(partition->lists(), first_of, reader.cache_bytes()); !s) return s;
        }
        return IvfIndex(*std::move(rows), *std::move(partition), *std::move(spill), *std::move(coarse),
                        std::move(lengths));
    }
    static Result<IvfIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }

private:
    IvfIndex(RowsOf<C> rows, Partition partition, Spill spill, CoarseLists<Coarse> coarse, Bytes lengths) noexcept
        : rows_(std::move(rows)),
          partition_(std::move(partition)),
          spill_(std::move(spill)),
          coarse_(std::move(coarse)),
          lengths_(std::move(lengths)) {}

    /// Where training ends as a share of a build, and where assigning does: a guess, both are products with all centroids.
    static constexpr double trained = 0.5;
    static constexpr double assigned = 0.95;
    static BuildOptions with_part(const BuildOptions& options, MatrixView rows, double from, double to) {
        BuildOptions part = options;
        part.progress = progress_between(options.progress, rows.rows(), from, to);
        return part;
    }

    /// What is known of rows before they have codes.
    struct ListedRows {
        Dim of_rows;
        AnyMetric of_distances;
        [[nodiscard]] Dim dim() const noexcept { return of_rows; }
        [[nodiscard]] AnyMetric metric() const noexcept { return of_distances; }
        [[nodiscard]] MetricKind metric_kind() const noexcept { return of_distances.kind(); }
        [[nodiscard]] static Element element() noexcept { return Element::float32; }
    };
    /// Centroids of length 1 are short of their rows, or too long: each is taken so many times as long as its rows reach along
    /// it on average. Nothing under L2.
    template <RelativeCodec Codes = C>
    static Result<Bytes> origin_lengths(MatrixView rows, const ArrangedLists<Coarse>& lists,
                                        const TrainedLists& centroids, MetricKind metric, const Threads& threads) {
        if (metric == MetricKind::l2) return Bytes{};
        auto lengths = AlignedBuffer::allocate(centroids.lists * sizeof(float));
        if (!lengths) return std::move(lengths).error();
        std::vector<std::vector<float>> rooms(resolve_threads(threads), std::vector<float>(rows.dim()));
        parallel_for(threads, centroids.lists, 16, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t list = first; list < last; ++list) {
                const auto [begin, end] = lists.partition.rows_of(list);
                const auto* const centroid = static_cast<const float*>(centroids.view().row(list).data());
                double sum = 0;
                for (std::size_t place = begin; place < end; ++place) {
                    float* const row = rooms[worker].data();
                    Codes::relative(rows.row(lists.order[place]), metric, {}, row);
                    for (Dim d = 0; d < rows.dim(); ++d) {
                        sum += static_cast<double>(row[d]) * static_cast<double>(centroid[d]);
                    }
                }
                const auto length = static_cast<float>(begin == end ? 1 : sum / static_cast<double>(end - begin));
                std::memcpy(lengths->data() + list * sizeof length, &length, sizeof length);
            }
        });
        return std::move(*lengths).freeze();
    }
    [[nodiscard]] static bool has_lengths(const C& codec) noexcept {
        return RelativeCodec<C> && codec.metric_kind() != MetricKind::l2;
    }

    void reserve(SearchScratch& scratch) const {
        coarse_.reserve(scratch);
        scratch.reserve_query(std::max(codec().query_size(), coarse_.query_size()));
        scratch.probed.reserve(partition_.lists());
        if (!spill_.empty()) scratch.met.reserve(size());
    }

    /// The two change places with every search (`CoarseLists::find`).
    void reserve_answers(std::size_t k, SearchScratch& scratch) const {
        const std::size_t most = std::max(k, partition_.lists());
        scratch.lists.reserve(most);
        scratch.neighbors.reserve(most);
    }

    static constexpr bool has_exact_rows = requires(const C codec) { codec.erased(); } && !RelativeCodec<C>;

    /// Do so many queries compare the rows that pass, as exact indexes do?
    [[nodiscard]] bool ranks_passing_together(std::size_t queries, const SearchOptions& options) const noexcept {
        if constexpr (has_exact_rows) {
            return looks_at_passing(options.filter, options.nprobe) && spill_.empty() && !rows_.on_disk() &&
                   suits_exact_batch(exact_rows_of(rows_), queries);
        } else {
            return false;
        }
    }

    /// Looks at the nearest lists, or at all rows that pass where these are few.
    template <class Options, Collector Found>
    Outcome look(RowView query, const Options& options, Found& found, SearchScratch& scratch) const noexcept {
        std::size_t nprobe = options.nprobe;
        Outcome outcome;
        if (!spill_.empty()) scratch.met.clear();
        if (looks_at_passing(options.filter, nprobe)) {
            if constexpr (RelativeCodec<C>) {
                nprobe = partition_.lists();  // rows are what they are beside their lists' centroids
            } else {
                auto scorer = list_scorer(query, options, scratch);
                outcome = rows_.scan_passing(scorer, *options.filter, options.deadline, found, scratch,
                                             [this](RowId row) { return spill_.place_of(row, partition_); });
                settle(found);
                outcome.exact = outcome.complete;  // no list holds another row that passes
                return outcome;
            }
        }
        Patience patience = Patience::of(options, codec().metric_kind());
        const std::size_t most = std::min(nprobe, partition_.lists());
        std::size_t ranked = patience.ranked_first(most);
        scratch.probed.clear();
        outcome.distances = coarse_.find(query, ranked, scratch);
        while (!scan_ranked(query, options, patience, found, scratch, outcome) && ranked < most) {
            ranked = std::min(2 * ranked, most);
            outcome.distances += coarse_.find(query, ranked, scratch);
        }
        settle(found);
        outcome.exact = outcome.complete && outcome.hops == partition_.lists();
        return outcome;
    }
    /// Of `scratch.lists` those that were not looked at yet, until patience ends: true, also where the deadline has passed.
    template <class Options, Collector Found>
    bool scan_ranked(RowView query, const Options& options, Patience& patience, Found& found, SearchScratch& scratch,
                     Outcome& outcome) const noexcept {
        auto scorer = list_scorer(query, options, scratch);
        if constexpr (in_rounds<C, Found>) {
            if (!patience.ever_ends()) order_in_rounds(scratch.lists);
        }
        const std::span<const Neighbor> lists(scratch.lists);
        // Whether rows that are read from the disk are near is known once many were read at once.
        bool from_disk = rows_.on_disk();
        if constexpr (requires { found.on_disk(); }) from_disk = from_disk || found.on_disk();
        const std::size_t together = !patience.ever_ends() ? lists.size() : from_disk ? 8 : 1;
        std::size_t fetched = 0;
        for (std::size_t i = 0; i < lists.size(); ++i) {
            if (scratch.probed.contains(static_cast<RowId>(lists[i].id))) continue;
            if (i >= fetched) {
                settle(found);
                if (patience.ends(lists[i].distance, found.bound())) return true;
                fetched = std::min(i + together, lists.size());
                for (std::size_t next = i; next < fetched; ++next) fetch(lists[next]);
            }
            if (i + 1 < lists.size()) {
                const ListPlaces next = places_of(static_cast<std::size_t>(lists[i + 1].id));
                rows_.prefetch(next.first, next.last);
            }
            scan_list(lists[i], scorer, options, found, scratch, outcome);
            if (!outcome.complete) return true;
            if (!patience.ever_ends()) continue;
            if (!from_disk) settle(found);
            patience.asked(found.bound());
        }
        return false;
    }
    /// Looks at one further list after another, until it is `enough()`, which is asked after each.
    template <class Options, Collector Found, class Enough>
    void look_further(RowView query, const Options& options, Found& found, SearchScratch& scratch, Outcome& outcome,
                      Enough&& enough) const noexcept {
        outcome.distances += coarse_.find(query, partition_.lists(), scratch);
        auto scorer = list_scorer(query, options, scratch);
        for (const Neighbor& list : scratch.lists) {
            if (scratch.probed.contains(static_cast<RowId>(list.id))) continue;
            fetch(list);
            scan_list(list, scorer, options, found, scratch, outcome);
            settle(found);
            if (!outcome.complete || enough()) return;
        }
        outcome.exact = scratch.lists.size() == partition_.lists();
    }
    /// From here on `found.size()` counts all that was offered.
    template <Collector Found>
    static void settle(Found& found) noexcept {
        if constexpr (requires { found.settle(); }) found.settle();
    }
    template <class Options>
    Scorer list_scorer(RowView query, const Options& options, SearchScratch& scratch) const noexcept {
        codec().prepare(query, scratch.query());
        return scorer_of(codec(), scratch.query(), options);
    }
    void fetch(const Neighbor& list) const noexcept {
        if (!rows_.on_disk()) return;
        const ListPlaces places = places_of(static_cast<std::size_t>(list.id));
        rows_.fetch(places.first, places.last);
    }
    template <class Options, Collector Found>
    void scan_list(const Neighbor& list, typename C::Scorer& scorer, const Options& options, Found& found,
                   SearchScratch& scratch, Outcome& outcome) const noexcept {
        (void)scratch.probed.insert(static_cast<RowId>(list.id));
        const auto number = static_cast<std::size_t>(list.id);
        const ListPlaces places = places_of(number);
        scorer.enter(origin(list));
        rows_.scan(places.first, places.last, scorer, options.filter, options.deadline, found, scratch, outcome,
                   spill_.in_list(number, partition_, scratch.met));
        ++outcome.hops;
    }

    RowsOf<C> rows_;
    Partition partition_;
    Spill spill_;
    CoarseLists<Coarse> coarse_;
    Bytes lengths_;
};

}  // namespace tonari
