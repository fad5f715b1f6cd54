// Many threads, one index: searchers of their own, batches on executors, files opened and filters prepared side by side.
// Every answer is the one that a lone thread gives. Run under ThreadSanitizer (preset tsan) for the races.
#include <atomic>
#include <thread>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/segment/segment.hpp>

#include "support/catch.hpp"
#include "support/executor.hpp"
#include "support/image.hpp"
#include "support/oracle.hpp"
#include "unit/io/temp_folder.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr Dim dim = 16;
constexpr unsigned threads = 6;

/// Runs `body(thread)` on several threads at once; the sum of what they return. (Catch2's assertions are for one thread.)
template <class Body>
std::size_t on_many(const Body& body) {
    std::atomic<std::size_t> wrong{0};
    std::vector<std::thread> all;
    for (unsigned t = 0; t < threads; ++t) all.emplace_back([&, t] { wrong += body(t); });
    for (std::thread& thread : all) thread.join();
    return wrong;
}

Rows sample_rows_of(Element element) {
    Rows rows = clustered_rows(element, dim, 1500, 1);
    for (std::size_t i = 0; i < 200; ++i) rows.set(i, rows, 300 + i % 20);
    return rows;
}

}  // namespace

TEST_CASE("concurrency: searchers of many threads share one index", "[concurrency]") {
    const TempFolder folder;
    const Rows queries = clustered_rows(Element::float32, dim, 60, 2);
    for (const char* spec : {"Flat", "HNSW8", "HNSW8,FP16"}) {
        INFO(spec);
        const Index built =
            build(spec, MetricKind::l2, sample_rows_of(Element::float32).view(), {}, {.ef_construction = 50}).value();
        const std::string path = folder.path("shared.tnr");
        REQUIRE(write_segment(path, built).ok());
        const Segment mapped = Segment::open(path, Residency::map).value();
        const Segment loaded = Segment::open(path, Residency::load).value();
        const Answers expected = built.search(queries.view(), {.k = 10, .ef = 40}).value();
        const RangeAnswers in_range = built.range_search(queries.view(), {.radius = 5, .cap = 60}).value();
        const RowFilter filter = built.prepare(Filter::predicate([](Id id) { return id % 3 != 0; })).value();
        const Answers filtered = built.search(queries.view(), {.k = 10, .ef = 40, .filter = &filter}).value();

        CHECK(on_many([&](unsigned t) {
                  const Index& index = t % 3 == 0 ? built : t % 3 == 1 ? mapped.index() : loaded.index();
                  Searcher search = index.searcher();
                  const RowFilter own = index.prepare(Filter::predicate([](Id id) { return id % 3 != 0; })).value();
                  std::size_t wrong = 0;
                  for (std::size_t i = 0; i < queries.size(); ++i) {
                      const std::size_t q = (i + std::size_t{t} * 7) % queries.size();
                      wrong += identical(search(queries.row(q), {.k = 10, .ef = 40}).value().neighbors,
                                         answer_of(expected, q))
                                   ? 0
                                   : 1;
                      wrong += identical(search.range(queries.row(q), {.radius = 5, .cap = 60}).value().neighbors,
                                         answer_of(in_range, q))
                                   ? 0
                                   : 1;
                      wrong += identical(search(queries.row(q), {.k = 10, .ef = 40, .filter = &own}).value().neighbors,
                                         answer_of(filtered, q))
                                   ? 0
                                   : 1;
                  }
                  return wrong;
              }) == 0);
    }
}

TEST_CASE("concurrency: batches on several threads, from several threads", "[concurrency]") {
    const Rows queries = clustered_rows(Element::uint8, dim, 80, 3);
    for (const char* spec : {"Flat", "HNSW8"}) {
        INFO(spec);
        const Index index =
            build(spec, MetricKind::cosine, sample_rows_of(Element::uint8).view(), {}, {.ef_construction = 50}).value();
        const Answers expected = index.search(queries.view(), {.k = 7}).value();
        const RangeAnswers in_range = index.range_search(queries.view(), {.radius = 0.1F}).value();
        CHECK(on_many([&](unsigned t) {
                  ThreadExecutor executor(2);
                  const Threads used = t % 2 == 0 ? Threads{2} : Threads{3, &executor};
                  const Index copy = index;  // NOLINT(performance-unnecessary-copy-initialization): it shares the model
                  std::size_t wrong = 0;
                  for (int i = 0; i < 3; ++i) {
                      const Answers answers = copy.search(queries.view(), {.k = 7, .threads = used}).value();
                      wrong += answers.ids == expected.ids && answers.distances == expected.distances ? 0 : 1;
                      const RangeAnswers ranges =
                          copy.range_search(queries.view(), {.radius = 0.1F, .threads = used}).value();
                      wrong += ranges.ids == in_range.ids && ranges.offsets == in_range.offsets ? 0 : 1;
                  }
                  return wrong;
              }) == 0);
    }
}

TEST_CASE("concurrency: builds on several threads, side by side", "[concurrency]") {
    const Rows rows = sample_rows_of(Element::float32);
    const auto built = [&](const Threads& used) {
        return image_of(
            build("HNSW8", MetricKind::l2, rows.view(), {}, {.threads = used, .ef_construction = 50}).value());
    };
    const auto expected = built({1});
    CHECK(on_many([&](unsigned t) {
              ThreadExecutor executor(3);
              return built(t % 2 == 0 ? Threads{3} : Threads{3, &executor}) == expected ? 0U : 1U;
          }) == 0);
}

TEST_CASE("concurrency: a file opened, searched, verified and let go by many", "[concurrency]") {
    const TempFolder folder;
    const std::string path = folder.path("shared.tnr");
    const Rows rows = sample_rows_of(Element::float32);
    const Index index = build("HNSW8", MetricKind::l2, rows.view(), {}, {.ef_construction = 50}).value();
    REQUIRE(write_segment(path, index).ok());
    const auto expected = index.search(rows.view().slice(0, 20)).value();
    CHECK(on_many([&](unsigned t) {
              std::size_t wrong = 0;
              for (int i = 0; i < 5; ++i) {
                  const Segment segment = Segment::open(path, t % 2 == 0 ? Residency::map : Residency::load).value();
                  wrong += segment.search(rows.view().slice(0, 20)).value().ids == expected.ids ? 0 : 1;
                  wrong += verify_segment(path).ok() ? 0 : 1;
                  const auto filter = segment.index().prepare(Filter::predicate([](Id id) { return id < 50; })).value();
                  wrong += filter.passing == 50 ? 0 : 1;
              }
              return wrong;
          }) == 0);
}

TEST_CASE("concurrency: writers of one path take turns or are told so, readers see whole files", "[concurrency]") {
    const TempFolder folder;
    const std::string path = folder.path("contended.tnr");
    const Rows rows = sample_rows_of(Element::float32);
    const Index flat = build("Flat", MetricKind::l2, rows.view()).value();
    const Index graph = build("HNSW8", MetricKind::l2, rows.view(), {}, {.ef_construction = 50}).value();
    REQUIRE(write_segment(path, flat).ok());
    std::atomic<std::size_t> written{0};
    CHECK(on_many([&](unsigned t) {
              std::size_t wrong = 0;
              for (unsigned i = 0; i < 8; ++i) {
                  if (t < 3) {
                      const Status status = write_segment(path, (i + t) % 2 == 0 ? flat : graph);
                      if (status) ++written;
                      wrong += status.ok() || status.error().code == ErrorCode::busy ? 0 : 1;
                  } else {
                      const auto segment = Segment::open(path);
                      wrong += segment.ok() && segment->index().size() == rows.size() ? 0 : 1;
                      wrong += verify_segment(path).ok() ? 0 : 1;
                  }
              }
              return wrong;
          }) == 0);
    CHECK(written > 0);
    for (const std::string& name : folder.names()) CHECK(name.find(".tmp") == std::string::npos);
}
