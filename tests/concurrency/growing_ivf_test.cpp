// Growing inverted lists under torture (concurrency/torture.hpp), and a planted mistake that must be seen.
#include <tonari/index/grow.hpp>

#include "concurrency/torture.hpp"

using namespace tonari;
using namespace tonari::test;

namespace {

constexpr std::size_t lists = 24;

/// Two versions of each id.
std::vector<float> first_rows() {
    std::vector<float> values(2 * ids * dim);
    for (std::size_t i = 0; i < 2 * ids; ++i) {
        fill(static_cast<Id>(i % ids), 1 + static_cast<std::uint32_t>(i / ids),
             std::span(values).subspan(i * dim, dim));
    }
    return values;
}

/// How such lists are asked.
template <class Kind>
struct Asked {
    using Growing = Kind;
    using Source = GrowingIvfSource<Growing>;
    static Outcome search(const Growing& index, SearchScratch& scratch, RowView query, std::size_t k, bool all) {
        return GrowingIvfSearch<Growing>(index, scratch).nearest(query, {.k = k, .nprobe = all ? lists : 3});
    }
};

template <class Codec, class Coarse, class Reclaimer>
struct Lists : Asked<GrowingIvf<Codec, Coarse, NoFine, Reclaimer>> {
    using Growing = GrowingIvf<Codec, Coarse, NoFine, Reclaimer>;
    /// Empty, about the centroids of some rows.
    static std::unique_ptr<Growing> make(Codec codec) {
        const std::vector<float> values = first_rows();
        const MatrixView rows(values.data(), values.size() / dim, dim);
        constexpr bool walks = Coarse::kind == IndexKind::hnsw;
        auto frozen = IvfIndex<Codec, Coarse>::build(codec, rows, {}, {lists, walks ? 4U : 0U}, {}).value();
        return std::make_unique<Growing>(std::move(codec), frozen.coarse_lists());
    }
};

using Plain = Flat<AnyMetric>;
using Own = Flat<Squares>;

/// Codes of 4 bits a value, and the rows as given beside them.
template <class Reclaimer>
struct CodedLists : Asked<GrowingIvf<Sq4, FlatIndex<Plain>, Plain, Reclaimer>> {
    using Coarse = FlatIndex<Plain>;
    using Growing = GrowingIvf<Sq4, Coarse, Plain, Reclaimer>;
    static std::unique_ptr<Growing> make(Plain codec) {
        const std::vector<float> values = first_rows();
        const MatrixView rows(values.data(), values.size() / dim, dim);
        const auto frozen = IvfIndex<Sq4, Coarse>::build(Sq4Params{}, rows, {}, {lists}, {}).value();
        return std::make_unique<Growing>(frozen.codec(), frozen.coarse_lists(), std::span<const float>{},
                                         std::move(codec));
    }
};

template <class Kind, class Codec>
void check_under_torture(Codec codec) {
    Torture<Kind> torture(Kind::make(std::move(codec)));
    CHECK(torture.run(soak(), false) == 0);
    CHECK(torture.answers() > 100);
    CHECK(torture.changes() > 100);
    CHECK(torture.compactions() > 0);
    CHECK(torture.at_rest() == 0);
}

}  // namespace

TEST_CASE("concurrency: growing lists answer what their ids had, while they change", "[concurrency]") {
    check_under_torture<Lists<Plain, FlatIndex<Plain>, Epoch>>(
        Plain::create(Element::float32, dim, MetricKind::l2).value());
}

TEST_CASE("concurrency: growing lists about a graph of centroids do, too", "[concurrency]") {
    check_under_torture<Lists<Plain, HnswIndex<Plain>, Epoch>>(
        Plain::create(Element::float32, dim, MetricKind::l2).value());
}

TEST_CASE("concurrency: growing lists of codes and rows do, too", "[concurrency]") {
    check_under_torture<CodedLists<Epoch>>(Plain::create(Element::float32, dim, MetricKind::l2).value());
}

TEST_CASE("concurrency: a place of growing lists that is used again too early is seen", "[concurrency]") {
    using Kind = Lists<Own, FlatIndex<Own>, NobodyLooks>;
    CHECK(is_seen(
        [] { return std::make_unique<Torture<Kind>>(Kind::make(Own::create(Element::float32, dim).value())); }));
}
