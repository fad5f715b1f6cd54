// Codes of 4 bits a part: estimates are right on average, bounds hold, and what they say does not depend on where a row lies.
#include <tonari/codec/fast_scan.hpp>

#include <algorithm>
#include <bit>
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

static_assert(BlockCodec<FastScan>);

namespace {

constexpr std::array metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

FastScan trained(const Rows& rows, MetricKind metric, std::size_t parts, Origin origin = {}) {
    const std::vector<float> sample = relative_rows<FastScan>(rows, metric, origin);
    return FastScan::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.metric = metric, .parts = parts})
        .value();
}

}  // namespace

TEST_CASE("fast scan: estimates are about the distances, and bounds below them") {
    for (const Dim dim : {24U, 96U, 200U}) {
        const Rows rows = clustered_rows(Element::float32, dim, 500, 1);
        const Rows queries = clustered_rows(Element::float32, dim, 40, 2);
        for (const MetricKind metric : metrics) {
            for (const std::size_t parts : {std::size_t{0}, std::size_t{dim / 4}, std::size_t{dim / 2}}) {
                const Coded<FastScan> coded(trained(rows, metric, parts), rows, {});
                const Off off = measure(coded, rows, queries, metric, 1e-4);
                CAPTURE(dim, name(metric), parts, off.bias, off.deviation, off.of_distances, off.above);
                CHECK(std::abs(off.bias) < 0.1 * off.of_distances);
                CHECK(off.deviation < 0.4 * off.of_distances);
                CHECK(off.above < 0.01);
            }
        }
    }
}

TEST_CASE("fast scan: three deviations cover what they should where a few values say most") {
    // Mostly zeros: what a code leaves over of a row lies in the few parts where the row is not zero.
    const auto sparse_rows = [](std::size_t count, std::uint64_t seed) {
        Rows rows(Element::float32, 64, count);
        Random random(seed);
        std::vector<float> values(64);
        for (std::size_t i = 0; i < count; ++i) {
            for (float& value : values) value = random.below(20) == 0 ? static_cast<float>(bell(random)) : 0;
            rows.set(i, values);
        }
        return rows;
    };
    const Rows sample = sparse_rows(4000, 20);
    const Rows rows = sparse_rows(500, 21);
    const Rows queries = sparse_rows(100, 22);
    for (const std::size_t parts : {0U, 16U, 32U}) {
        const Coded<FastScan> coded(trained(sample, MetricKind::l2, parts), rows, {});
        auto survivors = std::make_unique<Survivors>();
        std::size_t above = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            coded.ask(queries.row(q), 3, *survivors);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                above += survivors->lower[i] > L2{}.distance(queries.values(q), rows.values(i)) ? 1 : 0;
            }
        }
        const double share = static_cast<double>(above) / static_cast<double>(queries.size() * rows.size());
        CAPTURE(parts, share);
        CHECK(share < 0.004);  // 0.0013 where errors are normal
    }
}

TEST_CASE("fast scan: a row that is asked for is estimated nearly exactly") {
    const Dim dim = 96;
    const Rows rows = clustered_rows(Element::float32, dim, 300, 3);
    for (const MetricKind metric : metrics) {
        for (const std::size_t parts : {0U, 24U}) {
            const Coded<FastScan> coded(trained(rows, metric, parts), rows, {});
            const Distance distance = definition_of(metric);
            auto survivors = std::make_unique<Survivors>();
            for (std::size_t i = 0; i < 50; ++i) {
                coded.ask(rows.row(i), 3, *survivors);
                const float exact = distance(rows.values(i), rows.values(i));
                // What rounding the table leaves: a hundredth of the squared distance to the middle.
                const float scale = metric == MetricKind::cosine ? 1.0F : product_of(rows.values(i), rows.values(i));
                CAPTURE(name(metric), parts, i, exact, survivors->estimate[i]);
                CHECK(std::abs(survivors->estimate[i] - exact) < 0.03F * scale);
            }
        }
    }
}

TEST_CASE("fast scan: a row that is turned before its origin is taken off has the same code and factors") {
    const Dim dim = 200;
    const Rows rows = clustered_rows(Element::float32, dim, 300, 6);
    for (const MetricKind metric : metrics) {
        CAPTURE(name(metric));
        const FastScan codec = trained(rows, metric, 0);
        const std::size_t codes = codec.rotated_size() / 16 * 64;
        FastScan::Encoder encoder = codec.encoder();
        std::vector<float> centroid(dim);
        FastScan::relative(rows.row(7), metric, {}, centroid.data());
        encoder.enter({.centroid = centroid.data()});
        std::vector<float> origin(codec.rotated_size());
        std::vector<float> row(codec.rotated_size());
        encoder.turn(rows.row(7), origin.data());
        std::vector<std::byte> block(codec.block_size());
        std::vector<std::byte> turned(codec.block_size());
        for (std::size_t i = 0; i < FastScan::block_rows; ++i) {  // row 7 itself among them: nothing is left of it
            encoder.put(rows.row(i), block.data(), i);
            encoder.turn(rows.row(i), row.data());
            encoder.put_turned(row.data(), origin.data(), turned.data(), i);
        }
        std::size_t different = 0;
        for (std::size_t i = 0; i < codes; ++i) {
            different += static_cast<std::size_t>(std::popcount(std::to_integer<unsigned>(block[i] ^ turned[i])));
        }
        CHECK(different <= codes * 8 / 1000);  // values that rounding brings to the other side of zero
        std::size_t wrong = 0;
        for (std::size_t at = codes; at < block.size(); at += sizeof(float)) {
            float expected = 0;
            float got = 0;
            std::memcpy(&expected, &block[at], sizeof expected);
            std::memcpy(&got, &turned[at], sizeof got);
            wrong += std::abs(got - expected) <= 1e-3F * std::max(1.0F, std::abs(expected)) ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("fast scan: an origin and a known distance to it say what the centroid says") {
    const Dim dim = 40;
    const Rows rows = clustered_rows(Element::float32, dim, 70, 4);
    const Rows queries = clustered_rows(Element::float32, dim, 10, 5);
    for (const MetricKind metric : metrics) {
        std::vector<float> centroid(rows.values(7).begin(), rows.values(7).end());
        float length = 1;
        if (metric != MetricKind::l2) {  // at length 1, taken so many times as long
            length = std::sqrt(product_of(centroid, centroid));
            for (float& value : centroid) value /= length;
            if (metric == MetricKind::cosine) length = 0.8F;
        }
        Origin origin{.centroid = centroid.data(), .length = length};
        Coded<FastScan> coded(trained(rows, metric, 0, origin), rows, origin);
        auto by_centroid = std::make_unique<Survivors>();
        auto by_distance = std::make_unique<Survivors>();
        for (std::size_t q = 0; q < queries.size(); ++q) {
            coded.origin = origin;
            coded.ask(queries.row(q), 2, *by_centroid);
            coded.origin.distance = definition_of(metric)(queries.values(q), centroid);
            coded.origin.centroid = nullptr;
            coded.ask(queries.row(q), 2, *by_distance);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const float scale = 1e-4F * (1 + std::abs(by_centroid->estimate[i]) + *coded.origin.distance);
                wrong += std::abs(by_centroid->estimate[i] - by_distance->estimate[i]) < std::abs(scale) ? 0 : 1;
                wrong += std::abs(by_centroid->lower[i] - by_distance->lower[i]) < 2 * std::abs(scale) ? 0 : 1;
            }
            CAPTURE(name(metric), q);
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("fast scan: rows without a direction of their own, equal rows, zeros") {
    for (const MetricKind metric : metrics) {
        for (const std::size_t parts : {0U, 2U}) {
            Rows rows = integer_rows(Element::float32, 8, 40, 6, 3);
            for (std::size_t i = 1; i < 20; ++i) rows.set(i, rows, 0);  // half of them equal
            const Coded<FastScan> coded(trained(rows, metric, parts), rows, {});
            auto survivors = std::make_unique<Survivors>();
            for (std::size_t q = 0; q < rows.size(); ++q) {
                coded.ask(rows.row(q), 3, *survivors);
                std::size_t wrong = 0;
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    wrong += std::isfinite(survivors->estimate[i]) && std::isfinite(survivors->lower[i]) ? 0 : 1;
                    wrong += survivors->lower[i] <= survivors->estimate[i] ? 0 : 1;
                }
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("fast scan: saved and opened it says the same; broken sections are refused") {
    const Rows rows = clustered_rows(Element::float32, 24, 100, 7);
    const auto image_with = [&](const FastScan& codec) {
        SimulatedDisk disk;
        FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
        codec.save(writer.sections()).value();
        writer.finish().value();
        return disk.content("codec.tnr");
    };
    for (const std::size_t parts : {0U, 6U}) {
        const FastScan codec = trained(rows, MetricKind::l2, parts);
        const auto image = image_with(codec);
        auto opened = FastScan::open(open_image(image).value().sections());
        REQUIRE(opened.ok());
        CHECK(opened->parts() == parts);
        CHECK(image_with(*opened) == image);
        Coded<FastScan> before(codec, rows, {});
        Coded<FastScan> after(*std::move(opened), rows, {});
        CHECK(std::equal(before.blocks.span().begin(), before.blocks.span().end(), after.blocks.span().begin()));
        // Of other rotations than ours, none among them, the codes would be asked in vain.
        constexpr std::size_t rotation_at = 21;  // of the record, as FORMAT.md has it
        for (const unsigned rotation : {parts == 0 ? 0U : 1U, 2U}) {
            auto changed = image;
            changed[static_cast<std::size_t>(row_of(image, 0).offset) + rotation_at] = static_cast<std::byte>(rotation);
            const auto refused = FastScan::open(open_image(changed).value().sections());
            REQUIRE_FALSE(refused.ok());
            CHECK(refused.error().code == ErrorCode::unsupported);
            CHECK(refused.error().message.find("got " + std::to_string(rotation)) != std::string::npos);
            CHECK(refused.error().message.find("build the index again") != std::string::npos);
        }
    }
}

TEST_CASE("fast scan: what it is not trained on is refused") {
    const Rows rows = clustered_rows(Element::float32, 24, 10, 8);
    const auto refused = [&](const FastScanParams& params, ErrorCode code, const char* words) {
        const auto codec = FastScan::train(rows.view(), params);
        REQUIRE_FALSE(codec.ok());
        CHECK(name(codec.error().code) == name(code));
        CAPTURE(codec.error().message);
        CHECK(codec.error().message.find(words) != std::string::npos);
    };
    refused({.metric = MetricKind::l1}, ErrorCode::unsupported, "l2, ip or cosine");
    refused({.parts = 5}, ErrorCode::invalid_argument, "divide 24");
    refused({.parts = 6}, ErrorCode::invalid_argument, "at least 16 rows");
}
