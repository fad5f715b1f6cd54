// Exact search: every row is compared. Rows lie in the order of their ids, so equal distances come in id order.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/index/block_rows.hpp>
#include <tonari/index/build_options.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/exact_batch.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/index/scan_source.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

template <ScannedCodec C>
class FlatIndex {
public:
    static constexpr IndexKind kind = IndexKind::flat;
    using Scratch = SearchScratch;

    /// Copies `rows`. Ids were checked (`check_ids`), rows too (`check_finite`).
    static Result<FlatIndex> build(C codec, MatrixView rows, std::span<const Id> ids, const BuildOptions& options) {
        const std::vector<RowId> order = by_id(rows.rows(), ids);
        auto stored = [&] {
            if constexpr (BlockCodec<C>) {
                return BlockRows<C>::encode(std::move(codec), rows, order, order, ids, options.threads,
                                            [](std::size_t) { return Origin{}; });
            } else {
                return StoredRows<C>::encode(std::move(codec), rows, order, ids, options.threads);
            }
        }();
        if (!stored) return std::move(stored).error();
        if (options.progress) options.progress(rows.rows(), rows.rows());
        return FlatIndex(*std::move(stored));
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.ids().size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.codec().dim(); }
    [[nodiscard]] const C& codec() const noexcept { return rows_.codec(); }
    [[nodiscard]] const IdMap& ids() const noexcept { return rows_.ids(); }
    [[nodiscard]] const RowsOf<C>& rows() const noexcept { return rows_; }

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
        const Outcome outcome = find(query, options, scratch.nearest, scratch);
        rows_.answer(scratch.nearest.sort(), k, options.filter, scratch.neighbors);
        return outcome;
    }
    /// All rows that pass, offered to any collector.
    template <class Options, Collector Found>
    Outcome find(RowView query, const Options& options, Found& found, SearchScratch& scratch) const noexcept {
        auto scorer = rows_.scorer(query, scratch);
        if constexpr (requires { scorer.set_deviations(options.refine); }) scorer.set_deviations(options.refine);
        return rows_.scan(scorer, options.filter, options.deadline, found, scratch);
    }

    Status reserve(const RangeOptions& options, SearchScratch& scratch) const {
        return reserve(SearchOptions{.k = std::min(options.cap, size()) + 1}, scratch);
    }
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept {
        const std::size_t cap = std::min(options.cap, size());
        scratch.nearest.reset(cap + 1, options.radius);  // one more, to know whether the cap cut
        Outcome outcome = find(query, options, scratch.nearest, scratch);
        outcome.truncated = rows_.answer(scratch.nearest.sort(), cap, options.filter, scratch.neighbors);
        return outcome;
    }

    /// The first batch compares every row; from then on only their order is asked.
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(RowView query, const CursorOptions& options) const {
        return cursor(rows_, query, options);
    }
    /// The same over `rows`, other codes of the rows in the same places.
    template <class Rows>
    [[nodiscard]] std::unique_ptr<CursorModel> cursor(const Rows& rows, RowView query,
                                                      const CursorOptions& options) const {
        return scan_cursor(rows, query, options);
    }

    /// Whether so many queries are faster asked together.
    template <class Codes = C>  // a template: clang before 16 instantiates a constrained member with its class
        requires requires(const Codes codec) { codec.erased(); }
    [[nodiscard]] bool has_batch(std::size_t queries, const SearchOptions& /*options*/) const noexcept {
        return suits_exact_batch(exact_rows_of(rows_), queries);
    }
    /// Many queries at once, through register-blocked products (index/exact_batch.hpp). Queries were checked.
    template <class Codes = C>
        requires requires(const Codes codec) { codec.erased(); }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const {
        return exact_batch(rows_, queries, options, out);
    }

    /// The same in memory of its own, whatever file it lies in.
    template <class Rows = RowsOf<C>>  // a template: clang before 16 instantiates a constrained member with its class
        requires requires(const Rows rows) { rows.in_memory(); }
    [[nodiscard]] Result<FlatIndex> in_memory() const {
        auto rows = rows_.in_memory();
        if (!rows) return std::move(rows).error();
        return FlatIndex(*std::move(rows));
    }

    Status save(SectionWriter& writer) const { return rows_.save(writer); }
    static Result<FlatIndex> open(const SectionReader& reader) {
        auto codec = C::open(reader);
        if (!codec) return std::move(codec).error();
        return open(reader, *std::move(codec));
    }
    static Result<FlatIndex> open(const SectionReader& reader, C codec) {
        auto rows = RowsOf<C>::open(reader, std::move(codec));
        if (!rows) return std::move(rows).error();
        if (!rows->ids().one_each()) {  // batches and single searches would answer differently
            return reader.corrupt("id_map", "expected one id for each row of Flat, got offsets that share " +
                                                std::to_string(rows->ids().size()) + " ids among " +
                                                std::to_string(rows->rows()) + " rows");
        }
        return FlatIndex(*std::move(rows));
    }

private:
    explicit FlatIndex(RowsOf<C> rows) noexcept : rows_(std::move(rows)) {}

    RowsOf<C> rows_;
};

}  // namespace tonari
