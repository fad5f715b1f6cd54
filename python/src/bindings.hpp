// The parts of the extension module, one function per part; module.cpp calls them in this order.
#pragma once

#include <pybind11/pybind11.h>

namespace tonari::python {

namespace py = pybind11;

void bind_errors(py::module_& module);   // the exception classes and the table from C++ codes to them
void bind_filter(py::module_& module);   // RowFilter
void bind_cursor(py::module_& module);   // Cursor
void bind_index(py::module_& module);    // Index
void bind_growing(py::module_& module);  // GrowingIndex
void bind_advise(py::module_& module);   // advise, Advice
void bind_build(py::module_& module);    // build
void bind_segment(py::module_& module);  // save of both, open, verify

}  // namespace tonari::python
