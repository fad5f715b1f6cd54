// build: the door's checks, then the structure that the spec names over the run-time codec.
#include <tonari/index/build.hpp>

#include <cmath>
#include <string>
#include <utility>

#include <tonari/index/advise.hpp>
#include <tonari/index/fused_hnsw.hpp>
#include <tonari/index/registry.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/index/transformed.hpp>
#include <tonari/simd/level.hpp>

#include "index/build_refined.hpp"
#include "index/refined_sq8.hpp"
#include "index/relative.hpp"

namespace tonari {

namespace detail {

Status check_build(MatrixView rows, std::span<const Id> ids, const BuildOptions& options) {
    if (Status s = simd::check_level(); !s) return s;
    if (rows.rows() == 0 || rows.dim() == 0) {
        return Error{ErrorCode::invalid_argument, "expected at least one row and one dimension, got " +
                                                      std::to_string(rows.rows()) + " rows of " +
                                                      std::to_string(rows.dim()) + " dimensions"};
    }
    if (rows.rows() > max_rows) {
        return Error{ErrorCode::out_of_range, "expected at most " + std::to_string(max_rows) +
                                                  " rows in one index, got " + std::to_string(rows.rows()) +
                                                  "; split them over several"};
    }
    if (options.ef_construction == 0) {
        return Error{ErrorCode::invalid_argument, "expected ef_construction of at least 1, got 0"};
    }
    if (!(options.balance >= 0) || std::isinf(options.balance)) {
        return Error{ErrorCode::invalid_argument,
                     "expected balance of at least 0, got " + std::to_string(options.balance)};
    }
    if (Status s = check_ids(ids, rows.rows()); !s) return s;
    return check_finite(rows, "rows", options.threads);
}

Result<Spec> parse_spec_for(std::string_view text, MetricKind metric, MatrixView rows, const Threads& threads) {
    if (text != "auto") return parse_spec(text);
    auto advice = advise(rows, metric, 0, threads);
    if (!advice) return std::move(advice).error();
    return parse_spec(advice->spec);
}

Result<Element> stored_element(const Spec& spec, const CodeSpec& codes, Element given) {
    if (!codes.store_as || *codes.store_as == given) return given;
    if (given == Element::float32) return *codes.store_as;
    return Error{ErrorCode::unsupported, "spec '" + to_string(spec) + "': expected float32 or " +
                                             std::string(name(*codes.store_as)) + " rows to store as " +
                                             std::string(name(*codes.store_as)) + ", got " + std::string(name(given))};
}
Result<Element> stored_element(const Spec& spec, Element given) { return stored_element(spec, spec, given); }

Status check_codec(const Spec& spec, MetricKind metric, Element given) {
    if (spec.transform && metric != MetricKind::l2 && metric != MetricKind::inner_product &&
        metric != MetricKind::cosine) {
        Spec without = spec;
        without.transform.reset();
        return Error{ErrorCode::unsupported, "spec '" + to_string(spec) +
                                                 "': expected metric l2, ip or cosine, which a rotation keeps, got " +
                                                 std::string(name(metric)) + "; '" + to_string(without) + "' fits"};
    }
    if (spec.soar && metric != MetricKind::l2 && metric != MetricKind::inner_product && metric != MetricKind::cosine) {
        Spec once = spec;
        once.soar = false;
        return Error{ErrorCode::unsupported, "spec '" + to_string(spec) +
                                                 "': expected metric l2, ip or cosine, under which rows lie in a "
                                                 "direction from their centroids, got " +
                                                 std::string(name(metric)) + "; '" + to_string(once) + "' fits"};
    }
    if (spec.codec == CodecKind::flat) return {};
    Spec as_given = spec;
    static_cast<CodeSpec&>(as_given) = {};
    as_given.fine.reset();
    const auto refused = [&](const std::string& expected) {
        return Error{ErrorCode::unsupported,
                     "spec '" + to_string(spec) + "': expected " + expected + "; '" + to_string(as_given) + "' fits"};
    };
    if (is_relative(spec.codec)) {
        if (metric == MetricKind::user) return refused("a built-in metric (l2, ip, cosine), got a user's own");
        if (given == Element::bits) return refused("rows of numbers, got bits");
        return {};
    }
    if (metric == MetricKind::user) return refused("a built-in metric (l2, ip, cosine, l1), got a user's own");
    if (!Sq8<>::takes(given)) {
        const char* why = given == Element::bits ? "" : ", which have 8 bits a value already";
        return refused("float32, float16 or bfloat16 rows, got " + std::string(name(given)) + why);
    }
    return {};
}

Error no_memory_to_build(MatrixView rows) {
    return {ErrorCode::out_of_memory, "no memory to build over " + std::to_string(rows.rows()) + " rows of " +
                                          std::to_string(rows.dim()) + " dimensions"};
}

Status check_relative(const Spec& spec, MetricKind metric, std::size_t rows, Dim dim) {
    if (spec.codec == CodecKind::pq) return Pq::check(rows, dim, {metric, spec.parts});
    if (spec.codec == CodecKind::sq4) return Sq4::check({metric});
    if (spec.codec == CodecKind::rabitq) return RaBitQ::check(dim, {metric, spec.bits});
    return FastScan::check(dim, {metric, spec.parts});
}

namespace {

/// What `spec` says of rows, without its transform: `rows` are mapped already where `mapped` says from what. Rows, ids
/// and options were checked. Throws bad_alloc.
Result<Index> build_rest(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                         const BuildOptions& options, const GivenRows* given) {
    if (Status s = check_codec(spec, metric, rows.element()); !s) return s;
    if (is_relative(spec.codec)) {
        if (metric == MetricKind::cosine) {
            if (Status s = check_direction(rows, rows.element(), "rows", options.threads); !s) return s;
        }
        return build_relative(spec, metric, rows, ids, options, given);
    }
    auto element = stored_element(spec, rows.element());
    if (!element) return std::move(element).error();
    if (Status s = check_storable(rows, *element, options.threads); !s) return s;
    auto codec = Flat<AnyMetric>::create(*element, rows.dim(), metric);  // refuses what does not go together
    if (!codec) return std::move(codec).error();
    if (metric == MetricKind::cosine) {  // which bits are refused under: they have no direction to look at
        if (Status s = check_direction(rows, *element, "rows", options.threads); !s) return s;
    }
    if (spec.codec == CodecKind::sq8 && spec.fine) return build_refined_sq8(spec, metric, rows, ids, options, given);
    if (spec.codec == CodecKind::sq8) {
        auto rounded = Sq8<AnyMetric>::train(rows, {metric, options.seed});
        if (!rounded) return std::move(rounded).error();
        return build_over(*std::move(rounded), spec, rows, ids, options);
    }
    return build_over(*std::move(codec), spec, rows, ids, options);
}

/// The map is trained, rows are mapped, and the rest is built over those.
Result<Index> build_transformed(const Spec& spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                                const BuildOptions& options) {
    if (Status s = check_codec(spec, metric, rows.element() == Element::bits ? Element::bits : Element::float32); !s) {
        return s;
    }
    if (Status s = RowMap::check(*spec.transform, metric, rows.element(), rows.dim()); !s) return s;
    const std::size_t out = spec.transform->out > 0 ? spec.transform->out : rows.dim();
    if (is_relative(spec.codec)) {  // asked before anything is trained
        if (Status s = check_relative(spec, metric, rows.rows(), static_cast<Dim>(out)); !s) return s;
    }
    if (FusedHnsw::is_named_by(spec)) {  // its records have the rows and a rotation within
        Spec instead = spec;
        instead.transform.reset();
        return Error{ErrorCode::unsupported,
                     "spec '" + to_string(spec) +
                         "': expected SQ8, SQ4 or PQ in a graph over mapped rows, since RaBitQ codes in "
                         "a graph are about the rows as given; '" +
                         to_string(instead) + "' fits"};
    }
    if (spec.fine) {
        if (Status s = check_fine(spec, metric, rows, options.threads); !s) return s;
    }
    if (metric == MetricKind::cosine) {
        if (Status s = check_direction(rows, rows.element(), "rows", options.threads); !s) return s;
    }
    constexpr double trained = 0.15;  // as a share of the time, and when rows are mapped: guesses
    constexpr double mapped_by = 0.2;
    const auto between = [&](double from, double to) {
        BuildOptions part = options;
        part.progress = progress_between(options.progress, rows.rows(), from, to);
        return part;
    };
    const std::size_t points = spec.codec == CodecKind::fast_scan && spec.parts > 0 ? 16 : 256;
    auto map = RowMap::train(*spec.transform, metric, rows, points, between(0, trained));
    if (!map) return std::move(map).error();
    auto mapped = map->map_rows(rows, options.threads, between(trained, mapped_by).progress);
    if (!mapped) return std::move(mapped).error();
    const MatrixView view(mapped->as<float>().data(), rows.rows(), map->mapped_dim());
    Spec rest = spec;
    rest.transform.reset();
    if (spec.fine) {
        const GivenRows given{rows, *map, metric};
        return build_rest(rest, map->mapped_metric(), view, ids, between(mapped_by, 1), &given);
    }
    auto inner = build_rest(rest, map->mapped_metric(), view, ids, between(mapped_by, 1), nullptr);
    if (!inner) return inner;
    return Transformed::create(*std::move(map), *inner);
}

}  // namespace
}  // namespace detail

Result<Index> build(std::string_view spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                    const BuildOptions& options) {
    if (metric < MetricKind::l2 || metric > MetricKind::hamming) {
        return Error{ErrorCode::invalid_argument, "expected a built-in metric; pass a user's metric as a type"};
    }
    try {
        auto parsed = detail::parse_spec_for(spec, metric, rows, options.threads);
        if (!parsed) return std::move(parsed).error();
        if (Status s = detail::check_build(rows, ids, options); !s) return s;
        if (parsed->transform) return detail::build_transformed(*parsed, metric, rows, ids, options);
        return detail::build_rest(*parsed, metric, rows, ids, options, nullptr);
    } catch (const std::bad_alloc&) {
        return detail::no_memory_to_build(rows);
    }
}

}  // namespace tonari
