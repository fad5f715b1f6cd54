// The contract of single queries: after the first of a kind, none allocates. Every operator new of this program counts.
// And of all calls: memory that is not there is an error, whichever allocation it was.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>

#include <tonari/segment/segment.hpp>

#include "contract/models.hpp"
#include "unit/io/temp_folder.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
constexpr std::size_t no_failure = ~std::size_t{0};
std::atomic<std::size_t> fails_at{no_failure};  ///< the one that is refused

void* counted(std::size_t size, std::size_t alignment) {
    if (allocations++ == fails_at) throw std::bad_alloc();
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
void* counted_or_null(std::size_t size, std::size_t alignment) noexcept {
    try {
        return counted(size, alignment);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return counted_or_null(size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return counted_or_null(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return counted_or_null(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return counted_or_null(size, static_cast<std::size_t>(alignment));
}
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // where only one of the two is inlined, GCC sees no pair
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

using namespace tonari;
using namespace tonari::test;

TEST_CASE("allocation: the counter counts", "[contract]") {
    const std::size_t before = allocations;
    const auto block = std::make_unique<std::vector<int>>(100);
    CHECK(block->size() == 100);
    CHECK(allocations >= before + 2);
}

TEST_CASE("allocation: a searcher's queries after the first allocate nothing", "[contract]") {
    for (const Model& model : all_models()) {
        const Rows rows = clustered_rows(model.element, 16, 800, 70);
        const Rows queries = clustered_rows(model.element, 16, 100, 71);
        const Index index = model.built(rows, {}, quick_build());
        const RowFilter half = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
        const RowFilter few = index.prepare(Filter::predicate([](Id id) { return id % 100 == 0; })).value();
        Searcher search = index.searcher();
        const float radius = search(queries.row(0), {.k = 20}).value()[19].distance;
        std::size_t allocated = 0;
        const auto measure = [&](auto&& ask) {
            (void)ask(queries.row(0));
            const std::size_t before = allocations;
            for (std::size_t q = 0; q < queries.size(); ++q) (void)ask(queries.row(q));
            allocated += allocations - before;
        };
        for (const RowFilter* filter : {static_cast<const RowFilter*>(nullptr), &half, &few}) {
            measure(
                [&](RowView query) { return search(query, {.k = 20, .ef = 100, .filter = filter}).value().size(); });
            measure([&](RowView query) {
                return search.range(query, {.radius = radius, .cap = 50, .filter = filter}).value().size();
            });
        }
        // Smaller queries after a larger one, and the two kinds in turn, need nothing new either.
        measure([&](RowView query) {
            return search(query, {.k = 5, .ef = 10}).value().size() +
                   search.range(query, {.radius = radius}).value().size();
        });
        INFO(model.name);
        CHECK(allocated == 0);
    }
}

namespace {

/// Makes each allocation of `call` fail once.
template <class Call>
void check_each_failing(const std::string& what, const Call& call) {
    INFO(what);
    const std::size_t before = allocations;
    REQUIRE(call().ok());
    const std::size_t needed = allocations - before;
    REQUIRE(needed > 0);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < needed; ++i) {
        fails_at = allocations + i;
        const auto result = call();
        fails_at = no_failure;
        // More threads allocate in any order, and not always as often.
        TONARI_EXPECT(wrong, result.ok() || result.error().code == ErrorCode::out_of_memory);
    }
    CHECK(wrong == 0);
}

/// Files that this process holds open; 0 where the system does not tell.
std::size_t open_descriptors() {
    std::error_code none;
    const std::filesystem::directory_iterator all("/proc/self/fd", none);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("allocation: one that fails while files are written and read is an error", "[contract]") {
    const TempFolder folder;
    const std::filesystem::path path = folder.path("index.tnr");
    const Rows rows = clustered_rows(Element::float32, 4, 9, 74);
    const Index index = build("Flat", MetricKind::l2, rows.view()).value();
    const std::size_t open_files = open_descriptors();
    check_each_failing("write", [&] { return write_segment(path, index); });
    REQUIRE(write_segment(path, index).ok());  // nothing is locked
    CHECK(folder.names() == std::vector<std::string>{"index.tnr"});
    for (const Residency residency : {Residency::map, Residency::load, Residency::disk}) {
        check_each_failing("open", [&] { return Segment::open(path, residency); });
    }
    check_each_failing("verify", [&] { return verify_segment(path); });
    CHECK(open_descriptors() == open_files);
}

TEST_CASE("allocation: one that fails is an error, no exception and no end of the process", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 16, 300, 72);
    const Rows queries = clustered_rows(Element::float32, 16, 70, 73);
    const std::vector<Id> ids = scattered_ids(rows.size());
    for (const unsigned threads : {1U, 2U}) {
        for (const char* spec : {"Flat", "HNSW8"}) {
            const Index index = build(spec, MetricKind::l2, rows.view(), ids).value();
            const RowFilter half = index.prepare(Filter::predicate([](Id id) { return id % 2 == 0; })).value();
            const std::string what = std::string(spec) + ", " + std::to_string(threads) + " threads: ";
            check_each_failing(what + "search", [&] { return index.search(queries.view(), {.threads = {threads}}); });
            check_each_failing(what + "filter",
                               [&] { return index.search(queries.view(), {.filter = &half, .threads = {threads}}); });
            check_each_failing(what + "range",
                               [&] { return index.range_search(queries.view(), {.radius = 9, .threads = {threads}}); });
        }
        for (const char* spec : {"Flat", "HNSW8", "IVF6,Flat"}) {
            const bool grows = std::string_view(spec).starts_with("IVF");
            const Index index = grows ? grow(spec, MetricKind::l2, rows.view(), ids).value().index()
                                      : build(spec, MetricKind::l2, rows.view(), ids).value();
            check_each_failing(std::string(spec) + ": cursor", [&]() -> Status {
                auto cursor = index.cursor(queries.row(0), {.ef = 5});
                if (!cursor) return std::move(cursor).error();
                Status failed;
                for (std::size_t found = 0; found < rows.size();) {
                    const auto batch = cursor->next(7);
                    if (batch) found += batch->size();
                    const auto before = [](const Neighbor& a, const Neighbor& b) { return nearer(a, b); };
                    if (batch && !std::is_sorted(batch->begin(), batch->end(), before)) {
                        return Error{ErrorCode::corrupt, "out of order"};
                    }
                    if (!batch) failed = batch.error();  // nothing is lost: the loop ends all the same
                }
                return failed;
            });
        }
        const BuildOptions options{.threads = {threads}};
        check_each_failing("build", [&] { return build("Flat", MetricKind::l2, rows.view(), ids, options); });
        check_each_failing("build of a graph",
                           [&] { return build("HNSW8", MetricKind::l2, rows.view(), ids, options); });
        check_each_failing("build, rounded",
                           [&] { return build("HNSW8,SQ8", MetricKind::l2, rows.view(), ids, options); });
        check_each_failing("build, a user's metric",
                           [&] { return build("Flat", Chebyshev{}, rows.view(), ids, options); });
    }
}

TEST_CASE("allocation: one that fails in the middle of a change leaves a growing index whole", "[contract]") {
    const Rows rows = clustered_rows(Element::float32, 16, 40, 75);
    const Rows first = clustered_rows(Element::float32, 16, 3, 76);
    const std::vector<Id> first_ids{100, 101, 102};
    for (const std::size_t began : {0U, 3U}) {  // a graph without rows, lists with some
        check_each_failing(began == 0 ? "grow a graph" : "grow lists", [&]() -> Status {
            auto index = began == 0 ? grow("HNSW4", MetricKind::l2, Element::float32, 16, {.ef_construction = 20})
                                    : grow("IVF3,Flat", MetricKind::l2, first.view(), first_ids);
            if (!index) return std::move(index).error();
            std::array<bool, 40> held{};
            Status failed;
            for (Id id = 0; id < 40 && failed.ok(); ++id) {
                failed = index->add(rows.view().slice(static_cast<std::size_t>(id), 1), std::span(&id, 1));
                held[static_cast<std::size_t>(id)] = failed.ok();
                const Id old = id - 10;
                if (!failed || old < 0) continue;
                failed = index->remove(std::span(&old, 1));
                if (failed) held[static_cast<std::size_t>(old)] = false;
            }
            fails_at = no_failure;
            const std::size_t expected = began + static_cast<std::size_t>(std::count(held.begin(), held.end(), true));
            bool whole = index->size() == expected && index->tidy() && index->health().value().ids == expected;
            for (Id id = 0; id < 40; ++id) {
                const auto at = static_cast<std::size_t>(id);
                whole = whole && index->contains(id) == held[at];
                if (held[at]) whole = whole && ask(index->index(), rows.row(at), {.k = 1}).value()[0].id == id;
            }
            if (!whole) return Error{ErrorCode::corrupt, "the index is not whole"};
            return failed;
        });
    }
}
