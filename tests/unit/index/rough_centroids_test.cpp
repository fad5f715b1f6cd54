// Rounded centroids: what they name holds the nearest ones, and there are none where rounding hides which are near.
#include <tonari/index/rough_centroids.hpp>

#include <algorithm>

#include <tonari/index/ivf_index.hpp>
#include <tonari/index/registry.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

using Plain = Flat<AnyMetric>;
using Ivf = IvfIndex<Plain, FlatCoarse<Plain>>;

Ivf lists_of(const Rows& rows, std::size_t lists, MetricKind metric = MetricKind::l2) {
    return Ivf::build(Plain::create(rows.element(), rows.dim(), metric).value(), rows.view(), {}, {lists}, {}).value();
}

RoughCentroids rough_of(const Rows& centroids, MetricKind metric) {
    const auto exact = Plain::create(centroids.element(), centroids.dim(), metric).value();
    const auto codes = FlatIndex<Plain>::build(exact, centroids.view(), {}, {}).value();
    return RoughCentroids::make(centroids.view(), exact, codes.rows().codes().data(), 42).value();
}

/// What they name of `of` centroids where `count` are asked for.
std::vector<RowId> named(const RoughCentroids& rough, std::size_t of, RowView query, std::size_t count) {
    NearestLists lists;
    lists.reserve(of);
    std::vector<std::byte> room(rough.query_size());
    rough.measure(query, room.data(), lists.distances());
    std::vector<RowId> rows;
    for (const OrderedKey key : lists.select(of, RoughCentroids::candidates(count))) rows.push_back(row_of(key));
    return rows;
}

}  // namespace

TEST_CASE("rough centroids: several queries are measured as each alone", "[index]") {
    for (const Dim dim : {3U, 24U, 200U}) {
        const Rows centroids = clustered_rows(Element::float32, dim, 333, dim);
        const Rows queries = clustered_rows(Element::float32, dim, 32, dim + 1);
        for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
            const RoughCentroids rough = rough_of(centroids, metric);
            CAPTURE(name(metric), dim);
            REQUIRE_FALSE(rough.empty());
            REQUIRE(rough.has_panels());
            RoughCentroids::Panel panel = rough.panel().value();
            std::vector<std::byte> room(rough.query_size());
            std::vector<float> alone(centroids.size());
            for (const std::size_t count : {32U, 1U, 17U}) {
                std::vector<RowView> some;
                for (std::size_t q = 0; q < count; ++q) some.push_back(queries.row(31 - q));
                rough.measure(some, panel);
                for (std::size_t q = 0; q < count; ++q) {
                    rough.measure(some[q], room.data(), alone.data());
                    CHECK(std::equal(alone.begin(), alone.end(), panel.distances(q)));
                }
            }
        }
        CHECK_FALSE(rough_of(centroids, MetricKind::l1).has_panels());
    }
}

TEST_CASE("rough centroids: what they name holds the nearest", "[index]") {
    for (const Dim dim : {3U, 24U, 200U}) {
        const Rows centroids = clustered_rows(Element::float32, dim, 700, dim);
        const Rows queries = clustered_rows(Element::float32, dim, 60, dim + 1);
        for (const MetricKind metric :
             {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product, MetricKind::l1}) {
            const RoughCentroids rough = rough_of(centroids, metric);
            CAPTURE(name(metric), dim);
            REQUIRE_FALSE(rough.empty());
            for (const std::size_t count : {1U, 10U, 100U}) {
                std::size_t missing = 0;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    const auto truth = all_sorted(definition_of(metric), centroids, {}, queries.values(q));
                    const auto rows = named(rough, centroids.size(), queries.row(q), count);
                    CHECK(rows.size() == RoughCentroids::candidates(count));
                    for (std::size_t i = 0; i < count; ++i) {
                        missing += std::find(rows.begin(), rows.end(), static_cast<RowId>(truth[i].id)) == rows.end();
                    }
                }
                CHECK(static_cast<double>(missing) <= 0.002 * static_cast<double>(count * queries.size()));
            }
        }
    }
}

TEST_CASE("rough centroids: none where they would not help", "[index]") {
    const auto empty = [](const Rows& rows, MetricKind metric) { return rough_of(rows, metric).empty(); };
    CHECK(empty(clustered_rows(Element::float32, 8, 127, 1), MetricKind::l2));
    CHECK_FALSE(empty(clustered_rows(Element::float32, 8, 128, 1), MetricKind::l2));
    CHECK(empty(clustered_rows(Element::bits, 64, 200, 1), MetricKind::hamming));
    // Half of them lie so close together that 8 bits over all of the space cannot tell one from the other.
    Rows crowded(Element::float32, 8, 400);
    const Rows spread = clustered_rows(Element::float32, 8, 400, 2);
    for (std::size_t i = 0; i < crowded.size(); ++i) {
        std::vector<float> values(spread.values(i).begin(), spread.values(i).end());
        for (float& value : values) value = i % 2 == 0 ? 1000 + value * 1e-3F : -1000 + value * 100;
        crowded.set(i, values);
    }
    CHECK(empty(crowded, MetricKind::l2));
}

TEST_CASE("rough centroids: an index looks at the lists that it would look at without", "[index]") {
    constexpr std::size_t lists = 250;
    const Rows rows = clustered_rows(Element::float32, 24, 5000, 3);
    const Rows queries = clustered_rows(Element::float32, 24, 50, 4);
    for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product, MetricKind::l1}) {
        CAPTURE(name(metric));
        const Ivf index = lists_of(rows, lists, metric);
        REQUIRE_FALSE(index.coarse_lists().rough().empty());
        const Index coarse = make_index(FlatCoarse<Plain>(index.coarse()));
        SearchScratch scratch;
        std::size_t otherwise = 0;
        std::size_t asked = 0;
        for (const std::size_t nprobe : {1U, 8U, 60U, 155U, 156U, 250U}) {
            const SearchOptions options{.k = 10, .nprobe = nprobe};
            REQUIRE(index.reserve(options, scratch).ok());
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const Outcome outcome = index.search(queries.row(q), options, scratch);
                CHECK(outcome.hops >= nprobe);
                if (outcome.hops == nprobe) CHECK(outcome.exact == (nprobe == lists));
                const std::uint32_t compared = index.coarse_lists().find(queries.row(q), nprobe, scratch);
                const std::size_t again = RoughCentroids::candidates(nprobe);
                if (again < lists) {
                    CHECK(compared >= lists + again);
                    CHECK(compared <= lists + again + again / 8 + 8);
                } else {
                    CHECK(compared == lists);
                }
                const Answer nearest = ask(coarse, queries.row(q), {.k = nprobe}).value();
                ++asked;
                const bool same = std::equal(nearest.begin(), nearest.end(), scratch.lists.begin(), scratch.lists.end(),
                                             [](const Neighbor& a, const Neighbor& b) { return a.id == b.id; });
                otherwise += same ? 0 : 1;
            }
        }
        CHECK(asked > 250);
        CHECK(100 * otherwise <= asked);
    }
}

TEST_CASE("rough centroids: they are in the file, and must be of its rows", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 12, 2000, 5);
    const Index index = make_index(lists_of(rows, 200));
    const auto image = image_of(index);
    const auto file = open_image(image).value();
    const SectionReader reader = file.sections();
    REQUIRE(reader.within("coarse/rough").has("codes"));
    CHECK_FALSE(RoughCentroids::open(reader.within("coarse/rough"), 200, 12, MetricKind::l2).value().empty());
    const auto refused = [&](std::size_t lists, Dim dim, MetricKind metric) {
        return RoughCentroids::open(reader.within("coarse/rough"), lists, dim, metric).error().code;
    };
    CHECK(refused(201, 12, MetricKind::l2) == ErrorCode::corrupt);
    CHECK(refused(200, 13, MetricKind::l2) == ErrorCode::corrupt);
    CHECK(refused(200, 12, MetricKind::cosine) == ErrorCode::corrupt);
    CHECK(image_of(index_of(image).value()) == image);
}
