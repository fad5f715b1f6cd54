// Which lists are nearest to a query. Their centroids are an index of their own, the coarse one, whose ids are the numbers of
// the lists: Flat, or a graph where there are many. Where all are compared, it is by 8-bit codes first.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tonari/index/build_options.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/cursor_model.hpp>
#include <tonari/index/rough_centroids.hpp>
#include <tonari/index/search_scratch.hpp>
#include <tonari/index/train_lists.hpp>
#include <tonari/lists/second_list.hpp>
#include <tonari/simd/kernels.hpp>

namespace tonari {

template <SearchIndex Coarse>
class CoarseLists {
public:
    /// `of_rows` is their codec, or what is known before there is one.
    template <class OfRows>
    static Result<CoarseLists> build(const OfRows& of_rows, const TrainedLists& centroids, const IvfParams& params,
                                     const BuildOptions& options) {
        auto codec = coarse_codec(of_rows);
        if (!codec) return std::move(codec).error();
        if constexpr (compares_all) {
            auto index = Coarse::build(*std::move(codec), centroids.view(), {}, options);
            if (!index) return std::move(index).error();
            auto rough = RoughCentroids{};
            if constexpr (requires { index->codec().erased(); }) {
                auto made = RoughCentroids::make(centroids.view(), index->codec().erased(),
                                                 index->rows().codes().data(), options.seed);
                if (!made) return std::move(made).error();
                rough = *std::move(made);
            }
            return CoarseLists(*std::move(index), std::move(rough));
        } else {
            auto index = Coarse::build(*std::move(codec), centroids.view(), {}, params.coarse_links, options);
            if (!index) return std::move(index).error();
            return CoarseLists(*std::move(index), {});
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
    [[nodiscard]] const Coarse& index() const noexcept { return index_; }
    [[nodiscard]] const RoughCentroids& rough() const noexcept { return rough_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        std::size_t bytes = index_.rows().codes().size() + index_.ids().bytes() + rough_.bytes();
        if constexpr (requires { index_.layers(); }) bytes += index_.layers().bytes();
        return bytes;
    }

    /// The centroids as values, by list: `size()` x `index().dim()`. Throws bad_alloc.
    [[nodiscard]] std::vector<float> centroids() const {
        const std::size_t dim = index_.dim();
        std::vector<float> values(size() * dim);
        const IdMap& ids = index_.ids();
        for (RowId row = 0; row < ids.rows(); ++row) {
            const std::span<const std::byte> code(index_.rows().code(row), index_.codec().code_size());
            const auto [first, last] = ids.slots(row);  // a graph has equal centroids once
            for (std::size_t slot = first; slot < last; ++slot) {
                index_.codec().decode(code, {},
                                      std::span(values).subspan(static_cast<std::size_t>(ids.id(slot)) * dim, dim));
            }
        }
        return values;
    }

    /// The list of each row: by products with all centroids where these are compared and have such, and where that takes no longer than
    /// searches of a graph, else by searches. The same for any number of threads.
    Status assign(MatrixView rows, const TrainedLists& centroids, std::span<RowId> list_of, const Threads& threads,
                  const ProgressFunction& progress) const {
        if (compares_all || size() <= most_by_products) {
            auto known = assign_by_products(rows, index_.codec().metric_kind(), centroids, list_of, threads, progress);
            if (!known) return std::move(known).error();
            if (*known) return {};
        }
        if (!centroids.prices.empty()) return assign_by_prices(rows, centroids, list_of, threads, progress);
        return assign_by_searches(rows, list_of, threads, progress);
    }

    /// A second list for each row, which is not its first (lists/second_list.hpp), from the lists nearest to it. There are at
    /// least two. The same for any number of threads.
    Status assign_again(MatrixView rows, const TrainedLists& centroids, std::span<const RowId> first,
                        std::span<RowId> second, const Threads& threads, const ProgressFunction& progress) const {
        const std::size_t count = std::min(size(), SecondList::candidates + 1);  // the first may be among them
        const bool by_direction = index_.codec().metric_kind() != MetricKind::l2;
        std::vector<SearchScratch> scratches(resolve_threads(threads));
        for (SearchScratch& scratch : scratches) {
            reserve(scratch);
            scratch.reserve_query(query_size());
        }
        std::vector<SecondList> choices(scratches.size(), SecondList(centroids.view(), by_direction, centroids.prices));
        for_each_as_centroid(rows, threads, progress, [&](std::size_t row, RowView query, unsigned worker) {
            find(query, count, scratches[worker]);
            second[row] =
                choices[worker].choose(static_cast<const float*>(query.data()), first[row], scratches[worker].lists);
        });
        return {};
    }

    /// Bytes that `find` prepares queries in.
    [[nodiscard]] std::size_t query_size() const noexcept {
        return std::max(index_.codec().query_size(), rough_.query_size());
    }
    /// For any number of lists; the room for queries is left to whoever shares it.
    void reserve(SearchScratch& scratch) const {
        static_cast<void>(index_.reserve(SearchOptions{.k = size(), .ef = size()}, scratch).ok());  // nothing to refuse
        if (compares_all) scratch.nearest_lists.reserve(size());
        scratch.lists.reserve(size());
        scratch.neighbors.reserve(size());
        scratch.wide.resize(index_.dim());
    }

    /// The `count` nearest, at most all, into `scratch.lists`, nearest first. How many distances that took.
    std::uint32_t find(RowView query, std::size_t count, SearchScratch& scratch) const noexcept {
        const RowView seen = as_centroid(query, scratch.wide.data());
        if constexpr (compares_all) {
            return roughly(count) ? find_roughly(seen, count, scratch) : compare_all(seen, count, scratch);
        } else {
            const Outcome outcome = index_.search(seen, {.k = count, .ef = coarse_width(count)}, scratch);
            std::swap(scratch.lists, scratch.neighbors);
            return outcome.distances;
        }
    }
    /// Whether several queries are ranked faster together.
    [[nodiscard]] bool ranks_together(std::size_t count) const noexcept {
        return compares_all && roughly(count) && rough_.has_panels();
    }
    /// The same for several queries `as_centroid`, at most `RoughCentroids::Panel::most`, where they are: `take(q, how many
    /// distances it took)` finds the lists of query q in `scratch.lists`. `panel` is `rough().panel()`.
    template <class Take>
    void find_together(std::span<const RowView> queries, std::size_t count, RoughCentroids::Panel& panel,
                       SearchScratch& scratch, Take&& take) const noexcept {
        if constexpr (compares_all) {
            rough_.measure(queries, panel);
            for (std::size_t q = 0; q < queries.size(); ++q) {
                std::copy_n(panel.distances(q), size(), scratch.nearest_lists.distances());
                take(q, compare_named(queries[q], count, scratch));
            }
        }
    }
    /// A query as the centroids are stored: float32 or bits. `wide` has room for its values.
    RowView as_centroid(RowView query, float* wide) const noexcept {
        if (query.element() == index_.codec().element()) return query;
        simd::kernels().to_float32[static_cast<std::size_t>(query.element()) - 1](query.data(), wide, query.dim());
        return {wide, Element::float32, query.dim()};
    }
    /// Lists, nearest first, as many as are asked for.
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, std::size_t ef) const {
        std::vector<float> wide(index_.dim());
        return index_.cursor(as_centroid(query, wide.data()), {.ef = ef});
    }

    /// The same in memory of its own, whatever file it lies in. O(lists).
    [[nodiscard]] Result<CoarseLists> in_memory() const {
        auto index = index_.in_memory();
        if (!index) return std::move(index).error();
        auto rough = rough_.in_memory();
        if (!rough) return std::move(rough).error();
        return CoarseLists(*std::move(index), *std::move(rough));
    }

    Status save(SectionWriter& writer) const {
        if (Status s = index_.save(writer); !s) return s;
        SectionWriter rough = writer.within("rough");
        return rough_.save(rough);
    }
    /// For `lists` lists of rows that are stored by `codec`. O(lists).
    template <class OfRows>
    static Result<CoarseLists> open(const SectionReader& reader, const OfRows& of_rows, std::size_t lists) {
        const auto expected = coarse_codec(of_rows);
        if (!expected) return expected.error();
        auto codec = std::remove_cvref_t<decltype(*expected)>::open(reader, of_rows.metric());
        if (!codec) return std::move(codec).error();
        if (codec->dim() != expected->dim() || codec->element() != expected->element() ||
            codec->metric_kind() != expected->metric_kind()) {
            return reader.corrupt("codec", "expected centroids of the rows' dimensions and metric, got others");
        }
        auto index = Coarse::open(reader, *std::move(codec));
        if (!index) return std::move(index).error();
        if (!names_each_list(index->ids(), lists)) {
            return reader.corrupt("ids", "expected a centroid for each of " + std::to_string(lists) + " lists, got " +
                                             std::to_string(index->size()) + " for some of them");
        }
        if constexpr (compares_all) {
            auto rough =
                RoughCentroids::open(reader.within("rough"), lists, index->dim(), index->codec().metric_kind());
            if (!rough) return std::move(rough).error();
            return CoarseLists(*std::move(index), *std::move(rough));
        } else {
            return CoarseLists(*std::move(index), {});
        }
    }

private:
    CoarseLists(Coarse index, RoughCentroids rough) noexcept : index_(std::move(index)), rough_(std::move(rough)) {}

    static constexpr bool compares_all = Coarse::kind == IndexKind::flat;
    static constexpr std::size_t most_by_products = 8192;  // lists, where a graph could be asked for a row's
    /// How wide a graph is searched for it. Of 200 rows of generated data one then lies in a list that is not quite the nearest, and it takes
    /// 0.6 of the time that the width of a search would.
    static constexpr std::size_t assigning_width = 32;

    [[nodiscard]] bool roughly(std::size_t count) const noexcept {
        return !rough_.empty() && RoughCentroids::candidates(count) < size();
    }

    /// A search goes where these ids say.
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

    std::uint32_t compare_all(RowView query, std::size_t count, SearchScratch& scratch) const noexcept {
        auto scorer = index_.rows().scorer(query, scratch);
        scorer.distances(CodeBlock{index_.rows().code(0), index_.codec().code_size(), size()},
                         scratch.nearest_lists.distances());
        scratch.lists.clear();
        for (const OrderedKey key : scratch.nearest_lists.select(size(), count)) {
            scratch.lists.push_back({index_.ids().id(row_of(key)), distance_of(key)});
        }
        return static_cast<std::uint32_t>(size());
    }
    /// The same, of the centroids that rounded ones name.
    std::uint32_t find_roughly(RowView query, std::size_t count, SearchScratch& scratch) const noexcept {
        rough_.measure(query, scratch.query(), scratch.nearest_lists.distances());
        return compare_named(query, count, scratch);
    }
    /// Of the centroids whose rounded distances stand in `scratch.nearest_lists`.
    std::uint32_t compare_named(RowView query, std::size_t count, SearchScratch& scratch) const noexcept {
        const auto candidates = scratch.nearest_lists.choose(size(), RoughCentroids::candidates(count));
        auto scorer = index_.rows().scorer(query, scratch);
        std::array<const std::byte*, 64> codes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
        std::array<float, 64> distances;         // NOLINT(cppcoreguidelines-pro-type-member-init)
        scratch.lists.clear();
        for (std::size_t first = 0; first < candidates.size(); first += codes.size()) {
            const auto some = candidates.subspan(first, std::min(codes.size(), candidates.size() - first));
            for (std::size_t i = 0; i < some.size(); ++i) codes[i] = index_.rows().code(row_of(some[i]));
            scorer.distances({codes.data(), some.size()}, distances.data());
            for (std::size_t i = 0; i < some.size(); ++i) {
                scratch.lists.push_back({index_.ids().id(row_of(some[i])), distances[i]});
            }
        }
        const auto last = scratch.lists.begin() + static_cast<std::ptrdiff_t>(count);
        std::partial_sort(scratch.lists.begin(), last, scratch.lists.end(),
                          [](const Neighbor& a, const Neighbor& b) { return nearer(a, b); });
        scratch.lists.erase(last, scratch.lists.end());
        return static_cast<std::uint32_t>(size() + candidates.size());
    }

    /// Of the nearest lists the one whose squared distance and price are least; rows are taken at length 1 but under L2.
    Status assign_by_prices(MatrixView rows, const TrainedLists& centroids, std::span<RowId> list_of,
                            const Threads& threads, const ProgressFunction& progress) const {
        constexpr std::size_t compared = 64;
        const MetricKind metric = index_.codec().metric_kind();
        std::vector<SearchScratch> scratches(resolve_threads(threads));
        for (SearchScratch& scratch : scratches) {
            reserve(scratch);
            scratch.reserve_query(query_size());
        }
        for_each_as_centroid(rows, threads, progress, [&](std::size_t row, RowView query, unsigned worker) {
            SearchScratch& scratch = scratches[worker];
            find(query, std::min(size(), compared), scratch);
            float scale = metric == MetricKind::l2 ? 1 : 2;  // |a - b|^2 = 2 - 2 <a, b>
            if (metric == MetricKind::inner_product) {
                const float square = simd::kernels().squared_norm[0](query.data(), query.dim());
                scale = square > 0 ? 2 / std::sqrt(square) : 0;
            }
            const auto sum = [&](const Neighbor& list) {
                return scale * list.distance + centroids.prices[static_cast<std::size_t>(list.id)];
            };
            const auto least = std::min_element(scratch.lists.begin(), scratch.lists.end(),
                                                [&](const Neighbor& a, const Neighbor& b) { return sum(a) < sum(b); });
            list_of[row] = static_cast<RowId>(least->id);
        });
        return {};
    }
    Status assign_by_searches(MatrixView rows, std::span<RowId> list_of, const Threads& threads,
                              const ProgressFunction& progress) const {
        std::vector<SearchScratch> scratches(resolve_threads(threads));
        for (SearchScratch& scratch : scratches) {
            if (Status s = index_.reserve(SearchOptions{.k = 1, .ef = assigning_width}, scratch); !s) return s;
        }
        for_each_as_centroid(rows, threads, progress, [&](std::size_t row, RowView query, unsigned worker) {
            index_.search(query, {.k = 1, .ef = assigning_width}, scratches[worker]);
            list_of[row] = static_cast<RowId>(scratches[worker].neighbors[0].id);
        });
        return {};
    }

    /// Calls `body(row, the row as centroids are stored, worker)` for each row, in any order.
    template <class Body>
    void for_each_as_centroid(MatrixView rows, const Threads& threads, const ProgressFunction& progress,
                              const Body& body) const {
        constexpr std::size_t slice = 16384;  // rows widened at a time
        const bool widen = rows.element() != index_.codec().element();
        std::vector<float> wide(widen ? std::min(slice, rows.rows()) * rows.dim() : 0);
        for (std::size_t start = 0; start < rows.rows(); start += slice) {
            const std::size_t count = std::min(slice, rows.rows() - start);
            MatrixView some = rows.slice(start, count);
            if (widen) {
                const auto convert = simd::kernels().to_float32[static_cast<std::size_t>(rows.element()) - 1];
                parallel_for(threads, count, 256, [&](std::size_t first, std::size_t last, unsigned) {
                    for (std::size_t i = first; i < last; ++i) {
                        convert(some.row(i).data(), wide.data() + i * rows.dim(), rows.dim());
                    }
                });
                some = MatrixView(wide.data(), count, rows.dim());
            }
            parallel_for(threads, count, 64, [&](std::size_t first, std::size_t last, unsigned worker) {
                for (std::size_t i = first; i < last; ++i) body(start + i, some.row(i), worker);
            });
            if (progress) progress(start + count, rows.rows());
        }
    }

    Coarse index_;          // id l is the centroid of list l
    RoughCentroids rough_;  // in the places of `index_`
};

}  // namespace tonari
