// Every level against the reference: one query, some rows.
#include "support/catch.hpp"
#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

template <class Body>
void for_each_pair(Body&& body) {
    const Kernels& reference = *kernels(Level::reference);
    for (const Level level : available_levels()) {
        const Kernels& table = *kernels(level);
        for (const MetricKind metric : all_metrics) {
            for (const Element element : all_elements) {
                const bool exists = reference.of(metric, element).gather != nullptr;
                CAPTURE(name(level), name(metric), name(element));
                REQUIRE((table.of(metric, element).gather != nullptr) == exists);
                REQUIRE((table.of(metric, element).scan != nullptr) == exists);
                if (exists) body(table, metric, element);
            }
        }
    }
}

std::vector<Dim> dims() {
    std::vector<Dim> all;
    for (Dim dim = 1; dim <= 130; ++dim) all.push_back(dim);
    for (const Dim dim :
         {191U, 192U, 256U, 257U, 383U, 384U, 500U, 511U, 512U, 513U, 768U, 960U, 1023U, 1024U, 1536U, 2049U}) {
        all.push_back(dim);
    }
    return all;
}

void check_against_reference(const Kernels& table, const Case& of) {
    const std::vector<float> expected = of.gather(*kernels(Level::reference));
    const std::vector<float> got = of.gather(table);
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
        // Negated, so that NaN fails.
        if (!(error <= tolerance(of, of.rows[i]))) {
            CAPTURE(i, of.dim, expected[i], got[i], error, tolerance(of, of.rows[i]));
            CHECK(error <= tolerance(of, of.rows[i]));
        }
    }
}

}  // namespace

TEST_CASE("every level agrees with the reference at every tail and reads nothing beyond a row") {
    for_each_pair([](const Kernels& table, MetricKind metric, Element element) {
        for (const Dim dim : dims()) {
            check_against_reference(table, Case(metric, element, dim, 7, 1000 + dim));
        }
    });
}

TEST_CASE("integer distances are exact at the extremes of 65536 dimensions") {
    for_each_pair([](const Kernels& table, MetricKind metric, Element element) {
        if (is_float(element)) return;
        for (const Fill q : {Fill::lowest, Fill::highest}) {
            for (const Fill x : {Fill::lowest, Fill::highest}) {
                check_against_reference(table, Case(metric, element, max_dim, 5, 7, q, x));
                check_against_reference(table, Case(metric, element, max_dim - 1, 5, 7, q, x));
            }
        }
    });
    // The largest of them, said in a number: 65536 * 255^2.
    const Case farthest(MetricKind::l2, Element::uint8, max_dim, 1, 7, Fill::lowest, Fill::highest);
    for (const Level level : available_levels()) {
        CHECK(farthest.gather(*kernels(level))[0] == static_cast<float>(65536.0 * 255 * 255));
    }
}

TEST_CASE("float distances hold at the extremes of halves and at 65536 dimensions") {
    for_each_pair([](const Kernels& table, MetricKind metric, Element element) {
        if (!is_float(element)) return;
        check_against_reference(table, Case(metric, element, max_dim, 5, 8));
        for (const Fill q : {Fill::lowest, Fill::highest}) {
            for (const Fill x : {Fill::lowest, Fill::highest}) {
                check_against_reference(table, Case(metric, element, 1000, 5, 9, q, x));
            }
        }
    });
}

TEST_CASE("a distance does not depend on the rows beside it, bit for bit") {
    for_each_pair([](const Kernels& table, MetricKind metric, Element element) {
        for (const Dim dim : {3U, 16U, 17U, 31U, 33U, 63U, 65U, 100U, 128U, 200U, 256U, 768U, 769U}) {
            const Case of(metric, element, dim, 13, 77 + dim);
            const std::vector<float> together = of.gather(table);
            for (std::size_t count = 1; count <= 6; ++count) {
                for (std::size_t first = 0; first + count <= of.rows.size(); ++first) {
                    std::vector<float> out(count);
                    table.of(metric, element).gather(of.query.data(), of.rows.data() + first, count, dim, out.data());
                    REQUIRE(std::memcmp(out.data(), together.data() + first, count * sizeof(float)) == 0);
                }
            }
        }
    });
}

TEST_CASE("scan equals gather bit for bit, at any address and stride") {
    for_each_pair([](const Kernels& table, MetricKind metric, Element element) {
        const std::size_t unit_bytes =
            metric == MetricKind::cosine ? 4 : std::max<std::size_t>(row_bytes(element, 8) / 8, 1);
        for (const Dim dim : {1U, 20U, 64U, 96U, 128U, 129U, 256U, 384U}) {
            Random random(dim);
            const std::size_t bytes = stored_bytes(metric, element, dim);
            const std::size_t least = (bytes + unit_bytes - 1) / unit_bytes * unit_bytes;
            const GuardedBytes query(query_bytes(metric, element, dim));
            fill_query(query.data(), metric, element, dim, random);
            for (const std::size_t gap : {0U, 1U, 3U, 16U}) {
                for (const std::size_t count : {0U, 1U, 2U, 3U, 4U, 5U, 11U}) {
                    const std::size_t stride = least + gap * unit_bytes;
                    const std::size_t total = count == 0 ? 1 : (count - 1) * stride + bytes;
                    const GuardedBytes memory(total);
                    std::vector<const std::byte*> rows;
                    for (std::size_t i = 0; i < count; ++i) {
                        fill_row(memory.data() + i * stride, metric, element, dim, random);
                        rows.push_back(memory.data() + i * stride);
                    }
                    std::vector<float> gathered(count + 1, -7.0F);
                    std::vector<float> scanned(count + 1, -7.0F);
                    const DistanceKernels& of = table.of(metric, element);
                    of.gather(query.data(), rows.data(), count, dim, gathered.data());
                    of.scan(query.data(), memory.data(), stride, count, dim, scanned.data());
                    REQUIRE(std::memcmp(gathered.data(), scanned.data(), gathered.size() * sizeof(float)) == 0);
                }
            }
        }
    });
}

TEST_CASE("bits beyond the dimension do not count") {
    for (const Level level : available_levels()) {
        for (const Dim dim : {1U, 7U, 9U, 63U, 65U, 127U, 130U, 1001U}) {
            const Case of(MetricKind::hamming, Element::bits, dim, 5, dim);
            const std::vector<float> clean = of.gather(*kernels(level));
            for (const std::byte* row : of.rows) {
                const_cast<std::byte*>(row)[dim / 8] |= static_cast<std::byte>(0xFF << dim % 8);
            }
            CAPTURE(name(level), dim);
            CHECK(of.gather(*kernels(level)) == clean);
        }
    }
}

TEST_CASE("squared norms agree with the reference") {
    const Kernels& reference = *kernels(Level::reference);
    for (const Level level : available_levels()) {
        for (const Element element : all_elements) {
            const std::size_t e = static_cast<std::size_t>(element) - 1;
            for (const Dim dim : dims()) {
                const GuardedBytes row(row_bytes(element, dim));
                Random random(dim);
                fill_row(row.data(), MetricKind::l2, element, dim, random);
                const auto expected = static_cast<double>(reference.squared_norm[e](row.data(), dim));
                const auto got = static_cast<double>(kernels(level)->squared_norm[e](row.data(), dim));
                CAPTURE(name(level), name(element), dim);
                if (is_float(element)) {
                    CHECK(std::abs(got - expected) <= (dim / 8.0 + 8) * 0x1.0p-24 * expected);
                } else {
                    CHECK(got == expected);
                }
            }
        }
    }
}
