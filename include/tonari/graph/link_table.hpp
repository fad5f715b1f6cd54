// Links of one layer: `degree` places a vertex, unused ones at the end hold `no_row`.
//
//     vertex 0: | 7 | 19 | 3 | no_row |   vertex 1: | 0 | 5 | no_row | no_row |   ...
//
// No count field: with 32 links a vertex is two cache lines exactly. A vertex's links may stand in a record with other things
// of its (graph/fused_records.hpp).
#pragma once

#include <cstddef>
#include <span>

#include <tonari/core/bytes.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

/// Where the links of a vertex stand in its record. Both are multiples of 4.
struct LinkPlace {
    std::size_t stride = 0;  ///< bytes from record to record
    std::size_t offset = 0;
};

class LinkTable {
public:
    LinkTable() noexcept = default;
    LinkTable(Bytes links, std::size_t degree) noexcept
        : LinkTable(std::move(links), degree, {degree * sizeof(RowId), 0}) {}
    /// `records` holds a whole record for each vertex.
    LinkTable(Bytes records, std::size_t degree, LinkPlace place) noexcept
        : bytes_(std::move(records)),
          first_(bytes_.as<RowId>().data() + place.offset / sizeof(RowId)),
          stride_(place.stride / sizeof(RowId)),
          degree_(degree),
          place_(place) {}

    [[nodiscard]] const RowId* at(RowId vertex) const noexcept { return first_ + std::size_t{vertex} * stride_; }
    [[nodiscard]] std::size_t degree() const noexcept { return degree_; }
    [[nodiscard]] LinkPlace place() const noexcept { return place_; }
    /// The links, or all that their records hold.
    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

private:
    Bytes bytes_;
    const RowId* first_ = nullptr;
    std::size_t stride_ = 0;
    std::size_t degree_ = 0;
    LinkPlace place_;
};

}  // namespace tonari
