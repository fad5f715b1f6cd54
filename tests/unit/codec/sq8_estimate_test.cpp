// Rounded rows as estimates: how far a distance moves, a scorer knows, and what it lets through is what may be near.
#include <tonari/codec/sq8_estimate.hpp>

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

static_assert(Codec<Sq8Estimate<>> && TrainableCodec<Sq8Estimate<>> && Scorer<Sq8Estimate<>::Scorer>);

namespace {

struct Coded {
    Sq8Estimate<> codec;
    std::vector<std::byte> codes;
    std::vector<float> prepared;

    Coded(const Rows& rows, MetricKind metric) : codec(Sq8Estimate<>::train(rows.view(), {AnyMetric(metric)}).value()) {
        codes.resize(rows.size() * codec.code_size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            codec.encode(rows.row(i), {}, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
        }
        prepared.resize(codec.query_size() / 4 + 1);
    }
    Sq8EstimateScorer scorer(RowView query) {
        codec.prepare(query, reinterpret_cast<std::byte*>(prepared.data()));
        Sq8EstimateScorer scorer = codec.scorer();
        scorer.set_query(prepared.data());
        return scorer;
    }
    [[nodiscard]] CodeBlock block(std::size_t rows) const { return {codes.data(), codec.code_size(), rows}; }
};

}  // namespace

TEST_CASE("sq8 estimate: three deviations below the estimate hardly any distance is, and one is not far", "[codec]") {
    for (const Dim dim : {24U, 200U}) {
        const Rows rows = clustered_rows(Element::float32, dim, 500, 1);
        const Rows queries = clustered_rows(Element::float32, dim, 40, 2);
        for (const MetricKind metric : vector_metrics) {
            Coded coded(rows, metric);
            const Distance truth = definition_of(metric);
            std::vector<float> estimates(rows.size());
            std::size_t beyond = 0;
            double squares = 0;  // of how many deviations estimates lie from the truth
            for (std::size_t q = 0; q < queries.size(); ++q) {
                Sq8EstimateScorer scorer = coded.scorer(queries.row(q));
                scorer.set_deviations(1);
                scorer.distances(coded.block(rows.size()), estimates.data());
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    const double deviation =
                        static_cast<double>(estimates[i]) - static_cast<double>(scorer.lower(estimates[i]));
                    const double moved = static_cast<double>(estimates[i]) -
                                         static_cast<double>(truth(queries.values(q), rows.values(i)));
                    beyond += moved > 3 * deviation ? 1 : 0;
                    squares += moved * moved / (deviation * deviation);
                }
            }
            const auto pairs = static_cast<double>(rows.size() * queries.size());
            CAPTURE(dim, name(metric), beyond, squares / pairs);
            CHECK(static_cast<double>(beyond) <= 0.003 * pairs);
            CHECK(squares <= 1.3 * pairs);
            CHECK(squares >= 0.15 * pairs);  // under inner product the longest row stands for all
        }
    }
}

TEST_CASE("sq8 estimate: whatever may be below a bound comes through, whole batches and scattered rows", "[codec]") {
    const Rows rows = clustered_rows(Element::float32, 24, 300, 3);
    for (const MetricKind metric : vector_metrics) {
        Coded coded(rows, metric);
        std::vector<const std::byte*> pointers(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) pointers[i] = coded.codes.data() + i * coded.codec.code_size();
        Sq8EstimateScorer scorer = coded.scorer(rows.row(7));
        std::vector<float> estimates(rows.size());
        scorer.distances(coded.block(rows.size()), estimates.data());
        std::size_t wrong = 0;
        for (const float deviations : {0.0F, 0.5F, 3.0F, 40.0F, 1e9F, std::numeric_limits<float>::max()}) {
            scorer.set_deviations(deviations);
            for (std::size_t b = 0; b < rows.size(); b += 7) {
                for (const float bound : {estimates[b], scorer.lower(estimates[b])}) {
                    Survivors scanned;
                    Survivors gathered;
                    scorer.scan(coded.block(rows.size()), bound, scanned);
                    scorer.gather(pointers, bound, gathered);
                    std::vector<bool> through(rows.size(), false);
                    for (std::size_t i = 0; i < scanned.count; ++i) {
                        through[scanned.index[i]] = true;
                        wrong += scanned.lower[i] == scorer.lower(estimates[scanned.index[i]]) ? 0 : 1;
                    }
                    for (std::size_t i = 0; i < rows.size(); ++i) {
                        if (scorer.lower(estimates[i]) < bound) wrong += through[i] ? 0 : 1;
                        // Nothing far from the bound comes through either.
                        if (deviations == 0) wrong += through[i] == (estimates[i] < bound) ? 0 : 1;
                    }
                    wrong += gathered.count == scanned.count ? 0 : 1;
                }
            }
        }
        CAPTURE(name(metric));
        CHECK(wrong == 0);
    }
}

TEST_CASE("sq8 estimate: equal rows, rows of zeros and very long ones have finite deviations", "[codec]") {
    for (const float value : {0.0F, 3.0F, 1e18F, 1e-30F}) {
        Rows rows(Element::float32, 8, 20);
        for (std::size_t i = 0; i < rows.size(); ++i) rows.set(i, std::vector<float>(8, value));
        for (const MetricKind metric : vector_metrics) {
            Coded coded(rows, metric);
            Sq8EstimateScorer scorer = coded.scorer(rows.row(0));
            float estimate = 0;
            scorer.distances(coded.block(1), &estimate);
            scorer.set_deviations(3);
            CAPTURE(value, name(metric));
            CHECK(std::isfinite(estimate));
            CHECK(scorer.lower(estimate) <= estimate);
            CHECK_FALSE(std::isnan(scorer.raised(estimate)));
        }
    }
}
