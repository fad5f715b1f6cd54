#include <tonari/lists/nearest_lists.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <tonari/simd/kernels.hpp>

namespace tonari {
namespace {

constexpr std::size_t width = simd::block_queries;  // distances are looked at so many at a time
constexpr float infinity = std::numeric_limits<float>::infinity();

constexpr std::size_t rounded_up(std::size_t count) noexcept { return (count + width - 1) / width * width; }

}  // namespace

void NearestLists::reserve(std::size_t lists) {
    if (distances_.size() >= rounded_up(lists)) return;
    distances_.resize(rounded_up(lists));
    minima_.resize(rounded_up(lists));
    places_.resize(rounded_up(lists));
    keys_.reserve(lists);
}

/// Dealt out to `count` columns or a few more, each column's smallest is one of them: the largest of those.
float NearestLists::limit(std::size_t lists, std::size_t count) noexcept {
    const std::size_t columns = rounded_up(count);
    if (4 * columns > lists) return infinity;
    std::copy_n(distances_.begin(), columns, minima_.begin());
    for (std::size_t first = columns; first + columns <= lists; first += columns) {
        for (std::size_t column = 0; column < columns; column += width) {
            float* const least = minima_.data() + column;
            const float* const some = distances_.data() + first + column;
            for (std::size_t i = 0; i < width; ++i) least[i] = some[i] < least[i] ? some[i] : least[i];
        }
    }
    return *std::max_element(minima_.begin(), minima_.begin() + static_cast<std::ptrdiff_t>(columns));
}

/// A smaller limit that still has `count` of the first `found` of `minima_` within it, and few others: looked for between the
/// smallest and `most`, where nth_element would mispredict its way through all of them.
float NearestLists::tighter(std::size_t found, std::size_t count, float most) const noexcept {
    const std::size_t enough = count + count / 8 + 8;
    float below = *std::min_element(minima_.begin(), minima_.begin() + static_cast<std::ptrdiff_t>(found));
    std::size_t within_below = 1;
    std::size_t within = found;
    for (int step = 0; step < 12 && within > enough; ++step) {
        const double share = static_cast<double>(count - std::min(within_below, count)) /
                             static_cast<double>(within - std::min(within_below, within - 1));
        const float tried = below + (most - below) * static_cast<float>(std::clamp(1.05 * share, 0.1, 0.9));
        const bool between = tried > below && tried < most;
        if (!between) break;
        std::size_t there = 0;
        for (std::size_t i = 0; i < found; ++i) there += minima_[i] <= tried ? 1 : 0;
        if (there < count) {
            below = tried;
            within_below = there;
        } else {
            most = tried;
            within = there;
        }
    }
    return most;
}

void NearestLists::keep(std::size_t count) noexcept {
    if (keys_.size() <= count) return;
    const auto last = keys_.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(keys_.begin(), last, keys_.end());
    keys_.erase(last, keys_.end());
}

std::span<const OrderedKey> NearestLists::choose(std::size_t lists, std::size_t count) noexcept {
    count = std::min(count, lists);
    keys_.clear();
    if (count == 0) return keys_;
    float most = limit(lists, count);
    if (most == infinity) {
        for (std::size_t i = 0; i < lists; ++i) keys_.push_back(make_key(distances_[i], static_cast<RowId>(i)));
        keep(count);
        return keys_;
    }
    std::fill(distances_.begin() + static_cast<std::ptrdiff_t>(lists),
              distances_.begin() + static_cast<std::ptrdiff_t>(rounded_up(lists)), infinity);
    std::array<float, width> bounds;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    bounds.fill(std::nextafter(most, infinity));
    const std::size_t found =
        simd::kernels().block_below(distances_.data(), rounded_up(lists) / width, bounds.data(), places_.data());
    for (std::size_t i = 0; i < found; ++i) minima_[i] = distances_[places_[i]];
    most = tighter(found, count, most);
    for (std::size_t i = 0; i < found; ++i) {
        if (minima_[i] <= most) keys_.push_back(make_key(minima_[i], places_[i]));
    }
    return keys_;
}

std::span<const OrderedKey> NearestLists::select(std::size_t lists, std::size_t count) noexcept {
    choose(lists, count);
    keep(count);
    std::sort(keys_.begin(), keys_.end());
    return keys_;
}

}  // namespace tonari
