// The grammar of spec strings, read into a struct with named fields (and back).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tonari/codec/codec.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/index/concepts.hpp>

namespace tonari {

/// Whether codes are relative to origins, and say how wrong they may be: lists and scans compare them, and finer rows may stand
/// behind them.
constexpr bool is_relative(CodecKind kind) noexcept {
    return kind == CodecKind::fast_scan || kind == CodecKind::pq || kind == CodecKind::rabitq || kind == CodecKind::sq4;
}
/// Those of them whose rows lie in blocks, which graphs do not take.
constexpr bool is_in_blocks(CodecKind kind) noexcept {
    return kind == CodecKind::fast_scan || kind == CodecKind::rabitq;
}

/// What rows are stored as.
struct CodeSpec {
    CodecKind codec = CodecKind::flat;
    std::optional<Element> store_as{};  ///< half precision, when a word asks for it; else rows as given
    std::size_t parts = 0;              ///< PQ, of a byte each or with `fast_scan` of 4 bits; 0 with that: RaBitQ
    std::size_t bits = 0;               ///< RaBitQ of more than one bit a value

    friend bool operator==(const CodeSpec&, const CodeSpec&) = default;
};

/// What rows are mapped by before anything else. The values stand in files: never renumber.
enum class TransformKind : std::uint8_t { rotation = 1, pca = 2, opq = 3, turned_pca = 4 };

struct TransformSpec {
    TransformKind kind = TransformKind::rotation;
    std::size_t out = 0;    ///< dimensions of mapped rows; 0: as many as rows have
    std::size_t parts = 0;  ///< OPQ

    friend bool operator==(const TransformSpec&, const TransformSpec&) = default;
};

struct Spec : CodeSpec {
    IndexKind kind = IndexKind::flat;
    std::size_t links = 0;           ///< HNSW, and IVF over graphs: M
    std::size_t lists = 0;           ///< IVF
    std::size_t coarse_links = 0;    ///< IVF: M of a graph over the centroids; 0: Flat
    bool soar = false;               ///< IVF: each row stands in a second list, too
    std::optional<CodeSpec> fine{};  ///< what rows are looked at again by
    std::optional<TransformSpec> transform{};

    friend bool operator==(const Spec&, const Spec&) = default;
};

/// The spec of an index over rows that are stored as `stored` by such a codec. `links` is M, 0 where there is none.
TONARI_API Spec spec_of(IndexKind kind, std::size_t links, Element stored, CodecKind codec);

/// "Flat", "HNSW32", "HNSW32,SQ8", "IVF1024,Flat", "IVF1024,HNSW16", "PCA64,IVF65536_HNSW32,RaBitQ,R(SQ8)", ... (index/build.hpp lists
/// the words).
/// Errors name the word that does not fit and those that would.
TONARI_API Result<Spec> parse_spec(std::string_view text);
TONARI_API std::string to_string(const Spec& spec);

}  // namespace tonari
