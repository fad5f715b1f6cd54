// Growing inverted lists, one thread at a time: their books, their memory, their way to frozen lists and back.
#include <optional>
#include <stdexcept>
#include <vector>

#include <tonari/index/grow.hpp>

#include "support/ask.hpp"
#include "support/catch.hpp"
#include "support/chebyshev.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "support/rounded.hpp"
#include "support/rows.hpp"
#include "unit/index/growing_changes.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 12;
using Plain = Flat<AnyMetric>;
using Coarse = FlatIndex<Plain>;
using Growing = GrowingIvf<Plain, Coarse>;
using Frozen = IvfIndex<Plain, Coarse>;

Plain codec_of(MetricKind metric, Dim width = dim) { return Plain::create(Element::float32, width, metric).value(); }

/// Lists about the centroids of `rows`, with none of them in.
std::unique_ptr<Growing> empty_lists(const Rows& rows, std::size_t lists, MetricKind metric = MetricKind::l2) {
    const Plain codec = codec_of(metric, rows.dim());
    return std::make_unique<Growing>(codec, Frozen::build(codec, rows.view(), {}, {lists}, {}).value().coarse_lists());
}
/// The same with all of them.
std::unique_ptr<Growing> full_lists(const Rows& rows, std::size_t lists, MetricKind metric = MetricKind::l2) {
    auto index = empty_lists(rows, lists, metric);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        REQUIRE(index->put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
    }
    return index;
}

std::vector<Neighbor> ask_lists(const Growing& index, RowView query, const SearchOptions& options) {
    SearchScratch scratch;
    GrowingIvfSearch<Growing>(index, scratch).nearest(query, options);
    return scratch.neighbors;
}

std::vector<Id> ids_from(Id first, Id last) {
    std::vector<Id> ids;
    for (Id id = first; id < last; ++id) ids.push_back(id);
    return ids;
}

}  // namespace

TEST_CASE("growing lists: any order of changes leaves ids, lists and places whole", "[index]") {
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const std::uint64_t seed : {1U, 2U}) {
            INFO(name(metric) << ", seed " << seed);
            const Rows rows = integer_rows(Element::float32, dim, 600, seed, 6);
            const auto made = empty_lists(rows, 9, metric);
            Growing& index = *made;
            const auto ask = [&](RowView query) { return ask_lists(index, query, {.k = 1000}); };
            const auto compacted = [&](int step) -> std::size_t {
                return step % 29 != 0 || index.compact({}).value() ? 0 : 1;
            };
            const auto [truth, wrong] = change_at_random(index, rows, metric, seed, 6000, ask, compacted);
            CHECK(wrong == 0);
            CHECK(index.tidy());
            const GrowingHealth health = index.health().value();
            CHECK(health.ids == truth.size());
            CHECK(health.vertices == truth.size());
            CHECK(health.waiting == 0);
            CHECK(health.free + health.ids == index.lists().blocks() * GrowingLists::block_rows);
            CHECK(health.lists == 9);
        }
    }
}

TEST_CASE("growing lists: a row stands in the list of its nearest centroid, whenever it came", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 2);
    for (const MetricKind metric : vector_metrics) {
        INFO(name(metric));
        const auto index = full_lists(rows, 30, metric);
        for (Id id = 0; id < 2000; id += 3) {
            REQUIRE(index->put(rows.row(static_cast<std::size_t>(id) / 2), id, PutMode::update).ok());
        }
        const Index coarse = make_index(Coarse(index->coarse_lists().index()));
        const Epoch::Pin pin = index->pin();
        std::size_t wrong = 0;
        std::size_t seen = 0;
        for (std::size_t list = 0; list < 30; ++list) {
            index->for_each_place(list, pin.moment(), [&](RowId place) {
                const auto* values = reinterpret_cast<const float*>(index->lists().code(place));
                const Answer all = ask(coarse, std::span(values, dim), {.k = 1}).value();
                wrong += all[0].id == static_cast<Id>(list) ? 0 : 1;
                ++seen;
            });
        }
        CHECK(wrong == 0);
        CHECK(seen == 2000);
    }
}

TEST_CASE("growing lists: more lists find more, and further ones are looked at where k rows are wanting", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 3);
    const Rows queries = clustered_rows(Element::float32, dim, 20, 4);
    const auto index = full_lists(rows, 40);
    const Index frozen = make_index(freeze(*index).value());
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < queries.size(); ++q) {
        for (const std::size_t nprobe : {1U, 4U, 16U, 40U, 100U}) {
            for (const std::size_t k : {1U, 10U, 300U}) {
                const SearchOptions options{.k = k, .nprobe = nprobe};
                SearchScratch scratch;
                const Outcome outcome = GrowingIvfSearch<Growing>(*index, scratch).nearest(queries.row(q), options);
                const Answer expected = ask(frozen, queries.row(q), options).value();
                wrong += identical(scratch.neighbors, expected.neighbors) ? 0 : 1;
                wrong += outcome.distances == expected.outcome.distances && outcome.hops == expected.outcome.hops &&
                                 outcome.exact == expected.outcome.exact && outcome.complete
                             ? 0
                             : 1;
            }
            const RangeOptions within{.radius = 4, .cap = 50, .nprobe = nprobe};
            SearchScratch scratch;
            const Outcome outcome = GrowingIvfSearch<Growing>(*index, scratch).range(queries.row(q), within);
            const RangeAnswers expected = frozen.range_search(queries.view().slice(q, 1), within).value();
            wrong +=
                scratch.neighbors.size() == expected.ids.size() && outcome.truncated == expected.outcomes[0].truncated
                    ? 0
                    : 1;
            for (std::size_t i = 0; i < std::min(scratch.neighbors.size(), expected.ids.size()); ++i) {
                wrong += scratch.neighbors[i].id == expected.ids[i] ? 0 : 1;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("growing lists: where memory begins anew, lists go on", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 40000, 17);  // more than a chunk of blocks, and than two
    const Index frozen = build("IVF5,Flat", MetricKind::l2, rows.view()).value();
    const GrowingIndex index = grow(frozen).value();
    std::size_t wrong = 0;
    for (std::size_t q = 0; q < rows.size(); q += 500) {
        const SearchOptions options{.k = 100, .nprobe = 5};
        wrong += identical(ask(index.index(), rows.row(q), options).value().neighbors,
                           ask(frozen, rows.row(q), options).value().neighbors)
                     ? 0
                     : 1;
    }
    CHECK(wrong == 0);
    CHECK(image_of(index.index()) == image_of(frozen));
}

TEST_CASE("growing lists: places are used again, so that turnovers take no more memory", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 5);
    const auto index = full_lists(rows, 20);
    const std::size_t before = index->row_bytes() + index->id_bytes();
    for (int turn = 0; turn < 5; ++turn) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            REQUIRE(index->remove(static_cast<Id>(i)).ok());
            REQUIRE(index->put(rows.row(i), static_cast<Id>(i), PutMode::add).ok());
        }
    }
    for (int turn = 0; turn < 5; ++turn) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::size_t other = (i + static_cast<std::size_t>(turn) * 37) % rows.size();
            REQUIRE(index->put(rows.row(other), static_cast<Id>(i), PutMode::update).ok());
        }
    }
    CHECK(static_cast<double>(index->row_bytes() + index->id_bytes()) <= 1.1 * static_cast<double>(before));
    CHECK(index->tidy());
    CHECK(index->health().value().ids == 2000);
}

TEST_CASE("growing lists: while a search looks on, what it sees stays", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 500, 6);
    const auto index = full_lists(rows, 8);
    const auto expected = ask_lists(*index, rows.row(1), {.k = 500});
    SearchScratch scratch;
    {
        GrowingIvfSearch<Growing> search(*index, scratch);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            REQUIRE((i % 2 == 0 ? index->remove(static_cast<Id>(i))
                                : index->put(rows.row(0), static_cast<Id>(i), PutMode::update))
                        .ok());
        }
        CHECK(!index->tidy());  // the search holds the dead back
        CHECK_FALSE(index->compact({}).value());
        search.nearest(rows.row(1), {.k = 500});
        CHECK(identical(scratch.neighbors, expected));
    }
    CHECK(index->tidy());
    const auto later = ask_lists(*index, rows.row(1), {.k = 500});
    CHECK(later.size() == 250);
    for (const Neighbor& neighbor : later) CHECK(neighbor.id % 2 == 1);
}

TEST_CASE("growing lists: compacted, they have as few blocks as rows need and answer as before", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 3000, 7);
    const auto index = full_lists(rows, 12);
    for (Id id = 0; id < 3000; ++id) {
        if (id % 10 != 1) REQUIRE(index->remove(id).ok());
    }
    const auto expected = ask_lists(*index, rows.row(11), {.k = 3000});
    REQUIRE(expected.size() == 300);
    std::size_t calls = 0;
    const auto progress = [&](std::size_t done, std::size_t total) {
        ++calls;
        CHECK(done <= total);
    };
    CHECK(index->compact(progress).value());
    CHECK(calls > 0);
    const auto blocks_needed = [&] {
        std::size_t blocks = 0;
        for (std::size_t list = 0; list < 12; ++list) {
            std::size_t here = 0;
            index->for_each_place(list, index->pin().moment(), [&](RowId) { ++here; });
            blocks += (here + GrowingLists::block_rows - 1) / GrowingLists::block_rows;
        }
        return blocks;
    };
    CHECK(index->lists().blocks() == blocks_needed());
    CHECK(identical(ask_lists(*index, rows.row(11), {.k = 3000}), expected));
    CHECK(index->compact({}).value());  // nothing to do
    // It grows again over the places that it gave back.
    for (std::size_t i = 0; i < rows.size(); ++i) {
        REQUIRE(index->put(rows.row(i), static_cast<Id>(i), PutMode::replace).ok());
    }
    CHECK(ask_lists(*index, rows.row(11), {.k = 4000}).size() == 3000);
    for (Id id = 0; id < 3000; ++id) REQUIRE(index->remove(id).ok());
    CHECK(index->compact({}).value());
    CHECK(index->lists().blocks() == 0);
    CHECK(ask_lists(*index, rows.row(11), {.k = 3}).empty());
    CHECK(freeze(*index).error().code == ErrorCode::not_found);
}

TEST_CASE("growing lists: a compaction that is broken off leaves them whole", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 2000, 8);
    const auto index = full_lists(rows, 6);
    for (Id id = 0; id < 2000; ++id) {
        if (id % 5 != 0) REQUIRE(index->remove(id).ok());
    }
    ErrorCode refused{};
    CHECK_THROWS_AS(index->compact([&](std::size_t, std::size_t) {
        const auto inner = index->compact({});
        if (!inner) refused = inner.error().code;
        throw std::runtime_error("enough");
    }),
                    std::runtime_error);
    CHECK(refused == ErrorCode::busy);
    CHECK(index->size() == 400);
    CHECK(ask_lists(*index, rows.row(0), {.k = 2000}).size() == 400);
    CHECK(index->compact({}).value());
    CHECK(index->lists().free_blocks() == 0);
    CHECK(ask_lists(*index, rows.row(0), {.k = 2000}).size() == 400);
}

#if defined(__linux__)
TEST_CASE("growing lists: compacted, they give memory back to the system", "[index]") {
    constexpr Dim wide = 1024;
    const Rows rows = clustered_rows(Element::float32, wide, 64, 9);
    const auto index = empty_lists(rows, 4);
    std::vector<float> row(wide, 0.0F);
    Random random(13);
    for (Id id = 0; id < 6000; ++id) {
        for (std::size_t i = 0; i < 4; ++i) row[i] = static_cast<float>(unit(random()));
        REQUIRE(index->put(RowView(std::span<const float>(row)), id, PutMode::add).ok());
    }
    for (Id id = 0; id < 6000; ++id) {
        if (id % 8 != 0) REQUIRE(index->remove(id).ok());
    }
    REQUIRE(index->tidy());
    const std::size_t before = resident_bytes();
    REQUIRE(index->compact({}).value());
    const std::size_t after = resident_bytes();
    // 5,250 of 6,000 rows of 4 KiB are gone: 21 MB.
    CHECK(after + 16'000'000 < before);
    CHECK(index->size() == 750);
}
#endif

TEST_CASE("growing lists: frozen, they are what a build makes of the rows, to the byte", "[index]") {
    for (const char* spec : {"IVF20,Flat", "IVF20_HNSW4,Flat", "IVF150,SQ8", "IVF20_HNSW4,SQ8", "IVF20,FP16",
                             "IVF20,SQ4", "IVF20_HNSW4,PQ4", "IVF20,PQ4,RFlat", "IVF20_HNSW4,SQ4,R(FP16)"}) {
        INFO(spec);
        const Rows rows = clustered_rows(Element::float32, dim, 900, 10);
        const std::vector<Id> ids = scattered_ids(rows.size(), true);
        const Index built = build(spec, MetricKind::l2, rows.view(), ids).value();
        GrowingIndex index = grow(spec, MetricKind::l2, rows.view(), ids).value();
        CHECK(index.index().spec() == spec);
        CHECK(image_of(index.freeze().value()) == image_of(built));
        CHECK(image_of(index.index()) == image_of(built));
        // Opened and grown again, changed and changed back, too.
        GrowingIndex again = grow(index_of(image_of(built)).value()).value();
        const std::vector<Id> others = ids_from(5000, 5300);
        REQUIRE(again.add(rows.view().slice(0, 300), others).ok());
        REQUIRE(again.remove(others).ok());
        CHECK(image_of(again.freeze().value()) == image_of(built));
        CHECK(again.add(rows.view().slice(5, 1)).value() == ids[rows.size() / 2] + 1);  // above the largest
    }
}

TEST_CASE("growing lists: the same ids and rows freeze to the same bytes, whoever added them", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1500, 11);
    for (const char* spec : {"IVF16,Flat", "IVF16_HNSW4,SQ8", "IVF16,PQ3", "IVF16,SQ4,RFlat"}) {
        INFO(spec);
        const auto grown = [&](unsigned threads, bool detour) {
            GrowingIndex index = grow(spec, MetricKind::l2, rows.view().slice(0, 300)).value();
            if (detour) {
                REQUIRE(index.add(rows.view().slice(0, 100), ids_from(2000, 2100)).ok());
                REQUIRE(index.update(rows.view().slice(700, 50), ids_from(20, 70)).ok());
            }
            REQUIRE(index.add(rows.view().slice(300, 1200), ids_from(300, 1500), {.threads = {threads}}).ok());
            if (detour) {
                REQUIRE(index.remove(ids_from(2000, 2100)).ok());
                REQUIRE(index.compact().value());
            }
            REQUIRE(index.update(rows.view().slice(20, 50), ids_from(20, 70)).ok());
            return image_of(index.freeze().value());
        };
        const auto one = grown(1, false);
        CHECK(grown(1, false) == one);
        CHECK(grown(4, false) == one);
        CHECK(grown(2, true) == one);
    }
}

TEST_CASE("growing lists: codes that came later are found as a frozen copy finds them", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 1200, 14);
    const Rows queries = clustered_rows(Element::float32, dim, 20, 15);
    const auto drained = [](Result<Cursor> cursor) {
        REQUIRE(cursor.ok());
        std::vector<Neighbor> all;
        while (!cursor->done()) {
            const auto some = cursor->next(50);
            REQUIRE(some.ok());
            all.insert(all.end(), some->begin(), some->end());
        }
        return all;
    };
    for (const MetricKind metric : {MetricKind::l2, MetricKind::inner_product, MetricKind::cosine}) {
        for (const char* spec : {"IVF20,SQ4", "IVF20_HNSW4,PQ4", "IVF20,PQ4,RFlat", "IVF20,SQ4,R(FP16)"}) {
            INFO(spec << " " << name(metric));
            GrowingIndex index = grow(spec, metric, rows.view().slice(0, 400)).value();
            REQUIRE(index.add(rows.view().slice(400, 800), ids_from(400, 1200)).ok());
            std::vector<Id> gone;
            for (Id id = 0; id < 1200; id += 3) gone.push_back(id);
            REQUIRE(index.remove(gone).ok());
            REQUIRE(index.compact().value());
            const Index frozen = index.freeze().value();
            REQUIRE(frozen.spec() == spec);
            const std::vector<Id> listed{7, 500, 800, 1100};
            const Filter some = Filter::predicate([](Id id) { return id % 5 == 0; });
            const Filter few = Filter::ids(listed);
            std::size_t wrong = 0;
            for (std::size_t q = 0; q < queries.size(); ++q) {
                const auto ask_both = [&](const SearchOptions& options, const Filter* filter) {
                    const auto ask_one = [&](const Index& of) {
                        SearchOptions with = options;
                        std::optional<RowFilter> prepared;
                        if (filter != nullptr) prepared = of.prepare(*filter).value();
                        if (prepared) with.filter = &*prepared;
                        return ask(of, queries.row(q), with).value().neighbors;
                    };
                    wrong += identical(ask_one(index.index()), ask_one(frozen)) ? 0 : 1;
                };
                for (const std::size_t nprobe : {1U, 4U, 20U}) {
                    ask_both({.k = 10, .nprobe = nprobe}, nullptr);
                    ask_both({.k = 10, .nprobe = nprobe}, &some);
                    ask_both({.k = 10, .nprobe = nprobe}, &few);
                }
                ask_both({.k = 800, .nprobe = 2}, nullptr);
                const auto near = ask(frozen, queries.row(q), {.k = 40, .nprobe = 20}).value().neighbors;
                const RangeOptions within{.radius = near[20].distance, .nprobe = 20};
                wrong += identical(ask_range(index.index(), queries.row(q), within).value().neighbors,
                                   ask_range(frozen, queries.row(q), within).value().neighbors)
                             ? 0
                             : 1;
                wrong += identical(drained(index.index().cursor(queries.row(q), {.nprobe = 2})),
                                   drained(frozen.cursor(queries.row(q), {.nprobe = 2})))
                             ? 0
                             : 1;
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("growing lists: what does not fit is refused, and by name", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 100, 12);
    const auto refused = [](const auto& result, ErrorCode code, std::initializer_list<std::string_view> words) {
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().code == code);
        for (const std::string_view word : words) {
            INFO(result.error().message << " has '" << word << "'");
            CHECK(result.error().message.find(word) != std::string::npos);
        }
    };
    refused(grow("IVF8,Flat", MetricKind::l2, Element::float32, dim), ErrorCode::unsupported,
            {"IVF8,Flat", "rows to train the lists on", "pass the first rows", "8 lists"});
    refused(grow("IVF8,SQ8", MetricKind::cosine, Element::float32, dim), ErrorCode::unsupported,
            {"pass the first rows"});
    refused(grow("IVF101,Flat", MetricKind::l2, rows.view()), ErrorCode::invalid_argument, {"101", "100"});
    for (const auto& [spec, instead] : {std::pair{"IVF8,RaBitQ", "'IVF8,SQ4' does"},
                                        {"IVF8,RaBitQ4,RFlat", "'IVF8,SQ4,RFlat' does"},
                                        {"IVF8_SOAR,PQ4", "'IVF8,PQ4' does"},
                                        {"IVF8,PQ4,R(SQ8)", "'IVF8,PQ4,RFlat' does"},
                                        {"IVF8_HNSW4,PQ4x4fs", "'IVF8_HNSW4,SQ4' does"},
                                        {"HNSW8,SQ4", "'HNSW8' does"},
                                        {"HNSW8,SQ4,RFlat", "'HNSW8' does"},
                                        {"IVF8,SQ8,RFlat", "'IVF8,SQ8' does"},
                                        {"PCA4,IVF8,Flat", "'IVF8,Flat' does"},
                                        {"PCA4,HNSW8", "'HNSW8' does"}}) {
        refused(grow(spec, MetricKind::l2, rows.view()), ErrorCode::unsupported,
                {spec, "expected one that grows", instead});
    }
    refused(grow("Flat", MetricKind::l2, rows.view()), ErrorCode::unsupported, {"HNSW<M>", "IVF<lists>"});
    refused(grow(build("IVF4,RaBitQ", MetricKind::l2, rows.view()).value()), ErrorCode::unsupported, {"IVF4,RaBitQ"});
    const GrowingIndex index = grow("IVF4,Flat", MetricKind::l2, rows.view()).value();
    refused(grow(index.index()), ErrorCode::unsupported, {"grows already"});
    const Index typed = build("IVF4,Flat", Chebyshev{}, rows.view()).value();
    refused(grow(typed), ErrorCode::unsupported, {"metric as a type"});
}

TEST_CASE("growing lists: a filter prepared earlier knows its ids, also those that came or moved since", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 800, 13);
    GrowingIndex index = grow("IVF10,Flat", MetricKind::l2, rows.view().slice(0, 600)).value();
    std::vector<Id> listed;
    for (Id id = 0; id < 800; id += 4) listed.push_back(id);
    const RowFilter filter = index.prepare(Filter::ids(listed)).value();
    const RowFilter even = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
    const RowFilter none = index.prepare(Filter::ids({})).value();
    REQUIRE(index.add(rows.view().slice(600, 200), ids_from(600, 800)).ok());
    REQUIRE(index.update(rows.view().slice(100, 4), std::vector<Id>{0, 4, 8, 1}).ok());
    REQUIRE(index.remove(std::vector<Id>{12, 16}).ok());
    Searcher search = index.searcher();
    for (const std::size_t nprobe : {1U, 10U}) {
        const auto answer = search(rows.row(5), {.k = 800, .nprobe = nprobe, .filter = &filter}).value();
        CHECK(answer.size() == listed.size() - 2);
        for (const Neighbor& neighbor : answer) CHECK(neighbor.id % 4 == 0);
        const auto evens = search(rows.row(5), {.k = 800, .nprobe = nprobe, .filter = &even}).value();
        CHECK(evens.size() == 300 - 2);
        for (const Neighbor& neighbor : evens) CHECK((neighbor.id % 2 == 0 && neighbor.id < 600));
        const auto nothing = search(rows.row(5), {.nprobe = nprobe, .filter = &none}).value();
        CHECK((nothing.size() == 0 && nothing.outcome.complete && nothing.outcome.exact));
    }
}

TEST_CASE("growing lists: health tells how the lists are filled", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 500, 14);
    GrowingIndex index = grow("IVF8,Flat", MetricKind::l2, rows.view()).value();
    for (std::size_t copy = 0; copy < 400; ++copy) {  // all into one list
        REQUIRE(index.add(rows.row(0), static_cast<Id>(1000 + copy)).ok());
    }
    GrowingHealth health = index.health().value();
    CHECK(health.ids == 900);
    CHECK(health.lists == 8);
    CHECK(health.empty_lists == 0);
    CHECK(health.largest_list > 400);
    REQUIRE(index.remove(ids_from(0, 500)).ok());
    health = index.health().value();
    CHECK(health.empty_lists == 7);
    CHECK(health.largest_list == 400);
    const Cursor cursor = index.cursor(rows.row(0)).value();  // holds what goes from now on
    REQUIRE(index.remove(ids_from(1000, 1100)).ok());
    CHECK(index.health().value().waiting >= 100);
}

TEST_CASE("growing lists: a file whose ids lie is refused", "[index]") {
    const Rows rows = clustered_rows(Element::float32, dim, 40, 15);
    const Plain codec = codec_of(MetricKind::l2);
    const Frozen frozen = Frozen::build(codec, rows.view(), {}, {3}, {}).value();
    std::vector<Id> lies(40, 7);
    const Frozen lying = Frozen::over(StoredRows<Plain>(codec, frozen.rows().codes(), IdMap::create(lies, {}).value()),
                                      frozen.partition(), frozen.coarse_lists());
    CHECK(thaw(frozen).ok());
    CHECK(thaw(lying).error().code == ErrorCode::corrupt);
    CHECK(grow(make_index(lying)).error().code == ErrorCode::corrupt);
}
