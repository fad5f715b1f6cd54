// One query's view of codes: made by a codec, lives in the searcher's scratch. A scorer takes batches, because one
// call per neighbour list or list block is where the indirect call and the multi-row unrolling live.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tonari/codec/codec.hpp>

namespace tonari {

/// Codes that lie one behind another.
struct CodeBlock {
    const std::byte* first = nullptr;
    std::size_t stride = 0;
    std::size_t count = 0;
};

/// Most codes in one scorer call: the largest neighbour list.
inline constexpr std::size_t max_batch = 512;

/// What a scorer lets through: positions in the batch, with what the codes say of their distances. Left
/// uninitialised on purpose: it is written before it is read, on every hop.
struct Survivors {
    std::size_t count = 0;
    std::size_t wanted = 0;  ///< a `scan` may leave out all but so many of its nearest and few others; 0: none
    std::array<std::uint32_t, max_batch> index;
    std::array<float, max_batch> estimate;
    std::array<float, max_batch> lower;  ///< only a scorer that is `bounded` writes it

    Survivors() noexcept {}  // NOLINT(modernize-use-equals-default): `= default` would zero 6 KiB a query
    void clear() noexcept { count = wanted = 0; }
};

template <class S>
concept Scorer = std::movable<S> && requires(S s, Origin origin, std::span<const std::byte* const> codes,
                                             CodeBlock block, float bound, Survivors& out) {
    {
        S::bounded
    } -> std::convertible_to<bool>;  // writes `out.lower`, which no distance is below; else estimates stand alone
    { s.enter(origin) } noexcept;    // a new list or parent: cheap
    { s.gather(codes, bound, out) } noexcept;  // scattered codes (graphs): emits what may beat the bound
    { s.scan(block, bound, out) } noexcept;    // consecutive codes (lists), at most max_batch
};

}  // namespace tonari
