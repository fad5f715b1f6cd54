// Codes of 4 bits a part in indexes, refined and not: what no code can say exactly is never silently missing.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/oracle.hpp"
#include "support/rows.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::array metrics{MetricKind::l2, MetricKind::inner_product, MetricKind::cosine};

/// Rows and queries as long as the door lets them in, along axes and across them.
Rows longest_rows(Dim dim, std::size_t count) {
    Rows rows(Element::float32, dim, count);
    std::vector<float> values(dim);
    for (std::size_t i = 0; i < count; ++i) {
        const bool axis = i % 2 == 0;
        const double each = axis ? 9.1e18 : 9.1e18 / std::sqrt(static_cast<double>(dim));
        for (std::size_t d = 0; d < dim; ++d) {
            const bool away = axis ? d == i / 2 % dim : true;
            values[d] = static_cast<float>(away ? ((i / 4 + d * (i % 3)) % 2 == 0 ? each : -each) : 0);
        }
        rows.set(i, values);
    }
    return rows;
}

}  // namespace

TEST_CASE("refined: as many deviations as float32 can say lose no row", "[index]") {
    Rows rows = clustered_rows(Element::float32, 16, 100, 1);
    for (std::size_t i = 0; i < 30; ++i) rows.set(i, rows, 0);
    const Rows one =
        clustered_rows(Element::float32, 16, 1, 1);  // at its list's centroid: its code leaves nothing over
    const Rows queries = clustered_rows(Element::float32, 16, 10, 2);
    for (const MetricKind metric : metrics) {
        for (const char* spec :
             {"RaBitQ", "IVF1,RaBitQ,RFlat", "RaBitQ4", "IVF1,RaBitQ8,RFlat", "HNSW16,RaBitQ,RFlat"}) {
            const Index many = build(spec, metric, rows.view()).value();
            const Index single = build(spec, metric, one.view()).value();
            for (const float refine : {0.0F, 1e9F, std::numeric_limits<float>::max()}) {
                CAPTURE(name(metric), spec, refine);
                std::size_t found = 0;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    found += ask(many, queries.row(q), {.k = 200, .refine = refine}).value().size();
                    found += ask(single, queries.row(q), {.refine = refine}).value().size();
                }
                CHECK(found == queries.size() * (rows.size() + 1));
            }
        }
    }
}

TEST_CASE("refined: rows as long as the door lets in are all answered, at finite distances", "[index]") {
    for (const Dim dim : {2U, 17U, 100U}) {
        const Rows rows = longest_rows(dim, 260);
        for (const MetricKind metric : metrics) {
            for (const char* spec :
                 {"RaBitQ", "RaBitQ,RFlat", "IVF3,RaBitQ", "IVF3,RaBitQ,R(SQ8)", "PQ1x4fs", "IVF3,PQ1x4fs,RFlat", "PQ1",
                  "IVF3,PQ1,RFlat", "RaBitQ4", "IVF3,RaBitQ8", "RaBitQ2,RFlat", "SQ4", "IVF3,SQ4,R(SQ8)"}) {
                const Index index = build(spec, metric, rows.view()).value();
                Searcher search = index.searcher();
                for (const float refine : {3.0F, 1e9F}) {
                    std::size_t wrong = 0;
                    for (std::size_t q = 0; q < rows.size(); ++q) {
                        const Nearest all =
                            search(rows.row(q), {.k = rows.size(), .nprobe = 3, .refine = refine}).value();
                        wrong += all.size() == rows.size() ? 0 : 1;
                        for (const Neighbor& neighbor : all) wrong += std::isfinite(neighbor.distance) ? 0 : 1;
                    }
                    CAPTURE(dim, name(metric), spec, refine);
                    CHECK(wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("refined: only what was compared by more than codes that err is called exact", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 16, 300, 3);
    for (const char* spec : {"RaBitQ", "IVF4,RaBitQ", "IVF4,RaBitQ,RFlat", "IVF4,SQ8", "Flat", "PQ4", "IVF4,PQ4",
                             "IVF4,PQ4,RFlat", "IVF4,RaBitQ4", "RaBitQ8,RFlat", "SQ4", "IVF4,SQ4,RFlat"}) {
        const std::string of = spec;
        const bool coarse = of.find("RaBitQ") != std::string::npos || of.find("PQ") != std::string::npos ||
                            of.find("SQ4") != std::string::npos;
        const Index index = build(spec, MetricKind::l2, rows.view()).value();
        CAPTURE(spec);
        CHECK(ask(index, rows.row(0), {.nprobe = 4})->outcome.exact == !coarse);
        CHECK(ask_range(index, rows.row(0), {.radius = 1, .nprobe = 4})->outcome.exact == !coarse);
        Cursor cursor = index.cursor(rows.row(0), {.nprobe = 4}).value();
        if (of == "RaBitQ" || of == "PQ4") CHECK_FALSE(cursor.next(10)->outcome.exact);
        if (of == "Flat") CHECK(cursor.next(10)->outcome.exact);
    }
}

TEST_CASE("refined: with deviations without end rows are as near as among all, though float32 rounds", "[index]") {
    for (const Dim dim : {1U, 3U, 16U}) {
        Rows rows(Element::float32, dim, 300);  // a value each: directions that are equal but for rounding
        Random random(4);
        std::vector<float> values(dim);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::fill(values.begin(), values.end(), 0.0F);
            values[i % dim] = static_cast<float>(1 + random.below(40));
            rows.set(i, values);
        }
        Rows queries = integer_rows(Element::float32, dim, 20, 5, 40);
        queries.set(0, std::vector<float>(dim, 50));
        for (const MetricKind metric : metrics) {
            const Index flat = build("Flat", metric, rows.view()).value();
            for (const char* spec :
                 {"RaBitQ,RFlat", "IVF5,RaBitQ,RFlat", "IVF5,PQ1x4fs,RFlat", "PQ1,RFlat", "IVF5,PQ1,RFlat",
                  "RaBitQ2,RFlat", "IVF5,RaBitQ8,RFlat", "SQ4,RFlat", "IVF5,SQ4,RFlat"}) {
                const Index index = build(spec, metric, rows.view()).value();
                std::size_t wrong = 0;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    const Answer truth = ask(flat, queries.row(q)).value();
                    const Answer found = ask(index, queries.row(q), {.nprobe = 5, .refine = 1e9F}).value();
                    for (std::size_t i = 0; i < truth.size(); ++i) {
                        wrong += found[i].distance == truth[i].distance ? 0 : 1;
                    }
                }
                CAPTURE(dim, name(metric), spec);
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("refined: PQ and SQ4 find rows by estimates alone, in any list, under a filter and by a cursor", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 32, 2000, 6);
    const Rows queries = clustered_rows(Element::float32, 32, 30, 7);
    std::vector<Id> odd;
    for (Id id = 1; id < 2000; id += 2) odd.push_back(id);
    const std::vector<Id> few{3, 77, 500, 1999};
    for (const MetricKind metric : metrics) {
        const Index flat = build("Flat", metric, rows.view()).value();
        for (const char* spec :
             {"PQ16", "IVF16,PQ16", "IVF16_HNSW8,PQ16", "IVF16,PQ16,RFlat", "HNSW16,PQ16", "HNSW16,PQ16,RFlat", "SQ4",
              "IVF16,SQ4", "IVF16_HNSW8,SQ4,RFlat", "HNSW16,SQ4", "HNSW16,SQ4,RFlat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            const bool refined = std::string_view(spec).ends_with("RFlat");
            std::size_t found = 0;
            std::size_t wrong = 0;
            double off = 0;
            double spread = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const RowView query = queries.row(q);
                const Answer truth = ask(flat, query, {.k = 2000}).value();
                std::vector<float> exact(rows.size());
                for (const Neighbor& neighbor : truth) exact[static_cast<std::size_t>(neighbor.id)] = neighbor.distance;
                const float range = truth[1999].distance - truth[0].distance;
                const Answer nearest = ask(index, query, {.nprobe = 16}).value();
                for (const Neighbor& neighbor : nearest) {
                    for (std::size_t i = 0; i < 10; ++i) found += truth[i].id == neighbor.id ? 1 : 0;
                }
                // All rows by a cursor, each once, near their distances; the first of them as a search finds them.
                Cursor cursor = index.cursor(query, {.nprobe = 4}).value();
                std::vector<bool> seen(rows.size());
                std::size_t count = 0;
                for (bool more = true; more;) {
                    const Nearest batch = cursor.next(500).value();
                    more = batch.size() > 0;
                    for (const Neighbor& neighbor : batch) {
                        const auto row = static_cast<std::size_t>(neighbor.id);
                        wrong += seen[row] ? 1 : 0;
                        seen[row] = true;
                        const double apart = static_cast<double>(neighbor.distance - exact[row]);
                        off += apart * apart;
                        spread += static_cast<double>(range) * static_cast<double>(range);
                        ++count;
                    }
                }
                wrong += count == rows.size() ? 0 : 1;
                // Filters: many rows pass, or so few that every list is asked.
                for (const std::vector<Id>& ids : {odd, few}) {
                    const RowFilter filter = index.prepare(Filter::ids(ids)).value();
                    const Answer passing = ask(index, query, {.k = 10, .nprobe = 4, .filter = &filter}).value();
                    wrong += passing.size() == std::min<std::size_t>(10, ids.size()) ? 0 : 1;
                    for (const Neighbor& neighbor : passing) {
                        wrong += std::binary_search(ids.begin(), ids.end(), neighbor.id) ? 0 : 1;
                    }
                }
            }
            CAPTURE(spec, name(metric), found, off / spread);
            CHECK(wrong == 0);
            CHECK(found >= (refined ? 298 : 240));
            CHECK(off <= (refined ? 1e-10 : 4e-4) * spread);
        }
    }
}

TEST_CASE("refined: with each bit unrefined answers come nearer to the exact ones", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 64, 2000, 6);
    const Rows queries = clustered_rows(Element::float32, 64, 50, 7);
    for (const MetricKind metric : metrics) {
        const Index flat = build("Flat", metric, rows.view()).value();
        for (const std::string lists : {"", "IVF10,", "IVF10_HNSW4,"}) {
            double before = 0;
            for (const char* codes : {"RaBitQ1", "RaBitQ2", "RaBitQ4", "RaBitQ8"}) {
                const Index index = build(lists + codes, metric, rows.view()).value();
                std::size_t found = 0;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    const Answer truth = ask(flat, queries.row(q)).value();
                    const Answer nearest = ask(index, queries.row(q), {.nprobe = 10}).value();
                    for (const Neighbor& neighbor : nearest.neighbors) {
                        found += std::any_of(truth.neighbors.begin(), truth.neighbors.end(),
                                             [&](const Neighbor& true_one) { return true_one.id == neighbor.id; })
                                     ? 1
                                     : 0;
                    }
                }
                const double recall = static_cast<double>(found) / static_cast<double>(10 * queries.size());
                CAPTURE(name(metric), lists, codes, recall, before);
                CHECK(recall > before);
                before = recall;
            }
            CHECK(before > 0.97);
        }
    }
}

TEST_CASE("refined: 8-bit codes find what passes a filter once each, by lists, by a graph and one and all", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 24, 1500, 8);
    const Rows queries = clustered_rows(Element::float32, 24, 20, 9);
    for (const MetricKind metric : vector_metrics) {
        const Index flat = build("Flat", metric, rows.view()).value();
        for (const char* spec : {"SQ8,RFlat", "IVF16,SQ8,RFlat", "IVF16_HNSW8,SQ8,R(FP16)", "HNSW16,SQ8,RFlat"}) {
            const Index index = build(spec, metric, rows.view()).value();
            const bool half = std::string_view(spec).ends_with("R(FP16)");
            for (const Id every : {2, 20, 300}) {
                const auto passes = [every](Id id) { return id % every == 0; };
                const RowFilter few = index.prepare(Filter::predicate(passes)).value();
                const RowFilter same = flat.prepare(Filter::predicate(passes)).value();
                std::size_t wrong = 0;
                std::size_t found = 0;
                std::size_t wanted = 0;
                for (std::size_t q = 0; q < queries.size(); ++q) {
                    const SearchOptions options{.k = 10, .ef = 200, .nprobe = 16, .filter = &few};
                    SearchOptions exactly = options;
                    exactly.filter = &same;
                    const Answer nearest = ask(index, queries.row(q), options).value();
                    const Answer truth = ask(flat, queries.row(q), exactly).value();
                    std::vector<Id> ids;
                    for (const Neighbor& neighbor : nearest) {
                        wrong += passes(neighbor.id) ? 0 : 1;
                        ids.push_back(neighbor.id);
                    }
                    std::sort(ids.begin(), ids.end());
                    wrong += std::adjacent_find(ids.begin(), ids.end()) == ids.end() ? 0 : 1;
                    wrong += nearest.size() == truth.size() ? 0 : 1;
                    for (const Neighbor& neighbor : truth) {
                        found += std::binary_search(ids.begin(), ids.end(), neighbor.id) ? 1 : 0;
                    }
                    wanted += truth.size();
                }
                CAPTURE(name(metric), spec, every, found, wanted);
                CHECK(wrong == 0);
                CHECK(found >= wanted - (half ? wanted / 100 + 1 : wanted / 200));
            }
        }
    }
}

TEST_CASE("refined: where few rows pass a filter, these are ranked, and nothing else", "[index]") {
    const Rows rows = clustered_rows(Element::float32, 24, 3000, 71);
    for (const MetricKind metric : metrics) {
        const Index exact = build("Flat", metric, rows.view()).value();
        const auto passes = [](Id id) { return id % 100 == 7; };
        const RowFilter of_exact = exact.prepare(Filter::predicate(passes)).value();
        const auto check = [&](const Index& index) {
            INFO(index.spec() << " " << name(metric));
            const RowFilter few = index.prepare(Filter::predicate(passes)).value();
            Searcher search = index.searcher();
            Searcher truth = exact.searcher();
            for (std::size_t q = 0; q < 40; ++q) {
                for (const std::size_t k : {5U, 100U}) {
                    const Nearest found = search(rows.row(q), {.k = k, .nprobe = 3, .filter = &few}).value();
                    const Nearest expected = truth(rows.row(q), {.k = k, .filter = &of_exact}).value();
                    CHECK(identical(found.neighbors, expected.neighbors));
                    CHECK(found.outcome.exact);
                    CHECK(found.outcome.distances == 30);
                    CHECK(found.outcome.hops == 0);
                }
                const float radius =
                    truth(rows.row(q), {.k = 9, .filter = &of_exact}).value().neighbors.back().distance;
                for (const std::size_t cap : {4U, 100U}) {
                    const RangeOptions options{.radius = radius, .cap = cap, .nprobe = 3, .filter = &few};
                    const Nearest found = search.range(rows.row(q), options).value();
                    CHECK(found.size() == std::min<std::size_t>(cap, 9));
                    CHECK(found.outcome.truncated == (cap < 9));
                    CHECK(found.outcome.exact);
                }
            }
            const Answers together =
                index.search(rows.view().slice(0, 64), {.k = 5, .nprobe = 3, .filter = &few}).value();
            const Answers expected = exact.search(rows.view().slice(0, 64), {.k = 5, .filter = &of_exact}).value();
            CHECK((together.ids == expected.ids && together.distances == expected.distances));
        };
        for (const char* spec : {"IVF60,RaBitQ,RFlat", "IVF60_HNSW8,PQ12x4fs,RFlat", "IVF60_SOAR,RaBitQ,RFlat",
                                 "PCA12,IVF60,RaBitQ4,RFlat", "IVF60,SQ4,RFlat"}) {
            check(build(spec, metric, rows.view()).value());
        }
        for (const char* spec : {"IVF60,SQ4,RFlat", "IVF60_HNSW8,PQ12,RFlat"}) {
            check(grow(spec, metric, rows.view()).value().index());
        }
    }
}
