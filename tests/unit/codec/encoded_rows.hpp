// Codes that have bytes of their own, one behind another, and what must be true of all of them.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include <tonari/core/aligned.hpp>

#include "support/catch.hpp"
#include "unit/codec/estimates.hpp"

namespace tonari::test {

/// Rows one behind another, relative to one origin.
template <class C>
struct EncodedRows {
    C codec;
    Origin origin;
    std::size_t rows;
    std::vector<std::byte> codes;

    EncodedRows(C c, const Rows& of, Origin o)
        : codec(std::move(c)), origin(o), rows(of.size()), codes(rows * codec.code_size(), std::byte{0xee}) {
        for (std::size_t i = 0; i < rows; ++i) codec.encode(of.row(i), origin, code(i));
    }
    std::span<std::byte> code(std::size_t i) {
        return std::span(codes).subspan(i * codec.code_size(), codec.code_size());
    }
    [[nodiscard]] CodeBlock block() const { return {codes.data(), codec.code_size(), rows}; }
    /// Estimates and bounds of all rows.
    void ask(RowView query, float deviations, Survivors& out) const {
        auto prepared = AlignedBuffer::allocate(codec.query_size()).value();
        codec.prepare(query, prepared.data());
        auto scorer = codec.scorer();
        scorer.set_query(prepared.data());
        scorer.set_deviations(deviations);
        scorer.enter(origin);
        out.clear();
        scorer.scan(block(), std::numeric_limits<float>::infinity(), out);
        REQUIRE(out.count == rows);
    }
};

/// How often a row is said to be elsewhere when it is gathered, scanned or asked for alone, or comes below a bound though it is
/// not, or does not though it is.
template <class C>
std::size_t said_differently(const EncodedRows<C>& coded, const Rows& queries) {
    std::vector<const std::byte*> pointers;
    for (std::size_t i = 0; i < coded.rows; ++i) pointers.push_back(coded.codes.data() + i * coded.codec.code_size());
    auto prepared = AlignedBuffer::allocate(coded.codec.query_size()).value();
    auto scorer = coded.codec.scorer();
    auto all = std::make_unique<Survivors>();
    std::vector<float> gathered(coded.rows);
    std::vector<float> scanned(coded.rows);
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        coded.ask(queries.row(q), 3, *all);
        coded.codec.prepare(queries.row(q), prepared.data());
        scorer.set_query(prepared.data());
        scorer.distances(std::span<const std::byte* const>(pointers), gathered.data());
        scorer.distances(coded.block(), scanned.data());
        std::vector<float> deciding(all->lower.begin(), all->lower.begin() + coded.rows);
        std::nth_element(deciding.begin(), deciding.begin() + coded.rows / 2, deciding.end());
        const float bound = deciding[coded.rows / 2];
        auto some = std::make_unique<Survivors>();
        scorer.gather(pointers, bound, *some);
        std::size_t next = 0;
        for (std::size_t i = 0; i < coded.rows; ++i) {
            float alone = 0;
            scorer.distances({&pointers[i], 1}, &alone);
            wrong += alone == gathered[i] && alone == scanned[i] && alone == all->estimate[i] ? 0 : 1;
            const bool emitted = next < some->count && some->index[next] == i;
            if (emitted) wrong += some->estimate[next] == alone && some->lower[next] == all->lower[i] ? 0 : 1;
            wrong += all->lower[i] < bound && !emitted ? 1 : 0;  // one that rounding may have moved may come, too
            next += emitted ? 1 : 0;
        }
        wrong += next == some->count && next < coded.rows * 3 / 4 ? 0 : 1;
    }
    return wrong;
}

}  // namespace tonari::test
