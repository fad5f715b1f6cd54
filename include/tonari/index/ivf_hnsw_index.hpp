// Inverted lists whose rows are searched by graphs, one a list: as in LanceDB's IVF_HNSW. The rows of a list, a cell here, lie one behind
// another and link to each other alone; a search picks the `nprobe` cells whose centroids are nearest and walks one after another.
//
// In every cell a walk looks for the nearest `ef` / 4 rows of that cell, and on from these as long as it comes nearer than the `ef` nearest
// found in all cells. Neither would do alone: `ef` wide in each cell costs `nprobe` times a graph's search, and a walk that must beat what the
// first cell gave would turn back at the gate of the second, whose upper layers do not lead near enough. A cell that has few rows to be looked at
// is scanned.
//
// A cell is built by itself, by one thread: beside what the index keeps, a build holds a cell's rows for each thread.
//
// Cost of a search: a search among the centroids, then in each cell a few dozen distances and about `ef` / 4 expansions, and `ef` in all.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tonari/graph/cell_layers.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/coarse_lists.hpp>
#include <tonari/index/distinct_rows.hpp>
#include <tonari/index/flat_index.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/ivf_hnsw_build.hpp>
#include <tonari/index/ivf_hnsw_source.hpp>
#include <tonari/index/patience.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/index/train_lists.hpp>
#include <tonari/lists/partition.hpp>

namespace tonari {

template <Codec C, SearchIndex Coarse>
class IvfHnswIndex {
public:
    static constexpr IndexKind kind = IndexKind::ivf_hnsw;
    using Scratch = SearchScratch;

    /// Copies `rows`. Ids and rows were checked (`check_ids`, `check_finite`). `links` is M of the cells' graphs. The same bytes for
    /// any number of threads. Errors: invalid_argument where there are fewer rows than lists.
    static Result<IvfHnswIndex> build(C codec, MatrixView rows, std::span<const Id> ids, const IvfParams& params,
                                      std::size_t links, const BuildOptions& options) {
        constexpr double trained = 0.1;  // as a share of the time: a guess
        constexpr double assigned = 0.15;
        const auto part = [&](double from, double to) {
            BuildOptions some = options;
            some.progress = progress_between(options.progress, rows.rows(), from, to);
            return some;
        };
        auto centroids = train_lists(rows, codec.metric_kind(), params.lists, part(0, trained));
        if (!centroids) return std::move(centroids).error();
        BuildOptions silent = options;
        silent.progress = {};
        auto coarse = CoarseLists<Coarse>::build(codec, *centroids, params, silent);
        if (!coarse) return std::move(coarse).error();
        std::vector<RowId> list_of(rows.rows());
        if (Status s = coarse->assign(rows, *centroids, list_of, options.threads, part(trained, assigned).progress);
            !s) {
            return s;
        }
        const DistinctRows distinct = find_distinct_rows(codec, rows, options.threads);
        auto cells = Cells<C>::build(codec, rows, distinct.first, list_of, params.lists, links, part(assigned, 1));
        if (!cells) return std::move(cells).error();
        auto map = ids_of_distinct(distinct, cells->order, ids);
        if (!map) return std::move(map).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return IvfHnswIndex(StoredRows<C>(std::move(codec), std::move(cells->codes), *std::move(map)),
                            std::move(cells->partition), std::move(cells->layers), *std::move(coarse));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const StoredRows<C>& rows() const noexcept { return rows_; }
    [[nodiscard]] const Partition& partition() const noexcept { return partition_; }
    [[nodiscard]] const CellLayers& layers() const noexcept { return layers_; }
    [[nodiscard]] const Coarse& coarse() const noexcept { return coarse_.index(); }
    [[nodiscard]] const CoarseLists<Coarse>& coarse_lists() const noexcept { return coarse_; }
    /// M.
    [[nodiscard]] std::size_t links() const noexcept { return layers_.bottom().degree() / 2; }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const {
        const std::size_t width = walk_width(options.k, options.ef);
        reserve(std::min(options.k, size()), width_in_cell(width), scratch);
        scratch.nearest.reset(width);
        return {};
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t k = std::min(options.k, size());
        const std::size_t width = walk_width(options.k, options.ef);
        const RowFilter* const filter = options.filter;
        TopK& found = scratch.nearest;
        found.reset(width);
        Outcome outcome;
        if (filter != nullptr && scan_is_cheaper(*filter, options.nprobe)) {
            outcome = scan(query, options, found, scratch);
        } else {
            const std::size_t wanted = filter == nullptr ? k : std::min(k, filter->passing);
            outcome = look(query, options, width_in_cell(width), found, scratch,
                           [&] { return has_ids(found.unsorted(), wanted, filter); });
        }
        rows_.answer(found.sort(), k, filter, scratch.neighbors);
        return outcome;
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        const std::size_t cap = std::min(options.cap, size());
        reserve(cap, options.ef, scratch);
        scratch.in_range.reset(cap + 1);
        return {};
    }
    /// Walks `ef` wide and along every row within the radius in each of the `nprobe` nearest cells, then on from cell to cell until half as
    /// many have held none.
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        TopK& found = scratch.in_range;
        found.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome;
        if (options.filter != nullptr && scan_is_cheaper(*options.filter, options.nprobe)) {
            outcome = scan(query, options, found, scratch);
        } else {
            const std::size_t patience = (options.nprobe + 1) / 2;
            std::size_t empty = 0;
            outcome =
                look(query, options, walk_width(1, options.ef), found, scratch, [&, before = std::size_t{0}]() mutable {
                    empty = found.size() > before ? 0 : empty + 1;
                    before = found.size();
                    return found.size() == 0 || empty >= patience;
                });
        }
        outcome.truncated = rows_.answer(found.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }

    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        if (options.filter != nullptr && scan_is_cheaper(*options.filter, options.nprobe)) {
            return scan_cursor(rows_, query, options);
        }
        return std::make_unique<CursorOf<IvfHnswSource<IvfHnswIndex>>>(options, *this, query, options);
    }

    // --- A walk, piece by piece, for those that stop and go on (index/ivf_hnsw_source.hpp).

    /// Layer 0 of all cells as a walk sees it. `visited` has room for every row.
    template <class RowScorer>
    [[nodiscard]] CellExpander<RowScorer> bottom(RowScorer& scorer, VisitedSet& visited) const noexcept {
        return {{layers_.bottom(), rows_.codes().data(), codec().code_size(), rows_.rows(), scorer, visited},
                partition_};
    }
    /// Descends to layer 0 of a cell and starts `search` there. The cell has rows.
    template <class Search, class RowScorer>
    void enter(std::size_t cell, Search& search, RowScorer& scorer, VisitedSet& visited, Expansion& expansion,
               Outcome& outcome) const noexcept {
        const auto first = static_cast<RowId>(partition_.rows_of(cell).first);
        const std::byte* code = rows_.code(first);
        Candidate entry{0, first};
        scorer.distances({&code, 1}, &entry.distance);
        ++outcome.distances;
        const Candidate best = layers_.descend_in(cell, first, rows_.codes().data(), codec().code_size(), scorer,
                                                  expansion, entry, outcome.distances);
        if (visited.insert(best.row)) search.start(best.row, best.distance);
        // As in a graph of its own (index/hnsw_index.hpp): every row can be reached from the first, but not always from `best`.
        if (visited.insert(entry.row)) search.start(entry.row, entry.distance);
    }
    /// How many of a cell's own nearest rows a walk looks for, where it looks for `width` in all. On sift-128 in 16 cells, an eighth to a half
    /// were about as quick up to recall 0.95; with less the recall ended lower, however wide the search in all.
    [[nodiscard]] static std::size_t width_in_cell(std::size_t width) noexcept { return (width + 3) / 4; }
    /// A walk compares about `width` rows that pass, and as many times M others as there are for one that passes; a scan of the cell
    /// compares all that pass. As in a graph of its own, they break even at passing^2 = width * M * rows; but where all pass, rows that lie one
    /// behind another take a quarter of the time of scattered ones (sift-128, 256 cells: 15 to 20 % more queries at equal recall).
    [[nodiscard]] bool scans(std::size_t cell, std::size_t width, const RowFilter* filter) const noexcept {
        const auto [first, last] = partition_.rows_of(cell);
        const auto rows = static_cast<double>(last - first);
        const auto walked = static_cast<double>(width) * static_cast<double>(links());
        if (filter == nullptr) return rows <= 4 * walked;
        const double share =
            static_cast<double>(filter->passing) / static_cast<double>(std::max<std::size_t>(size(), 1));
        return rows * share * share <= walked;
    }

    Status save(SectionWriter& writer) const {
        if (Status s = rows_.save(writer); !s) return s;
        SectionWriter cells = writer.within("cells");  // rows that answer for several ids have "offsets" of their own
        if (Status s = partition_.save(cells); !s) return s;
        if (Status s = layers_.save(writer); !s) return s;
        SectionWriter coarse = writer.within("coarse");
        return coarse_.save(coarse);
    }
    /// `codec` was opened from the same sections.
    static Result<IvfHnswIndex> open(const SectionReader& reader, C codec) {
        auto partition = Partition::open(reader.within("cells"));
        if (!partition) return std::move(partition).error();
        auto coarse = CoarseLists<Coarse>::open(reader.within("coarse"), codec, partition->lists());
        if (!coarse) return std::move(coarse).error();
        auto rows = StoredRows<C>::open(reader, std::move(codec));
        if (!rows) return std::move(rows).error();
        if (partition->rows() != rows->rows()) {
            return reader.corrupt("cells/lists", "expected " + std::to_string(rows->rows()) + " rows, got " +
                                                     std::to_string(partition->rows()));
        }
        auto layers = CellLayers::open(reader, *partition);
        if (!layers) return std::move(layers).error();
        return IvfHnswIndex(*std::move(rows), *std::move(partition), *std::move(layers), *std::move(coarse));
    }
    static Result<IvfHnswIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }

private:
    IvfHnswIndex(StoredRows<C> rows, Partition partition, CellLayers layers, CoarseLists<Coarse> coarse) noexcept
        : rows_(std::move(rows)),
          partition_(std::move(partition)),
          layers_(std::move(layers)),
          coarse_(std::move(coarse)) {}

    [[nodiscard]] std::size_t walk_width(std::size_t k, std::size_t ef) const noexcept {
        return std::clamp<std::size_t>(std::max(k, ef), 1, std::max<std::size_t>(rows_.rows(), 1));
    }
    void reserve(std::size_t answers, std::size_t in_cell, SearchScratch& scratch) const {
        coarse_.reserve(scratch);
        scratch.reserve_query(std::max(codec().query_size(), coarse_.query_size()));
        scratch.probed.reserve(partition_.lists());
        scratch.met.reserve(rows_.rows());
        scratch.in_cell.reset(std::min(in_cell, std::max<std::size_t>(rows_.rows(), 1)));
        scratch.heap.reserve(rows_.rows());  // a row enters once; pages that stay untouched cost nothing
        const std::size_t most = std::max(answers, partition_.lists());
        scratch.lists.reserve(most);  // the two change places with every search (`CoarseLists::find`)
        scratch.neighbors.reserve(most);
    }

    /// Comparing all rows that pass looks at no more of them than lie in the cells to be walked.
    [[nodiscard]] bool scan_is_cheaper(const RowFilter& filter, std::size_t nprobe) const noexcept {
        return static_cast<double>(filter.passing) * static_cast<double>(partition_.lists()) <=
               static_cast<double>(nprobe) * static_cast<double>(rows_.rows());
    }
    template <class Options>
    Outcome scan(RowView query, const Options& options, TopK& found, SearchScratch& scratch) const noexcept {
        auto scorer = rows_.scorer(query, scratch);
        return rows_.scan(scorer, options.filter, options.deadline, found, scratch);
    }

    /// Do these rows have `wanted` ids that pass?
    [[nodiscard]] bool has_ids(std::span<const OrderedKey> rows, std::size_t wanted,
                               const RowFilter* filter) const noexcept {
        if (rows_.ids().one_each()) return rows.size() >= wanted;
        std::size_t ids = 0;
        for (std::size_t i = 0; i < rows.size() && ids < wanted; ++i) {
            rows_.for_each_id(row_of(rows[i]), filter, [&ids](Id) { ++ids; });
        }
        return ids >= wanted;
    }

    /// Looks into the nearest cells, then on from cell to cell until it is `enough()`, which is asked after each that has rows. `width` is that
    /// in a cell.
    template <class Options, class Enough>
    Outcome look(RowView query, const Options& options, std::size_t width, TopK& found, SearchScratch& scratch,
                 Enough&& enough) const noexcept {
        Outcome outcome;
        scratch.met.clear();
        scratch.probed.clear();
        outcome.distances = coarse_.find(query, std::min(options.nprobe, partition_.lists()), scratch);
        auto scorer = rows_.scorer(query, scratch);
        if (rows_.on_disk()) {
            for (const Neighbor& cell : scratch.lists) fetch(static_cast<std::size_t>(cell.id));
        }
        Patience patience =
            Patience::of(options, codec().metric_kind());  // for the `ef` nearest, which are what is kept
        for (std::size_t i = 0; i < scratch.lists.size() && outcome.complete; ++i) {
            if (patience.ends(scratch.lists[i].distance, found.bound())) break;
            look_in(scratch.lists[i], options, width, scorer, found, scratch, outcome);
            patience.asked(found.bound());
        }
        if (!outcome.complete || scratch.lists.size() == partition_.lists() || enough()) return outcome;
        outcome.distances += coarse_.find(query, partition_.lists(), scratch);
        scorer = rows_.scorer(query, scratch);  // the query's place was the search's among the centroids
        for (const Neighbor& cell : scratch.lists) {
            if (!look_in(cell, options, width, scorer, found, scratch, outcome)) continue;
            if (!outcome.complete || enough()) break;
        }
        return outcome;
    }
    /// False if there is nothing to look at, or it was looked at before.
    template <class Options>
    bool look_in(const Neighbor& list, const Options& options, std::size_t width, typename C::Scorer& scorer,
                 TopK& found, SearchScratch& scratch, Outcome& outcome) const noexcept {
        if (!scratch.probed.insert(static_cast<RowId>(list.id))) return false;
        const auto cell = static_cast<std::size_t>(list.id);
        const auto [first, last] = partition_.rows_of(cell);
        if (first == last) return false;
        const RowFilter* const filter = options.filter;
        if (scans(cell, width, filter)) {
            rows_.scan(first, last, scorer, filter, options.deadline, found, scratch, outcome);
            ++outcome.hops;
            return true;
        }
        scratch.in_cell.reset(width);
        HeapFrontier frontier(scratch.heap, scratch.in_cell, found,
                              [filter](RowId row) { return filter == nullptr || filter->rows.test(row); });
        auto expander = bottom(scorer, scratch.met);
        BeamSearch search(expander, frontier, scratch.expansion);
        enter(cell, search, scorer, scratch.met, scratch.expansion, outcome);
        outcome.complete = run(search, options.deadline) && !options.deadline.expired();  // short walks do not look
        outcome.hops += search.hops();
        outcome.distances += search.distances();
        return true;
    }
    /// Asks the disk for the whole of a cell that is not large: that is one request for what would be one a hop.
    void fetch(std::size_t cell) const noexcept {
        const auto [first, last] = partition_.rows_of(cell);
        if ((last - first) * codec().code_size() > 4 * fetched_at_once) return;
        rows_.fetch(first, last);
        const std::size_t list = layers_.bottom().degree() * sizeof(RowId);
        tonari::fetch(layers_.bottom().bytes().span().subspan(first * list, (last - first) * list));
    }

    StoredRows<C> rows_;
    Partition partition_;
    CellLayers layers_;
    CoarseLists<Coarse> coarse_;
};

}  // namespace tonari
