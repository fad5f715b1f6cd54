// grow: the door's checks, then the growing graph over a run-time codec. That over rows as given is compiled here.
#include <tonari/index/grow.hpp>

#include <tonari/index/registry.hpp>
#include <tonari/index/row_check.hpp>
#include <tonari/simd/level.hpp>

namespace tonari {

template class GrowingHnsw<Flat<AnyMetric>>;
template class GrowingSearch<GrowingHnsw<Flat<AnyMetric>>>;
template class GrowingModelOf<Flat<AnyMetric>>;

namespace detail {

Result<Spec> growing_spec(std::string_view text, const BuildOptions& options) {
    if (Status s = simd::check_level(); !s) return s;
    auto spec = parse_spec(text);
    if (!spec) return spec;
    if (spec->kind != IndexKind::hnsw && spec->kind != IndexKind::ivf) {
        return Error{ErrorCode::unsupported, "spec '" + std::string(text) +
                                                 "': expected one that grows, HNSW<M> with M from 2 to 256 or "
                                                 "IVF<lists> with the codes Flat, FP16, BF16 or SQ8"};
    }
    if (spec->fine || spec->transform || spec->soar || is_relative(spec->codec)) {
        Spec instead = *spec;
        instead.soar = false;
        instead.fine.reset();
        instead.transform.reset();
        if (is_relative(instead.codec)) static_cast<CodeSpec&>(instead) = {};
        return Error{ErrorCode::unsupported, "spec '" + std::string(text) +
                                                 "': expected one that grows, which trained codes, transforms, "
                                                 "refinements and second lists do not; '" +
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

/// The frozen graph over that codec, if the index is one.
template <Codec C>
const HnswIndex<C>* graph_in(const Index& frozen) noexcept {
    const auto* model = dynamic_cast<const IndexModelOf<HnswIndex<C>>*>(&frozen.model());
    return model == nullptr ? nullptr : &model->index();
}

/// The frozen lists over that codec and coarse index, if the index is these.
template <Codec C, SearchIndex Coarse>
const IvfIndex<C, Coarse>* lists_in(const Index& frozen) noexcept {
    const auto* model = dynamic_cast<const IndexModelOf<IvfIndex<C, Coarse>>*>(&frozen.model());
    return model == nullptr ? nullptr : &model->index();
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
    if (const auto* graph = graph_in<Flat<AnyMetric>>(frozen)) return detail::grow_from(*graph, options);
    if (const auto* graph = graph_in<Sq8<AnyMetric>>(frozen)) return detail::grow_from(*graph, options);
    using FlatLists = FlatIndex<Flat<AnyMetric>>;
    using GraphLists = HnswIndex<Flat<AnyMetric>>;
    if (const auto* lists = lists_in<Flat<AnyMetric>, FlatLists>(frozen)) return detail::grow_from(*lists);
    if (const auto* lists = lists_in<Flat<AnyMetric>, GraphLists>(frozen)) return detail::grow_from(*lists);
    if (const auto* lists = lists_in<Sq8<AnyMetric>, FlatLists>(frozen)) return detail::grow_from(*lists);
    if (const auto* lists = lists_in<Sq8<AnyMetric>, GraphLists>(frozen)) return detail::grow_from(*lists);
    return Error{ErrorCode::unsupported, "expected a frozen index over a metric chosen at run time, got '" +
                                             frozen.spec() + "' over a metric as a type, or one that grows already"};
}

}  // namespace tonari
