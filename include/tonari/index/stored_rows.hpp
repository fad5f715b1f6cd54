// Codes and whose they are: the part that every index has.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tonari/codec/codec.hpp>
#include <tonari/core/bytes.hpp>
#include <tonari/index/id_map.hpp>
#include <tonari/index/search_scratch.hpp>

namespace tonari {

/// One step above the bound: a row as near as the last one kept may still have the smaller id.
inline float beyond(float bound) noexcept { return std::nextafter(bound, std::numeric_limits<float>::infinity()); }

/// Offers the rows of a block, `first` and those behind it, to `nearest`. `space` is scratch.
template <class Scorer>
void offer_block(Scorer& scorer, const CodeBlock& block, RowId first, TopK& nearest, Survivors& space) noexcept {
    space.clear();
    scorer.scan(block, beyond(nearest.bound()), space);
    for (std::size_t i = 0; i < space.count; ++i) {
        nearest.offer(space.estimate[i], first + space.index[i]);
    }
}

template <Codec C>
class StoredRows {
public:
    /// `codes` holds `ids.rows()` codes one behind another.
    StoredRows(C codec, Bytes codes, IdMap ids) noexcept
        : codec_(std::move(codec)), codes_(std::move(codes)), ids_(std::move(ids)) {}

    [[nodiscard]] const C& codec() const noexcept { return codec_; }
    [[nodiscard]] const IdMap& ids() const noexcept { return ids_; }
    [[nodiscard]] const Bytes& codes() const noexcept { return codes_; }
    [[nodiscard]] std::size_t rows() const noexcept { return ids_.rows(); }
    [[nodiscard]] const std::byte* code(RowId row) const noexcept {
        return codes_.data() + std::size_t{row} * codec_.code_size();
    }

    /// The scorer of `query`, prepared in `scratch`.
    [[nodiscard]] typename C::Scorer scorer(RowView query, SearchScratch& scratch) const noexcept {
        codec_.prepare(query, scratch.query());
        auto scorer = codec_.scorer();
        scorer.set_query(scratch.query());
        return scorer;
    }

    /// Turns rows, nearest first, into the ids that pass, at most k, ordered by (distance, id). True if ids were left out.
    bool answer(std::span<const OrderedKey> rows, std::size_t k, const RowFilter* filter,
                std::vector<Neighbor>& out) const noexcept {
        out.clear();
        bool left_out = false;
        for (const OrderedKey key : rows) {
            const float distance = distance_of(key);
            if (out.size() == k && distance > out.back().distance) return true;
            const auto [first, last] = ids_.slots(row_of(key));
            for (std::size_t slot = first; slot < last; ++slot) {
                if (filter != nullptr && !ids_.one_each() && !filter->ids.test(static_cast<RowId>(slot))) continue;
                const Neighbor neighbor{ids_.id(slot), distance};
                left_out = left_out || out.size() == k;
                if (out.size() == k && !nearer(neighbor, out.back())) break;  // a row's ids ascend
                insert(neighbor, k, out);
            }
        }
        return left_out;
    }

    /// Calls `visit(id)` for every id of the row that passes.
    template <class Visit>
    void for_each_id(RowId row, const RowFilter* filter, Visit&& visit) const noexcept {
        const auto [first, last] = ids_.slots(row);
        for (std::size_t slot = first; slot < last; ++slot) {
            if (filter != nullptr && !ids_.one_each() && !filter->ids.test(static_cast<RowId>(slot))) continue;
            visit(ids_.id(slot));
        }
    }

    /// Compares all rows (those that pass `filter`): what decides exactness everywhere else too.
    Outcome scan(typename C::Scorer& scorer, const RowFilter* filter, const Deadline& deadline, TopK& nearest,
                 SearchScratch& scratch) const noexcept {
        Outcome outcome;
        if (filter != nullptr) {
            Batch batch{*this, scorer, nearest, scratch.expansion, outcome};
            filter->rows.for_each([&](RowId row) {
                if (outcome.complete && batch.add(row)) outcome.complete = !deadline.expired();
            });
            batch.flush();
        } else {
            scan(0, rows(), scorer, nullptr, deadline, nearest, scratch, outcome);
        }
        outcome.exact = outcome.complete;
        return outcome;
    }
    /// Compares the rows [first, last), those of them that pass `filter`. Adds to `outcome`; one that is not complete ends it.
    void scan(std::size_t first, std::size_t last, typename C::Scorer& scorer, const RowFilter* filter,
              const Deadline& deadline, TopK& nearest, SearchScratch& scratch, Outcome& outcome) const noexcept {
        Batch batch{*this, scorer, nearest, scratch.expansion, outcome};
        if (filter != nullptr) {
            for (std::size_t row = first; row < last && outcome.complete; ++row) {
                if (!filter->rows.test(static_cast<RowId>(row))) continue;
                if (batch.add(static_cast<RowId>(row))) outcome.complete = !deadline.expired();
            }
            batch.flush();
            return;
        }
        for (std::size_t row = first; row < last && outcome.complete; row += max_batch) {
            batch.block(row, std::min(max_batch, last - row));
            outcome.complete = !deadline.expired();
        }
    }

    Status save(SectionWriter& writer) const {
        if (Status s = codec_.save(writer); !s) return s;
        if (Status s = ids_.save(writer); !s) return s;
        return writer.add("codes", 1, codes_.span());
    }
    /// `codec` was opened from the same sections.
    static Result<StoredRows> open(const SectionReader& reader, C codec) {
        auto ids = IdMap::open(reader);
        if (!ids) return std::move(ids).error();
        auto codes = reader.array<std::byte>("codes", std::uint64_t{ids->rows()} * codec.code_size());
        if (!codes) return std::move(codes).error();
        return StoredRows(std::move(codec), *std::move(codes), *std::move(ids));
    }

private:
    /// Keeps `out` sorted; when it is k long, its last gives way.
    static void insert(Neighbor neighbor, std::size_t k, std::vector<Neighbor>& out) noexcept {
        if (out.size() == k) {
            out.back() = neighbor;
        } else {
            out.push_back(neighbor);  // within what `reserve` made room for
        }
        for (std::size_t i = out.size() - 1; i > 0 && nearer(out[i], out[i - 1]); --i) std::swap(out[i], out[i - 1]);
    }

    /// Gathers scattered rows until there are enough for one kernel call.
    struct Batch {
        const StoredRows& stored;
        typename C::Scorer& scorer;
        TopK& nearest;
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
            scorer.gather({codes.data(), count}, beyond(nearest.bound()), space.survivors);
            for (std::size_t i = 0; i < space.survivors.count; ++i) {
                nearest.offer(space.survivors.estimate[i], space.rows[space.survivors.index[i]]);
            }
            outcome.distances += static_cast<std::uint32_t>(count);
            count = 0;
        }
        void block(std::size_t first, std::size_t rows) noexcept {
            const auto row = static_cast<RowId>(first);
            offer_block(scorer, {stored.code(row), stored.codec_.code_size(), rows}, row, nearest, space.survivors);
            outcome.distances += static_cast<std::uint32_t>(rows);
        }
    };

    C codec_;
    Bytes codes_;
    IdMap ids_;
};

}  // namespace tonari
