// What a search found, as NumPy arrays that own the library's vectors: nothing is copied.
#pragma once

#include <pybind11/pybind11.h>

#include <tonari/index/search_options.hpp>

namespace tonari::python {

/// (ids, distances), and the outcomes when asked for; without the first axis for a single query.
pybind11::tuple tuple_of(Answers&& answers, bool single, bool with_outcomes);

/// (offsets, ids, distances), and the outcomes when asked for.
pybind11::tuple tuple_of(RangeAnswers&& answers, bool with_outcomes);

/// Teaches NumPy the structure of an `Outcome`. Once, when the module is imported.
void register_outcome();

}  // namespace tonari::python
