// Inverted lists (Sivic, Zisserman 2003; Jegou, Douze, Schmid 2011): rows stand in the list of the centroid that is nearest
// to them, and a search compares the rows of the few lists whose centroids are nearest to the query.
//
// The centroids are an index of their own, the coarse one, whose ids are the numbers of the lists: Flat, or a graph where
// there are many. The rows of a list lie one behind another, so that a list is one scan.
//
// Cost of a search: a search among the centroids, then about nprobe / lists of all rows.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <tonari/index/build_options.hpp>
#include <tonari/index/flat_index.hpp>
#include <tonari/index/hnsw_index.hpp>
#include <tonari/index/ivf_source.hpp>
#include <tonari/index/train_lists.hpp>
#include <tonari/lists/partition.hpp>

namespace tonari {

/// The coarse index over the centroids of rows that are stored by `C`: every centroid is compared, or a graph is walked.
template <Codec C>
using FlatCoarse = FlatIndex<std::remove_cvref_t<decltype(*coarse_codec(std::declval<const C&>()))>>;
template <Codec C>
using GraphCoarse = HnswIndex<std::remove_cvref_t<decltype(*coarse_codec(std::declval<const C&>()))>>;

template <Codec C, SearchIndex Coarse>
class IvfIndex {
public:
    static constexpr IndexKind kind = IndexKind::ivf;
    using Scratch = SearchScratch;

    /// Copies `rows`. Ids and rows were checked (`check_ids`, `check_finite`). The centroids are trained on a sample.
    /// Errors: invalid_argument where there are fewer rows than lists.
    static Result<IvfIndex> build(C codec, MatrixView rows, std::span<const Id> ids, const IvfParams& params,
                                  const BuildOptions& options) {
        // How long training and assigning take beside each other is a guess: both are products with all centroids.
        constexpr double trained = 0.5;
        constexpr double assigned = 0.95;
        const auto part = [&](double from, double to) {
            return progress_between(options.progress, rows.rows(), from, to);
        };
        BuildOptions within = options;
        within.progress = part(0, trained);
        auto centroids = train_lists(rows, codec.metric_kind(), params.lists, within);
        if (!centroids) return std::move(centroids).error();
        within.progress = {};
        auto coarse = build_coarse(codec, *centroids, params, within);
        if (!coarse) return std::move(coarse).error();
        std::vector<RowId> list_of(rows.rows());
        bool known = false;
        if constexpr (Coarse::kind == IndexKind::flat) {
            auto assigned_all = assign_by_products(rows, codec.metric_kind(), *centroids, list_of, options.threads,
                                                   part(trained, assigned));
            if (!assigned_all) return std::move(assigned_all).error();
            known = *assigned_all;
        }
        if (!known) {
            if (Status s = assign(*coarse, rows, list_of, options.threads, part(trained, assigned)); !s) return s;
        }

        std::vector<std::size_t> sizes(params.lists);
        for (const RowId list : list_of) ++sizes[list];
        auto partition = Partition::create(sizes);
        if (!partition) return std::move(partition).error();
        std::vector<RowId> by_id(rows.rows());
        std::iota(by_id.begin(), by_id.end(), RowId{0});
        if (!std::is_sorted(ids.begin(), ids.end())) {
            std::sort(by_id.begin(), by_id.end(), [&](RowId a, RowId b) { return ids[a] < ids[b]; });
        }
        std::vector<RowId> order(rows.rows());  // by place, which row stands there; within a list in the order of ids
        std::vector<std::size_t> next(params.lists);
        for (std::size_t list = 0; list < next.size(); ++list) next[list] = partition->rows_of(list).first;
        for (const RowId row : by_id) order[next[list_of[row]]++] = row;

        const std::size_t code_size = codec.code_size();
        auto codes = AlignedBuffer::allocate(rows.rows() * code_size);
        if (!codes) return std::move(codes).error();
        parallel_for(options.threads, rows.rows(), 1024, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t i = first; i < last; ++i) {
                codec.encode(rows.row(order[i]), {}, codes->span().subspan(i * code_size, code_size));
            }
        });
        std::vector<Id> slots(rows.rows());
        for (std::size_t i = 0; i < slots.size(); ++i)
            slots[i] = ids.empty() ? static_cast<Id>(order[i]) : ids[order[i]];
        auto map = IdMap::create(slots, {});
        if (!map) return std::move(map).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return IvfIndex(StoredRows<C>(std::move(codec), std::move(*codes).freeze(), *std::move(map)),
                        *std::move(partition), *std::move(coarse));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const StoredRows<C>& rows() const noexcept { return rows_; }
    [[nodiscard]] const Partition& partition() const noexcept { return partition_; }
    [[nodiscard]] const Coarse& coarse() const noexcept { return coarse_; }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const {
        reserve(scratch);
        const std::size_t k = std::min(options.k, size());
        scratch.in_range.reset(k);
        reserve_answers(k, scratch);
        return {};
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t k = std::min(options.k, size());
        const std::size_t wanted = options.filter == nullptr ? k : std::min(k, options.filter->passing);
        TopK& found = scratch.in_range;  // `nearest` is the coarse search's
        found.reset(k);
        Outcome outcome = look(query, options.filter, options.nprobe, options.deadline, found, scratch);
        if (outcome.complete && !outcome.exact && found.size() < wanted) {
            look_further(query, options.filter, options.deadline, found, scratch, outcome,
                         [&] { return found.size() >= wanted; });
        }
        rows_.answer(found.sort(), k, options.filter, scratch.neighbors);
        return outcome;
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        reserve(scratch);
        const std::size_t cap = std::min(options.cap, size());
        scratch.in_range.reset(cap + 1);
        reserve_answers(cap, scratch);
        return {};
    }
    /// Looks at the `nprobe` nearest lists, and on from list to list until half as many have held no row within the radius.
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        scratch.in_range.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome = look(query, options.filter, options.nprobe, options.deadline, scratch.in_range, scratch);
        if (outcome.complete && !outcome.exact && scratch.in_range.size() > 0) {
            const std::size_t patience = (options.nprobe + 1) / 2;
            std::size_t empty = 0;
            look_further(query, options.filter, options.deadline, scratch.in_range, scratch, outcome,
                         [&, before = scratch.in_range.size()]() mutable {
                             empty = scratch.in_range.size() > before ? 0 : empty + 1;
                             before = scratch.in_range.size();
                             return empty >= patience;
                         });
        }
        outcome.truncated = rows_.answer(scratch.in_range.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }

    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        if (options.filter != nullptr && scan_is_cheaper(*options.filter, options.nprobe)) {
            return scan_cursor(rows_, query, options);
        }
        return std::make_unique<CursorOf<IvfSource<IvfIndex>>>(options, *this, query, options);
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
        SectionWriter coarse = writer.within("coarse");
        return coarse_.save(coarse);
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
        auto rows = StoredRows<C>::open(reader, std::move(codec));
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
        return IvfIndex(*std::move(rows), *std::move(partition), *std::move(coarse));
    }
    static Result<IvfIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }

private:
    IvfIndex(StoredRows<C> rows, Partition partition, Coarse coarse) noexcept
        : rows_(std::move(rows)), partition_(std::move(partition)), coarse_(std::move(coarse)) {}

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
    static Result<Coarse> build_coarse(const C& codec, const TrainedLists& centroids, const IvfParams& params,
                                       const BuildOptions& options) {
        auto of_coarse = coarse_codec(codec);
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
        scratch.query_block.reserve(std::max(codec().query_size(), coarse_.codec().query_size()) + 63);
        scratch.reserve_query(std::max(codec().query_size(), coarse_.codec().query_size()));
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
        const SearchOptions options{.k = count, .ef = coarse_width(count)};
        const Outcome outcome = coarse_.search(as_centroid(query, scratch.wide.data()), options, scratch);
        std::swap(scratch.lists, scratch.neighbors);
        return outcome.distances;
    }
    /// Looks at the nearest lists, or at all rows that pass where these are few.
    Outcome look(RowView query, const RowFilter* filter, std::size_t nprobe, const Deadline& deadline, TopK& found,
                 SearchScratch& scratch) const noexcept {
        Outcome outcome;
        if (filter != nullptr && scan_is_cheaper(*filter, nprobe)) {
            auto scorer = rows_.scorer(query, scratch);
            return rows_.scan(scorer, filter, deadline, found, scratch);
        }
        outcome.distances = find_lists(query, std::min(nprobe, partition_.lists()), scratch);
        auto scorer = rows_.scorer(query, scratch);
        scratch.probed.clear();
        for (const Neighbor& list : scratch.lists) {
            if (!outcome.complete) break;
            scan_list(static_cast<std::size_t>(list.id), scorer, filter, deadline, found, scratch, outcome);
        }
        outcome.exact = outcome.complete && scratch.lists.size() == partition_.lists();
        return outcome;
    }
    /// Looks at one further list after another, until it is `enough()`, which is asked after each.
    template <class Enough>
    void look_further(RowView query, const RowFilter* filter, const Deadline& deadline, TopK& found,
                      SearchScratch& scratch, Outcome& outcome, Enough&& enough) const noexcept {
        outcome.distances += find_lists(query, partition_.lists(), scratch);
        auto scorer = rows_.scorer(query, scratch);
        for (const Neighbor& list : scratch.lists) {
            if (!scan_list(static_cast<std::size_t>(list.id), scorer, filter, deadline, found, scratch, outcome))
                continue;
            if (!outcome.complete || enough()) return;
        }
        outcome.exact = scratch.lists.size() == partition_.lists();
    }
    /// False if it was looked at before.
    bool scan_list(std::size_t list, typename C::Scorer& scorer, const RowFilter* filter, const Deadline& deadline,
                   TopK& found, SearchScratch& scratch, Outcome& outcome) const noexcept {
        if (!scratch.probed.insert(static_cast<RowId>(list))) return false;
        const auto [first, last] = partition_.rows_of(list);
        rows_.scan(first, last, scorer, filter, deadline, found, scratch, outcome);
        ++outcome.hops;
        return true;
    }

    /// Among the rows of the lists that would be looked at as many would be tested for passing.
    [[nodiscard]] bool scan_is_cheaper(const RowFilter& filter, std::size_t nprobe) const noexcept {
        return static_cast<double>(filter.passing) * static_cast<double>(partition_.lists()) <=
               static_cast<double>(nprobe) * static_cast<double>(rows_.rows());
    }

    StoredRows<C> rows_;
    Partition partition_;
    Coarse coarse_;  // id l is the centroid of list l
};

template <Codec C, SearchIndex Coarse>
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
