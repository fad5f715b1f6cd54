#include "arrays.hpp"

#include <array>
#include <limits>

#include "arguments.hpp"
#include "errors.hpp"

namespace py = pybind11;

namespace tonari::python {
namespace {

std::string dtype_name(const py::array& array) { return py::str(array.dtype().attr("name")); }

std::string numpy_dtype(Element element) {
    switch (element) {
        case Element::bfloat16: return "ml_dtypes.bfloat16";
        case Element::bits: return "np.uint8";
        default: return "np." + std::string(name(element));
    }
}

std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

[[noreturn]] void wrong_dtype(const Expected& expected, const std::string& got) {
    const std::string argument = expected.argument;
    if (expected.packed_bits) {
        wrong_type(argument + ": expected uint8, eight bits a byte, got " + got + "; mend: np.packbits(" + argument +
                   " > 0, axis=-1, bitorder=\"little\")");
    }
    wrong_type(argument + ": expected float32, float16, bfloat16, int8 or uint8, got " + got +
               "; mend: np.ascontiguousarray(" + argument + ", dtype=" + numpy_dtype(expected.mend) + ")");
}

// What the array's dtype says, before `element=` and the metric have their word. None: nothing that we take.
std::optional<Element> stored_as(const std::string& dtype) {
    constexpr std::array plain{Element::float32, Element::float16, Element::bfloat16, Element::int8, Element::uint8};
    for (const Element element : plain) {
        if (dtype == name(element)) return element;  // "bfloat16" is how ml_dtypes names its own
    }
    return std::nullopt;
}

Element element_of_dtype(const py::array& array, const Expected& expected) {
    // The usual case, without asking Python for names: single queries come here, too.
    const bool plain_float = array.dtype().is(py::dtype::of<float>());
    const std::string dtype = plain_float ? "float32" : dtype_name(array);
    const std::optional<Element> stored = plain_float ? Element::float32 : stored_as(dtype);
    if (expected.stated) {
        const Element stated = *expected.stated;
        const bool fits = stored == stated || (stated == Element::bfloat16 && dtype == "uint16") ||
                          (stated == Element::bits && stored == Element::uint8);
        if (fits) return stated;
        const std::string carrier = stated == Element::bits       ? "uint8"
                                    : stated == Element::bfloat16 ? "uint16 or ml_dtypes.bfloat16"
                                                                  : std::string(name(stated));
        wrong_type(std::string(expected.argument) + ": element=\"" + std::string(name(stated)) +
                   "\" expects an array of " + carrier + ", got " + dtype);
    }
    if (dtype == "uint16") {
        wrong_type(std::string(expected.argument) +
                   ": got uint16; if these are bfloat16 bit patterns, say element=\"bfloat16\"");
    }
    if (expected.packed_bits) {
        if (stored != Element::uint8) wrong_dtype(expected, dtype);
        return Element::bits;
    }
    if (!stored) wrong_dtype(expected, dtype);
    return *stored;
}

}  // namespace

std::optional<Element> element_of(py::handle value, const char* argument) {
    if (value.is_none()) return std::nullopt;
    constexpr std::array elements{Element::float32, Element::float16, Element::bfloat16,
                                  Element::int8,    Element::uint8,   Element::bits};
    const std::string word = text(value, argument);
    std::string known;
    for (const Element element : elements) {
        if (word == name(element)) return element;
        known += (known.empty() ? "\"" : ", \"") + std::string(name(element)) + "\"";
    }
    invalid(std::string(argument) + ": expected one of " + known + " or None, got \"" + word + "\"");
}

void refuse_masked(py::handle object, const char* argument) {
    if (py::hasattr(object, "mask") &&
        py::isinstance(object, py::module_::import("numpy").attr("ma").attr("MaskedArray"))) {
        wrong_type(std::string(argument) +
                   ": expected a plain numpy array, got a masked one, whose mask would be lost; " +
                   "mend: " + argument + ".filled(value)");
    }
}

Rows rows_of(py::handle object, const Expected& expected) {
    const std::string argument = expected.argument;
    const std::string mend = "; mend: np.ascontiguousarray(" + argument + ")";
    const char* const wanted_shape =
        expected.single_allowed ? "1-D (one row) or 2-D (rows, dimensions)" : "2-D (rows, dimensions)";
    if (!py::isinstance<py::array>(object)) {
        wrong_type(argument + ": expected a numpy array, got " + type_name(object) + "; mend: np.asarray(" + argument +
                   ", dtype=" + numpy_dtype(expected.mend) + ")");
    }
    refuse_masked(object, expected.argument);
    Rows rows;
    rows.array = py::reinterpret_borrow<py::array>(object);
    const py::array& array = rows.array;
    const Element element = element_of_dtype(array, expected);
    if (!array.dtype().is(py::dtype::of<float>()) && !py::cast<bool>(array.dtype().attr("isnative"))) {
        wrong_type(argument + ": expected this machine's byte order, got " + std::string(py::str(array.dtype())) +
                   "; mend: " + argument + ".astype(" + argument + ".dtype.newbyteorder(\"=\"))");
    }
    rows.single = array.ndim() == 1 && expected.single_allowed;
    if (array.ndim() != 2 && !rows.single) {
        invalid(argument + ": expected " + wanted_shape + ", got " + std::to_string(array.ndim()) + "-D, shape " +
                shape_of(array) + (array.ndim() == 1 ? "; mend: " + argument + ".reshape(1, -1)" : ""));
    }

    const auto last = array.ndim() - 1;
    const auto count = rows.single ? std::size_t{1} : static_cast<std::size_t>(array.shape(0));
    const auto columns = static_cast<std::size_t>(array.shape(last));
    const std::size_t dim = element == Element::bits ? columns * 8 : columns;
    if (dim > max_dim) {
        invalid(argument + ": expected at most " + std::to_string(max_dim) + " dimensions, got " + std::to_string(dim));
    }
    if (columns > 1 && count > 0 && array.strides(last) != array.itemsize()) {
        invalid(argument + ": expected each row's values side by side in memory, got a stride of " +
                std::to_string(array.strides(last)) + " bytes for " + std::to_string(array.itemsize()) +
                "-byte values" + mend);
    }
    std::size_t stride = 0;  // one row: whatever NumPy says of it means nothing
    if (count > 1) {
        if (array.strides(0) <= 0) {
            invalid(argument + ": expected rows in ascending order in memory, got a stride of " +
                    std::to_string(array.strides(0)) + " bytes between rows" + mend);
        }
        stride = static_cast<std::size_t>(array.strides(0));
    }
    if ((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0) {
        invalid(argument + ": expected values aligned to their " + std::to_string(array.itemsize()) +
                " bytes, got an unaligned array; mend: " + argument + ".copy()");
    }
    rows.view = MatrixView(array.data(), count, static_cast<Dim>(dim), element, stride);
    return rows;
}

IdArray ids_of(py::handle object, const char* argument) {
    const std::string name = argument;
    refuse_masked(object, argument);
    const auto array = py::array::ensure(object);
    if (!array) {
        PyErr_Clear();
        wrong_type(name + ": expected whole numbers, got " + type_name(object));
    }
    if (array.ndim() != 1) {
        wrong_type(name + ": expected a 1-D array of whole numbers, got " + std::to_string(array.ndim()) + "-D (" +
                   type_name(object) + "); mend: np.asarray(list(" + name + "), dtype=np.int64)");
    }
    if (array.size() == 0) return {py::array_t<std::int64_t>(0)};  // np.array([]) is float64; its dtype says nothing
    const char kind = array.dtype().kind();
    if (kind != 'i' && kind != 'u') {
        wrong_type(name + ": expected whole numbers, got " + dtype_name(array) + "; mend: np.asarray(" + name +
                   ", dtype=np.int64)");
    }
    if (kind == 'u' && array.itemsize() == 8) {
        const auto largest = py::cast<std::uint64_t>(array.attr("max")());
        if (largest > static_cast<std::uint64_t>(std::numeric_limits<Id>::max())) {
            invalid(name + ": expected at most 2^63 - 1, got " + std::to_string(largest));
        }
    }
    constexpr int in_place_or_copied = py::array::c_style | py::array::forcecast;
    auto converted = py::array_t<std::int64_t, in_place_or_copied>::ensure(array);
    if (!converted) throw py::error_already_set();
    return {converted};
}

IdArray ids_or_id_of(py::handle object, const char* argument) {
    const bool array = py::isinstance<py::array>(object);
    if (array || PyBool_Check(object.ptr()) || PyIndex_Check(object.ptr()) == 0) return ids_of(object, argument);
    const auto id = static_cast<Id>(whole_number(object, argument));
    return {py::array_t<Id>(1, &id)};
}

void check_one_per_row(const IdArray& ids, const Rows& rows) {
    if (ids.span().size() == rows.view.rows()) return;
    invalid("ids: expected one per row, " + std::to_string(rows.view.rows()) + ", got " +
            std::to_string(ids.span().size()));
}

}  // namespace tonari::python
