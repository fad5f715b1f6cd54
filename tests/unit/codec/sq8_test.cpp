// How SQ8 lays a row out, rows that leave little to train on, and what it refuses. What it computes is in
// contract/codec_test.cpp.
#include <tonari/codec/sq8.hpp>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/catch.hpp"
#include "support/rounded.hpp"
#include "support/rows.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

struct Sq8Record {
    std::uint32_t dim = 8;
    std::uint8_t metric = 1;
    std::uint8_t reserved[3] = {};
    float scale = 10;
};

/// `middle`: how many values it has, the last of them `value`.
Result<Sq8<>> opened(const Sq8Record& record, std::size_t middle, float value = 1, std::uint32_t version = 1) {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
    writer.sections().add_record("sq8", version, record).value();
    std::vector<float> values(middle, 1);
    if (middle > 0) {
        values.back() = value;
        writer.sections().add_array("sq8/middle", 1, std::span<const float>(values)).value();
    }
    writer.finish().value();
    return Sq8<>::open(open_image(disk.content("codec.tnr")).value().sections());
}

std::string refusal(const Result<Sq8<>>& codec, ErrorCode code) {
    REQUIRE_FALSE(codec.ok());
    CHECK(name(codec.error().code) == name(code));
    return codec.error().message;
}

/// The distances of the first row from all, when it is asked for.
std::vector<float> distances_from_first(const Sq8<>& codec, const Rows& rows) {
    std::vector<std::byte> codes(rows.size() * codec.code_size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        codec.encode(rows.row(i), {}, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
    }
    std::vector<float> prepared(codec.query_size() / 4);
    codec.prepare(rows.row(0), reinterpret_cast<std::byte*>(prepared.data()));
    auto scorer = codec.scorer();
    scorer.set_query(prepared.data());
    std::vector<float> distances(rows.size());
    scorer.distances(CodeBlock{codes.data(), codec.code_size(), rows.size()}, distances.data());
    return distances;
}

}  // namespace

TEST_CASE("sq8 codec: values, zeros up to four bytes, the inverse norm under cosine; the factor behind a query",
          "[codec]") {
    Rows rows(Element::float32, 5, 1);
    rows.set(0, std::vector<float>{30, 0, -40, 0, 0});
    const auto cosine = Sq8<>::create(5, MetricKind::cosine).value();
    REQUIRE(cosine.code_size() == 12);
    REQUIRE(cosine.query_size() == 16);
    std::vector<std::byte> code(16, std::byte{0xee});
    cosine.prepare(rows.row(0), code.data());
    const std::vector<std::int8_t> expected = {95, 0, -127, 0, 0, 0, 0, 0};  // 127 / 40 for each unit
    CHECK(std::memcmp(code.data(), expected.data(), 8) == 0);
    std::array<float, 2> behind{};
    std::memcpy(behind.data(), code.data() + 8, 8);
    CHECK(std::abs(behind[0] - 1 / std::sqrt(95.0F * 95 + 127 * 127)) < 1e-8F);
    CHECK(behind[1] == 1);

    const auto product = Sq8<>::train(rows.view(), {MetricKind::inner_product}).value();
    REQUIRE(product.code_size() == 8);
    CHECK(product.scale() == 127.0F / 40);
    Rows query(Element::float32, 5, 1);
    query.set(0, std::vector<float>{0, 0, 4, 0, 0});
    product.prepare(query.row(0), code.data());
    CHECK(static_cast<std::int8_t>(code[2]) == 127);
    std::memcpy(behind.data(), code.data() + 8, 4);
    CHECK(std::abs(behind[0] - 40.0F / 127 * 4 / 127) < 1e-8F);
}

TEST_CASE("sq8 codec: rows that leave little to train on", "[codec]") {
    constexpr float huge = 9e18F;
    const auto filled = [](std::size_t count, auto&& value) {
        Rows rows(Element::float32, 3, count);
        for (std::size_t i = 0; i < count; ++i) {
            std::vector<float> values(3);
            for (std::size_t d = 0; d < 3; ++d) values[d] = value(i, d);
            rows.set(i, values);
        }
        return rows;
    };
    const auto sign = [](std::size_t i) { return i % 2 == 0 ? 1.0F : -1.0F; };
    const std::vector<std::pair<const char*, Rows>> cases = {
        {"one row", filled(1, [](auto, auto d) { return 3.0F + static_cast<float>(d); })},
        {"one row of zeros", filled(1, [](auto, auto) { return 0.0F; })},
        {"equal rows", filled(50, [](auto, auto d) { return static_cast<float>(d) - 0.3F; })},
        {"zeros", filled(50, [](auto, auto) { return 0.0F; })},
        {"a constant dimension", filled(50, [](auto i, auto d) { return d == 1 ? 7.0F : static_cast<float>(i); })},
        {"huge", filled(50, [&](auto i, auto d) { return d == 0 ? sign(i) * huge : 0.0F; })},
        {"tiny", filled(50, [&](auto i, auto) { return sign(i) * 1e-30F; })},
        {"denormal", filled(50, [&](auto i, auto) { return sign(i) * 1e-44F; })},
        {"huge among small", filled(50, [](auto i, auto) { return i == 9 ? 5e18F : static_cast<float>(i); })},
    };
    for (const auto& [what, rows] : cases) {
        for (const MetricKind metric : vector_metrics) {
            INFO(what << " " << name(metric));
            const auto codec = Sq8<>::train(rows.view(), {metric}).value();
            CHECK(std::isfinite(codec.scale()));
            CHECK(codec.scale() > 0);
            const std::vector<float> distances = distances_from_first(codec, rows);
            CHECK(std::all_of(distances.begin(), distances.end(), [](float d) { return std::isfinite(d); }));
            const bool own_is_nearest = metric == MetricKind::l2 || metric == MetricKind::l1;
            if (own_is_nearest) CHECK(distances[0] == 0);
            const auto decoded = rounded_row(codec, rows.row(0));
            CHECK(std::all_of(decoded.begin(), decoded.end(), [](float value) { return std::isfinite(value); }));
            if (what == std::string_view("one row") && metric != MetricKind::cosine) {
                for (std::size_t d = 0; d < 3; ++d) CHECK(std::abs(decoded[d] - rows.values(0)[d]) < 0.03F);
            }
        }
    }
    // Far from the only row that was trained on, distances are still what they should be, as far as that row reaches.
    const auto codec = Sq8<>::train(cases[0].second.view(), {MetricKind::l2}).value();
    Rows two = filled(2, [](auto i, auto d) { return 3.0F + static_cast<float>(d + i); });
    CHECK(std::abs(distances_from_first(codec, two)[1] - 3) < 0.3F);
}

TEST_CASE("sq8 codec: under cosine length does not count", "[codec]") {
    const auto codec = Sq8<>::create(20, MetricKind::cosine).value();
    const Rows rows = clustered_rows(Element::float32, 20, 1, 3);
    for (const float factor : {1e-18F, 0.5F, 1e15F}) {  // one with a rounding of its own, too
        Rows scaled(Element::float32, 20, 1);
        std::vector<float> values(rows.values(0).begin(), rows.values(0).end());
        for (float& value : values) value *= factor;
        scaled.set(0, values);
        const auto a = rounded_row(codec, rows.row(0));
        const auto b = rounded_row(codec, scaled.row(0));
        for (std::size_t d = 0; d < 20; ++d) CHECK(std::abs(a[d] - b[d]) <= 1.0F / 127);
        CHECK(Cosine{}.distance(a, b) < 1e-4F);
    }
}

TEST_CASE("sq8 codec: sampled rows give about the same, and the same seed the very same", "[codec]") {
    const Rows rows = clustered_rows(Element::float32, 1024, 3000, 4);  // 1,024 of them are looked at
    const auto scale = [&](std::uint64_t seed) {
        return Sq8<>::train(rows.view(), {MetricKind::l2, seed}).value().scale();
    };
    CHECK(scale(1) == scale(1));
    CHECK(std::abs(scale(1) / scale(2) - 1) < 0.2F);
}

TEST_CASE("sq8 codec: what it takes, and what it does not", "[codec]") {
    const Rows rows = clustered_rows(Element::float32, 8, 10, 5);
    const auto codec = Sq8<>::train(rows.view(), {MetricKind::l2}).value();
    for (const Element element : all_elements) {
        const bool real = element == Element::float32 || element == Element::float16 || element == Element::bfloat16;
        CHECK(codec.accepts(element) == real);
        if (real) continue;
        const Rows others = clustered_rows(element, 8, 10, 5);
        const std::string message = refusal(Sq8<>::train(others.view(), {MetricKind::l2}), ErrorCode::unsupported);
        CHECK(message.find("expected float32, float16 or bfloat16") != std::string::npos);
        CHECK(message.find(name(element)) != std::string::npos);
    }
    refusal(Sq8<>::train(rows.view(), {MetricKind::hamming}), ErrorCode::unsupported);
    refusal(Sq8<>::train(rows.view().slice(0, 0), {MetricKind::l2}), ErrorCode::invalid_argument);
    refusal(Sq8<>::train(MatrixView(rows.bytes().data(), 0, 0, Element::float32), {MetricKind::l2}),
            ErrorCode::invalid_argument);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::l1}) {
        const std::string message = refusal(Sq8<>::create(8, metric), ErrorCode::unsupported);
        CHECK(message.find(name(metric)) != std::string::npos);
        CHECK(message.find("first rows") != std::string::npos);
    }
    CHECK(Sq8<>::create(8, MetricKind::cosine).ok());
    refusal(Sq8<>::create(0, MetricKind::cosine), ErrorCode::invalid_argument);
}

TEST_CASE("sq8 codec: what a file may not say", "[codec]") {
    CHECK(opened({}, 8).ok());
    CHECK(refusal(opened({}, 7), ErrorCode::corrupt).find("sq8/middle") != std::string::npos);
    CHECK(refusal(opened({}, 0), ErrorCode::corrupt).find("sq8/middle") != std::string::npos);
    for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        CHECK(refusal(opened({}, 8, value), ErrorCode::corrupt).find("finite") != std::string::npos);
        CHECK(refusal(opened({.scale = value}, 8), ErrorCode::corrupt).find("scale") != std::string::npos);
    }
    for (const float scale : {0.0F, -1.0F, 1e-30F}) refusal(opened({.scale = scale}, 8), ErrorCode::corrupt);
    refusal(opened({.dim = 0}, 8), ErrorCode::corrupt);
    refusal(opened({.dim = 70'000}, 8), ErrorCode::corrupt);
    refusal(opened({}, 8, 1, 2), ErrorCode::unsupported);
    for (const unsigned metric : {0U, 5U, 77U, 255U}) {
        refusal(opened({.metric = static_cast<std::uint8_t>(metric)}, 8), ErrorCode::unsupported);
    }
    CHECK(opened({.metric = 2}, 0).ok());
    CHECK(opened({.metric = 3, .scale = 1}, 0).ok());
    refusal(opened({.metric = 3, .scale = 2}, 0), ErrorCode::corrupt);
}
