// build: the door's checks, then the structure that the spec names over the run-time codec.
#include <tonari/index/build.hpp>

#include <string>

#include <tonari/index/advise.hpp>
#include <tonari/index/registry.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/simd/level.hpp>

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
    if (Status s = check_ids(ids, rows.rows()); !s) return s;
    return check_finite(rows, "rows", options.threads);
}

Result<Spec> parse_spec_for(std::string_view text, MetricKind metric, MatrixView rows) {
    if (text != "auto") return parse_spec(text);
    auto advice = advise({rows.rows(), rows.dim(), rows.element(), metric});
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

}  // namespace detail

Result<Index> build(std::string_view spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                    const BuildOptions& options) {
    auto parsed = detail::parse_spec_for(spec, metric, rows);
    if (!parsed) return std::move(parsed).error();
    if (metric < MetricKind::l2 || metric > MetricKind::hamming) {
        return Error{ErrorCode::invalid_argument, "expected a built-in metric; pass a user's metric as a type"};
    }
    try {
        if (Status s = detail::check_build(rows, ids, options); !s) return s;
        if (Status s = detail::check_codec(*parsed, metric, rows.element()); !s) return s;
        if (is_relative(parsed->codec)) {
            if (metric == MetricKind::cosine) {
                if (Status s = check_direction(rows, rows.element(), "rows", options.threads); !s) return s;
            }
            return detail::build_relative(*parsed, metric, rows, ids, options);
        }
        auto element = detail::stored_element(*parsed, rows.element());
        if (!element) return std::move(element).error();
        if (Status s = check_storable(rows, *element, options.threads); !s) return s;
        auto codec = Flat<AnyMetric>::create(*element, rows.dim(), metric);  // refuses what does not go together
        if (!codec) return std::move(codec).error();
        if (metric == MetricKind::cosine) {  // which bits are refused under: they have no direction to look at
            if (Status s = check_direction(rows, *element, "rows", options.threads); !s) return s;
        }
        if (parsed->codec == CodecKind::sq8 && parsed->fine) {
            return detail::build_refined_sq8(*parsed, metric, rows, ids, options);
        }
        if (parsed->codec == CodecKind::sq8) {
            auto rounded = Sq8<AnyMetric>::train(rows, {metric, options.seed});
            if (!rounded) return std::move(rounded).error();
            return detail::build_over(*std::move(rounded), *parsed, rows, ids, options);
        }
        return detail::build_over(*std::move(codec), *parsed, rows, ids, options);
    } catch (const std::bad_alloc&) {
        return detail::no_memory_to_build(rows);
    }
}

}  // namespace tonari
