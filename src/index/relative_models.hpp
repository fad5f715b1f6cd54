// What specs name by codes that are relative to origins, each instantiated once: in registry_<codec>.cpp, whichever file builds or
// opens it.
#pragma once

#include <tonari/index/refined.hpp>
#include <tonari/index/registry.hpp>

namespace tonari {

// NOLINTBEGIN(bugprone-macro-parentheses): types have none
/// The models over codes `C`, and over indexes of them that are refined: `instantiate template class` each.
#define TONARI_MODELS_OF(instantiate, Inner)                                  \
    instantiate template class IndexModelOf<Inner>;                           \
    instantiate template class IndexModelOf<Refined<Inner, Flat<AnyMetric>>>; \
    instantiate template class IndexModelOf<Refined<Inner, Sq8<AnyMetric>>>;
#define TONARI_RELATIVE_MODELS(instantiate, C)      \
    using C##ByFlat = IvfIndex<C, FlatCoarse<C>>;   \
    using C##ByGraph = IvfIndex<C, GraphCoarse<C>>; \
    TONARI_MODELS_OF(instantiate, FlatIndex<C>)     \
    TONARI_MODELS_OF(instantiate, C##ByFlat)        \
    TONARI_MODELS_OF(instantiate, C##ByGraph)
// NOLINTEND(bugprone-macro-parentheses)

TONARI_RELATIVE_MODELS(extern, FastScan)
TONARI_RELATIVE_MODELS(extern, Pq)
TONARI_RELATIVE_MODELS(extern, Sq4)
TONARI_RELATIVE_MODELS(extern, RaBitQ)
TONARI_MODELS_OF(extern, HnswIndex<Pq>)
TONARI_MODELS_OF(extern, HnswIndex<Sq4>)

}  // namespace tonari
