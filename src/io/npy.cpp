// NumPy's file format, as far as vectors need it: two dimensions, C order, little-endian numbers.
//
//     \x93NUMPY | major minor | length u16 (v1) or u32 (v2, v3) | {'descr': '<f4', 'fortran_order': False, 'shape': (n, d), } \n
//
// The dictionary is Python text. NumPy writes it in one form, with these three keys; this reads that form, with any
// spacing, order of keys and quotes, and refuses the rest.
#include <array>
#include <cstring>
#include <optional>

#include <tonari/io/format.hpp>

#include "text.hpp"
#include "vecs_layout.hpp"

namespace tonari::vecs {
namespace {

Error corrupt(std::string_view message) { return {ErrorCode::corrupt, say("npy: ", message)}; }
Error unsupported(std::string_view message) { return {ErrorCode::unsupported, say("npy: ", message)}; }

/// The dictionary, eaten from the left.
class Text {
public:
    explicit Text(std::string_view text) noexcept : rest_(text) {}

    bool eat(char c) noexcept {
        skip_space();
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool eat(std::string_view word) noexcept {
        skip_space();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    std::optional<std::string_view> quoted() noexcept {
        skip_space();
        if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return std::nullopt;
        const std::size_t end = rest_.find(rest_[0], 1);
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view inside = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return inside;
    }
    /// Digits; with an L behind them in files of Python 2.
    std::optional<std::uint64_t> number() noexcept {
        skip_space();
        std::uint64_t value = 0;
        std::size_t n = 0;
        for (; n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9'; ++n) {
            const auto digit = static_cast<std::uint64_t>(rest_[n] - '0');
            if (value > (~std::uint64_t{0} - digit) / 10) return std::nullopt;
            value = value * 10 + digit;
        }
        if (n == 0) return std::nullopt;
        rest_.remove_prefix(n);
        if (rest_.starts_with('L')) rest_.remove_prefix(1);
        return value;
    }
    bool at_end() noexcept {
        skip_space();
        return rest_.empty();
    }

private:
    void skip_space() noexcept {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t' || rest_[0] == '\r'))
            rest_.remove_prefix(1);
    }
    std::string_view rest_;
};

struct Dictionary {
    std::optional<std::string_view> descr;
    std::optional<bool> fortran;
    std::array<std::uint64_t, 2> shape = {};
    std::size_t dimensions = 0;
    bool has_shape = false;
};

bool eat_shape(Text& text, Dictionary& out) noexcept {
    if (!text.eat('(')) return false;
    out.has_shape = true;
    while (!text.eat(')')) {
        const std::optional<std::uint64_t> n = text.number();
        if (!n) return false;
        if (out.dimensions < out.shape.size()) out.shape[out.dimensions] = *n;
        ++out.dimensions;
        if (text.eat(',')) continue;
        return text.eat(')');
    }
    return true;
}

bool eat_entry(Text& text, Dictionary& out) noexcept {
    const std::optional<std::string_view> key = text.quoted();
    if (!key || !text.eat(':')) return false;
    if (*key == "descr" && !out.descr)
        return (out.descr = text.quoted()).has_value();  // a list: a record type, which is no vector
    if (*key == "fortran_order" && !out.fortran) {
        if (text.eat("True"))
            out.fortran = true;
        else if (text.eat("False"))
            out.fortran = false;
        return out.fortran.has_value();
    }
    return *key == "shape" && !out.has_shape && eat_shape(text, out);
}

std::optional<Dictionary> parse(std::string_view text_of_it) noexcept {
    Text text(text_of_it);
    Dictionary out;
    if (!text.eat('{')) return std::nullopt;
    while (!text.eat('}')) {
        if (!eat_entry(text, out)) return std::nullopt;
        if (text.eat(',')) continue;
        if (!text.eat('}')) return std::nullopt;
        break;
    }
    if (!text.at_end() || !out.descr || !out.fortran || !out.has_shape) return std::nullopt;
    return out;
}

struct Type {
    std::string_view descr;
    Scalar scalar;
};
constexpr std::array types = {
    Type{"<f4", Scalar::float32}, Type{"<f2", Scalar::float16}, Type{"|i1", Scalar::int8},
    Type{"|u1", Scalar::uint8},   Type{"<i4", Scalar::int32},   Type{"<i8", Scalar::int64},
};

Result<Scalar> scalar_of(std::string_view descr) {
    for (const Type& t : types) {
        if (t.descr == descr || (t.descr[0] == '|' && descr.size() == 3 && t.descr.substr(1) == descr.substr(1)))
            return t.scalar;
    }
    if (descr.starts_with('>'))
        return unsupported(say("values are big-endian ('", descr, "'): save array.astype('<", descr.substr(1), "')"));
    if (descr == "<f8") return unsupported("values are float64: save array.astype('float32')");
    return unsupported(
        say("values are '", descr, "'; expected float32, float16, int8, uint8, or int32 and int64 for ids"));
}

}  // namespace

Result<Layout> npy_layout(std::span<const std::byte> head, std::uint64_t file_size) {
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    if (text.size() < 10) return corrupt(say("file is cut: expected a header, got ", head.size(), " bytes"));
    if (!text.starts_with("\x93NUMPY"))
        return corrupt(say("expected a NumPy array; the file is ", describe_content(head)));
    const int major = static_cast<unsigned char>(text[6]);
    if (major < 1 || major > 3) return unsupported(say("version ", major, "; this library reads 1 to 3"));

    std::uint32_t length = 0;
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    if (text.size() < 8 + length_bytes) return corrupt("file is cut inside its header");
    std::memcpy(&length, text.data() + 8, length_bytes);
    const std::size_t start = 8 + length_bytes;
    if (length > file_size - start)
        return corrupt(say("header of ", length, " bytes does not fit into the file of ", file_size));
    if (length > text.size() - start) return unsupported(say("header of ", length, " bytes; expected at most 65536"));

    const std::optional<Dictionary> dictionary = parse(text.substr(start, length));
    if (!dictionary) return corrupt("header is not {'descr': ..., 'fortran_order': ..., 'shape': (rows, dim), }");
    const Result<Scalar> scalar = scalar_of(*dictionary->descr);
    if (!scalar) return scalar.error();
    if (dictionary->dimensions != 2)
        return unsupported(say("array has ", dictionary->dimensions, " dimensions; expected 2: rows and values"));
    if (*dictionary->fortran && dictionary->shape[0] > 1 && dictionary->shape[1] > 1) {
        return unsupported("array is in Fortran order: save numpy.ascontiguousarray(array)");
    }
    const auto [rows, dim] = dictionary->shape;
    if (dim == 0 || dim > max_dim) return corrupt(say("array has ", dim, " columns; expected 1 to ", max_dim));

    const std::uint64_t first = start + length;
    const Layout layout{.kind = {.frame = Frame::npy, .scalar = *scalar},
                        .first = first,
                        .stride = row_bytes(*scalar, static_cast<Dim>(dim)),
                        .rows = static_cast<std::size_t>(rows),
                        .dim = static_cast<Dim>(dim)};
    if (!holds_exactly(file_size, first, rows, layout.stride)) {
        return corrupt(say("header says ", rows, " rows of ", dim, ' ', name(*scalar), "; got ", file_size - first,
                           " bytes of values"));
    }
    return layout;
}

std::string npy_header(Scalar scalar, std::size_t rows, std::size_t columns) {
    std::string_view descr;
    for (const Type& t : types) {
        if (t.scalar == scalar) descr = t.descr;
    }
    if (descr.empty()) return {};
    std::string dictionary =
        say("{'descr': '", descr, "', 'fortran_order': False, 'shape': (", rows, ", ", columns, "), }");
    while ((10 + dictionary.size() + 1) % 64 != 0) dictionary += ' ';  // so that values start at a multiple of 64
    dictionary += '\n';
    std::string header = "\x93NUMPY";
    header += '\x01';
    header += '\0';
    header += static_cast<char>(dictionary.size() & 0xff);
    header += static_cast<char>(dictionary.size() >> 8);
    return header + dictionary;
}

}  // namespace tonari::vecs
