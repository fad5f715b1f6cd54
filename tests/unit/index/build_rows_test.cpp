// The form in which a builder compares rows: 8 bits where that tells near from far, and L2 wherever it can stand in.
#include <tonari/index/build_rows.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tonari/metric/metric.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::size_t n = 2000;
constexpr Dim dim = 24;

struct Floats {
    std::vector<float> values;
    [[nodiscard]] MatrixView view() const { return {values.data(), values.size() / dim, dim}; }
};

/// Points around `centres` centres, `spread` from theirs; one centre is a plain cloud.
Floats clouds(std::size_t centres, float spread, float scale = 1) {
    Random random(7);
    std::vector<float> middles(centres * dim);
    for (float& value : middles) value = centres == 1 ? 0 : static_cast<float>(bell(random));
    Floats out{std::vector<float>(n * dim)};
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        out.values[i] =
            scale * (middles[i / dim % centres * dim + i % dim] + spread * static_cast<float>(bell(random)));
    }
    return out;
}

std::vector<RowId> all() {
    std::vector<RowId> source(n);
    std::iota(source.begin(), source.end(), RowId{0});
    return source;
}

BuildRows of(const Floats& rows, MetricKind metric, unsigned threads = 1) {
    const auto stored = Flat<AnyMetric>::create(Element::float32, dim, AnyMetric(metric)).value();
    return build_rows(stored, rows.view(), all(), all(), 200, {threads}).value();
}

/// Of each row's 10 nearest by `metric`'s own distance, the share that are among the 10 nearest by the build's codes.
double agreement(const Floats& rows, MetricKind metric, const BuildRows& built) {
    const auto stored = Flat<AnyMetric>::create(Element::float32, dim, AnyMetric(metric)).value();
    std::vector<std::byte> codes(n * stored.code_size());
    for (std::size_t i = 0; i < n; ++i) {
        stored.encode(rows.view().row(i), {}, {codes.data() + i * stored.code_size(), stored.code_size()});
    }
    const auto nearest = [](const Flat<AnyMetric>& codec, const std::byte* from, std::size_t row) {
        std::vector<float> distances(n);
        auto scorer = codec.scorer();
        scorer.set_query(from + row * codec.code_size());
        scorer.distances({from, codec.code_size(), n}, distances.data());
        distances[row] = std::numeric_limits<float>::infinity();  // a row is not its own neighbour
        std::vector<RowId> order = all();
        std::partial_sort(order.begin(), order.begin() + 10, order.end(),
                          [&](RowId a, RowId b) { return distances[a] < distances[b]; });
        order.resize(10);
        std::sort(order.begin(), order.end());
        return order;
    };
    std::size_t common = 0;
    for (std::size_t row = 0; row < n; row += 20) {
        const auto a = nearest(stored, codes.data(), row);
        const auto b = nearest(built.codec, built.codes.data(), row);
        std::vector<RowId> both;
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
        common += both.size();
    }
    const std::size_t asked = n / 20 * 10;
    return static_cast<double>(common) / static_cast<double>(asked);
}

}  // namespace

TEST_CASE("build rows: float rows in 8 bits keep their neighbours", "[index]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::l1, MetricKind::cosine}) {
        for (const float scale : {1e-15F, 1.0F, 1e15F}) {
            CAPTURE(name(metric), scale);
            const Floats rows = clouds(1, 1, scale);
            const BuildRows built = of(rows, metric);
            CHECK_FALSE(built.as_stored);
            CHECK(built.codec.element() == Element::int8);
            CHECK(built.codec.metric_kind() == (metric == MetricKind::l1 ? MetricKind::l1 : MetricKind::l2));
            CHECK(agreement(rows, metric, built) > 0.9);
        }
    }
}

TEST_CASE("build rows: one value out of all proportion does not coarsen the others", "[index]") {
    Floats rows = clouds(1, 1);
    rows.values[5 * dim + 3] = 1e4F;
    const BuildRows built = of(rows, MetricKind::l2);
    CHECK(built.codec.element() == Element::int8);
    CHECK(agreement(rows, MetricKind::l2, built) > 0.8);
}

TEST_CASE("build rows: rows too close together for 8 bits stay as they are", "[index]") {
    const Floats rows = clouds(100, 0.01F);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::l1, MetricKind::cosine}) {
        const BuildRows built = of(rows, metric);
        CHECK(built.as_stored);
        CHECK(built.codec.element() == Element::float32);
        CHECK(built.codec.metric_kind() == metric);
    }
    const BuildRows product = of(rows, MetricKind::inner_product);
    CHECK_FALSE(product.as_stored);
    CHECK(product.codec.element() == Element::float32);
    CHECK(product.codec.metric_kind() == MetricKind::l2);
}

TEST_CASE("build rows: values that no scale fits stay as they are", "[index]") {
    const auto stays = [](float value, MetricKind metric) {
        Floats rows{std::vector<float>(n * dim, value)};
        rows.values[0] = -value;
        return of(rows, metric).as_stored;
    };
    for (const MetricKind metric : {MetricKind::l2, MetricKind::l1}) {
        CHECK(stays(0.0F, metric));    // nothing lies apart
        CHECK(stays(1e-42F, metric));  // the scale would be infinite
        CHECK_FALSE(stays(1e38F, metric));
    }
    CHECK(stays(0.0F, MetricKind::cosine));
    CHECK_FALSE(stays(1e-42F, MetricKind::cosine));  // its rows are brought to length 1 before
    CHECK_FALSE(stays(1e38F, MetricKind::cosine));
}

TEST_CASE("build rows: under inner product, rows lie on one sphere", "[index]") {
    Floats rows = clouds(1, 1);
    for (std::size_t i = 0; i < n; ++i) {  // lengths from 0.1 to 10
        for (Dim j = 0; j < dim; ++j) rows.values[i * dim + j] *= 0.1F + 9.9F * static_cast<float>(i % 100) / 100;
    }
    const BuildRows built = of(rows, MetricKind::inner_product);
    CHECK(built.codec.element() == Element::int8);
    CHECK(built.codec.metric_kind() == MetricKind::l2);
    // (a, s_a) with |a|^2 + s_a^2 = R^2 for every row: then |(a, s_a) - (b, s_b)|^2 = 2 R^2 - 2 (ab + s_a s_b).
    const auto values = [&](std::size_t i) {
        std::vector<float> out(built.codec.dim());
        built.codec.decode({built.codes.data() + i * built.codec.code_size(), built.codec.code_size()}, {}, out);
        return out;
    };
    const auto product = [&](std::size_t a, std::size_t b) {
        return std::inner_product(rows.values.begin() + static_cast<std::ptrdiff_t>(a * dim),
                                  rows.values.begin() + static_cast<std::ptrdiff_t>((a + 1) * dim),
                                  rows.values.begin() + static_cast<std::ptrdiff_t>(b * dim), 0.0);
    };
    double longest = 0;
    for (std::size_t i = 0; i < n; ++i) longest = std::max(longest, product(i, i));
    const auto lacks = [&](std::size_t i) { return std::sqrt(longest - product(i, i)); };
    // The correlation of what the codes say with what it should be, over pairs of rows.
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    const std::size_t pairs = 3000;
    for (std::size_t p = 0; p < pairs; ++p) {
        const std::size_t a = p * 7 % n;
        const std::size_t b = (p * 13 + 1) % n;
        const auto va = values(a);
        const auto vb = values(b);
        double apart = 0;
        for (std::size_t j = 0; j < va.size(); ++j) apart += (va[j] - vb[j]) * (va[j] - vb[j]);
        const double x = -apart;
        const double y = product(a, b) + lacks(a) * lacks(b);
        sx += x, sy += y, sxx += x * x, syy += y * y, sxy += x * y;
    }
    const double m = pairs;
    CHECK((sxy - sx * sy / m) / std::sqrt((sxx - sx * sx / m) * (syy - sy * sy / m)) > 0.99);
}

TEST_CASE("build rows: rows of 8 bits and bits are compared as stored", "[index]") {
    std::vector<std::uint8_t> bytes(n * dim);
    Random random(3);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const MatrixView rows(bytes.data(), n, dim);
    const auto form = [&](MetricKind metric) {
        const auto stored = Flat<AnyMetric>::create(Element::uint8, dim, AnyMetric(metric)).value();
        return build_rows(stored, rows, all(), all(), 200, {}).value();
    };
    for (const MetricKind metric : {MetricKind::l2, MetricKind::l1, MetricKind::cosine}) CHECK(form(metric).as_stored);
    CHECK_FALSE(form(MetricKind::inner_product).as_stored);  // these are made equally long
}

TEST_CASE("build rows: any number of threads, the same codes", "[index]") {
    const Floats rows = clouds(1, 1);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product}) {
        const BuildRows one = of(rows, metric, 1);
        const BuildRows three = of(rows, metric, 3);
        CHECK(std::equal(one.codes.data(), one.codes.data() + one.codes.size(), three.codes.data()));
    }
}

namespace {

/// Long rows that lie along `directions`, but for a little of everything else; 0: in all directions alike.
std::vector<float> long_rows(std::size_t count, Dim wide, std::size_t directions) {
    Random random(11);
    const auto draw = [&] { return static_cast<float>(bell(random)); };
    std::vector<float> basis(directions * wide);
    std::generate(basis.begin(), basis.end(), draw);
    std::vector<float> values(count * wide);
    for (std::size_t i = 0; i < count; ++i) {
        float* const row = values.data() + i * wide;
        std::generate_n(row, wide, [&] { return (directions == 0 ? 1.0F : 0.1F) * draw(); });
        for (std::size_t k = 0; k < directions; ++k) {
            const float along = draw();
            for (Dim d = 0; d < wide; ++d) row[d] += along * basis[k * wide + d];
        }
    }
    return values;
}
BuildRows of_long(const std::vector<float>& values, Dim wide, MetricKind metric, unsigned threads = 1,
                  std::size_t candidates = 200) {
    const std::size_t count = values.size() / wide;
    const auto stored = Flat<AnyMetric>::create(Element::float32, wide, AnyMetric(metric)).value();
    std::vector<RowId> source(count);
    std::iota(source.begin(), source.end(), RowId{0});
    return build_rows(stored, {values.data(), count, wide}, source, std::span(source).first(64), candidates, {threads})
        .value();
}

}  // namespace

TEST_CASE("build rows: long rows that differ along few directions are walked by few values", "[index]") {
    constexpr Dim wide = 300;
    const std::vector<float> values = long_rows(4000, wide, 20);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
        CAPTURE(name(metric));
        const BuildRows built = of_long(values, wide, metric);
        REQUIRE(built.walk);
        CHECK(built.walk->codec.element() == Element::int8);
        CHECK(built.walk->codec.metric_kind() == MetricKind::l2);
        CHECK(built.walk->codec.dim() == 64);
        CHECK(built.codec.dim() >= wide);  // links are chosen by all values
        CHECK(built.walk->codes.size() == 4000 * 64);
        const BuildRows again = of_long(values, wide, metric, 3);
        CHECK(std::equal(built.walk->codes.data(), built.walk->codes.data() + built.walk->codes.size(),
                         again.walk->codes.data()));
    }
    CHECK_FALSE(of_long(values, wide, MetricKind::l1).walk);                     // no rotation keeps its distances
    CHECK_FALSE(of_long(long_rows(4000, wide, 0), wide, MetricKind::l2).walk);   // no direction says more than others
    CHECK_FALSE(of_long(long_rows(4000, 250, 20), 250, MetricKind::l2).walk);    // short
    CHECK_FALSE(of_long(long_rows(3000, wide, 20), wide, MetricKind::l2).walk);  // few
    CHECK_FALSE(of_long(std::vector<float>(4000 * wide, 3), wide, MetricKind::l2).walk);  // all alike
    CHECK(of_long(values, wide, MetricKind::l2, 1, 40).walk);
    CHECK_FALSE(of_long(values, wide, MetricKind::l2, 1, 39).walk);  // fewer candidates than they were tried among
}

TEST_CASE("build rows: long rows are not walked by values that do not tell which are near", "[index]") {
    // 40 clouds, along 20 directions; within a cloud, rows differ in every direction alike.
    constexpr Dim wide = 300;
    constexpr std::size_t clouds_of = 40;
    const std::vector<float> middles = long_rows(clouds_of, wide, 20);
    std::vector<float> values(4000 * wide);
    Random random(13);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = middles[i / wide % clouds_of * wide + i % wide] + 0.3F * static_cast<float>(bell(random));
    }
    const BuildRows built = of_long(values, wide, MetricKind::l2);
    CHECK_FALSE(built.walk);
    CHECK_FALSE(built.as_stored);  // which all values in 8 bits do
}

TEST_CASE("build rows: of rows that lie apart from the directions of most, the error says so", "[index]") {
    constexpr Dim wide = 300;
    constexpr RowId apart = 5999;  // not one of the first, from which the directions are taken
    std::vector<float> values = long_rows(6000, wide, 20);
    Random random(12);
    for (Dim d = 0; d < wide; ++d) values[apart * wide + d] = 4 * static_cast<float>(bell(random));
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine}) {
        const BuildRows built = of_long(values, wide, metric);
        CAPTURE(name(metric));
        REQUIRE(built.walk);
        REQUIRE(built.error);
        CHECK(built.error(apart, 1) > built.error(8, 1) + (metric == MetricKind::l2 ? 20.0F : 0.3F));
    }
}

TEST_CASE("build rows: values too large to square are no reason to fail", "[index]") {
    constexpr Dim wide = 300;
    std::vector<float> values = long_rows(4000, wide, 20);
    values[5 * wide] = 1e30F;
    const BuildRows built = of_long(values, wide, MetricKind::l2);
    CHECK_FALSE(built.walk);
    CHECK(built.codes.size() > 0);
}

TEST_CASE("build rows: long rows of 8 bits are walked by few values, too", "[index]") {
    constexpr Dim wide = 300;
    const std::vector<float> values = long_rows(4000, wide, 20);
    std::vector<std::uint8_t> bytes(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(std::clamp(128 + 8 * values[i], 0.0F, 255.0F));
    }
    std::vector<RowId> source(4000);
    std::iota(source.begin(), source.end(), RowId{0});
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine}) {
        const auto stored = Flat<AnyMetric>::create(Element::uint8, wide, AnyMetric(metric)).value();
        const auto built =
            build_rows(stored, {bytes.data(), source.size(), wide}, source, std::span(source).first(64), 200, {})
                .value();
        CAPTURE(name(metric));
        CHECK(built.as_stored);
        REQUIRE(built.walk);
        CHECK(built.walk->codec.dim() == 64);
    }
}
