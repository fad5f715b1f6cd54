// Rows and matrices that own nothing.
#include <tonari/core/view.hpp>

#include <array>
#include <vector>

#include <tonari/core/bytes.hpp>
#include <tonari/core/clock.hpp>

#include "support/catch.hpp"

using namespace tonari;

TEST_CASE("a row knows its element, its dimension and its bytes") {
    const std::vector<float> floats(7);
    const RowView row = floats;
    CHECK(row.element() == Element::float32);
    CHECK(row.dim() == 7);
    CHECK(row.bytes() == 28);
    CHECK(row.data() == floats.data());

    const std::array<Bits8, 3> bits = {};
    const RowView bit_row = std::span<const Bits8>(bits);
    CHECK(bit_row.dim() == 24);
    CHECK(bit_row.bytes() == 3);
    CHECK(RowView(std::span<const std::int8_t>()).dim() == 0);
}

TEST_CASE("a matrix finds its rows by the stride") {
    std::vector<float> values(40);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const MatrixView packed(values.data(), 10, 4);
    CHECK(packed.stride() == 16);
    CHECK(static_cast<const float*>(packed.row(9).data())[3] == 39);

    const MatrixView wide(values.data(), 8, 3, Element::float32, 20);
    CHECK(static_cast<const float*>(wide.row(7).data())[2] == 37);
    const MatrixView part = wide.slice(2, 3);
    CHECK(part.rows() == 3);
    CHECK(part.row_data(0) == wide.row_data(2));
    CHECK(part.stride() == 20);
    CHECK(wide.slice(8, 0).empty());
    CHECK(MatrixView().empty());
}

TEST_CASE("bytes of a row, for every element") {
    CHECK(row_bytes(Element::float32, 3) == 12);
    CHECK(row_bytes(Element::float16, 3) == 6);
    CHECK(row_bytes(Element::bfloat16, 3) == 6);
    CHECK(row_bytes(Element::int8, 3) == 3);
    CHECK(row_bytes(Element::uint8, 3) == 3);
    CHECK(row_bytes(Element::bits, 1) == 1);
    CHECK(row_bytes(Element::bits, 8) == 1);
    CHECK(row_bytes(Element::bits, 9) == 2);
    CHECK(row_bytes(Element::float32, max_dim) == 262144);
}

TEST_CASE("a slice of bytes keeps the owner alive") {
    auto owner = std::make_shared<std::vector<std::uint32_t>>(8);
    (*owner)[5] = 55;
    const std::weak_ptr<std::vector<std::uint32_t>> watch = owner;
    Bytes slice = Bytes(owner, std::as_bytes(std::span(std::as_const(*owner)))).slice(16, 8);
    owner.reset();
    CHECK_FALSE(watch.expired());
    CHECK(slice.as<std::uint32_t>().size() == 2);
    CHECK(slice.as<std::uint32_t>()[1] == 55);
    slice = {};
    CHECK(watch.expired());
    CHECK(slice.empty());
}

TEST_CASE("a deadline so far off that the clock cannot say it is never") {
    CHECK(Deadline{}.never());
    CHECK(Deadline::after(std::chrono::seconds(-1)).expired());
    CHECK(Deadline::after(Clock::duration::zero()).expired());
    CHECK_FALSE(Deadline::after(std::chrono::hours(1)).expired());
    CHECK_FALSE(Deadline::after(std::chrono::hours(1)).never());
    CHECK(Deadline::after(Clock::duration::max()).never());
    CHECK(Deadline::after(Clock::duration::max() - std::chrono::seconds(1)).never());
    CHECK(Deadline::after(Clock::duration::min()).expired());
}
