// What the queries of a batch over lists keep where finer codes rank rows (index/ivf_batch.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tonari/core/top_k.hpp>
#include <tonari/index/prepared_queries.hpp>
#include <tonari/index/refining_collector.hpp>
#include <tonari/index/rough_centroids.hpp>
#include <tonari/index/row_map.hpp>
#include <tonari/index/search_options.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// Of the queries of a group. `Index` is a Refined, or has as much of one as is used here.
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

}  // namespace tonari
