// Rows whose codes lie in blocks, several in one another's bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/index/stored_rows.hpp>
#include <tonari/simd/prefetch.hpp>

namespace tonari {

template <BlockCodec C>
class BlockRows : public CodedRows<C> {
public:
    using Scorer = typename C::Scorer;
    using CodedRows<C>::rows;

    /// Encodes: the code at place i is of `rows.row(places[i])`, relative to `origin_of(i)`; row i is `rows.row(order[i])`.
    /// These are the same unless rows stand at several places. Any number of threads gives the same bytes.
    template <class OriginOf>
    static Result<BlockRows> encode(C codec, MatrixView rows, std::span<const RowId> places,
                                    std::span<const RowId> order, std::span<const Id> ids, const Threads& threads,
                                    OriginOf&& origin_of) {
        const std::size_t blocks = blocks_of(places.size());
        auto codes = AlignedBuffer::allocate(blocks * codec.block_size());
        if (!codes) return std::move(codes).error();
        std::vector<typename C::Encoder> encoders(resolve_threads(threads), codec.encoder());
        parallel_for(threads, blocks, 32, [&](std::size_t first, std::size_t last, unsigned worker) {
            typename C::Encoder& encoder = encoders[worker];
            const float* entered = nullptr;
            const std::size_t end = std::min(last * C::block_rows, places.size());
            std::memset(codes->data() + first * codec.block_size(), 0, (last - first) * codec.block_size());
            for (std::size_t row = first * C::block_rows; row < end; ++row) {
                const Origin origin = origin_of(row);
                if (row == first * C::block_rows || origin.centroid != entered) encoder.enter(origin);
                entered = origin.centroid;
                encoder.put(rows.row(places[row]), codes->data() + row / C::block_rows * codec.block_size(),
                            row % C::block_rows);
            }
        });
        auto map = ids_in_order(order, ids);
        if (!map) return std::move(map).error();
        return BlockRows(std::move(codec), std::move(*codes).freeze(), *std::move(map));
    }

    /// Asks for the first lines of the codes at the places [first, last), which are to be scanned soon: what comes behind them the machine
    /// asks for by itself.
    void prefetch(std::size_t first, std::size_t last) const noexcept {
        if (first == last) return;
        simd::prefetch(codes_.data() + first / C::block_rows * codec_.block_size(),
                       (last - first + C::block_rows) / C::block_rows * codec_.block_size(), 16);
    }

    /// Asks the disk for the blocks of the places [first, last), or for as many as a scan asks for at once.
    void fetch(std::size_t first, std::size_t last) const noexcept {
        if (first == last) return;
        const std::size_t from = first / C::block_rows;
        const std::size_t to = (last + C::block_rows - 1) / C::block_rows;
        this->fetch_bytes(from * codec_.block_size(), std::min(to - from, fetched_blocks()) * codec_.block_size());
    }
    /// How many rows these have.
    [[nodiscard]] std::size_t fetched_rows() const noexcept { return fetched_blocks() * C::block_rows; }
    /// Keeps the lists in memory that are asked for most, within so many bytes. A block of two lists counts as the second's.
    /// List l begins at place `first_of(l)`.
    template <class FirstOf>
    Status cache_lists(std::size_t lists, const FirstOf& first_of, std::size_t budget) {
        std::vector<std::uint64_t> begins(lists + 1, codes_.size());
        for (std::size_t l = 0; l < lists; ++l) {
            begins[l] = std::uint64_t{first_of(l) / C::block_rows} * codec_.block_size();
        }
        return this->keep_hot(std::move(begins), budget);
    }

    /// Compares all rows (those that pass `filter`), which are all relative to what `scorer` has entered.
    template <Collector Found>
    Outcome scan(Scorer& scorer, const RowFilter* filter, const Deadline& deadline, Found& found,
                 SearchScratch& scratch) const noexcept {
        Outcome outcome;
        fetch(0, rows());
        scan(0, rows(), scorer, filter, deadline, found, scratch, outcome);
        return outcome;
    }
    /// Compares the codes at the places [first, last), for which `fetch` was called and which are all relative to what `scorer`
    /// has entered, and offers the rows that pass `filter`; `placed` says which rows they are of. Adds to `outcome`; one that
    /// is not complete ends it. Returns the place to go on with.
    template <Collector Found>
    std::size_t scan(std::size_t first, std::size_t last, Scorer& scorer, const RowFilter* filter,
                     const Deadline& deadline, Found& found, SearchScratch& scratch, Outcome& outcome,
                     const PlacedRows& placed = {}) const noexcept {
        Survivors& survivors = scratch.expansion.survivors;
        std::size_t fetched = first / C::block_rows + fetched_blocks();
        std::size_t window = first / C::block_rows * C::block_rows;
        while (first < last && outcome.complete) {
            if (filter == nullptr && first / C::block_rows >= fetched) {
                fetch(first, last);
                fetched = first / C::block_rows + fetched_blocks();
            }
            if (first >= window + scanned_at_once) window += scanned_at_once;
            const std::size_t end = next_end(first, window, last, found, filter);
            if (filter == nullptr || placed.any(filter->rows, first, end)) {
                survivors.clear();
                scorer.scan(codes_.data(), codec_.block_size(), first, end, beyond(found.bound()), survivors);
                for (std::size_t i = 0; i < survivors.count; ++i) {
                    const RowId row = placed.at(first + survivors.index[i]);
                    if (filter != nullptr && (row == no_row || !filter->rows.test(row))) continue;
                    if (!placed.take(row)) continue;
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

    /// The same for several queries, at most `Scorer::most_together`, without a deadline: query i's survivors go to `found[i]`, by way
    /// of `space[i]`. How many rows were compared.
    template <Collector Found>
        requires requires { Scorer::most_together; }
    std::uint32_t scan_together(std::size_t first, std::size_t last, std::span<const Scorer* const> scorers,
                                const RowFilter* filter, std::span<Found> found,
                                std::span<Survivors> space) const noexcept {
        std::array<float, Scorer::most_together> bounds{};
        std::size_t compared = 0;
        std::size_t window = first / C::block_rows * C::block_rows;
        for (std::size_t end = first; first < last; first = end) {
            if (first >= window + scanned_at_once) window += scanned_at_once;
            end = last;
            for (const Found& one : found) end = std::min(end, next_end(first, window, last, one, filter));
            if (filter != nullptr && !filter->rows.any(first, end)) continue;
            for (std::size_t q = 0; q < found.size(); ++q) {
                space[q].clear();
                bounds[q] = beyond(found[q].bound());
            }
            Scorer::scan_together(scorers, codes_.data(), codec_.block_size(), first, end,
                                  {bounds.data(), scorers.size()}, space);
            for (std::size_t q = 0; q < found.size(); ++q) {
                for (std::size_t i = 0; i < space[q].count; ++i) {
                    const auto row = static_cast<RowId>(first + space[q].index[i]);
                    if (filter != nullptr && !filter->rows.test(row)) continue;
                    found[q].offer(row, space[q].estimate[i], space[q].lower[i]);
                }
                if constexpr (requires { found[q].flush(); }) found[q].flush();
            }
            compared += end - first;
        }
        return static_cast<std::uint32_t>(compared);
    }
    /// A place about `bytes` behind `first` at which a scan may be broken off and begun again: it offers the same rows at the same times.
    [[nodiscard]] std::size_t break_after(std::size_t first, std::size_t bytes,
                                          const RowFilter* /*filter*/) const noexcept {
        const std::size_t fit = bytes / codec_.block_size() * C::block_rows;
        return first / C::block_rows * C::block_rows +
               std::max<std::size_t>(fit / scanned_at_once, 1) * scanned_at_once;
    }

    /// `codec` was opened from the same sections.
    /// Rows stand at `again` places beside those of their own numbers.
    static Result<BlockRows> open(const SectionReader& reader, C codec, std::size_t again = 0) {
        auto ids = IdMap::open(reader);
        if (!ids) return std::move(ids).error();
        const std::uint64_t blocks = blocks_of(ids->rows() + again);
        auto codes = CodedRows<C>::open_codes(reader, blocks * codec.block_size());
        if (!codes) return std::move(codes).error();
        return BlockRows(std::move(codec), *std::move(codes), *std::move(ids));
    }

private:
    using CodedRows<C>::codec_;
    using CodedRows<C>::codes_;

    BlockRows(C codec, Bytes codes, IdMap ids) noexcept
        : CodedRows<C>(std::move(codec), std::move(codes), std::move(ids)) {}

    static constexpr std::size_t scanned_at_once = max_batch / 2;  // rows: then the bound is asked again
    /// The end of the rows that are compared next: not beyond the window of `scanned_at_once` rows that begins at `window`, and as
    /// long as all that is offered enters, few, so that the others meet a bound. With a filter always as many: where none of them
    /// passes they are not compared, and that is counted. A window ends where it does in any case: so a scan that is broken off at the end
    /// of one and begun again asks for bounds at the same times.
    template <Collector Found>
    static std::size_t next_end(std::size_t first, std::size_t window, std::size_t last, const Found& found,
                                const RowFilter* filter) noexcept {
        const std::size_t begin = first / C::block_rows * C::block_rows;
        const bool few = filter == nullptr && takes_all(found);
        return std::min({last, window + scanned_at_once, begin + (few ? gathered_at_once : scanned_at_once)});
    }

    [[nodiscard]] std::size_t fetched_blocks() const noexcept {
        return std::max<std::size_t>(fetched_at_once / codec_.block_size(), max_batch);
    }
    static std::size_t blocks_of(std::size_t rows) noexcept { return (rows + C::block_rows - 1) / C::block_rows; }
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
