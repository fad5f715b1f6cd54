// Indexes over mapped rows: what they answer, and that what was dropped loses a refined index no row.
#include <tonari/index/transformed.hpp>

#include <cmath>
#include <numeric>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/image.hpp"
#include "support/mapped.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::array metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

/// Rows in clouds, whose directions count for less and less: dropping the last ones loses some of a distance, not most
/// of it.
Rows fading_rows(Dim dim, std::size_t count, std::uint64_t seed) {
    Rows rows = clustered_rows(Element::float32, dim, count, seed);
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < count; ++i) {
        for (Dim d = 0; d < dim; ++d) values[d] = rows.values(i)[d] / std::sqrt(1 + static_cast<float>(d) / 4);
        rows.set(i, values);
    }
    return rows;
}

}  // namespace

TEST_CASE("transformed: a row finds itself at a distance of nothing", "[index]") {
    const Rows rows = fading_rows(48, 500, 1);
    for (const char* spec : {"RR,Flat", "RR,HNSW8", "PCA16,Flat", "PCA16,IVF8,Flat", "OPQ8,HNSW8", "OPQ4_16,Flat"}) {
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        std::size_t found = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const Answer nearest = ask(index, rows.row(i), {.k = 1}).value();
            found += nearest[0].id == static_cast<Id>(i) && nearest[0].distance == 0 ? 1 : 0;
        }
        CAPTURE(spec);
        CHECK(found == rows.size());
        CHECK(index.spec() == spec);
        CHECK(index.dim() == 48);
    }
}

TEST_CASE("transformed: exact is what drops nothing", "[index]") {
    const Rows rows = fading_rows(24, 300, 2);
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"RR,Flat", "PCA24,Flat", "OPQ4,Flat", "PCA23,Flat", "RR23,Flat", "OPQ1_23,Flat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            const bool whole = std::string_view(spec).find("23") == std::string_view::npos;
            CAPTURE(spec, name(metric));
            CHECK(ask(index, rows.row(0))->outcome.exact == whole);
            CHECK(ask_range(index, rows.row(0), {.radius = 1})->outcome.exact == whole);
            CHECK(index.search(rows.view())->outcomes[9].exact == whole);
            Cursor cursor = index.cursor(rows.row(0)).value();
            CHECK(cursor.next(5)->outcome.exact == whole);
        }
    }
}

TEST_CASE("transformed: l2 is never more than that of the rows; cosine is off to either side, not by lengths",
          "[index]") {
    const Rows rows = fading_rows(64, 600, 3);
    const Rows queries = fading_rows(64, 20, 4);
    for (const MetricKind metric : metrics) {
        const Index index = build("PCA20,Flat", metric, rows.view()).value();
        double off = 0;
        double squares = 0;
        std::size_t more = 0;
        std::size_t count = 0;
        for (std::size_t q = 0; q < queries.size(); ++q) {
            for (const Neighbor& neighbor : ask(index, queries.row(q), {.k = 600}).value()) {
                const float own =
                    definition_of(metric)(queries.values(q), rows.values(static_cast<std::size_t>(neighbor.id)));
                const double apart = double{neighbor.distance} - double{own};
                more += apart > 1e-4 ? 1 : 0;
                off += apart;
                squares += apart * apart;
                ++count;
            }
        }
        const double mean = off / static_cast<double>(count);
        const double deviation = std::sqrt(squares / static_cast<double>(count));
        CAPTURE(name(metric), mean, deviation, more);
        if (metric == MetricKind::l2) {
            CHECK(more == 0);
        } else {
            CHECK(more > count / 4);
            CHECK(std::abs(mean) < 0.3 * deviation);
        }
    }
    // What divides by the lengths of mapped rows, as a cosine index over them does, is off far more.
    const RowMap map = map_for("PCA20,Flat", MetricKind::cosine, rows);
    const Distance by_product = mapped_distance(map);
    double ours = 0;
    double divided = 0;
    std::vector<float> a(map.room());
    std::vector<float> b(map.room());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto query = queries.values(i % queries.size());
        const double truth = double{definition_of(MetricKind::cosine)(query, rows.values(i))};
        map.map_query(RowView(query), a.data());
        map.map_query(rows.row(i), b.data());
        const auto cosine = definition_of(MetricKind::cosine)(std::span<const float>(a).subspan(64),
                                                              std::span<const float>(b).subspan(64));
        ours += std::pow(double{by_product(query, rows.values(i))} - truth, 2);
        divided += std::pow(double{cosine} - truth, 2);
    }
    CAPTURE(ours, divided);
    CHECK(ours < divided);
}

TEST_CASE("transformed: bounds hold for rows as given", "[index]") {
    const Rows rows = fading_rows(64, 3000, 5);
    const Rows queries = fading_rows(64, 60, 6);
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"PCA16,Flat", "RR16,Flat", "OPQ4_16,Flat"}) {
            const TransformSpec transform = parse_spec(spec)->transform.value();
            RowMap map = RowMap::train(transform, metric, rows.view(), 16, {}).value();
            REQUIRE(map.map_rows(rows.view(), {}, {}).ok());
            std::vector<float> room(map.room());
            std::vector<float> of_row(map.room());
            std::size_t above = 0;          // rows nearer than the mapped distance and three deviations allow
            std::size_t above_near = 0;     // of the 20 nearest
            std::size_t above_longest = 0;  // than any number of deviations allows
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const RowView mapped = map.map_query(queries.row(q), room.data());
                const float three = map.bound_offset(queries.row(q), room.data(), 3);
                const float all = map.bound_offset(queries.row(q), room.data(), 1e30F);
                CHECK(all <= three);
                const auto truth = all_sorted(definition_of(metric), rows, {}, queries.values(q));
                for (std::size_t i = 0; i < truth.size(); ++i) {
                    map.map_query(rows.row(static_cast<std::size_t>(truth[i].id)), of_row.data());
                    const std::span<const float> values(static_cast<const float*>(mapped.data()), mapped.dim());
                    const float inner =
                        definition_of(map.mapped_metric())(values, std::span<const float>(of_row).subspan(64));
                    const float rounding = 1e-5F * (1 + std::abs(inner));
                    const bool beyond = inner + three > truth[i].distance + rounding;
                    above += beyond ? 1 : 0;
                    above_near += beyond && i < 20 ? 1 : 0;
                    above_longest += inner + all > truth[i].distance + rounding ? 1 : 0;
                }
            }
            CAPTURE(name(metric), spec, above, above_near);
            CHECK(above_longest == 0);
            CHECK(above <= rows.size() * queries.size() / 100);
            CHECK(above_near <= 20 * queries.size() / 50);
            if (metric == MetricKind::l2) CHECK(above == 0);
        }
    }
}

TEST_CASE("transformed: refined, the nearest are those of the rows as given", "[index]") {
    const Rows rows = fading_rows(64, 3000, 7);
    const Rows queries = fading_rows(64, 40, 8);
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"RR,RaBitQ,RFlat", "PCA32,IVF12,RaBitQ,RFlat", "RR48,IVF12_HNSW4,RaBitQ,RFlat",
                                 "OPQ16,PQ16x4fs,RFlat", "OPQ16_32,IVF12,PQ16x4fs,RFlat", "PCA32,IVF12,SQ4,RFlat",
                                 "PCAR32,HNSW8,SQ8,RFlat", "RR,HNSW8,SQ4,RFlat", "OPQ16_32,HNSW8,PQ16,RFlat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            double by_default = 0;
            std::size_t wrong = 0;
            std::size_t looked_at = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto truth = all_sorted(definition_of(metric), rows, {}, queries.values(q));
                const Answer all =
                    ask(index, queries.row(q), {.ef = rows.size(), .nprobe = 12, .refine = 1e9F}).value();
                wrong += same_as_oracle(all.neighbors, truth, 10, 1e-4F) ? 0 : 1;
                const Answer some = ask(index, queries.row(q), {.nprobe = 12}).value();
                by_default += recall(some.neighbors, truth, 10, 1e-4F);
                looked_at += some.outcome.refined;
                const float radius = truth[30].distance + 1e-4F;
                const Answer within = ask_range(index, queries.row(q),
                                                {.radius = radius, .ef = rows.size(), .nprobe = 12, .refine = 1e9F})
                                          .value();
                wrong += same_as_oracle(within.neighbors, truth, within.size(), 1e-4F) && within.size() >= 31 ? 0 : 1;
            }
            CAPTURE(name(metric), spec, by_default, looked_at);
            CHECK(wrong == 0);
            CHECK(by_default >= 0.97 * static_cast<double>(queries.size()));
            CHECK(looked_at < queries.size() * rows.size());
            CHECK(index.spec() == spec);
            // Cursors go by the finer codes.
            Cursor cursor = index.cursor(queries.row(0), {.ef = rows.size(), .nprobe = 12}).value();
            const auto truth = all_sorted(definition_of(metric), rows, {}, queries.values(0));
            CHECK(same_as_oracle(cursor.next(10)->neighbors, truth, 10, 1e-4F));
        }
    }
}

TEST_CASE("transformed: rows of a graph that are alike only when they are mapped stay apart", "[index]") {
    Rows rows =
        fading_rows(24, 400, 18);  // pairs whose rows differ along one dimension, which hardly differs otherwise
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::vector<float> values(rows.values(i / 2 * 2).begin(), rows.values(i / 2 * 2).end());
        values[23] = i % 2 == 0 ? 0.0F : 0.01F;
        rows.set(i, values);
    }
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"PCA8,HNSW8,SQ8,RFlat", "PCAR8,HNSW8,SQ8,R(FP16)", "OPQ2_8,HNSW8,PQ2,RFlat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            CAPTURE(spec, name(metric));
            CHECK(index.size() == rows.size());
            CHECK(index.graph()->layers[0].vertices == rows.size());
            CHECK(index.element() == (std::string_view(spec).find("FP16") < 64 ? Element::float16 : Element::float32));
            std::size_t found = 0;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const Answer two = ask(index, rows.row(i), {.k = 2, .ef = rows.size(), .refine = 1e9F}).value();
                found += two.size() == 2 && two[0].id / 2 == static_cast<Id>(i / 2) &&
                                 two[1].id / 2 == static_cast<Id>(i / 2) &&
                                 (metric != MetricKind::l2 || two[0].id == static_cast<Id>(i))
                             ? 1
                             : 0;
            }
            if (metric != MetricKind::inner_product) CHECK(found == rows.size());  // longer rows are nearer under that
        }
    }
}

TEST_CASE("transformed: rows of every element are mapped as their float32 values are", "[index]") {
    for (const Element element : {Element::float16, Element::bfloat16, Element::int8, Element::uint8}) {
        const Rows narrow = clustered_rows(element, 40, 300, 9);
        Rows wide(Element::float32, 40, narrow.size());
        for (std::size_t i = 0; i < narrow.size(); ++i) wide.set(i, narrow, i);
        for (const MetricKind metric : metrics) {
            for (const char* spec : {"PCA12,Flat", "PCA12,SQ8", "OPQ4,HNSW8,FP16", "RR,RaBitQ"}) {
                CAPTURE(name(element), name(metric), spec);
                const Index index = build(spec, metric, narrow.view()).value();
                CHECK(index.accepts(element));
                CHECK(index.accepts(Element::float32));
                CHECK_FALSE(index.accepts(Element::bits));
                const Answers found = index.search(narrow.view(), {.k = 7}).value();
                const Answers expected = build(spec, metric, wide.view())->search(wide.view(), {.k = 7}).value();
                CHECK(found.ids == expected.ids);
                CHECK(found.distances == expected.distances);
            }
        }
    }
}

TEST_CASE("transformed: the same bytes for any number of threads, and opened they answer the same", "[index]") {
    const Rows rows = fading_rows(40, 700, 10);
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"RR,SQ8", "PCA12,IVF16,Flat", "OPQ4,HNSW8", "OPQ10_20,IVF16_HNSW4,PQ10x4fs,R(SQ8)",
                                 "PCA12,RaBitQ,RFlat", "PCA12,SQ4,RFlat", "RR,HNSW8,SQ4", "PCAR12,HNSW8,SQ8,R(FP16)",
                                 "PCAR12,HNSW8,SQ4,R(SQ8)", "OPQ4,HNSW8,PQ4,RFlat"}) {
            const auto with = [&](unsigned threads) {
                BuildOptions options;
                options.threads.count = threads;
                return build(spec, metric, rows.view(), {}, options).value();
            };
            const Index one = with(1);
            const auto image = image_of(one);
            CAPTURE(spec, name(metric));
            CHECK(image_of(with(2)) == image);
            const Index opened = index_of(image).value();
            CHECK(opened.spec() == spec);
            CHECK(opened.metric() == metric);
            CHECK(opened.bytes() == one.bytes());
            CHECK(image_of(opened) == image);
            const Answers a = one.search(rows.view().slice(0, 50)).value();
            const Answers b = opened.search(rows.view().slice(0, 50), {.threads = {2}}).value();
            CHECK(a.ids == b.ids);
            CHECK(a.distances == b.distances);
        }
    }
}

TEST_CASE("transformed: rows that say little are answered all the same", "[index]") {
    Rows equal(Element::float32, 20, 60);
    Rows few = fading_rows(20, 3, 11);
    Rows flat = fading_rows(20, 200, 12);  // constant in most dimensions
    Rows zeros(Element::float32, 20, 40);
    for (std::size_t i = 0; i < flat.size(); ++i) {
        std::vector<float> values(20, 3);
        values[4] = flat.values(i)[0];
        values[9] = flat.values(i)[1];
        flat.set(i, values);
        if (i < equal.size()) equal.set(i, few, 1);
    }
    for (const MetricKind metric : metrics) {
        for (const Rows* rows : {&equal, &few, &flat, &zeros}) {
            for (const char* spec : {"RR,Flat", "RR5,Flat", "PCA10,Flat", "PCA10,HNSW4", "OPQ5,Flat",
                                     "OPQ5_10,RaBitQ,RFlat", "PCAR10,HNSW4,SQ8,RFlat", "PCAR10,Flat"}) {
                const Index index = build(spec, metric, rows->view()).value();
                const Answer all = ask(index, rows->row(0), {.k = 500}).value();
                CAPTURE(spec, name(metric), rows->size(), rows->values(0)[0]);
                CHECK(all.size() == rows->size());
                CHECK(well_formed(all.neighbors));
                CHECK(std::all_of(all.begin(), all.end(), [](const Neighbor& n) { return std::isfinite(n.distance); }));
            }
        }
    }
}

TEST_CASE("transformed: what does not go together is refused before anything is trained", "[index]") {
    const Rows rows = fading_rows(24, 100, 13);
    const auto refused = [&](std::string_view spec, MetricKind metric, const Rows& of, ErrorCode code,
                             std::initializer_list<std::string_view> words) {
        const auto index = build(spec, metric, of.view());
        CAPTURE(spec, name(metric));
        REQUIRE_FALSE(index.ok());
        INFO(index.error().message);
        CHECK(index.error().code == code);
        for (const std::string_view word : words) CHECK(index.error().message.find(word) != std::string::npos);
    };
    const Rows bits = clustered_rows(Element::bits, 24, 30, 14);
    const Rows bytes = clustered_rows(Element::uint8, 24, 30, 15);
    refused("PCA25,Flat", MetricKind::l2, rows, ErrorCode::invalid_argument, {"PCA25", "24 dimensions", "got 25"});
    refused("RR25,Flat", MetricKind::l2, rows, ErrorCode::invalid_argument, {"RR25", "24 dimensions", "got 25"});
    refused("OPQ5_25,Flat", MetricKind::l2, rows, ErrorCode::invalid_argument, {"24 dimensions", "got 25"});
    refused("OPQ5,Flat", MetricKind::l2, rows, ErrorCode::invalid_argument,
            {"OPQ5", "divide 24", "got 5", "OPQ<parts>_<dims>"});
    refused("PCA10,PQ3x4fs", MetricKind::l2, rows, ErrorCode::invalid_argument, {"divide 10", "PQ3"});
    refused("RR,Flat", MetricKind::l1, rows, ErrorCode::unsupported, {"l2, ip or cosine", "got l1", "'Flat' fits"});
    refused("PCA8,IVF4,Flat", MetricKind::hamming, bits, ErrorCode::unsupported, {"hamming", "'IVF4,Flat' fits"});
    refused("RR,Flat", MetricKind::l2, bits, ErrorCode::unsupported, {"bits"});
    refused("RR,RaBitQ,R(FP16)", MetricKind::l2, bytes, ErrorCode::unsupported, {"float16", "uint8"});
    refused("RR,RaBitQ,R(SQ8)", MetricKind::l2, bytes, ErrorCode::unsupported, {"RFlat"});
    refused("PCAR25,HNSW8,SQ8,RFlat", MetricKind::l2, rows, ErrorCode::invalid_argument,
            {"PCAR25", "24 dim", "got 25"});
    refused("PCA12,HNSW16,RaBitQ,RFlat", MetricKind::l2, rows, ErrorCode::unsupported,
            {"SQ8, SQ4 or PQ", "'HNSW16,RaBitQ,RFlat' fits"});
    refused("RR,HNSW8,SQ8,R(FP16)", MetricKind::l2, bytes, ErrorCode::unsupported, {"float16", "uint8"});
    const auto growing = grow("RR,HNSW8", MetricKind::l2, Element::float32, 8);
    REQUIRE_FALSE(growing.ok());
    CHECK(growing.error().message.find("one that grows") != std::string::npos);
    // Elements that only the index as given would refuse are no trouble: what is stored are mapped values.
    CHECK(build("RR,SQ8", MetricKind::l2, bytes.view()).ok());
    CHECK(build("PCA8,FP16", MetricKind::l2, bytes.view()).ok());
    // A map and an index that have nothing to do with each other.
    RowMap map = map_for("PCA8,Flat", MetricKind::cosine, rows);
    CHECK_FALSE(Transformed::create(map, build("Flat", MetricKind::inner_product, rows.view()).value()).ok());
    const Rows eight = fading_rows(8, 10, 16);
    CHECK_FALSE(Transformed::create(map, build("Flat", MetricKind::cosine, eight.view()).value()).ok());
    CHECK(Transformed::create(map, build("Flat", MetricKind::inner_product, eight.view()).value()).ok());
}

TEST_CASE("transformed: progress goes from nothing to all rows and never back", "[index]") {
    const Rows rows = fading_rows(32, 2000, 17);
    for (const char* spec : {"RR,Flat", "OPQ8,IVF16,PQ8x4fs,RFlat", "PCAR8,HNSW8,SQ8,RFlat"}) {
        std::size_t last = 0;
        bool back = false;
        BuildOptions options;
        options.progress = [&](std::size_t done, std::size_t total) {
            back = back || done < last || total != rows.size();
            last = done;
        };
        REQUIRE(build(spec, MetricKind::l2, rows.view(), {}, options).ok());
        CHECK_FALSE(back);
        CHECK(last == rows.size());
    }
}
