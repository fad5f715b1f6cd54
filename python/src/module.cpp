// The extension module tonari._tonari; the package's __init__.py gives its names to users.
#include <string>

#include <pybind11/pybind11.h>

#include <tonari/simd/level.hpp>
#include <tonari/version.hpp>

#include "bindings.hpp"

PYBIND11_MODULE(_tonari, module) {
    namespace py = pybind11;
    py::options options;
    options.disable_function_signatures();  // the docstrings begin with readable ones
    module.doc() = "The compiled part of tonari.";

    tonari::python::bind_errors(module);
    tonari::python::bind_filter(module);
    tonari::python::bind_index(module);
    tonari::python::bind_segment(module);

    module.def("simd_level", [] { return std::string(tonari::simd::name(tonari::simd::active_level())); },
               R"(simd_level()
--

The instruction set in use: the machine's best, or the one that the environment variable TONARI_SIMD names.)");
    module.attr("__version__") = std::string(tonari::version());

    // Users know these classes by the package, in messages, in help() and in tracebacks.
    for (const char* name : {"Index", "RowFilter"}) module.attr(name).attr("__module__") = "tonari";
}
