// Rows in the blocks of a codec, and what it says of them.
#pragma once

#include <limits>
#include <utility>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/scorer.hpp>
#include <tonari/core/aligned.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"
#include "unit/codec/estimates.hpp"

namespace tonari::test {

/// Rows in blocks, relative to one origin.
template <BlockCodec C>
struct Coded {
    C codec;
    Origin origin;
    std::size_t rows;
    AlignedBuffer blocks;

    Coded(C c, const Rows& of, Origin o) : codec(std::move(c)), origin(o), rows(of.size()) {
        const std::size_t count = (rows + C::block_rows - 1) / C::block_rows;
        blocks = AlignedBuffer::allocate(count * codec.block_size()).value();
        auto encoder = codec.encoder();
        encoder.enter(origin);
        for (std::size_t i = 0; i < rows; ++i) {
            encoder.put(of.row(i), blocks.data() + i / C::block_rows * codec.block_size(), i % C::block_rows);
        }
    }
    /// Estimates and bounds of the rows [begin, end) whose bounds are below `bound`.
    void ask(RowView query, float deviations, std::size_t begin, std::size_t end, float bound, Survivors& out) const {
        auto prepared = AlignedBuffer::allocate(codec.query_size()).value();
        codec.prepare(query, prepared.data());
        auto scorer = codec.scorer();
        scorer.set_query(prepared.data());
        scorer.set_deviations(deviations);
        scorer.enter(origin);
        out.clear();
        scorer.scan(blocks.data(), codec.block_size(), begin, end, bound, out);
    }
    /// Of all rows.
    void ask(RowView query, float deviations, Survivors& out) const {
        ask(query, deviations, 0, rows, std::numeric_limits<float>::infinity(), out);
        REQUIRE(out.count == rows);
    }
};

}  // namespace tonari::test
