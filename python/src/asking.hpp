// What an index is asked, whether it rests or grows: search, range_search, cursor, prepare, and what it says of itself.
#pragma once

#include <string>

#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "filters.hpp"
#include "pooled_index.hpp"

namespace tonari::python {

/// The caller's rows or queries, refused where the index does not take what they are made of.
Rows rows_that_fit(const Index& index, const char* argument, py::handle rows, py::handle element);

py::tuple search(const PooledIndex& self, py::handle queries, py::handle k, py::handle ef, py::handle threads,
                 py::handle filter, py::handle timeout, bool with_outcomes, py::handle nprobe, py::handle refine,
                 py::handle patience, py::handle element);
py::tuple range_search(const PooledIndex& self, py::handle queries, py::handle radius, py::handle cap, py::handle ef,
                       py::handle threads, py::handle filter, py::handle timeout, bool with_outcomes, py::handle nprobe,
                       py::handle refine, py::handle element);
py::object cursor(const PooledIndex& self, py::handle query, py::handle ef, py::handle filter, py::handle strict,
                  py::handle nprobe, py::handle element);
py::dict parts(const Index& index);
std::string representation(const char* type, const Index& index);

inline constexpr float default_refine = SearchOptions{}.refine;

extern const char* const search_doc;
extern const char* const range_search_doc;
extern const char* const cursor_doc;
extern const char* const prepare_doc;

/// The same function as a method of a class of its own: Python's classes are final and do not derive from one another.
template <class Self, class Return, class... Arguments>
auto method_of(Return (*function)(const PooledIndex&, Arguments...)) {
    return [function](const Self& self, Arguments... arguments) { return function(self, arguments...); };
}

/// `Self` is a PooledIndex; `name` is what Python calls the class.
template <class Self>
void bind_asking(py::class_<Self>& type, const char* name) {
    type.def("search", method_of<Self>(&search), py::arg("queries"), py::arg("k") = 10, py::arg("ef") = 64,
             py::arg("threads") = 1, py::arg("filter") = py::none(), py::arg("timeout") = py::none(),
             py::arg("with_outcomes") = false, py::kw_only(), py::arg("nprobe") = 16,
             py::arg("refine") = default_refine, py::arg("patience") = 0.0, py::arg("element") = py::none(),
             search_doc);
    type.def("range_search", method_of<Self>(&range_search), py::arg("queries"), py::arg("radius"),
             py::arg("cap") = 10'000, py::arg("ef") = 64, py::arg("threads") = 1, py::arg("filter") = py::none(),
             py::arg("timeout") = py::none(), py::arg("with_outcomes") = false, py::kw_only(), py::arg("nprobe") = 16,
             py::arg("refine") = default_refine, py::arg("element") = py::none(), range_search_doc);
    type.def("cursor", method_of<Self>(&cursor), py::arg("query"), py::arg("ef") = 64, py::arg("filter") = py::none(),
             py::arg("strict") = false, py::kw_only(), py::arg("nprobe") = 16, py::arg("element") = py::none(),
             cursor_doc);
    type.def(
        "prepare", [](const Self& self, py::handle filter) { return prepare(self.index(), filter); }, py::arg("filter"),
        prepare_doc);

    type.def("__len__", [](const Self& self) { return self.index().size(); }, "__len__(self)\n--\n\nIds held.");
    type.def(
        "__repr__", [name](const Self& self) { return representation(name, self.index()); }, "__repr__(self)\n--\n\n");
    const auto property = [&](const char* called, auto read, const char* doc) {
        type.def_property_readonly(called, [read](const Self& self) { return read(self.index()); }, doc);
    };
    property("dim", [](const Index& self) { return self.dim(); }, "Dimensions of a row (for bits: of bits).");
    property(
        "metric", [](const Index& self) { return std::string(tonari::name(self.metric())); },
        R"("l2", "ip", "cosine", "l1" or "hamming".)");
    property(
        "dtype", [](const Index& self) { return std::string(tonari::name(self.element())); },
        R"(What rows are stored as: "float32", "float16", "bfloat16", "int8", "uint8" or "bits".)");
    property("spec", [](const Index& self) { return self.spec(); }, "The spec that would build it again.");
    property(
        "nbytes", [](const Index& self) { return self.bytes(); },
        "Bytes it takes, in memory or mapped: the sum of `parts`.");
    property("parts", [](const Index& self) { return parts(self); }, "Bytes of each part, by name.");
}

}  // namespace tonari::python
