// Index.
#include <pybind11/pybind11.h>

#include "answers.hpp"
#include "asking.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "pooled_index.hpp"

namespace tonari::python {
namespace {

constexpr const char* cache_stats_doc = R"(cache_stats(self)
--

What the cache has done that the index was opened with, tonari.open(path, residency="disk", cache=bytes); None without one.

A dict: hits (a list, or a row in one, was asked for that is kept), misses (left to the disk, or to the system's own cache) and
bytes_read (of those), evictions; lists and bytes kept now, the budget in bytes, whether they are locked in
place, not copied, and whether the system has refused to keep more.)";

py::object cache_stats(const PooledIndex& self) {
    const auto stats = self.index().cache_stats();
    if (!stats) return py::none();
    py::dict all;
    all["hits"] = stats->hits;
    all["misses"] = stats->misses;
    all["bytes_read"] = stats->bytes_read;
    all["evictions"] = stats->evictions;
    all["lists"] = stats->lists;
    all["bytes"] = stats->bytes;
    all["budget"] = stats->budget;
    all["locked"] = stats->locked;
    all["refused"] = stats->refused;
    return all;
}

}  // namespace

void bind_index(py::module_& module) {
    register_outcome();
    py::class_<PooledIndex> index(module, "Index", py::is_final(),
                                  R"(An immutable index: `build` makes it from rows, `open` from a file.

Any number of threads may use one. It cannot be pickled: save it and open the file, which other processes share.)");
    bind_asking(index, "Index");
    index.def("cache_stats", &cache_stats, cache_stats_doc);

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
