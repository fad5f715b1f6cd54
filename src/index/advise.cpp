// advise: the choices in order of speed, and how much memory each takes.
#include <tonari/index/advise.hpp>

#include <bit>
#include <cmath>
#include <new>
#include <optional>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/core/types.hpp>
#include <tonari/index/fused_hnsw.hpp>

namespace tonari {
namespace {

/// Up to here comparing every row is as quick as anything.
constexpr std::size_t few = 10'000;
/// From here on the build of a graph takes hours on a few cores, that of lists a fifth of it.
constexpr std::size_t many = 20'000'000;
/// From so many lists on a graph finds the nearest sooner than comparing all.
constexpr std::size_t lists_with_graph = 16'384;
constexpr std::size_t graph_links = 32;

bool is_float(Element element) noexcept {
    return element == Element::float32 || element == Element::float16 || element == Element::bfloat16;
}
/// Whether RaBitQ goes with them.
bool has_bits(const IndexNeed& need) noexcept {
    return need.element != Element::bits && (need.metric == MetricKind::l2 || need.metric == MetricKind::cosine ||
                                             need.metric == MetricKind::inner_product);
}

/// The power of two nearest to 4 sqrt(n).
std::size_t lists_for(std::size_t rows) noexcept {
    const double wanted = std::log2(4 * std::sqrt(static_cast<double>(rows)));
    return std::size_t{1} << static_cast<unsigned>(std::lround(wanted));
}
Spec lists_of(const IndexNeed& need, CodeSpec codes, std::optional<CodeSpec> fine) {
    Spec spec;
    spec.kind = IndexKind::ivf;
    spec.lists = lists_for(need.rows);
    if (spec.lists >= lists_with_graph) spec.coarse_links = graph_links;
    static_cast<CodeSpec&>(spec) = codes;
    spec.fine = fine;
    return spec;
}
Spec graph_of(CodeSpec codes, std::optional<CodeSpec> fine) {
    Spec spec;
    spec.kind = IndexKind::hnsw;
    spec.links = graph_links;
    static_cast<CodeSpec&>(spec) = codes;
    spec.fine = fine;
    return spec;
}

Spec by_directions(const IndexNeed& need, std::optional<CodeSpec> fine) {
    Spec spec = graph_of({CodecKind::sq8, std::nullopt}, fine);
    spec.transform = TransformSpec{TransformKind::turned_pca, need.directions, 0};
    return spec;
}

constexpr CodeSpec as_given{};
constexpr CodeSpec half{CodecKind::flat, Element::float16};
constexpr CodeSpec sq8{CodecKind::sq8, std::nullopt};
constexpr CodeSpec rabitq{CodecKind::fast_scan, std::nullopt};

/// A bit a value. PQ answered 1.02 to 1.12 times as many queries as RaBitQ on sets of 64 and 128 dimensions, about as many at 512,
/// and 0.8 to 0.9 times as many at 784.
CodeSpec bit_a_value(const IndexNeed& need) noexcept {
    constexpr Dim long_rows = 512;
    if (need.dim >= long_rows || need.dim % 4 != 0) return rabitq;
    return {CodecKind::fast_scan, std::nullopt, need.dim / 4};
}

struct Choice {
    Spec spec;
    const char* why;
    Residency residency = Residency::load;
};

/// In order of speed.
std::vector<Choice> choices_for(const IndexNeed& need) {
    const bool takes_sq8 = is_float(need.element) && need.metric != MetricKind::user;
    std::vector<Choice> choices;
    if (need.rows <= few) choices.push_back({Spec{}, "so few rows are compared one and all in no time, and exactly"});
    if (need.rows < many) {
        if (takes_sq8 && need.directions > 0) {
            choices.push_back(
                {by_directions(need, as_given),
                 "few directions tell which of these rows are near: a graph walked by those and ranked by the rows "
                 "answers as many queries or more in less memory, and is built sooner"});
            if (need.element == Element::float32) {
                choices.push_back(
                    {by_directions(need, half), "with the rows in half precision the fastest graph fits"});
            }
        }
        if (takes_sq8) {
            choices.push_back({graph_of(sq8, as_given),
                               "a graph walked by 8-bit codes and ranked by the rows answers most queries a second"});
            if (need.element == Element::float32) {
                choices.push_back({graph_of(sq8, half), "with the rows in half precision the fastest graph fits"});
            }
        } else {
            choices.push_back({graph_of(as_given, std::nullopt), "a graph answers most queries a second"});
        }
    }
    if (has_bits(need)) {
        const bool large = need.rows >= many;
        const CodeSpec bits = bit_a_value(need);
        choices.push_back({lists_of(need, bits, as_given),
                           large ? "so many rows are in lists hours sooner than in a graph"
                                 : "lists of codes of a bit a value, ranked by the rows, need no room for links"});
        if (is_float(need.element)) {
            choices.push_back(
                {lists_of(need, bits, sq8), "with rows of 8 bits a value to rank by, lists of codes fit"});
        }
        choices.push_back({lists_of(need, rabitq, as_given),
                           "its codes fit into memory and its rows stay on disk: open it with Residency::disk",
                           Residency::disk});
    } else {
        choices.push_back({lists_of(need, as_given, std::nullopt), "lists need no room for links"});
        if (takes_sq8) {
            choices.push_back(
                {graph_of(sq8, as_given),
                 "its codes and links fit into memory and its rows stay on disk: open it with Residency::disk",
                 Residency::disk});
        }
    }
    return choices;
}

double codes_of(const CodeSpec& codes, const IndexNeed& need) noexcept {
    const double norm = need.metric == MetricKind::cosine ? sizeof(float) : 0;
    if (codes.codec == CodecKind::sq8) return std::ceil(need.dim / 4.0) * 4 + norm;
    if (codes.codec == CodecKind::rabitq) {
        const double values = std::ceil(need.dim / 16.0) * 16;
        return values / 8 * static_cast<double>(codes.bits) + 6 * sizeof(float);
    }
    if (codes.codec == CodecKind::pq) return static_cast<double>(codes.parts) + 3 * sizeof(float);
    if (codes.codec == CodecKind::sq4) return std::ceil(need.dim / 2.0) + 3 * sizeof(float);
    if (codes.codec == CodecKind::fast_scan) {
        const double quads =
            codes.parts == 0 ? std::ceil(need.dim / 16.0) : std::ceil(static_cast<double>(codes.parts) / 4);
        return quads * 2 + 3 * sizeof(float);
    }
    const Element element = codes.store_as.value_or(need.element);
    return static_cast<double>(row_bytes(element, need.dim)) + norm;
}
double links_of(double vertices, std::size_t links) noexcept {
    const auto m = static_cast<double>(links);
    return vertices * sizeof(RowId) * (2 * m + m / (m - 1));
}
/// Of a record that has all of a vertex, beside its row.
double record_of(const Spec& spec, const IndexNeed& need) noexcept {
    const double row = codes_of(*spec.fine, need);
    const auto block = static_cast<std::size_t>(std::ceil(need.dim / 16.0)) * 64 + 384;
    const FusedLayout layout(static_cast<std::size_t>(row), block, 2 * spec.links);
    return static_cast<double>(layout.stride) - row;
}
/// What an index over mapped rows is about.
IndexNeed mapped(const IndexNeed& need, const TransformSpec& map) noexcept {
    IndexNeed of = need;
    of.element = Element::float32;
    if (map.out == 0) return of;
    of.dim = static_cast<Dim>(map.out);
    if (need.metric == MetricKind::cosine && of.dim < need.dim) of.metric = MetricKind::inner_product;
    return of;
}
double bytes_of(const Spec& spec, const IndexNeed& need) noexcept {
    if (spec.transform) {
        Spec rest = spec;
        rest.transform.reset();
        const IndexNeed of = mapped(need, *spec.transform);
        return bytes_of(rest, of) +
               static_cast<double>(std::size_t{of.dim} + 1) * need.dim * static_cast<double>(sizeof(float));
    }
    const auto rows = static_cast<double>(need.rows);
    if (FusedHnsw::is_named_by(spec)) {
        const double upper = links_of(rows, spec.links) - rows * sizeof(RowId) * 2 * static_cast<double>(spec.links);
        return rows * (record_of(spec, need) + sizeof(RowId)) + upper;
    }
    double bytes = rows * codes_of(spec, need);
    const bool graphs = spec.kind == IndexKind::hnsw || spec.kind == IndexKind::ivf_hnsw;
    if (graphs) bytes += links_of(rows, spec.links);
    if (spec.kind != IndexKind::flat) bytes += rows * sizeof(RowId);  // ids, in another order than the caller's
    if (spec.kind == IndexKind::ivf || spec.kind == IndexKind::ivf_hnsw) {
        const auto lists = static_cast<double>(spec.lists);
        const double rough = spec.coarse_links > 0 ? 0 : need.dim;
        const double centroid =
            need.element == Element::bits ? codes_of({}, need) : need.dim * static_cast<double>(sizeof(float)) + rough;
        bytes += lists * (centroid + 16);
        if (spec.coarse_links > 0) bytes += links_of(lists, spec.coarse_links);
    }
    return bytes;
}

std::string gib(std::size_t bytes) {
    const double value = static_cast<double>(bytes);
    const bool large = value >= 1073741824.0;
    const double tenths = std::round(value / (large ? 107374182.4 : 104857.6));
    const std::string digits = std::to_string(static_cast<std::uint64_t>(tenths));
    const std::string whole = digits.size() > 1 ? digits.substr(0, digits.size() - 1) : "0";
    return whole + "." + digits.back() + (large ? " GiB" : " MiB");
}

Status check(const IndexNeed& need) {
    if (need.rows == 0 || need.dim == 0) {
        return Error{ErrorCode::invalid_argument, "expected at least one row and one dimension, got " +
                                                      std::to_string(need.rows) + " rows of " +
                                                      std::to_string(need.dim) + " dimensions"};
    }
    if (need.rows > max_rows) {
        return Error{ErrorCode::out_of_range, "expected at most " + std::to_string(max_rows) +
                                                  " rows in one index, got " + std::to_string(need.rows) +
                                                  "; split them over several"};
    }
    if (need.metric == MetricKind::user) return {};
    auto codec = Flat<AnyMetric>::create(need.element, need.dim, need.metric);  // refuses what does not go together
    return codec ? Status{} : Status(std::move(codec).error());
}

}  // namespace

std::size_t estimated_bytes(const Spec& spec, const IndexNeed& need) noexcept {
    double bytes = bytes_of(spec, need);
    if (spec.fine) bytes += static_cast<double>(need.rows) * codes_of(*spec.fine, need);
    return static_cast<std::size_t>(bytes);
}

Result<IndexAdvice> advise(const IndexNeed& need) {
    if (Status s = check(need); !s) return s;
    std::size_t least = ~std::size_t{0};
    for (const Choice& choice : choices_for(need)) {
        IndexAdvice advice{to_string(choice.spec), {}, estimated_bytes(choice.spec, need), 0, choice.residency};
        advice.in_memory = advice.bytes;
        if (choice.residency == Residency::disk)
            advice.in_memory = static_cast<std::size_t>(bytes_of(choice.spec, need));
        least = std::min(least, advice.in_memory);
        if (need.memory != 0 && advice.in_memory > need.memory) continue;
        advice.why = std::string(choice.why) + " (about " + gib(advice.in_memory) + " of memory)";
        return advice;
    }
    return Error{ErrorCode::out_of_memory, "expected about " + gib(least) + " of memory or more for " +
                                               std::to_string(need.rows) + " rows of " + std::to_string(need.dim) +
                                               " dimensions, got " + gib(need.memory) +
                                               "; split the rows over several machines"};
}

Result<IndexAdvice> advise(MatrixView rows, MetricKind metric, std::size_t memory, const Threads& threads) {
    IndexNeed need{rows.rows(), rows.dim(), rows.element(), metric, memory};
    if (Status s = check(need); !s) return s;
    if (rows.rows() <= few || rows.rows() >= many) return advise(need);  // a graph only where memory is short
    try {
        auto directions = telling_directions(rows, metric, threads);
        if (!directions) return std::move(directions).error();
        need.directions = *directions;
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::out_of_memory,
                     "expected room to look at some of the rows, got none; advise(need) looks at none"};
    }
    return advise(need);
}

}  // namespace tonari
