// Segment files: save of Index and GrowingIndex, open, verify.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include <tonari/index/grow.hpp>
#include <tonari/segment/segment.hpp>

#include "arguments.hpp"
#include "asking.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "pooled_growing_index.hpp"
#include "pooled_index.hpp"
#include "progress.hpp"

namespace tonari::python {
namespace {

constexpr const char* save_doc = R"(save(self, path)
--

Write the index to one file: a temporary file, synced and renamed, so that a reader sees the old file or the new one.)";

constexpr const char* save_growing_doc = R"(save(self, path)
--

Write the rows of this moment to one file, as the index that `freeze` makes and in the way that Index.save does.

The index goes on living. The file opens as an Index, or as a growing one: tonari.open(path, growing=True).)";

constexpr const char* open_doc = R"(open(path, residency='map', growing=False, ef_construction=None, seed=None, cache=0)
--

Open a file that `save` wrote.

residency
    "map" opens at once and shares the pages with other processes; "load" reads the whole file into huge pages, which
    searches 1.2 to 1.5 times as fast on large files; "disk" is for files larger than the memory: mapped, and of rows,
    codes and links just those pages are read that a search asks for, those of the probed lists and of the rows to refine by
    many at once. Codes that rows are refined behind are read into memory, and so are the links between them.
growing
    True: a GrowingIndex that begins with the rows and links or lists of the file, copied: the file is let go. For what grows
    (`build`).
ef_construction, seed
    For a growing one, and for the rows that come later, as in `build`: 200 and 42 unless said otherwise. No file
    remembers them.
cache
    "disk", inverted lists (IVF): of the rows that stay on disk, those of the lists that are asked for most are kept in memory,
    within so many bytes; Index.cache_stats tells what that saves. A search may end with reading a list for it. 0: the system
    decides alone what it keeps.)";

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
    if (const auto residency = residency_from(word)) return *residency;
    invalid("residency: expected \"map\", \"load\" or \"disk\", got \"" + word + "\"");
}

void save(const PooledIndex& self, py::handle path) {
    const std::filesystem::path to = path_of(path);
    const py::gil_scoped_release unlock;
    write_segment(to, self.index()).value();
}

py::object open(py::handle path, py::handle residency, py::handle growing, py::handle ef_construction, py::handle seed,
                py::handle cache) {
    const std::filesystem::path from = path_of(path);
    const OpenOptions how{residency_of(residency), whole_number(cache, "cache")};
    const bool grows = flag(growing, "growing");
    if (grows && how.cache_bytes > 0) {
        invalid("cache: expected 0, since a growing index is in memory, got " + std::to_string(how.cache_bytes) +
                "; mend: growing=False");
    }
    BuildOptions options;
    if (!ef_construction.is_none()) options.ef_construction = whole_number(ef_construction, "ef_construction");
    if (!seed.is_none()) options.seed = whole_number(seed, "seed");
    if (!grows) {
        for (const auto& [value, name] : {std::pair{ef_construction, "ef_construction"}, std::pair{seed, "seed"}}) {
            if (!value.is_none()) {
                invalid(std::string(name) + ": expected None, since no row is added to what is opened, got " +
                        std::string(py::str(value)) + "; mend: growing=True");
            }
        }
        auto opened = [&] {
            const py::gil_scoped_release unlock;
            return Segment::open(from, how).value().index();
        }();
        return py::cast(std::make_unique<PooledIndex>(std::move(opened)));
    }
    auto grown = [&] {
        const py::gil_scoped_release unlock;
        return grow(Segment::open(from, how).value().index(), options).value();
    }();
    return py::cast(std::make_unique<PooledGrowingIndex>(std::move(grown)));
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
    const auto give_save = [&](const char* name, auto function, const char* doc) {
        const py::object type = module.attr(name);
        type.attr("save") = py::cpp_function(function, py::name("save"), py::is_method(type), py::arg("path"), doc);
    };
    give_save("Index", &save, save_doc);
    give_save("GrowingIndex", method_of<PooledGrowingIndex>(&save), save_growing_doc);
    module.def("open", &open, py::arg("path"), py::arg("residency") = "map", py::arg("growing") = false,
               py::arg("ef_construction") = py::none(), py::arg("seed") = py::none(), py::arg("cache") = 0, open_doc);
    module.def("verify", &verify, py::arg("path"), py::arg("progress") = py::none(), verify_doc);
}

}  // namespace tonari::python
