// From ids to numbers: open addressing over the numbers alone, four bytes a place. The ids stand where the numbers point, so
// a table of 1 million ids takes 8 MB (an std::unordered_map 40 MB and more).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

/// `id_of(number)` tells a number's id. Linear probing; a gap is closed when a number goes, so there are no tombstones.
class IdTable {
public:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return places_.size() * sizeof(std::uint32_t); }

    /// Room for `count` ids in all: inserting up to there does not allocate. O(size()) when it grows.
    template <class IdOf>
    void reserve(std::size_t count, const IdOf& id_of) {
        if (count * 4 <= places_.size() * 3) return;
        std::vector<std::uint32_t> old(std::bit_ceil(std::max<std::size_t>(16, count * 4 / 3 + 1)), none);
        old.swap(places_);
        for (const std::uint32_t number : old) {
            if (number != none) places_[place(id_of(number), id_of)] = number;
        }
    }
    /// The number of `id`, or `none`.
    template <class IdOf>
    [[nodiscard]] std::uint32_t find(Id id, const IdOf& id_of) const noexcept {
        return places_.empty() ? none : places_[place(id, id_of)];
    }
    /// Sets the number of `id`, which is that number's id. Within the reserved room.
    template <class IdOf>
    void set(Id id, std::uint32_t number, const IdOf& id_of) noexcept {
        std::uint32_t& at = places_[place(id, id_of)];
        size_ += at == none ? 1 : 0;
        at = number;
    }
    /// `id` is in the table.
    template <class IdOf>
    void erase(Id id, const IdOf& id_of) noexcept {
        std::size_t gap = place(id, id_of);
        for (std::size_t i = next(gap); places_[i] != none; i = next(i)) {
            const std::size_t home = first_place(id_of(places_[i]));
            if (((i - home) & mask()) < ((i - gap) & mask())) continue;  // it stands between its home and the gap
            places_[gap] = places_[i];
            gap = i;
        }
        places_[gap] = none;
        --size_;
    }

private:
    [[nodiscard]] std::size_t mask() const noexcept { return places_.size() - 1; }
    [[nodiscard]] std::size_t next(std::size_t place) const noexcept { return (place + 1) & mask(); }
    [[nodiscard]] std::size_t first_place(Id id) const noexcept {
        return static_cast<std::size_t>(mix64(static_cast<std::uint64_t>(id))) & mask();
    }
    /// Where `id` stands, or the free place where it would.
    template <class IdOf>
    [[nodiscard]] std::size_t place(Id id, const IdOf& id_of) const noexcept {
        std::size_t at = first_place(id);
        while (places_[at] != none && id_of(places_[at]) != id) at = next(at);
        return at;
    }

    std::vector<std::uint32_t> places_;
    std::size_t size_ = 0;
};

}  // namespace tonari
