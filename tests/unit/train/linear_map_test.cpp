// Maps keep what they promise to keep: rotations lengths and products, PCA as much variance as any directions can, OPQ
// more of a product quantizer's rows than their own axes do. The oracle is arithmetic in double from the definitions.
#include <tonari/train/linear_map.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <tonari/core/random.hpp>
#include <tonari/simd/kernels.hpp>
#include <tonari/train/kmeans.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;
using train::LinearMap;

namespace {

/// Rows of independent values times a fixed random matrix whose columns shrink: correlated, some directions far longer
/// than others.
Rows correlated_rows(Dim dim, std::size_t count, std::uint64_t seed, float middle = 5) {
    Random random(7);
    std::vector<double> mix(std::size_t{dim} * dim);
    for (std::size_t i = 0; i < mix.size(); ++i) mix[i] = bell(random) / (1.0 + static_cast<double>(i / dim));
    Random drawn(seed);
    Rows rows(Element::float32, dim, count);
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<double> sums(dim, 0.0);
        for (Dim from = 0; from < dim; ++from) {
            const double value = bell(drawn);
            for (Dim d = 0; d < dim; ++d) sums[d] += value * mix[std::size_t{from} * dim + d];
        }
        for (Dim d = 0; d < dim; ++d) values[d] = middle + static_cast<float>(sums[d]);
        rows.set(i, values);
    }
    return rows;
}

double product(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
    return sum;
}
std::span<const float> direction(const LinearMap& map, Dim i) {
    return map.matrix().subspan(std::size_t{i} * map.in_dim(), map.in_dim());
}
/// How far M M^T is from the identity.
double skew(const LinearMap& map) {
    double most = 0;
    for (Dim i = 0; i < map.out_dim(); ++i) {
        for (Dim j = 0; j <= i; ++j) {
            most = std::max(most, std::abs(product(direction(map, i), direction(map, j)) - (i == j ? 1 : 0)));
        }
    }
    return most;
}
bool same(const LinearMap& a, const LinearMap& b) {
    return std::equal(a.matrix().begin(), a.matrix().end(), b.matrix().begin(), b.matrix().end()) &&
           std::equal(a.middle().begin(), a.middle().end(), b.middle().begin(), b.middle().end());
}
std::vector<float> mapped(const LinearMap& map, std::span<const float> row) {
    std::vector<float> values(row.begin(), row.end());
    std::vector<float> out(map.out_dim());
    map.apply(values.data(), out.data());
    return out;
}
/// Second moments of the rows around `middle` in double, dim x dim.
std::vector<double> moments_of(const Rows& rows, std::span<const double> middle) {
    const std::size_t dim = rows.dim();
    std::vector<double> moments(dim * dim);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (std::size_t i = 0; i < dim; ++i) {
            for (std::size_t j = 0; j < dim; ++j) {
                moments[i * dim + j] += (double{rows.values(row)[i]} - middle[i]) *
                                        (double{rows.values(row)[j]} - middle[j]) / static_cast<double>(rows.size());
            }
        }
    }
    return moments;
}
std::vector<double> mean_of(const Rows& rows) {
    std::vector<double> mean(rows.dim());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        for (std::size_t d = 0; d < mean.size(); ++d)
            mean[d] += double{rows.values(row)[d]} / static_cast<double>(rows.size());
    }
    return mean;
}

/// What remains of mapped rows when each of their parts is coded by 16 points that k-means trains: the mean squared
/// distance.
double quantizer_error(const LinearMap& map, const Rows& rows, std::size_t parts) {
    const std::size_t width = map.out_dim() / parts;
    std::vector<float> turned;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = mapped(map, rows.values(i));
        turned.insert(turned.end(), row.begin(), row.end());
    }
    double error = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        train::KMeansOptions options;
        options.clusters = 16;
        options.iterations = 25;
        const MatrixView view(turned.data() + part * width, rows.size(), static_cast<Dim>(width), Element::float32,
                              map.out_dim() * sizeof(float));
        error += train::kmeans(view, options)->inertia;
    }
    return error;
}

LinearMap identity(Dim dim) {
    std::vector<float> matrix(std::size_t{dim} * dim);
    for (std::size_t i = 0; i < dim; ++i) matrix[i * dim + i] = 1;
    return LinearMap::create(dim, dim, matrix).value();
}

}  // namespace

TEST_CASE("linear map: a random rotation keeps products, whatever is kept of it has length 1", "[train]") {
    for (const auto& [dim, out] : {std::pair<Dim, Dim>{1, 1}, {2, 2}, {3, 1}, {17, 17}, {64, 20}, {130, 130}}) {
        const LinearMap map = train::random_rotation(dim, out, dim).value();
        CAPTURE(dim, out);
        CHECK(skew(map) < 1e-6);
        CHECK_FALSE(map.centred());
        if (dim != out) continue;
        const Rows rows = clustered_rows(Element::float32, dim, 2, 3);
        const auto a = mapped(map, rows.values(0));
        const auto b = mapped(map, rows.values(1));
        const double scale = product(rows.values(0), rows.values(0)) + product(rows.values(1), rows.values(1));
        CHECK(std::abs(product(a, b) - product(rows.values(0), rows.values(1))) <= 1e-6 * scale);
    }
    const auto matrix = [](std::uint64_t seed) {
        const LinearMap map = train::random_rotation(20, 20, seed).value();
        return std::vector<float>(map.matrix().begin(), map.matrix().end());
    };
    CHECK(matrix(1) == matrix(1));
    CHECK(matrix(1) != matrix(2));
    // No direction is preferred: over many rotations the mean square of each value of the matrix is 1 / dim.
    double square = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed)
        square += std::pow(double{train::random_rotation(5, 5, seed)->matrix()[0]}, 2);
    CHECK(std::abs(square / 400 - 0.2) < 0.04);
}

TEST_CASE("linear map: several rows at once are the same bits, at every level", "[train]") {
    const Rows rows = clustered_rows(Element::float32, 131, LinearMap::most_rows, 4);
    const LinearMap map = train::pca(rows.view(), {.out = 37}).value();
    REQUIRE(map.centred());
    for (std::size_t count = 1; count <= LinearMap::most_rows; ++count) {
        std::vector<float> values(rows.values(0).data(), rows.values(0).data() + count * rows.dim());
        std::vector<float> together(count * map.out_dim());
        map.apply(values.data(), count, together.data());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto alone = mapped(map, rows.values(i));
            wrong += std::equal(alone.begin(), alone.end(),
                                together.begin() + static_cast<std::ptrdiff_t>(i * map.out_dim()))
                         ? 0
                         : 1;
        }
        CHECK(wrong == 0);
    }
    // That rests on this: a product's bits do not depend on which of the two is the query, nor on the rows beside it.
    for (const simd::Level level : simd::available_levels()) {
        const auto scan = simd::kernels(level)->of(MetricKind::inner_product, Element::float32).scan;
        const auto* const all = reinterpret_cast<const std::byte*>(rows.values(0).data());
        std::size_t wrong = 0;
        for (Dim dim = 1; dim <= rows.dim(); ++dim) {
            std::vector<float> one(rows.size());
            scan(rows.values(0).data(), all, rows.dim() * sizeof(float), rows.size(), dim, one.data());
            for (std::size_t i = 0; i < rows.size(); ++i) {
                float other = 0;
                scan(rows.values(i).data(), all, rows.dim() * sizeof(float), 1, dim, &other);
                wrong += one[i] == other ? 0 : 1;
            }
        }
        CAPTURE(simd::name(level));
        CHECK(wrong == 0);
    }
}

TEST_CASE("pca: directions are the eigenvectors of the second moments, the largest first", "[train]") {
    constexpr Dim dim = 40;
    const Rows rows = correlated_rows(dim, 900, 1);
    for (const bool centred : {true, false}) {
        const LinearMap map = train::pca(rows.view(), {dim, centred, {}}).value();
        CAPTURE(centred);
        CHECK(skew(map) < 1e-6);
        CHECK(map.centred() == centred);
        const auto middle = centred ? mean_of(rows) : std::vector<double>(dim);
        const auto moments = moments_of(rows, middle);
        double trace = 0;
        for (std::size_t d = 0; d < dim; ++d) trace += moments[d * dim + d];
        double before = std::numeric_limits<double>::infinity();
        double captured = 0;
        for (Dim i = 0; i < dim; ++i) {
            const auto v = direction(map, i);
            std::vector<double> turned(dim);  // C v
            for (std::size_t a = 0; a < dim; ++a) {
                for (std::size_t b = 0; b < dim; ++b) turned[a] += moments[a * dim + b] * double{v[b]};
            }
            double value = 0;
            for (std::size_t a = 0; a < dim; ++a) value += turned[a] * double{v[a]};
            double residual = 0;  // C v - value v
            for (std::size_t a = 0; a < dim; ++a) residual += std::pow(turned[a] - value * double{v[a]}, 2);
            CHECK(std::sqrt(residual) < 1e-6 * trace);
            CHECK(value <= before * (1 + 1e-6) + 1e-6 * trace);
            before = value;
            captured += value;
        }
        CHECK(std::abs(captured - trace) < 1e-5 * trace);
        // What is kept of rows is what the values say, and more than random directions keep.
        const LinearMap first = train::pca(rows.view(), {8, centred, {}}).value();
        const LinearMap random = train::random_rotation(dim, 8, 1).value();
        double kept = 0;
        double by_chance = 0;
        double all = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::vector<float> away(rows.values(i).begin(), rows.values(i).end());
            for (std::size_t d = 0; d < dim; ++d) away[d] -= static_cast<float>(middle[d]);
            const auto by_first = mapped(first, rows.values(i));
            const auto by_random = mapped(random, away);
            kept += product(by_first, by_first);
            by_chance += product(by_random, by_random);
            all += product(away, away);
        }
        CHECK(kept > 0.8 * all);
        CHECK(by_chance < 0.6 * kept);
    }
}

TEST_CASE("pca: few directions of many hold as much as the best do, nearly", "[train]") {
    constexpr Dim dim = 320;
    const Rows steep = correlated_rows(dim, 700, 11);
    const Rows clustered = clustered_rows(Element::float32, dim, 1500, 12);  // more than a slice
    const Rows level = integer_rows(Element::float32, dim, 400, 13);         // no direction tells much
    const Rows far = correlated_rows(dim, 700, 14, 300);                     // from the origin, beside how they differ
    for (const Rows* rows : {&steep, &clustered, &level, &far}) {
        for (const bool centred : {true, false}) {
            const LinearMap all = train::pca(rows->view(), {dim, centred, {}}).value();
            const auto extent = [&](const LinearMap& map, Dim from, Dim to) {  // of the rows, along these directions
                double sum = 0;
                for (std::size_t i = 0; i < rows->size(); ++i) {
                    const auto row = mapped(map, rows->values(i));
                    for (Dim d = from; d < to; ++d) sum += double{row[d]} * double{row[d]};
                }
                return sum / static_cast<double>(rows->size());
            };
            for (const Dim out : {1U, 8U, 53U}) {
                CAPTURE(rows->size(), centred, out);
                const LinearMap few = train::pca(rows->view(), {out, centred, {}}).value();
                CHECK(skew(few) < 1e-6);
                CHECK(few.centred() == centred);
                CHECK(same(few, train::pca(rows->view(), {out, centred, {3}}).value()));
                CHECK(extent(few, 0, out) > (1 - 3e-4) * extent(all, 0, out));
                CHECK(extent(few, 1, out) > (1 - 3e-4) * extent(all, 1, out) - 1e-6 * extent(all, 0, 1));
                for (const Dim first : {1U, 4U}) {  // the first of them are the first of all
                    if (first >= out) continue;
                    CHECK(extent(few, 0, first) > (1 - 1e-3) * extent(all, 0, first));
                }
            }
        }
    }
}

TEST_CASE("pca: few directions of many, of rows that say little", "[train]") {
    constexpr Dim dim = 300;
    const Rows few = correlated_rows(dim, 5, 14);
    Rows equal(Element::float32, dim, 40);
    const Rows zeros(Element::float32, dim, 30);
    Rows tiny(Element::float32, dim, 60);
    Rows huge(Element::float32, dim, 60);
    for (std::size_t i = 0; i < 60; ++i) {
        std::vector<float> small(few.values(i % 5).begin(), few.values(i % 5).end());
        std::vector<float> large = small;
        for (float& value : small) value *= 1e-30F;
        for (float& value : large) value *= 1e15F;
        if (i < equal.size()) equal.set(i, few, 0);
        tiny.set(i, small);
        huge.set(i, large);
    }
    for (const Rows* rows : std::initializer_list<const Rows*>{&few, &equal, &zeros, &tiny, &huge}) {
        for (const bool centred : {true, false}) {
            CAPTURE(rows->size(), rows->values(0)[1], centred);
            const auto map = train::pca(rows->view(), {40, centred, {}});
            REQUIRE(map.ok());
            CHECK(skew(*map) < 2e-6);
            double kept = 0;  // five rows stand in four directions around their middle
            double all = 0;
            for (std::size_t i = 0; i < rows->size(); ++i) {
                std::vector<float> away(rows->values(i).begin(), rows->values(i).end());
                for (std::size_t d = 0; centred && d < dim; ++d) away[d] -= map->middle()[d];
                const auto row = mapped(*map, rows->values(i));
                kept += product(row, row);
                all += product(away, away);
            }
            CHECK(std::abs(kept - all) <= 1e-5 * all);
        }
    }
}

TEST_CASE("turned: keeps what the map kept, and spreads it over all values", "[train]") {
    constexpr Dim dim = 40;
    constexpr Dim out = 12;
    const Rows rows = correlated_rows(dim, 900, 1);
    for (const bool centred : {true, false}) {
        const LinearMap map = train::pca(rows.view(), {out, centred, {}}).value();
        const LinearMap turned = train::turned(map, 5, {}).value();
        CAPTURE(centred);
        CHECK(skew(turned) < 1e-6);
        CHECK(turned.centred() == centred);
        CHECK(same(turned, train::turned(map, 5, {3}).value()));
        CHECK_FALSE(same(turned, train::turned(map, 6, {}).value()));
        std::vector<double> before(out);  // mean square of each value
        std::vector<double> after(out);
        double worst = 0;
        double all = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto a = mapped(map, rows.values(i));
            const auto b = mapped(turned, rows.values(i));
            worst = std::max(worst, std::abs(product(a, a) - product(b, b)));
            all += product(a, a);
            for (Dim d = 0; d < out; ++d) {
                before[d] += double{a[d]} * double{a[d]};
                after[d] += double{b[d]} * double{b[d]};
            }
        }
        CHECK(worst < 1e-5 * all / static_cast<double>(rows.size()));
        CHECK(*std::max_element(after.begin(), after.end()) < 0.7 * *std::max_element(before.begin(), before.end()));
    }
}

TEST_CASE("opq: less is left over of correlated rows than by their own axes, and than by PCA's", "[train]") {
    constexpr Dim dim = 32;
    const Rows rows = correlated_rows(dim, 3000, 2);
    for (const std::size_t parts : {4U, 8U, 16U}) {
        train::OpqOptions options;
        options.parts = parts;
        options.out = dim;
        const LinearMap map = train::opq(rows.view(), options).value();
        options.iterations = 0;
        const LinearMap begun = train::opq(rows.view(), options).value();
        const double by_axes = quantizer_error(identity(dim), rows, parts);
        const double by_pca = quantizer_error(train::pca(rows.view(), {.out = dim}).value(), rows, parts);
        const double by_start = quantizer_error(begun, rows, parts);
        const double fitted = quantizer_error(map, rows, parts);
        CAPTURE(parts, by_axes, by_pca, by_start, fitted);
        CHECK(skew(map) < 1e-6);
        CHECK(by_start < by_pca);
        CHECK(fitted < 0.8 * by_axes);
        CHECK(fitted < 1.01 * by_start);  // where values are normally distributed the beginning is hard to better
    }
    // To fewer dimensions: the first of the PCA, turned.
    train::OpqOptions options;
    options.parts = 4;
    options.out = 12;
    for (const bool centred : {true, false}) {
        options.centred = centred;
        const LinearMap map = train::opq(rows.view(), options).value();
        const LinearMap first = train::pca(rows.view(), {12, centred, {}}).value();
        CHECK(skew(map) < 1e-6);
        CHECK(map.centred() == centred);
        double apart = 0;
        for (std::size_t i = 0; i < 50; ++i) {
            const auto a = mapped(map, rows.values(i));
            const auto b = mapped(first, rows.values(i));
            apart = std::max(apart, std::abs(product(a, a) / product(b, b) - 1));
        }
        CHECK(apart < 1e-5);
    }
}

TEST_CASE("opq: a product of codebooks that a rotation hides is found again, nearly", "[train]") {
    constexpr Dim dim = 16;
    constexpr std::size_t parts = 4;
    Random random(9);
    std::vector<float> points(parts * 16 * 4);
    for (float& value : points) value = static_cast<float>(bell(random));
    const LinearMap hidden = train::random_rotation(dim, dim, 10).value();
    Rows rows(Element::float32, dim, 4000);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<float> row;
        for (std::size_t part = 0; part < parts; ++part) {
            const auto* const point = points.data() + (part * 16 + random.below(16)) * 4;
            for (std::size_t j = 0; j < 4; ++j) row.push_back(point[j] + 0.05F * static_cast<float>(bell(random)));
        }
        rows.set(i, mapped(hidden, row));
    }
    train::OpqOptions options;
    options.parts = parts;
    options.out = dim;
    const double fitted = quantizer_error(train::opq(rows.view(), options).value(), rows, parts);
    options.iterations = 0;
    const double by_start = quantizer_error(train::opq(rows.view(), options).value(), rows, parts);
    CAPTURE(by_start, fitted);
    CHECK(fitted < 0.9 * by_start);
}

TEST_CASE("linear map: any number of threads gives the same bits", "[train]") {
    const Rows rows = correlated_rows(70, 700, 3);
    train::OpqOptions one;
    one.parts = 35;
    one.out = 70;
    one.iterations = 4;
    train::OpqOptions three = one;
    three.threads.count = 3;
    CHECK(same(train::pca(rows.view(), {30, true, {1}}).value(), train::pca(rows.view(), {30, true, {3}}).value()));
    CHECK(same(train::opq(rows.view(), one).value(), train::opq(rows.view(), three).value()));
}

TEST_CASE("linear map: rows that say little make a map all the same", "[train]") {
    const Rows few = correlated_rows(24, 3, 4);
    Rows equal(Element::float32, 24, 40);
    Rows constant = correlated_rows(24, 400, 5);  // in a third of its dimensions
    Rows zeros(Element::float32, 24, 30);
    Rows tiny(Element::float32, 24, 100);
    Rows huge(Element::float32, 24, 100);
    for (std::size_t i = 0; i < 400; ++i) {
        std::vector<float> values(constant.values(i).begin(), constant.values(i).end());
        if (i < equal.size()) equal.set(i, few, 0);
        for (std::size_t d = 0; d < 24; d += 3) values[d] = 2;
        constant.set(i, values);
        if (i >= 100) continue;
        std::vector<float> scaled = values;
        for (float& value : scaled) value *= 1e-30F;
        tiny.set(i, scaled);
        for (float& value : values) value *= 1e17F;
        huge.set(i, values);
    }
    for (const Rows* rows : std::initializer_list<const Rows*>{&few, &equal, &constant, &zeros, &tiny, &huge}) {
        for (const bool centred : {true, false}) {
            for (const Dim out : {24U, 8U}) {
                train::OpqOptions options;
                options.parts = 4;
                options.out = out;
                options.centred = centred;
                options.iterations = 3;
                CAPTURE(rows->size(), rows->values(0)[1], centred, out);
                const auto pca = train::pca(rows->view(), {out, centred, {}});
                const auto opq = train::opq(rows->view(), options);
                REQUIRE(pca.ok());
                REQUIRE(opq.ok());
                CHECK(skew(*pca) < 2e-6);
                CHECK(skew(*opq) < 2e-6);
                for (const LinearMap* map : {&*pca, &*opq}) {
                    for (const float value : mapped(*map, rows->values(rows->size() - 1))) CHECK(std::isfinite(value));
                }
            }
        }
    }
}

TEST_CASE("linear map: what is refused", "[train]") {
    const Rows rows = correlated_rows(12, 60, 6);
    const auto refused = [](const auto& result, std::string_view words) {
        REQUIRE_FALSE(result.ok());
        INFO(result.error().message);
        CHECK(result.error().message.find(words) != std::string::npos);
    };
    refused(train::random_rotation(0, 0, 1), "1 to 8192");
    refused(train::random_rotation(9000, 1, 1), "1 to 8192");
    refused(train::random_rotation(4, 5, 1), "at most as many");
    refused(train::pca(rows.view(), {.out = 13}), "1 to 12 dimensions");
    refused(train::pca(rows.view(), {.out = 0}), "1 to 12 dimensions");
    refused(train::pca(rows.view().slice(0, 0), {.out = 1}), "at least one row");
    refused(train::pca(clustered_rows(Element::uint8, 12, 4, 1).view(), {.out = 1}), "float32");
    train::OpqOptions options;
    options.out = 12;
    options.parts = 5;
    refused(train::opq(rows.view(), options), "parts that divide 12");
    options.parts = 0;
    refused(train::opq(rows.view(), options), "parts that divide 12");
    options.parts = 4;
    options.points = 257;
    refused(train::opq(rows.view(), options), "2 to 256 points");
    Rows bad = rows;
    bad.set(7, std::vector<float>(12, std::numeric_limits<float>::quiet_NaN()));
    refused(train::pca(bad.view(), {.out = 3}), "at row 7");
    refused(LinearMap::create(2, 2, std::vector<float>{1, 0, 0, 2}), "length 1");
    refused(LinearMap::create(2, 2, std::vector<float>{1, 0, 0, std::numeric_limits<float>::quiet_NaN()}), "length 1");
    refused(LinearMap::create(2, 2, std::vector<float>{1, 0, 0}), "2 x 2 values");
    refused(LinearMap::create(2, 3, std::vector<float>(6)), "at most as many");
    refused(LinearMap::create(2, 1, std::vector<float>{1, 0}, std::vector<float>{1e30F, 0}), "middle");
}
