// A first program: build an index, ask it, write it to a file, open the file, ask that.
#include <cstdio>
#include <random>
#include <vector>

#include <tonari/tonari.hpp>

int main() {
    constexpr std::size_t count = 10'000;
    constexpr tonari::Dim dim = 64;

    // Your vectors: count x dim numbers, row by row. tonari reads them where they lie.
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(count * dim);
    for (float& value : values) value = normal(random);
    const tonari::MatrixView rows(values.data(), count, dim);

    // A graph with 32 links a row over squared Euclidean distance. Row i has the id i; pass your own as a fourth argument.
    const tonari::Index index = tonari::build("HNSW32", tonari::L2{}, rows).value();

    tonari::Searcher search = index.searcher();  // one per thread
    const tonari::RowView query = rows.row(42);
    const tonari::Nearest nearest = search(query, {.k = 5, .ef = 64}).value();
    for (const tonari::Neighbor& neighbor : nearest) {
        std::printf("id %lld at squared distance %.3f\n", static_cast<long long>(neighbor.id), neighbor.distance);
    }

    // One file, written whole or not at all; opening it maps it, whatever its size.
    tonari::write_segment("books.tnr", index).value();
    const tonari::Segment books = tonari::Segment::open("books.tnr").value();

    tonari::Searcher search_books = books.searcher();
    const tonari::Nearest again = search_books(query, {.k = 1}).value();
    std::printf("and from the file: id %lld\n", static_cast<long long>(again[0].id));
    return again[0].id == 42 ? 0 : 1;
}
