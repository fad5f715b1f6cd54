// The extension module tonari._tonari; the package's __init__.py gives its names to users.
#include <string>

#include <pybind11/pybind11.h>

#include <tonari/simd/level.hpp>
#include <tonari/version.hpp>

#include "bindings.hpp"

namespace py = pybind11;

namespace {

// pybind11 reads NumPy's own structures, whose layout changed in NumPy 2: an older one would read sizes from the wrong
// place without noticing.
void check_numpy() {
#if PYBIND11_VERSION_HEX < 0x020C0000
    const auto version = py::cast<std::string>(py::module_::import("numpy").attr("__version__"));
    if (!version.starts_with("1.")) {
        throw py::import_error(
            "tonari was built with pybind11 " PYBIND11_TOSTRING(PYBIND11_VERSION_MAJOR) "." PYBIND11_TOSTRING(
                PYBIND11_VERSION_MINOR) ": expected NumPy 1, got " +
            version + "; mend: build it with pybind11 2.12 or newer");
    }
#endif
}

}  // namespace

PYBIND11_MODULE(_tonari, module) {
    check_numpy();
    py::options options;
    options.disable_function_signatures();  // the docstrings begin with readable ones
    module.doc() = "The compiled part of tonari.";

    tonari::python::bind_errors(module);
    tonari::python::bind_filter(module);
    tonari::python::bind_cursor(module);
    tonari::python::bind_index(module);
    tonari::python::bind_growing(module);
    tonari::python::bind_advise(module);
    tonari::python::bind_build(module);
    tonari::python::bind_segment(module);

    module.def(
        "simd_level", [] { return std::string(tonari::simd::name(tonari::simd::active_level())); },
        R"(simd_level()
--

The instruction set in use: the machine's best, or the one that the environment variable TONARI_SIMD names.)");
    module.attr("__version__") = std::string(tonari::version());

    // Users know these classes by the package, in messages, in help() and in tracebacks.
    for (const char* name : {"Advice", "Cursor", "GrowingIndex", "Index", "RowFilter"}) {
        const py::object type = module.attr(name);
        type.attr("__module__") = "tonari";
        // Index.__new__(Index) would make one without an index, which pybind11 takes for a whole one when it is used.
        reinterpret_cast<PyTypeObject*>(type.ptr())->tp_new = nullptr;
        PyType_Modified(reinterpret_cast<PyTypeObject*>(type.ptr()));
    }
}
