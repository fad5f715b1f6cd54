// The links of a layer turned round: who links to a vertex.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <tonari/core/types.hpp>
#include <tonari/graph/link_table.hpp>

namespace tonari {

class ReverseLinks {
public:
    /// Of so many vertices, which link to none but each other. Throws bad_alloc. O(vertices x degree).
    ReverseLinks(const LinkTable& links, std::size_t vertices) : begins_(vertices + 1) {
        const auto for_each = [&](const auto& visit) {
            for (std::size_t v = 0; v < vertices; ++v) {
                const RowId* const list = links.at(static_cast<RowId>(v));
                for (std::size_t i = 0; i < links.degree() && list[i] != no_row; ++i) {
                    visit(static_cast<RowId>(v), list[i]);
                }
            }
        };
        for_each([&](RowId /*source*/, RowId target) { ++begins_[target + std::size_t{1}]; });
        for (std::size_t v = 0; v < vertices; ++v) {
            most_ = std::max(most_, begins_[v + 1]);
            begins_[v + 1] += begins_[v];
        }
        sources_.resize(begins_.back());
        std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
        for_each([&](RowId source, RowId target) { sources_[next[target]++] = source; });
    }

    /// Ascending.
    [[nodiscard]] std::span<const RowId> to(RowId vertex) const noexcept {
        return std::span(sources_).subspan(begins_[vertex], begins_[vertex + std::size_t{1}] - begins_[vertex]);
    }
    /// As many as link to the vertex that most do.
    [[nodiscard]] std::size_t most() const noexcept { return most_; }

private:
    std::vector<std::size_t> begins_;
    std::vector<RowId> sources_;
    std::size_t most_ = 0;
};

}  // namespace tonari
