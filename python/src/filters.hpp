// What Python may say about which ids are allowed, as a filter of one index.
#pragma once

#include <cstddef>
#include <memory>

#include <pybind11/pybind11.h>

#include <tonari/index/index.hpp>

namespace tonari::python {

/// Python's RowFilter: a filter translated for `index`, which it keeps alive.
struct PreparedFilter {
    Index index;
    RowFilter rows;
};

/// Ids, a boolean mask or a callable, translated for `index`. The caller holds the interpreter lock.
PreparedFilter prepare(const Index& index, pybind11::handle filter);

/// The `filter=` argument of one search: None, a RowFilter of the same index, or anything that `prepare` takes.
/// What it makes is kept alive in `keep`.
const RowFilter* filter_of(const Index& index, pybind11::handle filter, std::shared_ptr<const PreparedFilter>& keep);

}  // namespace tonari::python
