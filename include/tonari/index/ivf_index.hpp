// Inverted lists (Sivic, Zisserman 2003; Jegou, Douze, Schmid 2011): rows stand in the list of the centroid that is nearest
// to them, and a search compares the rows of the few lists whose centroids are nearest to the query.
//
// The centroids are an index of their own, the coarse one, whose ids are the numbers of the lists: Flat, or a graph where
// there are many. Flat ones are compared as 8-bit codes first. The rows of a list lie one behind another, so that a list is
// one scan.
//
// Cost of a search: a search among the centroids, then about nprobe / lists of all rows.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tonari/index/block_rows.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/flat_index.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/ivf_source.hpp>
#include <tonari/index/rough_centroids.hpp>
#include <tonari/index/train_lists.hpp>
#include <tonari/lists/partition.hpp>

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

    /// Copies `rows`. Ids and rows were checked (`check_ids`, `check_finite`). The centroids are trained on a sample.
    /// Errors: invalid_argument where there are fewer rows than lists.
    template <std::same_as<C> Codes>  // a template: clang before 16 instantiates a constrained member with its class
        requires Codec<Codes>
    static Result<IvfIndex> build(Codes codec, MatrixView rows, std::span<const Id> ids, const IvfParams& params,
                                  const BuildOptions& options) {
        auto centroids = train_lists(rows, codec.metric_kind(), params.lists, with_part(options, rows, 0, trained));
        if (!centroids) return std::move(centroids).error();
        auto lists = arrange(codec, rows, ids, *centroids, params, options);
        if (!lists) return std::move(lists).error();
        auto stored = StoredRows<C>::encode(std::move(codec), rows, lists->order, ids, options.threads);
        if (!stored) return std::move(stored).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return IvfIndex(*std::move(stored), std::move(lists->partition), std::move(lists->coarse),
                        std::move(lists->rough), {});
    }
    /// The same for codes that are relative to a list's centroid: these are trained on what rows are beside theirs.
    template <BlockCodec Codes = C>
    static Result<IvfIndex> build(const typename Codes::Params& codes, MatrixView rows, std::span<const Id> ids,
                                  const IvfParams& params, const BuildOptions& options) {
        auto centroids = train_lists(rows, codes.metric, params.lists, with_part(options, rows, 0, trained));
        if (!centroids) return std::move(centroids).error();
        const AnyMetric metric(codes.metric);
        auto lists = arrange(ListedRows{rows.dim(), metric}, rows, ids, *centroids, params, options);
        if (!lists) return std::move(lists).error();
        auto lengths = origin_lengths(rows, *lists, *centroids, metric.kind(), options.threads);
        if (!lengths) return std::move(lengths).error();
        const auto length_of = lengths->template as<float>();
        const auto origin_of = [&](std::size_t list) {
            return Origin{.centroid = static_cast<const float*>(centroids->view().row(list).data()),
                          .length = length_of.empty() ? 1.0F : length_of[list]};
        };
        auto codec = train_block_codec<C>(rows, codes, [&](RowId row) { return origin_of(lists->list_of[row]); });
        if (!codec) return std::move(codec).error();
        auto stored =
            BlockRows<C>::encode(*std::move(codec), rows, lists->order, ids, options.threads,
                                 [&](std::size_t place) { return origin_of(lists->list_of[lists->order[place]]); });
        if (!stored) return std::move(stored).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return IvfIndex(*std::move(stored), std::move(lists->partition), std::move(lists->coarse),
                        std::move(lists->rough), *std::move(lengths));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const RowsOf<C>& rows() const noexcept { return rows_; }
    [[nodiscard]] const Partition& partition() const noexcept { return partition_; }
    [[nodiscard]] const Coarse& coarse() const noexcept { return coarse_; }
    [[nodiscard]] const RoughCentroids& rough() const noexcept { return rough_; }
    /// Bytes of what centroids are lengthened by.
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
        if constexpr (!BlockCodec<C>) {
            if (options.filter != nullptr && scan_is_cheaper(*options.filter, options.nprobe)) {
                return scan_cursor(rows_, query, options);
            }
        }
        return cursor(rows_, query, options);
    }

    /// A cursor over `rows`, other codes of the rows in the same places.
    template <class Rows>
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(const Rows& rows, RowView query,
                                                      const CursorOptions& options) const {
        return std::make_unique<CursorOf<IvfSource<IvfIndex, Rows>>>(options, *this, rows, query, options);
    }

    /// What the rows of a list are relative to, for a query whose search among the centroids has found `list`.
    [[nodiscard]] Origin origin(const Neighbor& list) const noexcept {
        Origin origin{.distance = list.distance};
        const auto lengths = lengths_.as<float>();
        if (!lengths.empty()) origin.length = lengths[static_cast<std::size_t>(list.id)];
        return origin;
    }

    /// A query as the centroids are stored: float32 or bits. `wide` has room for `dim()` values.
    [[nodiscard]] RowView as_centroid(RowView query, float* wide) const noexcept {
        if (query.element() == coarse_.codec().element()) return query;
        simd::kernels().to_float32[static_cast<std::size_t>(query.element()) - 1](query.data(), wide, dim());
        return {wide, Element::float32, dim()};
    }

    Status save(SectionWriter& writer) const {
        if (Status s = rows_.save(writer); !s) return s;
        if (Status s = partition_.save(writer); !s) return s;
        if (has_lengths(codec())) {
            if (Status s = writer.add("lengths", 1, lengths_.span()); !s) return s;
        }
        SectionWriter coarse = writer.within("coarse");
        if (Status s = coarse_.save(coarse); !s) return s;
        SectionWriter rough = writer.within("coarse/rough");
        return rough_.save(rough);
    }
    /// `codec` was opened from the same sections.
    static Result<IvfIndex> open(const SectionReader& reader, C codec) {
        const SectionReader within = reader.within("coarse");
        const auto expected = coarse_codec(codec);
        if (!expected) return expected.error();
        auto of_coarse = std::remove_cvref_t<decltype(*expected)>::open(within, codec.metric());
        if (!of_coarse) return std::move(of_coarse).error();
        if (of_coarse->dim() != expected->dim() || of_coarse->element() != expected->element() ||
            of_coarse->metric_kind() != expected->metric_kind()) {
            return within.corrupt("codec", "expected centroids of the rows' dimensions and metric, got others");
        }
        const bool scaled = has_lengths(codec);
        auto rows = RowsOf<C>::open(reader, std::move(codec));
        if (!rows) return std::move(rows).error();
        auto partition = Partition::open(reader);
        if (!partition) return std::move(partition).error();
        auto coarse = Coarse::open(within, *std::move(of_coarse));
        if (!coarse) return std::move(coarse).error();
        if (!rows->ids().one_each() || partition->rows() != rows->rows()) {
            return reader.corrupt("lists", "expected " + std::to_string(rows->rows()) + " rows with an id each, got " +
                                               std::to_string(partition->rows()) + " rows and " +
                                               std::to_string(rows->ids().size()) + " ids");
        }
        if (!names_each_list(coarse->ids(), partition->lists())) {
            return reader.corrupt("lists", "expected a centroid for each of " + std::to_string(partition->lists()) +
                                               " lists, got " + std::to_string(coarse->size()) + " for some of them");
        }
        RoughCentroids rough;
        if constexpr (compares_all) {
            auto opened = RoughCentroids::open(reader.within("coarse/rough"), partition->lists(), coarse->dim(),
                                               coarse->codec().metric_kind());
            if (!opened) return std::move(opened).error();
            rough = *std::move(opened);
        }
        Bytes lengths;
        if (scaled) {
            auto stored = reader.array<float>("lengths", partition->lists());
            if (!stored) return std::move(stored).error();
            lengths = *std::move(stored);
        }
        return IvfIndex(*std::move(rows), *std::move(partition), *std::move(coarse), std::move(rough),
                        std::move(lengths));
    }
    static Result<IvfIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }

private:
    IvfIndex(RowsOf<C> rows, Partition partition, Coarse coarse, RoughCentroids rough, Bytes lengths) noexcept
        : rows_(std::move(rows)),
          partition_(std::move(partition)),
          coarse_(std::move(coarse)),
          rough_(std::move(rough)),
          lengths_(std::move(lengths)) {}

    static constexpr bool compares_all = Coarse::kind == IndexKind::flat;

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
    struct Arranged {
        Coarse coarse;
        RoughCentroids rough;
        Partition partition;
        std::vector<RowId> list_of;  ///< by row
        std::vector<RowId> order;    ///< by place, which row stands there; within a list in the order of ids
    };
    /// `of_rows` is their codec, or what is known before there is one.
    template <class OfRows>
    static Result<Arranged> arrange(const OfRows& of_rows, MatrixView rows, std::span<const Id> ids,
                                    const TrainedLists& centroids, const IvfParams& params,
                                    const BuildOptions& options) {
        BuildOptions silent = options;
        silent.progress = {};
        auto coarse = build_coarse(of_rows, centroids, params, silent);
        if (!coarse) return std::move(coarse).error();
        const ProgressFunction progress = progress_between(options.progress, rows.rows(), trained, assigned);
        std::vector<RowId> list_of(rows.rows());
        RoughCentroids rough;
        bool known = false;
        if constexpr (compares_all) {
            auto made = RoughCentroids::make(centroids.view(), of_rows.metric_kind(), options.seed);
            if (!made) return std::move(made).error();
            rough = *std::move(made);
            auto all = assign_by_products(rows, of_rows.metric_kind(), centroids, list_of, options.threads, progress);
            if (!all) return std::move(all).error();
            known = *all;
        }
        if (!known) {
            if (Status s = assign(*coarse, rows, list_of, options.threads, progress); !s) return s;
        }
        std::vector<std::size_t> sizes(params.lists);
        for (const RowId list : list_of) ++sizes[list];
        auto partition = Partition::create(sizes);
        if (!partition) return std::move(partition).error();
        std::vector<RowId> order(rows.rows());
        std::vector<std::size_t> next(params.lists);
        for (std::size_t list = 0; list < next.size(); ++list) next[list] = partition->rows_of(list).first;
        for (const RowId row : by_id(rows.rows(), ids)) order[next[list_of[row]]++] = row;
        return Arranged{*std::move(coarse), std::move(rough), *std::move(partition), std::move(list_of),
                        std::move(order)};
    }

    /// Centroids of length 1 are short of their rows, or too long: each is taken so many times as long as its rows reach along
    /// it on average. Nothing under L2.
    template <BlockCodec Codes = C>
    static Result<Bytes> origin_lengths(MatrixView rows, const Arranged& lists, const TrainedLists& centroids,
                                        MetricKind metric, const Threads& threads) {
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
        return BlockCodec<C> && codec.metric_kind() != MetricKind::l2;
    }

    /// O(lists): a search goes where these ids say.
    static bool names_each_list(const IdMap& ids, std::size_t lists) {
        if (ids.size() != lists) return false;
        std::vector<bool> named(lists, false);
        for (std::size_t slot = 0; slot < lists; ++slot) {
            const Id id = ids.id(slot);
            if (id < 0 || static_cast<std::size_t>(id) >= lists || named[static_cast<std::size_t>(id)]) return false;
            named[static_cast<std::size_t>(id)] = true;
        }
        return true;
    }
    template <class OfRows>
    static Result<Coarse> build_coarse(const OfRows& of_rows, const TrainedLists& centroids, const IvfParams& params,
                                       const BuildOptions& options) {
        auto of_coarse = coarse_codec(of_rows);
        if (!of_coarse) return std::move(of_coarse).error();
        if constexpr (Coarse::kind == IndexKind::hnsw) {
            return Coarse::build(*std::move(of_coarse), centroids.view(), {}, params.coarse_links, options);
        } else {
            return Coarse::build(*std::move(of_coarse), centroids.view(), {}, options);
        }
    }
    /// The list of each row, by a search among the centroids. The same for any number of threads.
    static Status assign(const Coarse& coarse, MatrixView rows, std::span<RowId> list_of, const Threads& threads,
                         const ProgressFunction& progress);

    void reserve(SearchScratch& scratch) const {
        const SearchOptions all{.k = partition_.lists(), .ef = partition_.lists()};
        static_cast<void>(coarse_.reserve(all, scratch).ok());  // it has nothing to refuse
        const std::size_t query = std::max({codec().query_size(), coarse_.codec().query_size(), rough_.query_size()});
        scratch.query_block.reserve(query + 63);
        scratch.reserve_query(query);
        if (compares_all) scratch.nearest_lists.reserve(partition_.lists());
        scratch.probed.reserve(partition_.lists());
        scratch.wide.resize(dim());
    }

    /// The two change places with every search (`find_lists`).
    void reserve_answers(std::size_t k, SearchScratch& scratch) const {
        const std::size_t most = std::max(k, partition_.lists());
        scratch.lists.reserve(most);
        scratch.neighbors.reserve(most);
    }

    /// The `count` lists that are nearest to the query, into `scratch.lists`. How many distances that took.
    std::uint32_t find_lists(RowView query, std::size_t count, SearchScratch& scratch) const noexcept {
        const RowView seen = as_centroid(query, scratch.wide.data());
        if constexpr (compares_all) {
            if (!rough_.empty() && RoughCentroids::candidates(count) < partition_.lists()) {
                return find_roughly(seen, count, scratch);
            }
            auto scorer = coarse_.rows().scorer(seen, scratch);
            scorer.distances(CodeBlock{coarse_.rows().code(0), coarse_.codec().code_size(), partition_.lists()},
                             scratch.nearest_lists.distances());
            scratch.lists.clear();
            for (const OrderedKey key : scratch.nearest_lists.select(partition_.lists(), count)) {
                scratch.lists.push_back({coarse_.ids().id(row_of(key)), distance_of(key)});
            }
            return static_cast<std::uint32_t>(partition_.lists());
        } else {
            const Outcome outcome = coarse_.search(seen, {.k = count, .ef = coarse_width(count)}, scratch);
            std::swap(scratch.lists, scratch.neighbors);
            return outcome.distances;
        }
    }
    /// The same, of the centroids that rounded ones name.
    std::uint32_t find_roughly(RowView query, std::size_t count, SearchScratch& scratch) const noexcept {
        rough_.measure(query, scratch.query(), scratch.nearest_lists.distances());
        const auto candidates = scratch.nearest_lists.select(partition_.lists(), RoughCentroids::candidates(count));
        auto scorer = coarse_.rows().scorer(query, scratch);
        std::array<const std::byte*, 64> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, 64> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
        scratch.lists.clear();
        for (std::size_t first = 0; first < candidates.size(); first += codes.size()) {
            const auto some = candidates.subspan(first, std::min(codes.size(), candidates.size() - first));
            for (std::size_t i = 0; i < some.size(); ++i) codes[i] = coarse_.rows().code(row_of(some[i]));
            scorer.distances({codes.data(), some.size()}, distances.data());
            for (std::size_t i = 0; i < some.size(); ++i) {
                scratch.lists.push_back({coarse_.ids().id(row_of(some[i])), distances[i]});
            }
        }
        const auto last = scratch.lists.begin() + static_cast<std::ptrdiff_t>(count);
        std::partial_sort(scratch.lists.begin(), last, scratch.lists.end(),
                          [](const Neighbor& a, const Neighbor& b) { return nearer(a, b); });
        scratch.lists.erase(last, scratch.lists.end());
        return static_cast<std::uint32_t>(partition_.lists() + candidates.size());
    }
    /// Looks at the nearest lists, or at all rows that pass where these are few.
    template <class Options, Collector Found>
    Outcome look(RowView query, const Options& options, Found& found, SearchScratch& scratch) const noexcept {
        const RowFilter* const filter = options.filter;
        std::size_t nprobe = options.nprobe;
        Outcome outcome;
        if (filter != nullptr && scan_is_cheaper(*filter, nprobe)) {
            if constexpr (BlockCodec<C>) {
                nprobe = partition_.lists();  // rows are what they are beside their lists' centroids
            } else {
                auto scorer = rows_.scorer(query, scratch);
                return rows_.scan(scorer, filter, options.deadline, found, scratch);
            }
        }
        outcome.distances = find_lists(query, std::min(nprobe, partition_.lists()), scratch);
        auto scorer = list_scorer(query, options, scratch);
        scratch.probed.clear();
        for (std::size_t i = 0; i < scratch.lists.size() && outcome.complete; ++i) {
            const Neighbor& list = scratch.lists[i];
            if (i + 1 < scratch.lists.size()) {
                const auto [first, last] = partition_.rows_of(static_cast<std::size_t>(scratch.lists[i + 1].id));
                rows_.prefetch(first, last);
            }
            scan_list(list, scorer, options, found, scratch, outcome);
        }
        outcome.exact = outcome.complete && scratch.lists.size() == partition_.lists();
        return outcome;
    }
    /// Looks at one further list after another, until it is `enough()`, which is asked after each.
    template <class Options, Collector Found, class Enough>
    void look_further(RowView query, const Options& options, Found& found, SearchScratch& scratch, Outcome& outcome,
                      Enough&& enough) const noexcept {
        outcome.distances += find_lists(query, partition_.lists(), scratch);
        auto scorer = list_scorer(query, options, scratch);
        for (const Neighbor& list : scratch.lists) {
            if (!scan_list(list, scorer, options, found, scratch, outcome)) continue;
            if (!outcome.complete || enough()) return;
        }
        outcome.exact = scratch.lists.size() == partition_.lists();
    }
    template <class Options>
    typename C::Scorer list_scorer(RowView query, const Options& options, SearchScratch& scratch) const noexcept {
        auto scorer = rows_.scorer(query, scratch);
        if constexpr (requires { scorer.set_deviations(options.refine); }) scorer.set_deviations(options.refine);
        return scorer;
    }
    /// False if it was looked at before.
    template <class Options, Collector Found>
    bool scan_list(const Neighbor& list, typename C::Scorer& scorer, const Options& options, Found& found,
                   SearchScratch& scratch, Outcome& outcome) const noexcept {
        if (!scratch.probed.insert(static_cast<RowId>(list.id))) return false;
        const auto [first, last] = partition_.rows_of(static_cast<std::size_t>(list.id));
        scorer.enter(origin(list));
        rows_.scan(first, last, scorer, options.filter, options.deadline, found, scratch, outcome);
        ++outcome.hops;
        return true;
    }

    /// Among the rows of the lists that would be looked at as many would be tested for passing.
    [[nodiscard]] bool scan_is_cheaper(const RowFilter& filter, std::size_t nprobe) const noexcept {
        return static_cast<double>(filter.passing) * static_cast<double>(partition_.lists()) <=
               static_cast<double>(nprobe) * static_cast<double>(rows_.rows());
    }

    RowsOf<C> rows_;
    Partition partition_;
    Coarse coarse_;         // id l is the centroid of list l
    RoughCentroids rough_;  // in the places of `coarse_`
    Bytes lengths_;         // by list, what its centroid is taken times to be the origin of its rows; empty: once
};

template <ScannedCodec C, SearchIndex Coarse>
Status IvfIndex<C, Coarse>::assign(const Coarse& coarse, MatrixView rows, std::span<RowId> list_of,
                                   const Threads& threads, const ProgressFunction& progress) {
    constexpr std::size_t slice = 16384;  // rows widened at a time
    const bool widen = rows.element() != coarse.codec().element();
    std::vector<float> wide(widen ? std::min(slice, rows.rows()) * rows.dim() : 0);
    const std::size_t width = coarse_width(1);
    std::vector<SearchScratch> scratches(resolve_threads(threads));
    for (SearchScratch& scratch : scratches) {
        if (Status s = coarse.reserve(SearchOptions{.k = 1, .ef = width}, scratch); !s) return s;
    }
    for (std::size_t start = 0; start < rows.rows(); start += slice) {
        const std::size_t count = std::min(slice, rows.rows() - start);
        MatrixView some = rows.slice(start, count);
        if (widen) {
            const auto convert = simd::kernels().to_float32[static_cast<std::size_t>(rows.element()) - 1];
            parallel_for(threads, count, 256, [&](std::size_t first, std::size_t last, unsigned) {
                for (std::size_t i = first; i < last; ++i)
                    convert(some.row(i).data(), wide.data() + i * rows.dim(), rows.dim());
            });
            some = MatrixView(wide.data(), count, rows.dim());
        }
        parallel_for(threads, count, 64, [&](std::size_t first, std::size_t last, unsigned worker) {
            SearchScratch& scratch = scratches[worker];
            for (std::size_t i = first; i < last; ++i) {
                coarse.search(some.row(i), {.k = 1, .ef = width}, scratch);
                list_of[start + i] = static_cast<RowId>(scratch.neighbors[0].id);
            }
        });
        if (progress) progress(start + count, rows.rows());
    }
    return {};
}

}  // namespace tonari
