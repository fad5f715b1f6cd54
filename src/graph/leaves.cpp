#include <tonari/graph/leaves.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <utility>

#include <tonari/codec/query_panels.hpp>
#include <tonari/core/ordered_key.hpp>

#include "graph/row_panel.hpp"

namespace tonari {
namespace {

constexpr std::size_t most_leaders = 256;
constexpr std::size_t most_followed = 64;

/// The leaders that rows follow.
class Followers {
public:
    static Result<Followers> create(const Flat<AnyMetric>& codec, const std::byte* codes) {
        auto panel = RowPanel::create(codec, codes, most_leaders);
        if (!panel) return std::move(panel).error();
        return Followers(*std::move(panel));
    }
    void stand_behind(std::span<const RowId> leaders, std::size_t fan) noexcept {
        panel_.take(leaders);
        fan_ = fan;
    }
    /// Of rows, at most as many as a panel has, the leaders that are nearest to each, by number: `fan` a row into `out`.
    void find(std::span<const RowId> rows, std::uint16_t* out) noexcept {
        panel_.pack(rows);
        QueryPanels::Limits limits;
        limits.fill(std::numeric_limits<float>::infinity());
        count_.fill(0);
        panel_.compare(limits, [&](std::size_t q, std::size_t leader, float distance) {
            auto& nearest = nearest_[q];
            const OrderedKey key = make_key(distance, static_cast<RowId>(leader));
            std::size_t at =
                count_[q] < fan_ ? count_[q]++ : fan_ - 1;  // a later one that is as near is none that enters
            for (; at > 0 && key < nearest[at - 1]; --at) nearest[at] = nearest[at - 1];
            nearest[at] = key;
            return count_[q] == fan_ ? distance_of(nearest[fan_ - 1]) : limits[q];
        });
        for (std::size_t q = 0; q < rows.size(); ++q) {
            if (count_[q] < fan_) fill_up(q);
            for (std::size_t i = 0; i < fan_; ++i) *out++ = static_cast<std::uint16_t>(row_of(nearest_[q][i]));
        }
    }

private:
    explicit Followers(RowPanel panel) noexcept : panel_(std::move(panel)) {}
    /// Leaders that are farther off than float32 can say are followed in their order.
    void fill_up(std::size_t q) noexcept {
        for (RowId leader = 0; count_[q] < fan_; ++leader) {
            const auto end = nearest_[q].begin() + static_cast<std::ptrdiff_t>(count_[q]);
            const bool taken =
                std::any_of(nearest_[q].begin(), end, [&](OrderedKey key) { return row_of(key) == leader; });
            if (!taken) nearest_[q][count_[q]++] = make_key(0, leader);
        }
    }

    RowPanel panel_;
    std::size_t fan_ = 0;
    std::array<std::array<OrderedKey, most_followed>, QueryPanels::width> nearest_{};
    std::array<std::size_t, QueryPanels::width> count_{};
};

/// How a group is divided.
struct Division {
    std::vector<RowId> leaders;
    std::size_t fan = 1;

    Division(std::span<const RowId> rows, std::size_t wanted_fan) {
        const std::size_t count =
            std::clamp<std::size_t>(rows.size() * wanted_fan / (Leaves::most_rows / 2), 2, most_leaders);
        fan = std::min({wanted_fan, count / 2, most_followed});
        leaders.resize(count);
        for (std::size_t i = 0; i < count; ++i) leaders[i] = rows[i * rows.size() / count];
    }
};

/// Rows by the leaders that they follow: `followed` has `fan` for each row.
std::vector<std::vector<RowId>> groups_of(std::span<const RowId> rows, std::span<const std::uint16_t> followed,
                                          const Division& division) {
    std::vector<std::size_t> sizes(division.leaders.size());
    for (const std::uint16_t leader : followed) ++sizes[leader];
    std::vector<std::vector<RowId>> groups(division.leaders.size());
    for (std::size_t g = 0; g < groups.size(); ++g) groups[g].reserve(sizes[g]);
    for (std::size_t i = 0; i < followed.size(); ++i) groups[followed[i]].push_back(rows[i / division.fan]);
    return groups;
}

/// Leaves of one group, one behind another.
struct Grown {
    std::vector<RowId> members;
    std::vector<std::size_t> sizes;

    void add(std::span<const RowId> leaf) {
        members.insert(members.end(), leaf.begin(), leaf.end());
        sizes.push_back(leaf.size());
    }
};

/// Divides a group until it is small enough.
void grow(std::span<const RowId> rows, std::size_t fan, Followers& followers, Grown& out) {
    if (rows.empty()) return;
    if (rows.size() <= Leaves::most_rows) return out.add(rows);
    const Division division(rows, fan);
    followers.stand_behind(division.leaders, division.fan);
    std::vector<std::uint16_t> followed(rows.size() * division.fan);
    for (std::size_t i = 0; i < rows.size(); i += QueryPanels::width) {
        followers.find(rows.subspan(i, std::min(QueryPanels::width, rows.size() - i)),
                       followed.data() + i * division.fan);
    }
    for (const std::vector<RowId>& group : groups_of(rows, followed, division)) {
        if (group.size() > rows.size() - rows.size() / 8) {  // all lie in one place: any division is as good
            for (std::size_t i = 0; i < group.size(); i += Leaves::most_rows) {
                out.add(std::span(group).subspan(i, std::min(Leaves::most_rows, group.size() - i)));
            }
        } else {
            grow(group, 1, followers, out);
        }
    }
}

}  // namespace

Result<Leaves> Leaves::divide(const Flat<AnyMetric>& codec, const std::byte* codes, std::size_t rows,
                              const FanOut& fan_out, const Threads& threads) try {
    std::vector<Followers> workers;
    for (unsigned i = 0; i < resolve_threads(threads); ++i) {
        auto worker = Followers::create(codec, codes);
        if (!worker) return std::move(worker).error();
        workers.push_back(*std::move(worker));
    }
    std::vector<RowId> all(rows);
    std::iota(all.begin(), all.end(), RowId{0});
    std::vector<std::vector<RowId>> groups;
    if (rows <= most_rows) {
        groups.push_back(std::move(all));
    } else {
        const Division division(all, fan_out.first);
        std::vector<std::uint16_t> followed(rows * division.fan);
        for (Followers& worker : workers) worker.stand_behind(division.leaders, division.fan);
        parallel_for(threads, rows, 64 * QueryPanels::width, [&](std::size_t first, std::size_t last, unsigned worker) {
            for (std::size_t i = first; i < last; i += QueryPanels::width) {
                workers[worker].find(std::span(all).subspan(i, std::min(QueryPanels::width, last - i)),
                                     followed.data() + i * division.fan);
            }
        });
        groups = groups_of(all, followed, division);
        all = {};
    }
    std::vector<Grown> grown(groups.size());
    std::vector<char> failed(groups.size());  // out of a thread no exception finds its way
    parallel_for(threads, groups.size(), 1, [&](std::size_t first, std::size_t last, unsigned worker) {
        for (std::size_t g = first; g < last; ++g) {
            try {
                grow(groups[g], fan_out.second, workers[worker], grown[g]);
                groups[g] = {};
            } catch (const std::bad_alloc&) {
                failed[g] = 1;
            }
        }
    });
    if (std::find(failed.begin(), failed.end(), 1) != failed.end()) throw std::bad_alloc();
    Leaves leaves;
    std::size_t members = 0;
    for (const Grown& group : grown) members += group.members.size();
    leaves.members_.reserve(members);
    for (Grown& group : grown) {
        for (const std::size_t size : group.sizes) {
            leaves.ends_.push_back((leaves.ends_.empty() ? 0 : leaves.ends_.back()) + size);
        }
        leaves.members_.insert(leaves.members_.end(), group.members.begin(), group.members.end());
        group = {};
    }
    return leaves;
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory to divide " + std::to_string(rows) + " rows among leaves"};
}

}  // namespace tonari
