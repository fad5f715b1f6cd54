// NumPy files: what NumPy writes, what it could write, and what it never would.
#include <string>

#include <tonari/core/random.hpp>
#include <tonari/io/vecs.hpp>

#include "support/catch.hpp"
#include "unit/io/temp_folder.hpp"

namespace {

using namespace tonari;
using Catch::Matchers::Contains;

Bytes npy(std::string_view dictionary, std::size_t value_bytes, int major = 1) {
    auto text = std::make_shared<std::string>("\x93NUMPY");
    *text += static_cast<char>(major);
    *text += '\0';
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    for (std::size_t i = 0; i < length_bytes; ++i) *text += static_cast<char>(dictionary.size() >> (8 * i) & 255);
    *text += dictionary;
    text->append(value_bytes, '\1');
    const auto span = std::as_bytes(std::span(std::as_const(*text)));
    return {std::move(text), span};
}

void refuse(const Bytes& bytes, ErrorCode code, const std::string& words) {
    const Result<Matrix> matrix = parse_matrix("npy", bytes);
    REQUIRE_FALSE(matrix.ok());
    CHECK(matrix.error().code == code);
    CHECK_THAT(matrix.error().message, Contains(words));
}

}  // namespace

TEST_CASE("npy headers of every version and spacing are read") {
    const std::string usual = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    for (const int major : {1, 2, 3}) {
        const Matrix m = parse_matrix("npy", npy(usual + std::string(40, ' ') + "\n", 24, major)).value();
        CHECK(m.rows == 2);
        CHECK(m.dim == 3);
        CHECK(m.element == Element::float32);
    }
    for (const char* other : {"{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
                              "{'shape': (2L, 3L), 'fortran_order': False, 'descr': \"<f4\"}\n",
                              "{ 'shape' : ( 2 , 3 , ) , 'fortran_order' : False , 'descr' : '<f4' , } \t\r\n"}) {
        CAPTURE(other);
        CHECK(parse_matrix("npy", npy(other, 24)).value().rows == 2);
    }
    CHECK(parse_matrix("npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }", 6)).value().element ==
          Element::uint8);
    CHECK(parse_matrix("npy", npy("{'descr': '<u1', 'fortran_order': False, 'shape': (2, 3), }", 6)).value().element ==
          Element::uint8);
    CHECK(parse_matrix("npy", npy("{'descr': '<f2', 'fortran_order': True, 'shape': (1, 3), }", 6)).value().element ==
          Element::float16);
    CHECK(parse_ids("npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }", 48)).value().columns ==
          3);
    CHECK(parse_ids("npy", npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }", 24)).value().ids[0] ==
          0x01010101);
}

TEST_CASE("npy files that hold no rows of ours are refused with what to do") {
    const auto with = [](const std::string& descr, const std::string& order, const std::string& shape) {
        return npy("{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }", 48);
    };
    refuse(with("'<f8'", "False", "(2, 3)"), ErrorCode::unsupported, "float64: save array.astype('float32')");
    refuse(with("'>f4'", "False", "(4, 3)"), ErrorCode::unsupported, "big-endian");
    refuse(with("'<f4'", "True", "(4, 3)"), ErrorCode::unsupported, "ascontiguousarray");
    refuse(with("'<f4'", "False", "(12,)"), ErrorCode::unsupported, "1 dimensions; expected 2");
    refuse(with("'<f4'", "False", "()"), ErrorCode::unsupported, "0 dimensions");
    refuse(with("'<f4'", "False", "(1, 1, 12)"), ErrorCode::unsupported, "3 dimensions");
    refuse(with("'|O'", "False", "(4, 3)"), ErrorCode::unsupported, "'|O'");
    refuse(with("'<i8'", "False", "(2, 3)"), ErrorCode::unsupported, "read_ids");
    refuse(with("[('a', '<f4')]", "False", "(4, 3)"), ErrorCode::corrupt, "header is not");
    refuse(with("'<f4'", "False", "(4, 4)"), ErrorCode::corrupt, "4 rows of 4 float32; got 48 bytes");
    refuse(with("'<f4'", "False", "(4, 0)"), ErrorCode::corrupt, "0 columns");
    refuse(with("'<f4'", "False", "(1, 99999)"), ErrorCode::corrupt, "99999 columns");
    refuse(with("'<f4'", "False", "(18446744073709551615, 3)"), ErrorCode::corrupt, "got 48 bytes");
    refuse(with("'<f4'", "False", "(4611686018427387908, 3)"), ErrorCode::corrupt,
           "got 48 bytes");  // * 12 is 48 in 64 bits
    refuse(with("'<f4'", "False", "(18446744073709551617, 3)"), ErrorCode::corrupt, "header is not");
    refuse(with("'<f4'", "False", "(-4, 3)"), ErrorCode::corrupt, "header is not");
    refuse(with("'<f4'", "Maybe", "(4, 3)"), ErrorCode::corrupt, "header is not");
    refuse(npy("{'descr': '<f4'}", 48), ErrorCode::corrupt, "header is not");
    refuse(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4, 3)}", 48), ErrorCode::corrupt,
           "header is not");
    refuse(npy("", 48), ErrorCode::corrupt, "header is not");
    refuse(npy("{", 0), ErrorCode::corrupt, "header is not");
    refuse(npy("{}", 48, 4), ErrorCode::unsupported, "version 4");
}

TEST_CASE("npy files cut in their header are refused") {
    const Bytes whole = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24);
    for (std::size_t n = 0; n < whole.size(); ++n) {
        CAPTURE(n);
        REQUIRE_FALSE(parse_matrix("npy", whole.slice(0, n)).ok());
    }
    CHECK(parse_matrix("npy", whole).ok());
}

TEST_CASE("npy headers of noise never crash") {
    const std::string_view letters = "{}()':, \"<f4descrfortran_ordershapeTrueFalse0123456789L\n";
    Random random(9);
    for (int i = 0; i < 5000; ++i) {
        std::string text;
        for (std::uint64_t n = random.below(60); n > 0; --n)
            text += letters[static_cast<std::size_t>(random.below(letters.size()))];
        (void)parse_matrix("npy", npy(text, 24)).ok();
    }
    SUCCEED();
}

TEST_CASE("npy values start at a multiple of 64") {
    const test::TempFolder folder;
    for (const std::size_t rows : {1UL, 12UL, 123456UL}) {
        const std::vector<std::uint8_t> values(rows);
        const std::string path = folder.path("x.npy");
        REQUIRE(write_matrix(path, MatrixView(values.data(), rows, 1)).ok());
        CHECK((std::filesystem::file_size(path) - rows) % 64 == 0);
    }
}
