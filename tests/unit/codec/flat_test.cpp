// How Flat lays a row out, and what it refuses to open. What it computes is in contract/codec_test.cpp.
#include <tonari/codec/flat.hpp>

#include <cstring>

#include "support/catch.hpp"
#include "support/rows.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

struct CodecRecord {
    std::uint32_t dim = 8;
    std::uint8_t element = 1;
    std::uint8_t metric = 1;
    std::uint8_t reserved[2] = {};
    char metric_name[56] = {};
};

std::vector<std::byte> image_with(const CodecRecord& record, std::uint32_t version = 1) {
    SimulatedDisk disk;
    FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
    writer.sections().add_record("codec", version, record).value();
    writer.finish().value();
    return disk.content("codec.tnr");
}

template <class C = Flat<>>
Error refusal(const CodecRecord& record, std::uint32_t version = 1) {
    const auto file = open_image(image_with(record, version)).value();
    const auto codec = C::open(file.sections());
    REQUIRE_FALSE(codec.ok());
    return codec.error();
}

struct Named {
    static constexpr MetricKind kind = MetricKind::user;
    static constexpr std::string_view name = "named";
    [[nodiscard]] float distance(VectorView<float>, VectorView<float>) const noexcept { return 0; }
    [[nodiscard]] float score(float d) const noexcept { return d; }
};

}  // namespace

TEST_CASE("flat codec: values, zeros up to four bytes, the inverse norm under cosine", "[codec]") {
    const std::vector<std::uint8_t> row = {3, 0, 4, 0, 0};
    const auto cosine = Flat<>::create(Element::uint8, 5, MetricKind::cosine).value();
    REQUIRE(cosine.code_size() == 12);
    std::vector<std::byte> code(12, std::byte{0xee});
    cosine.encode(row, {}, code);
    CHECK(std::memcmp(code.data(), row.data(), 5) == 0);
    CHECK(std::all_of(code.begin() + 5, code.begin() + 8, [](std::byte b) { return b == std::byte{0}; }));
    float inverse = 0;
    std::memcpy(&inverse, code.data() + 8, 4);
    CHECK(inverse == 0.2F);
    const auto l2 = Flat<>::create(Element::uint8, 5, MetricKind::l2).value();
    CHECK(l2.code_size() == 8);
    const std::vector<std::uint8_t> zeros(5, 0);
    cosine.encode(zeros, {}, code);
    std::memcpy(&inverse, code.data() + 8, 4);
    CHECK(inverse == 0);
    CHECK(Flat<>::create(Element::float16, 3, MetricKind::l2).value().code_size() == 8);
    CHECK(Flat<>::create(Element::bits, 33, MetricKind::hamming).value().code_size() == 8);
    // Queries of half precision are held in float32.
    CHECK(Flat<>::create(Element::float16, 3, MetricKind::l2).value().query_size() == 12);
    CHECK(Flat<>::create(Element::float16, 3, MetricKind::cosine).value().query_size() == 16);
}

TEST_CASE("flat codec: what a file may not say", "[codec]") {
    CodecRecord record;
    CHECK(Flat<>::open(open_image(image_with(record)).value().sections()).ok());
    record.element = 7;
    CHECK(refusal(record).code == ErrorCode::corrupt);
    CHECK(refusal(record).message.find("unknown element 7") != std::string::npos);
    record = {};
    record.metric = 77;
    CHECK(refusal(record).code == ErrorCode::unsupported);
    CHECK(refusal(record).message.find("77") != std::string::npos);
    record = {};
    record.dim = 0;
    CHECK(refusal(record).code == ErrorCode::corrupt);
    record.dim = 70'000;
    CHECK(refusal(record).code == ErrorCode::corrupt);
    record = {};
    record.element = 6;  // bits under l2
    CHECK(refusal(record).code == ErrorCode::corrupt);
    record = {};
    CHECK(refusal(record, 2).code == ErrorCode::unsupported);
    CHECK(refusal<Flat<Cosine>>(record).message.find("expected metric cosine, the file has l2") != std::string::npos);
    record.metric = 255;
    std::memset(record.metric_name, 'x', sizeof record.metric_name);  // no NUL at the end
    CHECK(refusal(record).message.find(std::string(56, 'x')) != std::string::npos);
    CHECK(refusal<Flat<Named>>(record).message.find("'named'") != std::string::npos);
}

TEST_CASE("flat codec: what queries it takes", "[codec]") {
    const auto half = Flat<>::create(Element::float16, 3, MetricKind::l2).value();
    CHECK(half.accepts(Element::float16));
    CHECK(half.accepts(Element::float32));
    CHECK_FALSE(half.accepts(Element::bfloat16));
    const auto bytes = Flat<>::create(Element::uint8, 3, MetricKind::l2).value();
    CHECK(bytes.accepts(Element::uint8));
    CHECK_FALSE(bytes.accepts(Element::int8));
    CHECK_FALSE(bytes.accepts(Element::float32));
}
