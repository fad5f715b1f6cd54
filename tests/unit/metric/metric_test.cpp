// Each metric by hand, and which go with which element.
#include <cmath>
#include <vector>

#include <tonari/metric/any_metric.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {
const std::vector<float> a = {1, 2, 3};
const std::vector<float> b = {4, -2, 3};
const std::vector<float> zeros = {0, 0, 0};
}  // namespace

TEST_CASE("metric: distances by hand", "[metric]") {
    CHECK(L2{}.distance(a, b) == 25);
    CHECK(InnerProduct{}.distance(a, b) == -9);
    CHECK(Cosine{}.distance(a, b) == Approx(1 - 9 / std::sqrt(14.0 * 29.0)));
    CHECK(L1{}.distance(a, b) == 7);
    CHECK(Hamming{}.distance(a, b) == 2);
    for (const auto& row : {a, b, zeros}) {
        CHECK(L2{}.distance(row, row) == 0);
        CHECK(L1{}.distance(row, row) == 0);
        CHECK(Hamming{}.distance(row, row) == 0);
    }
    CHECK(Cosine{}.distance(a, a) == Approx(0).margin(1e-7));
    CHECK(Cosine{}.distance(a, std::vector<float>{-1, -2, -3}) == Approx(2));
    CHECK(Cosine{}.distance(a, zeros) == 1);
    CHECK(Cosine{}.distance(zeros, zeros) == 1);
}

TEST_CASE("metric: sums that float32 would lose are kept", "[metric]") {
    const std::vector<float> large = {1e8F, 1, -1e8F};
    const std::vector<float> ones = {1, 1, 1};
    CHECK(InnerProduct{}.distance(large, ones) == -1);
}

TEST_CASE("metric: scores are in the user's unit", "[metric]") {
    CHECK(L2{}.score(25) == 25);
    CHECK(InnerProduct{}.score(-9) == 9);
    CHECK(Cosine{}.score(0.25F) == 0.75F);
    CHECK(L1{}.score(7) == 7);
    CHECK(Hamming{}.score(2) == 2);
}

TEST_CASE("metric: which go with which element", "[metric]") {
    for (const Element element :
         {Element::float32, Element::float16, Element::bfloat16, Element::int8, Element::uint8, Element::bits}) {
        const bool bits = element == Element::bits;
        for (const MetricKind metric :
             {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine, MetricKind::l1}) {
            CHECK(check_metric(metric, element).ok() == !bits);
        }
        CHECK(check_metric(MetricKind::hamming, element).ok() == bits);
        CHECK(check_metric(MetricKind::user, element).ok() == (element == Element::float32));
    }
    const Status refused = check_metric(MetricKind::hamming, Element::uint8);
    CHECK(refused.error().code == ErrorCode::unsupported);
    CHECK(refused.error().message == "metric hamming over uint8 rows does not exist; hamming wants rows of bits");
}

TEST_CASE("metric: kinds, as types and at run time", "[metric]") {
    CHECK(kind_of(L2{}) == MetricKind::l2);
    CHECK(kind_of(AnyMetric(MetricKind::cosine)) == MetricKind::cosine);
    CHECK(kind_of(AnyMetric()) == MetricKind::l2);
}
