#include <tonari/tune/recall.hpp>

#include <cmath>
#include <vector>

#include <tonari/tune/exact_distance.hpp>

#include "support/catch.hpp"

using namespace tonari;

namespace {

/// Points on a line: row i stands at `at[i]`, the one query at 0.
struct Line {
    std::vector<float> at;
    std::vector<float> query{0.0F};
    [[nodiscard]] MatrixView base() const { return {at.data(), at.size(), 1}; }
    [[nodiscard]] MatrixView queries() const { return {query.data(), 1, 1}; }
};

tune::GroundTruth truth_of(std::vector<Id> ids) {
    tune::GroundTruth truth;
    truth.queries = 1;
    truth.k = ids.size();
    truth.ids = std::move(ids);
    return truth;
}

}  // namespace

TEST_CASE("recall counts what is as near as the k-th true neighbour") {
    const Line line{{1, 2, 3, 4, 5}};
    const auto scorer =
        tune::RecallScorer::make(MetricKind::l2, line.base(), line.queries(), truth_of({0, 1, 2}), 3).value();
    CHECK(scorer.hits(0, std::vector<Id>{0, 1, 2}) == 3);
    CHECK(scorer.hits(0, std::vector<Id>{2, 0, 1}) == 3);  // order is not recall's business
    CHECK(scorer.hits(0, std::vector<Id>{0, 1, 3}) == 2);
    CHECK(scorer.hits(0, std::vector<Id>{3, 4}) == 0);
    CHECK(scorer.recall(std::vector<Id>{0, 3, 4}, 3) == Approx(1.0 / 3));
}

TEST_CASE("recall counts an id once, and only ids that are rows") {
    const Line line{{1, 2, 3, 4, 5}};
    const auto scorer =
        tune::RecallScorer::make(MetricKind::l2, line.base(), line.queries(), truth_of({0, 1, 2}), 3).value();
    CHECK(scorer.hits(0, std::vector<Id>{0, 0, 0}) == 1);
    CHECK(scorer.hits(0, std::vector<Id>{0, no_id, 99}) == 1);
    CHECK(scorer.hits(0, std::vector<Id>{3, 4, 3, 0, 1, 2}) == 0);  // what comes behind the k-th answer is too late
}

TEST_CASE("recall over bits looks at no bit beyond the dimension") {
    const std::vector<Bits8> rows{{0b11111'001}, {0b00000'011}, {0b10101'111}};  // dim 3: at 1, 2 and 3 from 0
    const std::vector<Bits8> query{{0b01010'000}};
    const MatrixView base(static_cast<const void*>(rows.data()), 3, 3, Element::bits);
    const MatrixView queries(static_cast<const void*>(query.data()), 1, 3, Element::bits);
    const auto scorer = tune::RecallScorer::make(MetricKind::hamming, base, queries, truth_of({0, 1}), 2).value();
    CHECK(scorer.hits(0, std::vector<Id>{0, 1}) == 2);
    CHECK(scorer.hits(0, std::vector<Id>{0, 2}) == 1);
    tune::ExactDistance distance(MetricKind::hamming);
    distance.set_query(queries.row(0));
    for (std::size_t i = 0; i < 3; ++i) CHECK(distance(base.row(i)) == static_cast<double>(i + 1));
}

TEST_CASE("recall accepts ties of distance") {
    const Line line{{1, 2, -2, 2, 5}};
    const auto scorer =
        tune::RecallScorer::make(MetricKind::l2, line.base(), line.queries(), truth_of({0, 1}), 2).value();
    CHECK(scorer.hits(0, std::vector<Id>{0, 2}) == 2);
    CHECK(scorer.hits(0, std::vector<Id>{0, 3}) == 2);
    CHECK(scorer.hits(0, std::vector<Id>{2, 3}) == 2);
    CHECK(scorer.hits(0, std::vector<Id>{0, 4}) == 1);
}

TEST_CASE("recall forgives what float32 cannot tell apart, and no more") {
    const Line line{{1, 1.0000002F, 1.001F}};
    const auto scorer = tune::RecallScorer::make(MetricKind::l2, line.base(), line.queries(), truth_of({0}), 1).value();
    CHECK(scorer.hits(0, std::vector<Id>{1}) == 1);
    CHECK(scorer.hits(0, std::vector<Id>{2}) == 0);
}

TEST_CASE("recall takes k for the rows there are") {
    const Line line{{1, 2}};
    const auto scorer =
        tune::RecallScorer::make(MetricKind::l2, line.base(), line.queries(), truth_of({0, 1}), 10).value();
    CHECK(scorer.k() == 2);
    CHECK(scorer.recall(std::vector<Id>{0, 1}, 2) == 1.0);
}

TEST_CASE("recall refuses what does not belong together") {
    const Line line{{1, 2, 3}};
    const auto make = [&](const tune::GroundTruth& truth, std::size_t k) {
        return tune::RecallScorer::make(MetricKind::l2, line.base(), line.queries(), truth, k);
    };
    CHECK(make(truth_of({0, 1}), 0).error().code == ErrorCode::invalid_argument);
    CHECK(make(truth_of({0, 1}), 3).error().message.find("at least 3") != std::string::npos);
    CHECK(make(truth_of({0, 7}), 2).error().message.find("got 7") != std::string::npos);
    CHECK(make(truth_of({0, -1}), 2).error().code == ErrorCode::invalid_argument);
    const std::vector<float> wide(4);
    const auto wrong =
        tune::RecallScorer::make(MetricKind::l2, line.base(), MatrixView(wide.data(), 1, 4), truth_of({0}), 1);
    CHECK(wrong.error().message.find("1 dimensions") != std::string::npos);
}

TEST_CASE("exact distances follow their definition for every element") {
    const std::vector<std::uint8_t> a{0, 200, 3};
    const std::vector<std::uint8_t> b{255, 100, 7};
    tune::ExactDistance l2(MetricKind::l2);
    l2.set_query(RowView(a));
    CHECK(l2(RowView(b)) == 255.0 * 255 + 100.0 * 100 + 16);
    const std::vector<std::int8_t> c{-128, 127};
    tune::ExactDistance l1(MetricKind::l1);
    l1.set_query(RowView(c));
    CHECK(l1(RowView(std::vector<std::int8_t>{127, -128})) == 510);
    const std::vector<Float16> one{{0x3c00}, {0xc000}};  // 1, -2
    tune::ExactDistance ip(MetricKind::inner_product);
    ip.set_query(RowView(one));
    CHECK(ip(RowView(one)) == -5);
    tune::ExactDistance cosine(MetricKind::cosine);
    cosine.set_query(RowView(std::vector<float>{3, 4}));
    CHECK(cosine(RowView(std::vector<float>{-4, 3})) == Approx(1));
    CHECK(cosine(RowView(std::vector<float>{6, 8})) == Approx(0).margin(1e-15));
    CHECK(cosine(RowView(std::vector<float>{0, 0})) == 1);
    const std::vector<Bits8> bits{{0xff}, {0x01}};
    tune::ExactDistance hamming(MetricKind::hamming);
    hamming.set_query(RowView(bits));
    CHECK(hamming(RowView(std::vector<Bits8>{{0x0f}, {0x00}})) == 5);
    CHECK(hamming.tolerance(5) == 0);
}
