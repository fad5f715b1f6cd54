// Numbers and words as Python hands them over. pybind11 could convert them, but its messages list signatures;
// these say which argument, what was expected and what was got.
#pragma once

#include <cstdint>
#include <string>

#include <pybind11/pybind11.h>

#include <tonari/core/clock.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/types.hpp>

namespace tonari::python {

/// A whole number in [0, 2^63).
std::uint64_t whole_number(pybind11::handle value, const char* name);

/// A finite number.
double real_number(pybind11::handle value, const char* name);

/// True or False, and nothing that merely counts as one.
bool flag(pybind11::handle value, const char* name);

std::string text(pybind11::handle value, const char* name);

/// 0: as many threads as the machine (or the container's CPU quota) has.
Threads threads(pybind11::handle value);

/// Seconds from now; None: never.
Deadline deadline(pybind11::handle timeout);

MetricKind metric(pybind11::handle value);

}  // namespace tonari::python
