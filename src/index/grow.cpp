// grow: the door's checks, then the growing graph over a run-time codec. That over rows as given is compiled here.
#include <tonari/index/grow.hpp>

#include <optional>
#include <utility>

#include <tonari/index/registry.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/simd/level.hpp>

namespace tonari {

template class GrowingHnsw<Flat<AnyMetric>>;
template class GrowingSearch<GrowingHnsw<Flat<AnyMetric>>>;
template class GrowingModelOf<Flat<AnyMetric>>;

namespace {

/// The same, if it grows; else the one most like it that does.
Spec like_that_grows(Spec spec) {
    spec.transform.reset();
    spec.soar = false;
    const bool in_lists = spec.kind == IndexKind::ivf;
    const bool has_own_bytes = spec.codec == CodecKind::sq4 || spec.codec == CodecKind::pq;
    if (is_relative(spec.codec) && !(in_lists && has_own_bytes)) {
        static_cast<CodeSpec&>(spec) = {};
        if (in_lists) spec.codec = CodecKind::sq4;
    }
    if (!is_relative(spec.codec)) spec.fine.reset();
    if (spec.fine && spec.fine->codec != CodecKind::flat) spec.fine.emplace();
    return spec;
}

}  // namespace

namespace detail {

Result<Spec> growing_spec(std::string_view text, const BuildOptions& options) {
    if (Status s = simd::check_level(); !s) return s;
    auto spec = parse_spec(text);
    if (!spec) return spec;
    if (spec->kind != IndexKind::hnsw && spec->kind != IndexKind::ivf) {
        return Error{ErrorCode::unsupported, "spec '" + std::string(text) +
                                                 "': expected one that grows, HNSW<M> with M from 2 to 256 or "
                                                 "IVF<lists> with the codes Flat, FP16, BF16, SQ8, SQ4 or PQ<parts>"};
    }
    if (const Spec instead = like_that_grows(*spec); instead != *spec) {
        return Error{ErrorCode::unsupported,
                     "spec '" + std::string(text) +
                         "': expected one that grows, which codes in blocks, transforms, second "
                         "lists, and refinements but of SQ4 and PQ<parts> in lists do not; '" +
                         to_string(instead) + "' does"};
    }
    if (options.ef_construction == 0) {
        return Error{ErrorCode::invalid_argument, "expected ef_construction of at least 1, got 0"};
    }
    return spec;
}

Status check_begins_empty(std::string_view text, const Spec& spec) {
    if (spec.kind != IndexKind::ivf) return {};
    return Error{ErrorCode::unsupported, "spec '" + std::string(text) +
                                             "': expected rows to train the lists on, got none; pass the first rows "
                                             "with it, at least one for each of " +
                                             std::to_string(spec.lists) + " lists"};
}

}  // namespace detail

namespace {

/// The index as `I`, if it is one.
template <class I>
const I* as(const Index& frozen) noexcept {
    const auto* model = dynamic_cast<const IndexModelOf<I>*>(&frozen.model());
    return model == nullptr ? nullptr : &model->index();
}

/// From lists about centroids that are compared one and all or by a graph, if the index is these.
template <class C>
std::optional<Result<GrowingIndex>> grow_lists_of(const Index& frozen) {
    using FlatLists = IvfIndex<C, FlatIndex<Flat<AnyMetric>>>;
    using GraphLists = IvfIndex<C, HnswIndex<Flat<AnyMetric>>>;
    if (const auto* lists = as<FlatLists>(frozen)) return detail::grow_from(*lists);
    if (const auto* lists = as<GraphLists>(frozen)) return detail::grow_from(*lists);
    return {};
}
template <class C>
std::optional<Result<GrowingIndex>> grow_refined_lists_of(const Index& frozen) {
    using FlatLists = Refined<IvfIndex<C, FlatIndex<Flat<AnyMetric>>>, Flat<AnyMetric>>;
    using GraphLists = Refined<IvfIndex<C, HnswIndex<Flat<AnyMetric>>>, Flat<AnyMetric>>;
    if (const auto* lists = as<FlatLists>(frozen)) return detail::grow_from(*lists);
    if (const auto* lists = as<GraphLists>(frozen)) return detail::grow_from(*lists);
    return {};
}

}  // namespace

Result<GrowingIndex> grow(std::string_view spec, MetricKind metric, Element element, Dim dim,
                          const BuildOptions& options) {
    auto parsed = detail::growing_spec(spec, options);
    if (!parsed) return std::move(parsed).error();
    auto stored = detail::stored_element(*parsed, element);
    if (!stored) return std::move(stored).error();
    if (metric < MetricKind::l2 || metric > MetricKind::hamming) {
        return Error{ErrorCode::invalid_argument, "expected a built-in metric; pass a user's metric as a type"};
    }
    if (Status s = detail::check_codec(*parsed, metric, element); !s) return s;
    auto codec = Flat<AnyMetric>::create(*stored, dim, metric);  // refuses what does not go together
    if (!codec) return std::move(codec).error();
    if (Status s = detail::check_begins_empty(spec, *parsed); !s) return s;
    if (parsed->codec == CodecKind::sq8) {
        auto rounded = Sq8<AnyMetric>::create(dim, metric);
        if (!rounded) {
            return Error{rounded.error().code, "spec '" + std::string(spec) + "': " + rounded.error().message};
        }
        return detail::grow_empty(*std::move(rounded), *parsed, options);
    }
    return detail::grow_empty(*std::move(codec), *parsed, options);
}

Result<GrowingIndex> grow(std::string_view spec, MetricKind metric, MatrixView rows, std::span<const Id> ids,
                          const BuildOptions& options) {
    if (auto parsed = detail::growing_spec(spec, options); !parsed) return std::move(parsed).error();
    auto frozen = build(spec, metric, rows, ids, options);
    if (!frozen) return std::move(frozen).error();
    return grow(*frozen, options);
}

Result<GrowingIndex> grow(const Index& frozen, const BuildOptions& options) {
    if (auto spec = detail::growing_spec(frozen.spec(), options); !spec) return std::move(spec).error();
    if (const auto* graph = as<HnswIndex<Flat<AnyMetric>>>(frozen)) return detail::grow_from(*graph, options);
    if (const auto* graph = as<HnswIndex<Sq8<AnyMetric>>>(frozen)) return detail::grow_from(*graph, options);
    for (const auto& grow_these : {grow_lists_of<Flat<AnyMetric>>, grow_lists_of<Sq8<AnyMetric>>, grow_lists_of<Pq>,
                                   grow_lists_of<Sq4>, grow_refined_lists_of<Pq>, grow_refined_lists_of<Sq4>}) {
        if (auto grown = grow_these(frozen)) return *std::move(grown);
    }
    return Error{ErrorCode::unsupported, "expected a frozen index over a metric chosen at run time, got '" +
                                             frozen.spec() + "' over a metric as a type, or one that grows already"};
}

}  // namespace tonari
