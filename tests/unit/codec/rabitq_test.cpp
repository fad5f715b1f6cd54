// Codes of 2 to 8 bits a value: as near to their rows as codes can be, right about their own error, and asked after their signs.
#include <tonari/codec/rabitq.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"
#include "unit/codec/coded_blocks.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

static_assert(BlockCodec<RaBitQ>);

namespace {

constexpr std::array metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

RaBitQ trained(const Rows& rows, MetricKind metric, std::size_t bits, Origin origin = {}) {
    const std::vector<float> sample = relative_rows<RaBitQ>(rows, metric, origin);
    return RaBitQ::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.metric = metric, .bits = bits}).value();
}

/// The codes of a row, read from its block.
std::vector<unsigned> codes_of(const Coded<RaBitQ>& coded, std::size_t row) {
    const RaBitQ& codec = coded.codec;
    const std::size_t values = (codec.dim() + 15U) / 16 * 16;
    const std::size_t bits = codec.bits();
    const std::byte* const block = coded.blocks.data() + row / 32 * codec.block_size();
    const std::size_t place = row % 32;
    const std::size_t head = values / 16 * 64 + 3 * 32 * sizeof(float);
    const std::byte* const planes = block + head + place * ((bits - 1) * values / 8 + 3 * sizeof(float));
    std::vector<unsigned> codes(values);
    for (std::size_t i = 0; i < values; ++i) {
        const auto part = std::to_integer<unsigned>(block[i / 16 * 64 + place % 16 * 4 + i / 4 % 4]);
        codes[i] = part >> (place / 16 * 4 + i % 4) & 1U;
        for (std::size_t p = 0; p + 1 < bits; ++p) {
            codes[i] = 2 * codes[i] + (std::to_integer<unsigned>(planes[p * values / 8 + i / 8]) >> (i % 8) & 1U);
        }
    }
    return codes;
}

/// The tangent of the angle between a row and its code: what is left over, as a share of the row.
double left_over(std::span<const float> row, std::span<const double> code) {
    double along = 0;
    double square = 0;
    double length = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        along += static_cast<double>(row[i]) * code[i];
        square += static_cast<double>(row[i]) * static_cast<double>(row[i]);
        length += code[i] * code[i];
    }
    return std::sqrt(std::max(square * length / (along * along) - 1, 0.0));
}

/// The same of the best code there is: whatever the row is taken times, a code changes where one of its values crosses a step.
double least_left_over(std::span<const float> row, std::size_t bits) {
    const auto most = static_cast<double>((1U << (bits - 1)) - 1);
    std::vector<double> scales;
    for (const float value : row) {
        for (double step = 1; step <= most; ++step) {
            scales.push_back(step / std::abs(static_cast<double>(value)) * (1 + 1e-9));
        }
    }
    double least = 1e9;
    std::vector<double> code(row.size());
    for (const double scale : scales) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto value = static_cast<double>(row[i]);
            code[i] = std::copysign(std::min(std::floor(std::abs(value) * scale), most) + 0.5, value);
        }
        least = std::min(least, left_over(row, code));
    }
    return least;
}

}  // namespace

TEST_CASE("rabitq: each bit halves the error, which is what the code says it is") {
    for (const Dim dim : {24U, 96U, 200U}) {
        const Rows rows = clustered_rows(Element::float32, dim, 500, 1);
        const Rows queries = clustered_rows(Element::float32, dim, 60, 2);
        for (const MetricKind metric : metrics) {
            double before = 0;
            for (std::size_t bits = 2; bits <= 8; ++bits) {
                const Coded<RaBitQ> coded(trained(rows, metric, bits), rows, {});
                const Off off = measure(coded, rows, queries, metric);
                CAPTURE(dim, name(metric), bits, off.bias, off.deviation, before, off.normed, off.above);
                CHECK(std::abs(off.bias) < 0.1 * off.deviation);
                CHECK(off.normed > 0.8);
                CHECK(off.normed < 1.1);
                CHECK(off.above < 0.003);
                if (bits > 2) CHECK(off.deviation < 0.62 * before);
                if (bits > 2) CHECK(off.deviation > 0.4 * before);
                before = off.deviation;
            }
        }
    }
}

TEST_CASE("rabitq: a code is nearly the best that its bits allow, its highest bits are those of one bit") {
    constexpr Dim dim = 48;
    const Rows rows = clustered_rows(Element::float32, dim, 40, 3);
    const std::vector<float> zeros(dim, 0.0F);
    const Origin origin{.centroid = zeros.data()};
    const train::Rotation rotation(dim, RaBitQParams{}.seed);
    for (const std::size_t bits : {2U, 3U, 4U, 6U, 8U}) {
        const Coded<RaBitQ> coded(trained(rows, MetricKind::l2, bits), rows, origin);
        const Coded<FastScan> signs(
            FastScan::train(MatrixView(rows.values(0).data(), 1, dim), {.metric = MetricKind::l2}).value(), rows,
            origin);
        double excess = 0;
        double worst = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::vector<float> rotated(rotation.size());
            rotation.apply(rows.values(i).data(), rotated.data());
            const std::vector<unsigned> codes = codes_of(coded, i);
            std::vector<double> stands_for;
            std::size_t wrong = 0;
            for (std::size_t d = 0; d < codes.size(); ++d) {
                stands_for.push_back(codes[d] - (std::exp2(static_cast<double>(bits)) - 1) / 2);
                wrong += (stands_for.back() > 0) == (rotated[d] > 0) ? 0 : 1;
            }
            CHECK(wrong == 0);
            const double more = left_over(rotated, stands_for) / least_left_over(rotated, bits) - 1;
            excess += more / static_cast<double>(rows.size());
            worst = std::max(worst, more);
        }
        CAPTURE(bits, excess, worst);
        CHECK(excess < (bits <= 4 ? 0.001 : bits <= 6 ? 0.02 : 0.06));
        CHECK(worst > -1e-6);
        for (std::size_t block = 0; block < 2; ++block) {  // signs and their factors: FastScan's block
            CHECK(std::memcmp(coded.blocks.data() + block * coded.codec.block_size(),
                              signs.blocks.data() + block * signs.codec.block_size(), signs.codec.block_size()) == 0);
        }
    }
}

TEST_CASE("rabitq: a scan looks at whole codes wherever the signs do not rule a row out") {
    const Rows rows = clustered_rows(Element::float32, 40, 300, 4);
    const Rows queries = clustered_rows(Element::float32, 40, 10, 5);
    for (const MetricKind metric : metrics) {
        for (const std::size_t bits : {2U, 5U}) {
            const Coded<RaBitQ> coded(trained(rows, metric, bits), rows, {});
            const std::vector<float> sample = relative_rows<FastScan>(rows, metric, {});
            const Coded<FastScan> signs(
                FastScan::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.metric = metric}).value(), rows,
                {});
            auto all = std::make_unique<Survivors>();
            auto by_signs = std::make_unique<Survivors>();
            auto some = std::make_unique<Survivors>();
            for (std::size_t q = 0; q < queries.size(); ++q) {
                coded.ask(queries.row(q), 3, *all);
                signs.ask(queries.row(q), 3, *by_signs);
                std::vector<float> sorted(all->lower.begin(), all->lower.begin() + all->count);
                std::sort(sorted.begin(), sorted.end());
                const float bound = sorted[30];
                constexpr std::size_t begin = 13;
                coded.ask(queries.row(q), 3, begin, rows.size() - 5, bound, *some);
                std::size_t wrong = 0;
                std::size_t next = 0;
                for (std::size_t i = begin; i < rows.size() - 5; ++i) {
                    if (!(all->lower[i] < bound) || !(by_signs->lower[i] < bound)) continue;
                    wrong += next < some->count && some->index[next] == i - begin ? 0 : 1;
                    wrong += some->estimate[next] == all->estimate[i] && some->lower[next] == all->lower[i] ? 0 : 1;
                    ++next;
                }
                CAPTURE(name(metric), bits, q);
                CHECK(wrong == 0);
                CHECK(next == some->count);
                CHECK(next > 10);
            }
        }
    }
}

TEST_CASE("rabitq: an origin and a known distance to it say what the centroid says") {
    const Dim dim = 40;
    const Rows rows = clustered_rows(Element::float32, dim, 70, 4);
    const Rows queries = clustered_rows(Element::float32, dim, 10, 5);
    for (const MetricKind metric : metrics) {
        std::vector<float> centroid(rows.values(7).begin(), rows.values(7).end());
        float length = 0;
        for (const float value : centroid) length += value * value;
        length = std::sqrt(length);
        if (metric != MetricKind::l2) {  // at length 1, taken so many times as long
            for (float& value : centroid) value /= length;
        }
        if (metric == MetricKind::l2) length = 1;
        if (metric == MetricKind::cosine) length = 0.8F;
        const Origin origin{.centroid = centroid.data(), .length = length};
        Coded<RaBitQ> coded(trained(rows, metric, 4, origin), rows, origin);
        const Off off = measure(coded, rows, queries, metric);
        CAPTURE(name(metric), off.bias, off.deviation, off.normed, off.above);
        CHECK(off.normed < 1.1);
        CHECK(off.above < 0.005);
        coded.origin.centroid = nullptr;
        std::size_t wrong = 0;
        auto by_centroid = std::make_unique<Survivors>();
        auto by_distance = std::make_unique<Survivors>();
        for (std::size_t q = 0; q < queries.size(); ++q) {
            coded.origin = origin;
            coded.ask(queries.row(q), 2, *by_centroid);
            coded.origin = {.length = length, .distance = definition_of(metric)(queries.values(q), centroid)};
            coded.ask(queries.row(q), 2, *by_distance);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const float scale = 1e-4F * (1 + std::abs(by_centroid->estimate[i]) + std::abs(*coded.origin.distance));
                wrong += std::abs(by_centroid->estimate[i] - by_distance->estimate[i]) < scale ? 0 : 1;
                wrong += std::abs(by_centroid->lower[i] - by_distance->lower[i]) < 2 * scale ? 0 : 1;
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("rabitq: rows far from where numbers are small, rows without a direction, tiny and huge ones") {
    for (const MetricKind metric : metrics) {
        for (const std::size_t bits : {2U, 8U}) {
            for (const float scale : {1e-30F, 1.0F, 1e15F}) {
                Rows rows = integer_rows(Element::float32, 8, 40, 6, 3);
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    std::vector<float> values(rows.values(i).begin(), rows.values(i).end());
                    for (float& value : values) value = value * scale + (i % 2 == 0 ? 0.0F : 100 * scale);
                    rows.set(i, values);
                }
                for (std::size_t i = 1; i < 20; ++i) rows.set(i, rows, 0);  // half of them equal
                const Coded<RaBitQ> coded(trained(rows, metric, bits), rows, {});
                auto survivors = std::make_unique<Survivors>();
                std::size_t wrong = 0;
                for (std::size_t q = 0; q < rows.size(); ++q) {
                    coded.ask(rows.row(q), 3, *survivors);
                    for (std::size_t i = 0; i < rows.size(); ++i) {
                        wrong += std::isfinite(survivors->estimate[i]) ? 0 : 1;
                        wrong += survivors->lower[i] <= survivors->estimate[i] ? 0 : 1;
                    }
                }
                CAPTURE(name(metric), bits, scale);
                CHECK(wrong == 0);
            }
        }
    }
    // 1,000 from the origin of coordinates: products are large, and what they leave small.
    Rows rows = clustered_rows(Element::float32, 32, 200, 7);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<float> values(rows.values(i).begin(), rows.values(i).end());
        for (float& value : values) value += 1000;
        rows.set(i, values);
    }
    const Coded<RaBitQ> coded(trained(rows, MetricKind::l2, 8), rows, {});
    CHECK(measure(coded, rows, rows, MetricKind::l2).above < 0.003);
}

TEST_CASE("rabitq: saved and opened it says the same; broken sections are refused") {
    const Rows rows = clustered_rows(Element::float32, 24, 100, 8);
    const auto image_with = [&](const auto& save) {
        SimulatedDisk disk;
        FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
        save(writer.sections());
        writer.finish().value();
        return disk.content("codec.tnr");
    };
    const RaBitQ codec = trained(rows, MetricKind::cosine, 5);
    const auto image = image_with([&](SectionWriter& writer) { codec.save(writer).value(); });
    auto opened = RaBitQ::open(open_image(image).value().sections());
    REQUIRE(opened.ok());
    CHECK(opened->bits() == 5);
    CHECK(opened->metric_kind() == MetricKind::cosine);
    Coded<RaBitQ> before(codec, rows, {});
    Coded<RaBitQ> after(*std::move(opened), rows, {});
    CHECK(std::equal(before.blocks.span().begin(), before.blocks.span().end(), after.blocks.span().begin()));
    const auto refused = [&](const std::vector<std::byte>& changed, const char* words) {
        const auto codec_of = RaBitQ::open(open_image(changed).value().sections());
        REQUIRE_FALSE(codec_of.ok());
        CAPTURE(codec_of.error().message);
        CHECK(codec_of.error().code == ErrorCode::corrupt);
        CHECK(codec_of.error().message.find(words) != std::string::npos);
    };
    for (const unsigned bits : {0U, 1U, 9U, 255U}) {
        auto changed = image;
        changed[static_cast<std::size_t>(row_of(image, 0).offset)] = static_cast<std::byte>(bits);
        refused(changed, "expected 2 to 8 bits");
    }
    struct Record {  // as FORMAT.md has it
        std::uint8_t bits;
        std::uint8_t reserved[7];
    };
    const std::vector<float> sample = relative_rows<FastScan>(rows, MetricKind::l2, {});
    const FastScan parts =
        FastScan::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.metric = MetricKind::l2, .parts = 6})
            .value();
    refused(image_with([&](SectionWriter& writer) {
                writer.add_record("rabitq", 1, Record{4, {}}).value();
                SectionWriter signs = writer.within("signs");
                parts.save(signs).value();
            }),
            "PQ of 6 parts");
}

TEST_CASE("rabitq: what it is not trained on is refused") {
    const Rows rows = clustered_rows(Element::float32, 24, 10, 9);
    const auto refused = [&](const RaBitQParams& params, ErrorCode code, const char* words) {
        const auto codec = RaBitQ::train(rows.view(), params);
        REQUIRE_FALSE(codec.ok());
        CHECK(name(codec.error().code) == name(code));
        CAPTURE(codec.error().message);
        CHECK(codec.error().message.find(words) != std::string::npos);
    };
    refused({.metric = MetricKind::l1}, ErrorCode::unsupported, "l2, ip or cosine");
    refused({.bits = 1}, ErrorCode::invalid_argument, "2 to 8 bits");
    refused({.bits = 9}, ErrorCode::invalid_argument, "2 to 8 bits");
}
