// Panels of queries find of any rows just those that the scan kernel finds below a limit, with its distances, and so do the scorers over
// them: where panels, pieces and blocks begin and end, whatever the limits are.
//
// These cases run twice: at the best level, and at the reference (tests/cross/CMakeLists.txt), which has tiles everywhere.
#include <tonari/codec/query_panels.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/codec/sq8_estimate.hpp>
#include <tonari/core/cache_line.hpp>
#include <tonari/core/top_k.hpp>
#include <tonari/index/offer_together.hpp>

#include "support/catch.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr MetricKind metrics[] = {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

/// Rows and queries as a codec writes them, and their scorers.
template <class C>
struct Case {
    using Scorer = typename C::Scorer;

    C codec;
    std::size_t rows;
    std::vector<std::byte> codes;
    std::vector<std::byte> prepared;
    std::vector<Scorer> scorers;

    Case(C of, const Rows& given, const Rows& queries, float deviations = 0)
        : codec(std::move(of)),
          rows(given.size()),
          codes(rows * codec.code_size()),
          prepared((queries.size() + 1) * whole_lines(codec.query_size())) {
        for (std::size_t i = 0; i < rows; ++i) {
            codec.encode(given.row(i), {}, std::span(codes).subspan(i * codec.code_size(), codec.code_size()));
        }
        std::byte* at = at_cache_line(prepared.data());
        for (std::size_t q = 0; q < queries.size(); ++q, at += whole_lines(codec.query_size())) {
            codec.prepare(queries.row(q), at);
            Scorer scorer = codec.scorer();
            scorer.set_query(at);
            if constexpr (requires { scorer.set_deviations(deviations); }) scorer.set_deviations(deviations);
            scorers.push_back(scorer);
        }
    }
    [[nodiscard]] CodeBlock block() const { return {codes.data(), codec.code_size(), rows}; }
    [[nodiscard]] std::vector<const std::byte*> scattered() const {
        std::vector<const std::byte*> pointers;
        for (std::size_t i = 0; i < rows; ++i) pointers.push_back(codes.data() + i * codec.code_size());
        return pointers;
    }
    [[nodiscard]] std::vector<Scorer*> pointers() {
        std::vector<Scorer*> all;
        for (Scorer& scorer : scorers) all.push_back(&scorer);
        return all;
    }
    [[nodiscard]] QueryPanels panels(std::size_t most_rows) const {
        const std::size_t count = (scorers.size() + QueryPanels::width - 1) / QueryPanels::width;
        return QueryPanels::create(panel_rows_of(codec), count, most_rows, most_rows).value();
    }
};

/// Limits that a few, half, all or none of the distances are below, and one that is just a distance.
QueryPanels::Limits limits_of(std::vector<std::vector<float>> distances, std::size_t turn) {
    QueryPanels::Limits limits;
    limits.fill(-infinity);
    for (std::size_t q = 0; q < distances.size(); ++q) {
        std::vector<float>& of = distances[q];
        std::sort(of.begin(), of.end());
        const float choices[] = {infinity, of[of.size() / 20], of[of.size() / 2], -infinity, of.front(), of.back()};
        limits[q] = choices[(q + turn) % std::size(choices)];
    }
    return limits;
}

/// In blocks of `most`, one behind another or scattered, with limits that stay as they are.
void check_found(Case<Flat<>>& of, std::size_t most, std::size_t turn) {
    QueryPanels panels = of.panels(most);
    const std::vector<KernelScorer*> scorers = of.pointers();
    pack_queries(panels, std::span<KernelScorer* const>(scorers));
    std::vector<std::vector<float>> distances(scorers.size(), std::vector<float>(of.rows));
    for (std::size_t q = 0; q < scorers.size(); ++q) scorers[q]->distances(of.block(), distances[q].data());
    const std::vector<const std::byte*> codes = of.scattered();
    std::size_t wrong = 0;
    for (std::size_t p = 0; p < panels.panels(); ++p) {
        const std::size_t queries = std::min(QueryPanels::width, scorers.size() - p * QueryPanels::width);
        const auto begin = distances.begin() + static_cast<std::ptrdiff_t>(p * QueryPanels::width);
        const auto limits = limits_of({begin, begin + static_cast<std::ptrdiff_t>(queries)}, turn);
        std::vector<std::vector<std::size_t>> found(QueryPanels::width);
        for (std::size_t first = 0; first < of.rows; first += most) {
            const std::size_t count = std::min(most, of.rows - first);
            if (first / most % 2 == 0) {
                panels.take(CodeBlock{codes[first], of.codec.code_size(), count});
            } else {
                panels.take(std::span(codes).subspan(first, count));
            }
            QueryPanels::Limits used = limits;
            panels.compare(p, used, [&](std::size_t q, std::size_t i, float distance) {
                wrong +=
                    q < queries && i < count && distance == begin[static_cast<std::ptrdiff_t>(q)][first + i] ? 0 : 1;
                found[q].push_back(first + i);
                return limits[q];
            });
        }
        for (std::size_t q = 0; q < queries; ++q) {
            std::vector<std::size_t> expected;
            for (std::size_t i = 0; i < of.rows; ++i) {
                if (begin[static_cast<std::ptrdiff_t>(q)][i] < limits[q]) expected.push_back(i);
            }
            wrong += found[q] == expected ? 0 : 1;
        }
    }
    CHECK(wrong == 0);
}

/// What collects rows as finer codes would: all that come below a bound that a flush lowers.
struct Heard {
    struct Row {
        RowId row;
        float estimate, lower;
        bool operator==(const Row&) const = default;
    };
    std::vector<Row> rows;
    float limit = infinity;

    [[nodiscard]] float bound() const noexcept { return limit; }
    void offer(RowId row, float estimate, float lower) noexcept { rows.push_back({row, estimate, lower}); }
    void flush() noexcept {
        float nearest = infinity;
        for (const Row& row : rows) nearest = std::min(nearest, row.estimate);
        limit = nearest == infinity ? infinity : nearest + std::abs(nearest) / 4;
    }
};

/// Every seventh row is not to be offered.
RowId seven(std::size_t i) noexcept { return i % 7 == 6 ? no_row : static_cast<RowId>(i); }

}  // namespace

TEST_CASE("query panels: every row below a limit is found, with the distance of a scan", "[codec][panels]") {
    for (const Element element :
         {Element::float32, Element::float16, Element::bfloat16, Element::int8, Element::uint8}) {
        for (const MetricKind metric : metrics) {
            for (const Dim dim : {1U, 5U, 64U, 130U}) {
                INFO(name(element) << ' ' << name(metric) << ' ' << dim);
                const auto codec = Flat<>::create(element, dim, AnyMetric(metric)).value();
                if (!QueryPanels::suits(kernel_rows_of(codec))) continue;  // floats at the reference
                for (const std::size_t rows : {1U, 31U, 60U, 61U, 129U, 400U}) {
                    for (const std::size_t queries : {1U, 8U, 17U, 32U, 33U, 64U}) {
                        Case<Flat<>> of(codec, clustered_rows(element, dim, rows, dim),
                                        clustered_rows(element, dim, queries, rows));
                        check_found(of, rows > 100 ? 96 : 512, rows + queries);
                    }
                }
                Case<Flat<>> ties(codec, integer_rows(element, dim, 200, 1, 1), integer_rows(element, dim, 40, 2, 1));
                check_found(ties, 64, 1);
            }
        }
    }
}

TEST_CASE("query panels: rounded rows are offered as a scan offers them, with their bounds", "[codec][panels]") {
    for (const MetricKind metric : metrics) {
        for (const float deviations : {0.0F, 1.0F, 3.0F}) {
            INFO(name(metric) << ", " << deviations);
            const Rows rows = clustered_rows(Element::float32, 40, 500, 1);
            const auto codec = Sq8Estimate<>::train(rows.view(), {.metric = AnyMetric(metric)}).value();
            Case<Sq8Estimate<>> of(codec, rows, clustered_rows(Element::float32, 40, 50, 2), deviations);
            if (!QueryPanels::suits(panel_rows_of(codec))) continue;
            QueryPanels panels = of.panels(128);
            const auto scorers = of.pointers();
            const std::span<Sq8EstimateScorer* const> some(scorers);
            pack_queries(panels, some);
            std::vector<Heard> together(scorers.size());
            std::vector<Heard> alone(scorers.size());
            auto space = std::make_unique<Survivors>();
            std::size_t wrong = 0;
            for (std::size_t first = 0; first < of.rows; first += 128) {
                const CodeBlock block{of.block().first + first * of.block().stride, of.block().stride,
                                      std::min<std::size_t>(128, of.rows - first)};
                const auto row_of = [&](std::size_t i) { return seven(first + i); };
                offer_together(panels, some, block, {}, std::span(together), *space, row_of);
                for (std::size_t q = 0; q < scorers.size(); ++q) {
                    Sq8EstimateScorer scorer = of.scorers[q];
                    offer_block(scorer, block, false, alone[q], *space, row_of);
                    wrong += together[q].rows == alone[q].rows && together[q].limit == alone[q].limit ? 0 : 1;
                }
            }
            CHECK(wrong == 0);
            CHECK(alone[0].rows.size() < of.rows / 2);
        }
    }
}

TEST_CASE("query panels: the nearest of a scan are the nearest of panels", "[codec][panels]") {
    const Rows rows = clustered_rows(Element::float32, 40, 500, 3);
    const Rows queries = clustered_rows(Element::float32, 40, 50, 4);
    for (const MetricKind metric : metrics) {
        INFO(name(metric));
        Case<Sq8<>> of(Sq8<>::train(rows.view(), {.metric = AnyMetric(metric)}).value(), rows, queries);
        if (!QueryPanels::suits(panel_rows_of(of.codec))) continue;
        QueryPanels panels = of.panels(512);
        const auto scorers = of.pointers();
        const std::span<ScaledScorer* const> some(scorers);
        pack_queries(panels, some);
        std::vector<TopK> together(scorers.size());
        for (TopK& nearest : together) nearest.reset(12);
        auto space = std::make_unique<Survivors>();
        const CodeBlock half{of.block().first, of.block().stride, of.rows / 2};  // where all that is offered enters
        const std::size_t rest = of.rows - half.count;
        offer_together(panels, some, half, {}, std::span(together), *space, seven);
        offer_together(panels, some, CodeBlock{half.first + half.count * half.stride, half.stride, rest}, {},
                       std::span(together), *space, [&](std::size_t i) { return seven(half.count + i); });
        std::size_t wrong = 0;
        for (std::size_t q = 0; q < scorers.size(); ++q) {
            TopK alone;
            alone.reset(12);
            ScaledScorer scorer = of.scorers[q];
            offer_block(scorer, of.block(), false, alone, *space, seven);
            const auto expected = alone.sort();
            const auto got = together[q].sort();
            wrong += std::equal(got.begin(), got.end(), expected.begin(), expected.end()) ? 0 : 1;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("query panels: few queries are better asked one by one", "[codec][panels]") {
    const auto codec = Flat<>::create(Element::int8, 16, AnyMetric(MetricKind::l2)).value();
    if (!QueryPanels::suits(kernel_rows_of(codec))) return;
    const KernelRows rows = kernel_rows_of(codec);
    CHECK(QueryPanels::worth(rows, 0) == 0);
    CHECK(QueryPanels::worth(rows, 1) == 0);
    CHECK(QueryPanels::worth(rows, 31) == 31);
    CHECK(QueryPanels::worth(rows, 33) == 32);
    CHECK(QueryPanels::worth(rows, 64) == 64);
}

TEST_CASE("beyond a bound is the next number", "[index]") {
    using Limits = std::numeric_limits<float>;
    for (const float bound : {0.0F, -0.0F, 1.0F, -1.0F, 0.1F, -3e7F, Limits::denorm_min(), -Limits::denorm_min(),
                              Limits::min(), Limits::max(), -Limits::max(), infinity, -infinity}) {
        CHECK(beyond(bound) == std::nextafter(bound, infinity));
    }
}
