// Rows that have bytes of their own, one behind another.
#pragma once

#include <algorithm>
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
#include <tonari/lists/spill.hpp>

namespace tonari {

/// Scattered rows that one call of a kernel compares.
inline constexpr std::size_t gathered_at_once = 64;

/// How near survivor `i` is at least.
template <class Scorer>
float lower_of(const Survivors& survivors, std::size_t i) noexcept {
    return Scorer::bounded ? survivors.lower[i] : survivors.estimate[i];
}

/// Whether all that is offered still enters, though just the nearest will stay.
template <Collector Found>
bool takes_all([[maybe_unused]] const Found& found) noexcept {
    if constexpr (requires { found.room(); }) return found.bound() == std::numeric_limits<float>::infinity();
    return false;
}

/// Offers the rows of a block: `row_of(i)` is the i-th of them, or `no_row` where it is not to be offered, which is so of none if
/// `each` is. `space` is scratch.
template <class Scorer, Collector Found, class RowOf>
void offer_block(Scorer& scorer, const CodeBlock& block, bool each, Found& found, Survivors& space,
                 const RowOf& row_of) noexcept {
    const bool tells_near = each && !Scorer::bounded;
    for (std::size_t first = 0, count = 0; first < block.count; first += count) {
        space.clear();
        count = block.count - first;
        if constexpr (requires { found.room(); }) {  // what is far need not be offered all the same
            if (takes_all(found) && tells_near) space.wanted = found.size() + found.room();
        }
        if (takes_all(found) && !tells_near) count = std::min(count, gathered_at_once);  // a bound for the others
        scorer.scan({block.first + first * block.stride, block.stride, count}, beyond(found.bound()), space);
        for (std::size_t i = 0; i < space.count; ++i) {
            const RowId row = row_of(first + space.index[i]);
            if (row != no_row) found.offer(row, space.estimate[i], lower_of<Scorer>(space, i));
        }
        if constexpr (requires { found.flush(); }) found.flush();
    }
}

/// The same of scattered codes, few enough for one call.
template <class Scorer, Collector Found, class RowOf>
void offer_block(Scorer& scorer, std::span<const std::byte* const> codes, bool /*each*/, Found& found, Survivors& space,
                 const RowOf& row_of) noexcept {
    space.clear();
    scorer.gather(codes, beyond(found.bound()), space);
    for (std::size_t i = 0; i < space.count; ++i) {
        const RowId row = row_of(space.index[i]);
        if (row != no_row) found.offer(row, space.estimate[i], lower_of<Scorer>(space, i));
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

    /// Encodes and copies: the code at place i is of `rows.row(places[i])`, relative to `origin_of(i)`; row i is
    /// `rows.row(order[i])`. These are the same unless rows stand at several places. Any number of threads gives the same bytes.
    template <class OriginOf>
    static Result<StoredRows> encode(C codec, MatrixView rows, std::span<const RowId> places,
                                     std::span<const RowId> order, std::span<const Id> ids, const Threads& threads,
                                     const OriginOf& origin_of) {
        auto codes = encode_codes(codec, rows, places, threads, origin_of);
        if (!codes) return std::move(codes).error();
        auto map = ids_in_order(order, ids);
        if (!map) return std::move(map).error();
        return StoredRows(std::move(codec), *std::move(codes), *std::move(map));
    }
    /// The same of codes that are relative to nothing, or to the codec's own middle.
    static Result<StoredRows> encode(C codec, MatrixView rows, std::span<const RowId> places,
                                     std::span<const RowId> order, std::span<const Id> ids, const Threads& threads) {
        return encode(std::move(codec), rows, places, order, ids, threads, no_origin);
    }
    static Result<StoredRows> encode(C codec, MatrixView rows, std::span<const RowId> order, std::span<const Id> ids,
                                     const Threads& threads) {
        return encode(std::move(codec), rows, order, order, ids, threads, no_origin);
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

    /// The code at a place; where each row stands at one, that of the row.
    [[nodiscard]] const std::byte* code(std::size_t place) const noexcept { return codes_.data() + place * stride_; }
    /// Bytes from a code to the next.
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

    /// Rows that are stored as they were given. Their codes begin with their values.
    [[nodiscard]] MatrixView view() const noexcept
        requires(C::kind == CodecKind::flat)
    {
        return {codes_.data(), rows(), codec_.dim(), codec_.element(), stride_};
    }

    /// Asks for the first lines of the codes at the places [first, last), which are to be scanned soon: what comes behind them
    /// the machine asks for by itself.
    void prefetch(std::size_t first, std::size_t last) const noexcept {
        if (first == last) return;
        simd::prefetch(codes_.data() + first * stride_, (last - first) * stride_, 16);
    }

    /// Asks the disk for the codes at the places [first, last), or as many as a scan asks for at once.
    void fetch(std::size_t first, std::size_t last) const noexcept {
        this->fetch_bytes(first * stride_, std::min(last - first, fetched_rows()) * stride_);
    }
    /// How many that are.
    [[nodiscard]] std::size_t fetched_rows() const noexcept { return std::max(max_batch, fetched_at_once / stride_); }
    /// Keeps the lists in memory that are asked for most, within so many bytes. List l begins at place `first_of(l)`.
    template <class FirstOf>
    Status cache_lists(std::size_t lists, const FirstOf& first_of, std::size_t budget) {
        std::vector<std::uint64_t> begins(lists + 1, codes_.size());
        for (std::size_t l = 0; l < lists; ++l) begins[l] = std::uint64_t{first_of(l)} * stride_;
        return this->keep_hot(std::move(begins), budget);
    }

    /// Offers these rows, with what their codes say of them.
    template <Collector Found>
    void offer(std::span<const OrderedKey> some, Scorer& scorer, Found& found, SearchScratch& scratch) const noexcept {
        Outcome outcome;
        Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome, {}};
        for (const OrderedKey key : some) batch.add(row_of(key), row_of(key));
        batch.flush();
    }

    /// Compares all rows (those that pass `filter`): what decides exactness everywhere else too.
    template <Collector Found>
    Outcome scan(Scorer& scorer, const RowFilter* filter, const Deadline& deadline, Found& found,
                 SearchScratch& scratch) const noexcept {
        if (filter != nullptr) {
            return scan_passing(scorer, *filter, deadline, found, scratch, [](RowId row) { return row; });
        }
        Outcome outcome;
        fetch(0, rows());
        scan(0, rows(), scorer, nullptr, deadline, found, scratch, outcome);
        outcome.exact = outcome.complete && !Scorer::bounded;
        return outcome;
    }
    /// Compares all rows that pass, each at `place_of(row)`.
    template <Collector Found, class PlaceOf>
    Outcome scan_passing(Scorer& scorer, const RowFilter& filter, const Deadline& deadline, Found& found,
                         SearchScratch& scratch, const PlaceOf& place_of) const noexcept {
        Outcome outcome;
        Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome, {}};
        filter.rows.for_each([&](RowId row) {
            if (outcome.complete && batch.add(place_of(row), row)) outcome.complete = !deadline.expired();
        });
        batch.flush();
        outcome.exact = outcome.complete && !Scorer::bounded;
        return outcome;
    }
    /// Compares the codes at the places [first, last), for which `fetch` was called, those of rows that pass `filter`; `placed`
    /// says which rows they are of. Adds to `outcome`; one that is not complete ends it. Returns the place to go on with.
    template <Collector Found>
    std::size_t scan(std::size_t first, std::size_t last, Scorer& scorer, const RowFilter* filter,
                     const Deadline& deadline, Found& found, SearchScratch& scratch, Outcome& outcome,
                     const PlacedRows& placed = {}) const noexcept {
        Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome, placed};
        std::size_t place = first;
        if (filter != nullptr) {
            const auto compare = [&](std::size_t at, RowId row) {
                if (batch.add(at, row)) outcome.complete = !deadline.expired();
                return outcome.complete;
            };
            if (placed.once() && outcome.complete) {  // rows stand at the places of their numbers
                place = filter->rows.for_each_until(first, last, [&](RowId row) { return compare(row, row); });
                place = std::min(place + (outcome.complete ? 0 : 1), last);
            }
            for (; place < last && outcome.complete; ++place) {
                const RowId row = placed.at(place);
                if (placed.wants(row, filter->rows)) compare(place, row);
            }
            batch.flush();
            if (deadline.expired()) outcome.complete = false;  // short lists never fill a batch
            return place;
        }
        std::size_t fetched = place + fetched_rows();
        for (; place < last && outcome.complete; place = std::min(place + scanned_at_once, last)) {
            if (place >= fetched) {
                fetch(place, last);
                fetched = place + fetched_rows();
            }
            batch.block(place, std::min(scanned_at_once, last - place));
            outcome.complete = !deadline.expired();
        }
        return place;
    }
    /// The codes at the places [first, last), those of rows that pass `filter`, as `scan` compares them: calls `visit(codes, row_of)`
    /// for a CodeBlock or some scattered codes, of which the i-th is of row `row_of(i)`. How many they were.
    template <class Visit>
    std::uint32_t for_each_block(std::size_t first, std::size_t last, const RowFilter* filter,
                                 const Visit& visit) const noexcept {
        if (filter == nullptr) {
            for (std::size_t place = first; place < last; place += scanned_at_once) {
                visit(CodeBlock{code(place), stride_, std::min(scanned_at_once, last - place)},
                      [=](std::size_t i) { return static_cast<RowId>(place + i); });
            }
            return static_cast<std::uint32_t>(last - first);
        }
        std::array<const std::byte*, gathered_at_once> codes{};
        std::array<RowId, gathered_at_once> gathered{};
        std::size_t count = 0;
        std::uint32_t all = 0;
        const auto flush = [&] {
            if (count == 0) return;
            visit(std::span<const std::byte* const>(codes.data(), count), [&](std::size_t i) { return gathered[i]; });
            all += static_cast<std::uint32_t>(count);
            count = 0;
        };
        filter->rows.for_each_until(first, last, [&](RowId row) {
            codes[count] = code(row);
            gathered[count++] = row;
            if (count == codes.size()) flush();
            return true;
        });
        flush();
        return all;
    }
    /// A place about `bytes` behind `first` at which a scan may be broken off and begun again. Where codes are bounded, what is offered
    /// when stays the same; else it is all the same when. None, where rows are gathered: then that depends on those before.
    [[nodiscard]] std::size_t break_after(std::size_t first, std::size_t bytes,
                                          const RowFilter* filter) const noexcept {
        if (Scorer::bounded && filter != nullptr) return rows();
        const std::size_t fit = bytes / stride_;
        return first + (Scorer::bounded ? std::max<std::size_t>(fit / scanned_at_once, 1) * scanned_at_once
                                        : std::max<std::size_t>(fit, 32));
    }
    /// Compares some rows that stand at the places of their numbers, where `filter` lets them pass and they were not taken
    /// before. Adds to `outcome`; one that is not complete ends it. Returns how many were seen to.
    template <Collector Found>
    std::size_t scan_some(std::span<const RowId> some, Scorer& scorer, const RowFilter* filter,
                          const Deadline& deadline, Found& found, SearchScratch& scratch, Outcome& outcome,
                          const PlacedRows& placed) const noexcept {
        Batch<Found> batch{*this, scorer, found, scratch.expansion, outcome, placed};
        std::size_t done = 0;
        for (; done < some.size() && outcome.complete; ++done) {
            const RowId row = some[done];
            if (row >= rows() || !placed.is_new(row) || (filter != nullptr && !filter->rows.test(row))) continue;
            if (this->on_disk()) fetch(row, row + std::size_t{1});
            if (batch.add(row, row)) outcome.complete = !deadline.expired();
        }
        batch.flush();
        if (deadline.expired()) outcome.complete = false;
        return done;
    }

    /// The same in memory of its own, whatever file it lies in.
    [[nodiscard]] Result<StoredRows> in_memory() const {
        auto codes = tonari::in_memory(codes_);
        if (!codes) return std::move(codes).error();
        auto ids = this->ids().in_memory();
        if (!ids) return std::move(ids).error();
        return StoredRows(codec_, *std::move(codes), *std::move(ids), stride_);
    }

    /// `codec` was opened from the same sections. Rows stand at `again` places beside those of their own numbers.
    static Result<StoredRows> open(const SectionReader& reader, C codec, std::size_t again = 0) {
        auto ids = IdMap::open(reader);
        if (!ids) return std::move(ids).error();
        auto codes = CodedRows<C>::open_codes(reader, std::uint64_t{ids->rows() + again} * codec.code_size());
        if (!codes) return std::move(codes).error();
        return StoredRows(std::move(codec), *std::move(codes), *std::move(ids));
    }

private:
    using CodedRows<C>::codec_;
    using CodedRows<C>::codes_;

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
        PlacedRows placed;
        std::array<const std::byte*, gathered_at_once> codes{};
        std::size_t count = 0;

        /// True when a kernel call was made: a good moment to look at the clock.
        bool add(std::size_t place, RowId row) noexcept {
            codes[count] = stored.code(place);
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
                const RowId row = space.rows[space.survivors.index[i]];
                if (placed.take(row)) {
                    found.offer(row, space.survivors.estimate[i], lower_of<Scorer>(space.survivors, i));
                }
            }
            if constexpr (requires { found.flush(); }) found.flush();
            outcome.distances += static_cast<std::uint32_t>(count);
            count = 0;
        }
        void block(std::size_t first, std::size_t places) noexcept {
            offer_block(scorer, {stored.code(first), stored.stride_, places}, placed.once(), found, space.survivors,
                        [&](std::size_t i) {
                            const RowId row = placed.at(first + i);
                            return placed.take(row) ? row : no_row;
                        });
            outcome.distances += static_cast<std::uint32_t>(places);
        }
    };
};

}  // namespace tonari
