// Rows that have bytes of their own, one behind another.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/core/aligned.hpp>
#include <tonari/core/collector.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/index/coded_rows.hpp>

namespace tonari {

/// One step above the bound: a row as near as the last one kept may still have the smaller id.
inline float beyond(float bound) noexcept { return std::nextafter(bound, std::numeric_limits<float>::infinity()); }

/// How near survivor `i` is at least.
template <class Scorer>
float lower_of(const Survivors& survivors, std::size_t i) noexcept {
    return Scorer::bounded ? survivors.lower[i] : survivors.estimate[i];
}

/// Offers the rows of a block, `first` and those behind it, to `nearest`. `space` is scratch.
template <class Scorer, Collector Found>
void offer_block(Scorer& scorer, const CodeBlock& block, RowId first, Found& found, Survivors& space) noexcept {
    space.clear();
    scorer.scan(block, beyond(found.bound()), space);
    for (std::size_t i = 0; i < space.count; ++i) {
        found.offer(first + space.index[i], space.estimate[i], lower_of<Scorer>(space, i));
    }
    if constexpr (requires { found.flush(); }) found.flush();
}

/// The rows' numbers in the order of their ids.
inline std::vector<RowId> by_id(std::size_t rows, std::span<const Id> ids) {
    std::vector<RowId> order(rows);
    std::iota(order.begin(), order.end(), RowId{0});
    if (!std::is_sorted(ids.begin(), ids.end())) {
        std::sort(order.begin(), order.end(), [&](RowId a, RowId b) { return ids[a] < ids[b]; });
    }
    return order;
}

template <Codec C>
class StoredRows : public CodedRows<C> {
public:
    using Scorer = typename C::Scorer;
    using CodedRows<C>::rows;

    /// `codes` holds `ids.rows()` codes one behind another.
    StoredRows(C codec, Bytes codes, IdMap ids) noexcept
        : CodedRows<C>(std::move(codec), std::move(codes), std::move(ids)), stride_(codec_.code_size()) {}
    /// Records of `stride` bytes, each of which begins with a code.
    StoredRows(C codec, Bytes records, IdMap ids, std::size_t stride) noexcept
        : CodedRows<C>(std::move(codec), std::move(records), std::move(ids)), stride_(stride) {}

    /// Encodes and copies: row i is `rows.row(order[i])`, relative to `origin_of(i)`. Any number of threads gives the
    /// same bytes.
    template <class OriginOf>
    static Result<StoredRows> encode(C codec, MatrixView rows, std::span<const RowId> order, std::span<const Id> ids,
                                     const Threads& threads, const OriginOf& origin_of) {
        auto codes = encode_codes(codec, rows, order, threads, origin_of);
        if (!codes) return std::move(codes).error();
        auto map = ids_in_order(order, ids);
        if (!map) return std::move(map).error();
        return StoredRows(std::move(codec), *std::move(codes), *std::move(map));
    }
    /// The same of codes that are relative to nothing, or to the codec's own middle.
    static Result<StoredRows> encode(C codec, MatrixView rows, std::span<const RowId> order, std::span<const Id> ids,
                                     const Threads& threads) {
        return encode(std::move(codec), rows, order, ids, threads, no_origin);
    }
    /// The codes alone.
    template <class OriginOf>
    static Result<Bytes> encode_codes(const C& codec, MatrixView rows, std::span<const RowId> order,
                                      const Threads& threads, const OriginOf& origin_of) {
        return encode_each(codec, order.size(), threads, [&](std::size_t i) { return rows.row(order[i]); }, origin_of);
    }
    /// The same in the order of the rows, relative to nothing.
    static Result<Bytes> encode_codes(const C& codec, MatrixView rows, const Threads& threads) {
        return encode_each(codec, rows.rows(), threads, [&](std::size_t i) { return rows.row(i); }, no_origin);
    }
    static Result<Bytes> encode_codes(const C& codec, MatrixView rows, std::span<const RowId> order,
                                      const Threads& threads) {
        return encode_codes(codec, rows, order, threads, no_origin);
    }

    [[nodiscard]] const std::byte* code(RowId row) const noexcept { return codes_.data() + std::size_t{row} * stride_; }
    /// Bytes from a row's code to that of the next.
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

    /// Rows that are stored as they were given. Their codes begin with their values.
    [[nodiscard]] MatrixView view() const noexcept
        requires(C::kind == CodecKind::flat)
    {
        return {codes_.data(), rows(), codec_.dim(), codec_.element(), stride_};
    }

    /// Asks for the first lines of the rows [first, last), which are to be scanned soon: what comes behind them the machine
    /// asks for by itself.
    void prefetch(std::size_t first, std::size_t last) const noexcept {
        if (first == last) return;
        simd::prefetch(codes_.data() + first * stride_, (last - first) * stride_, 16);
    }

    /// Asks the disk for the rows [first, last), or as many as a scan asks for at once.
    void fetch(std::size_t first, std::size_t last) const noexcept {
        this->fetch_bytes(first * stride_, std::min(last - first, fetched_rows()) * stride_);
    }
    /// Keeps the lists in memory that are asked for most, within so many bytes.
    Status cache_lists(const Partition& lists, std::size_t budget) {
        std::vector<std::uint64_t> begins(lists.lists() + 1, std::uint64_t{rows()} * stride_);
        for (std::size_t l = 0; l < lists.lists(); ++l) {
            begins[l] = std::uint64_t{lists.rows_of(l).first} * stride_;
        }
        return this->keep_hot(std::move(begins), budget);
    }

    /// Offers these rows, with what their codes say of them.
    template <Collector Found>
    void offer(std::span<const OrderedKey> some, Scorer& scorer, Found& found, SearchScratch& scratch) const noexcept {
        Outcome outcome;
        Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome};
        for (const OrderedKey key : some) batch.add(row_of(key));
        batch.flush();
    }

    /// Compares all rows (those that pass `filter`): what decides exactness everywhere else too.
    template <Collector Found>
    Outcome scan(Scorer& scorer, const RowFilter* filter, const Deadline& deadline, Found& found,
                 SearchScratch& scratch) const noexcept {
        Outcome outcome;
        if (filter != nullptr) {
            Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome};
            filter->rows.for_each([&](RowId row) {
                if (outcome.complete && batch.add(row)) outcome.complete = !deadline.expired();
            });
            batch.flush();
        } else {
            fetch(0, rows());
            scan(0, rows(), scorer, nullptr, deadline, found, scratch, outcome);
        }
        outcome.exact = outcome.complete && !Scorer::bounded;
        return outcome;
    }
    /// Compares the rows [first, last), for which `fetch` was called, those of them that pass `filter`. Adds to `outcome`; one that
    /// is not complete ends it. Returns the row to go on with.
    template <Collector Found>
    std::size_t scan(std::size_t first, std::size_t last, Scorer& scorer, const RowFilter* filter,
                     const Deadline& deadline, Found& found, SearchScratch& scratch, Outcome& outcome) const noexcept {
        Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome};
        std::size_t row = first;
        if (filter != nullptr) {
            for (; row < last && outcome.complete; ++row) {
                if (!filter->rows.test(static_cast<RowId>(row))) continue;
                if (batch.add(static_cast<RowId>(row))) outcome.complete = !deadline.expired();
            }
            batch.flush();
            if (deadline.expired()) outcome.complete = false;  // short lists never fill a batch
            return row;
        }
        std::size_t fetched = row + fetched_rows();
        for (; row < last && outcome.complete; row = std::min(row + scanned_at_once, last)) {
            if (row >= fetched) {
                fetch(row, last);
                fetched = row + fetched_rows();
            }
            batch.block(row, std::min(scanned_at_once, last - row));
            outcome.complete = !deadline.expired();
        }
        return row;
    }

    /// The same in memory of its own, whatever file it lies in.
    [[nodiscard]] Result<StoredRows> in_memory() const {
        auto codes = tonari::in_memory(codes_);
        if (!codes) return std::move(codes).error();
        auto ids = this->ids().in_memory();
        if (!ids) return std::move(ids).error();
        return StoredRows(codec_, *std::move(codes), *std::move(ids), stride_);
    }

    /// `codec` was opened from the same sections.
    static Result<StoredRows> open(const SectionReader& reader, C codec) {
        auto ids = IdMap::open(reader);
        if (!ids) return std::move(ids).error();
        auto codes = CodedRows<C>::open_codes(reader, std::uint64_t{ids->rows()} * codec.code_size());
        if (!codes) return std::move(codes).error();
        return StoredRows(std::move(codec), *std::move(codes), *std::move(ids));
    }

private:
    using CodedRows<C>::codec_;
    using CodedRows<C>::codes_;

    [[nodiscard]] std::size_t fetched_rows() const noexcept { return std::max(max_batch, fetched_at_once / stride_); }
    static Origin no_origin(std::size_t /*row*/) noexcept { return {}; }

    /// Where few rows are looked at again for their bounds, the bound that these give is worth to be known early.
    static constexpr std::size_t scanned_at_once = Scorer::bounded ? max_batch / 2 : max_batch;

    std::size_t stride_;

    template <class RowAt, class OriginOf>
    static Result<Bytes> encode_each(const C& codec, std::size_t rows, const Threads& threads, const RowAt& row_at,
                                     const OriginOf& origin_of) {
        const std::size_t code_size = codec.code_size();
        auto codes = AlignedBuffer::allocate(rows * code_size);
        if (!codes) return std::move(codes).error();
        parallel_for(threads, rows, 1024, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t i = first; i < last; ++i) {
                codec.encode(row_at(i), origin_of(i), codes->span().subspan(i * code_size, code_size));
            }
        });
        return std::move(*codes).freeze();
    }

    /// Gathers scattered rows until there are enough for one kernel call.
    template <Collector Found>
    struct Batch {
        const StoredRows& stored;
        Scorer& scorer;
        Found& found;
        Expansion& space;
        Outcome& outcome;
        std::array<const std::byte*, 64> codes{};
        std::size_t count = 0;

        /// True when a kernel call was made: a good moment to look at the clock.
        bool add(RowId row) noexcept {
            codes[count] = stored.code(row);
            simd::prefetch(codes[count], stored.codec_.code_size(), 4);
            space.rows[count++] = row;
            if (count < codes.size()) return false;
            flush();
            return true;
        }
        void flush() noexcept {
            if (count == 0) return;
            space.survivors.clear();
            scorer.gather({codes.data(), count}, beyond(found.bound()), space.survivors);
            for (std::size_t i = 0; i < space.survivors.count; ++i) {
                found.offer(space.rows[space.survivors.index[i]], space.survivors.estimate[i],
                            lower_of<Scorer>(space.survivors, i));
            }
            if constexpr (requires { found.flush(); }) found.flush();
            outcome.distances += static_cast<std::uint32_t>(count);
            count = 0;
        }
        void block(std::size_t first, std::size_t rows) noexcept {
            const auto row = static_cast<RowId>(first);
            offer_block(scorer, {stored.code(row), stored.stride_, rows}, row, found, space.survivors);
            outcome.distances += static_cast<std::uint32_t>(rows);
        }
    };
};

}  // namespace tonari
