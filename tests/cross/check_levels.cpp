// A program without a test framework, so that it is quickly built for other machines and run in an emulator.
//
//     check_levels            every level that this machine has, against the reference
//     check_levels --level L  one level alone
//     check_levels --active   prints the level in use; fails, and says why, if TONARI_SIMD names none
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "unit/simd/rows.hpp"

using namespace tonari;
using namespace tonari::simd;
using namespace tonari::simd::test;

namespace {

long checks = 0;
long failures = 0;

/// Names are literals: a NUL stands behind each.
const char* text(std::string_view name) noexcept {
    return name.data();  // NOLINT(bugprone-suspicious-stringview-data-usage)
}

bool same_bits(float a, float b) noexcept { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

void check(bool ok, const char* what, Level level, MetricKind metric, Element element, Dim dim) {
    ++checks;
    if (ok) return;
    if (++failures > 20) return;
    std::printf("FAILED %s: %s %s %s, %u dimensions\n", what, text(name(level)), text(name(metric)),
                text(name(element)), dim);
}

void check_pairs(const Kernels& table, MetricKind metric, Element element, Dim dim) {
    const Case of(metric, element, dim, 11, dim);
    const std::vector<float> expected = of.gather(*kernels(Level::reference));
    const std::vector<float> got = of.gather(table);
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
        check(error <= tolerance(of, of.rows[i]), "distance", table.level, metric, element, dim);
        float alone = 0.0F;
        table.of(metric, element).gather(of.query.data(), of.rows.data() + i, 1, dim, &alone);
        check(same_bits(alone, got[i]), "alone", table.level, metric, element, dim);
        table.of(metric, element).scan(of.query.data(), of.rows[i], 0, 1, dim, &alone);
        check(same_bits(alone, got[i]), "scan", table.level, metric, element, dim);
    }
}

void check_extremes(const Kernels& table, MetricKind metric, Element element) {
    for (const Fill q : {Fill::lowest, Fill::highest}) {
        for (const Fill x : {Fill::lowest, Fill::highest}) {
            const Dim dim = is_float(element) ? 1000 : max_dim;
            const Case of(metric, element, dim, 5, 3, q, x);
            const std::vector<float> expected = of.gather(*kernels(Level::reference));
            const std::vector<float> got = of.gather(table);
            for (std::size_t i = 0; i < got.size(); ++i) {
                const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
                check(error <= tolerance(of, of.rows[i]), "extreme", table.level, metric, element, dim);
            }
        }
    }
}

void check_block(const Kernels& table, MetricKind metric, Element element, Dim dim) {
    const DistanceKernels& of = table.of(metric, element);
    if (of.block == nullptr) return;
    constexpr std::size_t count = 23;
    const std::size_t stride = (stored_bytes(metric, element, dim) + 3) / 4 * 4;
    const GuardedBytes queries((block_queries - 1) * stride + stored_bytes(metric, element, dim));
    const GuardedBytes rows((count - 1) * stride + stored_bytes(metric, element, dim));
    Random random(dim);
    for (std::size_t i = 0; i < block_queries; ++i) {
        fill_query(queries.data() + i * stride, metric, element, dim, random);
    }
    std::vector<float> norms(count);
    for (std::size_t i = 0; i < count; ++i) {
        fill_row(rows.data() + i * stride, metric, element, dim, random);
        if (element == Element::float32) norms[i] = table.squared_norm[0](rows.data() + i * stride, dim);
    }
    const GuardedBytes panel((of.panel_bytes(dim) + 63) / 64 * 64);
    of.pack(queries.data(), stride, block_queries, dim, panel.data());
    std::vector<float> out(count * block_queries);
    of.block(panel.data(), block_queries, rows.data(), stride, count, dim, norms.data(), out.data());
    for (std::size_t q = 0; q < block_queries; ++q) {
        std::vector<float> exact(count);
        table.of(metric, element).scan(queries.data() + q * stride, rows.data(), stride, count, dim, exact.data());
        for (std::size_t i = 0; i < count; ++i) {
            double allowed = 0;
            if (element == Element::float32) {
                const float query_norm = table.squared_norm[0](queries.data() + q * stride, dim);
                const float scale = metric == MetricKind::cosine ? 1.0F : query_norm + norms[i];
                allowed = 2.0 * static_cast<double>(block_slack(element, dim) * scale);  // `exact` is a sum, too
            }
            const double error =
                std::abs(static_cast<double>(out[i * block_queries + q]) - static_cast<double>(exact[i]));
            check(error <= allowed, "block", table.level, metric, element, dim);
        }
    }
}

/// Rows that end where memory ends; limits that some, all or none of them pass. Tiles of a level answer as its own scan does.
void check_tiles(const Kernels& table, MetricKind metric, Element element, Dim dim) {
    const TileKernels& of = table.of(metric, element).tiles;
    if (of.below == nullptr) return;
    constexpr std::size_t count = 41;
    constexpr std::size_t queries = 19;
    const std::size_t stride = (stored_bytes(metric, element, dim) + 3) / 4 * 4;
    const GuardedBytes asked((queries - 1) * stride + stored_bytes(metric, element, dim));
    const GuardedBytes rows((count - 1) * stride + stored_bytes(metric, element, dim));
    Random random(dim);
    for (std::size_t i = 0; i < queries; ++i) fill_query(asked.data() + i * stride, metric, element, dim, random);
    for (std::size_t i = 0; i < count; ++i) fill_row(rows.data() + i * stride, metric, element, dim, random);
    const GuardedBytes panel(of.panel_bytes(dim));
    const GuardedBytes groups(2 * of.group_bytes(dim));
    of.pack(asked.data(), stride, queries, dim, panel.data());
    of.pack_rows(rows.data(), stride, count, dim, groups.data());
    std::vector<std::vector<float>> exact(queries, std::vector<float>(count));
    std::vector<float> bounds(block_queries, -std::numeric_limits<float>::infinity());
    for (std::size_t q = 0; q < queries; ++q) {
        table.of(metric, element).scan(asked.data() + q * stride, rows.data(), stride, count, dim, exact[q].data());
        bounds[q] = q % 5 == 0 ? std::numeric_limits<float>::infinity() : exact[q][q * 7 % count];
    }
    std::vector<std::uint32_t> hits(count * block_queries);
    std::vector<float> values(count * block_queries);
    const std::size_t found =
        of.below(panel.data(), groups.data(), count, dim, bounds.data(), hits.data(), values.data());
    std::size_t place = 0;
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t q = 0; q < queries; ++q) {
            if (!(exact[q][i] < bounds[q])) continue;
            const bool right = place < found && hits[place] == i * block_queries + q && values[place] == exact[q][i];
            check(right, "tiles", table.level, metric, element, dim);
            ++place;
        }
    }
    check(place == found, "tiles found", table.level, metric, element, dim);
}

void check_halves(const Kernels& table, Element element) {
    const std::size_t e = static_cast<std::size_t>(element) - 1;
    std::vector<std::uint16_t> halves(65536);
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
    std::vector<float> expected(halves.size());
    std::vector<float> got(halves.size());
    std::vector<std::uint16_t> back(halves.size());
    kernels(Level::reference)->to_float32[e](halves.data(), expected.data(), halves.size());
    table.to_float32[e](halves.data(), got.data(), halves.size());
    table.from_float32[e](got.data(), back.data(), halves.size());
    for (std::size_t i = 0; i < halves.size(); ++i) {
        const bool nan = std::isnan(expected[i]);
        const bool same = same_bits(got[i], expected[i]) && back[i] == i;
        check(nan ? std::isnan(got[i]) : same, "half", table.level, MetricKind::l2, element, static_cast<Dim>(i));
    }
}

/// Bytes of a table may differ by the rounding of the sums that they are made of.
void check_tables(const Kernels& table, std::size_t parts) {
    Random random(parts);
    for (const std::size_t width : {1U, 3U, 4U}) {
        std::vector<float> query(parts * width);
        std::vector<float> points(parts * width * 16);
        for (float& value : query) value = static_cast<float>(unit(random())) - 0.5F;
        for (float& value : points) value = static_cast<float>(unit(random())) - 0.5F;
        const auto ask = [&](const Kernels& of, std::vector<std::uint8_t>& bytes) {
            std::vector<float> room(16 * parts);
            bytes.resize(16 * parts);
            return of.nibble_table(query.data(), points.data(), 16 * width, parts, width, room.data(), bytes.data());
        };
        std::vector<std::uint8_t> bytes;
        std::vector<std::uint8_t> expected;
        const NibbleTable made = ask(table, bytes);
        const NibbleTable of_reference = ask(*kernels(Level::reference), expected);
        const auto near = [](float a, float b) { return std::abs(a - b) <= 1e-5F * std::abs(b); };
        bool right = near(made.base, of_reference.base) && near(made.step, of_reference.step);
        for (std::size_t i = 0; i < bytes.size(); ++i) right = right && std::abs(bytes[i] - expected[i]) <= 1;
        check(right, "table", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(parts));
    }
}

/// Whole numbers times halves.
void check_planes(const Kernels& table, std::size_t quads) {
    Random random(quads);
    const std::size_t count = 16 * quads;
    std::vector<float> query(count);
    for (float& value : query) value = static_cast<float>(random() & 0xFU);
    const GuardedBytes block(quads * 64);
    for (std::size_t i = 0; i < quads * 64; ++i) block.data()[i] = static_cast<std::byte>(random() & 0xFFU);
    for (std::size_t bits = 2; bits <= 8; ++bits) {
        const std::size_t bytes = (bits - 1) * count / 8 + 6;
        const GuardedBytes planes(bytes);
        for (std::size_t i = 0; i < bytes; ++i) planes.data()[i] = static_cast<std::byte>(random() & 0xFFU);
        const auto ask = [&](const Kernels& of, std::size_t place) {
            return of.planes_product(query.data(), count, block.data(), place, planes.data(), bits);
        };
        for (std::size_t place = 0; place < nibble_rows; ++place) {
            const float expected = ask(*kernels(Level::reference), place);
            const float allowed = 1e-6F * 16 * static_cast<float>(count << bits);
            check(std::abs(ask(table, place) - expected) <= allowed, "planes", table.level, MetricKind::l2,
                  Element::float32, static_cast<Dim>(count));
        }
    }
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(unit(random()) - 0.5);
    std::vector<std::byte> by_reference(block.data(), block.data() + quads * 64);
    for (std::size_t place = 0; place < nibble_rows; ++place) {
        const SignSums expected =
            kernels(Level::reference)->put_signs(values.data(), query.data(), count, by_reference.data(), place);
        const SignSums got = table.put_signs(values.data(), query.data(), count, block.data(), place);
        const bool same = got.square == expected.square && got.along == expected.along &&
                          got.by_origin == expected.by_origin && got.origin == expected.origin &&
                          std::equal(by_reference.begin(), by_reference.end(), block.data());
        check(same, "signs", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(count));
    }
    const RoundedSums expected = kernels(Level::reference)->rounded_sums(query.data(), count, 0.4F, 3);
    const RoundedSums got = table.rounded_sums(query.data(), count, 0.4F, 3);
    const bool right = std::abs(got.along - expected.along) <= 1e-5F * expected.along &&
                       std::abs(got.square - expected.square) <= 1e-5F * expected.square;
    check(right, "rounded sums", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(count));
    std::vector<std::int8_t> expected_bytes(count - 1);
    std::vector<std::int8_t> bytes(count - 1);
    kernels(Level::reference)->round_int8(query.data(), values.data(), 150, count - 1, expected_bytes.data());
    table.round_int8(query.data(), values.data(), 150, count - 1, bytes.data());
    check(bytes == expected_bytes, "rounding", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(count));
}

/// Rows with bytes of their own, of a byte a part and of two values a byte: their sums are whole numbers.
void check_byte_rows(const Kernels& table, std::size_t parts) {
    constexpr std::size_t count = 75;
    const std::size_t stride = byte_code_factors + parts;
    const GuardedBytes rows(count * stride);
    const GuardedBytes entries(parts * points_a_byte);
    const GuardedBytes weights(2 * value_nibbles_padded(parts));
    Random random(parts);
    for (std::size_t i = 0; i < parts * points_a_byte; ++i)
        entries.data()[i] = static_cast<std::byte>(random() & 0xFFU);
    std::memset(weights.data(), 0, 2 * value_nibbles_padded(parts));  // behind the last value
    for (std::size_t i = 0; i < parts; ++i) {
        weights.data()[i] = static_cast<std::byte>(random() & 0xFFU);
        weights.data()[value_nibbles_padded(parts) + i] = static_cast<std::byte>(random() & 0xFFU);
    }
    std::vector<const std::byte*> scattered;
    for (std::size_t r = 0; r < count; ++r) {
        const float factors[3] = {0, 1, 0};  // add, scale, error
        std::memcpy(rows.data() + r * stride, factors, sizeof factors);
        for (std::size_t i = 0; i < parts; ++i) {
            rows.data()[r * stride + byte_code_factors + i] = static_cast<std::byte>(random() & 0xFFU);
        }
        scattered.push_back(rows.data() + (r * 7 % count) * stride);
    }
    ByteCodeQuery query;
    query.parts = parts;
    query.step = 1;
    const auto ask = [&](const auto& kernel) {
        std::vector<std::uint32_t> index(count);
        std::vector<float> estimate(count);
        std::vector<float> lower(count);
        estimate.resize(kernel(index.data(), estimate.data(), lower.data()));
        return estimate;
    };
    const auto gathered = [&](ByteCodesGatherKernel kernel) {
        return ask([&](auto... out) { return kernel(query, scattered.data(), count, 1e30F, out...); });
    };
    const auto scanned = [&](ByteCodesScanKernel kernel) {
        return ask([&](auto... out) { return kernel(query, rows.data(), stride, count, 1e30F, out...); });
    };
    const Kernels& reference = *kernels(Level::reference);
    query.table = reinterpret_cast<const std::uint8_t*>(entries.data());
    const bool bytes = gathered(table.byte_codes_gather) == gathered(reference.byte_codes_gather) &&
                       scanned(table.byte_codes_scan) == scanned(reference.byte_codes_scan) &&
                       scanned(table.byte_codes_scan).size() == count;
    check(bytes, "byte codes", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(parts));
    query.table = reinterpret_cast<const std::uint8_t*>(weights.data());
    const bool nibbles = gathered(table.value_nibbles_gather) == gathered(reference.value_nibbles_gather) &&
                         scanned(table.value_nibbles_scan) == scanned(reference.value_nibbles_scan) &&
                         scanned(table.value_nibbles_scan).size() == count;
    check(nibbles, "value nibbles", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(parts));
}

/// Sums of table entries are whole numbers; signs and steps of a transform of whole numbers, too.
void check_codes(const Kernels& table, std::size_t quads) {
    constexpr std::size_t rows = 75;
    const std::size_t stride = quads * 64 + 3 * nibble_rows * sizeof(float);
    const GuardedBytes blocks((rows + nibble_rows - 1) / nibble_rows * stride);
    const GuardedBytes entries(quads * 64);
    Random random(quads);
    for (std::size_t i = 0; i < quads * 64; ++i) entries.data()[i] = static_cast<std::byte>(random() & 0xFFU);
    for (std::size_t b = 0; b * nibble_rows < rows; ++b) {
        std::byte* const block = blocks.data() + b * stride;
        for (std::size_t i = 0; i < quads * 64; ++i) block[i] = static_cast<std::byte>(random() & 0xFFU);
        const float one = 1;
        for (std::size_t r = 0; r < nibble_rows; ++r) {  // add and error 0, scale 1
            std::memcpy(block + quads * 64 + (nibble_rows + r) * sizeof one, &one, sizeof one);
        }
    }
    NibbleQuery query;
    query.table = reinterpret_cast<const std::uint8_t*>(entries.data());
    query.quads = quads;
    query.step = 1;
    const auto ask = [&](const Kernels& of) {
        std::vector<std::uint32_t> index(rows);
        std::vector<float> estimate(rows);
        std::vector<float> lower(rows);
        const std::size_t found =
            of.nibbles_below(query, blocks.data(), stride, 3, rows, 1e30F, index.data(), estimate.data(), lower.data());
        estimate.resize(found);
        return estimate;
    };
    const std::vector<float> expected = ask(*kernels(Level::reference));
    const auto ask_twice = [&](const Kernels& of) {  // as one of two queries
        std::vector<std::uint32_t> index(rows);
        std::vector<float> estimate(2 * rows);
        std::vector<float> lower(rows);
        const NibbleQuery* const both[] = {&query, &query};
        const float bounds[] = {-1, 1e30F};
        NibblesFound found[] = {{index.data(), estimate.data(), lower.data(), 0},
                                {index.data(), estimate.data() + rows, lower.data(), 0}};
        of.nibbles_below_each(both, 2, blocks.data(), stride, 3, rows, bounds, found);
        return std::vector<float>(found[1].estimate, found[1].estimate + found[1].count);
    };
    check(ask_twice(table) == expected, "codes for two", table.level, MetricKind::l2, Element::float32,
          static_cast<Dim>(quads));
    check(expected.size() == rows - 3 && ask(table) == expected, "codes", table.level, MetricKind::l2, Element::float32,
          static_cast<Dim>(quads));
    std::vector<float> values(16 * quads);
    for (float& value : values) value = static_cast<float>(random() & 0xFFU);
    std::vector<std::uint64_t> signs(rotation_rounds * (values.size() + 63) / 64 + rotation_rounds);
    for (std::uint64_t& word : signs) word = random();
    std::vector<float> by_reference = values;
    table.rotate(values.data(), values.size(), signs.data());
    kernels(Level::reference)->rotate(by_reference.data(), by_reference.size(), signs.data());
    check(values == by_reference, "rotation", table.level, MetricKind::l2, Element::float32, static_cast<Dim>(quads));
    check_tables(table, quads);
    check_planes(table, quads);
    check_byte_rows(table, 5 * quads - 4);
}

int check_all(std::string_view only) {
    std::vector<Dim> dims;
    for (Dim dim = 1; dim <= 36; ++dim) dims.push_back(dim);
    for (const Dim dim : {63U, 64U, 65U, 96U, 127U, 128U, 129U, 200U, 1001U}) dims.push_back(dim);
    for (const Level level : available_levels()) {
        if (!only.empty() && name(level) != only) continue;
        const Kernels& table = *kernels(level);
        for (const Element element : all_elements) {
            for (const MetricKind metric : all_metrics) {
                if (table.of(metric, element).gather == nullptr) continue;
                for (const Dim dim : dims) {
                    check_pairs(table, metric, element, dim);
                    check_block(table, metric, element, dim);
                    check_tiles(table, metric, element, dim);
                }
                check_tiles(table, metric, element, tile_dims);
                check_extremes(table, metric, element);
            }
        }
        for (const std::size_t quads : {1U, 2U, 3U, 8U, 33U, 127U, 128U, 129U, 256U, 257U}) check_codes(table, quads);
        check_halves(table, Element::float16);
        check_halves(table, Element::bfloat16);
        std::printf("%s: %ld checks so far, %ld failures\n", text(name(level)), checks, failures);
    }
    return failures == 0 && checks > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--active") {
        std::printf("%s\n", text(name(active_level())));
        const Status checked = check_level();
        if (!checked)
            std::fprintf(stderr, "%s: %s\n", text(name(checked.error().code)), checked.error().message.c_str());
        return checked.ok() ? 0 : 1;
    }
    return check_all(argc > 2 && std::string_view(argv[1]) == "--level" ? argv[2] : "");
}
