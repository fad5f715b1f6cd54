// Work that needs no Python, while other Python threads run.
#pragma once

#include <pybind11/pybind11.h>

namespace tonari::python {

/// What `work` answers.
template <class Work>
auto unlocked(Work&& work) {
    const pybind11::gil_scoped_release unlock;
    return work();
}

}  // namespace tonari::python
