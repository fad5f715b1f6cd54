// Segment files: Index.save, open, verify.
#include <filesystem>
#include <memory>
#include <string>

#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include <tonari/segment/segment.hpp>

#include "arguments.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "pooled_index.hpp"
#include "progress.hpp"

namespace tonari::python {
namespace {

constexpr const char* save_doc = R"(save(self, path)
--

Write the index to one file: a temporary file, synced and renamed, so that a reader sees the old file or the new one.)";

constexpr const char* open_doc = R"(open(path, residency='map')
--

Open a file that Index.save wrote.

residency
    "map" opens at once and shares the pages with other processes; "load" reads the whole file into huge pages, which
    searches 1.2 to 1.5 times as fast on large files.)";

constexpr const char* verify_doc = R"(verify(path, progress=None)
--

Read every byte of a file that Index.save wrote and compare every checksum; raises Corrupt where one differs.

`open` checks the frame of a file only, so that it takes no time. progress is called with (bytes done, bytes in all).)";

// str, bytes or os.PathLike.
std::filesystem::path path_of(py::handle value) {
    py::detail::make_caster<std::filesystem::path> caster;
    if (!caster.load(value, true)) {
        PyErr_Clear();
        wrong_type("path: expected str, bytes or os.PathLike, got " + type_name(value));
    }
    return py::detail::cast_op<std::filesystem::path>(caster);
}

Residency residency_of(py::handle value) {
    const std::string word = text(value, "residency");
    if (word == "map") return Residency::map;
    if (word == "load") return Residency::load;
    invalid("residency: expected \"map\" or \"load\", got \"" + word + "\"");
}

void save(const PooledIndex& self, py::handle path) {
    const std::filesystem::path to = path_of(path);
    const py::gil_scoped_release unlock;
    write_segment(to, self.index()).value();
}

std::unique_ptr<PooledIndex> open(py::handle path, py::handle residency) {
    const std::filesystem::path from = path_of(path);
    const Residency where = residency_of(residency);
    const py::gil_scoped_release unlock;
    return std::make_unique<PooledIndex>(Segment::open(from, where).value().index());
}

void verify(py::handle path, py::object progress) {
    const std::filesystem::path from = path_of(path);
    Progress reported(std::move(progress));
    const Status status = [&] {
        const py::gil_scoped_release unlock;
        return verify_segment(from, reported.function());
    }();
    reported.rethrow();
    status.value();
}

}  // namespace

void bind_segment(py::module_& module) {
    const py::object index = module.attr("Index");
    index.attr("save") = py::cpp_function(&save, py::name("save"), py::is_method(index), py::arg("path"), save_doc);
    module.def("open", &open, py::arg("path"), py::arg("residency") = "map", open_doc);
    module.def("verify", &verify, py::arg("path"), py::arg("progress") = py::none(), verify_doc);
}

}  // namespace tonari::python
