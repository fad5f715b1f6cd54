// The queries of a batch as a codec prepares them.
#pragma once

#include <cstddef>
#include <memory>

#include <tonari/core/cache_line.hpp>
#include <tonari/core/view.hpp>

namespace tonari {

/// Bytes from one of several prepared queries to the next: each begins a cache line. What `prepare` needs besides is left to the next.
template <class C>
std::size_t query_stride(const C& codec) noexcept {
    std::size_t bytes = codec.query_size();
    if constexpr (requires { codec.prepared_size(); }) bytes = codec.prepared_size();
    return whole_lines(bytes);
}

/// The scorer of a query that the codec has prepared.
template <class C, class Options>
typename C::Scorer scorer_of(const C& codec, const std::byte* prepared, const Options& options) noexcept {
    typename C::Scorer scorer = codec.scorer();
    scorer.set_query(prepared);
    if constexpr (requires { scorer.set_deviations(options.refine); }) scorer.set_deviations(options.refine);
    return scorer;
}

/// They lie one after another.
class PreparedQueries {
public:
    PreparedQueries() noexcept = default;
    /// Throws bad_alloc. Not zeroed: so that asking again and again does not have the system hand out new pages each time.
    template <class C>
    PreparedQueries(const C& codec, std::size_t count)
        : block_(std::make_unique_for_overwrite<std::byte[]>(count * query_stride(codec) + codec.query_size() +
                                                             cache_line - 1)) {}

    /// In their order: the room of one is taken by the next.
    template <class C>
    const std::byte* prepare(const C& codec, std::size_t q, RowView query) noexcept {
        codec.prepare(query, at(codec, q));
        return at(codec, q);
    }

private:
    template <class C>
    [[nodiscard]] std::byte* at(const C& codec, std::size_t q) noexcept {
        return at_cache_line(block_.get()) + q * query_stride(codec);
    }
    std::unique_ptr<std::byte[]> block_;
};

}  // namespace tonari
