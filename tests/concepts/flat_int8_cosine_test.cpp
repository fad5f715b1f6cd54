// Archetype: rows of float32 stored as int8, compared by cosine. An exact collector takes its estimates as distances.
#include <cmath>
#include <cstring>
#include <vector>

#include <tonari/codec/scorer.hpp>
#include <tonari/core/top_k.hpp>

#include "concepts/collect.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

/// | dim values, int8 | zeros up to a multiple of 4 | inverse norm of the int8 values |
class Int8Cosine {
public:
    static constexpr CodecKind kind = CodecKind::user;
    using Row = VectorView<float>;

    explicit Int8Cosine(Dim dim) : dim_(dim) {}
    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return norm_at() + sizeof(float); }
    void encode(VectorView<float> row, Origin /*absolute*/, std::span<std::byte> code) const noexcept {
        float largest = 0;
        for (const float v : row) largest = std::max(largest, std::abs(v));
        std::fill(code.begin(), code.end(), std::byte{0});
        double square = 0;
        for (Dim i = 0; i < dim_; ++i) {
            const auto value = static_cast<std::int8_t>(largest > 0 ? std::lround(127 * row[i] / largest) : 0);
            std::memcpy(code.data() + i, &value, 1);
            square += value * value;
        }
        const float inverse = square > 0 ? static_cast<float>(1 / std::sqrt(square)) : 0.0F;
        std::memcpy(code.data() + norm_at(), &inverse, sizeof inverse);
    }
    void decode(std::span<const std::byte> code, Origin /*absolute*/, std::span<float> out) const noexcept {
        float inverse = 0;
        std::memcpy(&inverse, code.data() + norm_at(), sizeof inverse);
        for (Dim i = 0; i < dim_; ++i) out[i] = static_cast<float>(static_cast<std::int8_t>(code[i])) * inverse;
    }
    Status save(SectionWriter& writer) const { return writer.add_record("int8_cosine", 1, dim_); }
    static Result<Int8Cosine> open(const SectionReader& reader) {
        auto dim = reader.record<Dim>("int8_cosine", 1);
        if (!dim) return std::move(dim).error();
        return Int8Cosine(*dim);
    }

private:
    [[nodiscard]] std::size_t norm_at() const noexcept { return (std::size_t{dim_} + 3) / 4 * 4; }
    Dim dim_;
};

class Int8CosineScorer {
public:
    static constexpr bool bounded = false;

    Int8CosineScorer(const Int8Cosine& codec, VectorView<float> query)
        : codec_(&codec), query_(codec.dim()), row_(codec.dim()) {
        std::vector<std::byte> code(codec.code_size());
        codec.encode(query, {}, code);
        codec.decode(code, {}, query_);
    }
    void enter(Origin) noexcept {}
    void gather(std::span<const std::byte* const> codes, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < codes.size(); ++i) keep(i, codes[i], bound, out);
    }
    void scan(const CodeBlock& block, float bound, Survivors& out) noexcept {
        for (std::size_t i = 0; i < block.count; ++i) keep(i, block.first + i * block.stride, bound, out);
    }

private:
    void keep(std::size_t i, const std::byte* code, float bound, Survivors& out) noexcept {
        codec_->decode({code, codec_->code_size()}, {}, row_);
        double product = 0;
        for (std::size_t d = 0; d < row_.size(); ++d) product += double{query_[d]} * row_[d];
        const auto distance = static_cast<float>(1 - product);
        if (!(distance < bound)) return;
        out.index[out.count] = static_cast<std::uint32_t>(i);
        out.estimate[out.count++] = distance;
    }
    const Int8Cosine* codec_;
    std::vector<float> query_;
    std::vector<float> row_;
};

static_assert(Codec<Int8Cosine>);
static_assert(!TrainableCodec<Int8Cosine>);
static_assert(Scorer<Int8CosineScorer>);
static_assert(Collector<TopK>);

}  // namespace

TEST_CASE("concepts: flat int8 under cosine", "[concepts]") {
    const Rows rows = clustered_rows(Element::float32, 30, 1500, 1);
    const Rows queries = clustered_rows(Element::float32, 30, 10, 2);
    const Int8Cosine codec(30);
    std::vector<std::byte> codes(rows.size() * codec.code_size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        codec.encode(rows.values(i), {}, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
    }
    Survivors survivors;
    TopK nearest;
    double found = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        Int8CosineScorer scorer(codec, queries.values(q));
        nearest.reset(10);
        collect(scorer, {codes.data(), codec.code_size(), rows.size()}, 0, nearest, survivors);
        const auto truth = all_sorted(definition_of(MetricKind::cosine), rows, {}, queries.values(q));
        for (const OrderedKey key : nearest.sort()) {
            const float exact = definition_of(MetricKind::cosine)(queries.values(q), rows.values(row_of(key)));
            CHECK(distance_of(key) == Approx(exact).margin(0.02));
            found += exact <= truth[9].distance ? 1 : 0;
        }
    }
    CHECK(found >= 90);
}

TEST_CASE("concepts: a codec of one's own goes through a file", "[concepts]") {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
    REQUIRE(Int8Cosine(77).save(writer.sections()).ok());
    REQUIRE(writer.finish().ok());
    const auto file = open_image(disk.content("codec.tnr")).value();
    CHECK(Int8Cosine::open(file.sections()).value().dim() == 77);
}
