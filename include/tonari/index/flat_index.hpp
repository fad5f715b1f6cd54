// Exact search: every row is compared. Rows lie in the order of their ids, so equal distances come in id order.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/codec/scaled_scorer.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/index/scan_source.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

template <Codec C>
class FlatIndex {
public:
    static constexpr IndexKind kind = IndexKind::flat;
    using Scratch = SearchScratch;

    /// Copies `rows`. Ids were checked (`check_ids`), rows too (`check_finite`).
    static Result<FlatIndex> build(C codec, MatrixView rows, std::span<const Id> ids, const BuildOptions& options) {
        std::vector<RowId> order(rows.rows());
        std::iota(order.begin(), order.end(), RowId{0});
        if (!std::is_sorted(ids.begin(), ids.end())) {
            std::sort(order.begin(), order.end(), [&](RowId a, RowId b) { return ids[a] < ids[b]; });
        }
        const std::size_t code_size = codec.code_size();
        auto codes = AlignedBuffer::allocate(rows.rows() * code_size);
        if (!codes) return std::move(codes).error();
        parallel_for(options.threads, rows.rows(), 1024, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t i = first; i < last; ++i) {
                codec.encode(rows.row(order[i]), {}, codes->span().subspan(i * code_size, code_size));
            }
        });
        std::vector<Id> sorted(rows.rows());
        for (std::size_t i = 0; i < sorted.size(); ++i) sorted[i] = ids.empty() ? static_cast<Id>(i) : ids[order[i]];
        auto map = IdMap::create(sorted, {});
        if (!map) return std::move(map).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return FlatIndex(StoredRows<C>(std::move(codec), std::move(*codes).freeze(), *std::move(map)));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const StoredRows<C>& rows() const noexcept { return rows_; }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const {
        const std::size_t k = std::min(options.k, size() + 1);
        scratch.reserve_query(codec().query_size());
        scratch.nearest.reset(k);
        scratch.neighbors.reserve(k);
        return {};
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t k = std::min(options.k, size());
        scratch.nearest.reset(k);
        auto scorer = rows_.scorer(query, scratch);
        const Outcome outcome = rows_.scan(scorer, options.filter, options.deadline, scratch.nearest, scratch);
        rows_.answer(scratch.nearest.sort(), k, options.filter, scratch.neighbors);
        return outcome;
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        return reserve(SearchOptions{.k = std::min(options.cap, size()) + 1}, scratch);
    }
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        scratch.nearest.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        auto scorer = rows_.scorer(query, scratch);
        Outcome outcome = rows_.scan(scorer, options.filter, options.deadline, scratch.nearest, scratch);
        outcome.truncated = rows_.answer(scratch.nearest.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }

    /// The first batch compares every row; from then on only their order is asked.
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        return scan_cursor(rows_, query, options);
    }

    /// Many queries at once, through register-blocked products (index/exact_batch.hpp). Queries were checked.
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const
        requires requires(const C codec) { codec.erased(); }
    {
        const Element element = codec().erased().element();
        ExactRows rows{codec().metric_kind(), element, dim(), rows_.codes().data(), codec().code_size(), rows_.rows(),
                       codec().query_size()};
        if constexpr (std::same_as<typename C::Scorer, ScaledScorer>) rows.factor_at = codec().code_size();
        return exact_batch(
            rows, ids(), queries, [&](RowView query, std::byte* to) { codec().prepare(query, to); }, options, out);
    }

    Status save(SectionWriter& writer) const { return rows_.save(writer); }
    static Result<FlatIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }
    static Result<FlatIndex> open(const SectionReader& reader, C codec) {
        auto rows = StoredRows<C>::open(reader, std::move(codec));
        if (!rows) return std::move(rows).error();
        if (!rows->ids().one_each()) {  // batches and single searches would answer differently
            return reader.corrupt("id_map", "expected one id for each row of Flat, got offsets that share " +
                                                std::to_string(rows->ids().size()) + " ids among " +
                                                std::to_string(rows->rows()) + " rows");
        }
        return FlatIndex(*std::move(rows));
    }

private:
    explicit FlatIndex(StoredRows<C> rows) noexcept : rows_(std::move(rows)) {}
    StoredRows<C> rows_;
};

}  // namespace tonari
