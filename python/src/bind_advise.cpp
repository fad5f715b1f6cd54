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

constexpr const char* advise_doc = R"(advise(rows, dim=None, metric='l2', dtype=None, memory=None)
--

Which index suits such rows: the fastest at high recall that fits.

rows
    The rows, as `build` takes them, or only how many there are. Of rows some are looked at: where few directions tell which are near,
    a graph walked by those is faster (float rows of 384 dimensions or more, metric l2 or cosine).
dim
    Of how many dimensions. None where the rows say it.
dtype
    What rows are made of, where only their number is given. None: float32, or bits under hamming.
memory
    Bytes that a search may take, rows included; None: whatever it needs. Where not even the rows fit, the advice is an
    index whose rows stay on disk, and its `residency` is "disk".

Returns an Advice: spec, why (a sentence), bytes (of the index, about), in_memory (of those, what a search holds in memory)
and residency, for `open`. `build("auto", rows)` follows the advice without a limit.)";

std::size_t limit_of(py::handle memory) {
    if (memory.is_none()) return 0;
    const std::uint64_t bytes = whole_number(memory, "memory");
    if (bytes == 0) invalid("memory: expected at least 1 byte, or None for no limit, got 0");
    return bytes;
}

/// Rows that are there.
IndexAdvice advise_rows(const py::array& array, py::handle dim, MetricKind metric, py::handle dtype,
                        std::size_t memory) {
    const Rows rows = rows_of(
        array,
        {.argument = "rows", .stated = element_of(dtype, "dtype"), .packed_bits = metric == MetricKind::hamming});
    if (!dim.is_none() && whole_number(dim, "dim") != rows.view.dim()) {
        invalid("dim: expected " + std::to_string(rows.view.dim()) + ", as the rows have, or None, got " +
                std::string(py::repr(dim)));
    }
    return [&] {
        const py::gil_scoped_release unlock;
        return advise(rows.view, metric, memory, {0});
    }()
               .value();
}

IndexAdvice advise_for(py::handle rows, py::handle dim, py::handle metric_name, py::handle dtype, py::handle memory) {
    IndexNeed need;
    need.metric = metric(metric_name);
    need.memory = limit_of(memory);
    if (py::isinstance<py::array>(rows)) {
        const auto array = py::reinterpret_borrow<py::array>(rows);
        if (array.ndim() > 0) return advise_rows(array, dim, need.metric, dtype, need.memory);
    }
    need.rows = whole_number(rows, "rows");
    if (dim.is_none()) invalid("dim: expected the dimensions of the rows, since only their number is given, got None");
    const std::uint64_t dimensions = whole_number(dim, "dim");
    if (dimensions == 0 || dimensions > max_dim) {
        invalid("dim: expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(dimensions));
    }
    need.dim = static_cast<Dim>(dimensions);
    const Element usual = need.metric == MetricKind::hamming ? Element::bits : Element::float32;
    need.element = element_of(dtype, "dtype").value_or(usual);
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
    module.def("advise", &advise_for, py::arg("rows"), py::arg("dim") = py::none(), py::arg("metric") = "l2",
               py::arg("dtype") = py::none(), py::arg("memory") = py::none(), advise_doc);
}

}  // namespace tonari::python
