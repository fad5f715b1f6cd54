// Any bytes as a segment, from opening through searching. Three readings of an input:
//
//   1. as it is;
//   2. sealed: with the checksums of its frame made right, or little behind them would ever be reached;
//   3. as a list of lies to tell inside a good file: its first byte chooses the file, then each five bytes say
//      where (a section, a place in it) and what to write. Links, offsets, ids and counts are lied about so.
//
// Whatever opens is searched in every way there is.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>

#include "support/image.hpp"
#include "support/rows.hpp"

namespace {

using namespace tonari;
using namespace tonari::test;

/// The same rows as a graph that grows: one is added, one changed, some removed.
void grow_and_use(const Index& index, MatrixView queries) {
    auto growing = grow(index, {.ef_construction = 20});
    if (!growing) return;
    (void)growing->add(queries);
    if (growing->contains(0)) (void)growing->update(queries.row(1), 0);
    for (Id id = 1; id < 40; ++id) (void)growing->remove(id);
    (void)growing->search(queries, {.k = 9});
    (void)growing->health();
    (void)growing->freeze();
}

void use(const Index& index) {
    if (index.dim() > 4096) return;              // as many values as the queries below
    std::vector<float> values(4096 + 80, 0.5F);  // the rows overlap
    for (std::size_t i = 0; i < values.size(); i += 3) values[i] = -1;
    const Element element = index.element();
    const MatrixView queries(values.data(), 6, index.dim(), element, 64);
    std::uint64_t sum = 0;
    const auto take = [&](std::span<const Neighbor> answer) {
        for (const Neighbor& neighbor : answer) sum += static_cast<std::uint64_t>(neighbor.id);
    };
    Searcher search = index.searcher();
    for (std::size_t q = 0; q < 2; ++q) {
        for (const std::size_t k : {1U, 10U, 3000U}) {
            for (const std::size_t nprobe : {1U, 16U}) {
                if (const auto nearest = search(queries.row(q), {.k = k, .ef = 20, .nprobe = nprobe}))
                    take(nearest->neighbors);
            }
        }
        if (const auto range = search.range(queries.row(q), {.radius = 50, .cap = 40, .ef = 8})) take(range->neighbors);
        if (const auto range = search.range(queries.row(q), {.radius = 1e30F})) take(range->neighbors);
    }
    if (auto cursor = index.cursor(queries.row(0))) {
        for (int turn = 0; turn < 4 && !cursor->done(); ++turn) {
            if (const auto next = cursor->next(20)) take(next->neighbors);
        }
    }
    if (const auto batch = index.search(queries, {.k = 5})) sum += batch->ids.size();
    (void)index.spec();
    (void)index.bytes();
    if (index.size() <= 10'000) grow_and_use(index, queries);
    if (index.size() > 1'000'000) return;  // preparing a filter takes time in proportion
    for (const Id every : {1, 2, 40}) {
        const auto filter = index.prepare(Filter::predicate([&](Id id) { return id % every == 0; }));
        if (!filter) continue;
        if (const auto nearest = search(queries.row(0), {.k = 4, .ef = 4, .filter = &*filter}))
            take(nearest->neighbors);
        if (const auto range = search.range(queries.row(0), {.radius = 1e30F, .cap = 9, .filter = &*filter}))
            take(range->neighbors);
    }
    volatile std::uint64_t keep = sum;
    (void)keep;
}

void open_and_use(std::span<const std::byte> image) {
    if (const Result<Index> index = index_of(image)) use(*index);
}

/// Small files of every kind, with shared rows and wide ids among them.
const std::vector<std::vector<std::byte>>& good_images() {
    static const std::vector<std::vector<std::byte>> images = [] {
        std::vector<std::vector<std::byte>> all;
        const auto add = [&](const char* spec, MetricKind metric, Element element, bool shared, bool wide) {
            Rows rows = clustered_rows(
                element, 24, std::string_view(spec).find("PQ4") == std::string_view::npos ? 150 : 260, all.size());
            for (std::size_t i = 0; shared && i < 60; ++i) rows.set(i, rows, i % 7);
            const auto ids = wide ? scattered_ids(rows.size(), true) : std::vector<Id>{};
            all.push_back(image_of(build(spec, metric, rows.view(), ids, {.ef_construction = 40}).value()));
        };
        add("Flat", MetricKind::l2, Element::float32, false, false);
        add("HNSW4", MetricKind::l2, Element::float32, false, false);
        add("HNSW4", MetricKind::cosine, Element::float32, true, true);
        add("HNSW2", MetricKind::inner_product, Element::uint8, true, false);
        add("Flat", MetricKind::hamming, Element::bits, false, true);
        add("HNSW3", MetricKind::hamming, Element::bits, true, false);
        add("HNSW4,FP16", MetricKind::l1, Element::float32, false, false);
        add("BF16", MetricKind::cosine, Element::float32, true, true);
        add("HNSW4,SQ8", MetricKind::l2, Element::float32, true, false);
        add("IVF9,SQ8", MetricKind::inner_product, Element::float32, false, true);
        add("IVF9,RaBitQ,RFlat", MetricKind::l2, Element::float32, true, false);
        add("IVF9,RaBitQ4", MetricKind::l2, Element::float32, true, false);
        add("RaBitQ8,RFlat", MetricKind::inner_product, Element::uint8, false, true);
        add("PQ6x4fs,R(SQ8)", MetricKind::cosine, Element::float32, false, true);
        add("IVF8,Flat", MetricKind::l2, Element::float32, false, false);
        add("IVF130,Flat", MetricKind::l2, Element::float32, false, false);
        add("IVF6,Flat", MetricKind::hamming, Element::bits, true, true);
        add("IVF12_HNSW4,Flat", MetricKind::cosine, Element::uint8, true, false);
        add("IVF9_HNSW3,FP16", MetricKind::inner_product, Element::float32, false, true);
        add("IVF9,HNSW4", MetricKind::l2, Element::float32, true, true);
        add("IVF5_HNSW4,HNSW3,SQ8", MetricKind::cosine, Element::float32, false, false);
        add("IVF7_SOAR,Flat", MetricKind::l2, Element::float32, true, true);
        add("IVF9_SOAR,RaBitQ,RFlat", MetricKind::cosine, Element::float32, false, false);
        add("IVF6_HNSW4_SOAR,PQ4", MetricKind::l2, Element::float32, false, false);
        add("IVF9,PQ4,RFlat", MetricKind::inner_product, Element::float32, true, false);
        add("HNSW16,RaBitQ,RFlat", MetricKind::l2, Element::float32, true, true);
        add("IVF9,SQ4,R(SQ8)", MetricKind::l2, Element::float32, true, true);
        add("HNSW4,SQ4,RFlat", MetricKind::inner_product, Element::uint8, false, false);
        return all;
    }();
    return images;
}

void tell_lies(std::span<const std::uint8_t> lies) {
    if (lies.empty()) return;
    std::vector<std::byte> image = good_images()[lies[0] % good_images().size()];
    const std::size_t sections = header_of(image).section_count;
    constexpr std::array<std::uint64_t, 8> nasty = {0,    1, 0x7f, 0xff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff,
                                                    ~0ULL};
    for (lies = lies.subspan(1); lies.size() >= 5; lies = lies.subspan(5)) {
        const format::SectionRow row = row_of(image, lies[0] % sections);
        if (row.size == 0) continue;
        const std::size_t place = (lies[1] | std::size_t{lies[2]} << 8U) % row.size;
        const std::size_t width = std::size_t{1} << (lies[3] % 4);
        const std::size_t at = row.offset + place / width * width;
        const std::uint64_t value = lies[3] < 128 ? nasty[lies[4] % nasty.size()] : lies[4];
        std::memcpy(image.data() + at, &value, std::min(width, static_cast<std::size_t>(row.offset + row.size - at)));
    }
    open_and_use(image);  // the frame's checksums do not cover sections: it is still whole
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    open_and_use(bytes);
    tell_lies(std::span(data, size));
    if (size < sizeof(format::Header)) return 0;
    std::vector<std::byte> sealed(bytes.begin(), bytes.end());
    format::Header header = header_of(sealed);
    header.magic = format::magic;
    header.version = header.oldest_reader = 1;
    header.flags = 0;
    header.file_size = size;
    header.table_offset = sizeof(header);
    header.section_count %= 64;
    header.reserved = {};
    set_header(sealed, header);
    open_and_use(sealed);
    return 0;
}
