// advise, and Advice, its answer.
#include <string>

#include <pybind11/pybind11.h>

#include <tonari/index/advise.hpp>

#include "arguments.hpp"
#include "arrays.hpp"
#include "bindings.hpp"
#include "errors.hpp"

namespace tonari::python {
namespace {

constexpr const char* advise_doc = R"(advise(rows, dim, metric='l2', dtype=None, memory=None)
--

Which index suits so many rows of so many dimensions: the fastest at high recall that fits.

dtype
    What rows are made of. None: float32, or bits under hamming.
memory
    Bytes that a search may take, rows included; None: whatever it needs. Where not even the rows fit, the advice is an
    index whose rows stay on disk, and its `residency` is "disk".

Returns an Advice: spec, why (a sentence), bytes (of the index, about), in_memory (of those, what a search holds in memory)
and residency, for `open`. `build("auto", rows)` follows the advice without a limit.)";

IndexAdvice advise_for(py::handle rows, py::handle dim, py::handle metric_name, py::handle dtype, py::handle memory) {
    IndexNeed need;
    need.rows = whole_number(rows, "rows");
    const std::uint64_t dimensions = whole_number(dim, "dim");
    if (dimensions == 0 || dimensions > max_dim) {
        invalid("dim: expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(dimensions));
    }
    need.dim = static_cast<Dim>(dimensions);
    need.metric = metric(metric_name);
    const Element usual = need.metric == MetricKind::hamming ? Element::bits : Element::float32;
    need.element = element_of(dtype, "dtype").value_or(usual);
    if (!memory.is_none()) {
        need.memory = whole_number(memory, "memory");
        if (need.memory == 0) invalid("memory: expected at least 1 byte, or None for no limit, got 0");
    }
    return advise(need).value();
}

}  // namespace

void bind_advise(py::module_& module) {
    py::class_<IndexAdvice>(module, "Advice", "Which index suits some rows: the answer of `advise`.")
        .def_readonly("spec", &IndexAdvice::spec, "What to build.")
        .def_readonly("why", &IndexAdvice::why, "A sentence.")
        .def_readonly("bytes", &IndexAdvice::bytes, "Of the index, about.")
        .def_readonly("in_memory", &IndexAdvice::in_memory, "What a search holds in memory of them, about.")
        .def_property_readonly(
            "residency", [](const IndexAdvice& advice) { return std::string(name(advice.residency)); },
            "How a file of it is best opened.")
        .def("__repr__", [](const IndexAdvice& advice) { return "Advice('" + advice.spec + "': " + advice.why + ")"; });
    module.def("advise", &advise_for, py::arg("rows"), py::arg("dim"), py::arg("metric") = "l2",
               py::arg("dtype") = py::none(), py::arg("memory") = py::none(), advise_doc);
}

}  // namespace tonari::python
