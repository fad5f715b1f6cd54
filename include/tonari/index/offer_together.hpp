// Rows of lists beside many queries at once: what `offer_block` (index/stored_rows.hpp) offers to each of them, the same rows at the
// same times.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>

#include <tonari/codec/query_panels.hpp>
#include <tonari/codec/scorer.hpp>
#include <tonari/core/collector.hpp>
#include <tonari/index/stored_rows.hpp>

namespace tonari {

/// A scorer whose estimates are made of kernels' distances, one by one.
template <class S>
concept PanelScorer = Scorer<S> && requires(const S scorer, float distance, float bound) {
    { scorer.query() } noexcept -> std::same_as<const std::byte*>;     // as the kernels take it
    { scorer.estimate_of(distance) } noexcept -> std::same_as<float>;  // of a kernel's distance
    { scorer.kernel_limit(bound) } noexcept -> std::same_as<float>;  // no estimate of one from it on is below the bound
};

/// The codes of a codec of such a scorer.
template <class C>
    requires PanelScorer<typename C::Scorer>
KernelRows panel_rows_of(const C& codec) noexcept {
    if constexpr (requires { codec.codes(); }) {
        return kernel_rows_of(codec.codes());
    } else {
        return kernel_rows_of(codec);
    }
}

/// Packs the queries of the scorers.
template <PanelScorer Scorer>
void pack_queries(QueryPanels& panels, std::span<Scorer* const> scorers) noexcept {
    std::array<const std::byte*, QueryPanels::width> queries{};
    for (std::size_t first = 0; first < scorers.size(); first += queries.size()) {
        const std::size_t count = std::min(queries.size(), scorers.size() - first);
        for (std::size_t q = 0; q < count; ++q) queries[q] = scorers[first + q]->query();
        panels.pack(first / queries.size(), {queries.data(), count});
    }
}

/// What is known of rows that are offered.
struct OfferedRows {
    bool each = false;  ///< all that are compared are offered, if they are near enough
    bool behind =
        false;  ///< they come in the order of their numbers, behind all that were offered: of equally near ones none enters
};

/// Offers rows to the queries that `panels` has packed, which are those of `scorers`. `codes` are a CodeBlock or some scattered codes, at
/// most as many as `panels` takes: the i-th is of row `row_of(i)`, or of `no_row`. `space` is scratch.
template <PanelScorer Scorer, class Codes, Collector Found, class RowOf>
void offer_together(QueryPanels& panels, std::span<Scorer* const> scorers, const Codes& codes, OfferedRows rows,
                    std::span<Found> found, Survivors& space, const RowOf& row_of) noexcept {
    constexpr std::size_t width = QueryPanels::width;
    panels.take(codes);
    for (std::size_t first = 0; first < scorers.size(); first += width) {
        const std::size_t count = std::min(width, scorers.size() - first);
        std::array<float, width> bounds{};
        QueryPanels::Limits limits;
        limits.fill(-std::numeric_limits<float>::infinity());
        const auto ask = [&](std::size_t q) {
            const Scorer& scorer = *scorers[first + q];
            bounds[q] = found[first + q].bound();
            if (Scorer::bounded || !rows.behind) bounds[q] = beyond(bounds[q]);
            if constexpr (Scorer::bounded) bounds[q] = scorer.raised(bounds[q]);
            return scorer.kernel_limit(bounds[q]);
        };
        for (std::size_t q = 0; q < count; ++q) {
            if (takes_all(found[first + q])) {  // by itself it knows how not to queue all of them
                offer_block(*scorers[first + q], codes, rows.each, found[first + q], space, row_of);
            } else {
                limits[q] = ask(q);
            }
        }
        panels.compare(first / width, limits, [&](std::size_t q, std::size_t i, float distance) {
            const Scorer& scorer = *scorers[first + q];
            const float estimate = scorer.estimate_of(distance);
            const RowId row = estimate < bounds[q] ? row_of(i) : no_row;
            if (row == no_row) return limits[q];
            if constexpr (Scorer::bounded) {
                found[first + q].offer(row, estimate, scorer.lower(estimate));
                return limits[q];  // what is offered meets the bound that there was before these rows
            } else {
                found[first + q].offer(row, estimate, estimate);
                return ask(q);
            }
        });
        if constexpr (requires { found[0].flush(); }) {
            for (std::size_t q = 0; q < count; ++q) found[first + q].flush();
        }
    }
}

}  // namespace tonari
