// A flood from vertex 0, started again wherever it had not come.
#include <tonari/graph/reachability.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace tonari {
namespace {

class Flood {
public:
    Flood(std::span<RowId> links, std::size_t degree)
        : links_(links), degree_(degree), reached_(links.size() / degree, false) {}

    [[nodiscard]] std::size_t vertices() const noexcept { return reached_.size(); }
    [[nodiscard]] bool reached(RowId vertex) const noexcept { return reached_[vertex]; }

    void spread(RowId from) {
        reached_[from] = true;
        queue_.push_back(from);
        while (!queue_.empty()) {
            const RowId* list = at(queue_.back());
            queue_.pop_back();
            for (std::size_t i = 0; i < degree_ && list[i] != no_row; ++i) {
                if (reached_[list[i]]) continue;
                reached_[list[i]] = true;
                queue_.push_back(list[i]);
            }
        }
    }
    /// A reached vertex to link from: one that `vertex` links to, one with room first; else the one before it.
    [[nodiscard]] RowId reached_near(RowId vertex) const noexcept {
        RowId near = no_row;
        const RowId* list = at(vertex);
        for (std::size_t i = 0; i < degree_ && list[i] != no_row; ++i) {
            if (!reached_[list[i]]) continue;
            if (at(list[i])[degree_ - 1] == no_row) return list[i];
            if (near == no_row) near = list[i];
        }
        return near != no_row ? near : vertex - 1;  // vertices are looked at in order: those before are reached
    }
    void link(RowId from, RowId vertex) noexcept {
        RowId* list = at(from);
        RowId* free = std::find(list, list + degree_, no_row);
        if (free != list + degree_) {
            *free = vertex;
            return;
        }
        const RowId displaced = std::exchange(list[degree_ - 1], vertex);
        RowId* own = at(vertex);
        if (std::find(own, own + degree_, displaced) != own + degree_) return;
        RowId* place = std::find(own, own + degree_, no_row);
        *(place != own + degree_ ? place : place - 1) = displaced;
    }

private:
    [[nodiscard]] RowId* at(RowId vertex) const noexcept { return links_.data() + std::size_t{vertex} * degree_; }

    std::span<RowId> links_;
    std::size_t degree_;
    std::vector<bool> reached_;
    std::vector<RowId> queue_;
};

}  // namespace

std::size_t make_reachable(std::span<RowId> links, std::size_t degree) {
    Flood flood(links, degree);
    if (flood.vertices() == 0) return 0;
    flood.spread(0);
    std::size_t linked = 0;
    for (std::size_t i = 1; i < flood.vertices(); ++i) {
        const auto vertex = static_cast<RowId>(i);
        if (flood.reached(vertex)) continue;
        flood.link(flood.reached_near(vertex), vertex);
        flood.spread(vertex);
        ++linked;
    }
    return linked;
}

}  // namespace tonari
