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
    return build_rows(stored, rows.view(), all(), all(), {threads}).value();
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
        return build_rows(stored, rows, all(), all(), {}).value();
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
