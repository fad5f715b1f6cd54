// Lists that are told to be alike: by how much they are, and that nothing else of an index changes.
#include <limits>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

BuildOptions with(float balance, unsigned threads = 1) {
    BuildOptions options;
    options.balance = balance;
    options.threads = {threads};
    return options;
}

}  // namespace

TEST_CASE("balance: lists are more alike, whatever finds them, and hold all rows", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 4000, 1, 12);
    for (const char* spec :
         {"IVF50,Flat", "IVF50_HNSW8,Flat", "IVF50_SOAR,Flat", "IVF50,RaBitQ,RFlat", "IVF50,HNSW8", "RR,IVF50,SQ8"}) {
        for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
            INFO(spec << ", " << name(metric));
            double before = std::numeric_limits<double>::infinity();
            for (const float balance : {0.0F, 0.3F, 3.0F}) {
                const Index index = build(spec, metric, rows.view(), {}, with(balance)).value();
                const ListSummary lists = index.lists().value();
                CHECK(lists.lists == 50);
                CHECK(lists.rows == (std::string_view(spec).find("SOAR") == std::string_view::npos ? 4000 : 8000));
                CHECK(lists.fewest <= lists.rows / 50);
                CHECK(lists.most >= lists.rows / 50);
                CHECK(lists.imbalance >= 1);
                CHECK(lists.imbalance < before);
                before = lists.imbalance;
                CHECK(ask(index, rows.row(7), {.k = 4000, .ef = 4000, .nprobe = 50}).value().size() == 4000);
            }
        }
    }
    CHECK_FALSE(build("HNSW8", MetricKind::l2, rows.view(), {}, with(1)).value().lists().has_value());
}

TEST_CASE("balance: the same bytes for any number of threads; 0 is what it was", "[index]") {
    const Rows rows = clustered_rows(Element::uint8, 24, 1500, 2);
    for (const char* spec : {"IVF40,Flat", "IVF40_HNSW8,Flat", "IVF40_SOAR,Flat"}) {
        for (const MetricKind metric : {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product}) {
            INFO(spec << ", " << name(metric));
            const auto one = image_of(build(spec, metric, rows.view(), {}, with(0.5F)).value());
            CHECK(one == image_of(build(spec, metric, rows.view(), {}, with(0.5F, 3)).value()));
            CHECK(one != image_of(build(spec, metric, rows.view(), {}, with(0)).value()));
            CHECK(image_of(build(spec, metric, rows.view(), {}, with(0)).value()) ==
                  image_of(build(spec, metric, rows.view()).value()));
        }
    }
    const GrowingIndex grown = grow("IVF40,Flat", MetricKind::l2, rows.view(), {}, with(0.5F)).value();
    CHECK(image_of(grown.freeze().value()) ==
          image_of(build("IVF40,Flat", MetricKind::l2, rows.view(), {}, with(0.5F)).value()));
}

TEST_CASE("balance: what it costs is recall at equal nprobe, not rows", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 24, 6000, 3, 30);
    const Rows queries = clustered_rows(Element::float32, 24, 50, 4, 30);
    const Index even = build("IVF80,Flat", MetricKind::l2, rows.view(), {}, with(0.3F)).value();
    double found = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const auto truth = all_sorted(definition_of(MetricKind::l2), rows, {}, queries.values(q));
        found += recall(ask(even, queries.row(q), {.k = 10, .nprobe = 20}).value().neighbors, truth, 10, 1e-5F);
        CHECK(recall(ask(even, queries.row(q), {.k = 10, .nprobe = 80}).value().neighbors, truth, 10, 1e-5F) == 1);
    }
    CHECK(found > 0.9 * static_cast<double>(queries.size()));
}

TEST_CASE("balance: what does not fit is refused", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 300, 5);
    for (const float wrong : {-1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        const auto index = build("IVF9,Flat", MetricKind::l2, rows.view(), {}, with(wrong));
        REQUIRE_FALSE(index.ok());
        CHECK(index.error().code == ErrorCode::invalid_argument);
        CHECK(index.error().message.find("balance of at least 0") != std::string::npos);
    }
    const auto l1 = build("IVF9,Flat", MetricKind::l1, rows.view(), {}, with(1));
    REQUIRE_FALSE(l1.ok());
    CHECK(l1.error().code == ErrorCode::unsupported);
    CHECK(l1.error().message.find("got l1; leave balance at 0") != std::string::npos);
    const auto bits =
        build("IVF9,HNSW4", MetricKind::hamming, clustered_rows(Element::bits, 64, 100, 6).view(), {}, with(1));
    REQUIRE_FALSE(bits.ok());
    CHECK(bits.error().code == ErrorCode::unsupported);
}
