// A set of ids that may be answered, for indexes whose rows come and go: it is asked at query time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <tonari/core/types.hpp>
#include <tonari/index/id_table.hpp>

namespace tonari {

class IdSet {
public:
    explicit IdSet(std::vector<Id> ids) : ids_(std::move(ids)) {
        std::sort(ids_.begin(), ids_.end());
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
        const std::size_t span = ids_.empty() ? 0 : static_cast<std::size_t>(ids_.back()) + 1;
        if (span <= ids_.size() * dense_enough) {
            bits_.resize((span + 63) / 64);
            for (const Id id : ids_) bits_[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
        } else {
            table_.reserve(ids_.size(), id_of());
            signs_.resize(std::bit_ceil(std::max<std::size_t>(ids_.size() / 4, 1)));
            sign_shift_ = 64 - std::countr_zero(signs_.size() * 64);
            for (std::uint32_t i = 0; i < ids_.size(); ++i) {
                table_.set(ids_[i], i, id_of());
                const std::size_t sign = sign_of(ids_[i]);
                signs_[sign / 64] |= std::uint64_t{1} << (sign % 64);
            }
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
    [[nodiscard]] const std::vector<Id>& ids() const noexcept { return ids_; }  ///< ascending
    [[nodiscard]] bool contains(Id id) const noexcept {
        if (bits_.empty()) {
            if (signs_.empty()) return false;
            const std::size_t sign = sign_of(id);
            const bool maybe = (signs_[sign / 64] >> (sign % 64) & 1) != 0;
            return maybe && table_.find(id, id_of()) != IdTable::none;
        }
        const auto at = static_cast<std::size_t>(id);
        return at / 64 < bits_.size() && (bits_[at / 64] >> (at % 64) & 1) != 0;
    }

private:
    /// Bits an id up to which a bitmap is the better table: what eight bytes an id would take.
    static constexpr std::size_t dense_enough = 64;
    struct IdOf {
        const std::vector<Id>* ids;
        Id operator()(std::uint32_t i) const noexcept { return (*ids)[i]; }
    };
    [[nodiscard]] IdOf id_of() const noexcept { return {&ids_}; }
    /// A bit of `signs_`: the upper ones of a product are the mixed ones (Knuth).
    [[nodiscard]] std::size_t sign_of(Id id) const noexcept {
        return static_cast<std::size_t>((static_cast<std::uint64_t>(id) * 0x9e3779b97f4a7c15ULL) >> sign_shift_);
    }

    std::vector<Id> ids_;  // ascending, each once, not negative
    std::vector<std::uint64_t> bits_;
    // Where most ids that are asked for are in no table, 16 to 32 bits an id say so of nineteen in twenty of them.
    std::vector<std::uint64_t> signs_;
    int sign_shift_ = 0;
    IdTable table_;
};

}  // namespace tonari
