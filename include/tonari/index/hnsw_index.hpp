// The frozen HNSW graph: built once, renumbered for locality, searched from memory or from a map. It is built over the
// rows in another form where that is faster or better (index/build_rows.hpp), and searched over the rows as stored.
//
// Cost of a search: descend the upper layers (a few dozen distances), then about `ef` expansions on layer 0, each a
// list of links, a test of who is new, and one kernel call over the new rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/random.hpp>
#include <tonari/graph/batch_builder.hpp>
#include <tonari/graph/beam_search.hpp>
#include <tonari/graph/layers.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/build_rows.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/distinct_rows.hpp>
#include <tonari/index/hnsw_source.hpp>
#include <tonari/index/hnsw_walk.hpp>
#include <tonari/index/scan_source.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/index/walk_batch.hpp>

namespace tonari {

extern template class BatchBuilder<Flat<AnyMetric>>;

/// M of the spec word "HNSW<M>".
inline constexpr std::size_t min_links = 2;
inline constexpr std::size_t max_links = 256;

template <Codec C>
class HnswIndex {
public:
    static constexpr IndexKind kind = IndexKind::hnsw;
    using Scratch = SearchScratch;
    using Scorer = typename C::Scorer;
    using Walk = HnswWalk<HnswIndex>;

    /// A vertex for each row, every one reachable from vertex 0.
    HnswIndex(StoredRows<C> rows, Layers layers) noexcept : rows_(std::move(rows)), layers_(std::move(layers)) {}

    /// Copies `rows`. Ids and rows were checked (`check_ids`, `check_finite`). `links` is M.
    /// About O(n log n) distances; the same bytes for any number of threads.
    static Result<HnswIndex> build(C codec, MatrixView rows, std::span<const Id> ids, std::size_t links,
                                   const BuildOptions& options) {
        const DistinctRows distinct = find_distinct_rows(codec, rows, options.threads);
        return build(std::move(codec), rows, ids, links, options, distinct);
    }
    /// The same, a vertex for each of `distinct`, which may tell rows apart that `codec` does not.
    static Result<HnswIndex> build(C codec, MatrixView rows, std::span<const Id> ids, std::size_t links,
                                   const BuildOptions& options, const DistinctRows& distinct) {
        const Order order = arrange(distinct.first, links, options.seed);
        std::vector<RowId> vertex_rows(order.source.size());
        for (std::size_t i = 0; i < vertex_rows.size(); ++i) vertex_rows[i] = distinct.first[order.source[i]];
        auto built = build_graph(codec, rows, vertex_rows, sample(distinct, order), order.counts,
                                 {links, options.ef_construction}, options);
        if (!built) return std::move(built).error();
        std::vector<RowId> source(order.source.size());  // by final number, which distinct row it is
        for (std::size_t i = 0; i < source.size(); ++i) source[built->new_number[i]] = order.source[i];
        auto map = ids_of_distinct(distinct, source, ids);
        if (!map) return std::move(map).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return HnswIndex(StoredRows<C>(std::move(codec), std::move(built->codes).freeze(), *std::move(map)),
                         std::move(built->layers));
    }

    /// The graph of `built`, walked over other codes of its rows: what stands before a refinement. Links and vertices are about
    /// the rows as they were given; rows that are alike by `codec` alone stay apart.
    static Result<HnswIndex> over(const HnswIndex<Flat<AnyMetric>>& built, C codec, const Threads& threads) {
        auto codes = StoredRows<C>::encode_codes(codec, built.rows().view(), threads);
        if (!codes) return std::move(codes).error();
        return HnswIndex(StoredRows<C>(std::move(codec), *std::move(codes), built.ids()), built.layers());
    }

    /// The same in memory of its own, whatever file it lies in.
    [[nodiscard]] Result<HnswIndex> in_memory() const {
        auto rows = rows_.in_memory();
        if (!rows) return std::move(rows).error();
        auto layers = layers_.in_memory();
        if (!layers) return std::move(layers).error();
        return HnswIndex(*std::move(rows), *std::move(layers));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const StoredRows<C>& rows() const noexcept { return rows_; }
    [[nodiscard]] const Layers& layers() const noexcept { return layers_; }
    /// M.
    [[nodiscard]] std::size_t links() const noexcept { return layers_.links(0).degree() / 2; }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const {
        const std::size_t width = walk_width(options.k, options.ef);
        reserve(scratch);
        scratch.neighbors.reserve(std::min(options.k, size()));
        if (options.filter != nullptr) {
            scratch.nearest.reset(width);
            scratch.heap.reserve(rows_.rows());  // a row enters once; pages that stay untouched cost nothing
        } else {
            scratch.pool.reset(width);
        }
        return {};
    }

    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
        if (options.filter == nullptr) {
            Walk walk(*this, options, scratch);
            return walk_alone(walk, query, options.deadline);
        }
        const std::size_t k = std::min(options.k, size());
        auto scorer = rows_.scorer(query, scratch);
        Outcome outcome;
        auto nearest = walked(scorer, options, scratch, outcome);
        if (!nearest) {
            scratch.nearest.reset(walk_width(options.k, options.ef));
            scan(scorer, options, scratch.nearest, scratch, outcome);
            nearest = scratch.nearest.sort();
        }
        rows_.answer(*nearest, k, options.filter, scratch.neighbors);
        return outcome;
    }
    /// The rows of a search, offered to any collector: as many as the walk was wide, or all that pass where these are few.
    template <Collector Found>
    Outcome find(RowView query, const SearchOptions& options, Found& found, SearchScratch& scratch) const noexcept {
        if (options.filter == nullptr) {
            Walk walk(*this, options, scratch);
            walk.start(query);
            const bool complete = run(walk, options.deadline);
            walk.offer(found);
            return walk.outcome(complete);
        }
        auto scorer = rows_.scorer(query, scratch);
        Outcome outcome;
        const auto nearest = walked(scorer, options, scratch, outcome);
        if constexpr (C::Scorer::bounded) scorer.set_deviations(options.refine);
        if (nearest) {
            offer(*nearest, scorer, found, scratch);
        } else {
            scan(scorer, options, found, scratch, outcome);
        }
        return outcome;
    }

    /// Whether walks of so many queries take turns.
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& options) const noexcept {
        return walks_take_turns(queries, rows_.rows(), options);
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
        if (!has_batch(queries.rows(), options)) return false;
        return WalkBatch<Walk>(*this, queries, options, out).run();
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        const std::size_t cap = std::min(options.cap, size());
        reserve(scratch);
        scratch.neighbors.reserve(cap);
        scratch.nearest.reset(std::min(options.ef, size()));
        scratch.in_range.reset(cap + 1);
        scratch.heap.reserve(rows_.rows());
        return {};
    }

    /// Walks `ef` wide, then on along every row within the radius. Exact where the walk's graph is connected within it.
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        scratch.in_range.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome = find(query, options, scratch.in_range, scratch);
        outcome.truncated = rows_.answer(scratch.in_range.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }
    /// The same, offered to any collector, whose bound the radius is.
    template <Collector Found>
    Outcome find(RowView query, const RangeOptions& options, Found& found, SearchScratch& scratch) const noexcept {
        auto scorer = rows_.scorer(query, scratch);
        if constexpr (C::Scorer::bounded) scorer.set_deviations(options.refine);
        const RowFilter* filter = options.filter;
        if (filter != nullptr && scan_is_cheaper(*filter, options.ef)) {
            return rows_.scan(scorer, filter, options.deadline, found, scratch);
        }
        scratch.nearest.reset(std::min(options.ef, size()));
        HeapFrontier frontier(scratch.heap, scratch.nearest, found,
                              [filter](RowId row) { return filter == nullptr || filter->rows.test(row); });
        return walk(scorer, frontier, options.deadline, scratch);
    }

    /// A few rows that pass are compared one and all; among many a walk finds the nearest.
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        return cursor(rows_, query, options);
    }
    /// A cursor over `rows`, other codes of the rows in the same places.
    template <class Rows>
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(const Rows& rows, RowView query,
                                                      const CursorOptions& options) const {
        if (options.filter != nullptr && scan_is_cheaper(*options.filter, options.ef)) {
            return scan_cursor(rows, query, options);
        }
        return std::make_unique<CursorOf<HnswSource<HnswIndex, Rows>>>(options, *this, rows, query, options.filter);
    }

    // --- A walk, piece by piece, for those that stop and go on (index/hnsw_source.hpp).

    /// The lowest layer as a walk over `rows` sees it, which are its own or others in the same places. `visited` has room for
    /// every vertex.
    template <class Rows, class RowScorer>
    [[nodiscard]] SplitExpander<RowScorer> bottom(const Rows& rows, RowScorer& scorer,
                                                  VisitedSet& visited) const noexcept {
        return {layers_.links(0), rows.codes().data(), rows.stride(), rows.rows(), scorer, visited};
    }
    /// Descends to the lowest layer and starts `search` there. How many distances that took.
    template <class Search, class Rows, class RowScorer>
    std::uint32_t enter(Search& search, const Rows& rows, RowScorer& scorer, SearchScratch& scratch) const noexcept {
        scratch.visited.clear();
        if (rows.rows() == 0) return 0;
        Candidate best{0, 0};
        const std::byte* entry = rows.code(0);
        scorer.distances({&entry, 1}, &best.distance);
        const Candidate first = best;
        std::uint32_t distances = 1;
        for (std::size_t layer = layers_.height(); layer-- > 1;) {
            best = descend(layers_.links(layer), rows.codes().data(), rows.stride(), layers_.count(layer), scorer,
                           scratch.expansion, best, distances);
        }
        const auto start = [&](const Candidate& from) noexcept {
            if constexpr (RowScorer::bounded) {  // as what a step meets: how near it is at least
                const std::byte* code = rows.code(from.row);
                Survivors& one = scratch.expansion.survivors;
                one.clear();
                scorer.gather({&code, 1}, std::numeric_limits<float>::infinity(), one);
                if (one.count == 1) return search.start(from.row, one.estimate[0], one.lower[0]);
            }
            search.start(from.row, from.distance);
        };
        scratch.visited.insert(best.row);
        start(best);
        // Every vertex can be reached from vertex 0, but not always from `best`. A walk that ends with fewer than it is
        // wide has dropped none, so it has expanded vertex 0, too, and met them all: k rows come whenever k rows are there.
        if (scratch.visited.insert(first.row)) start(first);
        return distances;
    }

    /// Candidates of a walk.
    [[nodiscard]] std::size_t walk_width(std::size_t k, std::size_t ef) const noexcept {
        return std::clamp<std::size_t>(std::max(k, ef), 1, std::max<std::size_t>(rows_.rows(), 1));
    }
    /// What a walk has found, with how near it is at least: where the estimates do not say that, the codes do once more.
    template <Collector Found>
    void offer(std::span<const OrderedKey> nearest, Scorer& scorer, Found& found,
               SearchScratch& scratch) const noexcept {
        if constexpr (C::Scorer::bounded && !requires { scorer.lower(0.0F); }) {
            rows_.offer(nearest, scorer, found, scratch);
        } else {
            for (const OrderedKey key : nearest) {
                const float distance = distance_of(key);
                if constexpr (C::Scorer::bounded) {
                    found.offer(row_of(key), distance, scorer.lower(distance));
                } else {
                    found.offer(row_of(key), distance, distance);
                }
            }
        }
    }

    Status save(SectionWriter& writer) const {
        if (Status s = rows_.save(writer); !s) return s;
        return layers_.save(writer);
    }
    static Result<HnswIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }
    static Result<HnswIndex> open(const SectionReader& reader, C codec) {
        auto rows = StoredRows<C>::open(reader, std::move(codec));
        if (!rows) return std::move(rows).error();
        auto layers = Layers::open(reader);
        if (!layers) return std::move(layers).error();
        if (layers->vertices() != rows->rows()) {
            return reader.corrupt("layers", "expected " + std::to_string(rows->rows()) +
                                                " vertices, one per row, got " + std::to_string(layers->vertices()));
        }
        return HnswIndex(*std::move(rows), *std::move(layers));
    }

private:
    struct Order {
        std::vector<RowId> source;        ///< by vertex, which distinct row it is
        std::vector<std::size_t> counts;  ///< vertices on each layer
    };

    /// Which distinct rows stand on which layer (a row is on layer l with probability M^-l), upper layers first, and
    /// otherwise in an order that has nothing to do with the caller's: rows that come sorted would make poor batches.
    static Order arrange(const std::vector<RowId>& rows, std::size_t links, std::uint64_t seed) {
        std::vector<std::uint64_t> draw(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) draw[i] = hash(seed, rows[i]);
        Order order;
        order.source.resize(rows.size());
        std::iota(order.source.begin(), order.source.end(), RowId{0});
        // The smallest draws stand highest, so sorting by the draw sorts by layer and shuffles within it.
        std::sort(order.source.begin(), order.source.end(),
                  [&](RowId a, RowId b) { return draw[a] != draw[b] ? draw[a] < draw[b] : a < b; });
        order.counts.push_back(rows.size());
        for (std::uint64_t limit = ~std::uint64_t{0} / links; limit > 0; limit /= links) {
            const auto here = static_cast<std::size_t>(std::partition_point(order.source.begin(), order.source.end(),
                                                                            [&](RowId i) { return draw[i] < limit; }) -
                                                       order.source.begin());
            if (here < 2) break;  // one vertex alone leads nowhere
            order.counts.push_back(here);
        }
        return order;
    }

    struct BuiltGraph {
        Layers layers;
        std::vector<RowId> new_number;  ///< where vertex i went
        AlignedBuffer codes;            ///< in final order
    };

    /// Some vertices, spread over all ids: one that has a share of the ids has that share of the sample.
    static std::vector<RowId> sample(const DistinctRows& distinct, const Order& order) {
        constexpr std::size_t most = 256;
        const std::size_t ids = distinct.offsets.empty() ? order.source.size() : distinct.members.size();
        std::vector<RowId> vertex(order.source.size());  // by distinct row
        for (std::size_t i = 0; i < vertex.size(); ++i) vertex[order.source[i]] = static_cast<RowId>(i);
        std::vector<RowId> chosen(std::min(most, ids));
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            std::size_t row = i * ids / chosen.size();
            if (!distinct.offsets.empty()) {
                row = static_cast<std::size_t>(std::upper_bound(distinct.offsets.begin(), distinct.offsets.end(), row) -
                                               distinct.offsets.begin() - 1);
            }
            chosen[i] = vertex[row];
        }
        return chosen;
    }

    /// Vertex i is row `source[i]`; `sample` are some vertices. Whatever kernels compare is built by one builder, which is
    /// compiled once, in the library.
    static Result<BuiltGraph> build_graph(const C& codec, MatrixView rows, std::span<const RowId> source,
                                          [[maybe_unused]] std::span<const RowId> sample,
                                          const std::vector<std::size_t>& counts, GraphParams params,
                                          const BuildOptions& options) {
        // Where each step ends, as a share of the whole, roughly: the trial of 8 bits is the longer the longer the rows
        // (9 % of the time at 784 dimensions).
        constexpr double tried = 0.04;
        constexpr double inserted = 0.96;
        constexpr double confirmed = 0.98;
        const auto part = [&, total = rows.rows()](double from, double to) {
            return progress_between(options.progress, total, from, to);
        };
        AlignedBuffer codes;
        const auto encode = [&]() -> Status {
            auto room = AlignedBuffer::allocate(source.size() * codec.code_size());
            if (!room) return std::move(room).error();
            codes = *std::move(room);
            parallel_for(options.threads, source.size(), 1024, [&](std::size_t first, std::size_t last, unsigned) {
                for (std::size_t i = first; i < last; ++i) {
                    codec.encode(rows.row(source[i]), {}, {codes.data() + i * codec.code_size(), codec.code_size()});
                }
            });
            return {};
        };
        if constexpr (requires { codec.erased(); }) {
            const Flat<AnyMetric> erased = codec.erased();
            // Rows made equally long crowd where the short ones were: by leaves half a point less of words-50 was found.
            params.by_leaves = erased.metric_kind() != MetricKind::inner_product;
            std::vector<RowId> in_order;
            if constexpr (C::kind != CodecKind::flat) {  // the graph is about the rows as they were rounded
                if (Status s = encode(); !s) return s;
                rows = MatrixView(codes.data(), source.size(), erased.dim(), erased.element(), erased.code_size());
                in_order.resize(source.size());
                std::iota(in_order.begin(), in_order.end(), RowId{0});
                source = in_order;
                if (builds_as_stored(erased)) {  // in place, not by few values first: that would hold the codes twice
                    auto built =
                        BatchBuilder(erased, codes.data(), counts, params, options.threads, part(0, confirmed)).build();
                    if (!built) return std::move(built).error();
                    return BuiltGraph{std::move(built->layers), std::move(built->new_number), std::move(codes)};
                }
            }
            auto rough =
                build_rows(erased, rows, source, sample, params.ef_construction, options.threads, part(0, tried));
            if (!rough) return std::move(rough).error();
            BatchBuilder builder(rough->codec, rough->codes.data(), counts, params, options.threads,
                                 part(tried, inserted));
            if (rough->walk) builder.walk_by(rough->walk->codec, rough->walk->codes.data());
            if (Status s = builder.insert_all(); !s) return s;
            if (rough->as_stored) {
                codes = std::move(rough->codes);
            } else {
                rough->codes = {};
                rough->walk.reset();                         // not looked at again before `recode`
                if constexpr (C::kind == CodecKind::flat) {  // made only now: the two are not in memory together
                    if (Status s = encode(); !s) return s;
                }
            }
            builder.recode(erased, codes.data());
            if (rough->error) builder.confirm(rough->error, part(inserted, confirmed));
            auto built = builder.finish();
            return BuiltGraph{std::move(built.layers), std::move(built.new_number), std::move(codes)};
        } else {
            if (Status s = encode(); !s) return s;
            auto built = BatchBuilder(codec, codes.data(), counts, params, options.threads, part(0, confirmed)).build();
            if (!built) return std::move(built).error();
            return BuiltGraph{std::move(built->layers), std::move(built->new_number), std::move(codes)};
        }
    }

    void reserve(SearchScratch& scratch) const {
        scratch.reserve_query(codec().query_size());
        scratch.visited.reserve(rows_.rows());
    }

    /// A filtered walk meets about width / share rows that pass or not, M new ones a hop; a scan compares those that
    /// pass. They break even at passing^2 = width * M * rows.
    [[nodiscard]] bool scan_is_cheaper(const RowFilter& filter, std::size_t width) const noexcept {
        const auto passing = static_cast<double>(filter.passing);
        return passing * passing <=
               static_cast<double>(width) * static_cast<double>(links()) * static_cast<double>(rows_.rows());
    }

    /// What a walk finds of what passes a filter, nearest first; none if rows are to be compared one and all instead, because few
    /// pass or because too few were found.
    std::optional<std::span<const OrderedKey>> walked(Scorer& scorer, const SearchOptions& options,
                                                      SearchScratch& scratch, Outcome& outcome) const noexcept {
        const std::size_t width = walk_width(options.k, options.ef);
        if constexpr (C::Scorer::bounded) scorer.set_deviations(0);  // a walk goes by estimates
        const RowFilter& filter = *options.filter;
        if (scan_is_cheaper(filter, width)) return std::nullopt;
        scratch.nearest.reset(width);
        HeapFrontier frontier(scratch.heap, scratch.nearest, [&filter](RowId row) { return filter.rows.test(row); });
        outcome = walk(scorer, frontier, options.deadline, scratch);
        const auto nearest = scratch.nearest.sort();
        const std::size_t k = std::min(options.k, size());
        rows_.answer(nearest, k, &filter, scratch.neighbors);
        if (outcome.complete && scratch.neighbors.size() < std::min(k, filter.passing)) return std::nullopt;
        return nearest;
    }
    /// Compares all rows that pass. Adds to what `outcome` says that a walk took.
    template <Collector Found>
    void scan(Scorer& scorer, const SearchOptions& options, Found& found, SearchScratch& scratch,
              Outcome& outcome) const noexcept {
        const Outcome before = outcome;
        outcome = rows_.scan(scorer, options.filter, options.deadline, found, scratch);
        outcome.hops += before.hops;
        outcome.distances += before.distances;
    }
    template <class Frontier>
    Outcome walk(Scorer& scorer, Frontier& frontier, const Deadline& deadline, SearchScratch& scratch) const noexcept {
        Outcome outcome;
        auto expander = bottom(rows_, scorer, scratch.visited);
        BeamSearch search(expander, frontier, scratch.expansion);
        outcome.distances = enter(search, rows_, scorer, scratch);
        outcome.complete = run(search, deadline);
        outcome.hops = search.hops();
        outcome.distances += search.distances();
        return outcome;
    }

    StoredRows<C> rows_;
    Layers layers_;
};

}  // namespace tonari
