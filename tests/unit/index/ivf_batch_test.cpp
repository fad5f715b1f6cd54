// Batches that go list by list (index/ivf_batch.hpp) say what single searches do: of frozen and growing lists, with filters, from disk.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/segment/segment.hpp>

#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 24;
constexpr MetricKind metrics[] = {MetricKind::l2, MetricKind::cosine, MetricKind::inner_product};

/// How many of the queries, every `step`-th, a batch answers as a single search does not: rows, distances or what it says of them.
std::size_t answered_otherwise(const Index& index, MatrixView queries, const SearchOptions& options, std::size_t step) {
    const Answers together = index.search(queries, options).value();
    SearchOptions on_three = options;
    on_three.threads.count = 3;
    const Answers again = index.search(queries, on_three).value();
    CHECK((again.ids == together.ids && again.distances == together.distances && again.counts == together.counts));
    Searcher search = index.searcher();
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.rows(); q += step) {
        const Nearest alone = search(queries.row(q), options).value();
        const Outcome& outcome = together.outcomes[q];
        const bool same = identical(answer_of(together, q), alone.neighbors);
        const bool comes_about_alike = outcome.hops == alone.outcome.hops && outcome.exact == alone.outcome.exact &&
                                       outcome.distances == alone.outcome.distances &&
                                       outcome.refined == alone.outcome.refined && outcome.complete;
        wrong += same && comes_about_alike ? 0 : 1;
    }
    return wrong;
}

/// Filters by how many of 3,000 ids pass: most; so few that all of them are compared, or that no list has k of them; one; none.
std::vector<RowFilter> filters_of(const Index& index) {
    std::vector<RowFilter> filters;
    for (const Id every : {2, 9, 50, 400, 3000}) {
        filters.push_back(index.prepare(Filter::predicate([=](Id id) { return id % every == 1; })).value());
    }
    filters.push_back(index.prepare(Filter::predicate([](Id) { return false; })).value());
    return filters;
}

/// Lists of which a third of the rows has gone, a part of them come again, and some blocks are full and others have holes.
GrowingIndex changed(GrowingIndex index, const Rows& rows) {
    for (std::size_t i = 0; i < rows.size(); i += 3) {
        if (i % 500 < 100) continue;
        const Id id = static_cast<Id>(i);
        REQUIRE(index.remove(id).ok());
        if (i % 2 == 0) REQUIRE(index.add(rows.row(rows.size() - 1 - i), id).ok());
    }
    return index;
}

}  // namespace

TEST_CASE("ivf batch: many queries go list by list, and say what single ones do", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 90);
    const Rows queries = clustered_rows(Element::float32, dim, 2500, 91);  // more than one group
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"IVF60,Flat", "IVF60_HNSW8,Flat", "IVF150,SQ8", "IVF60,PQ6", "IVF60,RaBitQ",
                                 "IVF150,RaBitQ,RFlat", "IVF60_HNSW8,PQ6x4fs,R(FP16)", "IVF60,RaBitQ3,R(SQ8)",
                                 "IVF60,RaBitQ4", "IVF60,SQ4,RFlat", "PCA12,IVF150,RaBitQ,RFlat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            // Of 50 rows a list: too few for k = 200 in one.
            for (const auto& [k, nprobe] :
                 {std::pair{10U, 1U}, {10U, 7U}, {200U, 1U}, {200U, 9U}, {5U, 150U}, {4000U, 3U}}) {
                INFO(spec << " " << name(metric) << ", k " << k << ", nprobe " << nprobe);
                const std::size_t count = nprobe == 7 ? queries.size() : k < 1000 ? 300 : 40;
                const MatrixView some = queries.view().slice(0, count);
                for (const float refine : {0.0F, 1.5F}) {
                    const SearchOptions options{.k = k, .nprobe = nprobe, .refine = refine};
                    CHECK(answered_otherwise(index, some, options, k < 1000 ? 7 : 1) == 0);
                }
            }
        }
    }
}

TEST_CASE("ivf batch: lists that are looked at in pieces are looked at as in one", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 1024, 2100, 92);
    const Rows queries = clustered_rows(Element::float32, 1024, 40, 93);
    for (const char* spec : {"IVF2,Flat", "IVF2,SQ8,RFlat", "IVF2,RaBitQ8,RFlat", "IVF2,RaBitQ,RFlat", "IVF2,SQ4"}) {
        INFO(spec);
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        const RowFilter most = index.prepare(Filter::predicate([](Id id) { return id % 7 != 0; })).value();
        const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 7 == 0; })).value();
        for (const RowFilter* filter : std::initializer_list<const RowFilter*>{nullptr, &most, &few}) {
            for (const std::size_t nprobe : {1U, 2U}) {
                const SearchOptions options{.k = 7, .nprobe = nprobe, .refine = 1, .filter = filter};
                CHECK(answered_otherwise(index, queries.view(), options, 1) == 0);
            }
        }
    }
}

TEST_CASE("ivf batch: where enough queries look at a list, kernels compare them together", "[index][panels]") {
    const auto specs_of = [](Element element) -> std::vector<std::string> {
        if (element == Element::int8 || element == Element::uint8) return {"IVF5,Flat"};
        if (element == Element::bfloat16) return {"IVF5,Flat", "IVF5,SQ8,RFlat"};
        if (element == Element::float16) return {"IVF5,Flat", "IVF5,SQ8,R(FP16)"};
        return {"IVF5,Flat", "IVF5,FP16", "IVF5,SQ8", "IVF5,SQ8,RFlat", "PCA12,IVF5,SQ8,RFlat"};
    };
    for (const Element element :
         {Element::float32, Element::float16, Element::bfloat16, Element::int8, Element::uint8}) {
        const Rows rows = clustered_rows(element, dim, 1500, 103);
        const Rows queries = clustered_rows(element, dim, 150, 104);
        for (const MetricKind metric : metrics) {
            for (const std::string& spec : specs_of(element)) {
                std::vector<Index> indexes{build(spec, metric, rows.view()).value()};
                if (spec.find("SQ8,R") == std::string::npos) {  // which do not grow
                    indexes.push_back(changed(grow(spec, metric, rows.view()).value(), rows).index());
                }
                for (const Index& index : indexes) {
                    std::vector<RowFilter> filters = filters_of(index);
                    filters.emplace_back();
                    for (const RowFilter& filter : filters) {
                        const RowFilter* const passing = &filter == &filters.back() ? nullptr : &filter;
                        for (const auto& [k, nprobe] : {std::pair{10U, 1U}, {1U, 2U}, {400U, 3U}}) {
                            INFO(spec << " " << name(metric) << " of " << name(element) << ", k " << k << ", nprobe "
                                      << nprobe << (&index == &indexes[0] ? "" : ", grown")
                                      << (passing == nullptr ? "" : ", filtered"));
                            const SearchOptions options{.k = k, .nprobe = nprobe, .refine = 1, .filter = passing};
                            CHECK(answered_otherwise(index, queries.view(), options, 1) == 0);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("ivf batch: rows that are equally near come in one order", "[index][panels]") {
    for (const Element element : {Element::float32, Element::int8, Element::uint8}) {
        const Rows rows = integer_rows(element, 4, 1200, 105, 1);
        const Rows queries = integer_rows(element, 4, 90, 106, 1);
        for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product}) {
            const Index index = build("IVF4,Flat", metric, rows.view()).value();
            for (const std::size_t k : {1U, 25U}) {
                INFO(name(element) << ' ' << name(metric) << ", k " << k);
                CHECK(answered_otherwise(index, queries.view(), {.k = k, .nprobe = 3}, 1) == 0);
            }
        }
    }
}

TEST_CASE("ivf batch: codes that rule rows out as they go meet the same bounds in pieces", "[index]") {
    const auto drawn = [](std::size_t count, std::uint64_t seed) {  // rows that codes hardly tell apart
        Rows rows(Element::float32, 128, count);
        Random random(seed);
        std::vector<float> values(128);
        for (std::size_t i = 0; i < count; ++i) {
            for (float& value : values) value = static_cast<float>(bell(random));
            rows.set(i, values);
        }
        return rows;
    };
    const Rows rows = drawn(4000, 98);
    const Rows queries = drawn(400, 99);
    for (const char* spec : {"IVF1,RaBitQ4", "IVF3,RaBitQ2", "IVF1,RaBitQ", "IVF1,PQ32x4fs", "IVF1,SQ4"}) {
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        for (const std::size_t k : {1U, 10U, 100U}) {
            for (const float refine : {0.5F, 1.0F, 2.0F}) {
                INFO(spec << ", k " << k << ", refine " << refine);
                const SearchOptions options{.k = k, .nprobe = 2, .refine = refine};
                CHECK(answered_otherwise(index, queries.view(), options, 1) == 0);
            }
        }
    }
}

TEST_CASE("ivf batch: with a filter, whatever few or many rows pass", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 94);
    const Rows queries = clustered_rows(Element::float32, dim, 200, 95);
    for (const MetricKind metric : metrics) {
        for (const char* spec :
             {"IVF60,Flat", "IVF60_HNSW8,SQ8", "IVF60,PQ6,R(FP16)", "IVF60,RaBitQ", "IVF60,PQ6x4fs,RFlat",
              "IVF60,SQ4,RFlat", "PCA12,IVF60,RaBitQ,RFlat", "RR,IVF60,Flat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            for (const RowFilter& filter : filters_of(index)) {
                for (const auto& [k, nprobe] : {std::pair{10U, 1U}, {10U, 7U}, {200U, 3U}, {10U, 40U}}) {
                    INFO(spec << " " << name(metric) << ", " << filter.passing << " pass, k " << k << ", nprobe "
                              << nprobe);
                    const SearchOptions options{.k = k, .nprobe = nprobe, .refine = 1, .filter = &filter};
                    CHECK(answered_otherwise(index, queries.view(), options, 3) == 0);
                }
            }
        }
    }
}

TEST_CASE("ivf batch: of growing lists, with and without a filter", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 96);
    const Rows queries = clustered_rows(Element::float32, dim, 1100, 97);  // more than one group
    for (const MetricKind metric : metrics) {
        for (const char* spec : {"IVF60,Flat", "IVF60_HNSW8,SQ8", "IVF20,SQ4", "IVF20,SQ4,RFlat", "IVF60,PQ6",
                                 "IVF20_HNSW8,PQ6,R(FP16)"}) {
            const GrowingIndex growing = changed(grow(spec, metric, rows.view()).value(), rows);
            const Index index = growing.index();
            std::vector<RowFilter> filters = filters_of(index);
            filters.emplace_back();
            for (const RowFilter& filter : filters) {
                const bool all = &filter == &filters.back();
                for (const auto& [k, nprobe] : {std::pair{10U, 1U}, {10U, 7U}, {200U, 3U}, {4000U, 3U}}) {
                    INFO(spec << " " << name(metric) << ", " << (all ? index.size() : filter.passing) << " pass, k "
                              << k << ", nprobe " << nprobe);
                    const MatrixView some = queries.view().slice(0, all && k < 1000 ? queries.size() : 40);
                    const SearchOptions options{
                        .k = k, .nprobe = nprobe, .refine = 1, .filter = all ? nullptr : &filter};
                    CHECK(answered_otherwise(index, some, options, 7) == 0);
                }
            }
        }
    }
}

TEST_CASE("ivf batch: with a deadline far away it is the same, and one that passes leaves what was found", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 101);
    const Rows queries = clustered_rows(Element::float32, dim, 2500, 102);
    for (const char* spec : {"IVF60,Flat", "IVF60,SQ4", "IVF60,RaBitQ,RFlat", "IVF60,PQ6,R(FP16)"}) {
        const bool grows = std::string(spec).find("RaBitQ") == std::string::npos;
        const bool codes_alone =
            std::string(spec).find(",R") == std::string::npos;  // no bound that holds nearly always
        std::vector<Index> indexes{build(spec, MetricKind::l2, rows.view()).value()};
        if (grows) indexes.push_back(changed(grow(spec, MetricKind::l2, rows.view()).value(), rows).index());
        for (const Index& index : indexes) {
            INFO(spec);
            std::vector<RowFilter> filters = filters_of(index);
            filters.emplace_back();
            for (const RowFilter& filter : filters) {
                const RowFilter* const passing = &filter == &filters.back() ? nullptr : &filter;
                const MatrixView some = queries.view().slice(0, passing == nullptr ? queries.size() : 40);
                SearchOptions options{
                    .k = 60, .nprobe = 9, .filter = passing};  // of 50 in a list: some go on to others
                const Answers without = index.search(some, options).value();
                options.deadline = Deadline::after(std::chrono::hours(24));
                CHECK(index.search(some, options)->distances == without.distances);
                CHECK(answered_otherwise(index, some, options, 9) == 0);
                for (const auto time : {0, 20, 100, 400, 2000}) {  // microseconds: before, in the middle, or behind
                    options.deadline = Deadline::after(std::chrono::microseconds(time));
                    const Answers answers = index.search(some, options).value();
                    std::size_t wrong = 0;
                    for (std::size_t q = 0; q < answers.queries; ++q) {
                        const auto found = answer_of(answers, q);
                        const auto best = answer_of(without, q);
                        const Outcome& outcome = answers.outcomes[q];
                        wrong += well_formed(found) && found.size() <= best.size() ? 0 : 1;
                        wrong += outcome.complete || (!outcome.exact && outcome.hops <= 60) ? 0 : 1;
                        wrong += outcome.complete && !identical(found, best) ? 1 : 0;
                        for (std::size_t i = 0; codes_alone && i < found.size() && i < best.size(); ++i) {
                            wrong += found[i].distance < best[i].distance ? 1 : 0;
                        }
                    }
                    CHECK(wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("ivf batch: growing lists without rows, and of long rows", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 1024, 2100, 98);
    for (const char* spec : {"IVF4,Flat", "IVF4,SQ8", "IVF4,SQ4,RFlat"}) {
        INFO(spec);
        GrowingIndex growing = changed(grow(spec, MetricKind::l2, rows.view()).value(), rows);
        CHECK(answered_otherwise(growing.index(), rows.view().slice(0, 40), {.k = 7, .nprobe = 2}, 1) == 0);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (growing.contains(static_cast<Id>(i))) REQUIRE(growing.remove(static_cast<Id>(i)).ok());
        }
        const Answers none = growing.search(rows.view().slice(0, 20), {.k = 3, .nprobe = 2}).value();
        CHECK(none.counts == std::vector<std::uint32_t>(20, 0));
        CHECK(none.outcomes[0].exact == !std::string(spec).ends_with("RFlat"));
    }
}

TEST_CASE("ivf batch: from a disk, with a cache of lists and without one", "[index]") {
    const TempFolder folder;
    const Rows rows = clustered_rows(Element::float32, 64, 3000, 99);
    const Rows queries = clustered_rows(Element::float32, 64, 300, 100);
    for (const char* spec : {"IVF40,Flat", "IVF40_HNSW8,SQ8", "IVF40,RaBitQ4", "IVF40,RaBitQ,RFlat", "IVF40,PQ8,RFlat",
                             "IVF40,SQ8,RFlat"}) {
        INFO(spec);
        const Index built = build(spec, MetricKind::l2, rows.view()).value();
        const std::string path = folder.path("a.tnr");
        write_segment(path, built).value();
        const Answers expected = built.search(queries.view(), {.k = 10, .nprobe = 5}).value();
        for (const std::size_t cache : {std::size_t{0}, std::size_t{1} << 18, std::size_t{1} << 24}) {
            const Segment segment = Segment::open(path, {.residency = Residency::disk, .cache_bytes = cache}).value();
            const Index& index = segment.index();
            const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 50 == 0; })).value();
            for (const RowFilter* filter : std::initializer_list<const RowFilter*>{nullptr, &few}) {
                const SearchOptions options{.k = 10, .nprobe = 5, .filter = filter};
                CHECK(answered_otherwise(index, queries.view(), options, 3) == 0);
            }
            const Answers answers = index.search(queries.view(), {.k = 10, .nprobe = 5}).value();
            CHECK((answers.ids == expected.ids && answers.distances == expected.distances));
            if (cache == 0) continue;
            const auto stats = index.cache_stats();
            REQUIRE(stats.has_value());
            CHECK((stats->refused || stats->hits > 0));
            CHECK(stats->bytes <= stats->budget);
        }
    }
}
