// Python's GrowingIndex: the library's, asked through the pool that Index has.
#pragma once

#include <utility>

#include <tonari/index/growing_index.hpp>

#include "pooled_index.hpp"

namespace tonari::python {

/// Any Python thread may call any method at any time: the library says so of its own.
class PooledGrowingIndex : public PooledIndex {
public:
    explicit PooledGrowingIndex(GrowingIndex growing) : PooledIndex(growing.index()), growing_(std::move(growing)) {}

    [[nodiscard]] GrowingIndex& growing() noexcept { return growing_; }
    [[nodiscard]] const GrowingIndex& growing() const noexcept { return growing_; }

private:
    GrowingIndex growing_;
};

}  // namespace tonari::python
