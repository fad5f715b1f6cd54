// A map's products by the kernels, and its sections of a file.
#include <tonari/train/linear_map.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <tonari/core/aligned.hpp>
#include <tonari/simd/kernels.hpp>

#include "train/float_rows.hpp"

namespace tonari::train {
namespace {

/// A row of the matrix has length 1 but for what float32 rounds; one that is longer would let mapped rows overflow.
constexpr float longest_square = 1.001F;

Result<Bytes> copy(std::span<const float> values) {
    auto buffer = AlignedBuffer::allocate(values.size_bytes());
    if (!buffer) return std::move(buffer).error();
    std::memcpy(buffer->data(), values.data(), values.size_bytes());
    return std::move(*buffer).freeze();
}

/// What is wrong with such values, or nothing.
std::string fault(Dim in, Dim out, std::span<const float> matrix, std::span<const float> middle) {
    const auto square = simd::kernels().squared_norm[0];
    for (Dim i = 0; i < out; ++i) {
        if (!(square(matrix.data() + std::size_t{i} * in, in) <= longest_square)) {  // NaN is not, either
            return "rows of length 1, got another at row " + std::to_string(i);
        }
    }
    if (!middle.empty() && !is_usable(RowView(middle)))
        return "a finite middle whose square float32 holds, got another";
    return {};
}

}  // namespace

Result<LinearMap> LinearMap::create(Dim in, Dim out, std::span<const float> matrix, std::span<const float> middle) {
    const auto refused = [](const std::string& expected) {
        return Error{ErrorCode::invalid_argument, "linear map: expected " + expected};
    };
    if (in == 0 || in > max_map_dim || out == 0 || out > in) {
        return refused("from 1 to " + std::to_string(max_map_dim) + " dimensions to at most as many, got " +
                       std::to_string(in) + " to " + std::to_string(out));
    }
    if (matrix.size() != std::size_t{in} * out || (!middle.empty() && middle.size() != in)) {
        return refused(std::to_string(out) + " x " + std::to_string(in) + " values, and " + std::to_string(in) +
                       " or none of a middle, got " + std::to_string(matrix.size()) + " and " +
                       std::to_string(middle.size()));
    }
    if (const std::string wrong = fault(in, out, matrix, middle); !wrong.empty()) return refused(wrong);
    auto kept = copy(matrix);
    if (!kept) return std::move(kept).error();
    auto kept_middle = middle.empty() ? Result<Bytes>(Bytes{}) : copy(middle);
    if (!kept_middle) return std::move(kept_middle).error();
    return LinearMap(in, out, *std::move(kept), *std::move(kept_middle));
}

void LinearMap::take_off_middle(float* values) const noexcept {
    const auto middle = middle_.as<float>();
    for (std::size_t i = 0; i < middle.size(); ++i) values[i] -= middle[i];
}

void LinearMap::apply(float* values, float* out) const noexcept {
    take_off_middle(values);
    simd::kernels()
        .of(MetricKind::inner_product, Element::float32)
        .scan(values, matrix_.data(), row_bytes(Element::float32, in_), out_, in_, out);
    for (Dim i = 0; i < out_; ++i) out[i] = -out[i];  // the kernels' products are negated
}

/// A product does not depend on which of the two is the query: so these are the bits of `apply` for each row.
void LinearMap::apply(float* values, std::size_t count, float* out) const noexcept {
    for (std::size_t row = 0; row < count; ++row) take_off_middle(values + row * in_);
    const auto scan = simd::kernels().of(MetricKind::inner_product, Element::float32).scan;
    const auto* const rows = reinterpret_cast<const std::byte*>(values);
    std::array<float, most_rows> products;  // NOLINT(cppcoreguidelines-pro-type-member-init): the kernel writes it
    for (Dim i = 0; i < out_; ++i) {
        const float* const direction = matrix().data() + std::size_t{i} * in_;
        scan(direction, rows, row_bytes(Element::float32, in_), count, in_, products.data());
        for (std::size_t row = 0; row < count; ++row) out[row * out_ + i] = -products[row];
    }
}

// --- Bytes ----------------------------------------------------------------------------------------------------------

struct LinearMap::Record {
    std::uint32_t in;
    std::uint32_t out;
    std::uint8_t centred;
    std::uint8_t reserved[7];
};

Status LinearMap::save(SectionWriter& writer) const {
    Record record{};
    record.in = in_;
    record.out = out_;
    record.centred = centred() ? 1 : 0;
    if (Status s = writer.add_record("map", 1, record); !s) return s;
    if (Status s = writer.add("matrix", 1, matrix_.span()); !s) return s;
    return centred() ? writer.add("middle", 1, middle_.span()) : Status{};
}

Result<LinearMap> LinearMap::open(const SectionReader& reader) {
    auto record = reader.record<Record>("map", 1);
    if (!record) return std::move(record).error();
    const Dim in = record->in;
    const Dim out = record->out;
    if (in == 0 || in > max_map_dim || out == 0 || out > in || record->centred > 1) {
        return reader.corrupt("map", "expected a map from 1 to " + std::to_string(max_map_dim) +
                                         " dimensions to at most as many, got one from " + std::to_string(in) + " to " +
                                         std::to_string(out));
    }
    auto matrix = reader.array<float>("matrix", std::uint64_t{in} * out);
    if (!matrix) return std::move(matrix).error();
    Bytes middle;
    if (record->centred == 1) {
        auto stored = reader.array<float>("middle", in);
        if (!stored) return std::move(stored).error();
        middle = *std::move(stored);
    }
    const std::string wrong = fault(in, out, matrix->as<float>(), middle.as<float>());
    if (!wrong.empty()) return reader.corrupt("matrix", "expected " + wrong);
    return LinearMap(in, out, *std::move(matrix), std::move(middle));
}

}  // namespace tonari::train
