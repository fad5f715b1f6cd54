// Codes of a byte a part: estimates are right on average, bounds hold, and what they say does not depend on where a row
// lies.
#include <tonari/codec/pq.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include <tonari/codec/fast_scan.hpp>
#include <tonari/core/aligned.hpp>

#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"
#include "unit/codec/encoded_rows.hpp"
#include "unit/codec/estimates.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

static_assert(Codec<Pq> && TrainableCodec<Pq> && RelativeCodec<Pq> && Scorer<Pq::Scorer>);
static_assert(RelativeCodec<FastScan> && !BlockCodec<Pq>);

namespace {

constexpr std::array metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

Pq trained(const Rows& rows, MetricKind metric, std::size_t parts, Origin origin = {}) {
    const std::vector<float> sample = relative_rows<Pq>(rows, metric, origin);
    return Pq::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.metric = metric, .parts = parts}).value();
}

using Coded = EncodedRows<Pq>;

}  // namespace

TEST_CASE("pq: estimates are about the distances, and bounds below them") {
    for (const Dim dim : {24U, 96U}) {
        const Rows rows = clustered_rows(Element::float32, dim, 500, 1);
        const Rows queries = clustered_rows(Element::float32, dim, 40, 2);
        for (const MetricKind metric : metrics) {
            double last = INFINITY;
            for (const std::size_t parts : {std::size_t{dim / 8}, std::size_t{dim / 4}, std::size_t{dim}}) {
                const Coded coded(trained(rows, metric, parts), rows, {});
                const Off off = measure(coded, rows, queries, metric, 1e-4);
                CAPTURE(dim, name(metric), parts, off.bias, off.deviation, off.of_distances, off.above);
                CHECK(std::abs(off.bias) < 0.05 * off.of_distances);
                CHECK(off.deviation < 0.2 * off.of_distances);
                CHECK(off.deviation < last);  // more parts tell more
                CHECK(off.above < 0.004);     // 0.0013 where errors are normal
                last = off.deviation;
            }
        }
    }
}

TEST_CASE("pq: a byte tells more than 4 bits") {
    const Rows rows = clustered_rows(Element::float32, 32, 2000, 11);
    const Rows queries = clustered_rows(Element::float32, 32, 20, 12);
    const Coded coded(trained(rows, MetricKind::l2, 8), rows, {});
    const std::vector<float> sample = relative_rows<Pq>(rows, MetricKind::l2, {});
    const auto fine = FastScan::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.parts = 8}).value();
    auto blocks = AlignedBuffer::allocate((rows.size() + 31) / 32 * fine.block_size()).value();
    std::fill(blocks.span().begin(), blocks.span().end(), std::byte{0});
    auto encoder = fine.encoder();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        encoder.put(rows.row(i), blocks.data() + i / 32 * fine.block_size(), i % 32);
    }
    auto by_bytes = std::make_unique<Survivors>();
    auto by_nibbles = std::make_unique<Survivors>();
    auto prepared = AlignedBuffer::allocate(fine.query_size()).value();
    double of_bytes = 0;
    double of_nibbles = 0;
    constexpr std::size_t compared = max_batch;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        auto query = AlignedBuffer::allocate(coded.codec.query_size()).value();
        coded.codec.prepare(queries.row(q), query.data());
        auto scorer = coded.codec.scorer();
        scorer.set_query(query.data());
        by_bytes->clear();
        scorer.scan({coded.codes.data(), coded.codec.code_size(), compared}, INFINITY, *by_bytes);
        fine.prepare(queries.row(q), prepared.data());
        auto scanner = fine.scorer();
        scanner.set_query(prepared.data());
        by_nibbles->clear();
        scanner.scan(blocks.data(), fine.block_size(), 0, compared, INFINITY, *by_nibbles);
        for (std::size_t i = 0; i < compared; ++i) {
            const float exact = L2{}.distance(queries.values(q), rows.values(i));
            of_bytes += std::pow(static_cast<double>(by_bytes->estimate[i] - exact), 2);
            of_nibbles += std::pow(static_cast<double>(by_nibbles->estimate[i] - exact), 2);
        }
    }
    CAPTURE(of_bytes, of_nibbles);
    CHECK(of_bytes < 0.4 * of_nibbles);
}

TEST_CASE("pq: codes lie nearer to the direction of their row than the nearest point of each part do") {
    const Dim dim = 24;
    const std::size_t parts = 3;
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 21);
    for (const MetricKind metric : metrics) {
        Coded coded(trained(rows, metric, parts), rows, {});
        const std::size_t width = dim / parts;
        std::vector<float> middle(dim);
        std::vector<float> row(dim);
        std::vector<float> out(dim);
        const std::vector<std::byte> none(coded.codec.code_size());
        coded.codec.decode(none, {}, middle);  // of length 0
        // All points, as they are: of a code of length 1.
        std::vector<std::vector<float>> points(256, std::vector<float>(dim));
        std::vector<std::byte> code(coded.codec.code_size());
        const float scale = metric == MetricKind::l2 ? -2.0F : -1.0F;
        std::memcpy(code.data() + sizeof scale, &scale, sizeof scale);
        for (std::size_t c = 0; c < 256; ++c) {
            std::fill_n(code.begin() + simd::byte_code_factors, parts, static_cast<std::byte>(c));
            coded.codec.decode(code, {}, points[c]);
            for (Dim d = 0; d < dim; ++d) points[c][d] -= middle[d];
        }
        const auto cosine = [&](const std::vector<float>& of) {
            return product_of(of, row) / std::sqrt(product_of(of, of) * product_of(row, row));
        };
        std::size_t worse = 0;
        double chosen_off = 0;
        double nearest_off = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            Pq::relative(rows.row(i), metric, {}, row.data());
            for (Dim d = 0; d < dim; ++d) row[d] -= middle[d];
            std::vector<float> nearest(dim);
            std::vector<float> chosen(dim);
            for (std::size_t part = 0; part < parts; ++part) {
                const auto away = [&](std::size_t c) {
                    double sum = 0;
                    for (std::size_t d = part * width; d < (part + 1) * width; ++d) {
                        sum += std::pow(static_cast<double>(points[c][d] - row[d]), 2);
                    }
                    return sum;
                };
                std::size_t best = 0;
                for (std::size_t c = 1; c < 256; ++c) best = away(c) < away(best) ? c : best;
                const auto of_code = std::to_integer<std::size_t>(coded.code(i)[simd::byte_code_factors + part]);
                for (std::size_t d = part * width; d < (part + 1) * width; ++d) {
                    nearest[d] = points[best][d];
                    chosen[d] = points[of_code][d];
                }
            }
            worse += cosine(chosen) >= cosine(nearest) - 1e-5F ? 0 : 1;
            chosen_off += 1 - static_cast<double>(cosine(chosen));
            nearest_off += 1 - static_cast<double>(cosine(nearest));
        }
        CAPTURE(name(metric), chosen_off, nearest_off);
        CHECK(worse == 0);
        CHECK(chosen_off < 0.9995 * nearest_off);
    }
}

TEST_CASE("pq: distances are the estimates, gathered or scanned, whatever else is in the call") {
    const Rows rows = clustered_rows(Element::float32, 40, 300, 3);
    const Rows queries = clustered_rows(Element::float16, 40, 5, 4);
    for (const MetricKind metric : metrics) {
        CAPTURE(name(metric));
        CHECK(said_differently(Coded(trained(rows, metric, 10), rows, {}), queries) == 0);
    }
}

TEST_CASE("pq: what a code stands for is near its row, relative to any origin") {
    const Dim dim = 32;
    const Rows rows = clustered_rows(Element::float32, dim, 400, 5);
    for (const MetricKind metric : metrics) {
        std::vector<float> centroid(rows.values(7).begin(), rows.values(7).end());
        float length = 1;
        if (metric != MetricKind::l2) {
            length = std::sqrt(product_of(centroid, centroid));
            for (float& value : centroid) value /= length;
            if (metric == MetricKind::cosine) length = 0.8F;
        }
        for (const Origin origin : {Origin{}, Origin{.centroid = centroid.data(), .length = length}}) {
            Coded coded(trained(rows, metric, 16, origin), rows, origin);
            double off = 0;
            double whole = 0;
            std::vector<float> row(dim);
            std::vector<float> out(dim);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                coded.codec.decode(coded.code(i), origin, out);
                Pq::relative(rows.row(i), metric, {}, row.data());
                for (Dim d = 0; d < dim; ++d) {
                    off += std::pow(static_cast<double>(out[d] - row[d]), 2);
                    whole += std::pow(static_cast<double>(row[d]), 2);
                }
            }
            CAPTURE(name(metric), origin.centroid == nullptr, off, whole);
            CHECK(off <
                  (origin.centroid == nullptr ? 0.02 : 0.06) * whole);  // from a row far away there is more to say
        }
    }
}

TEST_CASE("pq: an origin and a known distance to it say what the centroid says") {
    const Dim dim = 40;
    const Rows rows = clustered_rows(Element::float32, dim, 300, 4);
    const Rows queries = clustered_rows(Element::float32, dim, 10, 5);
    for (const MetricKind metric : metrics) {
        std::vector<float> centroid(rows.values(7).begin(), rows.values(7).end());
        float length = 1;
        if (metric != MetricKind::l2) {  // at length 1, taken so many times as long
            length = std::sqrt(product_of(centroid, centroid));
            for (float& value : centroid) value /= length;
            if (metric == MetricKind::cosine) length = 0.8F;
        }
        const Origin origin{.centroid = centroid.data(), .length = length};
        Coded coded(trained(rows, metric, 10, origin), rows, origin);
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
                const float scale = std::abs(1e-4F * (1 + std::abs(by_centroid->estimate[i]) + *coded.origin.distance));
                wrong += std::abs(by_centroid->estimate[i] - by_distance->estimate[i]) < scale ? 0 : 1;
                wrong += std::abs(by_centroid->lower[i] - by_distance->lower[i]) < 2 * scale ? 0 : 1;
                const float exact = definition_of(metric)(queries.values(q), rows.values(i));
                wrong += by_centroid->lower[i] - by_centroid->estimate[i] <= 0 && std::isfinite(exact) ? 0 : 1;
            }
            CAPTURE(name(metric), q);
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("pq: equal rows, zeros, dimensions that never change") {
    for (const MetricKind metric : metrics) {
        for (const std::size_t distinct : {1U, 40U}) {
            Rows rows = integer_rows(Element::float32, 8, 300, 6, 3);
            for (std::size_t i = distinct; i < 300; ++i) rows.set(i, rows, 0);
            for (std::size_t i = 0; i < 300; ++i) {
                auto values = rows.values(i);
                std::vector<float> row(values.begin(), values.end());
                row[3] = 5;
                rows.set(i, row);
            }
            const Coded coded(trained(rows, metric, 2), rows, {});
            auto survivors = std::make_unique<Survivors>();
            const Distance distance = definition_of(metric);
            std::size_t wrong = 0;
            for (std::size_t q = 0; q < 60; ++q) {
                coded.ask(rows.row(q), 3, *survivors);
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    wrong += std::isfinite(survivors->estimate[i]) && std::isfinite(survivors->lower[i]) ? 0 : 1;
                    wrong += survivors->lower[i] <= survivors->estimate[i] ? 0 : 1;
                    // Of equal rows codes leave nothing over but the table's rounding.
                    const float exact = distance(rows.values(q), rows.values(i));
                    const bool near = std::abs(survivors->estimate[i] - exact) <= 0.02F * (1 + std::abs(exact));
                    wrong += near || distinct > 1 ? 0 : 1;
                }
            }
            CAPTURE(name(metric), distinct);
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("pq: saved and opened it says the same; broken sections are refused") {
    const Rows rows = clustered_rows(Element::float32, 24, 300, 7);
    const auto image_with = [&](const Pq& codec) {
        SimulatedDisk disk;
        FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
        codec.save(writer.sections()).value();
        writer.finish().value();
        return disk.content("codec.tnr");
    };
    const Pq codec = trained(rows, MetricKind::cosine, 6);
    const auto image = image_with(codec);
    auto opened = Pq::open(open_image(image).value().sections());
    REQUIRE(opened.ok());
    CHECK(opened->parts() == 6);
    CHECK(opened->dim() == 24);
    CHECK(opened->metric_kind() == MetricKind::cosine);
    CHECK(image_with(*opened) == image);
    CHECK(Coded(codec, rows, {}).codes == Coded(*std::move(opened), rows, {}).codes);
    const auto broken = [&](std::size_t at, std::uint8_t value) {
        auto changed = image;
        changed[static_cast<std::size_t>(row_of(image, 0).offset) + at] = static_cast<std::byte>(value);
        const auto refused = Pq::open(open_image(changed).value().sections());
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().code == ErrorCode::corrupt);
    };
    broken(0, 0);    // no dimensions
    broken(0, 25);   // of which 6 is no part
    broken(4, 0);    // no parts
    broken(4, 5);    // parts that do not divide
    broken(11, 64);  // a share of 2 and more
    broken(12, 4);   // l1
}

TEST_CASE("pq: what it is not trained on is refused") {
    const auto refused = [&](const Rows& rows, const PqParams& params, ErrorCode code, const char* words) {
        const auto codec = Pq::train(rows.view(), params);
        REQUIRE_FALSE(codec.ok());
        CHECK(name(codec.error().code) == name(code));
        CAPTURE(codec.error().message);
        CHECK(codec.error().message.find(words) != std::string::npos);
    };
    const Rows rows = clustered_rows(Element::float32, 24, 300, 8);
    refused(rows, {.metric = MetricKind::l1, .parts = 6}, ErrorCode::unsupported, "l2, ip or cosine");
    refused(rows, {.parts = 5}, ErrorCode::invalid_argument, "divide 24");
    refused(rows, {.parts = 0}, ErrorCode::invalid_argument, "divide 24");
    refused(clustered_rows(Element::float32, 24, 255, 8), {.parts = 6}, ErrorCode::invalid_argument,
            "PQ6x4fs wants 16");
    refused(clustered_rows(Element::float32, 4096, 256, 8), {.parts = 2}, ErrorCode::invalid_argument, "more parts");
}
