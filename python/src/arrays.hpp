// NumPy arrays as views, and vectors as NumPy arrays, neither copied.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>

#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>

namespace tonari::python {

/// The caller's rows. `view` points into `array`, which keeps them alive.
struct Rows {
    pybind11::array array;
    MatrixView view;
    bool single = false;  ///< the array was 1-D: one row
};

/// What an array's elements should be taken for.
struct Expected {
    const char* argument;             ///< "rows", "queries": for messages
    std::optional<Element> stated;    ///< the caller's `element=`: tells bfloat16 from uint16, bits from uint8
    bool packed_bits = false;         ///< uint8 means bits (the Hamming metric)
    Element mend = Element::float32;  ///< what to recommend when the dtype is wrong
    bool single_allowed = false;      ///< 1-D is one row
};

/// NumPy itself drops the mask where it is asked for a plain array, and what was hidden would count.
void refuse_masked(pybind11::handle object, const char* argument);

/// Refuses what could not be read in place as it is: other types, byte orders and layouts. Nothing is converted, since
/// a conversion would copy all rows and may change them.
Rows rows_of(pybind11::handle object, const Expected& expected);

/// The `element=` or `dtype=` argument; None: none.
std::optional<Element> element_of(pybind11::handle value, const char* argument = "element");

/// Whole numbers, one dimension. An int64 array is used in place; other integer arrays and lists are copied.
struct IdArray {
    pybind11::array_t<std::int64_t> array;
    [[nodiscard]] std::span<const Id> span() const { return {array.data(), static_cast<std::size_t>(array.size())}; }
};
IdArray ids_of(pybind11::handle object, const char* argument);

/// The same, or one id that is an int and no array.
IdArray ids_or_id_of(pybind11::handle object, const char* argument);

void check_one_per_row(const IdArray& ids, const Rows& rows);

/// A NumPy array that owns `values`.
template <class T>
pybind11::array_t<T> own(std::vector<T>&& values, std::vector<pybind11::ssize_t> shape) {
    auto owner = std::make_unique<std::vector<T>>(std::move(values));
    T* data = owner->data();
    const pybind11::capsule keeper(owner.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
    owner.release();  // NOLINT(bugprone-unused-return-value): the capsule owns it now
    return pybind11::array_t<T>(std::move(shape), data, keeper);
}

}  // namespace tonari::python
