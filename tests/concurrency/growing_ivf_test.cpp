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
        const auto* const values = static_cast<const float*>(query.data());
        if (values[0] < 8) {
            return GrowingIvfSearch<Growing>(index, scratch).nearest(query, {.k = k, .nprobe = all ? lists : 3});
        }
        return search_together(index, scratch, std::span(values, dim), {.k = k, .nprobe = lists});
    }

private:
    /// The same question a few times in one batch, which sees one moment: all lists are looked at, so that none goes on to others at a
    /// later one. Not complete if the answers are not the same.
    static Outcome search_together(const Growing& index, SearchScratch& scratch, std::span<const float> query,
                                   const SearchOptions& options) {
        constexpr std::size_t times = fewest_together;
        std::vector<float> rows;
        for (std::size_t i = 0; i < times; ++i) rows.insert(rows.end(), query.begin(), query.end());
        Answers out;
        out.queries = times;
        out.k = options.k;
        out.ids.assign(times * out.k, no_id);
        out.distances.assign(times * out.k, 0);
        out.counts.assign(times, 0);
        out.outcomes.assign(times, {});
        const bool answered = search_growing_batch(index, MatrixView(rows.data(), times, dim), options, out).value();
        scratch.neighbors.clear();
        for (std::size_t i = 0; i < out.counts[0]; ++i) scratch.neighbors.push_back({out.ids[i], out.distances[i]});
        Outcome outcome = out.outcomes[0];
        const std::size_t block = out.k;
        for (std::size_t q = 1; q < times; ++q) {
            const auto begin = out.ids.begin() + static_cast<std::ptrdiff_t>(q * block);
            const bool same = std::equal(out.ids.begin(), out.ids.begin() + static_cast<std::ptrdiff_t>(block), begin);
            outcome.complete = outcome.complete && answered && same;
        }
        return outcome;
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
