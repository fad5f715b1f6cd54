// Links of one layer: `degree` places a vertex, unused ones at the end hold `no_row`.
//
//     vertex 0: | 7 | 19 | 3 | no_row |   vertex 1: | 0 | 5 | no_row | no_row |   ...
//
// No count field: with 32 links a vertex is two cache lines exactly.
#pragma once

#include <cstddef>
#include <span>

#include <tonari/core/bytes.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

class LinkTable {
public:
    LinkTable() noexcept = default;
    LinkTable(Bytes links, std::size_t degree) noexcept
        : links_(std::move(links)), first_(links_.as<RowId>().data()), degree_(degree) {}

    [[nodiscard]] const RowId* at(RowId vertex) const noexcept { return first_ + std::size_t{vertex} * degree_; }
    [[nodiscard]] std::size_t degree() const noexcept { return degree_; }
    [[nodiscard]] const Bytes& bytes() const noexcept { return links_; }

private:
    Bytes links_;
    const RowId* first_ = nullptr;
    std::size_t degree_ = 0;
};

}  // namespace tonari
