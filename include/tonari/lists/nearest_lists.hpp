// Which of all lists are nearest, from the distances of all of them: what a heap would do one by one, in a few passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/core/ordered_key.hpp>

namespace tonari {

class TONARI_API NearestLists {
public:
    /// Makes room for so many lists; the only call that allocates.
    void reserve(std::size_t lists);
    /// Where their distances are to be written.
    [[nodiscard]] float* distances() noexcept { return distances_.data(); }
    /// The `count` nearest of the first `lists`, nearest first, of equally near ones the first. O(lists), and sorting those.
    std::span<const OrderedKey> select(std::size_t lists, std::size_t count) noexcept;
    /// At least these, in no order, and few others where lists are many: for whoever looks at them more closely. O(lists).
    std::span<const OrderedKey> choose(std::size_t lists, std::size_t count) noexcept;

private:
    /// At least `count` distances are not above it, and not many more: infinity where that is not worth looking for.
    [[nodiscard]] float limit(std::size_t lists, std::size_t count) noexcept;
    void keep(std::size_t count) noexcept;  ///< of `keys_` the nearest
    [[nodiscard]] float tighter(std::size_t found, std::size_t count, float most) const noexcept;

    std::vector<float> distances_;
    std::vector<float> minima_;
    std::vector<std::uint32_t> places_;
    std::vector<OrderedKey> keys_;
};

}  // namespace tonari
