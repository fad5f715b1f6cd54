// Index.
#include <pybind11/pybind11.h>

#include "answers.hpp"
#include "asking.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "pooled_index.hpp"

namespace tonari::python {

void bind_index(py::module_& module) {
    register_outcome();
    py::class_<PooledIndex> index(module, "Index", py::is_final(),
                                  R"(An immutable index: `build` makes it from rows, `open` from a file.

Any number of threads may use one. It cannot be pickled: save it and open the file, which other processes share.)");
    bind_asking(index, "Index");

    // An index never changes, so that a copy is the index itself.
    index.def("__copy__", [](py::object self) { return self; }, "__copy__(self)\n--\n\n");
    index.def(
        "__deepcopy__", [](py::object self, py::handle) { return self; }, py::arg("memo"),
        "__deepcopy__(self, memo)\n--\n\n");
    index.def(
        "__reduce__",
        [](const PooledIndex&) -> py::object {
            wrong_type("a tonari.Index cannot be pickled; mend: index.save(path) here, tonari.open(path) there");
        },
        "__reduce__(self)\n--\n\n");
}

}  // namespace tonari::python
