// The contract of single queries: after the first of a kind, none allocates. Every operator new of this program counts.
#include <atomic>
#include <cstdlib>
#include <new>

#include "contract/models.hpp"

namespace {
std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
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
