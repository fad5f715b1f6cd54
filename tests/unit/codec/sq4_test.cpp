// Codes of 4 bits a value: estimates are right on average, bounds hold, queries lose next to nothing, and what codes say does
// not depend on where a row lies.
#include <tonari/codec/sq4.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"
#include "unit/codec/encoded_rows.hpp"
#include "unit/codec/estimates.hpp"
#include "unit/io/sample_file.hpp"

using namespace tonari;
using namespace tonari::test;

static_assert(Codec<Sq4> && TrainableCodec<Sq4> && RelativeCodec<Sq4> && !BlockCodec<Sq4> && Scorer<Sq4::Scorer>);

namespace {

constexpr std::array metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

Sq4 trained(const Rows& rows, MetricKind metric, Origin origin = {}) {
    const std::vector<float> sample = relative_rows<Sq4>(rows, metric, origin);
    return Sq4::train(MatrixView(sample.data(), rows.size(), rows.dim()), {.metric = metric}).value();
}
using Coded = EncodedRows<Sq4>;

/// A centroid and its length, as lists have them.
struct Centroid {
    std::vector<float> values;
    float length = 1;

    Centroid(const Rows& rows, MetricKind metric) : values(rows.values(7).begin(), rows.values(7).end()) {
        if (metric == MetricKind::l2) return;
        length = std::sqrt(product_of(values, values));
        for (float& value : values) value /= length;
        if (metric == MetricKind::cosine) length = 0.8F;
    }
    [[nodiscard]] Origin origin() const { return {.centroid = values.data(), .length = length}; }
};

/// How far what codes stand for lies from the rows, squared, as a share of the rows' squares.
double left_over(Coded& coded, const Rows& rows, MetricKind metric) {
    double off = 0;
    double whole = 0;
    std::vector<float> row(rows.dim());
    std::vector<float> out(rows.dim());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        coded.codec.decode(coded.code(i), coded.origin, out);
        Sq4::relative(rows.row(i), metric, {}, row.data());
        for (Dim d = 0; d < rows.dim(); ++d) {
            off += std::pow(static_cast<double>(out[d] - row[d]), 2);
            whole += std::pow(static_cast<double>(row[d]), 2);
        }
    }
    return off / whole;
}

}  // namespace

TEST_CASE("sq4: estimates are about the distances, and bounds below them") {
    for (const Dim dim : {24U, 97U}) {
        const Rows rows = clustered_rows(Element::float32, dim, 500, 1);
        const Rows queries = clustered_rows(Element::float32, dim, 40, 2);
        for (const MetricKind metric : metrics) {
            for (const bool in_list : {false, true}) {
                const Centroid centroid(rows, metric);
                const Origin origin = in_list ? centroid.origin() : Origin{};
                const Coded coded(trained(rows, metric, origin), rows, origin);
                const Off off = measure(coded, rows, queries, metric, 1e-4);
                CAPTURE(dim, name(metric), in_list, off.bias, off.deviation, off.of_distances, off.above);
                CHECK(std::abs(off.bias) < 0.01 * off.of_distances);
                CHECK(off.deviation < 0.07 * off.of_distances);
                CHECK(off.above < 0.004);  // 0.0013 where errors are normal
            }
        }
    }
}

TEST_CASE("sq4: what a code stands for is near its row, relative to any origin") {
    const Rows rows = clustered_rows(Element::float32, 33, 400, 5);
    for (const MetricKind metric : metrics) {
        const Centroid centroid(rows, metric);
        for (const Origin origin : {Origin{}, centroid.origin()}) {
            Coded coded(trained(rows, metric, origin), rows, origin);
            CAPTURE(name(metric), origin.centroid == nullptr);
            // 16 levels leave over 0.0115 of a normal distribution about the origin.
            CHECK(left_over(coded, rows, metric) < 0.025);
        }
    }
}

TEST_CASE("sq4: a few values far off take no levels from the others, and lengths none from rows that are short") {
    const Dim dim = 32;
    Rows rows = clustered_rows(Element::float32, dim, 2000, 6);
    const auto left = [&] {
        Coded coded(trained(rows, MetricKind::l2), rows, {});
        std::vector<float> row(dim);
        double off = 0;
        double whole = 0;
        for (std::size_t i = 100; i < rows.size(); ++i) {
            coded.codec.decode(coded.code(i), {}, row);
            for (Dim d = 0; d < dim; ++d) {
                off += std::pow(static_cast<double>(row[d] - rows.values(i)[d]), 2);
                whole += std::pow(static_cast<double>(rows.values(i)[d]), 2);
            }
        }
        return off / whole;
    };
    const double before = left();
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < 10; ++i) {  // a value of each, 50 times as far
        std::copy(rows.values(i).begin(), rows.values(i).end(), values.begin());
        values[i] *= 50;
        rows.set(i, values);
    }
    CHECK(left() < 1.3 * before);
    for (std::size_t i = 10; i < rows.size(); i += 2) {  // all of every other one
        std::copy(rows.values(i).begin(), rows.values(i).end(), values.begin());
        for (float& value : values) value *= 30;
        rows.set(i, values);
    }
    CHECK(left() < 1.5 * before);
}

TEST_CASE("sq4: distances are the estimates, gathered or scanned, whatever else is in the call") {
    const Rows rows = clustered_rows(Element::float32, 41, 300, 3);
    const Rows queries = clustered_rows(Element::float16, 41, 5, 4);
    for (const MetricKind metric : metrics) {
        CAPTURE(name(metric));
        CHECK(said_differently(Coded(trained(rows, metric), rows, {}), queries) == 0);
    }
}

TEST_CASE("sq4: a query in 8 bits says what the row's code says of it as it is") {
    const Dim dim = 60;
    const Rows rows = clustered_rows(Element::float32, dim, 300, 8);
    const Rows queries = clustered_rows(Element::float32, dim, 20, 9);
    Coded coded(trained(rows, MetricKind::l2), rows, {});
    auto survivors = std::make_unique<Survivors>();
    std::vector<float> stands_for(dim);
    double by_rounding = 0;  // between the estimates and those of the query as it is
    double by_codes = 0;     // between these and the distances
    std::vector<float> middle(dim);
    const std::vector<std::byte> none(coded.codec.code_size());
    coded.codec.decode(none, {}, middle);  // what a code of length 0 stands for
    for (std::size_t q = 0; q < queries.size(); ++q) {
        coded.ask(queries.row(q), 3, *survivors);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            coded.codec.decode(coded.code(i), {}, stands_for);
            double estimate = 0;  // |q - m|^2 + |x - m|^2 - 2 <q - m, what the code stands for>
            for (Dim d = 0; d < dim; ++d) {
                const double query = static_cast<double>(queries.values(q)[d] - middle[d]);
                const double row = static_cast<double>(rows.values(i)[d] - middle[d]);
                estimate += query * query + row * row - 2 * query * static_cast<double>(stands_for[d] - middle[d]);
            }
            const double exact = L2{}.distance(queries.values(q), rows.values(i));
            by_rounding += std::pow(static_cast<double>(survivors->estimate[i]) - std::max(estimate, 0.0), 2);
            by_codes += std::pow(estimate - exact, 2);
        }
    }
    CHECK(by_rounding < 0.05 * by_codes);
    CHECK(by_codes > 0);
}

TEST_CASE("sq4: an origin and a known distance to it say what the centroid says") {
    const Dim dim = 40;
    const Rows rows = clustered_rows(Element::float32, dim, 300, 4);
    const Rows queries = clustered_rows(Element::float32, dim, 10, 5);
    for (const MetricKind metric : metrics) {
        const Centroid centroid(rows, metric);
        Coded coded(trained(rows, metric, centroid.origin()), rows, centroid.origin());
        auto by_centroid = std::make_unique<Survivors>();
        auto by_distance = std::make_unique<Survivors>();
        for (std::size_t q = 0; q < queries.size(); ++q) {
            coded.origin = centroid.origin();
            coded.ask(queries.row(q), 2, *by_centroid);
            coded.origin.distance = definition_of(metric)(queries.values(q), centroid.values);
            coded.origin.centroid = nullptr;
            coded.ask(queries.row(q), 2, *by_distance);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const float scale = std::abs(1e-4F * (1 + std::abs(by_centroid->estimate[i]) + *coded.origin.distance));
                wrong += std::abs(by_centroid->estimate[i] - by_distance->estimate[i]) < scale ? 0 : 1;
                wrong += std::abs(by_centroid->lower[i] - by_distance->lower[i]) < 2 * scale ? 0 : 1;
                wrong += by_centroid->lower[i] <= by_centroid->estimate[i] ? 0 : 1;
            }
            CAPTURE(name(metric), q);
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("sq4: equal rows, zeros, dimensions that never change, tiny and huge values") {
    for (const MetricKind metric : metrics) {
        for (const float size : {1.0F, 1e-15F, 1e15F}) {
            for (const std::size_t distinct : {1U, 40U}) {
                Rows rows = integer_rows(Element::float32, 9, 300, 6, 3);
                for (std::size_t i = distinct; i < 300; ++i) rows.set(i, rows, 0);
                for (std::size_t i = 0; i < 300; ++i) {
                    auto values = rows.values(i);
                    std::vector<float> row(values.begin(), values.end());
                    row[3] = 5;
                    for (float& value : row) value *= size;
                    rows.set(i, row);
                }
                const Coded coded(trained(rows, metric), rows, {});
                auto survivors = std::make_unique<Survivors>();
                const Distance distance = definition_of(metric);
                std::size_t wrong = 0;
                for (std::size_t q = 0; q < 60; ++q) {
                    coded.ask(rows.row(q), 3, *survivors);
                    for (std::size_t i = 0; i < rows.size(); ++i) {
                        wrong += std::isfinite(survivors->estimate[i]) && std::isfinite(survivors->lower[i]) ? 0 : 1;
                        wrong += survivors->lower[i] <= survivors->estimate[i] ? 0 : 1;
                        const float exact = distance(rows.values(q), rows.values(i));
                        const float unit = metric == MetricKind::cosine ? 1 : size * size;
                        const bool near = std::abs(survivors->estimate[i] - exact) <= 0.02F * (unit + std::abs(exact));
                        wrong += near || distinct > 1 ? 0 : 1;
                    }
                }
                CAPTURE(name(metric), size, distinct);
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("sq4: saved and opened it says the same; broken sections are refused") {
    const Rows rows = clustered_rows(Element::float32, 25, 300, 7);
    const auto image_with = [&](const Sq4& codec) {
        SimulatedDisk disk;
        FileWriter writer = FileWriter::create("codec.tnr", {}, disk).value();
        codec.save(writer.sections()).value();
        writer.finish().value();
        return disk.content("codec.tnr");
    };
    const Sq4 codec = trained(rows, MetricKind::cosine);
    CHECK(codec.code_size() == 12 + 13);
    const auto image = image_with(codec);
    auto opened = Sq4::open(open_image(image).value().sections());
    REQUIRE(opened.ok());
    CHECK(opened->dim() == 25);
    CHECK(opened->metric_kind() == MetricKind::cosine);
    CHECK(image_with(*opened) == image);
    CHECK(Coded(codec, rows, {}).codes == Coded(*std::move(opened), rows, {}).codes);
    const auto broken = [&](std::size_t section, std::size_t at, std::uint32_t value, std::size_t width) {
        auto changed = image;
        std::memcpy(changed.data() + row_of(image, section).offset + at, &value, width);
        const auto refused = Sq4::open(open_image(changed).value().sections());
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().code == ErrorCode::corrupt);
    };
    broken(0, 0, 0, 4);           // no dimensions
    broken(0, 0, 26, 4);          // more than there are steps
    broken(0, 4, 0x40000000, 4);  // a share of 2
    broken(0, 8, 4, 1);           // l1
    broken(1, 8, 0x7f800000, 4);  // an infinite middle
    broken(2, 8, 0x7fc00000, 4);  // a step that is no number
    broken(2, 8, 0xbf800000, 4);  // a step of -1
}

TEST_CASE("sq4: what it is not trained on is refused") {
    const auto refused = [&](MatrixView rows, MetricKind metric, ErrorCode code, const char* words) {
        const auto codec = Sq4::train(rows, {.metric = metric});
        REQUIRE_FALSE(codec.ok());
        CHECK(name(codec.error().code) == name(code));
        CAPTURE(codec.error().message);
        CHECK(codec.error().message.find(words) != std::string::npos);
    };
    const Rows rows = clustered_rows(Element::float32, 24, 30, 8);
    refused(rows.view(), MetricKind::l1, ErrorCode::unsupported, "8 bits under it, by SQ8");
    refused(rows.view(), MetricKind::hamming, ErrorCode::unsupported, "l2, ip or cosine");
    refused(rows.view().slice(0, 0), MetricKind::l2, ErrorCode::invalid_argument, "got 0 float32 rows");
}
