// Codes that lie in blocks of rows, and whose they are: what StoredRows is where every row has bytes of its own.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

template <BlockCodec C>
class BlockRows {
public:
    using Scorer = typename C::Scorer;

    /// Encodes: row i is `rows.row(order[i])`, relative to `origin_of(i)`. Any number of threads gives the same bytes.
    template <class OriginOf>
    static Result<BlockRows> encode(C codec, MatrixView rows, std::span<const RowId> order, std::span<const Id> ids,
                                    const Threads& threads, OriginOf&& origin_of) {
        const std::size_t blocks = blocks_of(order.size());
        auto codes = AlignedBuffer::allocate(blocks * codec.block_size());
        if (!codes) return std::move(codes).error();
        std::vector<typename C::Encoder> encoders(resolve_threads(threads), codec.encoder());
        parallel_for(threads, blocks, 32, [&](std::size_t first, std::size_t last, unsigned worker) {
            typename C::Encoder& encoder = encoders[worker];
            const float* entered = nullptr;
            const std::size_t end = std::min(last * C::block_rows, order.size());
            std::memset(codes->data() + first * codec.block_size(), 0, (last - first) * codec.block_size());
            for (std::size_t row = first * C::block_rows; row < end; ++row) {
                const Origin origin = origin_of(row);
                if (row == first * C::block_rows || origin.centroid != entered) encoder.enter(origin);
                entered = origin.centroid;
                encoder.put(rows.row(order[row]), codes->data() + row / C::block_rows * codec.block_size(),
                            row % C::block_rows);
            }
        });
        auto map = ids_in_order(order, ids);
        if (!map) return std::move(map).error();
        return BlockRows(std::move(codec), std::move(*codes).freeze(), *std::move(map));
    }

    [[nodiscard]] const C& codec() const noexcept { return codec_; }
    [[nodiscard]] const IdMap& ids() const noexcept { return ids_; }
    [[nodiscard]] const Bytes& codes() const noexcept { return codes_; }
    [[nodiscard]] std::size_t rows() const noexcept { return ids_.rows(); }

    [[nodiscard]] Scorer scorer(RowView query, SearchScratch& scratch) const noexcept {
        codec_.prepare(query, scratch.query());
        Scorer scorer = codec_.scorer();
        scorer.set_query(scratch.query());
        return scorer;
    }

    bool answer(std::span<const OrderedKey> rows, std::size_t k, const RowFilter* filter,
                std::vector<Neighbor>& out) const noexcept {
        return answer_ids(ids_, rows, k, filter, out);
    }
    template <class Visit>
    void for_each_id(RowId row, const RowFilter* filter, Visit&& visit) const noexcept {
        visit_ids(ids_, row, filter, visit);
    }

    /// Asks for the first lines of the rows [first, last), which are to be scanned soon: what comes behind them the machine
    /// asks for by itself.
    void prefetch(std::size_t first, std::size_t last) const noexcept {
        if (first == last) return;
        simd::prefetch(codes_.data() + first / C::block_rows * codec_.block_size(),
                       (last - first + C::block_rows) / C::block_rows * codec_.block_size(), 16);
    }

    /// Compares all rows (those that pass `filter`), which are all relative to what `scorer` has entered.
    template <Collector Found>
    Outcome scan(Scorer& scorer, const RowFilter* filter, const Deadline& deadline, Found& found,
                 SearchScratch& scratch) const noexcept {
        Outcome outcome;
        scan(0, rows(), scorer, filter, deadline, found, scratch, outcome);
        return outcome;
    }
    /// Compares the rows [first, last), which are all relative to what `scorer` has entered, and offers those that pass
    /// `filter`. Adds to `outcome`; one that is not complete ends it. Returns the row to go on with.
    template <Collector Found>
    std::size_t scan(std::size_t first, std::size_t last, Scorer& scorer, const RowFilter* filter,
                     const Deadline& deadline, Found& found, SearchScratch& scratch, Outcome& outcome) const noexcept {
        Survivors& survivors = scratch.expansion.survivors;
        while (first < last && outcome.complete) {
            const std::size_t end = std::min(last, first / C::block_rows * C::block_rows + max_batch / 2);
            if (filter == nullptr || filter->rows.any(first, end)) {
                survivors.clear();
                scorer.scan(codes_.data(), codec_.block_size(), first, end, beyond(found.bound()), survivors);
                for (std::size_t i = 0; i < survivors.count; ++i) {
                    const auto row = static_cast<RowId>(first + survivors.index[i]);
                    if (filter != nullptr && !filter->rows.test(row)) continue;
                    found.offer(row, survivors.estimate[i], survivors.lower[i]);
                }
                if constexpr (requires { found.flush(); }) found.flush();
                outcome.distances += static_cast<std::uint32_t>(end - first);
            }
            first = end;
            outcome.complete = !deadline.expired();
        }
        return first;
    }

    Status save(SectionWriter& writer) const {
        if (Status s = codec_.save(writer); !s) return s;
        if (Status s = ids_.save(writer); !s) return s;
        return writer.add("codes", 1, codes_.span());
    }
    /// `codec` was opened from the same sections.
    static Result<BlockRows> open(const SectionReader& reader, C codec) {
        auto ids = IdMap::open(reader);
        if (!ids) return std::move(ids).error();
        auto codes = reader.array<std::byte>("codes", std::uint64_t{blocks_of(ids->rows())} * codec.block_size());
        if (!codes) return std::move(codes).error();
        return BlockRows(std::move(codec), *std::move(codes), *std::move(ids));
    }

private:
    BlockRows(C codec, Bytes codes, IdMap ids) noexcept
        : codec_(std::move(codec)), codes_(std::move(codes)), ids_(std::move(ids)) {}

    static std::size_t blocks_of(std::size_t rows) noexcept { return (rows + C::block_rows - 1) / C::block_rows; }

    C codec_;
    Bytes codes_;
    IdMap ids_;
};

namespace detail {
template <class C>
struct RowsOf {
    using type = StoredRows<C>;
};
template <BlockCodec C>
struct RowsOf<C> {
    using type = BlockRows<C>;
};
}  // namespace detail

/// How an index keeps the codes of a codec.
template <class C>
using RowsOf = typename detail::RowsOf<C>::type;

/// What flat indexes and inverted lists can hold.
template <class C>
concept ScannedCodec = Codec<C> || BlockCodec<C>;

}  // namespace tonari
