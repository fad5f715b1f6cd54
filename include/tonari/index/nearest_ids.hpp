// The k nearest ids, collected from rows that come nearest first and answer for one id or several.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <tonari/core/neighbor.hpp>

namespace tonari {

/// Keeps `out`, which has room for k, ordered by (distance, id).
class NearestIds {
public:
    NearestIds(std::vector<Neighbor>& out, std::size_t k) noexcept : out_(&out), k_(k) { out.clear(); }

    /// No id at `distance` or beyond can enter any more.
    [[nodiscard]] bool is_full_before(float distance) const noexcept {
        return out_->size() == k_ && (k_ == 0 || distance > out_->back().distance);
    }
    void offer(Neighbor neighbor) noexcept {
        if (out_->size() == k_) {
            left_out_ = true;
            if (k_ == 0 || !nearer(neighbor, out_->back())) return;
            out_->back() = neighbor;
        } else {
            out_->push_back(neighbor);  // within the room that there is
        }
        for (std::size_t i = out_->size() - 1; i > 0 && nearer((*out_)[i], (*out_)[i - 1]); --i)
            std::swap((*out_)[i], (*out_)[i - 1]);
    }
    [[nodiscard]] bool left_out() const noexcept { return left_out_; }

private:
    std::vector<Neighbor>* out_;
    std::size_t k_;
    bool left_out_ = false;
};

}  // namespace tonari
